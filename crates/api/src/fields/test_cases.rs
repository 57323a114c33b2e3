//! `tests` and `stop_on_failure`

use std::time::Instant;
use std::vec::IntoIter;

use runbay_model::Comparison;
use runbay_model::ExpectedOutput;
use runbay_model::MAX_TEST_BYTES;
use runbay_model::MAX_TESTS;
use runbay_model::TestCase;
use runbay_model::TestPlan;
use serde::Deserialize;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use super::Arguments;
use super::Counted;
use super::input::check_stdin;
use crate::admission;
use crate::extract::word;
use crate::problem::Code;
use crate::problem::Problem;
use crate::schema;

/// The longest name of a test case, in bytes; every answer repeats it.
const MAX_NAME_BYTES: usize = 256;

/// The longest regular expression, in bytes.
const MAX_PATTERN_BYTES: usize = 1024;

/// The most bytes that all regular expressions have together.
const MAX_PATTERNS_BYTES: usize = 16 * 1024;

/// One input of a program with the output that it should have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TestCase, example = json!({"name": "doubles", "stdin": "21\n", "expected_stdout": "42\n"}))]
pub(crate) struct TestCaseBody {
    /// A name for people, of at most 256 bytes in UTF-8.
    #[schema(max_length = 256)]
    name: Option<String>,
    /// What the program reads before it sees the end of its standard input, at most 1 MiB in UTF-8.
    #[schema(max_length = 1_048_576)]
    stdin: Option<String>,
    #[schema(schema_with = schema::arguments)]
    args: Option<Arguments>,
    /// What the program should write to standard output; with `match` `regex` a regular expression for the whole of
    /// it, of at most 1 KiB, all of them together at most 16 KiB.
    expected_stdout: String,
    /// How exactly.
    #[serde(rename = "match", default, deserialize_with = "word")]
    #[schema(value_type = Option<schema::OutputComparison>)]
    comparison: Option<Comparison>,
}

/// The test cases of a request as they were sent.
pub(crate) type TestCases = Counted<TestCaseBody, MAX_TESTS>;

impl TestCases {
    /// Checks the test cases.
    ///
    /// CANCEL: the slice that has begun goes on for some milliseconds, and its result is dropped.
    pub(crate) async fn read(self, stop_on_failure: bool) -> Result<TestPlan, Problem> {
        if self.count == 0 {
            let complaint = "must have at least one entry; leave it out to run the program once";
            return Err(Problem::new(Code::InvalidBody).field("tests", complaint));
        }
        if self.count > MAX_TESTS {
            let complaint = format!("has {} entries, at most {MAX_TESTS} are allowed", self.count);
            return Err(Problem::new(Code::TestsTooLarge).field("tests", complaint));
        }
        let bytes = self.entries.iter().map(TestCaseBody::bytes).sum::<usize>();
        if bytes > MAX_TEST_BYTES {
            let complaint = format!("have {bytes} bytes together, at most {MAX_TEST_BYTES} are allowed");
            return Err(Problem::new(Code::TestsTooLarge).field("tests", complaint));
        }
        let patterns = self.entries.iter().map(TestCaseBody::pattern_bytes).sum::<usize>();
        if patterns > MAX_PATTERNS_BYTES {
            let complaint =
                format!("have {patterns} bytes of regular expressions, at most {MAX_PATTERNS_BYTES} are allowed");
            return Err(Problem::new(Code::TestsTooLarge).field("tests", complaint));
        }
        let mut reading = Reading { left: self.entries.into_iter(), cases: Vec::new() };
        if patterns == 0 {
            reading = reading.go_on_while(|| true)?;
        }
        // A regular expression takes up to 20 ms, so other requests get to read theirs in between.
        while reading.left.len() > 0 {
            let slice = admission::cpu_slice().await;
            let read = spawn_blocking(move || {
                let _slice = slice;
                let began = Instant::now();
                reading.go_on_while(|| began.elapsed() < admission::CPU_SLICE)
            });
            reading = read.await.map_err(|_| Problem::new(Code::InternalError).cause("no test case was read"))??;
        }
        Ok(TestPlan { cases: reading.cases, stop_on_failure })
    }
}

