use super::*;
use crate::RemoveDeadWorkers;
use crate::RenewWorker;
use crate::SeenWorker;
use crate::StopWorker;
use crate::Worker;

pub(super) fn worker(name: &str) -> Worker {
    Worker {
        id: WorkerId::random(),
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        slots: 4,
        running: 0,
        languages: r#"[{"id":"python"}]"#.to_owned(),
        started_at: at(7),
        draining: false,
    }
}

/// Makes a worker look as if it had not renewed its row for a while.
pub(super) async fn age(database: &TestDatabase, worker: &Worker, time: Duration) {
    let micros = time.as_micros();
    // Rows are told apart by their names: the databases write ids differently.
    let update = format!("UPDATE workers SET last_seen_at = last_seen_at - {micros} WHERE name = '{}'", worker.name);
    let connection = database.raw().await;
    assert_eq!(connection.execute_unprepared(&update).await.unwrap().rows_affected(), 1);
}

async fn workers_are_listed_as_they_last_said(database: TestDatabase) {
    let store = database.open().await;
    let (one, two) = (worker("one"), worker("two"));
    store.write(RenewWorker(two.clone())).await.unwrap();
    store.write(RenewWorker(one.clone())).await.unwrap();
    let one = Worker { running: 3, slots: 5, draining: true, languages: "[]".to_owned(), ..one };
    store.write(RenewWorker(one.clone())).await.unwrap();
    let seen = store.workers().await.unwrap();
    assert_eq!(seen.iter().map(|seen| &seen.worker).collect::<Vec<_>>(), [&one, &two]);
    assert!(seen.iter().all(|seen| seen.unseen_for < Duration::from_secs(60)), "{seen:?}");

    age(&database, &two, Duration::from_secs(4_000)).await;
    let seen = store.workers().await.unwrap();
    let ago = seen[1].unseen_for.as_secs();
    assert!((4_000..4_060).contains(&ago), "the clock of the database counts microseconds: {ago}");
    let dead = RemoveDeadWorkers { unseen_for: Duration::from_secs(3_600) };
    assert_eq!(store.write(dead.clone()).await.unwrap(), 1);
    assert_eq!(store.write(dead).await.unwrap(), 0);
    assert_eq!(store.workers().await.unwrap().len(), 1);
}

async fn who_stops_leaves_what_it_served(database: TestDatabase) {
    let store = database.open().await;
    let lives = worker("lives");
    store.write(RenewWorker(lives.clone())).await.unwrap();
    let stop = async |worker: Worker| {
        store.write(RenewWorker(worker.clone())).await.unwrap();
        age(&database, &worker, Duration::from_secs(60)).await;
        store.write(StopWorker { id: worker.id, languages: worker.languages }).await.unwrap();
    };
    stop(Worker { running: 3, ..worker("first") }).await;
    stop(Worker { languages: "[]".to_owned(), ..worker("other") }).await;
    stop(worker("second")).await;
    let seen = store.workers().await.unwrap();
    let rows: Vec<_> = seen
        .iter()
        .map(|SeenWorker { worker, .. }| (worker.name.as_str(), worker.languages.as_str(), worker.has_stopped()))
        .collect();
    let python = lives.languages.as_str();
    assert_eq!(rows, [("lives", python, false), ("other", "[]", true), ("second", python, true)]);
    let stopped = &seen[2];
    assert_eq!((stopped.worker.running, stopped.worker.draining), (0, true));
    assert!(stopped.unseen_for < Duration::from_secs(60), "counted from when it stopped: {stopped:?}");

    store.write(RenewWorker(Worker { slots: 4, ..stopped.worker.clone() })).await.unwrap();
    assert!(!store.workers().await.unwrap()[2].worker.has_stopped(), "it goes on after all");
}

on_all_databases! {
    workers_are_listed_as_they_last_said,
    who_stops_leaves_what_it_served,
}
