//! `GET /executions/{execution_id}/events`

mod ends;
mod many;
mod requests;
mod returning;

use runbay_testkit::EventStream;
use runbay_testkit::StreamEvent;
use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;

/// A program that writes something and is cancelled then.
const SAYS_AND_SLEEPS: &str = "import os\nos.write(1, b'so far\\n')\nos.execvp('sleep', ['sleep', '60'])\n";

/// Starts a Python program with more members of the request, and returns the execution.
async fn submit(app: &TestApp, code: &str, more: Value) -> String {
    let mut body = json!({"language": "python", "source_code": code, "limits": {"wall_time_ms": 30_000}});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let accepted = app.client.post("/executions", &body).await.expect(202);
    accepted["execution_id"].as_str().expect("a text").to_owned()
}

async fn cancel(app: &TestApp, execution: &str) {
    app.client.delete(&format!("/executions/{execution}")).await.expect(202);
}

/// Reads events until one of this type comes, and returns it.
async fn until(stream: &mut EventStream, kind: &str) -> StreamEvent {
    loop {
        let event = stream.next().await.unwrap_or_else(|| panic!("the stream ends without {kind}"));
        if event.kind == kind {
            return event;
        }
    }
}

#[tokio::test]
async fn what_happens_is_told_while_it_happens() {
    let app = TestApp::start().await;
    let execution = submit(&app, SAYS_AND_SLEEPS, json!({})).await;
    let mut stream = app.client.events(&execution).await;
    assert_eq!(stream.header("cache-control"), "no-cache, no-transform");
    assert_eq!(stream.header("x-accel-buffering"), "no");
    let mut events = Vec::new();
    while events.last().is_none_or(|event: &StreamEvent| event.kind != "stdout") {
        events.push(stream.next().await.expect("another event"));
    }
    // It would sleep for a minute.
    cancel(&app, &execution).await;
    events.extend(stream.all().await);
    let row = app.client.execution(&execution).await;
    let told: Vec<_> = events
        .iter()
        .map(|event| match event.kind.as_str() {
            "status" => format!("{:?} status {} {}", event.id, event.data["status"], event.data["attempt"]),
            "result" => format!("{:?} result, which is the row: {}", event.id, event.data == row),
            kind => format!("{:?} {kind} {}", event.id, event.data),
        })
        .collect();
    insta::assert_json_snapshot!(told, @r#"
    [
      "Some(1) status \"QUEUED\" 0",
      "Some(2) status \"RUNNING\" 1",
      "Some(3) stdout {\"data\":\"so far\\n\"}",
      "Some(4) status \"CANCELLED\" 1",
      "Some(5) result, which is the row: true"
    ]
    "#);
}

#[tokio::test]
async fn each_stream_is_in_order_and_both_come_as_they_are_written() {
    let app = TestApp::start().await;
    let code = "import os, time\nfor number in range(40):\n    \
                os.write(1 + number % 2, f'{number}\\n'.encode())\n    time.sleep(0.02)\n";
    let execution = submit(&app, code, json!({})).await;
    let events = app.client.events(&execution).await.all().await;
    let numbers: Vec<i32> = events
        .iter()
        .filter(|event| ["stdout", "stderr"].contains(&event.kind.as_str()))
        .flat_map(|event| {
            let text = String::from_utf8(event.output()).expect("text");
            let numbers: Vec<i32> = text.lines().map(|line| line.parse().expect("a number")).collect();
            assert!(numbers.iter().all(|number| (number % 2 == 1) == (event.kind == "stderr")), "{event:?}");
            numbers
        })
        .collect();
    for stream in [0, 1] {
        let told: Vec<i32> = numbers.iter().copied().filter(|number| number % 2 == stream).collect();
        assert_eq!(told, (0..40).filter(|number| number % 2 == stream).collect::<Vec<_>>());
    }
    // What is written 20 ms apart may change places on a busy machine, but not the first half with the second.
    let place = |wanted: i32| numbers.iter().position(|number| *number == wanted);
    assert!(place(1) < place(20) && place(0) < place(21) && place(19) < place(38), "{numbers:?}");
}

#[tokio::test]
async fn a_comment_keeps_the_connection_open_while_nothing_happens() {
    let app = TestApp::start().await;
    let execution = submit(&app, SAYS_AND_SLEEPS, json!({})).await;
    let mut stream = app.client.events(&execution).await;
    until(&mut stream, "stdout").await;
    stream.comment().await;
    cancel(&app, &execution).await;
    until(&mut stream, "result").await;
}
