mod dead_letters;
mod erasing;
mod keys;
mod leases;
mod outage;
mod pace;
mod pages;
mod plans;
mod programs;
mod refusals;
mod retention;
mod saves;
mod saves_a_second;
mod size;
mod stopping;
mod test_database;
mod transactions;
mod workers;

use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::Facts;
use runbay_model::Fault;
use runbay_model::LanguageId;
use runbay_model::Loss;
use runbay_model::Outcome;
use runbay_model::Output;
use runbay_model::RunInput;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::Sources;
use runbay_model::State;
use runbay_model::Status;
use runbay_model::TenantId;
use runbay_model::TimeLimit;
use runbay_model::Timestamp;
use runbay_model::Verdict;
use runbay_model::Work;
use runbay_model::WorkerId;
use sea_orm::ConnectionTrait;
use sea_orm::DbBackend;
use sea_orm::EntityTrait;
use sea_orm::Statement;
use sea_orm::prelude::Uuid;

use super::*;
use crate::AcceptRun;
use crate::ClaimExecution;
use crate::ExecutionHead;
use crate::FinishExecution;
use crate::HandBackExecution;
use crate::InsertSession;
use crate::LoseExecution;
use crate::OpenError;
use crate::Pace;
use crate::Stale;
use crate::backend::data_directory::SQLITE_FILE;
use crate::backend::sqlite::make_file;
use crate::backend::sqlite::open_writer;
use crate::entities::execution;

pub(crate) use test_database::TestDatabase;
pub(crate) use test_database::on_all_databases;
pub(crate) use test_database::on_all_servers;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn new_session() -> Session {
    Session {
        id: SessionId::random(),
        tenant: TenantId::default(),
        language: LanguageId::new("python"),
        sources: Sources::single("print('žluťoučký')").unwrap(),
        status: SessionStatus::Active,
        version: 1,
        created_at: at(1),
        updated_at: at(1),
    }
}

async fn session(store: &Store) -> Session {
    let session = new_session();
    store.write(InsertSession(session.clone())).await.unwrap();
    session
}

fn run(session: &Session, now: i64) -> AcceptRun {
    AcceptRun {
        tenant: session.tenant.clone(),
        session: session.id,
        execution: ExecutionId::random(),
        offered: Arc::new([LanguageId::new("python")]),
        language: None,
        code: None,
        work: Work { stdin: vec![0, 255, 10], args: vec!["a b".to_owned(), "\"\u{0}ž".to_owned()], ..Work::default() },
        pace: Pace { runs_per_minute: 0, cooldown: Duration::ZERO },
        keyed: None,
        at: at(now),
    }
}

async fn accepted(store: &Store, now: i64) -> ExecutionHead {
    let session = session(store).await;
    store.write(run(&session, now)).await.unwrap().into_head()
}

async fn claimed(store: &Store, execution: &ExecutionHead) -> Attempt {
    let claim =
        ClaimExecution { id: execution.id, worker: WorkerId::random(), queue_turn: None, lease: None, at: at(50) };
    store.write(claim).await.unwrap().expect("it is queued").head.state.attempt()
}

/// Everything that is stored of an execution.
#[derive(Debug, PartialEq)]
struct Stored {
    head: ExecutionHead,
    input: RunInput,
    report: ExecutionReport,
}

impl Stored {
    fn outcome(&self) -> Option<Outcome> {
        let output = self.report.output.clone()?;
        Some(Outcome { facts: self.report.summary.facts.clone()?, output })
    }
}

async fn read(store: &Store, id: ExecutionId) -> Stored {
    let tenant = TenantId::default();
    Stored {
        head: store.execution_head(&tenant, id).await.unwrap().expect("it exists"),
        input: store.input(&tenant, id).await.unwrap().expect("it exists"),
        report: store.report(&tenant, id).await.unwrap().expect("it exists"),
    }
}

fn finish(execution: &ExecutionHead, attempt: Attempt, verdict: Verdict, outcome: Outcome) -> FinishExecution {
    FinishExecution { id: execution.id, attempt, verdict, outcome: Arc::new(outcome), at: at(60) }
}

