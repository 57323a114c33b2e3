//! `GET /workers`

use runbay_testkit::TestApp;
use serde_json::json;

#[tokio::test]
async fn a_server_alone_has_one_worker_which_is_itself() {
    let app = TestApp::start().await;
    let body = app.client.get("/workers").await.expect(200);
    let [worker] = body["workers"].as_array().unwrap().as_slice() else { panic!("{body:#}") };
    assert!(worker["name"].as_str().unwrap().ends_with(&format!(":{}", app.pid())), "{body:#}");
    for (member, value) in [("alive", json!(true)), ("draining", json!(false)), ("running", json!(0))] {
        assert_eq!(worker[member], value, "{body:#}");
    }
    let languages = app.client.get("/languages").await.expect(200);
    assert_eq!(worker["languages"].as_array().unwrap().len(), languages["languages"].as_array().unwrap().len());
}