/// Test cases that are being read.
struct Reading {
    left: IntoIter<TestCaseBody>,
    cases: Vec<TestCase>,
}

impl Reading {
    /// Reads further cases for as long as there is time.
    fn go_on_while(mut self, has_time: impl Fn() -> bool) -> Result<Self, Problem> {
        while has_time()
            && let Some(case) = self.left.next()
        {
            let case = case.read().map_err(|problem| problem.within(&format!("tests[{}]", self.cases.len())))?;
            self.cases.push(case);
        }
        Ok(self)
    }
}

impl TestCaseBody {
    fn bytes(&self) -> usize {
        let texts =
            [&self.name, &self.stdin].into_iter().flatten().chain(self.args.iter().flat_map(|args| &args.entries));
        texts.chain([&self.expected_stdout]).map(String::len).sum()
    }

    fn pattern_bytes(&self) -> usize {
        if self.comparison == Some(Comparison::Regex) { self.expected_stdout.len() } else { 0 }
    }

    fn read(self) -> Result<TestCase, Problem> {
        let length = self.pattern_bytes();
        let stdin = self.stdin.unwrap_or_default();
        let args = self.args.unwrap_or_default().read()?;
        check_stdin(&stdin)?;
        if let Some(length) = self.name.as_ref().map(String::len).filter(|length| *length > MAX_NAME_BYTES) {
            let complaint = format!("has {length} bytes in UTF-8, at most {MAX_NAME_BYTES} are allowed");
            return Err(Problem::new(Code::TestsTooLarge).field("name", complaint));
        }
        let comparison = self.comparison.unwrap_or_default();
        if length > MAX_PATTERN_BYTES {
            let complaint =
                format!("has {length} bytes, at most {MAX_PATTERN_BYTES} are allowed in a regular expression");
            return Err(Problem::new(Code::TestsTooLarge).field("expected_stdout", complaint));
        }
        let expected = ExpectedOutput::new(self.expected_stdout, comparison);
        let expected = expected.map_err(|error| Problem::new(Code::InvalidBody).field("expected_stdout", error))?;
        Ok(TestCase { name: self.name, stdin: stdin.into_bytes(), args, expected })
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::Context;
    use std::task::Waker;

    use runbay_model::MAX_STDIN_BYTES;
    use serde_json::Value;
    use serde_json::json;

    use super::*;

    async fn read(tests: Value) -> Result<TestPlan, (Code, String)> {
        let tests: TestCases = serde_json::from_value(tests).unwrap();
        tests.read(true).await.map_err(|problem| {
            assert_eq!(problem.details().len(), 1);
            (problem.code(), problem.details()[0].clone())
        })
    }

    #[tokio::test]
    async fn a_case_needs_its_expected_output_only() {
        let plan = read(json!([
            {"expected_stdout": "1"},
            {"name": "two", "stdin": "2\0", "args": ["-v"], "expected_stdout": "", "match": "exact"},
            {"name": null, "stdin": null, "args": null, "expected_stdout": "(", "match": null},
        ]));
        let plan = plan.await.unwrap();
        assert!(plan.stop_on_failure);
        let [first, second, third] = plan.cases.as_slice() else { panic!("{plan:?}") };
        assert_eq!((first.name.as_deref(), first.stdin.as_slice(), first.args.len()), (None, &b""[..], 0));
        assert_eq!((first.expected.text(), first.expected.comparison()), ("1", Comparison::Trimmed));
        assert_eq!((second.name.as_deref(), second.stdin.as_slice()), (Some("two"), &b"2\0"[..]));
        assert_eq!(second.args, ["-v"]);
        assert_eq!(second.expected.comparison(), Comparison::Exact);
        assert_eq!((third.name.as_deref(), third.expected.comparison()), (None, Comparison::Trimmed));
    }

    #[tokio::test]
    async fn what_is_wrong_is_named_with_its_case() {
        let with = async |wrong: Value| read(json!([{"expected_stdout": ""}, wrong])).await.unwrap_err();
        let (code, complaint) = with(json!({"expected_stdout": "(", "match": "regex"})).await;
        assert_eq!(code, Code::InvalidBody);
        assert!(complaint.starts_with("tests[1].expected_stdout: is not a regular expression: "), "{complaint}");
        let (code, complaint) = with(json!({"expected_stdout": "a".repeat(1025), "match": "regex"})).await;
        assert_eq!(code, Code::TestsTooLarge);
        let expected = "tests[1].expected_stdout: has 1025 bytes, at most 1024 are allowed in a regular expression";
        assert_eq!(complaint, expected);
        let (code, complaint) = with(json!({"expected_stdout": "", "args": ["a", "\0"]})).await;
        assert_eq!(
            (code, complaint.as_str()),
            (Code::InvalidBody, "tests[1].args[1]: must not contain the character U+0000")
        );
        let (code, complaint) = with(json!({"expected_stdout": "", "stdin": "a".repeat(MAX_STDIN_BYTES + 1)})).await;
        assert_eq!(code, Code::StdinTooLarge);
        assert_eq!(complaint, "tests[1].stdin: has 1048577 bytes in UTF-8, at most 1048576 are allowed");
    }

    #[tokio::test]
    async fn number_and_size_have_limits() {
        let many = |count| Value::Array(vec![json!({"expected_stdout": ""}); count]);
        assert!(read(many(MAX_TESTS)).await.is_ok());
        let (code, complaint) = read(many(5_000)).await.unwrap_err();
        assert_eq!(
            (code, complaint.as_str()),
            (Code::TestsTooLarge, "tests: has 5000 entries, at most 100 are allowed")
        );
        assert_eq!(read(many(0)).await.unwrap_err().0, Code::InvalidBody);
        let large = |bytes: usize| json!([{"expected_stdout": "a".repeat(bytes)}, {"expected_stdout": "a"}]);
        assert!(read(large(MAX_TEST_BYTES - 1)).await.is_ok());
        let (code, complaint) = read(large(MAX_TEST_BYTES)).await.unwrap_err();
        assert_eq!(code, Code::TestsTooLarge);
        assert_eq!(complaint, "tests: have 2097153 bytes together, at most 2097152 are allowed");
        let patterns =
            |count| Value::Array(vec![json!({"expected_stdout": "a".repeat(1024), "match": "regex"}); count]);
        assert!(read(patterns(16)).await.is_ok());
        let (code, complaint) = read(patterns(17)).await.unwrap_err();
        assert_eq!(code, Code::TestsTooLarge);
        assert_eq!(complaint, "tests: have 17408 bytes of regular expressions, at most 16384 are allowed");
    }

    #[tokio::test]
    async fn names_are_short() {
        let named = |length| json!([{"name": "x".repeat(length), "expected_stdout": ""}]);
        assert!(read(named(MAX_NAME_BYTES)).await.is_ok());
        let (code, complaint) = read(named(MAX_NAME_BYTES + 1)).await.unwrap_err();
        assert_eq!(code, Code::TestsTooLarge);
        assert_eq!(complaint, "tests[0].name: has 257 bytes in UTF-8, at most 256 are allowed");
    }

    #[tokio::test]
    async fn regular_expressions_are_read_on_another_thread() {
        let mut ordinary = pin!(read(json!([{"expected_stdout": "a"}])));
        let mut patterns = pin!(read(Value::Array(vec![json!({"expected_stdout": "a", "match": "regex"}); MAX_TESTS])));
        let mut context = Context::from_waker(Waker::noop());
        assert!(ordinary.as_mut().poll(&mut context).is_ready(), "at once");
        assert!(patterns.as_mut().poll(&mut context).is_pending(), "this thread has to answer others");
        assert_eq!(patterns.await.unwrap().cases.len(), MAX_TESTS);
    }

    #[test]
    fn other_members_and_words_are_refused() {
        for wrong in [
            json!([{}]),
            json!([{"expected_stdout": null}]),
            json!([{"expected_stdout": "", "expected": ""}]),
            json!([{"expected_stdout": "", "match": "Exact"}]),
            json!([{"expected_stdout": "", "match": "fuzzy"}]),
            json!([{"expected_stdout": "", "args": "a"}]),
            json!({"expected_stdout": ""}),
        ] {
            assert!(serde_json::from_value::<TestCases>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
