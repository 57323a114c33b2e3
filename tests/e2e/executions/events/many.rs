//! Many watchers, slow ones, and ones that vanish.

use std::fs;
use std::future::ready;
use std::mem;
use std::net::IpAddr;
use std::time::Duration;

use runbay_testkit::EventReader;
use runbay_testkit::EventStream;
use runbay_testkit::Followed;
use runbay_testkit::Launch;
use runbay_testkit::RawEvents;
use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use super::SAYS_AND_SLEEPS;
use super::cancel;
use super::submit;
use super::until;

const SOON: Duration = Duration::from_secs(30);

/// Watchers that do not read. The kernel takes some megabytes of events for each, which the server has to write.
const SLOW: usize = 32;

/// Returns the kibibytes of memory of a server's own process.
fn memory_kib(app: &TestApp) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", app.pid())).expect("a living process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn open_files(app: &TestApp) -> usize {
    fs::read_dir(format!("/proc/{}/fd", app.pid())).expect("a living process").count()
}

/// Returns one of the addresses of ten programs on this machine.
fn address(number: usize) -> IpAddr {
    [127, 0, 0, 2 + u8::try_from(number % 10).expect("a digit")].into()
}

/// How many streams are opened at one time.
const AT_ONCE: usize = 20;

/// Opens streams of which nothing is read yet, once the server has begun to answer each.
async fn open(app: &TestApp, execution: &str, count: usize) -> Vec<RawEvents> {
    let (mut opening, mut opened) = (JoinSet::new(), Vec::new());
    for number in 0..count {
        // What a rush of requests takes is not what streams take.
        if opening.len() == AT_ONCE {
            opened.extend(opening.join_next().await.map(|stream| stream.expect("a stream")));
        }
        let (server, execution) = (app.client.address().to_owned(), execution.to_owned());
        opening.spawn(async move {
            let mut stream = RawEvents::open(&server, address(number), &execution).await.expect("a connection");
            assert_eq!(stream.status_line().await.expect("an answer"), "HTTP/1.1 200 OK");
            stream
        });
    }
    opened.extend(opening.join_all().await);
    opened
}

#[tokio::test]
async fn a_hundred_programs_each_with_a_watcher() {
    let app = TestApp::start().await;
    let programs: Vec<Value> = (0..100)
        .map(|number| {
            let code = format!("for line in range(1000): print({number}, line)");
            json!({"source_code": code, "limits": {"wall_time_ms": 30_000}})
        })
        .collect();
    let body = app.client.post("/executions/batch", &json!({"executions": programs})).await.expect(202);
    let mut watching = JoinSet::new();
    for (number, accepted) in body["executions"].as_array().expect("a list").iter().enumerate() {
        let execution = accepted["execution_id"].as_str().expect("an id").to_owned();
        let client = app.client.clone();
        watching.spawn(async move { (number, client.follow(&execution).await) });
    }
    for (number, followed) in watching.join_all().await {
        let expected: String = (0..1000).map(|line| format!("{number} {line}\n")).collect();
        assert!(followed.stdout() == expected, "program {number}: {} bytes", followed.stdout.len());
        assert_eq!(followed.resets, 0, "program {number}");
    }
}

#[tokio::test]
async fn a_thousand_watchers_of_one_run_get_all_of_it() {
    let app = TestApp::start().await;
    let code = "import time\nfor line in range(60):\n    print(line, flush=True)\n    time.sleep(0.05)\n";
    let execution = submit(&app, code, json!({})).await;
    let clients: Vec<_> = (0..10).map(|number| app.client.at(address(number))).collect();
    let mut watching = JoinSet::new();
    for number in 0..1000 {
        let (client, execution) = (clients[number % 10].clone(), execution.clone());
        // So many at once may be too much for a busy machine at first.
        watching.spawn(async move { client.follow_on(&execution, Followed::default()).await });
    }
    let expected: String = (0..60).map(|line| format!("{line}\n")).collect();
    for followed in watching.join_all().await {
        assert_eq!((followed.stdout(), followed.resets), (expected.as_str(), 0));
    }
}

#[tokio::test]
async fn idle_streams_cost_little() {
    let app = TestApp::start().await;
    let execution = submit(&app, SAYS_AND_SLEEPS, json!({})).await;
    until(&mut app.client.events(&execution).await, "stdout").await;
    let before = memory_kib(&app);
    let streams = open(&app, &execution, 1000).await;
    let cost = memory_kib(&app).saturating_sub(before);
    println!("1000 idle streams take {cost} KiB");
    assert!(cost < 50 * 1024, "{cost} KiB");
    cancel(&app, &execution).await;
    drop(streams);
}

