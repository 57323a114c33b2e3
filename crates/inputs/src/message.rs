//! The messages about input.
//!
//! Processes of two versions may be at the two ends, so a field may be added but none may change.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use runbay_engine::InputRefused;
use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::LiveInput;
use runbay_model::WindowSize;
use serde::Deserialize;
use serde::Serialize;

/// Input for the program of one attempt.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    execution: String,
    attempt: u32,
    input: Input,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Input {
    /// In base64.
    Stdin(String),
    EndOfFile,
    Signal(String),
    Resize {
        columns: u16,
        rows: u16,
    },
    Presence,
    Stop(String),
}

/// The reply of a worker.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// The input was passed on.
    PassedOn,
    /// See [`InputRefused::Later`].
    Later,
    /// See [`InputRefused::Never`], also for input that the worker does not know.
    Never,
    /// See [`InputRefused::Elsewhere`].
    Elsewhere,
}

impl Message {
    pub(crate) fn new(execution: ExecutionId, attempt: Attempt, input: &LiveInput) -> Self {
        let input = match input {
            LiveInput::Stdin(bytes) => Input::Stdin(STANDARD.encode(bytes)),
            LiveInput::EndOfFile => Input::EndOfFile,
            LiveInput::Signal(signal) => Input::Signal(signal.as_str().to_owned()),
            LiveInput::Resize(WindowSize { columns, rows }) => Input::Resize { columns: *columns, rows: *rows },
            LiveInput::Presence => Input::Presence,
            LiveInput::Stop(signal) => Input::Stop(signal.as_str().to_owned()),
        };
        Self { execution: execution.to_string(), attempt: attempt.0, input }
    }

    /// Reads a message. Returns none when this version does not understand it.
    pub(crate) fn parse(text: &[u8]) -> Option<(ExecutionId, Attempt, LiveInput)> {
        let Self { execution, attempt, input } = serde_json::from_slice(text).ok()?;
        let input = match input {
            Input::Stdin(text) => LiveInput::Stdin(STANDARD.decode(text).ok()?),
            Input::EndOfFile => LiveInput::EndOfFile,
            Input::Signal(name) => LiveInput::Signal(name.parse().ok()?),
            Input::Resize { columns, rows } => LiveInput::Resize(WindowSize { columns, rows }),
            Input::Presence => LiveInput::Presence,
            Input::Stop(name) => LiveInput::Stop(name.parse().ok()?),
        };
        Some((execution.parse().ok()?, Attempt(attempt), input))
    }
}

impl From<Result<(), InputRefused>> for Reply {
    fn from(sent: Result<(), InputRefused>) -> Self {
        match sent {
            Ok(()) => Self::PassedOn,
            Err(InputRefused::Later) => Self::Later,
            Err(InputRefused::Never) => Self::Never,
            Err(InputRefused::Elsewhere) => Self::Elsewhere,
        }
    }
}

impl From<Reply> for Result<(), InputRefused> {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::PassedOn => Ok(()),
            Reply::Later => Err(InputRefused::Later),
            Reply::Never => Err(InputRefused::Never),
            Reply::Elsewhere => Err(InputRefused::Elsewhere),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use runbay_model::ProgramSignal;
    use runbay_testkit::damage;

    use super::*;

    fn input() -> impl Strategy<Value = LiveInput> {
        let signal = prop::sample::select(ProgramSignal::ALL);
        prop_oneof![
            any::<Vec<u8>>().prop_map(LiveInput::Stdin),
            Just(LiveInput::EndOfFile),
            signal.clone().prop_map(LiveInput::Signal),
            (any::<u16>(), any::<u16>()).prop_map(|(columns, rows)| LiveInput::Resize(WindowSize { columns, rows })),
            Just(LiveInput::Presence),
            signal.prop_map(LiveInput::Stop),
        ]
    }

    proptest! {
        #[test]
        fn a_damaged_message_is_none_or_a_message(input in input(), attempt: u32, damage in damage()) {
            let execution = ExecutionId::random();
            let text = serde_json::to_string(&Message::new(execution, Attempt(attempt), &input)).unwrap();
            prop_assert_eq!(Message::parse(text.as_bytes()), Some((execution, Attempt(attempt), input)));
            if let Some((execution, attempt, input)) = Message::parse(&damage.of(text.as_bytes())) {
                let text = serde_json::to_string(&Message::new(execution, attempt, &input)).unwrap();
                prop_assert_eq!(Message::parse(text.as_bytes()), Some((execution, attempt, input)));
            }
        }
    }

    #[test]
    fn replies_are_read_back() {
        for sent in [Ok(()), Err(InputRefused::Later), Err(InputRefused::Never), Err(InputRefused::Elsewhere)] {
            assert_eq!(Result::from(Reply::from(sent)), sent);
        }
    }
}
