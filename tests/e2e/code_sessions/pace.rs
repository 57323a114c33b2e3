//! How often `POST /code-sessions/{session_id}/run` is accepted.

use std::time::Duration;
use std::time::Instant;

use runbay_testkit::Answer;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use serde_json::json;

const SLEEP: &str = "import time; time.sleep(1)";

async fn run(app: &TestApp, session: &str) -> Answer {
    app.client.post_nothing(&format!("/code-sessions/{session}/run")).await
}

async fn run_to_end(app: &TestApp, session: &str) {
    app.client.post(&format!("/code-sessions/{session}/run?wait_ms=60000"), &json!({})).await.expect(200);
}

fn retry_after(answer: &Answer) -> u64 {
    answer.header("retry-after").parse().expect("whole seconds")
}

#[tokio::test]
async fn of_two_clients_that_race_one_is_accepted_always() {
    let app = Launch::default().env("RUNBAY_SESSION_RUNS_PER_MINUTE", "0").start().await;
    // Longer than any round, so that the first run never ends before the second request.
    let session = app.client.create_session("python", "import time; time.sleep(60)").await;
    for round in 0..100 {
        let (one, other) = tokio::join!(run(&app, &session), run(&app, &session));
        let (accepted, refused) = if one.status == 202 { (one, other) } else { (other, one) };
        let accepted = accepted.expect(202);
        let problem = refused.expect_problem(409, "active_execution");
        let id = accepted["execution_id"].as_str().unwrap();
        assert_eq!(
            problem["detail"],
            format!("Execution {id} has not ended yet; wait for its end or cancel it."),
            "round {round}"
        );
        app.client.delete(&format!("/executions/{id}")).await.expect(202);
    }
}

#[tokio::test]
async fn a_session_rests_after_the_acceptance_of_a_run() {
    let launch = Launch::default().env("RUNBAY_SESSION_COOLDOWN_MS", "2000");
    let app = launch.start().await;
    let session = app.client.create_session("python", SLEEP).await;
    let start = Instant::now();
    run(&app, &session).await.expect(202);
    let active = run(&app, &session).await;
    active.expect_problem(409, "active_execution");
    assert_eq!(active.header("retry-after"), "");

    let other = app.client.create_session("python", "print(1)").await;
    run(&app, &other).await.expect(202);
    // 409 while it runs; 202 if that took longer than the rest, and then from the beginning.
    let refused = eventually(Duration::from_secs(30), "a run has ended before its rest", async || {
        let answer = run(&app, &other).await;
        (answer.status == 429).then_some(answer)
    })
    .await;
    let problem = refused.expect_problem(429, "cooldown");
    let seconds = retry_after(&refused);
    assert!((1..=2).contains(&seconds), "{seconds}");
    assert!(problem["detail"].as_str().unwrap().contains(&format!("Try again in {seconds} second")), "{problem:#}");

    eventually(Duration::from_secs(30), "the session may be run again", async || {
        (run(&app, &session).await.status == 202).then_some(())
    })
    .await;
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn five_runs_a_minute_are_counted_for_each_session() {
    let launch = Launch::default().env("RUNBAY_SESSION_RUNS_PER_MINUTE", "5");
    let app = launch.start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let start = Instant::now();
    for _ in 0..5 {
        run_to_end(&app, &session).await;
    }
    for _ in 0..5 {
        let refused = run(&app, &session).await;
        let problem = refused.expect_problem(429, "rate_limited");
        let seconds = retry_after(&refused);
        let least = 60_u64.saturating_sub(start.elapsed().as_secs() + 1).max(1);
        assert!((least..=60).contains(&seconds), "{seconds} after {:?}", start.elapsed());
        assert_eq!(
            problem["detail"],
            format!("A session may be run 5 times a minute. Try again in {seconds} seconds."),
        );
    }
    let other = app.client.create_session("python", "print(1)").await;
    run_to_end(&app, &other).await;
}

#[tokio::test]
async fn the_checks_have_their_order() {
    let launch =
        Launch::default().env("RUNBAY_SESSION_RUNS_PER_MINUTE", "1").env("RUNBAY_SESSION_COOLDOWN_MS", "3600000");
    let app = launch.start().await;
    let session = app.client.create_session("python", SLEEP).await;
    let execution = app.client.run(&session, &json!({})).await;
    run(&app, &session).await.expect_problem(409, "active_execution");
    app.client.wait(&execution).await;
    let refused = run(&app, &session).await;
    refused.expect_problem(429, "cooldown");
    assert!((3500..=3600).contains(&retry_after(&refused)), "{}", retry_after(&refused));
    app.client.delete(&format!("/code-sessions/{session}")).await.expect(200);
    run(&app, &session).await.expect_problem(409, "session_inactive");
}
