//! Events of an execution as watchers get them, over server-sent events and over WebSockets.

use runbay_engine::OutputStream;
use runbay_engine::Told;
use runbay_engine::ToldEvent;
use runbay_model::Attempt;
use runbay_model::Status;
use runbay_model::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::ExecutionBody;
use super::query::Encoding;
use super::query::Included;
use super::test_result::TestResultBody;
use super::text::encode;
use crate::face::Face;
use crate::schema;

/// How events are written.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) encoding: Encoding,
    pub(super) face: &'static Face,
}

/// An event: its number, its type and its data.
pub(super) struct EventBody {
    /// None for what is no event of the execution.
    pub(super) id: Option<u64>,
    pub(super) kind: &'static str,
    pub(super) data: EventData,
}

/// The data of an event, by its type.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = EventData)]
pub(crate) enum EventData {
    /// `status`: it moved in its life cycle.
    Status {
        /// Where it is now.
        #[schema(value_type = schema::ExecutionStatus)]
        status: Status,
        /// Its newest attempt.
        attempt: u32,
        /// When it got there.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
    },
    /// `stdout` or `stderr`: what the program wrote, ending with a whole character.
    Output {
        /// The text, or the bytes in base64.
        data: String,
        /// `base64` if that was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Encoding>, nullable = false)]
        encoding: Option<&'static str>,
    },
    /// `test`: a test case has its verdict.
    Test(TestResultBody),
    /// `reset`: all output and all verdicts so far are void, and those that hold follow.
    Reset {
        /// The newest attempt.
        attempt: u32,
    },
    /// `result`: the execution as `GET /executions/{execution_id}` shows it. It is the last event.
    Result(Box<ExecutionBody>),
    /// `too_slow`: the connection ends, as clients do not take their events in time: this one, or so many that there is no
    /// memory for more. Come back with the last id.
    TooSlow {
        /// What happened, for a person.
        message: &'static str,
    },
}

impl EventBody {
    /// Shows an event.
    pub(super) fn new(event: ToldEvent, form: Form) -> Self {
        let Form { encoding, face } = form;
        let (kind, data) = match event.told {
            Told::Status { status, attempt: Attempt(attempt), at } => {
                ("status", EventData::Status { status, attempt, at })
            }
            Told::Output { stream, data } => (name(stream), EventData::output(&data, encoding)),
            Told::Test { index, result } => {
                let result = TestResultBody::new(index, (*result).clone(), encoding);
                ("test", EventData::Test(result))
            }
            Told::Reset { attempt: Attempt(attempt) } => ("reset", EventData::Reset { attempt }),
            Told::Result(report) => (
                "result",
                EventData::Result(Box::new(ExecutionBody::new(*report, Included::default(), encoding, face))),
            ),
            Told::TooSlow => {
                let message = "Clients do not take their events in time. Come back with the last id.";
                return Self { id: None, kind: "too_slow", data: EventData::TooSlow { message } };
            }
        };
        Self { id: Some(event.id), kind, data }
    }
}

impl EventData {
    fn output(data: &[u8], encoding: Encoding) -> Self {
        let is_base64 = encoding == Encoding::Base64;
        Self::Output { data: encode(data.to_vec(), encoding), encoding: is_base64.then_some("base64") }
    }
}

fn name(stream: OutputStream) -> &'static str {
    match stream {
        OutputStream::Stdout => "stdout",
        OutputStream::Stderr => "stderr",
    }
}
