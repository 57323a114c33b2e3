//! What is refused, and how it is said.

use reqwest::Method;
use runbay_testkit::TestApp;

use crate::redaction::redacted;

struct Case {
    method: Method,
    path: &'static str,
    content_type: Option<&'static str>,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
    /// What the one entry of `details` begins with; none when there is no entry.
    detail: Option<&'static str>,
}

const JSON: Option<&str> = Some("application/json");

fn create(body: impl Into<Vec<u8>>, status: u16, code: &'static str, detail: &'static str) -> Case {
    Case {
        method: Method::POST,
        path: "/code-sessions",
        content_type: JSON,
        body: body.into(),
        status,
        code,
        detail: Some(detail),
    }
}

/// The run of a session that does not exist: the body is looked at first.
fn run(body: impl Into<Vec<u8>>, status: u16, code: &'static str, detail: &'static str) -> Case {
    Case { path: "/code-sessions/0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b/run", ..create(body, status, code, detail) }
}

fn save(body: impl Into<Vec<u8>>, status: u16, code: &'static str, detail: &'static str) -> Case {
    Case {
        method: Method::PATCH,
        path: "/code-sessions/0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b",
        ..create(body, status, code, detail)
    }
}

fn cases() -> Vec<Case> {
    let long_source = format!(r#"{{"source_code":"{}"}}"#, "a".repeat(65_537));
    let long_stdin = format!(r#"{{"stdin":"{}"}}"#, "a".repeat(1_048_577));
    let many_args = format!(r#"{{"args":[{}"a"]}}"#, r#""a","#.repeat(64));
    let without_detail = |case: Case| Case { detail: None, ..case };
    vec![
        create("{", 400, "invalid_json", "body: EOF while parsing"),
        create("print(1)", 400, "invalid_json", "body: expected"),
        create("{} {}", 400, "invalid_json", "body: trailing characters"),
        create(r#"{"source_code":"\ud800"}"#, 400, "invalid_json", "source_code: "),
        create(b"{\"source_code\":\"\xff\"}", 400, "invalid_json", "source_code: invalid unicode code point"),
        create("[]", 400, "invalid_body", "body: must be a JSON object"),
        create(r#"["python","print(1)"]"#, 400, "invalid_body", "body: must be a JSON object"),
        create("null", 400, "invalid_body", "body: must be a JSON object"),
        create(r#""python""#, 400, "invalid_body", "body: must be a JSON object"),
        create(r#"{"language":5}"#, 400, "invalid_body", "language: invalid type: integer `5`, expected a string"),
        create(r#"{"language":["python"]}"#, 400, "invalid_body", "language: invalid type: sequence"),
        create(r#"{"lang":"python"}"#, 400, "invalid_body", "lang: unknown field `lang`"),
        create(r#"{"language":"ruby on rails"}"#, 400, "unknown_language", "language: \"ruby on rails\" is none of"),
        create(r#"{"source_code":"a\u0000b"}"#, 400, "invalid_body", "source_code: must not contain"),
        create(long_source.clone(), 413, "source_too_large", "source_code: has 65537 bytes"),
        Case { content_type: Some("text/plain"), ..create("{}", 415, "unsupported_media_type", "content-type: ") },
        Case { content_type: None, ..create("{}", 415, "unsupported_media_type", "content-type: ") },
        without_detail(create(vec![b' '; 10_000_000], 413, "body_too_large", "")),
        save(r#"{"version":0}"#, 400, "invalid_body", "version: invalid value: integer `0`"),
        save(r#"{"version":-1}"#, 400, "invalid_body", "version: invalid value: integer `-1`"),
        save(r#"{"version":1.5}"#, 400, "invalid_body", "version: invalid type: floating point"),
        save(long_source, 413, "source_too_large", "source_code: has 65537 bytes"),
        run(r#"{"code":"1","source_code":"2"}"#, 400, "invalid_body", "body: duplicate field `source_code`"),
        run(r#"{"args":"-v"}"#, 400, "invalid_body", "args: invalid type: string"),
        run(r#"{"args":["a",7]}"#, 400, "invalid_body", "args[1]: invalid type: integer `7`"),
        run(r#"{"args":["a\u0000"]}"#, 400, "invalid_body", "args[0]: must not contain"),
        run(r#"{"stdin":["a"]}"#, 400, "invalid_body", "stdin: invalid type: sequence"),
        run(long_stdin, 413, "stdin_too_large", "stdin: has 1048577 bytes"),
        run(many_args, 413, "arguments_too_large", "args: has 65 entries"),
        without_detail(Case { method: Method::PUT, ..create("{}", 405, "method_not_allowed", "") }),
        without_detail(Case { path: "/code-session", ..create("{}", 404, "route_not_found", "") }),
        without_detail(Case { path: "/code-sessions/", ..create("{}", 404, "route_not_found", "") }),
        Case { path: "/code-sessions/%ff/run", ..create("{}", 400, "invalid_id", "session_id: ") },
        Case {
            path: "/code-sessions/0b6d3f1e8c1a4f5e9d572f4a6f0f8f3b/run",
            ..create("{}", 400, "invalid_id", "session_id: ")
        },
    ]
}

#[tokio::test]
async fn each_is_a_problem_that_names_its_field() {
    let app = TestApp::start().await;
    for case in cases() {
        let shown = String::from_utf8_lossy(&case.body[..case.body.len().min(60)]).into_owned();
        println!("{} {} {shown}", case.method, case.path);
        let mut request = app.client.request(case.method, case.path).body(case.body);
        if let Some(content_type) = case.content_type {
            request = request.header("content-type", content_type);
        }
        let problem = app.client.send(request).await.expect_problem(case.status, case.code);
        let details = problem["details"].as_array().unwrap();
        match case.detail {
            Some(start) => {
                assert_eq!(details.len(), 1, "{problem:#}");
                assert!(details[0].as_str().unwrap().starts_with(start), "{problem:#}");
            }
            None => assert!(details.is_empty(), "{problem:#}"),
        }
    }
    app.client.run_to_end("python", "print('still there')").await;
}

#[tokio::test]
async fn a_wrong_field_in_full() {
    let app = TestApp::start().await;
    let problem = app.client.post("/code-sessions", &serde_json::json!({"lang": "python"})).await;
    insta::assert_json_snapshot!(redacted(problem.expect_problem(400, "invalid_body")), @r#"
    {
      "code": "invalid_body",
      "details": [
        "lang: unknown field `lang`, expected one of `language`, `source_code`, `template_code` at line 1 column 7"
      ],
      "error": "The body of the request does not fit this route",
      "request_id": "[id]",
      "status": 400,
      "title": "The body of the request does not fit this route",
      "type": "urn:runbay:problem:invalid_body"
    }
    "#);
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let app = TestApp::start().await;
    let answer = app.client.send(app.client.request(Method::PUT, "/code-sessions")).await;
    answer.expect_problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");
    let path = "/code-sessions/0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b";
    let answer = app.client.send(app.client.request(Method::POST, path)).await;
    answer.expect_problem(405, "method_not_allowed");
    for method in ["GET", "HEAD", "PATCH", "DELETE"] {
        assert!(answer.header("allow").split(',').any(|allowed| allowed == method), "{}", answer.header("allow"));
    }
}

#[tokio::test]
async fn a_foreign_page_is_refused() {
    let app = TestApp::start().await;
    let rebound = app.client.request(Method::GET, "/languages").header("host", "evil.example");
    app.client.send(rebound).await.expect_problem(403, "foreign_host");
    let write = app.client.request(Method::POST, "/code-sessions").header("origin", "https://evil.example");
    app.client.send(write).await.expect_problem(403, "foreign_origin");
    let read = app.client.request(Method::GET, "/languages").header("origin", "https://evil.example");
    assert_eq!(app.client.send(read).await.status, 200);
}
