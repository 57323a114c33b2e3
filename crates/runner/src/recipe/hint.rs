//! What a recipe knows of why programs fail.

use regex::Regex;
use regex::RegexBuilder;
use runbay_sandbox::ProgramEnd;

use super::out_of_memory::last_lines;
use super::pattern;

/// An explanation of a failure, for those who know the language little.
#[derive(Debug, Clone)]
pub(crate) struct Hint {
    /// The number of the signal that ended the program; none if any failure counts.
    signal: Option<i32>,
    /// Has to be found in the program's first file.
    source: Option<Regex>,
    /// Has to be found in the last lines of standard error.
    stderr: Option<Regex>,
    /// A part of a sentence that can follow a colon.
    message: String,
}

impl Hint {
    pub(super) fn new(signal: Option<i32>, message: &str) -> Self {
        Self { signal, source: None, stderr: None, message: message.to_owned() }
    }

    /// Adds a regular expression for the first file.
    ///
    /// The error continues a sentence that starts with the expression's place.
    pub(super) fn with_source(self, text: &str) -> Result<Self, String> {
        let source = Regex::new(text).map_err(|error| pattern::problem(&error))?;
        Ok(Self { source: Some(source), ..self })
    }

    /// Adds a regular expression for standard error, in which `^` and `$` match at every line.
    ///
    /// The error continues a sentence that starts with the expression's place.
    pub(super) fn with_stderr(self, text: &str) -> Result<Self, String> {
        let stderr = RegexBuilder::new(text).multi_line(true).build().map_err(|error| pattern::problem(&error))?;
        Ok(Self { stderr: Some(stderr), ..self })
    }

    /// Returns whether this may be why a program failed that ended like this.
    pub(super) fn fits(&self, end: ProgramEnd, source: &str, stderr: &[u8]) -> bool {
        self.signal.is_none_or(|signal| end == ProgramEnd::Signalled(signal))
            && self.source.as_ref().is_none_or(|pattern| pattern.is_match(source))
            && self.stderr.as_ref().is_none_or(|line| line.is_match(&String::from_utf8_lossy(last_lines(stderr))))
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: ProgramEnd = ProgramEnd::Exited(1);

    #[test]
    fn all_that_is_named_has_to_fit() {
        let fits = |hint: &Hint, end, source| hint.fits(end, source, b"");
        let crash = Hint::new(Some(11), "");
        assert!(fits(&crash, ProgramEnd::Signalled(11), ""));
        assert!(!fits(&crash, ProgramEnd::Signalled(6), "") && !fits(&crash, ProgramEnd::Exited(11), ""));
        let text = Hint::new(None, "").with_source("a+b").unwrap();
        assert!(fits(&text, FAILED, "xaab") && fits(&text, ProgramEnd::Signalled(11), "ab"));
        assert!(!fits(&text, FAILED, "ba"));
        let both = Hint::new(Some(11), "").with_source("a").unwrap();
        assert!(fits(&both, ProgramEnd::Signalled(11), "a"));
        assert!(!fits(&both, ProgramEnd::Signalled(11), "b") && !fits(&both, FAILED, "a"));
        let complaint = Hint::new(None, "").with_source("a").unwrap().with_stderr("^sh: .*b$").unwrap();
        assert!(complaint.fits(FAILED, "a", b"first\nsh: not b\nlast\n"));
        assert!(!complaint.fits(FAILED, "a", b"no sh: not b\n") && !complaint.fits(FAILED, "a", b""));
        assert!(!complaint.fits(FAILED, "", b"sh: b\n"));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for refusal in [Hint::new(None, "").with_source("("), Hint::new(None, "").with_stderr("(")] {
            let refusal = refusal.unwrap_err();
            assert!(refusal.starts_with("is no regular expression: "), "{refusal}");
        }
    }
}
