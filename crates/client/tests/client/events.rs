//! Streams of events over connections that break.

use runbay_client::Event;
use runbay_client::EventKind;
use runbay_client::EventStream;
use runbay_client::EventsError;
use runbay_client::RequestError;
use runbay_model::Attempt;
use runbay_model::Status;

use crate::fake_server::EXECUTION;
use crate::fake_server::FakeServer;
use crate::fake_server::header;
use crate::fake_server::problem;
use crate::fake_server::result;
use crate::fake_server::stream;

fn events(server: &FakeServer, after: Option<u64>) -> EventStream {
    server.client().events(EXECUTION.parse().unwrap(), after)
}

/// Writes an event as the server does.
fn written(id: u64, kind: &str, data: &str) -> String {
    format!("event: {kind}\nid: {id}\ndata: {data}\n\n")
}

fn output(id: u64, text: &str) -> String {
    written(id, "stdout", &format!(r#"{{"data":"{text}"}}"#))
}

/// Reads a stream to its end: the numbers, and the output since the last reset.
async fn read(mut events: EventStream) -> Result<(Vec<u64>, String), EventsError> {
    let (mut ids, mut shown) = (Vec::new(), Vec::new());
    while let Some(Event { id, kind }) = events.next().await? {
        ids.extend(id);
        match kind {
            EventKind::Output { data, .. } => shown.extend(data),
            EventKind::Reset { .. } => shown.clear(),
            EventKind::Status { .. } | EventKind::Test(_) | EventKind::Result(_) => {}
        }
    }
    assert!(events.next().await?.is_none(), "it stays over");
    Ok((ids, String::from_utf8(shown).unwrap()))
}

/// All that happens to an execution, by number.
fn history() -> Vec<(u64, String)> {
    let status = r#"{"status":"RUNNING","attempt":1,"at":"2026-11-21T04:00:00.000Z"}"#;
    vec![
        (1, written(1, "status", status)),
        (2, output(2, "h")),
        (5, output(5, "i")),
        (6, written(6, "later", "[]")),
        (1_000_001, written(1_000_001, "reset", r#"{"attempt":2}"#)),
        (1_000_002, output(1_000_002, "ho")),
        (1_000_003, written(1_000_003, "result", &result())),
    ]
}

/// Returns what follows the event that a request names.
fn rest(request: &str) -> Vec<String> {
    let last: u64 = header(request, "last-event-id").map_or(0, |id| id.parse().unwrap());
    history().into_iter().filter(|(id, _)| *id > last).map(|(_, text)| text).collect()
}

const NUMBERS: [u64; 6] = [1, 2, 5, 1_000_001, 1_000_002, 1_000_003];

#[tokio::test]
async fn a_connection_without_trouble_brings_all() {
    let server = FakeServer::start(|request| stream(&format!(": hi\n\n{}", rest(request).concat()))).await;
    let mut events = events(&server, None);
    let first = events.next().await.unwrap().unwrap();
    let at = "2026-11-21T04:00:00.000Z".to_owned();
    assert_eq!(first.kind, EventKind::Status { status: Status::Running, attempt: Attempt(1), at });
    assert_eq!(events.last_id(), Some(1));
    let (numbers, shown) = read(events).await.unwrap();
    assert_eq!((numbers.as_slice(), shown.as_str()), (&NUMBERS[1..], "ho"));
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with(&format!("GET /executions/{EXECUTION}/events?encoding=base64 ")), "{requests:?}");
}

#[tokio::test]
async fn connections_that_break_after_each_event_lose_none() {
    let server = FakeServer::start(|request| stream(&rest(request)[..1].concat())).await;
    // The unknown type brings its stream no further than the connection before.
    let server_with_two = FakeServer::start(|request| {
        let rest = rest(request);
        stream(&rest[..rest.len().min(2)].concat())
    });
    let server_with_two = server_with_two.await;
    let (numbers, shown) = read(events(&server_with_two, None)).await.unwrap();
    assert_eq!((numbers.as_slice(), shown.as_str()), (&NUMBERS[..], "ho"));
    let error = read(events(&server, None)).await.unwrap_err();
    assert!(matches!(error, EventsError::Broken), "{error}");
}

#[tokio::test]
async fn half_an_event_is_none() {
    let server = FakeServer::start(|request| {
        let rest = rest(request);
        let next = rest.get(1).map_or("", |next| &next[..next.len() - 2]);
        stream(&format!("{}{}", if rest[0].contains("later") { rest[..2].concat() } else { rest[0].clone() }, next))
    });
    let (numbers, shown) = read(events(&server.await, None)).await.unwrap();
    assert_eq!((numbers.as_slice(), shown.as_str()), (&NUMBERS[..], "ho"));
}

#[tokio::test]
async fn who_is_too_slow_comes_back() {
    let mut is_first = true;
    let server = FakeServer::start(move |request| {
        let slow = "event: too_slow\ndata: {\"message\":\"Come back.\"}\n\n";
        let sent = if is_first { output(2, "x") + slow + &output(3, "never seen") } else { rest(request).concat() };
        is_first = false;
        stream(&sent)
    })
    .await;
    let (numbers, shown) = read(events(&server, Some(1))).await.unwrap();
    assert_eq!((numbers.as_slice(), shown.as_str()), (&NUMBERS[1..], "ho"));
    let ids: Vec<_> =
        server.requests().iter().map(|request| header(request, "last-event-id").map(str::to_owned)).collect();
    assert_eq!(ids, [Some("1".to_owned()), Some("2".to_owned())]);
}

#[tokio::test]
async fn a_server_that_starts_again_is_waited_for() {
    let mut answers = vec![problem(503, "not_ready", "retry-after: 1\r\n"), String::new()].into_iter();
    let server =
        FakeServer::start(move |request| answers.next().unwrap_or_else(|| stream(&rest(request).concat()))).await;
    let (numbers, _) = read(events(&server, None)).await.unwrap();
    assert_eq!((numbers.as_slice(), server.requests().len()), (&NUMBERS[..], 3));
}

#[tokio::test]
async fn what_cannot_succeed_is_not_tried_again() {
    let server = FakeServer::start(|_| problem(404, "execution_not_found", "")).await;
    let mut unknown = events(&server, None);
    let error = unknown.next().await.unwrap_err();
    assert!(matches!(error, EventsError::Request(RequestError::Problem(_))), "{error}");
    assert!(unknown.next().await.unwrap().is_none(), "it is over");
    assert_eq!(server.requests().len(), 1);
    let server = FakeServer::start(|_| stream(&written(1, "stdout", "{}"))).await;
    assert!(matches!(read(events(&server, None)).await, Err(EventsError::Malformed(_))));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_loses_nothing() {
    let server = FakeServer::start(|request| stream(&rest(request).concat())).await;
    let mut events = events(&server, None);
    let mut numbers = Vec::new();
    loop {
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            event = events.next() => match event.unwrap() {
                Some(event) => numbers.extend(event.id),
                None => break,
            },
        }
    }
    assert_eq!(numbers, NUMBERS);
}
