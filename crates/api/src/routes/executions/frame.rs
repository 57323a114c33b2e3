//! The frames that a client sends over a WebSocket.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use runbay_model::LiveInput;
use runbay_model::WindowSize;
use serde::Deserialize;

use super::query::Encoding;
use crate::fields::ChosenSignal;

/// The longest line of a terminal, and the most lines.
const LARGEST_WINDOW: u16 = 1_000;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Frame {
    Stdin {
        data: String,
        #[serde(default)]
        encoding: Encoding,
    },
    Eof {},
    Signal {
        name: ChosenSignal,
    },
    Resize {
        cols: u16,
        rows: u16,
    },
}

/// Reads a frame: what it asks for, in pieces that can be passed on.
///
/// # Errors
///
/// What is wrong with it, in words that can follow a colon.
pub(super) fn read(text: &str) -> Result<Vec<LiveInput>, String> {
    // The text may hold a secret, and an error of the parser may quote it: only its kind and place are told.
    let frame: Frame = serde_json::from_str(text).map_err(|error| {
        if error.is_data() { format!("no such frame: {}", shape(text)) } else { "not JSON".to_owned() }
    })?;
    match frame {
        Frame::Stdin { data, encoding } => {
            let bytes = match encoding {
                Encoding::Text => data.into_bytes(),
                Encoding::Base64 => STANDARD.decode(data).map_err(|_| "data is not in base64".to_owned())?,
            };
            Ok(bytes.chunks(LiveInput::MOST_BYTES).map(|piece| LiveInput::Stdin(piece.to_vec())).collect())
        }
        Frame::Eof {} => Ok(vec![LiveInput::EndOfFile]),
        Frame::Signal { name } => Ok(vec![LiveInput::Signal(name.0)]),
        Frame::Resize { cols, rows } => {
            let is_size = |length: &u16| (1..=LARGEST_WINDOW).contains(length);
            if !is_size(&cols) || !is_size(&rows) {
                return Err(format!("cols and rows must be from 1 to {LARGEST_WINDOW}"));
            }
            Ok(vec![LiveInput::Resize(WindowSize { columns: cols, rows })])
        }
    }
}

/// Says which frame was meant, as far as it can be told without what is in it.
fn shape(text: &str) -> &'static str {
    let kind = serde_json::from_str::<serde_json::Value>(text).ok();
    match kind.as_ref().and_then(|frame| frame.get("type")).and_then(serde_json::Value::as_str) {
        Some("stdin") => "stdin has data and encoding (text or base64)",
        Some("eof") => "eof has no other members",
        Some("signal") => "signal has a name such as SIGINT",
        Some("resize") => "resize has cols and rows",
        _ => "the types are stdin, eof, signal and resize",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use runbay_model::ProgramSignal;

    use super::*;

    #[test]
    fn frames_are_what_they_say() {
        for (text, input) in [
            (r#"{"type":"stdin","data":"ž\n"}"#, LiveInput::Stdin("ž\n".into())),
            (r#"{"type":"stdin","data":"AP8=","encoding":"base64"}"#, LiveInput::Stdin(vec![0, 255])),
            (r#"{"type":"eof"}"#, LiveInput::EndOfFile),
            (r#"{"type":"signal","name":"SIGINT"}"#, LiveInput::Signal(ProgramSignal::Interrupt)),
            (r#"{"type":"resize","cols":100,"rows":30}"#, LiveInput::Resize(WindowSize { columns: 100, rows: 30 })),
        ] {
            assert_eq!(read(text), Ok(vec![input]), "{text}");
        }
        let long = format!(r#"{{"type":"stdin","data":"{}"}}"#, "x".repeat(LiveInput::MOST_BYTES + 1));
        assert_eq!(read(&long).unwrap().len(), 2);
        assert_eq!(read(r#"{"type":"stdin","data":""}"#), Ok(Vec::new()));
    }

    #[test]
    fn other_frames_are_refused_in_words_without_what_they_hold() {
        for (text, complaint) in [
            ("", "not JSON"),
            ("secret", "not JSON"),
            ("[]", "no such frame: the types are stdin, eof, signal and resize"),
            (r#"{"type":"secret"}"#, "no such frame: the types are stdin, eof, signal and resize"),
            (r#"{"type":"stdin","data":["secret"]}"#, "no such frame: stdin has data and encoding (text or base64)"),
            (r#"{"type":"stdin","data":"secret","encoding":"base64"}"#, "data is not in base64"),
            (r#"{"type":"eof","data":"secret"}"#, "no such frame: eof has no other members"),
            (r#"{"type":"signal","name":"secret"}"#, "no such frame: signal has a name such as SIGINT"),
            (r#"{"type":"resize","cols":0,"rows":1}"#, "cols and rows must be from 1 to 1000"),
            (r#"{"type":"resize","cols":70000,"rows":1}"#, "no such frame: resize has cols and rows"),
        ] {
            assert_eq!(read(text), Err(complaint.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String, kind in "(stdin|eof|signal|resize)", member in "(data|name|cols)") {
            drop(read(&text));
            drop(read(&serde_json::json!({"type": kind, member: text}).to_string()));
        }
    }
}
