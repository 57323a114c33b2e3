//! Test cases: one program, each case in a bay of its own.

use std::time::Duration;

use runbay_model::Comparison;
use runbay_model::ExpectedOutput;
use runbay_model::Fault;
use runbay_model::LimitOverrides;
use runbay_model::Outcome;
use runbay_model::Reason;
use runbay_model::RunInput;
use runbay_model::TestCase;
use runbay_model::TestPlan;
use runbay_model::TestResult;
use runbay_model::TestVerdict;
use runbay_model::Verdict;
use runbay_model::Work;

use crate::host::Host;
use crate::host::compiled;
use crate::host::compiler_of;
use crate::host::plain;
use crate::host::tested;

/// Returns a plan of cases, each with what the program reads and what it should write.
fn plan(cases: &[(&str, &str)]) -> TestPlan {
    let case = |(stdin, expected): &(&str, &str)| TestCase {
        name: None,
        stdin: stdin.as_bytes().to_vec(),
        args: vec!["argument".to_owned()],
        expected: ExpectedOutput::new((*expected).to_owned(), Comparison::Trimmed).expect("a text"),
    };
    TestPlan { cases: cases.iter().map(case).collect(), stop_on_failure: false }
}

async fn results(input: &RunInput) -> Vec<TestResult> {
    let (verdict, outcome) = Host::open().await.run(input).await;
    assert_eq!(verdict, Verdict::Completed, "{outcome:?}");
    assert_eq!((outcome.output.stdout.len(), outcome.output.stderr.len(), outcome.facts.exit_code), (0, 0, None));
    outcome.output.tests.expect("results")
}

fn verdicts(results: &[TestResult]) -> Vec<(TestVerdict, Option<Reason>)> {
    results.iter().map(|result| (result.verdict, result.reason)).collect()
}

#[tokio::test]
async fn every_case_gets_its_verdict() {
    let script = r#"read what; case $what in
        crash) exit 3;; slow) sleep 60;; loud) yes;; arguments) echo "$@";; *) echo "$what"; echo remark >&2;; esac"#;
    let mut limits = LimitOverrides::default();
    assert!(limits.set("wall_time_ms", 1500));
    let cases = [("1", "1"), ("1", "2"), ("crash", ""), ("slow", ""), ("loud", ""), ("arguments", "argument")];
    let results =
        results(&tested(RunInput { work: Work { limits, ..Work::default() }, ..plain(script) }, plan(&cases))).await;
    assert_eq!(
        verdicts(&results),
        [
            (TestVerdict::Passed, None),
            (TestVerdict::Failed, None),
            (TestVerdict::Error, Some(Reason::RuntimeError)),
            (TestVerdict::Error, Some(Reason::WallTimeLimit)),
            (TestVerdict::Error, Some(Reason::OutputLimit)),
            (TestVerdict::Passed, None),
        ]
    );
    assert_eq!((results[0].stdout.as_str(), results[0].stderr.as_str()), ("1\n", "remark\n"));
    assert_eq!((results[0].exit_code, results[2].exit_code, results[3].exit_code), (Some(0), Some(3), None));
    assert_eq!((results[4].stdout.len(), results[4].stdout_truncated), (16 * 1024, true));
    assert!(results.iter().all(|result| result.execution_time.is_some()));
}

#[tokio::test]
async fn the_first_that_does_not_pass_may_end_it() {
    for wrong in ["2", "crash"] {
        let plan = TestPlan { stop_on_failure: true, ..plan(&[("1", "1"), (wrong, "1"), ("1", "1")]) };
        let results = results(&tested(plain("read x; [ $x = crash ] && exit 1; echo $x"), plan)).await;
        assert_eq!((results[0].verdict, results[2].verdict), (TestVerdict::Passed, TestVerdict::Skipped));
        assert_eq!((results[2].execution_time, results[2].exit_code), (None, None));
    }
}

#[tokio::test]
async fn no_case_sees_what_another_left() {
    let script = "cat /tmp/left left 2>&1 | grep -c mine; echo mine > left; echo mine > /tmp/left";
    let results = results(&tested(plain(script), plan(&[("", "0"), ("", "0")]))).await;
    assert_eq!(verdicts(&results), [(TestVerdict::Passed, None); 2]);
}

#[tokio::test]
async fn a_program_is_compiled_once_for_all_cases() {
    let source = format!(
        "id=$(head -c 8 /dev/urandom | od -An -tx1)\n{}\necho \"echo $id\" >> \"$1\"",
        compiler_of("read x; echo $x")
    );
    let input = tested(compiled(&source), plan(&[("1", "x"), ("1", "x")]));
    let (_, outcome) = Host::open().await.run(&input).await;
    let tests = outcome.output.tests.unwrap();
    assert_eq!(tests[0].stdout, tests[1].stdout);
    assert!(outcome.facts.compile_time.is_some_and(|time| time > Duration::ZERO));
    let sum: Duration = tests.iter().filter_map(|test| test.execution_time).sum();
    assert_eq!(outcome.facts.execution_time, Some(sum));
    assert_eq!(outcome.facts.memory_bytes, tests.iter().filter_map(|test| test.memory_bytes).max());
}

#[tokio::test]
async fn code_that_does_not_compile_has_no_results() {
    let input = tested(compiled("exit 1"), plan(&[("1", "1")]));
    let (verdict, outcome) = Host::open().await.run(&input).await;
    assert_eq!((verdict, outcome.output.tests), (Verdict::Failed(Fault::CompileError), None));
}

#[tokio::test]
async fn without_cases_there_are_no_results() {
    let (_, outcome) = Host::open().await.run(&plain("echo 1")).await;
    assert_eq!(outcome.output.tests, None);
    assert_ne!(outcome, Outcome::default());
}
