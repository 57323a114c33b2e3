//! One client that takes all it can get, and others beside it.

use std::time::Duration;

use reqwest::Method;
use runbay_testkit::Answer;
use runbay_testkit::Client;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// How long it takes at most until a server knows of what was sent to it.
const SOON: Duration = Duration::from_secs(30);

/// Another program on the same machine than that at 127.0.0.1, from where tests ask.
fn neighbour(app: &TestApp) -> Client {
    app.client.at([127, 0, 0, 2].into())
}

/// The same program as that of the tests, without a connection yet.
fn newcomer(app: &TestApp) -> Client {
    app.client.at([127, 0, 0, 1].into())
}

/// Opens connections and sends the same bytes over each.
async fn connections(app: &TestApp, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = TcpStream::connect(app.client.address()).await.expect("the server accepts connections");
        stream.write_all(bytes).await.expect("a few bytes fit");
        streams.push(stream);
    }
    streams
}

async fn until_in_flight(app: &TestApp, at_least: u32) {
    eventually(SOON, "the requests have arrived", async || {
        // Over a connection of its own: an idle one may be closed for somebody else.
        let metrics = newcomer(app).get("/metrics").await.text;
        let count = metrics.lines().find_map(|line| line.strip_prefix("runbay_http_requests_in_flight "));
        (count?.parse::<u32>().ok()? >= at_least).then_some(())
    })
    .await;
}

/// Does what an honest user does: looks whether the server lives, opens, saves, checks and runs.
async fn assert_served(client: &Client) {
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
    let session = client.create_session("python", "print(1)").await;
    assert_eq!(client.save(&session, "print('served')").await, 2);
    client.post(&format!("/code-sessions/{session}/check"), &json!({})).await.expect(200);
    let execution = client.run(&session, &json!({})).await;
    assert_eq!(client.wait(&execution).await["stdout"], "served\n");
}

#[track_caller]
fn assert_share(answer: &Answer, says: &str) {
    answer.expect_problem(429, "client_share");
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
    assert!(answer.text.contains(says), "{}", answer.text);
}

#[tokio::test]
async fn bodies_that_never_come_take_no_place() {
    let app = TestApp::start().await;
    let head = b"POST /code-sessions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        content-length: 100\r\n\r\n{";
    let _stalled = connections(&app, 1_100, head).await;
    until_in_flight(&app, 800).await;
    assert_served(&app.client).await;
    assert_served(&neighbour(&app)).await;
}

#[tokio::test]
async fn large_bodies_that_never_end_leave_memory_for_others() {
    let app = TestApp::start().await;
    let mut head = b"POST /code-sessions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        content-length: 12500000\r\n\r\n"
        .to_vec();
    head.resize(12_150_000, b' ');
    let address = app.client.address().to_owned();
    let senders: Vec<_> = (0..12)
        .map(|_| {
            let (address, head) = (address.clone(), head.clone());
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.expect("the server accepts connections");
                // A body that had to give way is not taken to its end.
                stream.write_all(&head).await.ok();
                stream
            })
        })
        .collect();
    let mut stalled = Vec::new();
    for sender in senders {
        stalled.push(sender.await.expect("no sender panics"));
    }
    let large = json!({"files": [{"name": "main.py", "content": "print(1)"},
        {"name": "data.txt", "content": "x".repeat(1_000_000)}]});
    for client in [app.client.clone(), neighbour(&app)] {
        client.post("/code-sessions", &large).await.expect(201);
        assert_served(&client).await;
    }
}

#[tokio::test]
async fn idle_connections_give_way() {
    let app = Launch::default().arg("--max-connections=100").start().await;
    let mut idle = connections(&app, 110, b"").await;
    assert_served(&app.client).await;
    assert_served(&neighbour(&app)).await;
    // The first has been idle for longest.
    let closed = tokio::time::timeout(SOON, idle[0].read(&mut [0; 1])).await.expect("it was closed");
    assert!(matches!(closed, Ok(0) | Err(_)));
}

#[tokio::test]
async fn long_polls_leave_connections_for_others() {
    let app = Launch::default().arg("--max-connections=100").env("RUNBAY_SLOTS", "1").start().await;
    let session = app.client.create_session("python", "import time; time.sleep(25)").await;
    let execution = app.client.run(&session, &json!({"limits": {"wall_time_ms": 30_000}})).await;
    let poll = format!("GET /executions/{execution}?wait_ms=60000 HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let _polls = connections(&app, 120, poll.as_bytes()).await;
    until_in_flight(&app, 60).await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(newcomer(&app).get(path).await.status, 200, "{path}");
    }
    let other = neighbour(&app);
    let session = other.create_session("python", "print(1)").await;
    assert_eq!(other.save(&session, "print(2)").await, 2);
}

