//! Variables of a request: they do what they do elsewhere, and what is printed is still kept.

use runbay_model::Fault;
use runbay_model::Verdict;

use crate::host::Host;
use crate::host::Input;

/// A program that shows what its variables did, and then is killed before it could write what it collected.
struct Case {
    language: &'static str,
    environment: &'static [(&'static str, &'static str)],
    /// The entry first.
    files: &'static [(&'static str, &'static str)],
    stdout: &'static str,
}

const CASES: &[Case] = &[
    Case {
        language: "python",
        environment: &[("PYTHONPATH", "lib:/box/more")],
        files: &[
            (
                "main.py",
                "import os, signal, sys, helper, other\n\
                 print(helper.name, other.name, os.environ['PYTHONPATH'], sys.path[:3])\n\
                 print([path for path in (*sys.path, *sys.path_importer_cache) if 'runbay' in path])\n\
                 os.kill(os.getpid(), signal.SIGKILL)\n",
            ),
            ("lib/helper.py", "name = 'from lib'\n"),
            ("more/other.py", "name = 'from more'\n"),
        ],
        stdout: "from lib from more lib:/box/more ['/box', '/box/lib', '/box/more']\n[]\n",
    },
    Case {
        language: "python",
        environment: &[("PYTHONPATH", "")],
        files: &[(
            "main.py",
            "import os, signal, sys\nprint(os.environ.get('PYTHONPATH'), sys.path.count('/box'))\n\
             os.kill(os.getpid(), signal.SIGKILL)\n",
        )],
        stdout: "None 1\n",
    },
    Case {
        language: "python",
        environment: &[("PYTHONPATH", "lib"), ("PYTHONSAFEPATH", "1"), ("PYTHONIOENCODING", "latin-1")],
        files: &[
            (
                "main.py",
                "import os, signal, sys, sitecustomize\n\
                 print(sitecustomize.mark, sys.stdout.encoding, 'sitecustomize' in sys.modules)\n\
                 os.kill(os.getpid(), signal.SIGKILL)\n",
            ),
            ("lib/sitecustomize.py", "print('first')\nmark = 'mine'\n"),
        ],
        stdout: "first\nmine iso8859-1 True\n",
    },
    Case {
        language: "perl",
        environment: &[("PERL5LIB", "more"), ("PERL5OPT", "-Ilib -MHelper")],
        files: &[
            (
                "main.pl",
                "use Other;\nprint \"$Helper::name $Other::name \", scalar(grep { /runbay/ } @INC, keys %INC), \"\\n\";\n\
                 kill 'KILL', $$;\nsleep 60;\n",
            ),
            ("lib/Helper.pm", "package Helper; our $name = 'from lib'; 1;\n"),
            ("more/Other.pm", "package Other; our $name = 'from more'; 1;\n"),
        ],
        stdout: "from lib from more 0\n",
    },
    Case {
        language: "ruby",
        environment: &[("RUBYLIB", "lib"), ("RUBYOPT", "-rhelper")],
        files: &[
            ("main.rb", "puts $name\nProcess.kill(:KILL, $$)\nsleep 60\n"),
            ("lib/helper.rb", "$name = 'from lib'\n"),
        ],
        stdout: "from lib\n",
    },
    Case {
        language: "javascript",
        environment: &[("NODE_OPTIONS", "--require ./lib/helper.js"), ("NODE_PATH", "more")],
        files: &[
            (
                "main.js",
                "console.log(globalThis.mine, require('other'), 'x'.repeat(100_000).length);\n\
                 process.kill(process.pid, 'SIGKILL');\n",
            ),
            ("lib/helper.js", "globalThis.mine = 'from lib';\n"),
            ("more/other.js", "module.exports = 'from more';\n"),
        ],
        stdout: "from lib from more 100000\n",
    },
    Case {
        language: "lua",
        environment: &[("LUA_INIT", "name = 'from init'"), ("LUA_PATH", "more/?.lua;;")],
        files: &[
            (
                "main.lua",
                "print(name, require('other'))\n\
                 local status = io.open('/proc/self/stat'):read('n')\nos.execute('kill -KILL ' .. status)\n",
            ),
            ("more/other.lua", "return 'from more'\n"),
        ],
        stdout: "from init\tfrom more\tmore/other.lua\n",
    },
    Case {
        language: "c",
        environment: &[("LD_PRELOAD", "libm.so.6"), ("LD_BIND_NOW", "1")],
        files: &[(
            "main.c",
            "#include <signal.h>\n#include <stdio.h>\n#include <stdlib.h>\n\
             int main(void) { puts(getenv(\"LD_PRELOAD\")); raise(SIGKILL); }\n",
        )],
        stdout: "libm.so.6\n",
    },
    Case {
        language: "bash",
        environment: &[("BASH_ENV", "lib/first.sh")],
        files: &[("main.sh", "echo \"$name\"\nkill -KILL $$\n"), ("lib/first.sh", "name='from lib'\n")],
        stdout: "from lib\n",
    },
    Case {
        language: "php",
        environment: &[("PHP_INI_SCAN_DIR", "/box/conf")],
        files: &[
            ("main.php", "<?php echo ini_get('precision'), \"\\n\"; exec('kill -KILL ' . getmypid());\n"),
            ("conf/own.ini", "precision = 5\n"),
        ],
        stdout: "5\n",
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn variables_of_a_request_work_and_switch_nothing_of_ours_off() {
    let host = Host::open().await;
    for Case { language, environment, files, stdout } in CASES {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (verdict, outcome) = host.run(language, Input { files, environment, ..Input::default() }).await;
        let printed = String::from_utf8_lossy(&outcome.output.stdout);
        assert_eq!(printed, *stdout, "{language}: {outcome:#?}");
        assert_eq!(verdict, Verdict::Failed(Fault::RuntimeError), "{language}: {outcome:#?}");
        assert_eq!(outcome.facts.signal.as_deref(), Some("SIGKILL"), "{language}: {outcome:#?}");
    }
}
