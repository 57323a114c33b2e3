use runbay_model::PageRequest;
use runbay_model::Priority;

use super::*;
use crate::AcceptRefusal;
use crate::CloseSession;
use crate::DeadLetterNotFound;
use crate::DeleteDeadLetter;
use crate::RequeueDeadLetter;
use crate::RequeueRefusal;

async fn dead(store: &Store, execution: &ExecutionHead, now: i64) {
    let attempt = claimed(store, execution).await;
    let lose = LoseExecution {
        id: execution.id,
        attempt,
        loss: Loss::WorkerLost,
        attempts_allowed: 1,
        available_at: None,
        at: at(now),
    };
    assert_eq!(store.write(lose).await.unwrap().state.status(), Status::Failed);
}

async fn listed(store: &Store) -> Vec<ExecutionId> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.dead_letters(&TenantId::default(), PageRequest { after, limit: 2 }).await.unwrap();
        found.extend(page.entries.iter().map(|letter| letter.execution.id));
        after = page.last;
        if after.is_none() {
            return found;
        }
    }
}

fn requeue(id: ExecutionId) -> RequeueDeadLetter {
    RequeueDeadLetter { tenant: TenantId::default(), id, execution: ExecutionId::random(), at: at(500) }
}

async fn what_was_lost_for_good_is_a_dead_letter(database: TestDatabase) {
    let store = database.open().await;
    let mut expected = Vec::new();
    for now in [300, 100, 200, 100, 250] {
        let execution = accepted(&store, 10).await;
        dead(&store, &execution, now).await;
        expected.push((now, execution.id));
    }
    expected.sort_unstable_by(|one, other| other.cmp(one));
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    // An execution that failed by its own fault is not a dead letter.
    let own_fault = accepted(&store, 10).await;
    let attempt = claimed(&store, &own_fault).await;
    let verdict = Verdict::Failed(Fault::RuntimeError);
    store.write(finish(&own_fault, attempt, verdict, outcome())).await.unwrap();
    assert_eq!(listed(&store).await, expected);
    let strangers = store.dead_letters(&TenantId::new("x"), PageRequest { after: None, limit: 2 }).await.unwrap();
    assert_eq!(strangers.entries, []);

    let delete = |tenant: &str, id| DeleteDeadLetter { tenant: TenantId::new(tenant), id };
    for missing in [delete("x", expected[0]), delete("default", own_fault.id)] {
        let missing = store.write(missing).await;
        assert!(matches!(missing, Err(WriteError::Refused(DeadLetterNotFound))), "{missing:?}");
    }
    store.write(delete("default", expected[0])).await.unwrap();
    assert_eq!(listed(&store).await, expected[1..]);
    assert_eq!(read(&store, expected[0]).await.head.state.status(), Status::Failed, "it stays in the history");
}

async fn a_dead_letter_is_run_again_as_a_new_execution(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let urgent = AcceptRun { work: Work { priority: Priority::High, ..Work::default() }, ..run(&session, 10) };
    let first = store.write(urgent).await.unwrap().into_head();
    dead(&store, &first, 100).await;
    let second = store.write(run(&session, 20)).await.unwrap().into_head();
    let busy = store.write(requeue(first.id)).await;
    let expected = RequeueRefusal::Accept(AcceptRefusal::ActiveExecution { execution: Some(second.id) });
    assert!(matches!(&busy, Err(WriteError::Refused(refusal)) if *refusal == expected), "{busy:?}");
    assert_eq!(listed(&store).await, [first.id]);

    dead(&store, &second, 200).await;
    let order = requeue(first.id);
    let again = store.write(order.clone()).await.unwrap();
    assert_eq!((again.id, again.session), (order.execution, first.session));
    let stored = read(&store, again.id).await;
    assert_eq!((stored.head, stored.input), (again.clone(), read(&store, first.id).await.input));
    let queued = store.executions_with_status(Status::Queued, None, 10).await.unwrap();
    assert_eq!(queued.iter().map(|head| (head.id, head.priority)).collect::<Vec<_>>(), [(again.id, Priority::High)]);
    assert_eq!(listed(&store).await, [second.id]);
    let gone = store.write(requeue(first.id)).await;
    assert!(matches!(gone, Err(WriteError::Refused(RequeueRefusal::NotFound))), "{gone:?}");

    store.write(CloseSession { tenant: session.tenant, id: session.id, at: at(600) }).await.unwrap();
    let closed = store.write(requeue(second.id)).await;
    assert!(
        matches!(closed, Err(WriteError::Refused(RequeueRefusal::Accept(AcceptRefusal::SessionInactive)))),
        "{closed:?}"
    );
}

on_all_databases! {
    what_was_lost_for_good_is_a_dead_letter,
    a_dead_letter_is_run_again_as_a_new_execution,
}
