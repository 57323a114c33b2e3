//! `GET /workers`

use std::time::Duration;

use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use serde_json::json;

const SEEN: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_server_alone_has_one_worker_which_is_itself() {
    let app = TestApp::start().await;
    // Its row is written while it already listens.
    let body = eventually(SEEN, "the worker is seen", async || {
        let body = app.client.get("/workers").await.expect(200);
        (body["workers"] != json!([])).then_some(body)
    })
    .await;
    let [worker] = body["workers"].as_array().unwrap().as_slice() else { panic!("{body:#}") };
    assert!(worker["name"].as_str().unwrap().ends_with(&format!(":{}", app.pid())), "{body:#}");
    for (member, value) in [("alive", json!(true)), ("draining", json!(false)), ("running", json!(0))] {
        assert_eq!(worker[member], value, "{body:#}");
    }
    let languages = app.client.get("/languages").await.expect(200);
    assert_eq!(worker["languages"].as_array().unwrap().len(), languages["languages"].as_array().unwrap().len());
}
