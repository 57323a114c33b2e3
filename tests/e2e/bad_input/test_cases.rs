//! Test cases that cannot be run.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::watched::Watched;
use super::watched::assert_refused;

/// Bodies with status, code and the beginning of the one detail.
fn refused() -> Vec<(Value, u16, &'static str, &'static str)> {
    let mut cases = Vec::new();
    // Each is the second of two cases.
    for (case, status, code, detail) in [
        (json!({}), 400, "invalid_body", "tests[1].expected_stdout: is missing"),
        (json!("1"), 400, "invalid_body", "tests[1]: must be an object"),
        (json!({"expected_stdout": null}), 400, "invalid_body", "tests[1].expected_stdout: must be a string, not null"),
        (json!({"expected_stdout": 42}), 400, "invalid_body", "tests[1].expected_stdout: must be a string, not 42"),
        (
            json!({"expected_stdout": "", "expected": ""}),
            400,
            "invalid_body",
            "tests[1].expected: is no field here; did you mean expected_stdout?",
        ),
        (json!({"expected_stdout": "", "name": 1}), 400, "invalid_body", "tests[1].name: must be a string"),
        (json!({"expected_stdout": "", "args": "a"}), 400, "invalid_body", "tests[1].args: must be a list"),
        (json!({"expected_stdout": "", "args": [1]}), 400, "invalid_body", "tests[1].args[0]: must be a string"),
        (json!({"expected_stdout": "", "args": ["\0"]}), 400, "invalid_body", "tests[1].args[0]: must not contain"),
        (
            json!({"expected_stdout": "", "match": "fuzzy"}),
            400,
            "invalid_body",
            "tests[1].match: must be trimmed, exact, tokens or regex",
        ),
        (json!({"expected_stdout": "", "match": 5}), 400, "invalid_body", "tests[1].match: must be a string, not 5"),
        (
            json!({"expected_stdout": "", "match": "EXACT"}),
            400,
            "invalid_body",
            "tests[1].match: must be trimmed, exact, tokens or regex",
        ),
        (
            json!({"expected_stdout": "(", "match": "regex"}),
            400,
            "invalid_body",
            "tests[1].expected_stdout: is not a regular expression: ",
        ),
        (
            json!({"expected_stdout": r"a(?=b)", "match": "regex"}),
            400,
            "invalid_body",
            "tests[1].expected_stdout: is not a regular expression: ",
        ),
        (
            json!({"expected_stdout": r"(\d{1000}){1000}", "match": "regex"}),
            400,
            "invalid_body",
            "tests[1].expected_stdout: is not a regular expression: ",
        ),
        (
            json!({"expected_stdout": format!("(?i){}", r"[\s\S]".repeat(5)), "match": "regex"}),
            400,
            "invalid_body",
            "tests[1].expected_stdout: is not a regular expression: its classes have too many characters",
        ),
        (
            json!({"expected_stdout": "a".repeat(1_025), "match": "regex"}),
            413,
            "tests_too_large",
            "tests[1].expected_stdout: has 1025 bytes, at most 1024 are allowed in a regular expression",
        ),
        (
            json!({"expected_stdout": "", "stdin": "a".repeat(1_048_577)}),
            413,
            "stdin_too_large",
            "tests[1].stdin: has 1048577 bytes in UTF-8, at most 1048576 are allowed",
        ),
        (
            json!({"expected_stdout": "", "args": vec!["a"; 65]}),
            413,
            "arguments_too_large",
            "tests[1].args: has 65 entries, at most 64 are allowed",
        ),
        (
            json!({"expected_stdout": "a".repeat(2_097_153)}),
            413,
            "tests_too_large",
            "tests: have 2097153 bytes together, at most 2097152 are allowed",
        ),
    ] {
        cases.push((json!({"tests": [{"expected_stdout": ""}, case]}), status, code, detail));
    }
    let mut body = |body: Value, status, code, detail| cases.push((body, status, code, detail));
    body(json!({"tests": []}), 400, "invalid_body", "tests: must have at least one entry");
    body(json!({"tests": {}}), 400, "invalid_body", "tests: must be a list, not an object");
    let many = vec![json!({"expected_stdout": ""}); 101];
    body(json!({"tests": many}), 413, "tests_too_large", "tests: has 101 entries, at most 100 are allowed");
    body(
        json!({"tests": vec![json!({"expected_stdout": ""}); 20_000]}),
        413,
        "tests_too_large",
        "tests: has 20000 entries",
    );
    let patterns = vec![json!({"expected_stdout": "a".repeat(1_024), "match": "regex"}); 17];
    body(
        json!({"tests": patterns}),
        413,
        "tests_too_large",
        "tests: have 17408 bytes of regular expressions, at most 16384 are allowed",
    );
    let one = json!([{"expected_stdout": ""}]);
    body(json!({"tests": one, "stdin": "a"}), 400, "invalid_body", "stdin: must not be there beside tests");
    body(json!({"tests": one, "args": ["a"]}), 400, "invalid_body", "args: must not be there beside tests");
    body(
        json!({"tests": one, "stop_on_failure": "yes"}),
        400,
        "invalid_body",
        "stop_on_failure: must be true or false, not a string",
    );
    body(json!({"stop_on_failure": true}), 400, "invalid_body", "stop_on_failure: is of use with tests only");
    cases
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_case() {
    let mut watched = Watched::start().await;
    let run = format!("{}/run", watched.session);
    for (body, status, code, detail) in refused() {
        for path in [&run, "/executions"] {
            let answer = watched.send(Method::POST, path, body.to_string()).await;
            assert_refused(&answer, status, code, Some(detail));
        }
    }
    watched.assert_untouched().await;
}
