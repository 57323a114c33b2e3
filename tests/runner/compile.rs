//! What compilers may do, and what is said of those that do more.

use std::time::Duration;

use runbay_model::Comparison;
use runbay_model::Environment;
use runbay_model::ExpectedOutput;
use runbay_model::Facts;
use runbay_model::Fault;
use runbay_model::LimitOverrides;
use runbay_model::Output;
use runbay_model::RunInput;
use runbay_model::TestCase;
use runbay_model::TestPlan;
use runbay_model::TimeLimit;
use runbay_model::Verdict;
use runbay_model::Work;

use crate::host::Host;
use crate::host::compiled;
use crate::host::compiler_of;
use crate::host::plain;
use crate::host::program;
use crate::host::tested;

/// Compiles something that cannot be; returns the sentence about it and what the compiler said.
async fn refused(input: &RunInput) -> (String, String) {
    let (verdict, outcome) = Host::open().await.run(input).await;
    assert_eq!(verdict, Verdict::Failed(Fault::CompileError), "{outcome:?}");
    assert!(outcome.facts.compile_time.is_some_and(|time| time > Duration::ZERO));
    let output = String::from_utf8(outcome.output.compile_output.clone().unwrap_or_default()).expect("a text");
    let message = outcome.facts.message.clone().expect("a sentence");
    let facts = Facts { message: None, compile_time: None, ..outcome.facts };
    let nothing_else = Output { compile_output: None, ..outcome.output };
    assert_eq!((facts, nothing_else), (Facts::default(), Output::default()), "nothing ran");
    (message, output)
}

#[tokio::test]
async fn a_program_is_compiled_and_run() {
    let source = format!("echo warning; echo remark >&2\n{}", compiler_of("cat; echo \"$@\"; exit 3"));
    let work = Work { stdin: b"in\n".to_vec(), args: vec!["a b".to_owned()], ..Work::default() };
    let input = RunInput { work, ..compiled(&source) };
    let (verdict, outcome) = Host::open().await.run(&input).await;
    assert_eq!((verdict, outcome.facts.exit_code), (Verdict::Failed(Fault::RuntimeError), Some(3)));
    assert_eq!(String::from_utf8_lossy(&outcome.output.stdout), "in\na b\n");
    assert_eq!(outcome.output.compile_output.as_deref(), Some(&b"warning\nremark\n"[..]));
    assert!(outcome.facts.compile_time.is_some_and(|time| time > Duration::ZERO));
}

#[tokio::test]
async fn a_language_without_a_compiler_has_nothing_of_one() {
    let (verdict, outcome) = Host::open().await.run(&plain("echo 1")).await;
    assert_eq!((verdict, outcome.output.compile_output, outcome.facts.compile_time), (Verdict::Completed, None, None));
}

#[tokio::test]
async fn code_that_does_not_compile_is_not_run() {
    let (message, output) = refused(&compiled("echo 'main.script:1: no' >&2; exit 1")).await;
    assert_eq!((message.as_str(), output.as_str()), ("The code could not be compiled.", "main.script:1: no\n"));
}

#[tokio::test]
async fn a_compiler_has_to_make_something_of_use() {
    assert_eq!(refused(&compiled("true")).await.0, "The compiler reported no error, but made no program.");
    for script in ["ln -s /etc/passwd \"$1\"", "mkfifo \"$1\"", "mkdir \"$1\" && ln -s / \"$1/x\""] {
        let message = refused(&compiled(script)).await.0;
        assert!(message.starts_with("The compiler reported no error, but what it made cannot be used"), "{message}");
    }
}

