//! What a recipe knows of why programs fail.

use regex::Regex;
use runbay_sandbox::ProgramEnd;

use super::pattern;

/// An explanation of a failure, for those who know the language little.
#[derive(Debug, Clone)]
pub(crate) struct Hint {
    /// The number of the signal that ended the program; none if any failure counts.
    signal: Option<i32>,
    /// Has to be found in the program's first file.
    source: Option<Regex>,
    /// A part of a sentence that can follow a colon.
    message: String,
}

impl Hint {
    /// Parses a regular expression for the first file.
    ///
    /// The error continues a sentence that starts with the expression's place.
    pub(super) fn parse(signal: Option<i32>, source: Option<&str>, message: &str) -> Result<Self, String> {
        let source = source.map(Regex::new).transpose().map_err(|error| pattern::problem(&error))?;
        Ok(Self { signal, source, message: message.to_owned() })
    }

    /// Returns whether this may be why a program failed that ended like this.
    pub(super) fn fits(&self, end: ProgramEnd, source: &str) -> bool {
        self.signal.is_none_or(|signal| end == ProgramEnd::Signalled(signal))
            && self.source.as_ref().is_none_or(|pattern| pattern.is_match(source))
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
        let crash = Hint::parse(Some(11), None, "").unwrap();
        assert!(crash.fits(ProgramEnd::Signalled(11), ""));
        assert!(!crash.fits(ProgramEnd::Signalled(6), "") && !crash.fits(ProgramEnd::Exited(11), ""));
        let text = Hint::parse(None, Some("a+b"), "").unwrap();
        assert!(text.fits(FAILED, "xaab") && text.fits(ProgramEnd::Signalled(11), "ab"));
        assert!(!text.fits(FAILED, "ba"));
        let both = Hint::parse(Some(11), Some("a"), "").unwrap();
        assert!(both.fits(ProgramEnd::Signalled(11), "a"));
        assert!(!both.fits(ProgramEnd::Signalled(11), "b") && !both.fits(FAILED, "a"));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let refusal = Hint::parse(None, Some("("), "").unwrap_err();
        assert!(refusal.starts_with("is no regular expression: "), "{refusal}");
    }
}
