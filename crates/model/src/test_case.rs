//! Test cases: inputs of a program with their expected output.

use std::time::Duration;

use crate::InvalidPattern;
use crate::Reason;
use crate::pattern::check;
use crate::pattern::compile;

/// The test cases of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestPlan {
    /// The test cases, in the order in which they are run.
    pub cases: Vec<TestCase>,
    /// Whether the rest is skipped after the first case that does not pass.
    pub stop_on_failure: bool,
}

/// One input of a program with its expected output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCase {
    /// A name for people.
    pub name: Option<String>,
    /// The standard input of the program.
    pub stdin: Vec<u8>,
    /// Command line arguments after the program's name.
    pub args: Vec<String>,
    /// The expected standard output.
    pub expected: ExpectedOutput,
}

/// An expected output, and how it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedOutput {
    text: String,
    comparison: Comparison,
}

/// How output is compared with the expected output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Blanks at the end of a line and empty lines at the end do not count.
    #[default]
    Trimmed,
    /// Every byte counts.
    Exact,
    /// Only the words count. The blanks and line ends between them do not.
    Tokens,
    /// The text is a regular expression for the whole output without the blanks at its end. Output of more than 64 KiB
    /// never matches.
    Regex,
}

/// The result of one test case.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TestResult {
    /// The name of the case.
    pub name: Option<String>,
    /// Whether it passed.
    pub verdict: TestVerdict,
    /// Why the program did not end well. None when it did.
    pub reason: Option<Reason>,
    /// One plain sentence for a person, where there is more to say than the exit code.
    pub message: Option<String>,
    /// The exit code. None when a signal ended the program or the case was skipped.
    pub exit_code: Option<i32>,
    /// The name of the signal that ended the program.
    pub signal: Option<String>,
    /// The beginning of standard output as text.
    pub stdout: String,
    /// The beginning of standard error as text.
    pub stderr: String,
    /// Whether standard output is longer than the part that is kept.
    pub stdout_truncated: bool,
    /// Whether standard error is longer than the part that is kept.
    pub stderr_truncated: bool,
    /// Time on the wall clock. None when the case was skipped.
    pub execution_time: Option<Duration>,
    /// CPU time of all processes. None when the case was skipped, or where nothing counts it.
    pub cpu_time: Option<Duration>,
    /// The most memory used at one time, in bytes.
    pub memory_bytes: Option<u64>,
}

impl TestPlan {
    /// Passes every given member to `add`, see [`Work::each_given`](crate::Work::each_given).
    pub(crate) fn each_given(&self, add: &mut impl FnMut(&str, &[u8])) {
        let Self { cases, stop_on_failure } = self;
        add("stop_on_failure", &[u8::from(*stop_on_failure)]);
        for TestCase { name, stdin, args, expected } in cases {
            add("expected_stdout", expected.text().as_bytes());
            add("match", expected.comparison().word());
            if let Some(name) = name {
                add("name", name.as_bytes());
            }
            add("stdin", stdin);
            for arg in args {
                add("args", arg.as_bytes());
            }
        }
    }
}

impl Comparison {
    const fn word(self) -> &'static [u8] {
        match self {
            Self::Trimmed => b"trimmed",
            Self::Exact => b"exact",
            Self::Tokens => b"tokens",
            Self::Regex => b"regex",
        }
    }
}

impl TestResult {
    /// Returns how many bytes of text it has.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let Self { name, message, signal, stdout, stderr, .. } = self;
        [name, message, signal].into_iter().flatten().map(String::len).sum::<usize>() + stdout.len() + stderr.len()
    }

    /// Returns the result of a case that was not run.
    #[must_use]
    pub const fn skipped(name: Option<String>) -> Self {
        Self {
            name,
            verdict: TestVerdict::Skipped,
            reason: None,
            message: None,
            exit_code: None,
            signal: None,
            stdout: String::new(),
            stderr: String::new(),
            stdout_truncated: false,
            stderr_truncated: false,
            execution_time: None,
            cpu_time: None,
            memory_bytes: None,
        }
    }
}

/// The verdict on a test case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestVerdict {
    /// The program ended well and wrote the expected output.
    Passed,
    /// The program ended well and wrote another output.
    Failed,
    /// The program did not end well.
    Error,
    /// The case was not run.
    Skipped,
}

impl ExpectedOutput {
    /// The longest output that is matched, in bytes.
    ///
    /// Matching takes time in proportion to output times pattern. At worst, with the largest pattern, that is about a
    /// second.
    const MATCHED_BYTES: usize = 64 * 1024;

