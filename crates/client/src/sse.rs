//! Server-sent events (WHATWG HTML, section 9.2).
//!
//! A parser of our own, since none of those that are kept up bounds how much memory an event without an end takes.

use std::collections::VecDeque;

use crate::error::MOST_BYTES;
use crate::event::MalformedEvent;

/// Takes a stream of bytes apart.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    /// Whether the last byte was a carriage return, to which a line feed may belong.
    is_after_return: bool,
    frame: Frame,
    complete: VecDeque<Frame>,
}

/// One event as it was sent.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Empty where the server named no type.
    pub(crate) kind: String,
    /// None where the event has no id, or one that is no number.
    pub(crate) id: Option<u64>,
    /// The lines of data with a line feed after each.
    pub(crate) data: String,
}

impl Parser {
    /// Takes the next bytes, wherever they begin and end.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), MalformedEvent> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.is_after_return) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            if self.line.len() + self.frame.data.len() + line.len() > MOST_BYTES {
                return Err(MalformedEvent::TooLarge);
            }
            self.line.extend_from_slice(line);
            if let Some((end, rest)) = rest.split_first() {
                self.is_after_return = *end == b'\r';
                self.end_line()?;
                bytes = rest;
            } else {
                bytes = rest;
            }
        }
        Ok(())
    }

    /// Returns the next event that is complete.
    pub(crate) fn pop(&mut self) -> Option<Frame> {
        self.complete.pop_front()
    }

    fn end_line(&mut self) -> Result<(), MalformedEvent> {
        let line = std::str::from_utf8(&self.line).map_err(|_| MalformedEvent::NotText)?;
        if line.is_empty() {
            let frame = std::mem::take(&mut self.frame);
            // What has no data is no event.
            if !frame.data.is_empty() {
                self.complete.push_back(frame);
            }
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.frame.kind),
            "id" => self.frame.id = value.parse().ok(),
            "data" => {
                self.frame.data.push_str(value);
                self.frame.data.push('\n');
            }
            // Comments have an empty name.
            _ => {}
        }
        self.line.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: &str, id: Option<u64>, data: &str) -> Frame {
        Frame { kind: kind.to_owned(), id, data: data.to_owned() }
    }

    fn parse(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut parser = Parser::default();
        for piece in pieces {
            parser.push(piece).unwrap();
        }
        std::iter::from_fn(|| parser.pop()).collect()
    }

    const STREAM: &str = ": hello\n\nevent: stdout\nid: 3\ndata: {\"data\":\"ž\"}\n\ndata:1\r\ndata: 2\r\rid: x\nretry\n\
                          data:  3\nother: 4\n\nevent: cut\ndata: off";

    #[test]
    fn fields_make_events() {
        let all = [frame("stdout", Some(3), "{\"data\":\"ž\"}\n"), frame("", None, "1\n2\n"), frame("", None, " 3\n")];
        assert_eq!(parse(&[STREAM.as_bytes()]), all);
    }

    #[test]
    fn pieces_may_end_anywhere() {
        let whole = parse(&[STREAM.as_bytes()]);
        for size in 1..8 {
            assert_eq!(parse(&STREAM.as_bytes().chunks(size).collect::<Vec<_>>()), whole, "{size}");
        }
    }

    #[test]
    fn an_event_has_an_end_and_is_text() {
        let mut parser = Parser::default();
        let line = vec![b'x'; MOST_BYTES / 2];
        assert!(parser.push(&line).is_ok());
        assert!(parser.push(&line).is_ok());
        assert!(matches!(parser.push(b"x"), Err(MalformedEvent::TooLarge)));
        assert!(matches!(Parser::default().push(b"data: \xff\n"), Err(MalformedEvent::NotText)));
    }
}
