//! What to do with the code: input, arguments, environment, limits and test cases.

use runbay_engine::Work;
use runbay_model::LimitRanges;

use super::Arguments;
use super::ChosenLimits;
use super::TestCases;
use super::Variables;
use super::input::check_stdin;
use crate::problem::Code;
use crate::problem::Problem;

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
