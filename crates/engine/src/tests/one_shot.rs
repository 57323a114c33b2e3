use std::sync::Arc;

use runbay_model::Attempt;
use runbay_model::Catalog;
use runbay_model::CodeChange;
use runbay_model::Loss;
use runbay_model::Outcome;
use runbay_model::Output;
use runbay_model::PageRequest;
use runbay_model::Status;
use runbay_model::TenantId;
use runbay_model::TestResult;
use runbay_model::TestVerdict;
use runbay_model::Verdict;
use tokio::task::JoinSet;

use super::Bench;
use super::DEADLINE;
use super::files;
use super::settings;
use super::soon;
use crate::AcceptRefusal;
use crate::Acceptance;
use crate::EngineSettings;
use crate::NoPlace;
use crate::Pace;
use crate::ReadError;
use crate::Recovered;
use crate::RunRequest;
use crate::SubmitError;
use crate::Work;

fn keyed(key: &str) -> RunRequest {
    RunRequest { idempotency_key: Some(key.parse().unwrap()), ..RunRequest::default() }
}

#[tokio::test]
async fn code_is_run_without_a_session() {
    let bench = Bench::new().await;
    let sources = files(&[("app.js", "1"), ("lib.js", "2")]);
    let request = RunRequest {
        language: Some("js".to_owned()),
        code: Some(CodeChange::Files(sources.clone())),
        work: Work { stdin: b"in".to_vec(), args: vec!["-x".to_owned()], ..Work::default() },
        ..RunRequest::default()
    };
    let execution = bench.engine.submit_one_shot(&bench.tenant, request.clone()).await.unwrap().into_head();
    assert_eq!((execution.session, execution.language.as_str()), (None, "javascript"));
    let claim = bench.next().await;
    assert_eq!((claim.execution, claim.session, claim.attempt), (execution.id, None, Attempt(1)));
    assert_eq!(claim.tenant, bench.tenant);
    assert_eq!(claim.input.sources, sources);
    assert_eq!(
        (claim.input.work.stdin.as_slice(), claim.input.work.args.as_slice()),
        (b"in".as_slice(), &["-x".to_owned()][..])
    );
    bench.complete(&claim).await;
    let ended = soon(bench.engine.wait_for_end(&bench.tenant, execution.id, DEADLINE)).await.unwrap();
    assert_eq!(ended.summary.state.status(), Status::Completed);
    let sessions = bench.engine.sessions(&bench.tenant, PageRequest { after: None, limit: 5 }).await.unwrap();
    assert_eq!(sessions.entries, [], "no session was made for it");
}

#[tokio::test]
async fn without_language_and_code_the_default_template_is_run() {
    let bench = Bench::new().await;
    let input = bench.input(bench.one_shot().await.id).await;
    assert_eq!((input.language.as_str(), input.sources.source_code()), ("python", "template of python"));

    let cobol = RunRequest { language: Some("cobol".to_owned()), ..RunRequest::default() };
    let error = bench.engine.submit_one_shot(&bench.tenant, cobol).await.unwrap_err();
    assert!(matches!(error, SubmitError::UnknownLanguage(_)), "{error:?}");
    let bench = bench.restarted_with(Catalog::default()).await;
    let error = bench.engine.submit_one_shot(&bench.tenant, RunRequest::default()).await.unwrap_err();
    assert!(matches!(error, SubmitError::NoLanguage), "{error:?}");
}

#[tokio::test]
async fn only_the_queue_limits_how_many_there_are() {
    let slow = Pace { runs_per_minute: 1, cooldown: DEADLINE };
    let bench = Bench::with(EngineSettings { queue_max_depth: 3, pace: slow, ..settings() }).await;
    for _ in 0..3 {
        bench.one_shot().await;
    }
    let error = bench.engine.submit_one_shot(&bench.tenant, RunRequest::default()).await.unwrap_err();
    assert!(matches!(error, SubmitError::NoPlace(NoPlace::Full { depth: 3, max: 3 })), "{error:?}");
    let claims = [bench.next().await, bench.next().await, bench.next().await];
    for claim in &claims {
        bench.complete(claim).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_requests_with_one_key_one_takes_effect() {
    let bench = Bench::new().await;
    let mut submitting = JoinSet::new();
    for _ in 0..20 {
        let (engine, tenant) = (bench.engine.clone(), bench.tenant.clone());
        submitting.spawn(async move { engine.submit_one_shot(&tenant, keyed("k")).await.unwrap() });
    }
    let answers = soon(submitting.join_all()).await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Acceptance::New { .. })).count(), 1);
    let mut ids: Vec<_> = answers.into_iter().map(|answer| answer.into_head().id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 1);
}

