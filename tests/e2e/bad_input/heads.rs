//! Requests that are no HTTP, too large, or of another content type.

use reqwest::Method;
use runbay_testkit::Answer;

use super::watched::Watched;
use super::watched::assert_refused;

/// A request for a path with more header lines, after which the server closes the connection.
fn request(line: &str, headers: &str) -> Vec<u8> {
    format!("{line}\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n").into_bytes()
}

/// Asserts that the HTTP library refused a head by itself: with a status, without a body, and as the last answer.
#[track_caller]
fn assert_head_refused(answer: &Answer, status: u16) {
    assert_eq!((answer.status, answer.text.as_str()), (status, ""));
    assert_eq!((answer.header("content-length"), answer.header("connection")), ("0", "close"));
}

#[tokio::test]
async fn what_is_no_http_is_refused_without_a_body() {
    let mut watched = Watched::start().await;
    let post = "POST /code-sessions HTTP/1.1";
    let with_type = "content-type: application/json\r\n";
    for bytes in [
        b"GARBAGE\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 a TLS greeting\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET /languages\r\n\r\n".to_vec(),
        request("GET /languages HTTP/9.9", ""),
        request("GET /languages HTTX/1.1", ""),
        request("GET /lang\0uages HTTP/1.1", ""),
        request("G\x01T /languages HTTP/1.1", ""),
        request("GET /languages HTTP/1.1", "no colon\r\n"),
        request("GET /languages HTTP/1.1", ": no name\r\n"),
        request("GET /languages HTTP/1.1", "a b: c\r\n"),
        request("GET /languages HTTP/1.1", "a: b\0c\r\n"),
        request("GET /languages HTTP/1.1", "a: b\r\n folded: line\r\n"),
        request(post, "content-length: many\r\n"),
        request(post, "content-length: -1\r\n"),
        request(post, "content-length: 2\r\ncontent-length: 3\r\n"),
        request(post, "content-length: 99999999999999999999999\r\n"),
        request(post, "transfer-encoding: gzip\r\n"),
    ] {
        println!("{:?}", String::from_utf8_lossy(&bytes));
        assert_head_refused(&watched.app.client.send_unread(&bytes).await, 400);
    }
    for chunks in ["zz\r\n{}\r\n0\r\n\r\n", "-1\r\n", "fffffffffffffffff\r\n", "2\r\n{}!!0\r\n\r\n"] {
        println!("{chunks:?}");
        let mut bytes = request(post, &format!("{with_type}transfer-encoding: chunked\r\n"));
        bytes.extend_from_slice(chunks.as_bytes());
        assert_refused(
            &watched.app.client.send_raw(&bytes).await,
            400,
            "invalid_body",
            Some("body: ended before it was complete"),
        );
    }
    watched.assert_untouched().await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_without_a_body() {
    let mut watched = Watched::start().await;
    let many = |count: usize| (0..count).map(|number| format!("x-{number}: y\r\n")).collect::<String>();
    let line = "GET /languages HTTP/1.1";
    for bytes in [
        request(line, &format!("x: {}\r\n", "y".repeat(70_000))),
        request(line, &format!("x: {}\r\n", "y".repeat(5_000_000))),
        request(line, &format!("{}: x\r\n", "y".repeat(70_000))),
        request(line, &format!("cookie: {}\r\n", "a=b; ".repeat(14_000))),
        request(line, &many(101)),
        request(line, &many(50_000)),
        request(&format!("GET /{} HTTP/1.1", "a".repeat(70_000)), ""),
        request(&format!("GET /languages?{} HTTP/1.1", "a".repeat(70_000)), ""),
        vec![b'A'; 200_000],
    ] {
        println!("{} bytes", bytes.len());
        assert_head_refused(&watched.app.client.send_unread(&bytes).await, 431);
    }
    let fits = request(line, &format!("x: {}\r\n{}", "y".repeat(50_000), many(90)));
    assert_eq!(watched.app.client.send_raw(&fits).await.status, 200);
    watched.assert_untouched().await;
}

#[tokio::test]
async fn a_bad_request_after_a_good_one_is_refused() {
    let watched = Watched::start().await;
    let mut bytes = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec();
    bytes.extend_from_slice(b"GARBAGE\r\n\r\n");
    let answer = watched.app.client.send_raw(&bytes).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("HTTP/1.1 400 Bad Request"), "{}", answer.text);
}

#[tokio::test]
async fn another_content_type_is_refused() {
    let mut watched = Watched::start().await;
    let types: [Option<&[u8]>; 10] = [
        None,
        Some(b""),
        Some(b"text/plain"),
        Some(b"text/json"),
        Some(b"application/x-www-form-urlencoded"),
        Some(b"multipart/form-data; boundary=x"),
        Some(b"application/jsonx"),
        Some(b"application"),
        Some(b"; application/json"),
        Some(b"application/json\xff"),
    ];
    for content_type in types {
        for (method, path) in [
            (Method::POST, "/code-sessions".to_owned()),
            (Method::PATCH, watched.session.clone()),
            (Method::POST, format!("{}/run", watched.session)),
        ] {
            let mut request = watched.app.client.request(method, &path).body(r#"{"source_code":"x"}"#);
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let answer = watched.app.client.send(request).await;
            assert_refused(&answer, 415, "unsupported_media_type", Some("content-type: must be"));
        }
    }
    watched.assert_untouched().await;
}

#[tokio::test]
async fn a_large_body_is_refused_however_it_comes() {
    let mut watched = Watched::start().await;
    let body = format!(r#"{{"source_code":"{}"}}"#, "a".repeat(13_000_000));
    let chunked: String = body.as_bytes().chunks(100_000).fold(String::new(), |text, chunk| {
        text + &format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap())
    }) + "0\r\n\r\n";
    let run = format!("{}/run", watched.session);
    for (method, path) in [
        ("POST", "/code-sessions"),
        ("PATCH", watched.session.as_str()),
        ("POST", run.as_str()),
        ("POST", "/executions"),
        ("POST", "/executions/batch"),
    ] {
        for (framing, bytes) in [
            (format!("content-length: {}\r\n", body.len()), &body),
            ("transfer-encoding: chunked\r\n".into(), &chunked),
        ] {
            println!("{method} {path} {framing}");
            let headers = format!("content-type: application/json\r\n{framing}");
            let mut request = request(&format!("{method} {path} HTTP/1.1"), &headers);
            request.extend_from_slice(bytes.as_bytes());
            assert_refused(&watched.app.client.send_raw(&request).await, 413, "body_too_large", None);
        }
    }
    watched.assert_untouched().await;
}
