//! Events as fields of a stream entry.
//!
//! Fields have names and words, so that processes of two versions understand each other: what is unknown is skipped.

use std::collections::HashMap;
use std::sync::Arc;

use redis::Value;
use runbay_model::Attempt;
use runbay_model::TestResult;
use runbay_model::Timestamp;

use crate::EventKind;
use crate::OutputStream;

/// Returns each name with its value after it.
pub(super) fn encode(kind: &EventKind) -> Vec<Vec<u8>> {
    let fields: &[(&str, &[u8])] = match kind {
        EventKind::Status { status, attempt, at } => &[
            ("type", b"status"),
            ("status", status.as_str().as_bytes()),
            ("attempt", &number(attempt.0)),
            ("at", &number(at.as_micros())),
        ],
        EventKind::Output { attempt, stream, data } => {
            &[("type", word(*stream).as_bytes()), ("attempt", &number(attempt.0)), ("data", data)]
        }
        EventKind::Test { attempt, index, result } => &[
            ("type", b"test"),
            ("attempt", &number(attempt.0)),
            ("index", &number(index)),
            ("result", &serde_json::to_vec(&**result).unwrap_or_default()),
        ],
        EventKind::Reset { attempt } => &[("type", b"reset"), ("attempt", &number(attempt.0))],
        EventKind::Result => &[("type", b"result")],
    };
    fields.iter().flat_map(|(name, value)| [name.as_bytes().to_vec(), value.to_vec()]).collect()
}

/// Reads an event; none if it is of a kind that this version does not know.
pub(super) fn decode(fields: &HashMap<String, Value>) -> Option<EventKind> {
    let bytes = |name: &str| match fields.get(name) {
        Some(Value::BulkString(bytes)) => Some(bytes.as_slice()),
        _ => None,
    };
    let text = |name: &str| std::str::from_utf8(bytes(name)?).ok();
    let attempt = || Some(Attempt(text("attempt")?.parse().ok()?));
    let output = |stream| Some(EventKind::Output { attempt: attempt()?, stream, data: bytes("data")?.into() });
    match text("type")? {
        "status" => Some(EventKind::Status {
            status: text("status")?.parse().ok()?,
            attempt: attempt()?,
            at: Timestamp::from_micros(text("at")?.parse().ok()?),
        }),
        "stdout" => output(OutputStream::Stdout),
        "stderr" => output(OutputStream::Stderr),
        "test" => {
            let result: TestResult = serde_json::from_slice(bytes("result")?).ok()?;
            Some(EventKind::Test { attempt: attempt()?, index: text("index")?.parse().ok()?, result: Arc::new(result) })
        }
        "reset" => Some(EventKind::Reset { attempt: attempt()? }),
        "result" => Some(EventKind::Result),
        _ => None,
    }
}

fn word(stream: OutputStream) -> &'static str {
    match stream {
        OutputStream::Stdout => "stdout",
        OutputStream::Stderr => "stderr",
    }
}

fn number(number: impl ToString) -> Vec<u8> {
    number.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use runbay_model::Status;

    use super::*;

    fn fields(encoded: &[Vec<u8>]) -> HashMap<String, Value> {
        let pairs = encoded.chunks(2);
        pairs.map(|pair| (String::from_utf8(pair[0].clone()).unwrap(), Value::BulkString(pair[1].clone()))).collect()
    }

    #[test]
    fn every_event_is_read_back() {
        let at = Timestamp::from_micros(1_763_697_600_123_456);
        for kind in [
            EventKind::Status { status: Status::Running, attempt: Attempt(3), at },
            EventKind::Output {
                attempt: Attempt(1),
                stream: OutputStream::Stdout,
                data: b"\0\xff\r\n".as_slice().into(),
            },
            EventKind::Output { attempt: Attempt(4), stream: OutputStream::Stderr, data: b"".as_slice().into() },
            EventKind::Test {
                attempt: Attempt(1),
                index: 99,
                result: Arc::new(TestResult::skipped(Some("ž\n".to_owned()))),
            },
            EventKind::Reset { attempt: Attempt(2) },
            EventKind::Result,
        ] {
            assert_eq!(decode(&fields(&encode(&kind))), Some(kind));
        }
    }

    #[test]
    fn what_is_unknown_or_damaged_is_skipped() {
        for damaged in ["", "x y", "type weather", "type stdout", "type status status MELTED attempt 1 at 1"] {
            let words: Vec<_> = damaged.split_whitespace().map(|word| word.as_bytes().to_vec()).collect();
            assert_eq!(decode(&fields(&words)), None, "{damaged:?}");
        }
    }
}
