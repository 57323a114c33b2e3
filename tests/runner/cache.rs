//! When a compilation is used again, and when it must not be.

use std::future::Future;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use runbay_model::Environment;
use runbay_model::Fault;
use runbay_model::Outcome;
use runbay_model::RunInput;
use runbay_model::TenantId;
use runbay_model::Verdict;
use runbay_model::Work;
use runbay_runner::Runner;
use runbay_runner::RunnerSettings;

use crate::host::Host;
use crate::host::compiled;
use crate::host::compiler_of;
use crate::host::program;

/// A program that says which compilation it comes from.
fn marked() -> String {
    let mark = "$(head -c 8 /dev/urandom | od -An -tx1)";
    format!("echo \"warning {mark}\"; {{ echo '#!/bin/sh'; echo \"echo {mark} \\$1\"; }} > \"$1\"; chmod +x \"$1\"")
}

fn is_reused(outcome: &Outcome) -> bool {
    outcome.facts.compile_time == Some(Duration::ZERO)
}

/// Runs a program that has to end well; returns whether an earlier compilation of it was used.
async fn reuses(host: &Host, input: &RunInput) -> bool {
    let (verdict, outcome) = host.run(input).await;
    assert_eq!(verdict, Verdict::Completed, "{outcome:?}");
    is_reused(&outcome)
}

#[tokio::test]
async fn the_same_code_is_compiled_once() {
    let host = Host::open().await;
    let (_, first) = host.run(&compiled(&marked())).await;
    let work = Work {
        args: vec!["again".to_owned()],
        environment: Environment::new([("A".to_owned(), "1".to_owned())].into()).unwrap(),
        ..Work::default()
    };
    let other_run = RunInput { work, ..compiled(&marked()) };
    let (_, second) = host.run(&other_run).await;
    assert!(!is_reused(&first) && is_reused(&second));
    let line = String::from_utf8(first.output.stdout).unwrap();
    assert_eq!(String::from_utf8(second.output.stdout).unwrap(), line.replace('\n', " again\n"));
    assert_eq!(second.output.compile_output, first.output.compile_output, "its warnings come with it");
}

#[tokio::test]
async fn many_who_want_the_same_wait_for_one_compilation() {
    let host = Arc::new(Host::open().await);
    let runs: Vec<_> = (0..32)
        .map(|_| {
            let host = Arc::clone(&host);
            tokio::spawn(async move { host.run(&compiled(&marked())).await })
        })
        .collect();
    let mut outputs = Vec::new();
    let mut fresh = 0;
    for run in runs {
        let (verdict, outcome) = run.await.unwrap();
        assert_eq!(verdict, Verdict::Completed);
        fresh += usize::from(!is_reused(&outcome));
        outputs.push(outcome.output.stdout);
    }
    outputs.dedup();
    assert_eq!((outputs.len(), fresh), (1, 1));
}

#[tokio::test]
async fn many_who_want_what_cannot_be_compiled_get_one_refusal() {
    let host = Host::open().await;
    let input = compiled("head -c 8 /dev/urandom | od -An -tx1; exit 1");
    let ((first, one), (second, other)) = tokio::join!(host.run(&input), host.run(&input));
    assert_eq!((first, second), (Verdict::Failed(Fault::CompileError), Verdict::Failed(Fault::CompileError)));
    assert_eq!(one.output.compile_output, other.output.compile_output);
    let (_, later) = host.run(&input).await;
    assert_ne!(later.output.compile_output, one.output.compile_output, "what failed is tried anew");
}

#[tokio::test]
async fn those_who_wait_go_on_when_the_first_is_cancelled() {
    let host = Host::open().await;
    let input = compiled(&marked());
    let mut second = pin!(host.run(&input));
    {
        let mut first = pin!(host.run(&input));
        let both = poll_fn(|context| {
            assert!(first.as_mut().poll(context).is_pending() && second.as_mut().poll(context).is_pending());
            Poll::Ready(())
        });
        both.await;
    }
    let (verdict, outcome) = second.await;
    assert_eq!((verdict, is_reused(&outcome)), (Verdict::Completed, false));
}

#[tokio::test]
async fn the_least_recently_used_goes_first() {
    let settings =
        RunnerSettings { compile_cache_bytes: 2 * Runner::LEAST_CACHE_ENTRY_BYTES, ..RunnerSettings::default() };
    let host = Host::open_with(settings).await;
    let [a, b, c] = ["a", "b", "c"].map(|name| compiled(&compiler_of(&format!("echo {name}"))));
    for (input, expected) in [(&a, false), (&b, false), (&a, true), (&c, false), (&a, true), (&c, true), (&b, false)] {
        assert_eq!(reuses(&host, input).await, expected);
    }
}

#[tokio::test]
async fn what_is_larger_than_the_cache_is_compiled_each_time() {
    let settings = RunnerSettings { compile_cache_bytes: 1, ..RunnerSettings::default() };
    let host = Host::open_with(settings).await;
    for _ in 0..2 {
        assert!(!reuses(&host, &compiled(&marked())).await);
    }
}

#[tokio::test]
async fn without_a_cache_everything_is_compiled() {
    let host = Host::open_with(RunnerSettings { compile_cache_bytes: 0, ..RunnerSettings::default() }).await;
    for _ in 0..2 {
        assert!(!reuses(&host, &compiled(&marked())).await);
    }
}

#[tokio::test]
async fn tenants_share_only_what_the_operator_lets_them() {
    for share_compile_cache in [false, true] {
        let host = Host::open_with(RunnerSettings { share_compile_cache, ..RunnerSettings::default() }).await;
        let input = compiled(&marked());
        let (_, one) = host.run_for(&TenantId::new("one"), &input).await;
        let (_, other) = host.run_for(&TenantId::new("other"), &input).await;
        assert_eq!((is_reused(&one), is_reused(&other)), (false, share_compile_cache));
    }
}

#[tokio::test]
async fn code_that_differs_in_a_file_name_only_is_other_code() {
    let host = Host::open().await;
    let source = format!("echo $(ls)\n{}", compiler_of("true"));
    for name in ["a.txt", "b.txt"] {
        let (_, outcome) = host.run(&program("compiled", &[("main.script", &source), (name, "same")])).await;
        assert!(!is_reused(&outcome));
        assert_eq!(outcome.output.compile_output.unwrap(), format!("{name} main.script\n").into_bytes());
    }
}

#[tokio::test]
async fn a_run_does_not_change_what_others_get() {
    let host = Host::open().await;
    let input = compiled(&compiler_of("cat \"$0\"; echo 'echo changed' > \"$0\"; rm -rf /opt/artefact/*"));
    let first = host.said(&input).await;
    let (_, second) = host.run(&input).await;
    assert!(is_reused(&second));
    assert_eq!(String::from_utf8(second.output.stdout).unwrap(), first);
}
