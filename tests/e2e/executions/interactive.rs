//! `GET /executions/{execution_id}/ws`: programs that people talk to.

mod frames;
mod input;
mod leaving;

use std::time::Duration;
use std::time::Instant;

use futures_util::SinkExt;
use futures_util::StreamExt;
use reqwest::Method;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use serde_json::Value;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use super::until_running;

const PATIENCE: Duration = Duration::from_secs(30);

const ECHO: &str =
    "import sys\nprint('on', flush=True)\nfor line in sys.stdin: print('got', line, end='', flush=True)\n";

/// A client that takes part in an execution.
struct Talk {
    socket: WebSocketStream<TcpStream>,
    /// What the program wrote to both streams.
    written: String,
}

/// How a conversation ended.
#[derive(Debug)]
struct Ended {
    /// The result, if it came.
    result: Option<Value>,
    code: u16,
    reason: String,
    written: String,
}

impl Talk {
    async fn with(app: &TestApp, execution: &str) -> Self {
        let stream = TcpStream::connect(app.client.address()).await.expect("a connection");
        let url = format!("ws://{}/executions/{execution}/ws", app.client.address());
        let (socket, _) = client_async(url, stream).await.expect("a WebSocket");
        Self { socket, written: String::new() }
    }

    async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("the server reads");
    }

    async fn input(&mut self, data: &str) {
        self.send(&json!({"type": "stdin", "data": data})).await;
    }

    /// Waits until the program has written this.
    async fn until_written(&mut self, text: &str) {
        timeout(PATIENCE, async {
            while !self.written.contains(text) {
                let message = self.socket.next().await.expect("the server goes on").expect("a frame");
                self.note(&message);
            }
        })
        .await
        .unwrap_or_else(|_| panic!("{text:?} is not in {:?}", self.written));
    }

    fn note(&mut self, message: &Message) -> Option<Value> {
        let event: Value = serde_json::from_str(message.to_text().ok().filter(|text| !text.is_empty())?).ok()?;
        if event["type"] == "stdout" || event["type"] == "stderr" {
            self.written.push_str(event["data"].as_str().expect("a text"));
        }
        assert_ne!(event["type"], "reset", "nothing was lost: {event}, after {:?}", self.written);
        Some(event)
    }

    /// Waits until the server ends it.
    async fn end(mut self) -> Ended {
        let mut result = None;
        loop {
            let next = timeout(PATIENCE, self.socket.next()).await.expect("an end in time");
            match next {
                Some(Ok(Message::Close(frame))) => {
                    let frame = frame.expect("a code and a reason");
                    let (code, reason) = (frame.code.into(), frame.reason.to_string());
                    return Ended { result, code, reason, written: self.written };
                }
                Some(Ok(message)) => match self.note(&message) {
                    Some(event) if event["type"] == "result" => result = Some(event),
                    _ => {}
                },
                other => panic!("it ended without a close: {other:?}"),
            }
        }
    }
}

