//! Lists of files as a hostile archive would have them.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::watched::Watched;
use super::watched::assert_refused;

fn named(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"name": name, "content": "x"})).collect()
}

/// File lists with status, code and the beginning of the one detail.
fn refused() -> Vec<(Value, u16, &'static str, String)> {
    let mut cases = Vec::new();
    let mut name = |names: &[&str], detail: &str| {
        cases.push((named(names), 400, "invalid_body", detail.to_owned()));
    };
    name(&["main.py", "../x"], r#"files[1].name: "../x" must not have an empty part"#);
    name(&["../../../../etc/cron.d/x"], r#"files[0].name: "../../../../etc/cron.d/x" must not"#);
    name(&["main.py", "lib/../../x"], r#"files[1].name: "lib/../../x" must not"#);
    name(&["main.py", "a", "/etc/passwd"], r#"files[2].name: "/etc/passwd" must not start with a slash"#);
    name(&["main.py", "a//b"], r#"files[1].name: "a//b" must not have an empty part"#);
    name(&["main.py", "dir/"], r#"files[1].name: "dir/" must not have an empty part"#);
    name(&["main.py", "./a"], r#"files[1].name: "./a" must not"#);
    name(&["main.py", ".."], r#"files[1].name: ".." must not"#);
    name(&["main.py", "..\\x"], r#"files[1].name: "..\\x" must not have control characters or backslashes"#);
    name(&["main.py", ""], r#"files[1].name: "" must have 1 to 512 bytes"#);
    name(&["main.py", "a", "a"], r#"files[2].name: "a" is the same as "a""#);
    name(&["main.py", "Main.py"], r#"files[1].name: "Main.py" is the same as "main.py", upper and lower case aside"#);
    name(&["main.py", "É", "é"], r#"files[2].name: "é" is the same as "É""#);
    name(&["main.py", "lib", "lib/a"], r#"files[2].name: "lib/a" cannot be beside "lib""#);
    name(&["main.py", "lib/a", "LIB"], r#"files[2].name: "LIB" cannot be beside "lib/a""#);
    name(&["main.py", "a\0b"], r#"files[1].name: "a\0b" must not have control characters"#);
    name(&["main.py", "a\nb"], r#"files[1].name: "a\nb" must not have control characters"#);
    name(&["main.py", "\u{1b}[31m"], r#"files[1].name: "\u{1b}[31m" must not have control characters"#);
    name(&["main.py", &"n".repeat(256)], r#"files[1].name: "nnnnn"#);
    name(&["main.py", &"é".repeat(128)], r#"files[1].name: "ééééé"#);
    name(&["main.py", &"n/".repeat(400_000)], r#"files[1].name: "n/n/n/"#);
    name(&["main.py", "a/b/c/d/e/f/g/h/i/j"], r#"files[1].name: "a/b/c/d/e/f/g/h/i/j" has more than 8 directories"#);
    name(&["main.py", "-rf"], r#"files[1].name: "-rf" must not start with - or @"#);
    let many: Vec<_> = (0..10_000).map(|number| format!("f{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    name(&many, r#"files: has 10000 entries, at most 64 are allowed; the first one too many is "f64""#);

    let mut file = |file: Value, detail: &str| {
        let files = json!([{"name": "main.py", "content": "x"}, file]);
        cases.push((files, 400, "invalid_body", detail.to_owned()));
    };
    file(json!({"name": "a"}), "files[1].content: is missing");
    file(json!({"content": "a"}), "files[1].name: is missing");
    file(json!({"name": 1, "content": ""}), "files[1].name: must be a string, not 1");
    file(json!({"name": "a", "content": null}), "files[1].content: must be a string, not null");
    file(json!({"name": "a", "content": ["x"]}), "files[1].content: must be a string, not a list");
    file(
        json!({"name": "a", "content": "", "mode": 493}),
        "files[1].mode: is no field here; there are name, content, encoding",
    );
    file(json!({"name": "a", "content": "", "encoding": "gzip"}), "files[1].encoding: must be utf8 or base64");
    file(json!({"name": "a", "content": "", "encoding": 8}), "files[1].encoding: must be a string, not 8");
    file(
        json!({"name": "a", "content": "", "encoding": "UTF8"}),
        "files[1].encoding: must be utf8 or base64; did you mean utf8?",
    );
    file(json!({"name": "a", "content": "a*==", "encoding": "base64"}), "files[1].content: is not base64");
    file(json!({"name": "a", "content": "QQ==\n", "encoding": "base64"}), "files[1].content: is not base64");
    file(json!({"name": "a", "content": "_w==", "encoding": "base64"}), "files[1].content: is not base64");
    file(json!("a"), "files[1]: must be an object");

    let mut other = |files: Value, status, code, detail: &str| cases.push((files, status, code, detail.to_owned()));
    other(json!([]), 400, "invalid_body", "files: there must be at least one file");
    other(json!({"main.py": "x"}), 400, "invalid_body", "files: must be a list");
    other(json!("main.py"), 400, "invalid_body", "files: must be a list");
    let large = json!([{"name": "main.py", "content": "x"}, {"name": "a", "content": "x".repeat(1_048_576)}]);
    let complaint = "files: have 1048584 bytes together beside the code of the first, at most 1048576 are allowed";
    other(large, 413, "files_too_large", complaint);
    let large = json!([{"name": "main.py", "content": "x".repeat(65_537)}]);
    other(large, 413, "source_too_large", "files[0].content: has 65537 bytes in UTF-8, at most 65536 are allowed");
    let binary = json!([{"name": "main.py", "content": "/w==", "encoding": "base64"}]);
    other(binary, 400, "invalid_body", "files[0].content: must be UTF-8");
    let nul = json!([{"name": "main.py", "content": "a\u{0}"}]);
    other(nul, 400, "invalid_body", "files[0].content: must be UTF-8 without the character U+0000");
    cases
}

#[tokio::test]
async fn no_list_of_files_leads_out_of_its_directory() {
    let mut watched = Watched::start().await;
    let (run, check) = (format!("{}/run", watched.session), format!("{}/check", watched.session));
    for (files, status, code, detail) in refused() {
        let body = json!({"files": files}).to_string();
        for (method, path) in [
            (Method::POST, "/code-sessions"),
            (Method::PATCH, &watched.session),
            (Method::POST, &run),
            (Method::POST, &check),
            (Method::POST, "/executions"),
        ] {
            let answer = watched.send(method, path, body.clone()).await;
            assert_refused(&answer, status, code, Some(&detail));
        }
        let batch = format!(r#"{{"executions":[{body}]}}"#);
        let answer = watched.send(Method::POST, "/executions/batch", batch).await.expect(202);
        let problem = &answer["executions"][0];
        assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)), "{problem:#}");
        let found = problem["details"][0].as_str().unwrap();
        assert!(found.starts_with(&format!("executions[0].{detail}")), "not {detail:?} in {problem:#}");
    }
    watched.assert_untouched().await;
}

#[tokio::test]
async fn a_member_is_there_once() {
    let mut watched = Watched::start().await;
    let run = format!("{}/run", watched.session);
    for (body, detail) in [
        (r#"{"files":[{"name":"a","content":"","name":"b"}]}"#, "files[0].name: must be there once"),
        (r#"{"files":[],"files":[]}"#, "files: must be there once"),
        (r#"{"files":[{"name":"a","content":""}],"source_code":""}"#, "files: must not be there beside source_code"),
        (r#"{"files":[{"name":"a","content":""}],"code":"x"}"#, "files: must not be there beside source_code"),
    ] {
        for path in [&run, "/executions"] {
            let answer = watched.send(Method::POST, path, body).await;
            assert_refused(&answer, 400, "invalid_body", Some(detail));
        }
    }
    watched.assert_untouched().await;
}
