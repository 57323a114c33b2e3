//! Events of an execution.

use runbay_model::Attempt;
use runbay_model::OutputStream;
use runbay_model::Status;
use serde::Deserialize;

use crate::Execution;
use crate::TestResult;
use crate::bytes::decode;
use crate::error::MOST_BYTES;

/// The query parameter with which bytes arrive exactly.
pub(crate) const EXACT: (&str, &str) = ("encoding", "base64");

/// One thing that happened to an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number among the events of the execution. Numbers grow, with gaps.
    pub id: Option<u64>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// It moved in its life cycle.
    Status {
        /// Where it is now.
        status: Status,
        /// Its newest attempt.
        attempt: Attempt,
        /// When it got there, in RFC 3339.
        at: String,
    },
    /// The program wrote something.
    Output {
        /// Where to.
        stream: OutputStream,
        /// What.
        data: Vec<u8>,
    },
    /// A test case has its verdict.
    Test(Box<TestResult>),
    /// All output and all verdicts so far are void. Those that hold follow.
    Reset {
        /// The newest attempt.
        attempt: Attempt,
    },
    /// It has ended. This is always the last event.
    Result(Box<Execution>),
}

/// Why an event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MalformedEvent {
    /// It has another form than this version knows.
    #[error("has an unknown form")]
    Form(#[from] serde_json::Error),
    /// It is no text.
    #[error("is no text")]
    NotText,
    /// It is larger than any that is read.
    #[error("has more than {MOST_BYTES} bytes")]
    TooLarge,
}

/// What the server sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Event(Event),
    /// Events were dropped, and the connection ends.
    TooSlow,
    /// A type that this version does not know.
    Unknown,
}

/// An event of a WebSocket, which carries its type and number with its data.
#[derive(Deserialize)]
struct Head {
    r#type: String,
    id: Option<u64>,
}

#[derive(Deserialize)]
struct StatusData {
    status: Status,
    attempt: Attempt,
    at: String,
}

#[derive(Deserialize)]
struct OutputData {
    data: String,
    encoding: Option<String>,
}

#[derive(Deserialize)]
struct ResetData {
    attempt: Attempt,
}

impl Told {
    /// Reads an event with all its members in one object.
    pub(crate) fn parse_object(json: &str) -> Result<Self, MalformedEvent> {
        let head: Head = serde_json::from_str(json)?;
        Self::parse(&head.r#type, head.id, json)
    }

    /// Reads the data of an event.
    pub(crate) fn parse(kind: &str, id: Option<u64>, json: &str) -> Result<Self, MalformedEvent> {
        let kind = match kind {
            "status" => {
                let StatusData { status, attempt, at } = serde_json::from_str(json)?;
                EventKind::Status { status, attempt, at }
            }
            "stdout" => EventKind::Output { stream: OutputStream::Stdout, data: output(json)? },
            "stderr" => EventKind::Output { stream: OutputStream::Stderr, data: output(json)? },
            "test" => EventKind::Test(serde_json::from_str(json)?),
            "reset" => EventKind::Reset { attempt: serde_json::from_str::<ResetData>(json)?.attempt },
            "result" => EventKind::Result(serde_json::from_str(json)?),
            "too_slow" => return Ok(Self::TooSlow),
            _ => return Ok(Self::Unknown),
        };
        Ok(Self::Event(Event { id, kind }))
    }
}

fn output(json: &str) -> Result<Vec<u8>, MalformedEvent> {
    let OutputData { data, encoding } = serde_json::from_str(json)?;
    match encoding.as_deref() {
        Some("base64") => Ok(decode::<serde_json::Error>(&data)?),
        _ => Ok(data.into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Event {
        match Told::parse_object(json).unwrap() {
            Told::Event(event) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn output_is_text_or_bytes() {
        let written = |json: &str| match event(json).kind {
            EventKind::Output { stream, data } => (stream, data),
            other => panic!("{other:?}"),
        };
        let text = r#"{"type": "stdout", "id": 1, "data": "ž\n"}"#;
        assert_eq!(written(text), (OutputStream::Stdout, "ž\n".into()));
        let bytes = r#"{"type": "stderr", "id": 1, "data": "/wA=", "encoding": "base64"}"#;
        assert_eq!(written(bytes), (OutputStream::Stderr, b"\xff\0".to_vec()));
        let no_base64 = r#"{"type": "stderr", "data": "*", "encoding": "base64"}"#;
        assert!(matches!(Told::parse_object(no_base64), Err(MalformedEvent::Form(_))));
    }

    #[test]
    fn events_have_their_numbers() {
        let status = event(r#"{"type": "status", "id": 7, "status": "RUNNING", "attempt": 1, "at": "2026-11-21"}"#);
        let kind = EventKind::Status { status: Status::Running, attempt: Attempt(1), at: "2026-11-21".to_owned() };
        assert_eq!(status, Event { id: Some(7), kind });
        let reset = event(r#"{"type": "reset", "attempt": 2}"#);
        assert_eq!(reset, Event { id: None, kind: EventKind::Reset { attempt: Attempt(2) } });
    }

    #[test]
    fn types_of_later_versions_are_no_error() {
        let told = |json: &str| Told::parse_object(json).unwrap();
        assert_eq!(told(r#"{"type": "later", "id": 1, "data": []}"#), Told::Unknown);
        assert_eq!(told(r#"{"type": "too_slow", "message": "x"}"#), Told::TooSlow);
    }
}
