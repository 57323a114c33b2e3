//! What a program printed before it is killed, also the last line without its end.

use runbay_model::LimitOverrides;
use runbay_model::Verdict;

use crate::host::Host;
use crate::host::Input;

/// Programs that print two texts without a line end, and then loop for ever. Rust is not among them, see
/// docs/languages.md.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("python", "main.py", "import sys\nprint('one', end='')\nsys.stdout.write(' two')\nwhile True: pass\n"),
    ("javascript", "main.js", "process.stdout.write('one');\nprocess.stdout.write(' two');\nwhile (true);\n"),
    ("typescript", "main.ts", "process.stdout.write('one');\nprocess.stdout.write(' two');\nwhile (true);\n"),
    (
        "java",
        "Main.java",
        "class Main {\n    public static void main(String[] args) {\n        System.out.print(\"one\");\n\
         System.out.printf(\" %s\", \"two\");\n        while (true);\n    }\n}\n",
    ),
    (
        "c",
        "main.c",
        "#include <stdio.h>\nint main(void) {\n    printf(\"one\");\n    putchar(' ');\n    fputs(\"two\", stdout);\n\
         for (volatile int n = 0;;) n++;\n}\n",
    ),
    (
        "cpp",
        "main.cpp",
        "#include <cstdio>\n#include <iostream>\nint main() {\n    std::cout << \"one\" << ' ';\n    std::printf(\"two\");\n\
         for (volatile int n = 0;;) n = n + 1;\n}\n",
    ),
    (
        "go",
        "main.go",
        "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Print(\"one\", \" two\")\n\tfor {\n\t}\n}\n",
    ),
    ("ruby", "main.rb", "print 'one'\n$stdout.write ' two'\nloop {}\n"),
    ("php", "main.php", "<?php echo 'one'; print ' two'; while (true);\n"),
    ("bash", "main.sh", "printf one\necho -n ' two'\nwhile :; do :; done\n"),
    ("perl", "main.pl", "print 'one'; printf ' %s', 'two'; 1 while 1;\n"),
    ("lua", "main.lua", "io.write('one')\nio.stdout:write(' two')\nwhile true do end\n"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_last_line_without_its_end_is_kept() {
    let host = Host::open().await;
    for (language, entry, code) in PROGRAMS {
        let limits = LimitOverrides { cpu_time_ms: Some(800), ..LimitOverrides::default() };
        let files = vec![((*entry).to_owned(), code.as_bytes().to_vec())];
        let (verdict, outcome) = host.run(language, Input { files, limits, ..Input::default() }).await;
        let printed = String::from_utf8_lossy(&outcome.output.stdout);
        assert!(matches!(verdict, Verdict::TimedOut(_)) && printed == "one two", "{language}: {outcome:#?}");
    }
}

/// Python's standard error, and a program in Python that another one starts.
#[tokio::test(flavor = "multi_thread")]
async fn all_that_python_writes_is_kept() {
    let host = Host::of("python").await;
    let code = "import subprocess, sys\nsys.stderr.write('prompt: ')\nprint('one', end=' ', file=sys.stderr)\n\
        subprocess.run([sys.executable, '-c', 'print(1, end=\"\")\\nwhile True: pass'])\n";
    for environment in [vec![], vec![("PYTHONUNBUFFERED".to_owned(), "1".to_owned())]] {
        let limits = LimitOverrides { cpu_time_ms: Some(800), ..LimitOverrides::default() };
        let files = vec![("main.py".to_owned(), code.as_bytes().to_vec())];
        let (verdict, outcome) = host.run("python", Input { files, limits, environment, ..Input::default() }).await;
        let printed = (&outcome.output.stdout[..], &outcome.output.stderr[..]);
        assert!(matches!(verdict, Verdict::TimedOut(_)) && printed == (b"1", b"prompt: one "), "{outcome:#?}");
    }
}

/// A prompt is there while the program waits for the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_kept() {
    let host = Host::open().await;
    for (language, entry, code) in [
        (
            "c",
            "main.c",
            "#include <stdio.h>\nint main(void) { int n; printf(\"n? \"); scanf(\"%d\", &n); *(volatile int *) 0 = n; }\n",
        ),
        (
            "cpp",
            "main.cpp",
            "#include <iostream>\nint main() { int n; std::cout << \"n? \"; std::cin >> n; *(volatile int *) 0 = n; }\n",
        ),
        (
            "python",
            "main.py",
            "import os, signal\nprint('n?', end=' ')\ninput()\nos.kill(os.getpid(), signal.SIGSEGV)\n",
        ),
        ("lua", "main.lua", "io.write('n? ')\nio.read()\nos.execute('kill -SEGV $PPID')\n"),
    ] {
        let files = vec![(entry.to_owned(), code.as_bytes().to_vec())];
        let (_, outcome) = host.run(language, Input { files, stdin: b"7\n".to_vec(), ..Input::default() }).await;
        let printed = String::from_utf8_lossy(&outcome.output.stdout);
        assert!(outcome.facts.signal.as_deref() == Some("SIGSEGV") && printed == "n? ", "{language}: {outcome:#?}");
    }
}
