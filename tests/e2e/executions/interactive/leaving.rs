//! Clients that go, and runs that are ended.

use std::fs;
use std::time::Instant;

use futures_util::SinkExt;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::ECHO;
use super::PATIENCE;
use super::Talk;
use super::start;
use super::until_running;

fn open_files(app: &TestApp) -> usize {
    fs::read_dir(format!("/proc/{}/fd", app.pid())).expect("a living process").count()
}

#[tokio::test]
async fn clients_that_vanish_in_the_middle_leave_no_files_and_no_places() {
    // There are fewer places than clients.
    let app = Launch::default().arg("--max-connections=100").start().await;
    let code = "import threading, time, sys\n\
        def count():\n    number = 0\n    while True: print(number, flush=True); number += 1; time.sleep(0.01)\n\
        threading.Thread(target=count, daemon=True).start()\n\
        for line in sys.stdin: print('got', line[:9], flush=True)\n";
    let execution = start(&app, code, json!({})).await;
    Talk::with(&app, &execution).await.until_written("0\n").await;
    let before = open_files(&app);
    let request = format!("GET /executions/{execution}/ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n");
    for number in 0..300 {
        // Few at one time, as the server learns a moment later that they are gone.
        eventually(PATIENCE, "the clients before are gone", async || (open_files(&app) < before + 40).then_some(()))
            .await;
        match number % 5 {
            0 => drop(Talk::with(&app, &execution).await),
            1 => Talk::with(&app, &execution).await.until_written("1\n").await,
            2 => {
                let mut talk = Talk::with(&app, &execution).await;
                talk.input(&"x".repeat(50_000)).await;
            }
            3 => {
                let mut talk = Talk::with(&app, &execution).await;
                talk.socket.send(Message::Close(None)).await.expect("the server reads");
            }
            _ => {
                // In the middle of its request, and in the middle of a frame.
                let mut stream = TcpStream::connect(app.client.address()).await.expect("a connection");
                stream.write_all(request.as_bytes()).await.expect("the server reads");
                let mut talk = Talk::with(&app, &execution).await;
                let stream = talk.socket.get_mut();
                stream.write_all(b"\x81\xfe\x01\x00abcd{").await.expect("the server reads");
                stream.read_u8().await.expect("the server writes");
            }
        }
    }
    eventually(PATIENCE, "the files are closed", async || (open_files(&app) <= before + 5).then_some(())).await;
    let metrics = app.client.get("/metrics").await.text;
    assert!(metrics.lines().any(|line| line == "runbay_http_requests_in_flight 1"), "{metrics}");
    let mut talk = Talk::with(&app, &execution).await;
    talk.input("\nlast\n").await;
    talk.until_written("got last").await;
    app.client.delete(&format!("/executions/{execution}")).await.expect(202);
    assert_eq!(talk.end().await.code, 1000);
    assert!(!app.log.to_string().contains("panicked"), "{}", app.log);
}

#[tokio::test]
async fn a_signal_cancels_what_is_queued_at_once_and_what_people_take_part_in() {
    let app = Launch::default().env("RUNBAY_SLOTS", "1").env("RUNBAY_INTERACTIVE_SLOTS", "1").start().await;
    let code = format!("import signal\nsignal.signal(signal.SIGINT, lambda *_: sys.exit(print('tidy')))\n{ECHO}");
    let runs = start(&app, &code, json!({})).await;
    let mut talk = Talk::with(&app, &runs).await;
    talk.until_written("on\n").await;
    let waits = start(&app, ECHO, json!({})).await;
    let began = Instant::now();
    app.client.delete(&format!("/executions/{waits}?signal=SIGINT")).await.expect(202);
    assert!(began.elapsed().as_millis() < 1900, "{:?}", began.elapsed());
    let body = app.client.execution(&waits).await;
    assert_eq!((&body["status"], &body["started_at"]), (&json!("CANCELLED"), &json!(null)), "{body:#}");
    app.client.delete(&format!("/executions/{runs}?signal=SIGSTOP")).await.expect(400);
    until_running(&app, &runs).await;
    app.client.delete(&format!("/executions/{runs}?signal=SIGINT")).await.expect(202);
    let ended = talk.end().await;
    assert_eq!((ended.code, ended.written.as_str()), (1000, "on\ntidy\n"));
    assert_eq!(ended.result.expect("a result")["status"], "CANCELLED");
    app.client.delete(&format!("/executions/{waits}?signal=SIGINT")).await.expect_problem(409, "execution_ended");
}
