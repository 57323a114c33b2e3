use std::sync::Arc;

use runbay_model::Attempt;
use runbay_model::Catalog;
use runbay_model::Loss;
use runbay_model::Priority;
use runbay_model::Reason;
use runbay_model::SessionId;
use runbay_model::Status;
use runbay_model::TimeLimit;
use runbay_model::Verdict;
use tokio::task::JoinSet;

use super::Bench;
use super::abandoned;
use super::as_taken;
use super::language;
use super::settings;
use super::soon;
use super::source_code;
use crate::AcceptRefusal;
use crate::EngineSettings;
use crate::NoPlace;
use crate::Recorded;
use crate::RunRequest;
use crate::SessionChange;
use crate::SubmitError;
use crate::Work;

fn code(text: &str) -> SessionChange {
    SessionChange { code: Some(source_code(text)), ..SessionChange::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_runs_of_a_session_one_is_accepted() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    let mut submitting = JoinSet::new();
    for _ in 0..100 {
        let (engine, tenant) = (bench.engine.clone(), bench.tenant.clone());
        submitting.spawn(async move { engine.submit(&tenant, session.id, RunRequest::default()).await });
    }
    let (accepted, refused): (Vec<_>, Vec<_>) = soon(submitting.join_all()).await.into_iter().partition(Result::is_ok);
    assert_eq!(accepted.len(), 1);
    let accepted = accepted.into_iter().next().unwrap().unwrap().into_head();
    for refusal in refused {
        let error = refusal.unwrap_err();
        assert!(
            matches!(error, SubmitError::Refused(AcceptRefusal::ActiveExecution { execution: Some(id) }) if id == accepted.id),
            "{error:?}"
        );
    }
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 1);

    let claim = bench.next().await;
    let running = bench.run(&session).await.unwrap_err();
    assert!(matches!(running, SubmitError::Refused(AcceptRefusal::ActiveExecution { .. })), "{running:?}");
    assert_eq!(bench.complete(&claim).await, Recorded::Accepted);
    bench.run(&session).await.expect("the session is free again");
}

#[tokio::test]
async fn the_newest_code_is_run() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    for text in ["A", "B"] {
        bench.engine.save_session(&bench.tenant, session.id, code(text)).await.unwrap();
    }
    bench.run(&session).await.unwrap();
    // A save after the acceptance does not reach the run.
    bench.engine.save_session(&bench.tenant, session.id, code("C")).await.unwrap();
    assert_eq!(bench.next().await.input.sources.source_code(), "B");
}

#[tokio::test]
async fn code_that_comes_with_a_run_is_saved_and_run() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    let request = RunRequest {
        language: Some("js".to_owned()),
        code: Some(source_code("new")),
        work: Work { stdin: b"in".to_vec(), args: vec!["-x".to_owned()], ..Work::default() },
        ..RunRequest::default()
    };
    let execution = bench.engine.submit(&bench.tenant, session.id, request.clone()).await.unwrap().into_head();
    assert_eq!(execution.state.status(), Status::Queued);
    let saved = bench.engine.session(&bench.tenant, session.id).await.unwrap();
    assert_eq!((saved.version, saved.language.as_str(), saved.sources.source_code()), (2, "javascript", "new"));

    let claim = bench.next().await;
    assert_eq!((claim.execution, claim.attempt, claim.session), (execution.id, Attempt(1), Some(session.id)));
    assert_eq!(*claim.input, bench.input(execution.id).await);
    assert_eq!(
        (claim.input.work.stdin.as_slice(), claim.input.work.args.as_slice()),
        (b"in".as_slice(), &["-x".to_owned()][..])
    );

    let other = RunRequest { code: Some(source_code("other")), ..request.clone() };
    bench.engine.submit(&bench.tenant, session.id, other).await.unwrap_err();
    let kept = bench.engine.session(&bench.tenant, session.id).await.unwrap();
    assert_eq!(kept, saved, "a refused run saves nothing");

    bench.complete(&claim).await;
    bench.engine.submit(&bench.tenant, session.id, request).await.unwrap();
    assert_eq!(bench.engine.session(&bench.tenant, session.id).await.unwrap(), saved, "nothing was new");
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_and_takes_no_place() {
    let bench = Bench::with(EngineSettings { queue_max_depth: 1, ..settings() }).await;
    let session = bench.session().await;
    let closed = bench.session().await;
    bench.engine.close_session(&bench.tenant, closed.id).await.unwrap();

    let error = bench.engine.submit(&bench.tenant, SessionId::random(), RunRequest::default()).await.unwrap_err();
    assert!(matches!(error, SubmitError::Refused(AcceptRefusal::SessionNotFound)), "{error:?}");
    let error = bench.run(&closed).await.unwrap_err();
    assert!(matches!(error, SubmitError::Refused(AcceptRefusal::SessionInactive)), "{error:?}");
    let cobol = RunRequest { language: Some("cobol".to_owned()), ..RunRequest::default() };
    let error = bench.engine.submit(&bench.tenant, session.id, cobol).await.unwrap_err();
    assert!(matches!(error, SubmitError::UnknownLanguage(_)), "{error:?}");

    bench.run(&session).await.expect("the only place is free");
    let other = bench.session().await;
    let error = bench.run(&other).await.unwrap_err();
    assert!(matches!(error, SubmitError::NoPlace(NoPlace::Full { depth: 1, max: 1 })), "{error:?}");
    let claim = bench.next().await;
    bench.run(&other).await.expect("a running execution takes no place");
    bench.complete(&claim).await;
}

