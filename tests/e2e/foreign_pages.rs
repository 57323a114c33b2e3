//! Browser safety of a loopback server: who may ask, and from where.

use std::net::TcpListener;

use reqwest::Method;
use runbay_testkit::Answer;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;

/// Sends a request with a `Host` and an `Origin`; none is left out.
async fn ask(app: &TestApp, method: Method, path: &str, host: Option<&str>, origin: Option<&str>) -> Answer {
    let headers = [("host", host), ("origin", origin)];
    let request = headers.into_iter().fold(app.client.request(method, path), |request, (name, value)| match value {
        Some(value) => request.header(name, value),
        None => request,
    });
    app.client.send(request).await
}

/// Those of IPv6 only where the host has it, which some containers do not.
fn loopback_addresses() -> impl Iterator<Item = &'static str> {
    let has_ipv6 = TcpListener::bind("[::1]:0").is_ok();
    ["127.0.0.1:0"].into_iter().chain(has_ipv6.then_some("[::1]:0"))
}

fn port(app: &TestApp) -> &str {
    app.client.address().rsplit(':').next().unwrap_or_default()
}

#[tokio::test]
async fn the_own_page_and_programs_work_on_every_loopback_address() {
    for listen in loopback_addresses() {
        let app = Launch::default().listen(listen).start().await;
        for name in ["localhost", "127.0.0.1", "[::1]", "LocalHost", "127.0.0.2", "[::ffff:127.0.0.1]"] {
            let host = format!("{name}:{}", port(&app));
            let page = format!("http://{host}");
            let read = ask(&app, Method::GET, "/languages", Some(&host), Some(&page)).await;
            assert_eq!(read.status, 200, "{host}: {}", read.text);
            let write = ask(&app, Method::POST, "/code-sessions", Some(&host), Some(&page)).await;
            assert_eq!(write.status, 201, "{host}: {}", write.text);
            let program = ask(&app, Method::POST, "/code-sessions", Some(&host), None).await;
            assert_eq!(program.status, 201, "{host}: {}", program.text);
        }
        // A proxy on the same machine may end TLS.
        let behind = ask(&app, Method::POST, "/code-sessions", Some("localhost"), Some("https://localhost")).await;
        assert_eq!(behind.status, 201, "{}", behind.text);
    }
}

#[tokio::test]
async fn requests_as_curl_sends_them_work() {
    let app = TestApp::start().await;
    let address = app.client.address();
    let body = r#"{"language":"python"}"#;
    let rest =
        format!("Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    for head in [
        format!("POST /code-sessions HTTP/1.1\r\nHost: {address}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n"),
        format!("POST http://{address}/code-sessions HTTP/1.1\r\nHost: {address}\r\nUser-Agent: curl/8.5.0\r\n"),
        "POST /code-sessions HTTP/1.0\r\n".to_owned(),
    ] {
        let answer = app.client.send_raw(format!("{head}{rest}").as_bytes()).await;
        assert_eq!(answer.status, 201, "{head}{}", answer.text);
    }
}

#[tokio::test]
async fn a_foreign_host_is_refused_on_every_path() {
    for listen in loopback_addresses() {
        let app = Launch::default().listen(listen).start().await;
        let port = port(&app);
        for name in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example:80",
            "10.0.0.1",
            "0.0.0.0",
            "[::]",
            "[fe80::1]",
            "169.254.169.254",
            "localhost@evil.example",
            "2130706433",
            "0x7f.1",
            "",
        ] {
            let host = format!("{name}:{port}");
            for host in [name, &host] {
                let answer = ask(&app, Method::GET, "/languages", Some(host), None).await;
                answer.expect_problem(403, "foreign_host");
            }
        }
        for (method, path) in [
            (Method::GET, "/healthz"),
            (Method::GET, "/metrics"),
            (Method::GET, "/openapi.json"),
            (Method::GET, "/api/languages"),
            (Method::GET, "/nothing"),
            (Method::PUT, "/languages"),
            (Method::POST, "/code-sessions"),
        ] {
            let own = format!("http://localhost:{port}");
            let answer = ask(&app, method, path, Some("evil.example"), Some(&own)).await;
            answer.expect_problem(403, "foreign_host");
        }
        let absolute = b"GET http://evil.example/languages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        app.client.send_raw(absolute).await.expect_problem(403, "foreign_host");
    }
}

#[tokio::test]
async fn a_foreign_page_may_not_write() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let path = format!("/code-sessions/{session}");
    let run = format!("{path}/run");
    let check = format!("{path}/check");
    let host = format!("localhost:{}", port(&app));
    for origin in [
        "https://evil.example",
        "null",
        "",
        "http://localhost",
        "http://localhost:3000",
        "file://",
        "http://127.0.0.1:8080",
        &format!("http://{host}.evil.example"),
        &format!("http://evil.example@{host}"),
        &format!("ftp://{host}"),
        &format!("http://127.0.0.1:{}", port(&app)),
        &host,
    ] {
        for (method, path) in [
            (Method::POST, "/code-sessions"),
            (Method::PATCH, path.as_str()),
            (Method::DELETE, path.as_str()),
            (Method::POST, run.as_str()),
            (Method::POST, check.as_str()),
            (Method::POST, "/executions"),
            (Method::POST, "/executions/batch"),
            (Method::POST, "/api/code-sessions"),
        ] {
            let answer = ask(&app, method, path, Some(&host), Some(origin)).await;
            answer.expect_problem(403, "foreign_origin");
        }
    }
    let read = ask(&app, Method::GET, "/languages", Some(&host), Some("https://evil.example")).await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, ""), "a page must not see the answer");
    let session = app.client.get(&path).await.expect(200);
    assert_eq!((&session["status"], &session["version"]), (&"ACTIVE".into(), &1.into()));
}

#[tokio::test]
async fn a_server_for_the_network_answers_to_any_name() {
    let app = Launch::default().listen("0.0.0.0:0").start().await;
    let answer =
        ask(&app, Method::POST, "/code-sessions", Some("runbay.example"), Some("https://runbay.example")).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}
