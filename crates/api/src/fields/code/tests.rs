use runbay_model::MAX_FILES_BYTES;
use runbay_model::MAX_SOURCE_BYTES;
use serde_json::Value;
use serde_json::json;

use super::*;

fn read(source_code: Option<&str>, files: Value) -> Result<Option<CodeChange>, (Code, String)> {
    let source_code = source_code.map(str::to_owned);
    let files = serde_json::from_value(files).unwrap();
    CodeFields { source_code, files }.change().map_err(|problem| {
        assert_eq!(problem.details().len(), 1);
        (problem.code(), problem.details()[0].clone())
    })
}

fn refusal(files: Value) -> (Code, String) {
    read(None, files).unwrap_err()
}

fn named(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"name": name, "content": ""})).collect()
}

#[test]
fn code_comes_in_one_of_two_forms() {
    assert_eq!(read(None, Value::Null), Ok(None));
    let Ok(Some(CodeChange::SourceCode(code))) = read(Some("print(1)"), Value::Null) else { panic!("no code") };
    assert_eq!(code.as_str(), "print(1)");
    let files = json!([
        {"name": "app.py", "content": "import lib.a"},
        {"name": "lib/a.py", "content": "ž\u{0}", "encoding": "utf8"},
        {"name": "data", "content": "/wD+", "encoding": "base64"},
        {"name": "none", "content": "", "encoding": null},
    ]);
    let Ok(Some(CodeChange::Files(sources))) = read(None, files) else { panic!("no files") };
    assert_eq!(sources.entry_name().map(FileName::as_str), Some("app.py"));
    let others: Vec<_> = sources.others().iter().map(|file| (file.name.as_str(), file.content.as_slice())).collect();
    assert_eq!(others, [("lib/a.py", "ž\0".as_bytes()), ("data", b"\xff\0\xfe"), ("none", b"")]);
    assert_eq!(
        read(Some(""), json!([{"name": "a", "content": ""}])),
        Err((Code::InvalidBody, "files: must not be there beside source_code; send one of the two".to_owned()))
    );
}

#[test]
fn text_loses_its_byte_order_mark_and_bytes_stay() {
    let Ok(Some(CodeChange::SourceCode(code))) = read(Some("\u{feff}print(1)"), Value::Null) else { panic!("no code") };
    assert_eq!(code.as_str(), "print(1)");
    let files = json!([
        {"name": "main.php", "content": "77u/PD9waHA=", "encoding": "base64"},
        {"name": "lib.php", "content": "\u{feff}<?php"},
        {"name": "data.csv", "content": "77u/YQ==", "encoding": "base64"},
    ]);
    let Ok(Some(CodeChange::Files(sources))) = read(None, files) else { panic!("no files") };
    assert_eq!(sources.source_code(), "<?php", "code is text, however it is sent");
    assert_eq!(sources.others()[0].content, b"<?php");
    assert_eq!(sources.others()[1].content, b"\xef\xbb\xbfa");
}

#[test]
fn what_is_not_base64_is_named_by_its_place() {
    let complaint = |content: &str| refusal(json!([{"name": "a", "content": content, "encoding": "base64"}])).1;
    let start = "files[0].content: is not base64 (RFC 4648, section 4, without line breaks): ";
    assert_eq!(complaint("QQ==\n"), format!("{start}byte 5 does not belong to it"));
    assert_eq!(complaint("QUFBQ"), format!("{start}its end is missing"));
    assert_eq!(complaint("QR=="), format!("{start}its end is missing"));
}

#[test]
fn a_file_is_shown_as_it_was_sent() {
    let sent = json!([
        {"name": "app.py", "content": "print('ž')", "encoding": "utf8"},
        {"name": "data", "content": "/wD+AQ==", "encoding": "base64"},
    ]);
    let files = serde_json::from_value(sent.clone()).unwrap();
    let sources = CodeFields { files, ..CodeFields::default() }.sources().unwrap().unwrap();
    assert_eq!(serde_json::to_value(FileBody::of(&sources)).unwrap(), sent);
    assert!(FileBody::of(&Sources::single("print(1)").unwrap()).is_none());
}

#[test]
fn padding_is_optional_and_everything_else_strict() {
    for content in ["AQ==", "AQ", "AQ="] {
        let files = json!([{"name": "a", "content": ""}, {"name": "b", "content": content, "encoding": "base64"}]);
        let Ok(Some(CodeChange::Files(sources))) = read(None, files) else { panic!("{content}") };
        assert_eq!(sources.others()[0].content, [1], "{content}");
    }
    for content in ["A", "AQ===", "AR==", "A Q=", "AQ==\n", "_-8=", "AQ==AQ==", "ž", "=", "===="] {
        let (code, complaint) =
            refusal(json!([{"name": "a", "content": ""}, {"name": "b", "content": content, "encoding": "base64"}]));
        assert_eq!(code, Code::InvalidBody, "{content}");
        assert!(complaint.starts_with("files[1].content: is not base64 (RFC 4648"), "{content}: {complaint}");
    }
}