fn outcome() -> Outcome {
    let facts = Facts {
        message: Some("It ended with exit code 3.".to_owned()),
        exit_code: Some(-3),
        signal: Some("SIGSEGV".to_owned()),
        stdout_truncated: true,
        stderr_truncated: false,
        execution_time: Some(Duration::from_micros(1_234_567)),
        cpu_time: Some(Duration::from_micros(7)),
        memory_bytes: Some(u64::from(u32::MAX) * 4),
        compile_time: None,
    };
    let output = Output {
        stdout: vec![0, 159, 146, 150],
        stderr: b"warning".to_vec(),
        compile_output: Some(Vec::new()),
        tests: None,
        order: "o2e7o2".parse().unwrap(),
    };
    Outcome { facts, output }
}

async fn everything_is_read_as_it_was_written_also_after_a_restart(database: TestDatabase) {
    let store = database.open().await;
    let execution = accepted(&store, 10).await;
    let before = read(&store, execution.id).await;
    assert_eq!((&before.head, before.outcome()), (&execution, None));
    assert_eq!(before.input.work, run(&session(&store).await, 10).work);

    let attempt = claimed(&store, &execution).await;
    let verdict = Verdict::TimedOut(TimeLimit::WallTime);
    store.write(finish(&execution, attempt, verdict, outcome())).await.unwrap();
    store.close().await;

    let read = read(&database.open().await, execution.id).await;
    assert_eq!(read.head.state.status(), Status::Timeout);
    assert_eq!(read.outcome(), Some(outcome()));
    assert_eq!((read.head.started_at, read.head.completed_at), (Some(at(50)), Some(at(60))));
    assert_eq!(read.input, before.input);
}

async fn nobody_reads_the_rows_of_another_tenant(database: TestDatabase) {
    let store = database.open().await;
    let execution = accepted(&store, 10).await;
    let stranger = TenantId::new("stranger");
    assert_eq!(store.report(&stranger, execution.id).await.unwrap(), None);
    assert_eq!(store.input(&stranger, execution.id).await.unwrap(), None);
    assert_eq!(store.execution_head(&stranger, execution.id).await.unwrap(), None);
    let head = store.execution_head(&execution.tenant, execution.id).await.unwrap().unwrap();
    assert_eq!((head.id, head.state), (execution.id, execution.state));
    assert_eq!(store.session(&stranger, execution.session.unwrap()).await.unwrap(), None);
}

async fn pages_follow_the_order_of_acceptance(database: TestDatabase) {
    let store = database.open().await;
    let mut expected = Vec::new();
    // Two of each time: the id decides between them.
    for now in [30, 10, 20, 10, 30, 20] {
        expected.push((at(now), accepted(&store, now).await.id));
    }
    expected.sort();
    let running = accepted(&store, 5).await;
    claimed(&store, &running).await;

    let mut got = Vec::new();
    loop {
        let page = store.executions_with_status(Status::Queued, got.last().copied(), 4).await.unwrap();
        if page.is_empty() {
            break;
        }
        got.extend(page.into_iter().map(|head| (head.created_at, head.id)));
    }
    assert_eq!(got, expected);
}

async fn attempts_that_were_handed_back_do_not_count(database: TestDatabase) {
    let store = database.open().await;
    let execution = accepted(&store, 10).await;
    for number in 1..=4 {
        let attempt = claimed(&store, &execution).await;
        assert_eq!(attempt, Attempt(number));
        let head = store.write(HandBackExecution { id: execution.id, attempt, at: at(70) }).await.unwrap();
        assert_eq!(head.state, State::Queued { previous: attempt });
    }
    let lose = |attempt| LoseExecution {
        id: execution.id,
        attempt,
        loss: Loss::InternalError,
        attempts_allowed: 2,
        available_at: Some(at(99)),
        at: at(80),
    };
    let first = store.write(lose(claimed(&store, &execution).await)).await.unwrap();
    assert_eq!((first.state.status(), first.available_at), (Status::Queued, Some(at(99))));
    assert_eq!((first.queued_at, first.started_at), (at(80), None));
    let last = store.write(lose(claimed(&store, &execution).await)).await.unwrap();
    assert_eq!((last.state.status(), last.available_at), (Status::Failed, None));
    assert_eq!(read(&store, execution.id).await.head.state, last.state);
}