    /// Takes an expected text. In a comparison by regular expression, the text must be one.
    ///
    /// # Errors
    ///
    /// [`InvalidPattern`] when it is not.
    pub fn new(text: String, comparison: Comparison) -> Result<Self, InvalidPattern> {
        if comparison == Comparison::Regex {
            check(&text)?;
        }
        Ok(Self { text, comparison })
    }

    /// Takes an expected text that was checked earlier. A pattern that is not valid after all accepts nothing.
    ///
    /// Checking a pattern may take 20 ms, which is too long for a reader of a hundred patterns from a row.
    #[must_use]
    pub fn checked_before(text: String, comparison: Comparison) -> Self {
        Self { text, comparison }
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns how output is compared with the text.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        self.comparison
    }

    /// Returns whether `stdout` is the expected output.
    #[must_use]
    pub fn accepts(&self, stdout: &[u8]) -> bool {
        let expected = self.text.as_bytes();
        match self.comparison {
            Comparison::Exact => stdout == expected,
            Comparison::Trimmed => lines(stdout).eq(lines(expected)),
            Comparison::Tokens => tokens(stdout).eq(tokens(expected)),
            Comparison::Regex if stdout.len() > Self::MATCHED_BYTES => false,
            Comparison::Regex => {
                let stdout = String::from_utf8_lossy(stdout);
                compile(&self.text).is_ok_and(|pattern| pattern.is_match(stdout.trim_end()))
            }
        }
    }
}

/// Splits a text into lines. Leaves out the blanks at the end of each line and the empty lines at the end.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.trim_ascii_end().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end)
}

fn tokens(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(comparison: Comparison, expected: &str, stdout: &str) -> bool {
        ExpectedOutput::new(expected.to_owned(), comparison).unwrap().accepts(stdout.as_bytes())
    }

    #[test]
    fn trailing_blanks_do_not_count_unless_asked_for() {
        for (expected, stdout) in [("1\n2", "1 \r\n2\n\n"), ("", "\n \n"), ("a", "a"), ("a\n\nb", "a\n  \nb\t")] {
            assert!(accepts(Comparison::Trimmed, expected, stdout), "{stdout:?}");
        }
        for (expected, stdout) in [("1\n2", "1\n\n2"), ("a", " a"), ("a b", "a  b"), ("", "x"), ("x", "")] {
            assert!(!accepts(Comparison::Trimmed, expected, stdout), "{stdout:?}");
        }
        assert!(accepts(Comparison::Exact, "a\n", "a\n"));
        assert!(!accepts(Comparison::Exact, "a\n", "a"));
    }

    #[test]
    fn tokens_ignore_all_blanks() {
        assert!(accepts(Comparison::Tokens, "1 2\n3", " 1\t2 \r\n\n 3"));
        assert!(!accepts(Comparison::Tokens, "1 2", "12"));
        assert!(!accepts(Comparison::Tokens, "1 2", "1 2 3"));
    }

    #[test]
    fn a_regular_expression_matches_the_whole_output() {
        assert!(accepts(Comparison::Regex, r"\d+ apples?", "12 apples\n"));
        assert!(!accepts(Comparison::Regex, r"\d+", "12 apples"));
        assert!(!accepts(Comparison::Regex, "a|b", "ab"));
        assert!(accepts(Comparison::Regex, "(?i)YES|(?x: n o )", "no"));
    }

    #[test]
    fn output_that_would_take_long_to_match_does_not() {
        let longest = "a".repeat(ExpectedOutput::MATCHED_BYTES);
        assert!(accepts(Comparison::Regex, "a*", &longest));
        assert!(!accepts(Comparison::Regex, "a*", &format!("{longest}a")));
    }

    #[test]
    fn only_a_regular_expression_has_to_be_one() {
        assert!(ExpectedOutput::new("(".to_owned(), Comparison::Regex).is_err());
        assert!(ExpectedOutput::new("(".to_owned(), Comparison::Trimmed).is_ok());
        assert!(!ExpectedOutput::checked_before("(".to_owned(), Comparison::Regex).accepts(b"("));
    }

    #[test]
    fn output_that_is_no_text_can_be_compared() {
        let exact = ExpectedOutput::new("a".to_owned(), Comparison::Trimmed).unwrap();
        assert!(!exact.accepts(b"\xff"));
        assert!(ExpectedOutput::new(".".to_owned(), Comparison::Regex).unwrap().accepts(b"\xff"));
    }
}
