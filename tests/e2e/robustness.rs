//! Processes that die at the worst moment.

use std::time::Duration;

use runbay_testkit::Launch;
use runbay_testkit::Process;
use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use serde_json::Value;
use serde_json::json;

use crate::executions::until_running;

const TERMINAL: [&str; 4] = ["COMPLETED", "FAILED", "TIMEOUT", "CANCELLED"];

/// Two slots, so that of many runs two are running and the others wait.
fn two_slots() -> Launch {
    Launch::default().env("RUNBAY_SLOTS", "2")
}

fn sleeper(seconds: f64, word: usize) -> String {
    format!("import time\nprint('began {word}')\ntime.sleep({seconds})\nprint('ended {word}')\n")
}

/// Opens one session per run and starts them all; returns pairs of session and execution.
async fn start_sleepers(app: &TestApp, count: usize, seconds: f64) -> Vec<(String, String)> {
    let mut sessions = Vec::new();
    for word in 0..count {
        sessions.push(app.client.create_session("python", &sleeper(seconds, word)).await);
    }
    let mut started = Vec::new();
    for session in sessions {
        let execution = app.client.run(&session, &json!({})).await;
        started.push((session, execution));
    }
    started
}

async fn count_with_status(app: &TestApp, started: &[(String, String)], status: &str) -> usize {
    let mut count = 0;
    for (_, execution) in started {
        count += usize::from(app.client.execution(execution).await["status"] == status);
    }
    count
}

/// Checks that each one ended with its whole output, and that the log tells of no second end.
async fn assert_each_completed_once(app: &TestApp, started: &[(String, String)]) {
    for (word, (_, execution)) in started.iter().enumerate() {
        let body = app.client.wait(execution).await;
        assert_eq!(body["status"], "COMPLETED", "{body:#}");
        assert_eq!(body["stdout"], format!("began {word}\nended {word}\n"), "{body:#}");
        let statuses = app.log.statuses(execution);
        let ends = statuses.iter().filter(|status| TERMINAL.contains(&status.as_str())).count();
        // A killed server may have committed an end that it could not log any more.
        assert!(ends <= 1, "the log tells of {statuses:?}");
    }
}

async fn until_gone(processes: &[Process], what: &str) {
    eventually(Duration::from_secs(60), what, || {
        std::future::ready(processes.iter().all(|process| !process.is_alive()).then_some(()))
    })
    .await;
}

#[tokio::test]
async fn an_idle_server_stops_on_sigterm() {
    let mut app = TestApp::start().await;
    app.client.run_to_end("python", "print(1)").await;
    let processes = app.processes();
    let exit = app.terminate().await;
    assert_eq!(exit.status.code(), Some(0), "{}\n{}", exit.status, app.log);
    assert!(exit.took < Duration::from_secs(10), "{:?}", exit.took);
    until_gone(&processes, "nothing of the stopped server is left").await;
}

#[tokio::test]
async fn sigterm_loses_no_work() {
    let mut app = two_slots().start().await;
    let started = start_sleepers(&app, 6, 3.0).await;
    until_running(&app, &started[0].1).await;
    let processes = app.processes();
    let exit = app.terminate().await;
    assert_eq!(exit.status.code(), Some(0), "{}\n{}", exit.status, app.log);
    until_gone(&processes, "nothing of the stopped server is left").await;
    app.restart().await;
    assert_each_completed_once(&app, &started).await;
}