#[tokio::test]
async fn one_client_does_not_fill_the_queue() {
    let app = Launch::default().arg("--queue-max-depth=64").env("RUNBAY_SLOTS", "1").start().await;
    let sleeper = json!({"language": "python", "source_code": "import time; time.sleep(2)"});
    let mut accepted = 0;
    let refused = loop {
        let answer = app.client.post("/executions", &sleeper).await;
        match answer.status {
            202 => accepted += 1,
            _ => break answer,
        }
        assert!(accepted < 100, "the queue has no end");
    };
    assert!((48..=62).contains(&accepted), "{accepted} were accepted");
    assert_share(&refused, "executions of this client wait");
    // A neighbour gets a place, and does not wait for all that came before.
    let other = neighbour(&app);
    let session = other.create_session("python", "print('next')").await;
    let execution = other.run(&session, &json!({})).await;
    assert_eq!(other.wait(&execution).await["stdout"], "next\n");
    let depth = app.client.get("/readyz").await.expect(200)["queue_depth"].as_u64().expect("a number");
    assert!(depth > 20, "only {depth} wait: the machine was too fast for this test to mean anything");
}

#[tokio::test]
async fn a_client_behind_a_proxy_is_its_own() {
    let app = Launch::default().arg("--queue-max-depth=8").env("RUNBAY_SLOTS", "1").start().await;
    let sleeper = json!({"language": "python", "source_code": "import time; time.sleep(5)"});
    let ask = async |from: &str| {
        let request = app.client.request(Method::POST, "/executions").header("x-forwarded-for", from);
        app.client.send(request.json(&sleeper)).await
    };
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(ask("203.0.113.9").await.status);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    assert_eq!(ask("203.0.113.10").await.status, 202);
    let forged = ask("203.0.113.10, 203.0.113.9").await;
    assert_share(&forged, "executions of this client wait");
}

async fn large_session(client: &Client) -> Answer {
    client.post("/code-sessions", &json!({"language": "python", "source_code": "#".repeat(60_000)})).await
}

#[tokio::test]
async fn one_client_does_not_fill_the_disk() {
    let app = Launch::default().arg("--client-bytes-per-hour=100000").start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let refused = eventually(SOON, "the budget is spent", async || {
        let answer = large_session(&app.client).await;
        (answer.status != 201).then_some(answer)
    })
    .await;
    assert_share(&refused, "800000 bytes of code and input");
    // Saves and copies for runs count as well; reading and closing go on.
    let save =
        app.client.patch(&format!("/code-sessions/{session}"), &json!({"source_code": "#".repeat(60_000)})).await;
    assert_share(&save, "within an hour");
    app.client.get(&format!("/code-sessions/{session}")).await.expect(200);
    assert_served(&neighbour(&app)).await;
    app.client.delete(&format!("/code-sessions/{session}?erase=true")).await.expect(200);
}

#[tokio::test]
async fn a_full_store_says_so_and_runs_what_it_has() {
    let app = Launch::default().arg("--max-stored-bytes=2000000").start().await;
    let session = app.client.create_session("python", "print('still')").await;
    let mut opened = Vec::new();
    let refused = loop {
        let answer = large_session(&app.client).await;
        if answer.status != 201 {
            break answer;
        }
        opened.push(serde_json::from_str::<Value>(&answer.text).unwrap()["session_id"].as_str().unwrap().to_owned());
        assert!(opened.len() < 100, "the store has no end");
    };
    refused.expect_problem(507, "storage_full");
    assert!(opened.len() > 10 && refused.text.contains("erase=true"), "{} {}", opened.len(), refused.text);
    app.client.get(&format!("/code-sessions/{session}")).await.expect(200);
    let execution = app.client.run(&session, &json!({})).await;
    assert_eq!(app.client.wait(&execution).await["stdout"], "still\n");
    for session in &opened[..opened.len() / 2] {
        app.client.delete(&format!("/code-sessions/{session}?erase=true")).await.expect(200);
    }
    eventually(SOON, "there is room again", async || (large_session(&app.client).await.status == 201).then_some(()))
        .await;
}
