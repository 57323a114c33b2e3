use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use runbay_model::LanguageId;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::ConnectionTrait;
use sea_orm::DatabaseTransaction;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::Command;
use crate::InsertSession;
use crate::Store;
use crate::StoreError;
use crate::WriteError;
use crate::Writes;
use crate::backend::connections::Writer;

const DEADLINE: Duration = Duration::from_secs(30);

fn session() -> Session {
    Session {
        id: SessionId::random(),
        tenant: TenantId::default(),
        language: LanguageId::new("python"),
        sources: Sources::single("print(1)").unwrap(),
        status: SessionStatus::Active,
        version: 1,
        created_at: Timestamp::from_micros(1),
        updated_at: Timestamp::from_micros(1),
    }
}

/// Nearly a mebibyte.
fn large_sources() -> Sources {
    let files = vec![("main.py".to_owned(), Vec::new()), ("data".to_owned(), vec![b'x'; 1_000_000])];
    Sources::of_files(files).unwrap()
}

/// Holds up the writer until it is let go, so that what is asked for meanwhile lands in one batch.
#[derive(Clone)]
struct Hold(Arc<Mutex<Option<Ends>>>);

/// Tells that the writer is held up, and waits until it is let go.
type Ends = (oneshot::Sender<()>, oneshot::Receiver<()>);

impl Command for Hold {
    type Answer = ();
    type Refusal = Infallible;

    async fn apply(self, _: &DatabaseTransaction) -> Result<(), WriteError<Infallible>> {
        let ends = self.0.lock().unwrap().take();
        let (reached, go_on) = ends.expect("it is applied once");
        reached.send(()).expect("the test waits");
        go_on.await.expect("the test lets go");
        Ok(())
    }
}

struct Held {
    let_go: oneshot::Sender<()>,
    hold: JoinHandle<()>,
}

impl Held {
    async fn new(store: &Store) -> Self {
        let (reached, is_reached) = oneshot::channel();
        let (let_go, go_on) = oneshot::channel();
        let hold = tokio::spawn({
            let store = store.clone();
            async move { store.write(Hold(Arc::new(Mutex::new(Some((reached, go_on)))))).await.expect("holding") }
        });
        is_reached.await.unwrap();
        Self { let_go, hold }
    }

    async fn let_go(self) {
        self.let_go.send(()).unwrap();
        self.hold.await.unwrap();
    }
}

/// Asks for a write and returns when the writer has it waiting.
async fn asked<C: Command>(store: &Store, command: C) -> JoinHandle<Result<C::Answer, WriteError<C::Refusal>>> {
    let Writer::Sqlite(writer) = &store.connections().writer else { panic!("not SQLite") };
    let waiting = writer.waiting();
    let task = tokio::spawn({
        let store = store.clone();
        async move { store.write(command).await }
    });
    let taken = async {
        while writer.waiting() == waiting {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, taken).await.unwrap();
    task
}

/// Writes a session and then does as it is told.
#[derive(Clone)]
struct WriteThen(Session, Then);

#[derive(Clone)]
enum Then {
    Refuse,
    Panic,
    WriteTheSameAgain,
    BreakTheTransaction,
}

impl Command for WriteThen {
    type Answer = ();
    type Refusal = &'static str;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<&'static str>> {
        insert(transaction, &self.0).await?;
        match self.1 {
            Then::Refuse => Err(WriteError::Refused("no")),
            Then::Panic => panic!("on purpose"),
            Then::WriteTheSameAgain => insert(transaction, &self.0).await,
            Then::BreakTheTransaction => {
                transaction.execute_unprepared("INSERT INTO nothing VALUES (1)").await?;
                Ok(())
            }
        }
    }
}

async fn insert(transaction: &DatabaseTransaction, session: &Session) -> Result<(), WriteError<&'static str>> {
    InsertSession(session.clone()).apply(transaction).await.map_err(|error| match error {
        WriteError::Refused(never) => match never {},
        WriteError::Failed(error) => WriteError::Failed(error),
    })
}

async fn exists(store: &Store, session: &Session) -> bool {
    store.session(&session.tenant, session.id).await.unwrap().is_some()
}

async fn opened(directory: &Path) -> Store {
    Store::open_sqlite(directory).await.unwrap()
}

#[tokio::test]
async fn what_fails_in_a_batch_takes_nothing_else_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path()).await;
    let good = [session(), session(), session(), session()];
    let bad = [session(), session(), session()];

    let held = Held::new(&store).await;
    let mut answers = Vec::new();
    answers.push(asked(&store, InsertSession(good[0].clone())).await);
    let refused = asked(&store, WriteThen(bad[0].clone(), Then::Refuse)).await;
    answers.push(asked(&store, InsertSession(good[1].clone())).await);
    let violating = asked(&store, WriteThen(bad[1].clone(), Then::WriteTheSameAgain)).await;
    answers.push(asked(&store, InsertSession(good[2].clone())).await);
    let violating_alone = asked(&store, InsertSession(good[0].clone())).await;
    let panicking = asked(&store, WriteThen(bad[2].clone(), Then::Panic)).await;
    answers.push(asked(&store, InsertSession(good[3].clone())).await);
    held.let_go().await;

    for answer in answers {
        answer.await.unwrap().expect("a good write");
    }
    assert!(matches!(refused.await.unwrap(), Err(WriteError::Refused("no"))));
    assert!(matches!(violating.await.unwrap(), Err(WriteError::Failed(StoreError::Database(_)))));
    assert!(matches!(violating_alone.await.unwrap(), Err(WriteError::Failed(StoreError::Database(_)))));
    let panic = panicking.await.unwrap();
    assert!(matches!(&panic, Err(WriteError::Failed(StoreError::Panicked(text))) if text == "on purpose"));
    for session in &good {
        assert!(exists(&store, session).await);
    }
    for session in &bad {
        assert!(!exists(&store, session).await, "nothing of a failed command is kept");
    }
}

