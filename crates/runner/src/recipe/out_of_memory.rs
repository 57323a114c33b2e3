//! How a runtime says that memory ran out.

use regex::Regex;
use runbay_sandbox::ProgramEnd;

use super::pattern;

/// The length of the end of standard error that is searched.
const TAIL_BYTES: usize = 8 * 1024;

/// A runtime's own report that memory ran out.
#[derive(Debug, Clone)]
pub(crate) struct OutOfMemory {
    end: ProgramEnd,
    /// Matches from the start of a line of standard error.
    line: Regex,
    /// Whether any line in the last [`TAIL_BYTES`] may match, or only the last line.
    any_line: bool,
}

impl OutOfMemory {
    /// Parses a regular expression that must match from the start of the line.
    ///
    /// The error continues a sentence that starts with the expression's place.
    pub(crate) fn parse(end: ProgramEnd, line: &str, any_line: bool) -> Result<Self, String> {
        // Parsed alone first, so that its parentheses cannot close the group.
        let line = Regex::new(line).and_then(|_| Regex::new(&format!("^(?:{line})")));
        Ok(Self { end, line: line.map_err(|error| pattern::problem(&error))?, any_line })
    }

    /// Returns whether a program that ended like this reports that memory ran out.
    ///
    /// Blank lines do not count.
    pub(crate) fn fits(&self, end: ProgramEnd, stderr: &[u8]) -> bool {
        let text = String::from_utf8_lossy(last_lines(stderr));
        let lines = text.lines().rev().filter(|line| !line.trim().is_empty());
        let count = if self.any_line { usize::MAX } else { 1 };
        self.end == end && lines.take(count).any(|line| self.line.is_match(line))
    }
}

/// Returns the whole lines in the last [`TAIL_BYTES`].
pub(super) fn last_lines(stderr: &[u8]) -> &[u8] {
    let Some(cut) = stderr.len().checked_sub(TAIL_BYTES).filter(|cut| *cut > 0) else { return stderr };
    let tail = &stderr[cut - 1..];
    let first = tail.iter().position(|byte| *byte == b'\n').map_or(tail.len(), |newline| newline + 1);
    &tail[first..]
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: ProgramEnd = ProgramEnd::Exited(1);

    fn report(line: &str, any_line: bool) -> OutOfMemory {
        OutOfMemory::parse(END, line, any_line).unwrap()
    }

    #[test]
    fn end_and_text_both_have_to_fit() {
        let report = report("OutOfMemory", false);
        assert!(report.fits(END, b"OutOfMemory: heap\n"));
        assert!(!report.fits(ProgramEnd::Exited(2), b"OutOfMemory"));
        assert!(!report.fits(ProgramEnd::Signalled(1), b"OutOfMemory"));
        assert!(!report.fits(END, b"out of luck"));
        assert!(!report.fits(END, b""));
    }

    #[test]
    fn the_last_line_counts_from_its_start() {
        let report = report("MemoryError(:|$)", false);
        assert!(report.fits(END, b"Traceback:\n  x\nMemoryError\n \n\n"));
        assert!(report.fits(END, b"MemoryError: no room\r\n"));
        for other in
            ["ValueError: this is not a MemoryError", "MemoryError\nValueError: x", "  MemoryError", "MemoryErrors"]
        {
            assert!(!report.fits(END, other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn any_line_counts_from_its_start() {
        let report = report("heap|stack", true);
        assert!(report.fits(END, b"first\nheap space\n\tat x\n"));
        assert!(report.fits(END, b"stack\n\tat x\n"));
        assert!(!report.fits(END, b"no heap\nno stack\n"));
    }

    #[test]
    fn only_whole_lines_at_the_end_of_standard_error_count() {
        let report = report("OOM", true);
        let with = |before: &str, bytes| [before.as_bytes(), b"OOM\n", &vec![b'x'; bytes]].concat();
        assert!(report.fits(END, &with("", TAIL_BYTES - 4)));
        assert!(report.fits(END, &with("x\n", TAIL_BYTES - 4)));
        assert!(!report.fits(END, &with("x", TAIL_BYTES - 4)));
        assert!(!report.fits(END, &with("x\n", TAIL_BYTES - 3)));
        assert!(!report.fits(END, &vec![b'O'; 3 * TAIL_BYTES]));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for wrong in ["(", "a)|(b"] {
            let refusal = OutOfMemory::parse(END, wrong, false).unwrap_err();
            assert!(refusal.starts_with("is no regular expression: "), "{refusal}");
        }
    }
}