async fn only_the_present_attempt_can_report(database: TestDatabase) {
    let store = database.open().await;
    let execution = accepted(&store, 10).await;
    let old = claimed(&store, &execution).await;
    store.write(HandBackExecution { id: execution.id, attempt: old, at: at(70) }).await.unwrap();
    let new = claimed(&store, &execution).await;
    let before = read(&store, execution.id).await;
    let finish = |attempt| FinishExecution {
        id: execution.id,
        attempt,
        verdict: Verdict::Failed(Fault::RuntimeError),
        outcome: Arc::new(outcome()),
        at: at(90),
    };
    assert!(matches!(store.write(finish(old)).await, Err(WriteError::Refused(Stale))));
    assert_eq!(read(&store, execution.id).await, before);
    store.write(finish(new)).await.unwrap();
    assert!(matches!(store.write(finish(new)).await, Err(WriteError::Refused(Stale))));
}

#[tokio::test]
async fn readers_cannot_write() {
    let store = TestDatabase::sqlite().open().await;
    let written = store.readers().execute_unprepared("DELETE FROM executions").await;
    assert!(written.unwrap_err().to_string().contains("readonly"));
}

#[tokio::test]
async fn every_commit_waits_for_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(SQLITE_FILE);
    make_file(&path).unwrap();
    let connection = open_writer(&path).await.unwrap();
    for (pragma, expected) in [("synchronous", "2"), ("foreign_keys", "1"), ("journal_mode", "wal")] {
        let statement =
            Statement::from_string(DbBackend::Sqlite, format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}"));
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<String>(0).unwrap(), expected, "{pragma}");
    }
}

#[tokio::test]
async fn nobody_else_can_read_the_files() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let store = Store::open_sqlite(directory.path()).await.unwrap();
    session(&store).await;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name());
    }
    names.sort();
    assert_eq!(names, ["runbay.db", "runbay.db-shm", "runbay.db-wal"]);
}

async fn a_newer_database_is_left_alone_until_it_is_reset(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    store.close().await;
    let connection = database.raw().await;
    connection.execute_unprepared("UPDATE schema_info SET min_reader = 77").await.unwrap();
    connection.close().await.unwrap();

    let error = Store::open(&database.settings).await.unwrap_err();
    assert!(matches!(&error, OpenError::Newer { needed: 77, .. }), "{error:?}");
    Store::reset(&database.settings).await.unwrap();
    let store = database.open().await;
    assert_eq!(store.session(&session.tenant, session.id).await.unwrap(), None);
    store.check().await.unwrap();
}

#[tokio::test]
async fn what_is_no_database_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(SQLITE_FILE);
    std::fs::write(&path, "this is some other file, long enough to have a header of a hundred bytes ".repeat(9))
        .unwrap();
    let error = Store::open_sqlite(directory.path()).await.unwrap_err();
    assert!(matches!(&error, OpenError::Open { .. }), "{error:?}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("this is"));
}

async fn a_damaged_row_is_an_error(database: TestDatabase) {
    let store = database.open().await;
    let execution = accepted(&store, 10).await;
    let connection = database.raw().await;
    connection.execute_unprepared("UPDATE executions SET reason = 'cancelled'").await.unwrap();
    let error = store.report(&execution.tenant, execution.id).await.unwrap_err();
    assert!(matches!(&error, StoreError::Damaged(text) if text.contains("QUEUED")), "{error:?}");
}

on_all_databases! {
    everything_is_read_as_it_was_written_also_after_a_restart,
    nobody_reads_the_rows_of_another_tenant,
    pages_follow_the_order_of_acceptance,
    attempts_that_were_handed_back_do_not_count,
    only_the_present_attempt_can_report,
    a_newer_database_is_left_alone_until_it_is_reset,
    a_damaged_row_is_an_error,
}
