//! Bodies that do not fit their route.

use reqwest::Method;
use runbay_testkit::TestApp;
use serde_json::json;

use super::watched::Watched;
use super::watched::assert_refused;
use crate::redaction::redacted;

const SOURCE_LIMIT: usize = 65_536;
const STDIN_LIMIT: usize = 1_048_576;
const ARGUMENT_LIMIT: usize = 16_384;

#[derive(Clone, Copy, PartialEq)]
enum Route {
    Create,
    Save,
    Run,
    Check,
    OneShot,
}

const ROUTES: [Route; 5] = [Route::Create, Route::Save, Route::Run, Route::Check, Route::OneShot];

/// The text fields of every body; the others have tables of their own.
const TEXTS: &[(Route, &str)] = &[
    (Route::Create, "language"),
    (Route::Create, "source_code"),
    (Route::Create, "template_code"),
    (Route::Save, "language"),
    (Route::Save, "source_code"),
    (Route::Run, "language"),
    (Route::Run, "source_code"),
    (Route::Run, "code"),
    (Route::Run, "stdin"),
    (Route::Check, "language"),
    (Route::Check, "code"),
    (Route::OneShot, "language"),
    (Route::OneShot, "source_code"),
    (Route::OneShot, "code"),
    (Route::OneShot, "stdin"),
];

struct Case {
    route: Route,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
    detail: Option<String>,
}

fn case(route: Route, body: impl Into<Vec<u8>>, status: u16, code: &'static str, detail: &str) -> Case {
    Case { route, body: body.into(), status, code, detail: Some(detail.to_owned()) }
}

