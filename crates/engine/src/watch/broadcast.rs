//! What an attempt does while it runs, told to those who watch.

use std::sync::Arc;

use runbay_events::EventKind;
use runbay_events::OutputStream;
use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::TestResult;

use crate::Claim;
use crate::Engine;
use crate::outage::Part;

/// Tells watchers what the program of one attempt writes.
///
/// It is a convenience: the row gets everything at the end. When the bus fails once, the rest is not told.
pub struct Broadcast {
    engine: Engine,
    execution: ExecutionId,
    attempt: Attempt,
    stdout: Characters,
    stderr: Characters,
    /// Whether the bus has failed.
    is_silent: bool,
}

/// Keeps back the beginning of a character until the rest of it is there.
#[derive(Debug, Default)]
pub(super) struct Characters {
    begun: Vec<u8>,
}

impl Engine {
    /// Returns what tells watchers of a claimed attempt.
    #[must_use]
    pub fn broadcast(&self, claim: &Claim) -> Broadcast {
        Broadcast {
            engine: self.clone(),
            execution: claim.execution,
            attempt: claim.attempt,
            stdout: Characters::default(),
            stderr: Characters::default(),
            is_silent: false,
        }
    }
}

impl Broadcast {
    /// Tells the next output of a stream, up to its last whole character.
    ///
    /// CANCEL: if the future is dropped, watchers may miss some output. They get it with the result.
    pub async fn output(&mut self, stream: OutputStream, bytes: Vec<u8>) {
        let whole = self.characters(stream).whole(bytes);
        self.publish_output(stream, whole).await;
    }

    /// Tells the result of a test case.
    ///
    /// CANCEL: like [`Self::output`].
    pub async fn test(&mut self, index: usize, result: Arc<TestResult>) {
        self.publish(EventKind::Test { attempt: self.attempt, index, result }).await;
    }

    /// Tells what was kept back, as nothing follows.
    ///
    /// CANCEL: like [`Self::output`].
    pub async fn end(mut self) {
        for stream in [OutputStream::Stdout, OutputStream::Stderr] {
            let rest = self.characters(stream).rest();
            self.publish_output(stream, rest).await;
        }
    }

    fn characters(&mut self, stream: OutputStream) -> &mut Characters {
        match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        }
    }

    async fn publish_output(&mut self, stream: OutputStream, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.publish(EventKind::Output { attempt: self.attempt, stream, data: bytes.into() }).await;
        }
    }

    async fn publish(&mut self, kind: EventKind) {
        if self.is_silent {
            return;
        }
        if let Err(error) = self.engine.events().publish(self.execution, kind).await {
            self.engine.outages().failed(Part::Events, &error);
            self.is_silent = true;
        }
    }
}

impl Characters {
    /// Returns what was kept back, as nothing follows.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.begun)
    }

    /// Returns what was kept back and `bytes`, without the beginning of a last character that is not complete.
    pub(super) fn whole(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let mut whole = if self.begun.is_empty() { bytes } else { [std::mem::take(&mut self.begun), bytes].concat() };
        self.begun = whole.split_off(whole.len() - incomplete(&whole));
        whole
    }
}

/// Returns how many bytes at the end are the beginning of a character.
fn incomplete(bytes: &[u8]) -> usize {
    // Of a character of four bytes, three may be there.
    let most = bytes.len().min(3);
    let is_begun = |length: &usize| {
        let end = &bytes[bytes.len() - length..];
        // What is only too short has no length of an error.
        end[0] >= 0b1100_0000 && std::str::from_utf8(end).is_err_and(|error| error.error_len().is_none())
    };
    (1..=most).find(is_begun).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_character_is_kept_back_until_it_is_whole() {
        let mut characters = Characters::default();
        let mut told = Vec::new();
        for byte in "a€𝄞".bytes() {
            told.push(characters.whole(vec![byte]));
        }
        let told: Vec<_> = told.iter().map(|bytes| std::str::from_utf8(bytes).unwrap()).collect();
        assert_eq!(told, ["a", "", "", "€", "", "", "", "𝄞"]);
    }

    #[test]
    fn what_is_no_character_is_not_kept_back() {
        for bytes in [&b"\xff"[..], b"a\x80", b"\xe2\x28", b"\xed\xa0", b"\xf0\x9d\x84\x9e\x80\x80\x80"] {
            assert_eq!(Characters::default().whole(bytes.to_vec()), bytes);
        }
    }

    proptest! {
        #[test]
        fn pieces_read_as_the_whole_does(bytes: Vec<u8>, text: String, cuts in prop::collection::vec(1..9_usize, 1..9)) {
            let all = [text.as_bytes(), &bytes].concat();
            let mut characters = Characters::default();
            let (mut read, mut rest) = (String::new(), &all[..]);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at(rest.len().min(*cut));
                read.push_str(&String::from_utf8_lossy(&characters.whole(piece.to_vec())));
                rest = after;
            }
            read.push_str(&String::from_utf8_lossy(&characters.begun));
            prop_assert_eq!(read, String::from_utf8_lossy(&all));
        }
    }
}
