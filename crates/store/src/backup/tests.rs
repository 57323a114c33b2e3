use std::collections::BTreeSet;

use runbay_model::LanguageId;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::Sources;
use runbay_model::TenantId;

use super::*;
use crate::InsertSession;
use crate::LockError;
use crate::Store;

/// A data directory with an open database in it.
struct Place {
    directory: tempfile::TempDir,
    store: Store,
}

impl Place {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        drop(DataDirectory::lock(&directory.path().join("data")).unwrap());
        let store = Store::open_sqlite(&directory.path().join("data")).await.unwrap();
        Self { directory, store }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Opens a session, which stays in the log beside the file for a while.
    async fn insert(&self) {
        let now = Timestamp::now();
        let session = Session {
            id: SessionId::random(),
            tenant: TenantId::default(),
            language: LanguageId::new("python"),
            sources: Sources::single("print(1)").unwrap(),
            status: SessionStatus::Active,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        self.store.write(InsertSession(session)).await.unwrap();
    }
}

async fn sessions(file: &Path) -> u64 {
    check(file, file).await.unwrap().sessions
}

#[tokio::test]
async fn a_copy_holds_what_is_only_in_the_log() {
    let place = Place::new().await;
    place.insert().await;
    assert!(place.data().join("runbay.db-wal").metadata().unwrap().len() > 0, "the database is in use");
    let copy = place.file("copy.db");
    let contents = backup(&place.data(), &copy).await.unwrap();
    assert_eq!((contents.sessions, contents.executions), (1, 0));
    assert_eq!(contents.bytes, copy.metadata().unwrap().len());
    assert_eq!(copy.metadata().unwrap().mode() & 0o777, 0o600);
    place.insert().await;
    assert_eq!(sessions(&copy).await, 1);
    assert_eq!(place.names(), BTreeSet::from(["data".to_owned(), "copy.db".to_owned()]));
    place.store.close().await;
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_half_is_left() {
    let place = Place::new().await;
    let taken = place.file("taken");
    fs::write(&taken, "precious").unwrap();
    assert!(matches!(backup(&place.data(), &taken).await, Err(CopyError::Exists(_))));
    assert_eq!(fs::read_to_string(&taken).unwrap(), "precious");
    let nowhere = place.file("no/such/directory/copy.db");
    assert!(matches!(backup(&place.data(), &nowhere).await, Err(CopyError::Write { .. })));
    let nothing = place.file("nothing");
    let missing = backup(&nothing, &place.file("copy.db")).await;
    assert!(matches!(missing, Err(CopyError::Missing(_))), "{missing:?}");
    assert_eq!(place.names(), BTreeSet::from(["data".to_owned(), "taken".to_owned()]));
}

#[tokio::test]
async fn a_copy_takes_the_place_of_what_is_there_and_that_is_kept() {
    let place = Place::new().await;
    place.insert().await;
    let copy = place.file("copy.db");
    backup(&place.data(), &copy).await.unwrap();
    place.insert().await;
    place.store.close().await;
    let data = DataDirectory::lock(&place.data()).unwrap();
    let restored = restore(&data, &copy).await.unwrap();
    assert_eq!(restored.contents.sessions, 1);
    assert_eq!(sessions(&restored.replaced.unwrap().join(SQLITE_FILE)).await, 2);
    assert_eq!(sessions(&place.data().join(SQLITE_FILE)).await, 1);
    assert!(!place.data().join("runbay.db-wal").exists());
    Store::open_sqlite(&place.data()).await.unwrap().close().await;
}

#[tokio::test]
async fn the_files_of_a_killed_server_can_be_put_back_whole() {
    let place = Place::new().await;
    place.insert().await;
    // As somebody copies them who knows nothing of the log, but takes all files.
    let files = place.file("files");
    fs::create_dir(&files).unwrap();
    for name in [SQLITE_FILE, "runbay.db-wal"] {
        fs::copy(place.data().join(name), files.join(name)).unwrap();
    }
    let empty = DataDirectory::lock(&place.file("new")).unwrap();
    let restored = restore(&empty, &files.join(SQLITE_FILE)).await.unwrap();
    assert_eq!((restored.contents.sessions, restored.replaced), (1, None));
}

#[tokio::test]
async fn what_is_no_copy_changes_nothing() {
    let place = Place::new().await;
    place.insert().await;
    place.store.close().await;
    let data = DataDirectory::lock(&place.data()).unwrap();
    let text = place.file("text");
    fs::write(&text, "no database at all, but long enough to be looked at by SQLite ".repeat(20)).unwrap();
    assert!(matches!(restore(&data, &text).await, Err(CopyError::Database { .. })));
    let foreign = place.file("foreign.db");
    let mut other = SqliteConnectOptions::new().filename(&foreign).create_if_missing(true).connect().await.unwrap();
    sqlx::query("CREATE TABLE pictures (id INTEGER)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    assert!(matches!(restore(&data, &foreign).await, Err(CopyError::Foreign(_))));
    let link = place.file("link.db");
    std::os::unix::fs::symlink(place.data().join(SQLITE_FILE), &link).unwrap();
    assert!(matches!(restore(&data, &link).await, Err(CopyError::NotPlain(_))));
    assert_eq!(sessions(&place.data().join(SQLITE_FILE)).await, 1);
    let left = fs::read_dir(place.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<BTreeSet<_>>();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("replaced")), "{left:?}");
}

#[tokio::test]
async fn a_lone_database_makes_a_data_directory() {
    let place = Place::new().await;
    place.insert().await;
    let new = place.file("new");
    fs::create_dir(&new).unwrap();
    backup(&place.data(), &new.join(SQLITE_FILE)).await.unwrap();
    drop(DataDirectory::lock(&new).expect("a directory with a copy alone"));
    Store::open_sqlite(&new).await.unwrap().close().await;
    // A log that was left behind may belong to another file.
    fs::remove_file(new.join("runbay.lock")).unwrap();
    fs::write(new.join("runbay.db-wal"), "").unwrap();
    assert!(matches!(DataDirectory::lock(&new), Err(LockError::Foreign { .. })));
    let other = place.file("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join(SQLITE_FILE), "text").unwrap();
    assert!(matches!(DataDirectory::lock(&other), Err(LockError::Foreign { .. })));
}
