//! `POST /executions/batch`

use reqwest::Method;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;

#[tokio::test]
async fn each_program_has_its_entry_in_order() {
    let app = TestApp::start().await;
    let programs: Vec<_> = (0..20).map(|number| json!({"code": format!("print({number})")})).collect();
    let answer = app.client.post("/executions/batch", &json!({"executions": programs})).await.expect(202);
    let ids: Vec<_> =
        answer["executions"].as_array().unwrap().iter().map(|entry| entry["execution_id"].as_str()).collect();
    let ids: Vec<_> = ids.into_iter().map(Option::unwrap).collect();
    assert_eq!(ids.len(), 20);
    let ended = app.client.get(&format!("/executions?ids={}&wait_ms=60000", ids.join(","))).await.expect(200);
    for (number, execution) in ended["executions"].as_array().unwrap().iter().enumerate() {
        assert_eq!(execution["stdout"], format!("{number}\n"), "{execution:#}");
    }
}

#[tokio::test]
async fn a_program_that_is_refused_stops_no_other() {
    let app = TestApp::start().await;
    let programs = json!([
        {"code": "print(0)"},
        {"code": 5},
        {"language": "cobol", "code": ""},
        {"limits": {"wall_time_ms": 0, "processes": 0}},
        {"files": [{"name": "../x", "content": ""}]},
        "print(5)",
        {"code": "print(6)", "stdin": "x", "tests": [{"expected_stdout": "6"}]},
        {"code": "print(7)"},
    ]);
    let answer = app.client.post("/executions/batch", &json!({"executions": programs})).await;
    let entries = answer.expect(202)["executions"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 8);
    for (index, status, code, details) in [
        (1, 400, "invalid_body", &["executions[1].code: must be a string, not 5"][..]),
        (2, 400, "unknown_language", &["executions[2].language: \"cobol\" is none of"]),
        (
            3,
            400,
            "invalid_body",
            &[
                "executions[3].limits.processes: must be an integer from 1 to 256",
                "executions[3].limits.wall_time_ms: must be an integer from 100 to 30000",
            ],
        ),
        (4, 400, "invalid_body", &["executions[4].files[0].name: \"../x\" must not have an empty part"]),
        (5, 400, "invalid_body", &["executions[5]: must be a JSON object"]),
        (6, 400, "invalid_body", &["executions[6].stdin: must not be there beside tests"]),
    ] {
        let problem = &entries[index];
        assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)), "{problem:#}");
        assert_eq!(problem["request_id"], answer.header("x-request-id"), "{problem:#}");
        let found: Vec<_> = problem["details"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(found.len(), details.len(), "{problem:#}");
        for (found, start) in found.iter().zip(details) {
            assert!(found.starts_with(start), "not {start:?} in {problem:#}");
        }
    }
    for (index, stdout) in [(0, "0\n"), (7, "7\n")] {
        assert_eq!(app.client.wait(entries[index]["execution_id"].as_str().unwrap()).await["stdout"], stdout);
    }
}

#[tokio::test]
async fn a_queue_that_gets_full_refuses_the_rest() {
    let launch = Launch::default().env("RUNBAY_SLOTS", "1").env("RUNBAY_QUEUE_MAX_DEPTH", "3");
    let app = launch.start().await;
    let mut programs = vec![json!({"code": "import time; time.sleep(3)"}); 12];
    programs[10] = json!({"stdin": 5});
    let answer = app.client.post("/executions/batch", &json!({"executions": programs})).await.expect(202);
    let entries = answer["executions"].as_array().unwrap();
    let accepted = entries.iter().take_while(|entry| entry["execution_id"].is_string()).count();
    assert!((2..=4).contains(&accepted), "{answer:#}");
    for (index, entry) in entries.iter().enumerate().skip(accepted) {
        // Of three places, one is left for others.
        let code = if index == 10 { "invalid_body" } else { "client_share" };
        assert_eq!(entry["code"], code, "{entry:#}");
        assert_eq!(
            entry["detail"].as_str().is_some_and(|text| text.contains("Try again in")),
            index != 10,
            "{entry:#}"
        );
    }
}

#[tokio::test]
async fn what_is_no_batch_is_refused_whole() {
    let app = TestApp::start().await;
    let refused = async |body: Value, status, code, start: &str| {
        let problem = app.client.post("/executions/batch", &body).await.expect_problem(status, code);
        let detail = problem["details"][0].as_str().unwrap();
        assert!(detail.starts_with(start), "not {start:?} in {problem:#}");
    };
    refused(json!({}), 400, "invalid_body", "executions: is missing").await;
    refused(json!({"executions": []}), 400, "invalid_body", "executions: must have at least one entry").await;
    refused(json!({"executions": null}), 400, "invalid_body", "executions: must be a list, not null").await;
    refused(json!({"executions": {}}), 400, "invalid_body", "executions: must be a list, not an object").await;
    refused(json!([{}]), 400, "invalid_body", "body: must be a JSON object").await;
    refused(json!({"executions": [{}], "wait_ms": 5}), 400, "invalid_body", "wait_ms: is no field here").await;
    let many = vec![json!({}); 101];
    refused(json!({"executions": many}), 413, "batch_too_large", "executions: has 101 entries").await;
    let many = vec![json!({}); 1_000_000];
    refused(json!({"executions": many}), 413, "batch_too_large", "executions: has 1000000 entries").await;

    let request = app.client.request(Method::POST, "/executions/batch").header("idempotency-key", "k");
    let problem = app.client.send(request.json(&json!({"executions": [{}]}))).await;
    let problem = problem.expect_problem(400, "invalid_header");
    assert_eq!(problem["details"], json!(["idempotency-key: is not taken here; leave it out"]));
    let metrics = app.client.get("/metrics").await.text;
    assert!(!metrics.lines().any(|line| line.starts_with("runbay_executions_total{")), "something was run:\n{metrics}");
}
