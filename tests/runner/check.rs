//! What is said of code that is checked.

use runbay_model::CheckReport;
use runbay_model::Diagnostic;
use runbay_model::Severity;
use runbay_runner::RunnerSettings;

use crate::host::Host;
use crate::host::PLAIN;
use crate::host::compiled;
use crate::host::plain;
use crate::host::program;

/// Checks a program that is its own checker.
async fn checked(script: &str) -> CheckReport {
    Host::open().await.check(&compiled(script)).await
}

fn without_place(message: &str) -> Diagnostic {
    Diagnostic { file: None, line: None, column: None, severity: Severity::Error, message: message.to_owned() }
}

#[tokio::test]
async fn what_a_checker_finds_is_told_whatever_its_exit_code() {
    let script = "echo 'lib/a:7: warning: odd' >&2; echo ignored; echo './main.script:2: error: bad'; exit $(cat code)";
    for code in ["0", "1"] {
        let input = program("compiled", &[("main.script", script), ("code", code)]);
        let report = Host::open().await.check(&input).await;
        let of = |file: &str, line, severity, message: &str| Diagnostic {
            file: Some(file.to_owned()),
            line: Some(line),
            severity,
            ..without_place(message)
        };
        assert_eq!(
            report.diagnostics,
            [of("lib/a", 7, Severity::Warning, "odd"), of("main.script", 2, Severity::Error, "bad")]
        );
        assert_eq!(report.message, None);
    }
}

#[tokio::test]
async fn a_checker_that_is_content_says_nothing() {
    assert_eq!(checked("echo fine").await, CheckReport::default());
}

#[tokio::test]
async fn a_checker_that_cannot_be_read_is_no_success() {
    assert_eq!(checked("echo; echo ' odd '; exit 2").await.diagnostics, [without_place("odd")]);
    let silent = checked("exit 2").await;
    assert_eq!(silent.diagnostics, [without_place("The checker ended with exit code 2.")]);
}

#[tokio::test]
async fn a_checker_that_is_stopped_says_what_it_found_before() {
    let report = checked("echo 'a:1: error: bad'; kill -ABRT $$").await;
    assert_eq!(report.message.as_deref(), Some("The checker was ended by the signal SIGABRT."));
    assert_eq!(report.diagnostics.len(), 1);
    let loud = checked("seq 99999 | sed 's/.*/a:&: error: bad/'").await;
    assert_eq!(loud.message.as_deref(), Some("The checker wrote more than 64 KiB and was stopped."));
    assert_eq!(loud.diagnostics.len(), 200);
}

#[tokio::test]
async fn what_is_said_twice_is_told_once() {
    let report = checked("for word in bad bad worse bad; do echo \"a:1: error: $word\"; done").await;
    let messages: Vec<_> = report.diagnostics.iter().map(|diagnostic| &*diagnostic.message).collect();
    assert_eq!(messages, ["bad", "worse"]);
}

#[tokio::test]
async fn there_are_not_too_many_diagnostics() {
    let report = checked("seq 201 | sed 's/.*/a:&: error: bad/'").await;
    assert_eq!(report.diagnostics.len(), 200);
    assert_eq!(report.message.as_deref(), Some("There are more than 200 diagnostics; these are the first."));
}

#[tokio::test]
async fn a_language_without_a_checker_says_so() {
    let report = Host::open().await.check(&plain("echo 1")).await;
    assert_eq!(report.message.as_deref(), Some("There is no checker for Plain."));
    assert_eq!(report.diagnostics, []);
}

/// Its program is missing, or a part of it that only shows when it is asked for its version.
#[tokio::test]
async fn a_language_whose_checker_is_missing_is_offered_without_one() {
    let absent = r#"argv = ["no-such-checker", "{sources}"]"#;
    let broken = "argv = [\"sh\", \"{sources}\"]\nversion = [\"sh\", \"-c\", \"exit 1\"]";
    for (checker, why) in [(absent, "no-such-checker was not found"), (broken, "failed when asked for its version")] {
        let recipe = format!("{PLAIN}\n[check]\n{checker}\npattern = '(?P<message>.*)'");
        let host = Host::open_for(&[&recipe], RunnerSettings::default()).await;
        assert!(!host.runner.catalog().languages()[0].has_checker, "{checker}");
        let unchecked: Vec<_> = host.runner.unchecked().collect();
        assert!(unchecked.len() == 1 && unchecked[0].why.contains(why), "{unchecked:?}");
        assert_eq!(host.said(&plain("echo 1")).await, "1\n");
        let report = host.check(&plain("echo 1")).await;
        assert_eq!(report.message.as_deref(), Some("There is no checker for Plain."));
    }
}
