use runbay_model::Attempt;
use runbay_model::End;
use runbay_model::Fault;
use runbay_model::LanguageId;
use runbay_model::RunInput;
use runbay_model::TenantId;
use runbay_model::Verdict;
use serde_json::Value;
use serde_json::json;

use super::*;

const OUTCOME_MEMBERS: [&str; 13] = [
    "reason",
    "message",
    "exit_code",
    "signal",
    "stdout",
    "stderr",
    "compile_output",
    "stdout_truncated",
    "stderr_truncated",
    "execution_time_ms",
    "cpu_time_ms",
    "memory_bytes",
    "compile_time_ms",
];

fn execution(state: State, outcome: Option<Outcome>) -> Execution {
    Execution {
        id: "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f".parse().unwrap(),
        tenant: TenantId::default(),
        session: None,
        input: RunInput {
            language: LanguageId::new("python"),
            source_code: "print(1)".to_owned(),
            stdin: Vec::new(),
            args: Vec::new(),
        },
        state,
        outcome,
        created_at: Timestamp::from_micros(0),
        queued_at: Timestamp::from_micros(0),
        started_at: None,
        completed_at: None,
    }
}

fn shown(execution: Execution, query: &str, prefix: Prefix) -> Value {
    let uri = format!("/?{query}").parse().unwrap();
    let query = axum::extract::Query::<ExecutionQuery>::try_from_uri(&uri).unwrap().0;
    serde_json::to_value(ExecutionBody::new(execution, &query, prefix)).unwrap()
}

fn ended(end: End) -> State {
    State::Ended { attempt: Attempt(1), end }
}

#[test]
fn an_outcome_is_absent_until_the_end() {
    let body = shown(execution(State::Running { attempt: Attempt(2) }, None), "", Prefix::Api);
    assert_eq!(body["status"], "RUNNING");
    assert_eq!(body["attempt"], 2);
    for member in OUTCOME_MEMBERS.into_iter().chain(["executionTime", "source_code"]) {
        assert_eq!(body.get(member), None, "{member}");
    }
    for member in ["session_id", "queue_time_ms", "started_at", "completed_at"] {
        assert_eq!(body[member], Value::Null, "{member}");
    }
}

#[test]
fn an_end_without_a_result_has_every_member() {
    let body = shown(execution(ended(End::Cancelled), None), "", Prefix::Root);
    for member in OUTCOME_MEMBERS {
        assert!(body.get(member).is_some(), "{member}");
    }
    assert_eq!(body["reason"], "cancelled");
    assert_eq!(body["message"], "The execution was cancelled before it ended.");
    assert_eq!((&body["stdout"], &body["stderr"]), (&json!(""), &json!("")));
    assert_eq!(body["exit_code"], Value::Null);
    assert_eq!(body.get("executionTime"), None);
}

#[test]
fn under_api_the_time_is_there_twice() {
    let outcome = Outcome { execution_time: Some(Duration::from_micros(14_900)), ..Outcome::default() };
    let ended = execution(ended(End::Judged(Verdict::Completed)), Some(outcome));
    let body = shown(ended.clone(), "", Prefix::Api);
    assert_eq!(body["execution_time_ms"], 14);
    assert_eq!(body["executionTime"], 14);
    let unknown = Execution { outcome: None, ..ended };
    assert_eq!(shown(unknown, "", Prefix::Api).get("executionTime"), Some(&Value::Null));
}

#[test]
fn the_query_chooses_encoding_and_source() {
    let outcome = Outcome { stdout: b"a\xff".to_vec(), exit_code: Some(3), ..Outcome::default() };
    let ended = execution(ended(End::Judged(Verdict::Failed(Fault::RuntimeError))), Some(outcome));
    assert_eq!(shown(ended.clone(), "", Prefix::Root)["stdout"], "a\u{fffd}");
    let body = shown(ended, "encoding=base64&include=source", Prefix::Root);
    assert_eq!(body["stdout"], "Yf8=");
    assert_eq!(body["source_code"], "print(1)");
    assert_eq!(body["reason"], "runtime_error");
}
