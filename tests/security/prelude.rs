//! Programs that tamper with what runs before them: loaders, interpreters, and our own files in the bay.
//!
//! All of that runs with the program's rights, so it may only harm the program itself.

use runbay_model::Verdict;
use runbay_sandbox::File;
use runbay_sandbox::ProgramEnd;
use serde_json::json;

use crate::arena::Arena;
use crate::attack::Attack;
use crate::attack::answer;
use crate::attack::text;
use crate::compiler_host::CompilerHost;

/// Says what rights and fds the program has.
const LOOK: &str = "
    import os
    from attack import answer
    status = dict(line.strip().split(':\\t') for line in open('/proc/self/status') if line.startswith(('Cap', 'NoNew', 'Seccomp:')))
    answer(
        user=os.getresuid(), capabilities=sorted({int(status[name], 16) for name in status if name.startswith('Cap')}),
        locks=[status['NoNewPrivs'], status['Seccomp']], shadow=os.path.exists('/etc/shadow'),
        fds=[fd for fd in range(64) if os.path.exists(f'/proc/self/fd/{fd}')], processes=[int(name) for name in os.listdir('/proc') if name.isdigit()],
    )
";

fn nothing_gained() -> serde_json::Value {
    json!({"user": [1000, 1000, 1000], "capabilities": [0], "locks": ["1", "2"], "shadow": false, "fds": [0, 1, 2], "processes": [2]})
}

