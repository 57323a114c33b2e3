use std::time::Duration;

use runbay_model::Attempt;
use runbay_model::End;
use runbay_model::Fault;
use runbay_model::LanguageId;
use runbay_model::Outcome;
use runbay_model::Sources;
use runbay_model::TestResult;
use runbay_model::Verdict;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::face::API;
use crate::face::NATIVE;

const OUTCOME_MEMBERS: [&str; 16] = [
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
    "tests",
    "tests_passed",
    "tests_total",
];

fn execution(state: State, outcome: Option<Outcome>) -> ExecutionReport {
    let (facts, output) = outcome.map(|Outcome { facts, output }| (facts, output)).unzip();
    let summary = ExecutionSummary {
        id: "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f".parse().unwrap(),
        session: None,
        session_version: None,
        language: LanguageId::new("python"),
        state,
        facts,
        created_at: Timestamp::from_micros(0),
        queued_at: Timestamp::from_micros(0),
        started_at: None,
        completed_at: None,
    };
    ExecutionReport { summary, output, tests_total: None }
}

fn shown(report: ExecutionReport, face: &'static Face) -> Value {
    serde_json::to_value(ExecutionBody::new(report, Included::default(), Encoding::Text, face)).unwrap()
}

fn shown_with(report: ExecutionReport, sources: Option<Sources>, encoding: Encoding) -> Value {
    serde_json::to_value(ExecutionBody::new(report, Included { sources, has_log: false }, encoding, &NATIVE)).unwrap()
}

fn ended(end: End) -> State {
    State::Ended { attempt: Attempt(1), end }
}

#[test]
fn an_outcome_is_absent_until_the_end() {
    let body = shown(execution(State::Running { attempt: Attempt(2) }, None), &API);
    assert_eq!(body["status"], "RUNNING");
    assert_eq!(body["attempt"], 2);
    for member in OUTCOME_MEMBERS.into_iter().chain(["executionTime", "source_code", "files"]) {
        assert_eq!(body.get(member), None, "{member}");
    }
    for member in ["session_id", "queue_time_ms", "started_at", "completed_at"] {
        assert_eq!(body[member], Value::Null, "{member}");
    }
}

#[test]
fn an_end_without_a_result_has_every_member() {
    let body = shown(execution(ended(End::Cancelled), None), &NATIVE);
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
    let facts = Facts { execution_time: Some(Duration::from_micros(14_900)), ..Facts::default() };
    let state = ended(End::Judged(Verdict::Completed));
    let ended = execution(state, Some(Outcome { facts, ..Outcome::default() }));
    let body = shown(ended, &API);
    assert_eq!(body["execution_time_ms"], 14);
    assert_eq!(body["executionTime"], 14);
    assert_eq!(shown(execution(state, None), &API).get("executionTime"), Some(&Value::Null));
}

#[test]
fn the_query_chooses_encoding_and_source() {
    let output = Output { stdout: b"a\xff".to_vec(), ..Output::default() };
    let outcome = Outcome { output, ..Outcome::default() };
    let ended = execution(ended(End::Judged(Verdict::Failed(Fault::RuntimeError))), Some(outcome));
    assert_eq!(shown(ended.clone(), &NATIVE)["stdout"], "a\u{fffd}");
    let body = shown_with(ended, Some(Sources::single("print(1)").unwrap()), Encoding::Base64);
    assert_eq!(body["stdout"], "Yf8=");
    assert_eq!((&body["source_code"], body.get("files")), (&json!("print(1)"), None));
    assert_eq!(body["reason"], "runtime_error");
}