/// What is no JSON, or JSON of another shape, on every route.
fn shapes() -> Vec<Case> {
    let deep = |open: &str| open.repeat(100_000);
    let mut cases = Vec::new();
    for route in ROUTES {
        let mut not_json = |body: &[u8], detail: &str| cases.push(case(route, body, 400, "invalid_json", detail));
        not_json(b"{", "body: ends within the JSON, at line 1, column 1; send all of it");
        not_json(b"print(1)", "body: is not JSON at line 1, column 1 (");
        not_json(b"{} {}", "body: is not JSON at line 1, column 4 (trailing characters)");
        not_json(b"{},", "body: is not JSON at line 1, column 3 (trailing characters)");
        not_json(b"{'language':'python'}", "body: is not JSON at line 1, column 2 (key must be a string)");
        not_json(br#"{"language":"python",}"#, "body: is not JSON at line 1, column 22 (trailing comma)");
        not_json(br#"{"language":"python" "source_code":""}"#, "body: is not JSON at line 1, column 22 (expected `,`");
        not_json(br#"{"language":"python"#, "language: ends within the JSON");
        not_json(br#"{"language":NaN}"#, "language: is not JSON at line 1, column 13 (expected value)");
        not_json(b" \t\r\n", "body: ends within the JSON");
        not_json(b"\0", "body: is not JSON at line 1, column 1");
        not_json(b"\xef\xbb\xbf[}", "body: is not JSON at line 1, column 2");
        not_json(deep("[").as_bytes(), "body: ends within the JSON");
        not_json(br#"{"source_code":"\ud800"}"#, "source_code: ");
        not_json(br#"{"source_code":"\udc00\ud800"}"#, "source_code: ");
        not_json(br#"{"source_code":"\ud800x"}"#, "source_code: ");
        not_json(br#"{"source_code":"\x41"}"#, "source_code: is not JSON at line 1, column 18 (invalid escape)");
        not_json(b"{\"source_code\":\"\xff\"}", "source_code: is not JSON at line 1, ");
        not_json(b"{\"source_code\":\"\xed\xa0\x80\"}", "source_code: is not JSON at line 1, ");
        not_json(b"{\"source_code\":\"\xc0\x80\"}", "source_code: is not JSON at line 1, ");
        not_json(b"{\"source_code\":\"a\nb\"}", "source_code: is not JSON at line 2, column 0 (control character");

        let mut misfit = |body: String, detail: &str| cases.push(case(route, body, 400, "invalid_body", detail));
        for body in ["[]", r#"["python","print(1)"]"#, "null", r#""python""#, "5", "true", "1e400", " [ {} ] "] {
            // A number beyond all bounds is JSON for some and none for others; both are refused.
            if body != "1e400" {
                misfit(body.to_owned(), "body: must be a JSON object");
            }
        }
        misfit(deep("[") + &"]".repeat(100_000), "body: must be a JSON object");
        misfit(format!(r#"{{"source_code":{}"#, deep("[")), "source_code: must be a string, not a list");
        misfit(format!(r#"{{"source_code":{}"#, deep(r#"{"a":"#)), "source_code: must be a string, not an object");
        misfit(deep(r#"{"a":"#), "a: is no field here; there are language, ");
        misfit(r#"{"lang":"python"}"#.to_owned(), "lang: is no field here; did you mean language?");
        misfit(r#"{"Language":"python"}"#.to_owned(), "Language: is no field here; did you mean language?");
        misfit(r#"{"":1}"#.to_owned(), "");
        misfit(r#"{"__proto__":{}}"#.to_owned(), "__proto__: is no field here");
        misfit(format!(r#"{{"{}":1}}"#, "k".repeat(1_000_000)), "kkkkkkkkkk");
    }
    cases
}

/// Every field with every wrong type, twice, and with text that it does not take.
fn fields() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(route, field) in TEXTS {
        for wrong in ["5", "-1", "1.5", "true", "[]", r#"["a"]"#, "{}", r#"{"a":"b"}"#, "184467440737095516160"] {
            let body = format!(r#"{{"{field}":{wrong}}}"#);
            cases.push(case(route, body, 400, "invalid_body", &format!("{field}: must be a string, not ")));
        }
        let twice = format!(r#"{{"{field}":"","{field}":""}}"#);
        let name = if matches!(field, "template_code" | "code") { "source_code" } else { field };
        cases.push(case(route, twice, 400, "invalid_body", &format!("{name}: must be there once")));
        if field == "language" {
            // Where code is required it is there, so that only the language is wrong.
            let code = if route == Route::OneShot { r#","code":"""# } else { "" };
            for wrong in
                ["Python", "PYTHON", " python", "python ", "", "cobol", "ruby on rails", "python\\u0000", "рython"]
            {
                let body = format!(r#"{{"language":"{wrong}"{code}}}"#);
                cases.push(case(route, body, 400, "unknown_language", "language: \""));
            }
            let body = format!(r#"{{"language":"{}"{code}}}"#, "é".repeat(1_000_000));
            cases.push(case(route, body, 400, "unknown_language", "language: \"éé"));
        } else if field != "stdin" {
            let with_nul = format!(r#"{{"{field}":"a\u0000b"}}"#);
            cases.push(case(route, with_nul, 400, "invalid_body", "source_code: must be UTF-8 without"));
            for (text, bytes) in [("a".repeat(SOURCE_LIMIT + 1), 65_537), ("é".repeat(SOURCE_LIMIT / 2 + 1), 65_538)] {
                let body = format!(r#"{{"{field}":"{text}"}}"#);
                cases.push(case(route, body, 413, "source_too_large", &format!("source_code: has {bytes} bytes")));
            }
        }
    }
    for (alias, route) in [("template_code", Route::Create), ("code", Route::Run)] {
        let body = format!(r#"{{"source_code":"1","{alias}":"2"}}"#);
        cases.push(case(route, body, 400, "invalid_body", "source_code: must be there once, under one name"));
    }
    cases
}

/// The fields that are no text.
fn other_fields() -> Vec<Case> {
    let mut cases = Vec::new();
    for wrong in [
        "0",
        "-1",
        "1.5",
        "1.0",
        "1e0",
        "1e99",
        "\"1\"",
        "true",
        "[1]",
        "[]",
        "{}",
        "18446744073709551616",
        "-9223372036854775809",
        "9e400",
    ] {
        let (code, body) = (if wrong == "9e400" { "invalid_json" } else { "invalid_body" }, wrong);
        cases.push(case(Route::Save, format!(r#"{{"source_code":"x","version":{body}}}"#), 400, code, "version: "));
    }
    let twice = r#"{"version":1,"version":1}"#;
    cases.push(case(Route::Save, twice, 400, "invalid_body", "version: must be there once"));
    for version in ["2", "9223372036854775807", "9223372036854775808", "18446744073709551615"] {
        let body = format!(r#"{{"source_code":"x","version":{version}}}"#);
        cases.push(case(Route::Save, body, 409, "version_conflict", "version: the session is at version 1"));
    }
    for wrong in ["\"-v\"", "5", "1.5", "true", "{}", r#"{"0":"a"}"#] {
        cases.push(case(
            Route::Run,
            format!(r#"{{"args":{wrong}}}"#),
            400,
            "invalid_body",
            "args: must be a list, not ",
        ));
    }
    for wrong in ["7", "null", "true", "[\"a\"]", "{}"] {
        let body = format!(r#"{{"args":["a",{wrong}]}}"#);
        cases.push(case(Route::Run, body, 400, "invalid_body", "args[1]: must be a string, not "));
    }
    let run = |body: String, status, code, detail| case(Route::Run, body, status, code, detail);
    cases.push(run(r#"{"args":["a","\u0000"]}"#.to_owned(), 400, "invalid_body", "args[1]: must not contain"));
    cases.push(run(r#"{"args":["\udfff"]}"#.to_owned(), 400, "invalid_json", "args[0]: "));
    let many = format!(r#"{{"args":[{}"a"]}}"#, r#""a","#.repeat(64));
    cases.push(run(many, 413, "arguments_too_large", "args: has 65 entries"));
    let empty = format!(r#"{{"args":[{}""]}}"#, r#""","#.repeat(500_000));
    cases.push(run(empty, 413, "arguments_too_large", "args: has 500001 entries"));
    let long = format!(r#"{{"args":["{}"]}}"#, "a".repeat(ARGUMENT_LIMIT + 1));
    cases.push(run(long, 413, "arguments_too_large", "args: has 16385 bytes"));
    let long = format!(r#"{{"stdin":"{}"}}"#, "a".repeat(STDIN_LIMIT + 1));
    cases.push(run(long, 413, "stdin_too_large", "stdin: has 1048577 bytes"));
    cases.push(run(r#"{"stdin":"\ud83d"}"#.to_owned(), 400, "invalid_json", "stdin: "));
    for (route, fields) in [
        (Route::Create, &["version", "stdin", "env", "tests", "limits"][..]),
        (Route::Save, &["code", "args", "tests", "limits"]),
        (Route::Run, &["urgency", "version", "wait_ms", "template_code"]),
        (Route::Check, &["stdin", "env", "limits", "tests", "version"]),
        (Route::OneShot, &["urgency", "version", "wait_ms", "session_id", "template_code"]),
    ] {
        for field in fields {
            let detail = format!("{field}: is no field here; ");
            cases.push(case(route, format!(r#"{{"{field}":null}}"#), 400, "invalid_body", &detail));
        }
    }
    cases
}

async fn assert_all_refused(cases: Vec<Case>) {
    let mut watched = Watched::start().await;
    for case in cases {
        let (method, path) = match case.route {
            Route::Create => (Method::POST, "/code-sessions".to_owned()),
            Route::Save => (Method::PATCH, watched.session.clone()),
            Route::Run => (Method::POST, format!("{}/run", watched.session)),
            Route::Check => (Method::POST, format!("{}/check", watched.session)),
            Route::OneShot => (Method::POST, "/executions".to_owned()),
        };
        #[expect(clippy::print_stdout, reason = "tells which case failed")]
        {
            println!("{method} {path} {}", String::from_utf8_lossy(&case.body[..case.body.len().min(80)]));
        }
        let answer = watched.send(method, &path, case.body).await;
        assert_refused(&answer, case.status, case.code, case.detail.as_deref());
    }
    watched.assert_untouched().await;
}

#[tokio::test]
async fn other_shapes_are_refused() {
    assert_all_refused(shapes()).await;
}

#[tokio::test]
async fn wrong_texts_are_refused() {
    assert_all_refused(fields()).await;
}

#[tokio::test]
async fn wrong_versions_arguments_and_inputs_are_refused() {
    assert_all_refused(other_fields()).await;
}

#[tokio::test]
async fn everything_is_taken_at_its_limit() {
    let app = TestApp::start().await;
    let code = "import sys; print(len(sys.argv), len(sys.argv[1]), len(sys.stdin.buffer.read()))";
    let source = format!("{code}{}", " ".repeat(SOURCE_LIMIT - code.len()));
    let session = app.client.create_session("python", &source).await;
    let mut args = vec!["é".repeat(ARGUMENT_LIMIT / 2)];
    args.resize(64, String::new());
    let body = json!({"stdin": "\0".repeat(STDIN_LIMIT), "args": args, "code": source});
    let execution = app.client.run(&session, &body).await;
    assert_eq!(app.client.wait(&execution).await["stdout"], "65 8192 1048576\n");

    let mut files =
        vec![json!({"name": "main.py", "content": "import os\nprint(len(os.listdir()), os.stat('f1').st_size)"})];
    files.push(json!({"name": "f1", "content": "\u{1}".repeat(1_000_000)}));
    files.extend((2..64).map(|number| json!({"name": format!("f{number}"), "content": ""})));
    let variables: serde_json::Map<_, _> =
        (100..164).map(|number| (format!("V{number}"), json!("é".repeat(126)))).collect();
    let body = json!({"files": files, "env": variables, "stdin": "é".repeat(STDIN_LIMIT / 2)});
    let ended = app.client.post("/executions?wait_ms=60000", &body).await.expect(200);
    assert_eq!(ended["stdout"], "64 1000000\n", "{:#}", ended["message"]);
}

#[tokio::test]
async fn null_is_the_same_as_nothing() {
    let app = TestApp::start().await;
    let nothing = json!({"language": null, "source_code": null, "files": null});
    let created = app.client.post("/code-sessions", &nothing).await.expect(201);
    let path = format!("/code-sessions/{}", created["session_id"].as_str().unwrap());
    let saved = json!({"language": null, "source_code": null, "files": null, "version": null});
    assert_eq!(app.client.patch(&path, &saved).await.expect(200)["version"], 1);
    let empty = app.client.send(app.client.request(Method::PATCH, &path)).await;
    assert_eq!(empty.expect(200)["version"], 1);
    let run = json!({
        "language": null,
        "code": null,
        "files": null,
        "stdin": null,
        "args": null,
        "env": null,
        "limits": null,
        "tests": null,
        "stop_on_failure": null,
    });
    app.client.post(&format!("{path}/run"), &run).await.expect(202);
    let mut one_shot = run;
    one_shot["code"] = json!("");
    app.client.post("/executions", &one_shot).await.expect(202);
}

#[tokio::test]
async fn a_wrong_field_in_full() {
    let app = TestApp::start().await;
    let problem = app.client.post("/code-sessions", &json!({"lang": "python"})).await;
    insta::assert_json_snapshot!(redacted(problem.expect_problem(400, "invalid_body")), @r#"
    {
      "code": "invalid_body",
      "details": [
        "lang: is no field here; did you mean language?"
      ],
      "error": "The body of the request does not fit this route",
      "errors": [
        {
          "field": "lang",
          "message": "is no field here; did you mean language?"
        }
      ],
      "request_id": "[id]",
      "status": 400,
      "title": "The body of the request does not fit this route",
      "type": "urn:runbay:problem:invalid_body"
    }
    "#);
}