#[tokio::test]
async fn watchers_that_never_read_slow_nothing_and_cost_little() {
    let app = TestApp::start().await;
    let code = "import sys\nprint('began', flush=True)\nsys.stdin.read()\n\
                for _ in range(32):\n    sys.stdout.write('ž' * 15_999 + '\\n'); sys.stderr.write('e' * 30_000)\n";
    let alone = submit(&app, code, json!({})).await;
    let alone = app.client.wait(&alone).await;
    assert_eq!(alone["status"], "COMPLETED", "{alone:#}");
    let before = memory_kib(&app);
    let execution = submit(&app, code, json!({})).await;
    let mut streams = open(&app, &execution, SLOW).await;
    let watched = app.client.wait(&execution).await;
    assert_eq!((&watched["status"], &watched["stdout"]), (&json!("COMPLETED"), &alone["stdout"]));
    let time = |row: &Value| row["execution_time_ms"].as_u64().expect("a number");
    assert!(time(&watched) <= 10 * time(&alone) + 2_000, "{} and alone {}", time(&watched), time(&alone));
    // The last events are on their way still.
    let mut now = 0;
    let settled = eventually(SOON, "the memory stays the same", || {
        let previous = mem::replace(&mut now, memory_kib(&app));
        ready((previous == now).then_some(now))
    });
    let cost = settled.await.saturating_sub(before);
    println!("{SLOW} watchers that do not read 2 MB take {cost} KiB; {} ms, alone {} ms", time(&watched), time(&alone));
    // With a copy of the output for each it would be more.
    assert!(cost < 100 * 1024, "{cost} KiB");
    // One that reads at last gets everything.
    let mut reader = EventReader::default();
    let mut followed = Followed::default();
    let slow = &mut streams[0].connection;
    let mut raw = Vec::new();
    while !raw.ends_with(b"0\r\n\r\n") {
        let mut bytes = [0; 65536];
        let length = slow.read(&mut bytes).await.expect("the stream does not break");
        assert!(length > 0, "the stream ended early");
        raw.extend_from_slice(&bytes[..length]);
    }
    for event in reader.read(&unchunked(&raw)) {
        followed.take(&event);
    }
    followed.assert_is(&watched);
}

/// Returns the body of an answer in chunks, after what `status_line` has read of its head.
fn unchunked(answer: &[u8]) -> Vec<u8> {
    let end =
        |bytes: &[u8], mark: &[u8]| bytes.windows(mark.len()).position(|window| window == mark).expect("it is there");
    let mut rest = &answer[end(answer, b"\r\n\r\n") + 4..];
    let mut body = Vec::new();
    loop {
        let line = end(rest, b"\r\n");
        let size = std::str::from_utf8(&rest[..line]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.expect("a size");
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 2 + size + 2..];
    }
}

#[tokio::test]
async fn watchers_that_vanish_leave_nothing() {
    let app = Launch::default().arg("--max-connections=400").start().await;
    let code = "import time\nfor line in range(2000):\n    print(line, flush=True)\n    time.sleep(0.005)\n";
    let execution = submit(&app, code, json!({})).await;
    until(&mut app.client.events(&execution).await, "stdout").await;
    drop(open(&app, &execution, 100).await);
    let idle =
        eventually(SOON, "the first have gone", async || Some(open_files(&app)).filter(|count| *count < 100)).await;
    let before = memory_kib(&app);
    // More than there are places, if any were left behind.
    for _ in 0..10 {
        let mut streams = open(&app, &execution, 100).await;
        for stream in streams.iter_mut().step_by(2) {
            stream.status_line().await.expect("some events");
        }
    }
    eventually(SOON, "their files are closed", async || (open_files(&app) <= idle + 5).then_some(())).await;
    let cost = memory_kib(&app).saturating_sub(before);
    assert!(cost < 20 * 1024, "{cost} KiB");
    let metrics = app.client.get("/metrics").await.text;
    assert!(metrics.lines().any(|line| line == "runbay_http_requests_in_flight 1"), "{metrics}");
    let mut last = EventStream::open(app.client.events_request(&execution, None)).await;
    until(&mut last, "stdout").await;
    cancel(&app, &execution).await;
    until(&mut last, "result").await;
}
