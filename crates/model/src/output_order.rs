//! The order in which a program wrote to its two streams.

use std::fmt;
use std::fmt::Write;
use std::ops::Range;
use std::str::FromStr;

use crate::UnknownWord;

/// Where a program writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The order in which pieces of the two streams were read, as far as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputOrder {
    /// The stream and the length of each piece; no two in a row are of the same stream.
    pieces: Vec<(OutputStream, usize)>,
}

impl OutputOrder {
    /// The most pieces that are kept. Of a program that changes streams more often, the rest is told stream by stream.
    const MOST_PIECES: usize = 4_096;

    /// Adds a piece.
    pub fn push(&mut self, stream: OutputStream, bytes: usize) {
        let is_full = self.pieces.len() >= Self::MOST_PIECES;
        match self.pieces.last_mut() {
            _ if bytes == 0 => {}
            Some((last, length)) if *last == stream => *length = length.saturating_add(bytes),
            _ if is_full => {}
            _ => self.pieces.push((stream, bytes)),
        }
    }

    /// Returns the pieces of output of these lengths in order, each as a range of its stream. What is not kept of the
    /// order comes at the end, stream by stream.
    #[must_use]
    pub fn pieces(&self, stdout_bytes: usize, stderr_bytes: usize) -> Vec<(OutputStream, Range<usize>)> {
        let (mut stdout, mut stderr) = (0_usize, 0_usize);
        let mut pieces: Vec<(OutputStream, Range<usize>)> = Vec::new();
        let rest = [(OutputStream::Stdout, usize::MAX), (OutputStream::Stderr, usize::MAX)];
        for (stream, length) in self.pieces.iter().copied().chain(rest) {
            let (position, bytes) = match stream {
                OutputStream::Stdout => (&mut stdout, stdout_bytes),
                OutputStream::Stderr => (&mut stderr, stderr_bytes),
            };
            let start = *position;
            *position = start.saturating_add(length).min(bytes);
            match pieces.last_mut() {
                _ if *position == start => {}
                Some((last, range)) if *last == stream => range.end = *position,
                _ => pieces.push((stream, start..*position)),
            }
        }
        pieces
    }
}

impl fmt::Display for OutputOrder {
    /// Writes the order as it is stored: a letter for the stream and the length, for each piece.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (stream, length) in &self.pieces {
            f.write_char(match stream {
                OutputStream::Stdout => 'o',
                OutputStream::Stderr => 'e',
            })?;
            write!(f, "{length}")?;
        }
        Ok(())
    }
}

impl FromStr for OutputOrder {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let unknown = || UnknownWord(text.to_owned());
        let mut order = Self::default();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let stream = match letter {
                'o' => OutputStream::Stdout,
                'e' => OutputStream::Stderr,
                _ => return Err(unknown()),
            };
            let digits = &rest[1..];
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            order.push(stream, digits[..end].parse().map_err(|_| unknown())?);
            rest = &digits[end..];
        }
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(pieces: &[(OutputStream, usize)]) -> OutputOrder {
        let mut order = OutputOrder::default();
        for (stream, bytes) in pieces {
            order.push(*stream, *bytes);
        }
        order
    }

    use OutputStream::Stderr;
    use OutputStream::Stdout;

    #[test]
    fn pieces_come_in_the_order_in_which_they_were_read() {
        let order = order(&[(Stdout, 2), (Stdout, 1), (Stderr, 4), (Stdout, 5)]);
        assert_eq!(order.to_string(), "o3e4o5");
        assert_eq!(order.pieces(8, 4), [(Stdout, 0..3), (Stderr, 0..4), (Stdout, 3..8)]);
        assert_eq!(order.pieces(4, 0), [(Stdout, 0..4)], "the output was cut");
        assert_eq!(order.pieces(9, 6), [(Stdout, 0..3), (Stderr, 0..4), (Stdout, 3..9), (Stderr, 4..6)]);
    }

    #[test]
    fn the_order_has_a_most() {
        let many: Vec<_> = (0..3 * OutputOrder::MOST_PIECES).map(|at| ([Stdout, Stderr][at % 2], 1)).collect();
        let pieces = order(&many).pieces(2 * OutputOrder::MOST_PIECES, OutputOrder::MOST_PIECES);
        assert_eq!(pieces.len(), OutputOrder::MOST_PIECES + 1);
    }

    proptest! {
        #[test]
        fn every_byte_is_in_one_piece(
            pieces in prop::collection::vec((prop::sample::select(vec![Stdout, Stderr]), 0..9_usize), 0..20),
            stdout in 0..99_usize, stderr in 0..99_usize,
        ) {
            let order = order(&pieces);
            prop_assert_eq!(order.to_string().parse(), Ok(order.clone()));
            let (mut seen_out, mut seen_err) = (0, 0);
            for (stream, range) in order.pieces(stdout, stderr) {
                let seen = if stream == Stdout { &mut seen_out } else { &mut seen_err };
                prop_assert_eq!(*seen, range.start);
                prop_assert!(range.end > range.start);
                *seen = range.end;
            }
            prop_assert_eq!((seen_out, seen_err), (stdout, stderr));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            drop(text.parse::<OutputOrder>());
        }
    }
}