#[tokio::test]
async fn what_was_accepted_is_answered_although_it_would_now_be_refused() {
    let bench = Bench::with(EngineSettings { queue_max_depth: 1, ..settings() }).await;
    let first = bench.engine.submit_one_shot(&bench.tenant, keyed("k")).await.unwrap().into_head();
    let again = bench.engine.submit_one_shot(&bench.tenant, keyed("k")).await.unwrap();
    assert_eq!(again, Acceptance::Repeated(first));
    let bench = bench.restarted_with(Catalog::default()).await;
    assert!(matches!(bench.engine.submit_one_shot(&bench.tenant, keyed("k")).await, Ok(Acceptance::Repeated(_))));
    let other = RunRequest { code: Some(CodeChange::Files(files(&[("a", "b")]))), ..keyed("k") };
    let error = bench.engine.submit_one_shot(&bench.tenant, other).await.unwrap_err();
    assert!(matches!(error, SubmitError::Refused(AcceptRefusal::KeyReused)), "{error:?}");
}

#[tokio::test]
async fn it_can_be_cancelled_queued_or_running() {
    let bench = Bench::new().await;
    let (queued, running) = (bench.one_shot().await, bench.one_shot().await);
    let claim = bench.claimed(running.id).await;
    for execution in [&queued, &running] {
        let cancelled = bench.engine.cancel(&bench.tenant, execution.id).await.unwrap();
        assert_eq!(cancelled.state.status(), Status::Cancelled);
    }
    soon(claim.cancelled.cancelled()).await;
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 0);
}

#[tokio::test]
async fn nobody_else_reads_it() {
    let bench = Bench::new().await;
    let execution = bench.one_shot().await;
    let stranger = TenantId::new("stranger");
    assert!(matches!(bench.engine.report(&stranger, execution.id).await, Err(ReadError::NotFound)));
}

#[tokio::test]
async fn after_a_crash_it_comes_back() {
    let bench = Bench::new().await;
    let (running, queued) = (bench.one_shot().await, bench.one_shot().await);
    drop(bench.next().await);
    let bench = bench.restarted().await;
    let recovered = bench.recover().await;
    assert_eq!(recovered, Recovered { requeued: 1, lost: 0, queued: 1 });
    for expected in [&running, &queued] {
        let claim = bench.next().await;
        assert_eq!((claim.execution, &*claim.input), (expected.id, &bench.input(expected.id).await));
        bench.engine.lose(&claim, Loss::InternalError, "").await.unwrap();
        assert_eq!(bench.execution(expected.id).await.state.status(), Status::Queued);
        bench.engine.cancel(&bench.tenant, expected.id).await.unwrap();
    }
}

#[tokio::test]
async fn results_of_test_cases_are_kept() {
    let bench = Bench::new().await;
    let execution = bench.one_shot().await;
    let claim = bench.next().await;
    let result = TestResult {
        name: Some("first".to_owned()),
        verdict: TestVerdict::Failed,
        exit_code: Some(0),
        stdout: "1".to_owned(),
        ..TestResult::skipped(None)
    };
    let output = Output { tests: Some(vec![result.clone()]), ..Output::default() };
    let outcome = Arc::new(Outcome { output, ..Outcome::default() });
    bench.engine.finish(&claim, Verdict::Completed, outcome).await.unwrap();
    let tests = bench.report(execution.id).await.output.and_then(|output| output.tests);
    assert_eq!(tests, Some(vec![result]));
}
