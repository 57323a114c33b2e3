use runbay_model::Priority;

use super::workers::age;
use super::workers::worker;
use super::*;
use crate::LeaseExpired;
use crate::ReclaimExecution;
use crate::RenewWorker;
use crate::StopWorker;

const LEASE: Duration = Duration::from_secs(600);

fn claim(execution: &ExecutionHead, worker: WorkerId) -> ClaimExecution {
    ClaimExecution { id: execution.id, worker, queue_turn: Some(2.75), lease: Some(LEASE), at: at(50) }
}

fn reclaim(execution: &ExecutionHead, attempt: Attempt) -> ReclaimExecution {
    ReclaimExecution {
        id: execution.id,
        attempt,
        lease: LEASE,
        attempts_allowed: 2,
        available_at: Some(at(90)),
        at: at(80),
    }
}

async fn who_has_not_renewed_its_row_cannot_claim(database: TestDatabase) {
    let store = database.open().await;
    let execution = accepted(&store, 10).await;
    let worker = worker("late");
    let nobody = store.write(claim(&execution, worker.id)).await;
    assert!(matches!(nobody, Err(WriteError::Refused(LeaseExpired))), "{nobody:?}");
    store.write(RenewWorker(worker.clone())).await.unwrap();
    age(&database, &worker, 2 * LEASE).await;
    let late = store.write(claim(&execution, worker.id)).await;
    assert!(matches!(late, Err(WriteError::Refused(LeaseExpired))), "{late:?}");
    assert_eq!(read(&store, execution.id).await.head, execution);

    store.write(RenewWorker(worker.clone())).await.unwrap();
    let head = store.write(claim(&execution, worker.id)).await.unwrap().expect("it is queued").head;
    assert_eq!((head.state.attempt(), head.queue_turn), (Attempt(1), Some(2.75)));
    assert!(store.write(claim(&execution, worker.id)).await.unwrap().is_none(), "it is no longer queued");
}

async fn what_a_dead_worker_ran_is_run_again_at_its_old_turn(database: TestDatabase) {
    let store = database.open().await;
    let (lives, dies, leaves) = (worker("lives"), worker("dies"), worker("leaves"));
    let mut running = Vec::new();
    for worker in [&lives, &dies, &leaves] {
        store.write(RenewWorker(worker.clone())).await.unwrap();
        let execution = accepted(&store, 10).await;
        store.write(claim(&execution, worker.id)).await.unwrap().expect("it is queued");
        running.push(execution);
    }
    assert_eq!(store.expired_leases(LEASE, 10).await.unwrap(), []);
    let early = store.write(reclaim(&running[1], Attempt(1))).await;
    assert!(matches!(early, Err(WriteError::Refused(Stale))), "its worker lives: {early:?}");

    age(&database, &dies, 2 * LEASE).await;
    store.write(StopWorker { id: leaves.id, languages: leaves.languages }).await.unwrap();
    let mut expired = store.expired_leases(LEASE, 10).await.unwrap();
    expired.sort_by_key(|head| head.id);
    assert_eq!(expired.iter().map(|head| head.id).collect::<Vec<_>>(), [running[1].id, running[2].id]);
    assert_eq!(store.expired_leases(LEASE, 1).await.unwrap().len(), 1);

    let head = store.write(reclaim(&running[1], Attempt(1))).await.unwrap();
    assert_eq!((head.state, head.queue_turn), (State::Queued { previous: Attempt(1) }, Some(2.75)));
    assert_eq!(head.available_at, Some(at(90)));
    let again = store.write(reclaim(&running[1], Attempt(1))).await;
    assert!(matches!(again, Err(WriteError::Refused(Stale))), "{again:?}");
    // The answer tells who has lost it, and the row who has it.
    assert_eq!((head.worker, store.stopping(10).await.unwrap()), (Some(dies.id), Vec::new()));
    let row = ExecutionHead { worker: None, ..head };
    assert_eq!(store.executions_with_status(Status::Queued, None, 10).await.unwrap(), [row]);
}

async fn a_worker_learns_which_attempts_are_no_longer_its_own(database: TestDatabase) {
    let store = database.open().await;
    let worker = worker("worker");
    store.write(RenewWorker(worker.clone())).await.unwrap();
    let mut attempts = Vec::new();
    for _ in 0..3 {
        let execution = accepted(&store, 10).await;
        store.write(claim(&execution, worker.id)).await.unwrap().expect("it is queued");
        attempts.push((execution.id, Attempt(1)));
    }
    assert_eq!(store.attempts_taken_away(worker.id, &attempts).await.unwrap(), []);
    let tenant = TenantId::default();
    store.write(crate::CancelExecution { tenant, id: attempts[0].0, at: at(60) }).await.unwrap();
    // Its own again, but not the same attempt.
    store.write(HandBackExecution { id: attempts[1].0, attempt: Attempt(1), at: at(60) }).await.unwrap();
    let again = ClaimExecution { id: attempts[1].0, worker: worker.id, queue_turn: None, lease: None, at: at(61) };
    store.write(again).await.unwrap().expect("it is queued");
    assert_eq!(store.attempts_taken_away(worker.id, &attempts).await.unwrap(), attempts[..2]);
    assert_eq!(store.attempts_taken_away(WorkerId::random(), &attempts).await.unwrap(), attempts);
}

async fn the_queued_are_counted(database: TestDatabase) {
    let store = database.open().await;
    assert_eq!(store.queued().await.unwrap(), 0);
    for _ in 0..3 {
        accepted(&store, 10).await;
    }
    let running = accepted(&store, 10).await;
    claimed(&store, &running).await;
    assert_eq!(store.queued().await.unwrap(), 3);
}

async fn a_priority_is_kept(database: TestDatabase) {
    let store = database.open().await;
    for priority in Priority::ALL {
        let session = session(&store).await;
        store
            .write(AcceptRun { work: Work { priority: *priority, ..Work::default() }, ..run(&session, 10) })
            .await
            .unwrap();
    }
    let mut found: Vec<_> = store.executions_with_status(Status::Queued, None, 10).await.unwrap();
    found.sort_by_key(|head| head.priority);
    assert_eq!(found.iter().map(|head| head.priority).collect::<Vec<_>>(), Priority::ALL);
}

on_all_databases! {
    who_has_not_renewed_its_row_cannot_claim,
    what_a_dead_worker_ran_is_run_again_at_its_old_turn,
    a_worker_learns_which_attempts_are_no_longer_its_own,
    the_queued_are_counted,
    a_priority_is_kept,
}