#[tokio::test]
async fn code_that_the_interpreter_loads_first_gains_nothing() {
    let arena = Arena::open().await;
    for (name, variables) in [
        ("sitecustomize.py", vec![("PYTHONPATH", "/box")]),
        ("usercustomize.py", vec![("PYTHONPATH", "/box"), ("PYTHONUSERBASE", "/box")]),
        ("json.py", vec![]),
        ("breakpoint_hook.py", vec![("PYTHONPATH", "/box"), ("PYTHONBREAKPOINT", "breakpoint_hook.hook")]),
        ("startup.py", vec![("PYTHONSTARTUP", "/box/startup.py"), ("PYTHONINSPECT", "1")]),
    ] {
        let mut attack = Attack::new(LOOK);
        // It leaves its mark, and takes away what a careless prelude would rely on.
        let hostile = "
import builtins, sys
builtins.__import__, real = lambda *words, **names: real(*words, **names), builtins.__import__
def dumps(value): return repr(value).replace(\"'\", '\"').replace('False', 'false').replace('(', '[').replace(')', ']')
def hook(): pass
";
        attack.invocation.job.files.push(File { name: name.into(), content: hostile.as_bytes().to_vec() });
        attack
            .invocation
            .runtime
            .environment
            .extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        assert_eq!(answer(&arena.run(&attack).await), nothing_gained(), "{name}");
    }
    arena.close().await;
}

#[tokio::test]
async fn variables_of_the_loader_gain_nothing() {
    let arena = Arena::open().await;
    for (name, value) in [
        ("LD_PRELOAD", "/box/missing.so"),
        ("LD_PRELOAD", "libm.so.6"),
        ("LD_LIBRARY_PATH", "/box"),
        ("LD_AUDIT", "/box/missing.so"),
        ("LD_BIND_NOW", "1"),
        ("GLIBC_TUNABLES", "glibc.malloc.mxfast=0:glibc.malloc.mxfast=A"),
        ("GCONV_PATH", "/box"),
        ("LOCPATH", "/box"),
        ("MALLOC_CHECK_", "3"),
        ("PYTHONMALLOC", "debug"),
        ("PYTHONWARNINGS", "all:0:antigravity.x:0:0"),
        ("TMPDIR", "/nowhere"),
        ("PATH", ""),
        ("HOME", "/root"),
        ("BASH_ENV", "/box/main.py"),
        ("NODE_OPTIONS", "--require /box/missing.js"),
    ] {
        let mut attack = Attack::new(LOOK);
        attack.invocation.runtime.environment.retain(|(kept, _)| kept != name);
        attack.invocation.runtime.environment.push((name.to_owned(), value.to_owned()));
        assert_eq!(answer(&arena.run(&attack).await), nothing_gained(), "{name}={value}");
    }
    arena.close().await;
}

#[tokio::test]
async fn an_interpreter_that_cannot_start_is_the_programs_own_end() {
    let arena = Arena::open().await;
    for (name, value) in [("PYTHONHOME", "/box"), ("LD_LIBRARY_PATH", "/box"), ("PYTHONIOENCODING", "nonsense")] {
        let mut attack = Attack::new("print('never')");
        // No library, and each interpreter needs this one.
        attack.invocation.job.files.push(File { name: "libc.so.6".into(), content: b"junk".to_vec() });
        attack.invocation.runtime.environment.push((name.to_owned(), value.to_owned()));
        let report = arena.run(&attack).await;
        assert!(matches!(report.end, ProgramEnd::Exited(1 | 127)), "{name}: {}", text(&report));
        assert_eq!((report.stop, report.stdout.as_slice()), (None, &b""[..]), "{name}: {}", text(&report));
    }
    assert_eq!(answer(&arena.run(&Attack::new(LOOK)).await), nothing_gained(), "the next program is none the worse");
    arena.close().await;
}

#[tokio::test]
async fn a_library_of_the_programs_own_runs_with_its_rights() {
    let arena = Arena::open().await;
    // Copies a library under its own name: what is loaded before the program is in its hands.
    let again = format!(
        "
        import glob, os, shutil, sys
        if os.environ.get('LD_PRELOAD') is None:
            shutil.copy(glob.glob('/usr/lib/*/libm.so.6')[0], '/tmp/own.so')
            os.execve(sys.executable, [sys.executable, 'main.py'], {{**os.environ, 'LD_PRELOAD': '/tmp/own.so'}})
        assert '/tmp/own.so' in open('/proc/self/maps').read()
        {}
    ",
        LOOK.trim().replace("\n    ", "\n        ")
    );
    assert_eq!(answer(&arena.run(&Attack::new(&again)).await), nothing_gained());
    arena.close().await;
}

/// The request can add to the path on which our own file is found that each Python program is started with.
#[tokio::test]
async fn pythons_support_file_can_be_replaced_without_gain() {
    let Some(host) = CompilerHost::open("python").await else { return };
    let look = "
import os, sys
print(os.getresuid(), os.path.exists('/etc/shadow'), [fd for fd in range(64) if os.path.exists(f'/proc/self/fd/{fd}')])
print([line.split()[1] for line in open('/proc/self/status') if line.startswith(('CapEff', 'CapBnd', 'NoNew', 'Seccomp:'))])
";
    let hostile = "import builtins, os\nbuiltins.print, real = lambda *words: real('mine', *words), builtins.print\n";
    let files = [("main.py", look), ("sitecustomize.py", hostile)];
    let (verdict, outcome) = host.run_with(&files, &[("PYTHONPATH", "/box")]).await;
    let expected = "mine (1000, 1000, 1000) False [0, 1, 2]\n\
                    mine ['0000000000000000', '0000000000000000', '1', '2']\n";
    assert_eq!(
        (verdict, String::from_utf8_lossy(&outcome.output.stdout).as_ref()),
        (Verdict::Completed, expected),
        "{outcome:?}"
    );
    host.close().await;
}

#[tokio::test]
async fn nodes_options_and_builtins_can_be_replaced_without_gain() {
    let Some(host) = CompilerHost::open("javascript").await else { return };
    let look = "
const fs = require('fs');
const status = fs.readFileSync('/proc/self/status', 'utf8').split('\\n').filter(line => /^(CapEff|CapBnd|NoNew|Seccomp:)/.test(line));
console.log(globalThis.mine, process.getuid(), fs.existsSync('/etc/shadow'), status.map(line => line.split(/\\s+/)[1]).join(' '));
";
    let hostile = "
globalThis.mine = true;
globalThis.parseInt = () => 0;
Object.prototype.isRoot = true;
Array.prototype.push = function () { return 0; };
for (const name of ['setuid', 'setgid', 'setgroups', 'seteuid']) {
    try { process[name](name === 'setgroups' ? [0] : 0); globalThis.mine = name; } catch { }
}
";
    let files = [("main.js", look), ("first.js", hostile), ("package.json", "{\"main\": \"first.js\"}")];
    let (verdict, outcome) = host.run_with(&files, &[("NODE_OPTIONS", "--require /box/first.js")]).await;
    let expected = "true 1000 false 0000000000000000 0000000000000000 1 2\n";
    assert_eq!(
        (verdict, String::from_utf8_lossy(&outcome.output.stdout).as_ref()),
        (Verdict::Completed, expected),
        "{outcome:?}"
    );
    host.close().await;
}
