//! `limits` of a run.

use runbay_testkit::TestApp;
use serde_json::json;

#[tokio::test]
async fn a_lowered_time_limit_holds_and_is_named() {
    let app = TestApp::start().await;
    let body = json!({"limits": {"wall_time_ms": 2_000}});
    let ended = app.client.run_with("python", "import time; print('began', flush=True); time.sleep(20)", &body).await;
    assert_eq!((&ended["status"], &ended["reason"]), (&json!("TIMEOUT"), &json!("wall_time_limit")), "{ended:#}");
    assert_eq!(ended["stdout"], "began\n");
    assert!(ended["message"].as_str().unwrap().contains("2 s"), "{ended:#}");
    assert!(ended["execution_time_ms"].as_u64().unwrap() >= 2_000, "{ended:#}");
}

#[tokio::test]
async fn a_raised_time_limit_gives_more_time() {
    let app = TestApp::start().await;
    let code = "import time; time.sleep(6); print('done')";
    let body = json!({"limits": {"wall_time_ms": 30_000}});
    assert_eq!(app.client.run_with("python", code, &body).await["stdout"], "done\n");
}

#[tokio::test]
async fn memory_can_be_lowered_and_raised() {
    let app = TestApp::start().await;
    let code = "data = bytearray(200 * 1024 * 1024); print(len(data))";
    for (mebibytes, status) in [(64, "FAILED"), (400, "COMPLETED")] {
        let body = json!({"limits": {"memory_bytes": mebibytes * 1024 * 1024}});
        let ended = app.client.run_with("python", code, &body).await;
        assert_eq!(ended["status"], status, "{ended:#}");
        if status == "FAILED" {
            assert_eq!(ended["reason"], "memory_limit", "{ended:#}");
        }
    }
}

#[tokio::test]
async fn output_is_cut_at_the_chosen_limit() {
    let app = TestApp::start().await;
    let body = json!({"limits": {"stdout_bytes": 10}});
    let ended = app.client.run_with("python", "print('é' * 1000)", &body).await;
    assert_eq!((&ended["reason"], &ended["stdout_truncated"]), (&json!("output_limit"), &json!(true)), "{ended:#}");
    assert_eq!(ended["stdout"], "ééééé");
}

#[tokio::test]
async fn limits_belong_to_their_run() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "import time; time.sleep(1.5)").await;
    for (body, status) in [(json!({"limits": {"wall_time_ms": 300}}), "TIMEOUT"), (json!({}), "COMPLETED")] {
        let execution = app.client.run(&session, &body).await;
        assert_eq!(app.client.wait(&execution).await["status"], status);
    }
}
