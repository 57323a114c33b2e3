//! Routes under `/dead-letters`, as far as nothing has failed; `tests/cluster` has the rest.

use runbay_testkit::TestApp;
use serde_json::json;

const UNKNOWN: &str = "0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b";

#[tokio::test]
async fn there_are_none_without_faults() {
    let app = TestApp::start().await;
    let body = app.client.run_to_end("python", "raise SystemExit(1)").await;
    assert_eq!(body["status"], "FAILED");
    let none = json!({"dead_letters": [], "next_cursor": null});
    assert_eq!(app.client.get("/dead-letters").await.expect(200), none);
    for execution in [body["execution_id"].as_str().unwrap(), UNKNOWN] {
        let path = format!("/dead-letters/{execution}");
        app.client.post_nothing(&format!("{path}/requeue")).await.expect_problem(404, "dead_letter_not_found");
        app.client.delete(&path).await.expect_problem(404, "dead_letter_not_found");
    }
}

#[tokio::test]
async fn what_is_no_page_or_id_is_refused() {
    let app = TestApp::start().await;
    for query in ["limit=0", "limit=101", "cursor=42"] {
        app.client.get(&format!("/dead-letters?{query}")).await.expect_problem(400, "invalid_query");
    }
    app.client.post_nothing("/dead-letters/42/requeue").await.expect_problem(400, "invalid_id");
    app.client.delete("/dead-letters/42").await.expect_problem(400, "invalid_id");
}