#[test]
fn a_bad_name_is_quoted_with_its_place() {
    for (names, expected) in [
        (&["a", "b", "../x"][..], r#"files[2].name: "../x" must not have an empty part, "." or "..""#),
        (&["/etc/passwd"], r#"files[0].name: "/etc/passwd" must not start with a slash: names are relative to"#),
        (&["a", "a"], r#"files[1].name: "a" is the same as "a", upper and lower case aside"#),
        (&["lib/A.py", "Lib/a.py"], r#"files[1].name: "Lib/a.py" is the same as "lib/A.py", upper and lower"#),
        (&["a", "a/b"], r#"files[1].name: "a/b" cannot be beside "a": one would be a file and a directory"#),
        (&["a\r\nb"], r#"files[0].name: "a\r\nb" must not have control characters or backslashes"#),
        (&[""], r#"files[0].name: "" must have 1 to 512 bytes"#),
        (&["-o"], r#"files[0].name: "-o" must not start with - or @"#),
    ] {
        let (code, complaint) = refusal(named(names));
        assert_eq!(code, Code::InvalidBody);
        assert!(complaint.starts_with(expected), "{complaint}");
    }
}

#[test]
fn a_long_name_leaves_room_for_what_is_wrong_with_it() {
    let long = "n".repeat(256);
    let complaint = refusal(named(&[&long])).1;
    assert_eq!(complaint, format!(r#"files[0].name: "{}…" has a part of more than 255 bytes"#, "n".repeat(80)));
    let complaint = refusal(named(&[&"\u{1}".repeat(1_000_000)])).1;
    assert!(complaint.ends_with(r#"\u{1}…" must have 1 to 512 bytes"#), "{complaint}");
    let deep = format!("{0}/{0}", "d".repeat(255));
    let complaint = refusal(named(&[&deep, &deep.to_uppercase()])).1;
    assert!(complaint.ends_with(r#"ddd…", upper and lower case aside"#), "{complaint}");
}

#[test]
fn number_and_size_have_limits() {
    assert_eq!(refusal(json!([])), (Code::InvalidBody, "files: there must be at least one file".to_owned()));
    let names: Vec<_> = (0..5_000).map(|number| format!("f{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let expected = r#"files: has 5000 entries, at most 64 are allowed; the first one too many is "f64""#;
    assert_eq!(refusal(named(&names)), (Code::InvalidBody, expected.to_owned()));
    assert!(read(None, named(&names[..MAX_FILES])).is_ok());

    let of = |entry: usize, other: usize| json!([{"name": "a", "content": "x".repeat(entry)}, {"name": "b", "content": "x".repeat(other)}]);
    assert!(read(None, of(MAX_SOURCE_BYTES, MAX_FILES_BYTES - 2)).is_ok());
    let (code, complaint) = refusal(of(0, MAX_FILES_BYTES));
    assert_eq!(code, Code::FilesTooLarge);
    assert_eq!(
        complaint,
        "files: have 1048578 bytes together beside the code of the first, at most 1048576 are allowed"
    );
    let (code, complaint) = refusal(of(MAX_SOURCE_BYTES + 1, 0));
    assert_eq!(code, Code::SourceTooLarge);
    assert_eq!(complaint, "files[0].content: has 65537 bytes in UTF-8, at most 65536 are allowed");
    let (code, complaint) = read(Some(&"a".repeat(MAX_SOURCE_BYTES + 1)), Value::Null).unwrap_err();
    assert_eq!(code, Code::SourceTooLarge);
    assert_eq!(complaint, "source_code: has 65537 bytes in UTF-8, at most 65536 are allowed");
}

#[test]
fn an_entry_is_text() {
    let complaint = "must be UTF-8 without the character U+0000";
    assert_eq!(read(Some("a\0"), Value::Null).unwrap_err().1, format!("source_code: {complaint}"));
    let binary = json!([{"name": "a", "content": "/w==", "encoding": "base64"}]);
    assert_eq!(refusal(binary), (Code::InvalidBody, format!("files[0].content: {complaint}")));
}

#[test]
fn a_file_has_its_three_members_once() {
    for wrong in [
        r#"[{"name":"a"}]"#,
        r#"[{"content":"a"}]"#,
        r#"[{"name":null,"content":""}]"#,
        r#"[{"name":"a","content":"","mode":"0755"}]"#,
        r#"[{"name":"a","content":"","name":"a"}]"#,
        r#"[{"name":"a","content":"","encoding":"gzip"}]"#,
        r#"[{"name":"a","content":"","encoding":"BASE64"}]"#,
        r#"["a"]"#,
        r#"{"a":""}"#,
    ] {
        assert!(serde_json::from_str::<Files>(wrong).is_err(), "{wrong}");
    }
}