async fn start(app: &TestApp, code: &str, more: Value) -> String {
    let mut body = json!({"language": "python", "source_code": code, "interactive": true});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let accepted = app.client.post("/executions", &body).await.expect(202);
    accepted["execution_id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_prompt_comes_before_its_answer_and_input_ends() {
    let app = TestApp::start().await;
    let code = format!("name = input('name? ')\nprint('hello', name, flush=True)\n{ECHO}");
    let execution = start(&app, &code, json!({})).await;
    let mut talk = Talk::with(&app, &execution).await;
    talk.until_written("name? ").await;
    talk.input("Ada\n").await;
    talk.until_written("hello Ada\n").await;
    let mut other = Talk::with(&app, &execution).await;
    other.input("second\n").await;
    talk.until_written("got second\n").await;
    other.until_written("got second\n").await;
    talk.send(&json!({"type": "stdin", "data": "xb4=", "encoding": "base64"})).await;
    talk.send(&json!({"type": "eof"})).await;
    let ended = talk.end().await;
    assert_eq!((ended.code, ended.result.expect("a result")["status"].as_str()), (1000, Some("COMPLETED")));
    assert!(ended.written.ends_with("got ž"), "{:?}", ended.written);
    assert_eq!(other.end().await.written, ended.written);
    // Who comes later gets all of it as well, and the end.
    let late = Talk::with(&app, &execution).await.end().await;
    assert_eq!((late.code, late.written), (1000, ended.written));
}

#[tokio::test]
async fn much_input_comes_back_as_it_was() {
    let app = TestApp::start().await;
    let code = "import sys\nwhile data := sys.stdin.read(9999): sys.stdout.write(data)\n";
    let execution = start(&app, code, json!({})).await;
    let mut talk = Talk::with(&app, &execution).await;
    let text: String = (0..60_000).map(|number| format!("{number} ž\n")).collect();
    for piece in text.as_bytes().chunks(20_000) {
        talk.input(&String::from_utf8_lossy(piece)).await;
    }
    talk.send(&json!({"type": "eof"})).await;
    let ended = talk.end().await;
    let sent: String = text.as_bytes().chunks(20_000).map(String::from_utf8_lossy).collect();
    assert!(ended.written == sent, "{} bytes of {}", ended.written.len(), sent.len());
}

#[tokio::test]
async fn a_prompt_of_python_on_a_terminal() {
    let app = Launch::default().env("RUNBAY_LANGUAGES", "python,perl").start().await;
    let execution = start(&app, "answer = 42", json!({"repl": true, "tty": true})).await;
    let mut talk = Talk::with(&app, &execution).await;
    talk.send(&json!({"type": "resize", "cols": 123, "rows": 45})).await;
    talk.until_written(">>> ").await;
    talk.input("answer + 1\r").await;
    talk.until_written("43\r\n").await;
    talk.written.clear();
    talk.input("\x1b[A\r").await;
    talk.until_written("43\r\n").await;
    talk.input("import os; os.get_terminal_size().columns\r").await;
    talk.until_written("123\r\n").await;
    talk.input("import time; time.sleep(3600)\r").await;
    talk.until_written("(3600)").await;
    talk.input("\x03").await;
    talk.until_written("KeyboardInterrupt").await;
    talk.input("exit()\r").await;
    assert_eq!(talk.end().await.code, 1000);
    let refused = app.client.post("/executions", &json!({"language": "perl", "source_code": "", "repl": true})).await;
    assert_eq!(refused.expect(400)["code"], "invalid_body");
}

#[tokio::test]
async fn frames_that_make_no_sense_end_the_conversation_with_a_reason() {
    let app = TestApp::start().await;
    let execution = start(&app, ECHO, json!({})).await;
    for (frame, code) in [
        (Message::text("secret"), 4400),
        (Message::text(r#"{"type":"dance"}"#), 4400),
        (Message::text(r#"{"type":"resize","cols":0,"rows":1}"#), 4400),
        (Message::binary(b"x".to_vec()), 4400),
        (Message::text("x".repeat(100_000)), 1009),
    ] {
        let mut talk = Talk::with(&app, &execution).await;
        talk.socket.send(frame).await.expect("the server reads");
        let ended = talk.end().await;
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(!ended.reason.is_empty() && !ended.reason.contains("secret"), "{ended:?}");
    }
    let unknown = Talk::with(&app, "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f").await.end().await;
    assert_eq!(unknown.code, 4404);
    // All that harmed nobody.
    let mut talk = Talk::with(&app, &execution).await;
    talk.input("still here\n").await;
    talk.until_written("got still here\n").await;
    app.client.delete(&format!("/executions/{execution}")).await.expect(202);
    assert_eq!(talk.end().await.code, 1000);
    assert!(!app.log.to_string().contains("still here"), "what people type is not logged");
}

#[tokio::test]
async fn only_websockets_of_own_pages_reach_programs_that_take_input() {
    let app = TestApp::start().await;
    let execution = start(&app, ECHO, json!({})).await;
    let path = format!("/executions/{execution}/ws");
    assert_eq!(app.client.get(&path).await.expect(400)["code"], "invalid_header");
    let foreign = app.client.request(Method::GET, &path).header("origin", "https://evil.example");
    let foreign = foreign.header("upgrade", "websocket").header("connection", "upgrade");
    assert_eq!(app.client.send(foreign).await.expect(403)["code"], "foreign_origin");
    let deaf = start(&app, "import time; time.sleep(20)", json!({"interactive": false})).await;
    let mut talk = Talk::with(&app, &deaf).await;
    until_running(&app, &deaf).await;
    talk.input("hello\n").await;
    let ended = talk.end().await;
    assert_eq!(ended.code, 4400, "{ended:?}");
    let tests = json!({"source_code": "", "tests": [{"expected_stdout": ""}], "interactive": true});
    app.client.post("/executions", &tests).await.expect(400);
}

#[tokio::test]
async fn who_says_nothing_runs_out_of_time() {
    let app = TestApp::start().await;
    for (limits, reason) in
        [(json!({"idle_time_ms": 1000}), "idle_time_limit"), (json!({"interactive_time_ms": 1000}), "wall_time_limit")]
    {
        let execution = start(&app, ECHO, json!({"limits": limits})).await;
        let body = app.client.wait(&execution).await;
        assert_eq!((&body["status"], &body["reason"]), (&json!("TIMEOUT"), &json!(reason)), "{body:#}");
        assert_eq!(body["stdout"], "on\n");
    }
}

#[tokio::test]
async fn those_who_wait_take_no_turn_from_others() {
    let app = Launch::default().env("RUNBAY_SLOTS", "1").env("RUNBAY_INTERACTIVE_SLOTS", "1").start().await;
    let first = start(&app, ECHO, json!({})).await;
    until_running(&app, &first).await;
    let second = start(&app, ECHO, json!({})).await;
    assert_eq!(app.client.run_to_end("python", "print(1)").await["stdout"], "1\n");
    assert_eq!(app.client.execution(&second).await["status"], "QUEUED");
    app.client.delete(&format!("/executions/{first}")).await.expect(202);
    until_running(&app, &second).await;
}

#[tokio::test]
async fn a_program_can_clean_up_before_it_is_stopped() {
    let app = TestApp::start().await;
    let tidy = "import signal, sys, time\nsignal.signal(signal.SIGINT, lambda *_: sys.exit(print('tidy')))\n\
                print('on', flush=True)\ntime.sleep(60)\n";
    let stubborn = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('on', flush=True)\n\
                    time.sleep(60)\n";
    for (code, written, least, most) in [(tidy, "on\ntidy\n", 0, 1900), (stubborn, "on\n", 1900, 20_000)] {
        let execution = start(&app, code, json!({"interactive": false, "limits": {"wall_time_ms": 30_000}})).await;
        Talk::with(&app, &execution).await.until_written("on\n").await;
        let began = Instant::now();
        app.client.delete(&format!("/executions/{execution}?signal=SIGINT")).await.expect(202);
        let took = began.elapsed().as_millis();
        assert!((least..most).contains(&took), "{took} ms");
        let body = app.client.execution(&execution).await;
        assert_eq!((&body["status"], &body["stdout"]), (&json!("CANCELLED"), &json!(written)), "{body:#}");
        let again = app.client.delete(&format!("/executions/{execution}?signal=SIGINT")).await;
        assert_eq!(again.expect(409)["code"], "execution_ended");
    }
    let unknown = app.client.delete("/executions/019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f?signal=SIGINT").await;
    assert_eq!(unknown.expect(404)["code"], "execution_not_found");
    app.client.delete("/executions/019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f?signal=SIGSTOP").await.expect(400);
}

#[tokio::test]
async fn those_who_come_and_go_leave_nothing() {
    let app = TestApp::start().await;
    let execution = start(&app, ECHO, json!({})).await;
    Talk::with(&app, &execution).await.until_written("on\n").await;
    let files = || std::fs::read_dir(format!("/proc/{}/fd", app.pid())).expect("a living process").count();
    let before = files();
    for _ in 0..300 {
        drop(Talk::with(&app, &execution).await);
    }
    eventually(PATIENCE, "the files are closed", || std::future::ready((files() <= before + 5).then_some(()))).await;
    let mut talk = Talk::with(&app, &execution).await;
    talk.input("last\n").await;
    talk.until_written("got last\n").await;
}
