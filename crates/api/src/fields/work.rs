//! What to do with the code: input, arguments, environment, limits and test cases.

use runbay_engine::Work;
use runbay_model::LimitRanges;
use runbay_model::MAX_ARGUMENT_BYTES;
use runbay_model::MAX_ARGUMENTS;
use runbay_model::MAX_STDIN_BYTES;

use super::ChosenLimits;
use super::Counted;
use super::TestCases;
use super::Variables;
use crate::problem::Code;
use crate::problem::Problem;

/// Command line arguments as they were sent.
pub(crate) type Arguments = Counted<String, MAX_ARGUMENTS>;

/// What to do with the code, as it was sent.
#[derive(Debug, Default)]
pub(crate) struct WorkFields {
    pub(crate) stdin: Option<String>,
    pub(crate) args: Option<Arguments>,
    pub(crate) env: Option<Variables>,
    pub(crate) limits: Option<ChosenLimits>,
    pub(crate) tests: Option<TestCases>,
    pub(crate) stop_on_failure: Option<bool>,
}

impl WorkFields {
    /// Checks everything, limits against `ranges`.
    pub(crate) async fn read(self, ranges: &LimitRanges) -> Result<Work, Problem> {
        let stdin = self.stdin.unwrap_or_default();
        let args = self.args.unwrap_or_default().read()?;
        let stop_on_failure = self.stop_on_failure.unwrap_or_default();
        check_stdin(&stdin)?;
        match &self.tests {
            Some(_) if !stdin.is_empty() => return Err(misplaced("stdin", WITH_TESTS)),
            Some(_) if !args.is_empty() => return Err(misplaced("args", WITH_TESTS)),
            None if stop_on_failure => return Err(misplaced("stop_on_failure", "is of use with tests only")),
            Some(_) | None => {}
        }
        let environment = self.env.unwrap_or_default().read()?;
        let limits = self.limits.unwrap_or_default().read(ranges)?;
        let tests = match self.tests {
            Some(tests) => Some(tests.read(stop_on_failure).await?),
            None => None,
        };
        Ok(Work { stdin: stdin.into_bytes(), args, environment, limits, tests })
    }
}

const WITH_TESTS: &str = "must not be there beside tests, each of which has its own";

fn misplaced(field: &str, complaint: &str) -> Problem {
    Problem::new(Code::InvalidBody).field(field, complaint)
}

/// Accepts standard input up to its limit; it may hold anything.
pub(super) fn check_stdin(stdin: &str) -> Result<(), Problem> {
    if stdin.len() > MAX_STDIN_BYTES {
        let complaint = too_many_bytes(stdin.len(), MAX_STDIN_BYTES);
        return Err(Problem::new(Code::StdinTooLarge).field("stdin", complaint));
    }
    Ok(())
}

impl Arguments {
    /// Accepts what the kernel can hand to a program as its arguments.
    pub(super) fn read(self) -> Result<Vec<String>, Problem> {
        if self.count > MAX_ARGUMENTS {
            let complaint = format!("has {} entries, at most {MAX_ARGUMENTS} are allowed", self.count);
            return Err(Problem::new(Code::ArgumentsTooLarge).field("args", complaint));
        }
        let args = self.entries;
        let bytes = args.iter().map(String::len).sum();
        if bytes > MAX_ARGUMENT_BYTES {
            let complaint = too_many_bytes(bytes, MAX_ARGUMENT_BYTES);
            return Err(Problem::new(Code::ArgumentsTooLarge).field("args", complaint));
        }
        match args.iter().position(|arg| arg.contains('\0')) {
            Some(index) => {
                let complaint = "must not contain the character U+0000";
                Err(Problem::new(Code::InvalidBody).field(&format!("args[{index}]"), complaint))
            }
            None => Ok(args),
        }
    }
}

fn too_many_bytes(found: usize, allowed: usize) -> String {
    format!("has {found} bytes in UTF-8, at most {allowed} are allowed")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn args(args: &[&str]) -> Arguments {
        serde_json::from_value(json!(args)).unwrap()
    }

    fn refusal<T: std::fmt::Debug>(result: Result<T, Problem>) -> (Code, String) {
        let problem = result.unwrap_err();
        (problem.code(), problem.details()[0].clone())
    }

    #[test]
    fn arguments_and_input_end_at_their_limits() {
        assert_eq!(args(&["a"; MAX_ARGUMENTS]).read().unwrap(), ["a"; MAX_ARGUMENTS]);
        let (code, complaint) = refusal(args(&[""; 5_000]).read());
        assert_eq!(code, Code::ArgumentsTooLarge);
        assert_eq!(complaint, "args: has 5000 entries, at most 64 are allowed");
        assert_eq!(refusal(args(&[&"a".repeat(MAX_ARGUMENT_BYTES + 1)]).read()).0, Code::ArgumentsTooLarge);
        assert_eq!(refusal(check_stdin(&"a".repeat(MAX_STDIN_BYTES + 1))).0, Code::StdinTooLarge);
        assert!(check_stdin("a\0b").is_ok());
    }

    #[test]
    fn an_argument_has_no_nul() {
        let complaint = refusal(args(&["a", "\0"]).read()).1;
        assert_eq!(complaint, "args[1]: must not contain the character U+0000");
    }

    #[tokio::test]
    async fn tests_bring_their_own_input() {
        let tests = || serde_json::from_value(json!([{"expected_stdout": ""}])).unwrap();
        let ranges = LimitRanges::default();
        let empty = WorkFields {
            stdin: Some(String::new()),
            args: Some(args(&[])),
            tests: tests(),
            stop_on_failure: Some(true),
            ..WorkFields::default()
        };
        assert!(empty.read(&ranges).await.unwrap().tests.unwrap().stop_on_failure);
        let stdin = WorkFields { stdin: Some("a".to_owned()), tests: tests(), ..WorkFields::default() };
        let complaint = "stdin: must not be there beside tests, each of which has its own";
        assert_eq!(refusal(stdin.read(&ranges).await), (Code::InvalidBody, complaint.to_owned()));
        let args = WorkFields { args: Some(args(&["a"])), tests: tests(), ..WorkFields::default() };
        assert!(refusal(args.read(&ranges).await).1.starts_with("args: "));
        let stop = WorkFields { stop_on_failure: Some(true), ..WorkFields::default() };
        assert!(refusal(stop.read(&ranges).await).1.starts_with("stop_on_failure: "));
    }

    #[tokio::test]
    async fn nothing_sent_is_nothing_asked_for() {
        let work = WorkFields { stop_on_failure: Some(false), ..WorkFields::default() };
        assert_eq!(work.read(&LimitRanges::default()).await.unwrap(), Work::default());
    }
}