#[tokio::test]
async fn a_language_that_is_no_longer_offered_is_not_run() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    let bench = bench.restarted_with(Catalog::new(vec![language("javascript", "js")])).await;
    let error = bench.run(&session).await.unwrap_err();
    assert!(matches!(&error, SubmitError::UnknownLanguage(unknown) if unknown.name == "python"), "{error:?}");
    let change = RunRequest { language: Some("js".to_owned()), ..RunRequest::default() };
    bench.engine.submit(&bench.tenant, session.id, change).await.expect("it comes with one that is");
}

#[tokio::test]
async fn a_run_is_queued_although_its_caller_went_away() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    abandoned(bench.run(&session)).await;
    let claim = bench.next().await;
    assert_eq!(claim.session, Some(session.id));
}

#[tokio::test]
async fn a_claim_whose_caller_went_away_is_handed_back() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let id = bench.popped().await;
    abandoned(bench.engine.claim(&as_taken(id), bench.worker)).await;
    let claim = bench.next().await;
    assert_eq!((claim.execution, claim.attempt), (execution.id, Attempt(2)));
}

#[tokio::test]
async fn an_execution_is_claimed_once() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let mut claiming = JoinSet::new();
    for _ in 0..8 {
        let (engine, worker) = (bench.engine.clone(), bench.worker);
        claiming.spawn(async move { engine.claim(&as_taken(execution.id), worker).await.unwrap() });
    }
    assert_eq!(soon(claiming.join_all()).await.into_iter().flatten().count(), 1);
}

#[tokio::test]
async fn a_late_report_of_an_old_attempt_changes_nothing() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let old = bench.next().await;
    assert_eq!(bench.engine.lose(&old, Loss::WorkerLost, "The worker was lost.").await.unwrap(), Recorded::Accepted);
    let new = bench.next().await;
    assert_eq!(new.attempt, Attempt(2));

    let before = bench.execution(execution.id).await;
    assert_eq!(bench.complete(&old).await, Recorded::Stale);
    assert_eq!(bench.engine.lose(&old, Loss::WorkerLost, "").await.unwrap(), Recorded::Stale);
    assert_eq!(bench.engine.hand_back(&old).await.unwrap(), Recorded::Stale);
    assert_eq!(bench.execution(execution.id).await, before);

    assert_eq!(bench.complete(&new).await, Recorded::Accepted);
    let ended = bench.execution(execution.id).await;
    let again = bench.engine.finish(&new, Verdict::Completed, Arc::default()).await.unwrap();
    assert_eq!(again, Recorded::Accepted, "it was reported before");
    let other = bench.engine.finish(&new, Verdict::TimedOut(TimeLimit::WallTime), Arc::default()).await.unwrap();
    assert_eq!(other, Recorded::Stale);
    assert_eq!(bench.execution(execution.id).await, ended);
}

