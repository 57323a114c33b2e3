//! What the checkers say of the programs that are broken, and of those that are not.

use runbay_model::Severity;

use crate::expectations::LANGUAGES;
use crate::host::Host;
use crate::programs::files;

/// What is said first of `broken`: language, line, column, and words of the message.
const FIRST_WORDS: &[(&str, u32, Option<u32>, &str)] = &[
    ("python", 5, Some(6), "'(' was never closed"),
    ("javascript", 5, Some(21), "SyntaxError: missing ) after argument list"),
    ("typescript", 5, Some(22), "TS1005: ')' expected."),
    ("java", 7, Some(37), "')' expected"),
    ("c", 5, Some(5), "expected ‘,’ or ‘;’ before ‘printf’"),
    ("cpp", 5, Some(5), "expected ‘,’ or ‘;’ before ‘std’"),
    ("go", 6, Some(9), "mismatched types"),
    ("rust", 3, Some(24), "mismatched types"),
    ("ruby", 5, None, "syntax error, unexpected ')'"),
    ("php", 7, None, "syntax error, unexpected token \";\""),
    ("bash", 3, None, "syntax error near unexpected token `done'"),
    ("perl", 5, None, "Global symbol \"$summ\" requires explicit package name"),
    ("lua", 4, None, "'end' expected (to close 'function' at line 1) near 'print'"),
];

/// The only language without a checker: SQLite has none but running the script.
const WITHOUT: &str = "sql";

