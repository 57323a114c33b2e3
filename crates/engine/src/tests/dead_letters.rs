use runbay_model::ExecutionId;
use runbay_model::Loss;
use runbay_model::PageRequest;
use runbay_model::Reason;
use runbay_model::Session;
use runbay_model::Status;
use runbay_model::TenantId;

use super::Bench;
use super::settings;
use crate::AcceptRefusal;
use crate::EngineSettings;
use crate::NoPlace;
use crate::ReadError;
use crate::RequeueError;
use crate::RequeueRefusal;

const PAGE: PageRequest = PageRequest { after: None, limit: 10 };

impl Bench {
    async fn with_one_attempt(queue_max_depth: usize) -> Self {
        Self::with(EngineSettings { attempts_allowed: 1, queue_max_depth, ..settings() }).await
    }

    /// Runs a session so that it comes to nothing.
    async fn dead_letter_of(&self, session: &Session) -> ExecutionId {
        let execution = self.run(session).await.unwrap();
        let claim = self.next().await;
        self.engine.lose(&claim, Loss::InternalError, "on purpose").await.unwrap();
        execution.id
    }

    async fn dead_letters(&self) -> Vec<ExecutionId> {
        let page = self.engine.dead_letters(&self.tenant, PAGE).await.unwrap();
        page.entries.into_iter().map(|letter| letter.execution.id).collect()
    }
}

#[tokio::test]
async fn a_dead_letter_is_queued_again_once_as_a_new_execution() {
    let bench = Bench::with_one_attempt(10).await;
    let session = bench.session().await;
    let id = bench.dead_letter_of(&session).await;
    assert_eq!(bench.dead_letters().await, [id]);

    let again = bench.engine.requeue_dead_letter(&bench.tenant, id).await.unwrap();
    let dead = bench.execution(id).await;
    assert_eq!((dead.state.status(), dead.state.reason()), (Status::Failed, Some(Reason::InternalError)));
    assert_eq!((again.session, again.state.status()), (dead.session, Status::Queued));
    assert_eq!(bench.input(again.id).await, bench.input(id).await);
    assert_ne!(again.id, id);
    assert_eq!(bench.dead_letters().await, []);
    let twice = bench.engine.requeue_dead_letter(&bench.tenant, id).await;
    assert!(matches!(twice, Err(RequeueError::Refused(RequeueRefusal::NotFound))), "{twice:?}");

    let claim = bench.next().await;
    assert_eq!(claim.execution, again.id);
    bench.complete(&claim).await;
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 0);
}

#[tokio::test]
async fn what_the_session_does_not_allow_is_not_queued_again() {
    let bench = Bench::with_one_attempt(10).await;
    let session = bench.session().await;
    let id = bench.dead_letter_of(&session).await;
    let active = bench.run(&session).await.unwrap();
    let busy = bench.engine.requeue_dead_letter(&bench.tenant, id).await;
    assert!(
        matches!(busy, Err(RequeueError::Refused(RequeueRefusal::Accept(AcceptRefusal::ActiveExecution { execution: Some(execution) }))) if execution == active.id),
        "{busy:?}"
    );
    bench.engine.close_session(&bench.tenant, session.id).await.unwrap();
    let closed = bench.engine.requeue_dead_letter(&bench.tenant, id).await;
    assert!(
        matches!(closed, Err(RequeueError::Refused(RequeueRefusal::Accept(AcceptRefusal::SessionInactive)))),
        "{closed:?}"
    );
    assert_eq!(bench.dead_letters().await, [id], "a refusal changes nothing");
}

#[tokio::test]
async fn a_full_queue_takes_no_dead_letters() {
    let bench = Bench::with_one_attempt(1).await;
    let id = bench.dead_letter_of(&bench.session().await).await;
    bench.queued().await;
    let full = bench.engine.requeue_dead_letter(&bench.tenant, id).await;
    assert!(matches!(full, Err(RequeueError::NoPlace(NoPlace::Full { depth: 1, max: 1 }))), "{full:?}");
    bench.popped().await;
    bench.engine.requeue_dead_letter(&bench.tenant, id).await.expect("a refusal takes no place");
}

#[tokio::test]
async fn a_dead_letter_is_forgotten_and_its_execution_is_not() {
    let bench = Bench::with_one_attempt(10).await;
    let id = bench.dead_letter_of(&bench.session().await).await;
    let stranger = TenantId::new("stranger");
    let page = bench.engine.dead_letters(&stranger, PAGE).await.unwrap();
    assert_eq!(page.entries, []);
    let requeued = bench.engine.requeue_dead_letter(&stranger, id).await;
    assert!(matches!(requeued, Err(RequeueError::Refused(RequeueRefusal::NotFound))), "{requeued:?}");
    let forgotten = bench.engine.forget_dead_letter(&stranger, id).await;
    assert!(matches!(forgotten, Err(ReadError::NotFound)), "{forgotten:?}");

    bench.engine.forget_dead_letter(&bench.tenant, id).await.unwrap();
    assert_eq!(bench.dead_letters().await, []);
    assert_eq!(bench.execution(id).await.state.status(), Status::Failed);
    let twice = bench.engine.forget_dead_letter(&bench.tenant, id).await;
    assert!(matches!(twice, Err(ReadError::NotFound)), "{twice:?}");
}