#[tokio::test]
async fn a_compiler_that_goes_too_far_is_stopped() {
    let limited = |name: &str, value| {
        let mut limits = LimitOverrides::default();
        assert!(limits.set(name, value));
        Work { limits, ..Work::default() }
    };
    let slow = RunInput { work: limited("compile_time_ms", 2_000), ..compiled("echo begun; while :; do :; done") };
    let (message, output) = refused(&slow).await;
    assert!(message.starts_with("The compiler ran longer than 2 s and was stopped"), "{message}");
    assert_eq!(output, "begun\n", "what it said before is kept");

    let idle = RunInput { work: limited("compile_time_ms", 2_000), ..compiled("echo begun; sleep 60") };
    let (verdict, outcome) = Host::open().await.run(&idle).await;
    assert_eq!(verdict, Verdict::TimedOut(TimeLimit::WallTime), "the code is not to blame: {outcome:?}");
    let message = outcome.facts.message.as_deref();
    assert_eq!(message, Some("The compiler was stopped after 2 s, most of which it waited; the code may be right."));
    assert_eq!(outcome.output.compile_output.as_deref(), Some(&b"begun\n"[..]));

    let hungry = compiled("head -c 200000000 /dev/zero | tail -c 200000000");
    let hungry = RunInput { work: limited("compile_memory_bytes", 64 << 20), ..hungry };
    assert_eq!(refused(&hungry).await.0, "The compiler used more than 64 MiB of memory and was stopped.");

    let (message, output) = refused(&compiled("yes")).await;
    assert_eq!((message.as_str(), output.len()), ("The compiler wrote more than 64 KiB and was stopped.", 64 * 1024));

    let crashed = refused(&compiled("kill -SEGV $$")).await.0;
    assert_eq!(crashed, "The compiler was ended by the signal SIGSEGV.");
}

#[tokio::test]
async fn what_cannot_be_executed_was_not_compiled() {
    let host = Host::open().await;
    for script in [
        "echo text > \"$1\"",
        "echo text > \"$1\"; chmod +x \"$1\"",
        "printf '#!/nowhere\\n' > \"$1\"; chmod +x \"$1\"",
        "printf '\\177ELF' > \"$1\"; chmod +x \"$1\"",
        "mkdir \"$1\"",
    ] {
        let input = compiled(&format!("echo warning\n{script}"));
        let case = TestCase {
            name: None,
            stdin: Vec::new(),
            args: Vec::new(),
            expected: ExpectedOutput::new(String::new(), Comparison::Exact).unwrap(),
        };
        let plan = TestPlan { cases: vec![case], stop_on_failure: false };
        for input in [input.clone(), tested(input, plan)] {
            let (verdict, outcome) = host.run(&input).await;
            assert_eq!(verdict, Verdict::Failed(Fault::CompileError), "{script}: {outcome:?}");
            let message = outcome.facts.message.as_deref();
            assert_eq!(message, Some("The code was compiled, but to something that is no program."));
            assert_eq!(outcome.output.compile_output.as_deref(), Some(&b"warning\n"[..]));
            assert_eq!(outcome.output.tests, None, "nothing was tested");
        }
    }
}

#[tokio::test]
async fn the_environment_of_a_request_does_not_reach_the_compiler() {
    let source = "{ echo '#!/bin/sh'; echo \"echo compile ${SECRET-nothing}\"; echo 'echo run $SECRET'; } > \"$1\"\nchmod +x \"$1\"";
    let variables = [("SECRET", "key"), ("PATH", "/box")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let work = Work { environment: Environment::new(variables.into()).unwrap(), ..Work::default() };
    let input = RunInput { work, ..compiled(source) };
    assert_eq!(Host::open().await.said(&input).await, "compile nothing\nrun key\n");
}

#[tokio::test]
async fn only_the_artefact_reaches_the_run() {
    let hostile = compiler_of("ls -A /box /box/lib /opt/artefact /tmp /dev/shm; cat /box/lib/data");
    let source = format!(
        "{hostile}\necho x > /opt/artefact/other; echo x > new; echo x > /tmp/new; echo x > /dev/shm/new\n\
         echo changed > lib/data; rm main.script"
    );
    let input = program("compiled", &[("main.script", &source), ("lib/data", "mine")]);
    assert_eq!(
        Host::open().await.said(&input).await,
        "/box:\nlib\nmain.script\n\n/box/lib:\ndata\n\n/dev/shm:\n\n/opt/artefact:\nprogram\n\n/tmp:\nmine"
    );
}

#[tokio::test]
async fn what_a_compiler_starts_does_not_outlive_it() {
    let source = format!("{}\n(setsid sleep 60 &)", compiler_of("echo done"));
    let (verdict, outcome) = Host::open().await.run(&compiled(&source)).await;
    assert_eq!(verdict, Verdict::Completed, "{outcome:?}");
    assert!(outcome.facts.compile_time.is_some_and(|time| time < Duration::from_secs(10)));
}
