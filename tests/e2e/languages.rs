//! `GET /languages`

use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use serde_json::json;

#[tokio::test]
async fn python_and_javascript_are_offered_with_their_versions() {
    let app = TestApp::with_languages("python,javascript").await;
    let body = app.client.get("/languages").await.expect(200);
    let languages = body["languages"].as_array().unwrap();
    for id in ["python", "javascript"] {
        let language = languages.iter().find(|language| language["id"] == id).unwrap_or_else(|| panic!("{body:#}"));
        assert!(language["version"].as_str().unwrap().starts_with(|first: char| first.is_ascii_digit()), "{body:#}");
        assert_eq!(language["limits"]["wall_time_ms"], 5_000, "{body:#}");
        assert_eq!(language["limits"]["memory_bytes"], 128 * 1024 * 1024, "{body:#}");
        assert_eq!((&language["compiled"], &language["check"]), (&json!(false), &json!(true)), "{body:#}");
        assert!(language["entry"].as_str().unwrap().starts_with("main."), "{body:#}");
    }
    assert_eq!(body["limit_ranges"]["wall_time_ms"], json!({"least": 100, "most": 30_000}), "{body:#}");
    let ranges = body["limit_ranges"].as_object().unwrap();
    assert!(ranges.keys().eq(languages[0]["limits"].as_object().unwrap().keys()), "{body:#}");
}

#[tokio::test]
async fn every_template_runs() {
    let app = Launch::default().every_language().start().await;
    let body = app.client.get("/languages").await.expect(200);
    for language in body["languages"].as_array().unwrap() {
        let (id, template) = (language["id"].as_str().unwrap(), language["template"].as_str().unwrap());
        let ended = app.client.run_to_end(id, template).await;
        assert_eq!(ended["status"], "COMPLETED", "{ended:#}");
        assert_ne!(ended["stdout"], "", "{ended:#}");
    }
}
