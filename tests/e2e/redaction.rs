//! Makes answers comparable: what differs from run to run is replaced by its kind.

use serde_json::Value;

/// Replaces ids, times and measurements, wherever they are.
pub(crate) fn redacted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name.clone(), redacted_member(&name, value))).collect()
        }
        Value::Array(entries) => entries.into_iter().map(redacted).collect(),
        Value::String(text) => Value::String(without_ids(&text)),
        other => other,
    }
}

fn redacted_member(name: &str, value: Value) -> Value {
    match &value {
        Value::String(_) if name.ends_with("_at") => "[time]".into(),
        Value::Number(_) if name.ends_with("_ms") || name == "executionTime" => "[ms]".into(),
        Value::Number(_) if name == "memory_bytes" => "[bytes]".into(),
        _ => redacted(value),
    }
}

fn without_ids(text: &str) -> String {
    text.split(' ').map(|word| if is_id(word) { "[id]" } else { word }).collect::<Vec<_>>().join(" ")
}

fn is_id(word: &str) -> bool {
    word.len() == 36 && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[test]
fn only_what_differs_is_replaced() {
    let id = "0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b";
    let body = serde_json::json!({
        "session_id": id,
        "detail": format!("Execution {id} has not ended yet."),
        "queue_time_ms": 3,
        "compile_time_ms": null,
        "created_at": "2026-11-21T04:00:00.000Z",
        "started_at": null,
        "stdout": "3\n",
    });
    insta::assert_json_snapshot!(redacted(body), @r#"
    {
      "compile_time_ms": null,
      "created_at": "[time]",
      "detail": "Execution [id] has not ended yet.",
      "queue_time_ms": "[ms]",
      "session_id": "[id]",
      "started_at": null,
      "stdout": "3\n"
    }
    "#);
}