#[tokio::test]
async fn a_finished_execution_has_its_outcome_and_times() {
    let bench = Bench::new().await;
    bench.queued().await;
    let claim = bench.next().await;
    bench.complete(&claim).await;
    let ended = bench.execution(claim.execution).await;
    assert_eq!((ended.state.status(), ended.state.reason()), (Status::Completed, None));
    let output = bench.report(claim.execution).await.output;
    assert_eq!(output.map(|output| output.stdout), Some(b"hello\n".to_vec()));
    assert!(ended.queue_time().is_some());
    assert!(ended.started_at <= ended.completed_at);
}

#[tokio::test]
async fn an_internal_error_is_retried_at_its_place_until_the_attempts_are_used_up() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let claim = bench.next().await;
    let later = bench.queued().await;
    bench.engine.lose(&claim, Loss::InternalError, "The bay was not made.").await.unwrap();
    let waiting = bench.execution(execution.id).await;
    assert_eq!((waiting.state.status(), waiting.state.attempt()), (Status::Queued, Attempt(1)));
    assert!(waiting.facts.is_none() && waiting.started_at.is_none());

    // Both orders are right, as the retry is due some time soon.
    let mut claims = [bench.next().await, bench.next().await];
    claims.sort_by_key(|claim| claim.execution != execution.id);
    let [retry, other] = claims;
    assert_eq!(other.execution, later.id);
    bench.complete(&other).await;
    bench.engine.lose(&retry, Loss::InternalError, "The bay was not made.").await.unwrap();
    let last = bench.next().await;
    assert_eq!((last.execution, last.attempt), (execution.id, Attempt(3)));
    bench.engine.lose(&last, Loss::InternalError, "The bay was not made.").await.unwrap();

    let failed = bench.execution(execution.id).await;
    assert_eq!((failed.state.status(), failed.state.reason()), (Status::Failed, Some(Reason::InternalError)));
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_handed_back_comes_first_again() {
    let bench = Bench::new().await;
    let first = bench.queued().await;
    bench.queued().await;
    for attempt in 1..=5 {
        let claim = bench.next().await;
        assert_eq!((claim.execution, claim.attempt), (first.id, Attempt(attempt)));
        bench.engine.hand_back(&claim).await.unwrap();
    }
    let claim = bench.next().await;
    bench.engine.lose(&claim, Loss::InternalError, "").await.unwrap();
    let execution = bench.execution(first.id).await;
    assert_eq!(execution.state.status(), Status::Queued, "what was handed back used up no attempt");
}

#[tokio::test]
async fn a_closed_engine_finishes_what_was_begun_and_answers_nothing_more() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let claim = bench.next().await;
    let (recorded, ()) = tokio::join!(bench.complete(&claim), bench.engine.close());
    assert_eq!(recorded, Recorded::Accepted);
    assert!(bench.engine.ready().await.database.is_err());
    let bench = bench.restarted().await;
    assert!(bench.engine.ready().await.database.is_ok());
    assert_eq!(bench.execution(execution.id).await.state.status(), Status::Completed);
}

#[tokio::test]
async fn many_one_shots_hardly_delay_a_session_and_low_priority_waits_longest() {
    let bench = Bench::new().await;
    let low = bench.one_shot_of(Priority::Low).await;
    for _ in 0..50 {
        bench.one_shot_of(Priority::Normal).await;
    }
    let high = bench.one_shot_of(Priority::High).await;
    let session = bench.queued().await;
    let first = [bench.popped().await, bench.popped().await, bench.popped().await, bench.popped().await];
    assert!(first.contains(&high.id) && first.contains(&session.id), "{first:?}");
    let early = [bench.popped().await, bench.popped().await];
    assert!(first.contains(&low.id) || early.contains(&low.id), "it does not starve");
}
