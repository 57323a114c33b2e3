//! `GET /executions?ids=`

use runbay_testkit::TestApp;
use serde_json::json;

const UNKNOWN: &str = "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f";

#[tokio::test]
async fn each_id_has_its_entry_in_order() {
    let app = TestApp::start().await;
    let mut started = Vec::new();
    for number in 0..3 {
        let session = app.client.create_session("python", &format!("print({number})")).await;
        started.push(app.client.run(&session, &json!({})).await);
    }
    let ids = [started[2].as_str(), UNKNOWN, &started[0], &started[1], &started[2]];
    let answer = app.client.get(&format!("/executions?ids={}&wait_ms=60000", ids.join(","))).await;
    let entries = answer.expect(200)["executions"].clone();
    for (index, stdout) in [(0, "2\n"), (2, "0\n"), (3, "1\n"), (4, "2\n")] {
        assert_eq!((&entries[index]["execution_id"], &entries[index]["stdout"]), (&json!(ids[index]), &json!(stdout)));
    }
    assert_eq!(entries.as_array().unwrap().len(), ids.len());
    let problem = &entries[1];
    assert_eq!((&problem["status"], &problem["code"]), (&json!(404), &json!("execution_not_found")));
    assert_eq!(problem["details"], json!([format!("ids[1]: {UNKNOWN} is not in this answer")]));
    assert_eq!(problem["request_id"], answer.header("x-request-id"));
    let alone = app.client.execution(&started[0]).await;
    assert_eq!(entries[2], alone);
}

#[tokio::test]
async fn one_answer_holds_a_bounded_amount_of_output() {
    let app = TestApp::start().await;
    let code = "import os; os.write(1, b'a' * 1000000)\nos.write(2, b'b' * 1000000)";
    let body = app.client.run_to_end("python", code).await;
    let id = body["execution_id"].as_str().unwrap();
    let ids = vec![id; 100].join(",");
    let entries = app.client.get(&format!("/executions?ids={ids}")).await.expect(200)["executions"].clone();
    let (whole, refused): (Vec<_>, Vec<_>) =
        entries.as_array().unwrap().iter().partition(|entry| entry["status"] == "COMPLETED");
    assert_eq!((whole.len(), refused.len()), (5, 95));
    assert!(refused.iter().all(|entry| entry["code"] == "answer_too_large"), "{}", refused[0]);
}

#[tokio::test]
async fn what_is_no_list_of_ids_is_refused() {
    let app = TestApp::start().await;
    let many = vec![UNKNOWN; 101].join(",");
    for query in ["", "?ids=", "?ids=42", &format!("?ids={UNKNOWN},"), &format!("?ids={many}")] {
        let problem = app.client.get(&format!("/executions{query}")).await.expect_problem(400, "invalid_query");
        let detail = problem["details"][0].as_str().unwrap();
        assert!(detail.contains("ids"), "{detail}");
    }
}
