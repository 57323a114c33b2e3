//! Frames that no client should send, at times when none should be sent.

use std::time::Duration;
use std::time::Instant;

use futures_util::SinkExt;
use futures_util::StreamExt;
use reqwest::Method;
use runbay_testkit::TestApp;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

use super::ECHO;
use super::PATIENCE;
use super::Talk;
use super::start;

/// Sends messages and reads meanwhile, as a server that has heard enough reads no more. Returns how it was ended.
async fn answer_to(talk: Talk, messages: Vec<Message>) -> (u16, String) {
    let (mut sending, mut receiving) = talk.socket.split();
    let send = async {
        for message in messages {
            if sending.send(message).await.is_err() {
                return;
            }
        }
    };
    let receive = async {
        loop {
            match receiving.next().await {
                Some(Ok(Message::Close(frame))) => {
                    let frame = frame.expect("a code and a reason");
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                other => panic!("it ended without a close: {other:?}"),
            }
        }
    };
    timeout(PATIENCE, async { tokio::join!(receive, send).0 }).await.expect("an end in time")
}

fn assert_no_panic(app: &TestApp) {
    let log = app.log.to_string();
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn every_bad_frame_is_answered_with_a_code_and_a_reason() {
    let app = TestApp::start().await;
    let execution = start(&app, ECHO, json!({})).await;
    let piece = |opcode, is_last, text: String| Message::Frame(Frame::message(text, OpCode::Data(opcode), is_last));
    let pieces: Vec<_> = (0..5)
        .map(|number| piece(if number == 0 { Data::Text } else { Data::Continue }, number == 4, "x".repeat(30_000)))
        .collect();
    let mut bad = vec![
        (vec![Message::text("x".repeat(10_000_000))], 1009),
        (vec![Message::binary(vec![b'x'; 10_000_000])], 1009),
        (pieces, 1009),
        (vec![Message::binary(br#"{"type":"eof"}"#.to_vec())], 4400),
        (vec![piece(Data::Continue, true, "{}".to_owned())], 1002),
        (vec![Message::Frame(Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true))], 1007),
    ];
    let texts = [
        "",
        "{",
        "null",
        "{}",
        "[]",
        r#"{"type":1}"#,
        r#"{"type":"stdin"}"#,
        r#"{"type":"stdin","data":1}"#,
        r#"{"type":"stdin","data":"a","more":1}"#,
        r#"{"type":"stdin","data":"!","encoding":"base64"}"#,
        r#"{"type":"stdin","data":"a","encoding":"hex"}"#,
        r#"{"type":"eof","data":""}"#,
        r#"{"type":"signal"}"#,
        r#"{"type":"signal","name":"SIGSTOP"}"#,
        r#"{"type":"signal","name":9}"#,
        r#"{"type":"resize","cols":80}"#,
        r#"{"type":"resize","cols":-1,"rows":1}"#,
        r#"{"type":"resize","cols":1001,"rows":1}"#,
        r#"{"type":"status","status":"RUNNING"}"#,
        r#"{"type":"eof"} {"type":"eof"}"#,
    ];
    bad.extend(texts.map(|text| (vec![Message::text(text)], 4400)));
    bad.push((vec![Message::text("[".repeat(60_000))], 4400));
    for (messages, code) in bad {
        let what: String = format!("{messages:?}").chars().take(200).collect();
        let (told, reason) = answer_to(Talk::with(&app, &execution).await, messages).await;
        assert_eq!(told, code, "{reason}: {what}");
        assert!(!reason.is_empty(), "{what}");
    }
    // Bytes that are no frame: without a mask, and of no known kind.
    for bytes in [&b"\x81\x02{}"[..], &[0xff; 20]] {
        let mut talk = Talk::with(&app, &execution).await;
        talk.socket.get_mut().write_all(bytes).await.expect("the server reads");
        let ended = talk.end().await;
        assert_eq!(ended.code, 1002, "{ended:?}");
    }
    let mut talk = Talk::with(&app, &execution).await;
    talk.input("served\n").await;
    talk.until_written("got served\n").await;
    talk.send(&json!({"type": "eof"})).await;
    assert_eq!(talk.end().await.result.expect("a result")["stdout"], "on\ngot served\n");
    assert_eq!(app.client.run_to_end("python", "print(1)").await["stdout"], "1\n");
    assert_no_panic(&app);
}

#[tokio::test]
async fn frames_after_the_end_change_nothing() {
    let app = TestApp::start().await;
    let execution = start(&app, "print('all', flush=True)", json!({})).await;
    let mut talk = Talk::with(&app, &execution).await;
    talk.until_written("all").await;
    let frames = || {
        let stdin = json!({"type": "stdin", "data": "x".repeat(10_000)}).to_string();
        let mut frames = vec![Message::text(stdin); 50];
        frames.push(Message::text(r#"{"type":"signal","name":"SIGKILL"}"#));
        frames.push(Message::text(r#"{"type":"resize","cols":1,"rows":1}"#));
        frames.push(Message::text(r#"{"type":"eof"}"#));
        frames
    };
    assert_eq!(answer_to(talk, frames()).await.0, 1000);
    let result = app.client.wait(&execution).await;
    assert_eq!(result["status"], "COMPLETED");
    // Nor do they when it has ended long ago.
    assert_eq!(answer_to(Talk::with(&app, &execution).await, frames()).await.0, 1000);
    assert_eq!(app.client.execution(&execution).await, result);
    assert_no_panic(&app);
}

#[tokio::test]
async fn requests_that_are_no_websocket_are_refused() {
    let app = TestApp::start().await;
    let execution = start(&app, ECHO, json!({})).await;
    let path = format!("/executions/{execution}/ws");
    for headers in [
        &[][..],
        &[("upgrade", "websocket")],
        &[("connection", "upgrade"), ("upgrade", "h2c")],
        &[("connection", "upgrade"), ("upgrade", "websocket")],
        &[("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "12")],
        &[("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")],
    ] {
        let mut request = app.client.request(Method::GET, &path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        app.client.send(request).await.expect_problem(400, "invalid_header");
    }
    let mut talk = Talk::with(&app, &execution).await;
    talk.input("served\n").await;
    talk.until_written("got served\n").await;
    assert_no_panic(&app);
}

/// Each frame is work, however short it is, and a client can send millions in a second.
#[tokio::test]
async fn frames_are_read_at_a_pace() {
    let app = TestApp::start().await;
    let execution = start(&app, ECHO, json!({})).await;
    let mut talk = Talk::with(&app, &execution).await;
    talk.until_written("on\n").await;
    let began = Instant::now();
    for _ in 0..640 {
        talk.send(&json!({"type": "resize", "cols": 80, "rows": 24})).await;
    }
    talk.input("after\n").await;
    talk.until_written("got after\n").await;
    assert!(began.elapsed() >= Duration::from_millis(1500), "{:?}", began.elapsed());
}