#[tokio::test]
async fn sigterm_ends_a_long_poll() {
    let mut app = TestApp::start().await;
    let session = app.client.create_session("python", "import time; time.sleep(4)").await;
    let execution = app.client.run(&session, &json!({})).await;
    until_running(&app, &execution).await;
    let client = app.client.clone();
    let path = format!("/executions/{execution}?wait_ms=60000");
    let poll = tokio::spawn(async move { client.get(&path).await });
    eventually(Duration::from_secs(30), "the poll has arrived", async || {
        let metrics = app.client.get("/metrics").await.text;
        metrics.lines().any(|line| line == "runbay_http_requests_in_flight 2").then_some(())
    })
    .await;
    let exit = app.terminate().await;
    assert_eq!(exit.status.code(), Some(0), "{}\n{}", exit.status, app.log);
    assert!(exit.took < Duration::from_secs(30), "{:?}", exit.took);
    let answer = poll.await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn kill_minus_nine_in_the_middle_of_runs() {
    let mut app = two_slots().start().await;
    let started = start_sleepers(&app, 22, 2.0).await;
    eventually(Duration::from_secs(30), "two executions run", async || {
        (count_with_status(&app, &started, "RUNNING").await == 2).then_some(())
    })
    .await;
    let waiting = count_with_status(&app, &started, "QUEUED").await;
    assert!(waiting >= 2, "only {waiting} wait: the machine is too slow for this test to mean anything");

    let processes = app.processes();
    assert!(processes.iter().any(|process| process.name.starts_with("python")), "{processes:#?}");
    app.kill().await;
    until_gone(&processes, "nothing of the killed server is left").await;

    app.restart().await;
    assert_each_completed_once(&app, &started).await;
    let mut again = Vec::new();
    for (session, _) in &started {
        again.push(app.client.run(session, &json!({"source_code": "print('again')"})).await);
    }
    for execution in again {
        let body = app.client.wait(&execution).await;
        assert_eq!((&body["status"], &body["stdout"]), (&json!("COMPLETED"), &json!("again\n")), "{body:#}");
    }
}

#[tokio::test]
async fn an_acknowledged_save_survives_kill_minus_nine() {
    let mut app = TestApp::start().await;
    let session = app.client.create_session("python", "print('first')").await;
    let mut version = 1;
    for round in 0..25 {
        version = app.client.save(&session, &format!("print({round})")).await;
    }
    app.kill().await;
    app.restart().await;
    let body = app.client.get(&format!("/code-sessions/{session}")).await.expect(200);
    assert_eq!((&body["source_code"], &body["version"]), (&json!("print(24)"), &json!(version)));
}

#[tokio::test]
async fn runs_of_a_killed_forker_are_retried() {
    let app = two_slots().start().await;
    let started = start_sleepers(&app, 4, 3.0).await;
    until_running(&app, &started[0].1).await;
    eventually(Duration::from_secs(30), "a program runs", || {
        let runs = app.processes().iter().any(|process| process.name.starts_with("python"));
        std::future::ready(runs.then_some(()))
    })
    .await;
    let forker = the_forker(&app);
    let programs: Vec<Process> =
        app.processes().into_iter().filter(|process| process.name.starts_with("python")).collect();
    forker.kill();

    until_gone(&programs, "the programs have ended with their forker").await;
    assert_each_completed_once(&app, &started).await;
    let first: Value = app.client.execution(&started[0].1).await;
    assert!(first["attempt"].as_u64().unwrap() >= 2, "{first:#}");
    assert_ne!(the_forker(&app).pid, forker.pid);
    assert_eq!(app.client.get("/readyz").await.status, 200);
    assert_eq!(app.client.run_to_end("python", "print('fine')").await["stdout"], "fine\n");
}

#[tokio::test]
async fn without_its_keeper_the_server_stops_and_keeps_what_is_queued() {
    let mut app = two_slots().start().await;
    let started = start_sleepers(&app, 6, 3.0).await;
    until_running(&app, &started[0].1).await;
    let keeper = app.processes().into_iter().find(|process| process.name == "runbay-keeper").expect("a keeper");
    keeper.kill();
    let status = app.wait_for_exit().await;
    assert!(status.code().is_some_and(|code| code != 0), "{status}\n{}", app.log);
    app.restart().await;
    assert_each_completed_once(&app, &started).await;
}

fn the_forker(app: &TestApp) -> Process {
    let processes = app.processes();
    let keeper = processes.iter().find(|process| process.name == "runbay-keeper");
    let keeper = keeper.unwrap_or_else(|| panic!("no keeper among {processes:#?}"));
    let forker = processes.iter().find(|process| process.name == "runbay-forker" && process.parent == keeper.pid);
    forker.unwrap_or_else(|| panic!("no forker below the keeper among {processes:#?}")).clone()
}

#[tokio::test]
async fn a_stopped_server_leaves_its_directory_free() {
    let mut app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    for _ in 0..2 {
        app.terminate().await;
        app.restart().await;
        assert_eq!(app.client.get(&format!("/code-sessions/{session}")).await.expect(200)["source_code"], "print(1)");
    }
}
