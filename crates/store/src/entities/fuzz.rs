//! Documents of another version, or that somebody has changed by hand.

use proptest::prelude::*;
use runbay_testkit::damage;

use super::documents::SourceColumns;
use super::documents::environment_document;
use super::documents::limits_document;
use super::documents::plan_document;
use super::documents::read_environment;
use super::documents::read_limits;
use super::documents::read_plan;
use super::documents::read_results;
use super::documents::results_document;

const ENVIRONMENT: &str = r#"{"A":"1","LANG":"cs"}"#;
const LIMITS: &str = r#"{"wall_time_ms":1000,"memory_bytes":1048576}"#;
const FILES: &str = r#"[{"name":"lib/a.py","content":"cHJpbnQoMSk="},{"name":"b","content":""}]"#;

const PLAN: &str = r#"{"cases":[{"name":"first","stdin":"MQ==","args":["YQ=="],"expected_stdout":"MQo=","match":"exact"},
    {"stdin":"","args":[],"expected_stdout":"","match":"regex"}],"stop_on_failure":true}"#;
const RESULTS: &str = r#"[{"name":"first","verdict":"error","reason":"memory_limit","exit_code":-1,"stdout":"MQ==",
    "stderr":"","stdout_truncated":true,"stderr_truncated":false}]"#;

/// What is read is written in a form that is read as the same; returns whether it was read at all.
fn is_stable<T: std::fmt::Debug, E>(
    text: &str,
    read: impl Fn(&str) -> Result<T, E>,
    write: impl Fn(T) -> String,
) -> bool {
    let Ok(value) = read(text) else { return false };
    let shown = format!("{value:?}");
    let again = read(&write(value)).unwrap_or_else(|_| panic!("{shown} cannot be read again"));
    assert_eq!(format!("{again:?}"), shown);
    true
}

fn environment(text: &str) -> bool {
    is_stable(
        text,
        |text| read_environment(Some(text)),
        |value| environment_document(&value).unwrap_or("{}".to_owned()),
    )
}

fn limits(text: &str) -> bool {
    is_stable(text, |text| read_limits(Some(text)), |value| limits_document(&value).unwrap_or("{}".to_owned()))
}

proptest! {
    #[test]
    fn a_damaged_environment_is_an_error_or_an_environment(damage in damage()) {
        prop_assert!(environment(ENVIRONMENT));
        environment(&damage.of_text(ENVIRONMENT));
    }

    #[test]
    fn damaged_limits_are_an_error_or_limits(damage in damage()) {
        prop_assert!(limits(LIMITS));
        limits(&damage.of_text(LIMITS));
    }

    #[test]
    fn damaged_files_are_an_error_or_files(name in "[a-c./]{0,8}", damage in damage()) {
        let columns = |others: String| SourceColumns {
            source_code: String::new(), entry_name: Some(name.clone()), other_files: Some(others),
        };
        if let Ok(sources) = columns(damage.of_text(FILES)).into_sources("runs") {
            let names = sources.others().iter().map(|file| &file.name).chain(sources.entry_name());
            for name in names {
                prop_assert!(!name.as_str().split('/').any(|part| ["", ".", ".."].contains(&part)), "{}", name);
            }
        }
    }

    #[test]
    fn a_damaged_plan_is_an_error_or_a_plan(damage in damage()) {
        prop_assert!(is_stable(PLAN, read_plan, |plan| plan_document(&plan)));
        is_stable(&damage.of_text(PLAN), read_plan, |plan| plan_document(&plan));
    }

    #[test]
    fn damaged_results_are_an_error_or_results(damage in damage()) {
        prop_assert!(is_stable(RESULTS, read_results, |results| results_document(&results)));
        is_stable(&damage.of_text(RESULTS), read_results, |results| results_document(&results));
    }
}
