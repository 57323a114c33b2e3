//! How many saves a second a database takes; run with `--ignored --nocapture`, and `--release` for true figures.

use std::time::Duration;

use runbay_model::CodeChange;
use runbay_model::SourceCode;
use runbay_testkit::MariaDb;
use runbay_testkit::Postgres;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;
use crate::SaveSession;

const SESSIONS: usize = 10_000;
const TIME: Duration = Duration::from_secs(10);
/// The size of the code that an editor sends.
const CODE_BYTES: usize = 500;

/// Lets some clients save sessions one after the other, as fast as they are answered.
async fn measure(name: &str, database: &TestDatabase, clients: usize) {
    let store = database.open().await;
    let mut sessions = Vec::new();
    for _ in 0..clients {
        let store = store.clone();
        sessions.push(tokio::spawn(async move {
            let mut sessions = Vec::new();
            for _ in 0..SESSIONS / clients {
                sessions.push(session(&store).await);
            }
            sessions
        }));
    }
    let begin = Instant::now();
    let mut saving = JoinSet::new();
    for sessions in sessions {
        let (store, sessions) = (store.clone(), sessions.await.unwrap());
        saving.spawn(async move {
            let begin = Instant::now();
            let mut times = Vec::new();
            for (number, session) in sessions.iter().cycle().enumerate() {
                if begin.elapsed() >= TIME {
                    break;
                }
                let code = SourceCode::new(format!("{number:0>CODE_BYTES$}")).unwrap();
                let save = SaveSession {
                    tenant: session.tenant.clone(),
                    id: session.id,
                    language: None,
                    code: Some(CodeChange::SourceCode(code)),
                    expected_version: None,
                    at: Timestamp::now(),
                };
                let asked = Instant::now();
                store.save_session(save).await.unwrap();
                times.push(asked.elapsed());
            }
            times
        });
    }
    let mut times: Vec<_> = saving.join_all().await.into_iter().flatten().collect();
    let rate = times.len() as f64 / begin.elapsed().as_secs_f64();
    times.sort_unstable();
    let part = |hundredths: usize| times[times.len() * hundredths / 100];
    eprintln!("{name}: {clients} clients, {rate:.0} saves/s, p50 {:?}, p99 {:?}", part(50), part(99));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn saves_a_second() {
    let (postgres, mariadb) = (Postgres::default().durable().start().await, MariaDb::default().durable().start().await);
    for clients in [16, 256] {
        measure("sqlite", &TestDatabase::sqlite(), clients).await;
        measure("postgres", &TestDatabase::of(postgres.database().await), clients).await;
        measure("mariadb", &TestDatabase::of(mariadb.database().await), clients).await;
    }
}
