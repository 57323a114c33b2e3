//! Routes under `/executions`.

mod batch;
mod cancel;
mod compile;
mod create;
mod environment;
mod events;
mod interactive;
mod limits;
mod read;
mod read_many;
mod test_cases;

use std::time::Duration;

use runbay_testkit::TestApp;
use runbay_testkit::eventually;

/// Waits until a program of a server has become `sleep`.
pub(crate) async fn until_sleeping(app: &TestApp) {
    eventually(Duration::from_secs(30), "the program sleeps", || {
        std::future::ready(app.processes().iter().any(|process| process.name == "sleep").then_some(()))
    })
    .await;
}

/// Waits until an execution runs.
pub(crate) async fn until_running(app: &TestApp, execution: &str) {
    eventually(Duration::from_secs(30), "the execution runs", async || {
        let body = app.client.execution(execution).await;
        assert!(body["completed_at"].is_null(), "ended instead: {body:#}");
        (body["status"] == "RUNNING").then_some(())
    })
    .await;
}
