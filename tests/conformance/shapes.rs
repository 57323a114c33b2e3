//! Programs in the many shapes in which learners write them.

use runbay_model::Fault;
use runbay_model::Outcome;
use runbay_model::Verdict;

use crate::expectations::LANGUAGES;
use crate::host::Host;
use crate::host::Input;
use crate::programs::files;

/// Runs a program of files with their contents.
pub(crate) async fn run(host: &Host, language: &str, files: &[(&str, &str)]) -> (Verdict, Outcome) {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    host.run(language, Input { files, ..Input::default() }).await
}

/// Runs a program that has to end well and to print this.
pub(crate) async fn assert_prints(host: &Host, language: &str, files: &[(&str, &str)], expected: &str) {
    let (verdict, outcome) = run(host, language, files).await;
    let printed = String::from_utf8_lossy(&outcome.output.stdout);
    assert!(verdict == Verdict::Completed && printed == expected, "{files:?}\n{verdict:?} {outcome:#?}");
}

/// Returns what the compiler says of code that it must refuse.
pub(crate) async fn refused(host: &Host, language: &str, files: &[(&str, &str)]) -> String {
    let (verdict, outcome) = run(host, language, files).await;
    assert_eq!(verdict, Verdict::Failed(Fault::CompileError), "{files:?}\n{outcome:#?}");
    String::from_utf8_lossy(&outcome.output.compile_output.unwrap_or_default()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_session_starts_with_hello() {
    let host = Host::open().await;
    for language in LANGUAGES {
        let hello = files(language, "hello").remove(0).1;
        assert_eq!(host.template(language.id), String::from_utf8(hello).unwrap(), "{}", language.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_include_is_an_error_also_with_compiled_headers() {
    let host = Host::of("cpp").await;
    let vector = "#include <iostream>\nint main() { std::vector<int> v; }\n";
    let said = refused(&host, "cpp", &[("main.cpp", vector)]).await;
    assert!(said.contains("main.cpp:2:19: error: ‘vector’ is not a member of ‘std’"), "{said}");
    let stream = "#include <vector>\nint main() { std::cout << 1; }\n";
    let said = refused(&host, "cpp", &[("main.cpp", stream)]).await;
    assert!(said.contains("‘cout’ is not a member of ‘std’"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_of_c_programs_includes_nothing() {
    let host = Host::of("c").await;
    let said = refused(&host, "c", &[("main.c", "int main(void) { return EOF; }\n")]).await;
    assert!(said.contains("‘EOF’ undeclared"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn compiled_headers_change_nothing() {
    let host = Host::of("cpp").await;
    let everything = "#include <bits/stdc++.h>\nusing namespace std;\n\
        int main() { map<int, string> m{{1, \"hi\"}}; cout << m[1] << endl; }\n";
    assert_prints(&host, "cpp", &[("main.cpp", everything)], "hi\n").await;
    // A macro that changes the standard library has to be seen by all of it.
    let checked = "#define _GLIBCXX_ASSERTIONS\n#include <iostream>\n#include <vector>\n\
        int main() { std::vector<int> v; std::cout << v[3]; }\n";
    let (verdict, outcome) = run(&host, "cpp", &[("main.cpp", checked)]).await;
    assert_eq!((verdict, outcome.facts.signal.as_deref()), (Verdict::Failed(Fault::RuntimeError), Some("SIGABRT")));
}

#[tokio::test(flavor = "multi_thread")]
async fn go_takes_files_with_and_without_a_module() {
    let host = Host::of("go").await;
    let main = "package main\n\nfunc main() { println2(\"hi\") }\n";
    let other = "package main\n\nimport \"fmt\"\n\nfunc println2(text string) { fmt.Println(text) }\n";
    assert_prints(&host, "go", &[("main.go", main), ("other.go", other)], "hi\n").await;
    assert_prints(&host, "go", &[("app/main.go", main), ("app/other.go", other)], "hi\n").await;
    let module = ("go.mod", "module example.com/app\n\ngo 1.19\n");
    assert_prints(&host, "go", &[("cmd/main.go", main), ("cmd/other.go", other), module], "hi\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_file_of_a_compiled_language_may_have_any_name() {
    let part = "#define HI \"hi\"\nint part() { return 1; }\n";
    for (language, code, part_name) in [
        ("c", "#include <stdio.h>\n#include \"part.c\"\nint main(void) { puts(HI); }\n", "part.c"),
        ("cpp", "#include <iostream>\n#include \"part.cpp\"\nint main() { std::cout << HI << '\\n'; }\n", "part.cpp"),
        ("go", "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hi\") }\n", "unused"),
        ("rust", "fn main() { println!(\"hi\"); }\n", "unused"),
    ] {
        let host = Host::of(language).await;
        for (name, folder) in [("program", ""), ("my code.txt", ""), ("src/app.v2", "src/")] {
            let files = [(name, code), (&*format!("{folder}{part_name}"), part)];
            assert_prints(&host, language, &files, "hi\n").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript_has_both_kinds_of_modules() {
    let host = Host::of("typescript").await;
    let common =
        "const fs = require(\"fs\");\nenum Color { Red, Green }\nconsole.log(Color.Green, typeof fs.readFileSync);\n";
    assert_prints(&host, "typescript", &[("main.ts", common)], "1 function\n").await;
    let awaits = "import { join } from \"path\";\nconst os = require(\"os\");\n\
        console.log(await Promise.resolve(join(\"a\", \"b\")), typeof os.cpus);\n";
    assert_prints(&host, "typescript", &[("main.ts", awaits)], "a/b function\n").await;
    let beside =
        "import { readFileSync } from \"fs\";\nconsole.log(readFileSync(__dirname + \"/data.txt\", \"utf8\"));\n";
    assert_prints(&host, "typescript", &[("main.ts", beside), ("data.txt", "hi")], "hi\n").await;
    let own = "import { createRequire } from \"module\";\nconst require = createRequire(import.meta.url);\n\
        await null;\nconsole.log(typeof require(\"os\").cpus, import.meta.url);\n";
    assert_prints(&host, "typescript", &[("src/main.ts", own)], "function file:///box/src/main.ts\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_in_a_message_are_no_lack_of_memory() {
    let host = Host::open().await;
    for (language, file, code) in [
        ("python", "main.py", "raise ValueError('this is not a MemoryError')\n"),
        ("python", "main.py", "import sys\nsys.exit('MemoryError\\nis what it is not')\n"),
        (
            "java",
            "Main.java",
            "class Main { public static void main(String[] a) { \
            throw new IllegalStateException(\"java.lang.OutOfMemoryError: Java heap space\"); } }",
        ),
        ("ruby", "main.rb", "raise 'failed to allocate memory (NoMemoryError)'\n"),
        ("lua", "main.lua", "error('not enough memory')\n"),
        ("php", "main.php", "<?php fwrite(STDERR, 'no: Allowed memory size of 1 bytes exhausted'); exit(255);\n"),
        ("perl", "main.pl", "print STDERR \"not: Out of memory!\\n\"; exit 1;\n"),
        ("bash", "main.sh", "echo 'disk: cannot allocate 5 bytes' >&2; exit 2\n"),
        ("go", "main.go", "package main\nfunc main() { panic(\"fatal error: runtime: out of memory\") }\n"),
    ] {
        let (verdict, outcome) = run(&host, language, &[(file, code)]).await;
        assert_eq!(verdict, Verdict::Failed(Fault::RuntimeError), "{language}: {outcome:#?}");
    }
}