#[test]
fn the_log_has_both_streams_in_order() {
    let (stdout, stderr) = (b"one\ntwo\n".to_vec(), b"oh\n".to_vec());
    let output = Output { stdout, stderr, order: "o4e3o4".parse().unwrap(), ..Output::default() };
    let outcome = Outcome { output, ..Outcome::default() };
    let ended = execution(ended(End::Judged(Verdict::Completed)), Some(outcome));
    let included = Included { has_log: true, ..Included::default() };
    let body = serde_json::to_value(ExecutionBody::new(ended, included, Encoding::Text, &NATIVE)).unwrap();
    let piece = |stream, data| json!({"stream": stream, "data": data});
    assert_eq!(body["log"], json!([piece("stdout", "one\n"), piece("stderr", "oh\n"), piece("stdout", "two\n")]));
}

#[test]
fn files_come_with_the_source() {
    let files = vec![("app.py".to_owned(), b"import a".to_vec()), ("a.py".to_owned(), b"\xff".to_vec())];
    let queued = execution(State::Queued { previous: Attempt(0) }, None);
    assert_eq!(shown(queued.clone(), &NATIVE).get("files"), None);
    let body = shown_with(queued, Some(Sources::of_files(files).unwrap()), Encoding::Text);
    assert_eq!(body["source_code"], "import a");
    assert_eq!(
        body["files"],
        json!([
            {"name": "app.py", "content": "import a", "encoding": "utf8"},
            {"name": "a.py", "content": "/w==", "encoding": "base64"},
        ])
    );
}

/// An execution with two test cases of which the first passed.
fn tested(tests: Option<Vec<TestResult>>) -> ExecutionReport {
    let outcome = Outcome { output: Output { tests, ..Output::default() }, ..Outcome::default() };
    let tested = execution(ended(End::Judged(Verdict::Completed)), Some(outcome));
    ExecutionReport { tests_total: Some(2), ..tested }
}

#[test]
fn test_cases_have_a_verdict_each() {
    let passed = TestResult {
        name: Some("one".to_owned()),
        verdict: TestVerdict::Passed,
        reason: None,
        message: None,
        exit_code: Some(0),
        signal: None,
        stdout: "1".to_owned(),
        stderr: String::new(),
        stdout_truncated: false,
        stderr_truncated: true,
        execution_time: Some(Duration::from_micros(14_900)),
        cpu_time: Some(Duration::from_micros(12_100)),
        memory_bytes: Some(7),
    };
    let skipped = TestResult {
        name: None,
        verdict: TestVerdict::Skipped,
        exit_code: None,
        stdout: String::new(),
        execution_time: None,
        cpu_time: None,
        memory_bytes: None,
        ..passed.clone()
    };
    let tested = tested(Some(vec![passed, skipped]));
    let body = shown(tested.clone(), &NATIVE);
    assert_eq!((&body["tests_passed"], &body["tests_total"]), (&json!(1), &json!(2)));
    assert_eq!(
        body["tests"][0],
        json!({
            "index": 0,
            "name": "one",
            "verdict": "passed",
            "reason": null,
            "message": null,
            "exit_code": 0,
            "signal": null,
            "stdout": "1",
            "stderr": "",
            "stdout_truncated": false,
            "stderr_truncated": true,
            "execution_time_ms": 14,
            "cpu_time_ms": 12,
            "memory_bytes": 7,
        })
    );
    let skipped = &body["tests"][1];
    assert_eq!((&skipped["index"], &skipped["verdict"]), (&json!(1), &json!("skipped")));
    for member in
        ["name", "reason", "message", "exit_code", "signal", "execution_time_ms", "cpu_time_ms", "memory_bytes"]
    {
        assert_eq!(skipped.get(member), Some(&Value::Null), "{member}");
    }
    assert_eq!(shown_with(tested, None, Encoding::Base64)["tests"][0]["stdout"], "MQ==");
}

#[test]
fn test_cases_that_were_not_run_are_counted() {
    let body = shown(tested(None), &NATIVE);
    assert_eq!((&body["tests"], &body["tests_passed"], &body["tests_total"]), (&json!(null), &json!(0), &json!(2)));
    let without = shown(execution(ended(End::Cancelled), None), &NATIVE);
    assert_eq!((&without["tests_passed"], &without["tests_total"]), (&json!(null), &json!(null)));
}