#[tokio::test(flavor = "multi_thread")]
async fn broken_code_is_pointed_at_and_honest_code_is_not() {
    let host = Host::open().await;
    let mut complaints = Vec::new();
    for language in LANGUAGES {
        let broken = host.check(language.id, files(language, "broken")).await;
        if language.id == WITHOUT {
            assert!(broken.message.is_some(), "{broken:?}");
            continue;
        }
        let (_, line, column, words) = FIRST_WORDS.iter().find(|(id, ..)| *id == language.id).expect("each is listed");
        let as_expected = broken.diagnostics.first().is_some_and(|first| {
            first.file.as_deref() == Some(language.entry)
                && first.line == Some(*line)
                && first.column == *column
                && first.severity == Severity::Error
                && first.message.contains(words)
        });
        if !as_expected {
            complaints.push(format!("{}: {broken:#?}", language.id));
        }
        let honest = host.check(language.id, files(language, "import")).await;
        if honest.message.is_some() || !honest.diagnostics.is_empty() {
            complaints.push(format!("{} has nothing to complain about: {honest:#?}", language.id));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n\n"));
}

/// Returns what is told of one file, as `line severity message` each.
async fn findings(host: &Host, language: &str, code: &str) -> Vec<(u32, Severity, String)> {
    let entry = LANGUAGES.iter().find(|known| known.id == language).expect("the language is known").entry;
    let report = host.check(language, vec![(entry.to_owned(), code.as_bytes().to_vec())]).await;
    assert_eq!(report.message, None, "{language}");
    report
        .diagnostics
        .into_iter()
        .map(|found| (found.line.unwrap_or_default(), found.severity, found.message))
        .collect()
}

/// Code, and what is told of it: line, severity, words of the message.
type Told<'a> = (&'a str, &'a str, &'a [(u32, Severity, &'a str)]);

async fn assert_told(cases: &[Told<'_>]) {
    let host = Host::open().await;
    let mut complaints = Vec::new();
    for (language, code, expected) in cases {
        let found = findings(&host, language, code).await;
        let fits = found.len() == expected.len()
            && found.iter().zip(*expected).all(|((line, severity, message), (at, like, words))| {
                (line, severity) == (at, like) && message.contains(words)
            });
        if !fits {
            complaints.push(format!("{language}\n{code}\n{found:#?}"));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_keep_a_program_from_running_is_a_warning() {
    use Severity::Error;
    use Severity::Warning;
    assert_told(&[
        ("python", "import os\n\nprint('fine')\n", &[(1, Warning, "'os' imported but unused")]),
        ("python", "def f():\n    x = 1\n", &[(2, Warning, "'x' is assigned to but never used")]),
        (
            "python",
            "from os import *\nprint(getcwd())\n",
            &[(1, Warning, "unable to"), (2, Warning, "may be undefined")],
        ),
        (
            "python",
            "if (1, 2):\n    print(f'x', 'y'.format(1))\n",
            &[(1, Warning, "always true"), (2, Warning, "missing placeholders"), (2, Warning, "unused arguments")],
        ),
        (
            "python",
            "x = {'a': 1, 'a': 2}\nprint(x is 'a')\n",
            &[
                (1, Warning, "repeated with different"),
                (1, Warning, "repeated with different"),
                (2, Warning, "use ==/!="),
            ],
        ),
        (
            "python",
            "def f(a):\n    print(a)\n\ndef f(b):\n    print(b)\n",
            &[(4, Warning, "redefinition of unused 'f'")],
        ),
        ("python", "__all__ = ['nope']\n", &[(1, Warning, "undefined name 'nope' in __all__")]),
        (
            "python",
            "print(nowhere)\nraise NotImplemented\n",
            &[(1, Error, "undefined name"), (2, Error, "NotImplemented")],
        ),
        (
            "python",
            "print('%d %d' % (1,))\nprint('{} {}'.format(1))\n",
            &[(1, Error, "placeholder"), (2, Error, "missing")],
        ),
        (
            "perl",
            "use strict; use warnings;\nmy $x = 1;\nmy $x = 2;\nprint (1+2)*3;\n",
            &[
                (3, Warning, "masks earlier declaration"),
                (4, Warning, "interpreted as function"),
                (4, Warning, "Useless use of multiplication"),
            ],
        ),
        (
            "perl",
            "use strict;\nif (my $x = 1) { }\nprint $y;\n",
            &[(2, Warning, "Found = in conditional"), (3, Error, "Global symbol \"$y\"")],
        ),
        ("ruby", "def f\n  return 1\n  puts 2\nend\n", &[(3, Warning, "statement not reached")]),
        (
            "php",
            "<?php\nfunction f($a = 1, $b) {}\nswitch (1) { case 1: continue; }\n",
            &[(2, Warning, "Optional parameter"), (3, Warning, "\"continue\" targeting switch")],
        ),
        ("bash", "cat <<X\nfoo\n", &[(2, Warning, "here-document at line 1")]),
        (
            "go",
            "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Printf(\"%d\\n\", \"x\")\n}\n",
            &[(6, Warning, "wrong type string")],
        ),
        ("c", "int main(void) {\n    int x;\n    return 0;\n}\n", &[(2, Warning, "unused variable")]),
        ("cpp", "int main() {\n    int x;\n}\n", &[(2, Warning, "unused variable")]),
        (
            "java",
            "import java.util.*;\n\nclass Main {\n    List x = new ArrayList<String>();\n}\n",
            &[(4, Warning, "rawtypes")],
        ),
        ("rust", "fn main() {\n    let x = 1;\n}\n", &[(2, Warning, "unused variable")]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn types_are_checked_with_those_of_node() {
    use Severity::Error;
    use Severity::Warning;
    assert_told(&[
        ("typescript", "const n: number = \"one\";\n", &[(1, Error, "TS2322")]),
        ("typescript", "nowhere(1);\n", &[(1, Error, "TS2304")]),
        ("typescript", "import { readFil } from \"fs\";\nreadFil();\n", &[(1, Error, "TS2724")]),
        ("typescript", "import x from \"./absent\";\nx();\n", &[(1, Error, "TS2307")]),
        ("typescript", "const size: string = Buffer.from(\"x\").length;\n", &[(1, Error, "TS2322")]),
        ("typescript", "console.log(document.title);\n", &[(1, Error, "TS2584")]),
        ("typescript", "let x = [1].toSorted().foo;\n", &[(1, Error, "TS2339")]),
        ("typescript", "export const f = (a) => a;\n", &[(1, Warning, "TS7006")]),
        ("typescript", "console.log(\"a\".match(/a/)[0]);\n", &[(1, Warning, "TS2531")]),
        ("typescript", "console.log(Object.keys ? 1 : 2);\n", &[(1, Warning, "TS2774")]),
        ("typescript", "class A { x: number }\nnew A();\n", &[(1, Warning, "TS2564")]),
        ("typescript", "let x: string | undefined;\nconst f = () => { x = \"\"; };\nf();\n", &[]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_that_the_compiler_tells_are_told() {
    use Severity::Error;
    let many = |line: &dyn Fn(u32) -> String| (1..=120).map(line).collect::<String>();
    let host = Host::open().await;
    let go = format!("package main\n\nfunc main() {{\n{}}}\n", many(&|n| format!("\tx{n} := {n}\n")));
    let java = format!("class Main {{\n{}}}\n", many(&|n| format!("    int x{n} = \"{n}\";\n")));
    let c = format!("int main(void) {{\n{}}}\n", many(&|n| format!("    x{n} = {n};\n")));
    let rust = format!("fn main() {{\n{}}}\n", many(&|n| format!("    x{n}();\n")));
    let typescript = many(&|n| format!("const x{n}: string = {n};\n"));
    let python = many(&|n| format!("x{n}()\n"));
    for (language, code) in [
        ("go", go),
        ("java", java),
        ("c", c.clone()),
        ("cpp", c),
        ("rust", rust),
        ("typescript", typescript),
        ("python", python),
    ] {
        let errors = findings(&host, language, &code).await.iter().filter(|found| found.1 == Error).count();
        assert_eq!(errors, 120, "{language}");
    }
    let syntax = format!("package main\n\n{}", many(&|n| format!("func f{n}() {{ x := := 1 }}\n")));
    assert_eq!(findings(&host, "go", &syntax).await.len(), 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_source_file_is_checked() {
    let host = Host::open().await;
    for (language, entry, other, code) in [
        ("javascript", "main.js", "lib/other.js", "let a = ;\n"),
        ("ruby", "main.rb", "lib/other.rb", "def f(\n"),
        ("php", "main.php", "lib/other.php", "<?php\n$a = ;\n"),
        ("bash", "main.sh", "lib/other.sh", "if true; do\n"),
        ("lua", "main.lua", "lib/other.lua", "local a = = 1\n"),
    ] {
        let files = [(entry, code), (other, code)].map(|(name, code)| (name.to_owned(), code.as_bytes().to_vec()));
        let report = host.check(language, files.to_vec()).await;
        for name in [entry, other] {
            assert!(report.diagnostics.iter().any(|found| found.file.as_deref() == Some(name)), "{report:#?}");
        }
    }
}
