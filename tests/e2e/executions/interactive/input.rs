//! What reaches programs.

use std::iter::repeat_with;

use runbay_client::EventKind;
use runbay_client::Received;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use serde_json::json;
use tokio::time::timeout;

use super::ECHO;
use super::PATIENCE;
use super::Talk;
use super::start;

/// Notes signals, says that it is ready and goes on until its input ends.
const NOTES_SIGNALS: &str = "import signal, sys\n\
    for name in ('SIGINT', 'SIGTERM', 'SIGUSR1'):\n    \
        signal.signal(getattr(signal, name), lambda number, _: print('caught', signal.Signals(number).name, flush=True))\n\
    print('ready', flush=True)\nsys.stdin.read()\n";

#[tokio::test]
async fn a_megabyte_of_any_bytes_comes_back_exactly() {
    let app = TestApp::with_languages("bash").await;
    let program = json!({"language": "bash", "source_code": "exec cat", "interactive": true});
    let accepted = app.client.post("/executions", &program).await.expect(202);
    let client = runbay_client::Client::new(&format!("http://{}", app.client.address()), None).expect("a client");
    let id = accepted["execution_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let (input, mut talk) = client.interact(id);
    let mut numbers = 1_u64;
    let bytes: Vec<u8> = repeat_with(|| {
        numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (numbers >> 56) as u8
    })
    .take(1_000_000)
    .collect();
    let send = async {
        input.stdin(&bytes).await.expect("it takes input");
        input.eof().await.expect("it takes input");
    };
    let receive = async {
        let mut back = Vec::new();
        while let Some(received) = talk.next().await.expect("the conversation goes on") {
            match received {
                Received::Event(event) => match event.kind {
                    EventKind::Output { data, .. } => back.extend_from_slice(&data),
                    EventKind::Reset { .. } => back.clear(),
                    _ => {}
                },
                Received::InputInDoubt => panic!("the connection broke"),
            }
        }
        back
    };
    let ((), back) = timeout(PATIENCE, async { tokio::join!(send, receive) }).await.expect("an end in time");
    assert!(back == bytes, "{} bytes came back", back.len());
}

#[tokio::test]
async fn signals_reach_a_program_as_often_as_they_are_sent() {
    let app = TestApp::start().await;
    let execution = start(&app, NOTES_SIGNALS, json!({})).await;
    let mut talk = Talk::with(&app, &execution).await;
    talk.until_written("ready\n").await;
    for name in ["SIGINT", "SIGTERM", "SIGUSR1", "SIGINT"] {
        talk.written.clear();
        talk.send(&json!({"type": "signal", "name": name})).await;
        talk.until_written(&format!("caught {name}\n")).await;
    }
    talk.send(&json!({"type": "eof"})).await;
    assert_eq!(talk.end().await.result.expect("a result")["status"], "COMPLETED");
    // One that is not caught ends it.
    let execution = start(&app, ECHO, json!({})).await;
    let mut talk = Talk::with(&app, &execution).await;
    talk.until_written("on\n").await;
    talk.send(&json!({"type": "signal", "name": "SIGKILL"})).await;
    let result = talk.end().await.result.expect("a result");
    assert_eq!((&result["status"], &result["signal"]), (&json!("FAILED"), &json!("SIGKILL")), "{result:#}");
}

#[tokio::test]
async fn a_terminal_tells_of_each_new_size_and_of_the_end() {
    let app = TestApp::start().await;
    let code = "import os, signal\n\
        signal.signal(signal.SIGWINCH, lambda *_: print('size', *os.get_terminal_size(), flush=True))\nprint('ready')\n";
    let execution = start(&app, code, json!({"repl": true, "tty": true})).await;
    let mut talk = Talk::with(&app, &execution).await;
    talk.until_written("ready\r\n").await;
    talk.until_written(">>> ").await;
    for (columns, rows) in [(100, 30), (42, 7)] {
        talk.send(&json!({"type": "resize", "cols": columns, "rows": rows})).await;
        talk.until_written(&format!("size {columns} {rows}\r\n")).await;
    }
    talk.input("\x04").await;
    let result = talk.end().await.result.expect("a result");
    assert_eq!((&result["status"], &result["exit_code"]), (&json!("COMPLETED"), &json!(0)), "{result:#}");
}

#[tokio::test]
async fn runs_of_sessions_take_part_as_well() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", ECHO).await;
    let execution = app.client.run(&session, &json!({"interactive": true, "stdin": "first\n"})).await;
    let mut talk = Talk::with(&app, &execution).await;
    talk.until_written("got first\n").await;
    talk.input("second\n").await;
    talk.send(&json!({"type": "eof"})).await;
    assert_eq!(talk.end().await.result.expect("a result")["stdout"], "on\ngot first\ngot second\n");
}

#[tokio::test]
async fn what_is_typed_is_in_no_log() {
    let app = Launch::default().env("RUNBAY_LOG", "trace").start().await;
    // As text, in base64, in frames that are refused, and echoed by a terminal.
    let (secret, encoded) = ("hunter2-hunter2", "aHVudGVyMi1odW50ZXIy");
    let execution = start(&app, ECHO, json!({})).await;
    let mut talk = Talk::with(&app, &execution).await;
    talk.input(&format!("{secret}\n")).await;
    talk.send(&json!({"type": "stdin", "data": encoded, "encoding": "base64"})).await;
    talk.input("\nlast\n").await;
    talk.until_written("got last\n").await;
    for frame in [secret.to_owned(), json!({"type": secret}).to_string(), json!({"type": "eof", secret: 1}).to_string()]
    {
        let mut talk = Talk::with(&app, &execution).await;
        talk.send_text(&frame).await;
        assert_eq!(talk.end().await.code, 4400);
    }
    talk.send(&json!({"type": "eof"})).await;
    assert_eq!(talk.end().await.code, 1000);
    let execution = start(&app, "input()", json!({"tty": true})).await;
    let mut talk = Talk::with(&app, &execution).await;
    talk.input(&format!("{secret}\r")).await;
    talk.until_written(secret).await;
    assert_eq!(talk.end().await.code, 1000);
    assert!(app.log.lines().len() > 10, "it logs much");
    let lines = app.log.lines();
    let leak = lines.iter().find(|line| line.text.contains(secret) || line.text.contains(encoded));
    assert!(leak.is_none(), "{}", leak.expect("a line").text);
}
