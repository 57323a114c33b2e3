//! How a runtime says that memory ran out.

use runbay_sandbox::ProgramEnd;

/// How much of standard error is looked at: its end.
const TAIL_BYTES: usize = 8 * 1024;

/// A runtime's own report that memory ran out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutOfMemory {
    end: ProgramEnd,
    /// What standard error has in its last [`TAIL_BYTES`].
    stderr: String,
}

impl OutOfMemory {
    pub(crate) fn new(end: ProgramEnd, stderr: impl Into<String>) -> Self {
        Self { end, stderr: stderr.into() }
    }

    /// Returns whether this is how the program ended.
    pub(crate) fn fits(&self, end: ProgramEnd, stderr: &[u8]) -> bool {
        let tail = &stderr[stderr.len().saturating_sub(TAIL_BYTES)..];
        self.end == end && String::from_utf8_lossy(tail).contains(&self.stderr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_and_text_both_have_to_fit() {
        let report = OutOfMemory::new(ProgramEnd::Exited(1), "OutOfMemory");
        assert!(report.fits(ProgramEnd::Exited(1), b"at x\njava.lang.OutOfMemoryError: heap\n"));
        assert!(!report.fits(ProgramEnd::Exited(2), b"OutOfMemory"));
        assert!(!report.fits(ProgramEnd::Signalled(1), b"OutOfMemory"));
        assert!(!report.fits(ProgramEnd::Exited(1), b"out of luck"));
    }

    #[test]
    fn only_the_end_of_standard_error_counts() {
        let report = OutOfMemory::new(ProgramEnd::Exited(1), "OOM");
        let then = |bytes| [b"OOM".to_vec(), vec![b'x'; bytes]].concat();
        assert!(report.fits(ProgramEnd::Exited(1), &then(TAIL_BYTES - 3)));
        assert!(!report.fits(ProgramEnd::Exited(1), &then(TAIL_BYTES - 2)));
    }
}
