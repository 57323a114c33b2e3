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