#[tokio::test]
async fn what_fails_alone_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path()).await;
    for (then, complaint) in [
        (Then::Refuse, "Refused(\"no\")"),
        (Then::Panic, "on purpose"),
        (Then::WriteTheSameAgain, "UNIQUE constraint failed"),
        (Then::BreakTheTransaction, "syntax error"),
    ] {
        let (bad, good) = (session(), session());
        let failure = store.write(WriteThen(bad.clone(), then)).await.unwrap_err();
        assert!(format!("{failure:?}").contains(complaint), "{failure:?}");
        store.write(InsertSession(good.clone())).await.expect("the writer goes on");
        assert!(exists(&store, &good).await && !exists(&store, &bad).await, "{complaint}");
    }
}

#[tokio::test]
async fn a_lost_transaction_fails_its_whole_batch_and_the_next_one_works() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path()).await;
    let (before, after, broken, later) = (session(), session(), session(), session());

    let held = Held::new(&store).await;
    let first = asked(&store, InsertSession(before.clone())).await;
    let breaking = asked(&store, WriteThen(broken.clone(), Then::BreakTheTransaction)).await;
    let second = asked(&store, InsertSession(after.clone())).await;
    held.let_go().await;

    assert!(matches!(first.await.unwrap(), Err(WriteError::Failed(StoreError::Database(_)))));
    assert!(matches!(breaking.await.unwrap(), Err(WriteError::Failed(StoreError::Database(_)))));
    assert!(matches!(second.await.unwrap(), Err(WriteError::Failed(StoreError::Database(_)))));
    store.write(InsertSession(later.clone())).await.expect("the writer has opened a new connection");
    for session in [&before, &after, &broken] {
        assert!(!exists(&store, session).await);
    }
    assert!(exists(&store, &later).await);
}

#[tokio::test]
async fn a_full_disk_fails_what_does_not_fit_until_there_is_room_again() {
    /// Lets the database grow no more, as a full disk does, for as long as the connection lives.
    #[derive(Clone)]
    struct FillDisk;
    impl Command for FillDisk {
        type Answer = ();
        type Refusal = Infallible;
        async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<Infallible>> {
            transaction.execute_unprepared("PRAGMA max_page_count = 1").await?;
            Ok(())
        }
    }
    let large = || Session { sources: large_sources(), ..session() };
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path()).await;
    let (kept, lost, later) = (session(), large(), large());
    store.write(InsertSession(kept.clone())).await.unwrap();
    store.write(FillDisk).await.unwrap();
    let full = store.write(InsertSession(lost.clone())).await;
    assert!(format!("{full:?}").contains("database or disk is full"), "{full:?}");
    store.write(InsertSession(later.clone())).await.expect("there is room again");
    assert!(exists(&store, &kept).await && !exists(&store, &lost).await && exists(&store, &later).await);
}

#[tokio::test]
async fn a_panic_without_a_savepoint_loses_the_transaction_but_not_the_writer() {
    #[derive(Clone)]
    struct PanicBare;
    impl Command for PanicBare {
        type Answer = ();
        type Refusal = Infallible;
        const WRITES: Writes = Writes::One;
        async fn apply(self, _: &DatabaseTransaction) -> Result<(), WriteError<Infallible>> {
            panic!("on purpose")
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path()).await;
    let lost = session();
    let held = Held::new(&store).await;
    let first = asked(&store, InsertSession(lost.clone())).await;
    let panicking = asked(&store, PanicBare).await;
    held.let_go().await;
    for answer in [first.await.unwrap(), panicking.await.unwrap()] {
        assert!(matches!(answer, Err(WriteError::Failed(StoreError::Panicked(_)))), "{answer:?}");
    }
    assert!(!exists(&store, &lost).await);
    let session = session();
    store.write(InsertSession(session.clone())).await.unwrap();
    assert!(exists(&store, &session).await);
}

#[tokio::test]
async fn a_command_is_applied_although_its_caller_went_away() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path()).await;
    let session = session();
    let held = Held::new(&store).await;
    let caller = asked(&store, InsertSession(session.clone())).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    held.let_go().await;
    // Later requests are answered later.
    store.write(InsertSession(self::session())).await.unwrap();
    assert!(exists(&store, &session).await);
}

#[tokio::test]
async fn closing_finishes_what_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path()).await;
    let session = session();
    let held = Held::new(&store).await;
    let asked = asked(&store, InsertSession(session.clone())).await;
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    held.let_go().await;
    timeout(DEADLINE, closing).await.unwrap().unwrap();
    asked.await.unwrap().expect("it was asked for before the end");
    let late = store.write(InsertSession(self::session())).await;
    assert!(matches!(late, Err(WriteError::Failed(StoreError::Closed))), "{late:?}");
    assert!(exists(&opened(directory.path()).await, &session).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_are_all_answered() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path()).await;
    let mut writing = tokio::task::JoinSet::new();
    // More than one batch and more than may wait at one time.
    for _ in 0..1_200 {
        let store = store.clone();
        writing.spawn(async move {
            let session = session();
            store.write(InsertSession(session.clone())).await.map(|()| session)
        });
    }
    let answers = timeout(DEADLINE, writing.join_all()).await.unwrap();
    for answer in answers {
        assert!(exists(&store, &answer.unwrap()).await);
    }
}
