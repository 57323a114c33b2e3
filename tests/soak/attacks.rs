//! Attack programs and the verdicts that they may have.

use serde_json::Value;
use serde_json::json;

use crate::programs::Program;
use crate::programs::mix;

/// One attack of [`ATTACKS`].
struct Attack {
    code: &'static str,
    /// Status and reason: more than one where several limits are near. Each may run out of wall time on a busy host.
    verdicts: &'static [Verdict],
}

type Verdict = (&'static str, Option<&'static str>);

const COMPLETED: Verdict = ("COMPLETED", None);
const CPU: Verdict = ("TIMEOUT", Some("cpu_time_limit"));
const WALL: Verdict = ("TIMEOUT", Some("wall_time_limit"));
const MEMORY: Verdict = ("FAILED", Some("memory_limit"));
const OUTPUT: Verdict = ("FAILED", Some("output_limit"));
const PROCESSES: Verdict = ("FAILED", Some("process_limit"));
const ERROR: Verdict = ("FAILED", Some("runtime_error"));

/// Whatever a program may do to itself; not among them: worker_lost and internal_error.
const ANY: &[Verdict] = &[COMPLETED, CPU, MEMORY, OUTPUT, PROCESSES, ERROR];

const ATTACKS: &[Attack] = &[
    Attack { code: "while True: pass", verdicts: &[CPU] },
    Attack { code: "import time; time.sleep(60)", verdicts: &[] },
    Attack { code: "import os, signal; os.fork(); os.kill(0, signal.SIGSTOP)", verdicts: &[] },
    Attack { code: "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", verdicts: &[CPU, MEMORY] },
    Attack {
        code: "import threading\nwhile True: threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()",
        verdicts: &[CPU, MEMORY, PROCESSES, ERROR],
    },
    Attack { code: "import os\nwhile True:\n    if os.fork() == 0: os._exit(0)", verdicts: &[PROCESSES, ERROR, CPU] },
    Attack {
        code: "import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.fork()\n    time.sleep(60)",
        verdicts: &[COMPLETED],
    },
    Attack { code: "import os, sys\nos.execv(sys.executable, [sys.executable, 'main.py'])", verdicts: &[CPU] },
    Attack { code: "x = bytearray(1 << 32)\nfor at in range(0, 1 << 32, 4096): x[at] = 1", verdicts: &[MEMORY, ERROR] },
    Attack {
        code: "import os\nfd = os.memfd_create('x')\nwhile True: os.write(fd, b'x' * (1 << 20))",
        verdicts: &[MEMORY, ERROR],
    },
    Attack {
        code: "for n in range(100):\n    with open(f'/tmp/{n}', 'wb') as file: file.write(b'x' * (1 << 20))",
        verdicts: &[MEMORY, ERROR],
    },
    Attack {
        code: "import os\nkept = []\nwhile True:\n    kept.append(os.pipe())\n    os.set_blocking(kept[-1][1], False)\n    os.write(kept[-1][1], b'x' * 65536)",
        verdicts: &[MEMORY, ERROR],
    },
    Attack {
        code: "import socket\nkept = []\nwhile True:\n    kept.append(socket.socketpair())\n    kept[-1][0].setblocking(False)\n    try:\n        while True: kept[-1][0].send(b'x' * 65536)\n    except BlockingIOError: pass",
        verdicts: &[MEMORY, ERROR],
    },
    Attack {
        code: "import mmap\nspace = mmap.mmap(-1, 1 << 38, flags=0x4022, prot=1)\nfor at in range(0, 1 << 38, 1 << 21): space[at]",
        verdicts: &[MEMORY, CPU],
    },
    Attack { code: "import os\nwhile True: os.write(1, b'x' * 65536)", verdicts: &[OUTPUT] },
    Attack { code: "import os\nwhile True: os.write(2, b'\\xf0\\x9f')", verdicts: &[OUTPUT, CPU] },
    Attack { code: "import os\nfor n in range(100_000): os.mkdir(f'/tmp/{n}')", verdicts: &[ERROR] },
    Attack { code: "import os\nkept = [os.open('/dev/null', 0) for _ in range(10_000)]", verdicts: &[ERROR] },
    Attack { code: "import ctypes; ctypes.string_at(8)", verdicts: &[ERROR] },
    Attack { code: "import os; os.kill(os.getpid(), 9)", verdicts: &[ERROR] },
    Attack {
        code: "import os, signal\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nos.kill(-1, 15)\nwhile True: pass",
        verdicts: &[CPU, ERROR],
    },
    Attack { code: "import os\nos.close(0), os.close(1), os.close(2)\nos._exit(0)", verdicts: &[COMPLETED] },
    Attack {
        code: "import socket\nkept = []\ntx = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nwhile True:\n    kept.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))\n    kept[-1].bind(('127.0.0.1', 0))\n    for _ in range(300): tx.sendto(b'x' * 1000, kept[-1].getsockname())",
        verdicts: &[MEMORY, ERROR, CPU],
    },
];

/// Makes system calls by chance, in processes of their own since many do not return.
const CHANCE: &str = "
import ctypes, os, random, resource
random.seed(SEED)
libc = ctypes.CDLL(None)
space = ctypes.create_string_buffer(1 << 16)
address = ctypes.addressof(space)
values = [0, 1, 2, 3, -1, 1 << 12, 1 << 31, address, address + 4096, os.getpid(), 1 << 62]
for _ in range(20):
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        for _ in range(200):
            words = [random.choice(values) if random.random() < 0.8 else random.getrandbits(32) for _ in range(6)]
            libc.syscall(ctypes.c_long(random.randrange(480)), *map(ctypes.c_long, words))
        os._exit(0)
import time
time.sleep(0.5)
";

/// Makes the program of a run: every third one is honest, and every eighth one makes system calls by chance.
pub(crate) fn program(number: usize) -> Program {
    let random = mix(number as u64);
    if number.is_multiple_of(3) {
        return Program::of(number);
    }
    if number.is_multiple_of(8) {
        return attack(CHANCE.replace("SEED", &number.to_string()), ANY);
    }
    let attack_kind = &ATTACKS[usize::try_from(random % ATTACKS.len() as u64).expect("a small number")];
    attack(attack_kind.code.to_owned(), attack_kind.verdicts)
}

fn attack(code: String, verdicts: &[Verdict]) -> Program {
    let expected = |(status, reason): &Verdict| -> Value { json!({"status": status, "reason": reason, "attempt": 1}) };
    Program {
        language: "python",
        code,
        stdin: String::new(),
        limits: Some(json!({
            "wall_time_ms": 3000, "cpu_time_ms": 300, "memory_bytes": 48 << 20, "processes": 24,
            "stdout_bytes": 1 << 18, "stderr_bytes": 1 << 16,
        })),
        expected: verdicts.iter().chain([&WALL]).map(expected).collect(),
    }
}
