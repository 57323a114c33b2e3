use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use runbay_model::LanguageId;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::Sources;
use runbay_model::TenantId;

use super::*;
use crate::DataDirectory;
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
    check(file).await.unwrap().sessions
}

/// Copies the database of a place into a new file.
async fn backed_up(place: &Place, copy: &Path) -> Result<CopyContents, CopyError> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(copy).unwrap();
    backup(&place.data(), &mut file).await
}

/// Puts a copy back as a command does.
async fn put_back(directory: &Path, copy: &Path) -> Result<Restored, CopyError> {
    let data = DataDirectory::lock(directory).unwrap();
    restore(data.path(), CopySource::open(copy)?).await
}

fn names_in(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_copy_holds_what_is_only_in_the_log() {
    let place = Place::new().await;
    place.insert().await;
    assert!(place.data().join("runbay.db-wal").metadata().unwrap().len() > 0, "the database is in use");
    let copy = place.file("copy.db");
    let contents = backed_up(&place, &copy).await.unwrap();
    assert_eq!((contents.sessions, contents.executions), (1, 0));
    assert_eq!(contents.bytes, copy.metadata().unwrap().len());
    place.insert().await;
    assert_eq!(sessions(&copy).await, 1);
    let left = names_in(&place.data());
    assert!(!left.iter().any(|name| name.starts_with(DRAFT)), "{left:?}");
    place.store.close().await;
}

#[tokio::test]
async fn what_a_killed_copy_left_behind_is_removed_and_no_other() {
    let place = Place::new().await;
    let abandoned = place.data().join("backup-0000000000000001.part");
    fs::write(&abandoned, "half").unwrap();
    let busy = Draft::new(&place.data()).unwrap();
    backed_up(&place, &place.file("copy.db")).await.unwrap();
    assert!(!abandoned.exists() && busy.path.exists());
}

#[tokio::test]
async fn a_copy_takes_the_place_of_what_is_there_and_that_is_kept() {
    let place = Place::new().await;
    place.insert().await;
    let copy = place.file("copy.db");
    backed_up(&place, &copy).await.unwrap();
    place.insert().await;
    place.store.close().await;
    let before = fs::read(&copy).unwrap();
    let restored = put_back(&place.data(), &copy).await.unwrap();
    assert_eq!(restored.contents.sessions, 1);
    assert_eq!(sessions(&restored.replaced.unwrap().join(SQLITE_FILE)).await, 2);
    assert_eq!(sessions(&place.data().join(SQLITE_FILE)).await, 1);
    assert!(!place.data().join("runbay.db-wal").exists());
    assert_eq!(place.data().join(SQLITE_FILE).metadata().unwrap().nlink(), 1);
    assert_eq!(fs::read(&copy).unwrap(), before, "the copy itself is as it was");
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
    let restored = put_back(&place.file("new"), &files.join(SQLITE_FILE)).await.unwrap();
    assert_eq!((restored.contents.sessions, restored.replaced), (1, None));
    assert_eq!(names_in(&files), BTreeSet::from([SQLITE_FILE.to_owned(), "runbay.db-wal".to_owned()]));
    assert_eq!(names_in(&place.file("new")), BTreeSet::from([SQLITE_FILE.to_owned(), "runbay.lock".to_owned()]));
}

#[tokio::test]
async fn a_database_that_somebody_reads_is_not_replaced() {
    let place = Place::new().await;
    place.insert().await;
    let copy = place.file("copy.db");
    backed_up(&place, &copy).await.unwrap();
    let mut reader = open(&place.data().join(SQLITE_FILE)).await.unwrap();
    sqlx::query("BEGIN").execute(&mut reader).await.unwrap();
    assert_eq!(ask::<i64>(&mut reader, "SELECT COUNT(*) FROM code_sessions").await.unwrap(), 1);
    place.insert().await;
    place.store.close().await;
    assert!(matches!(put_back(&place.data(), &copy).await, Err(CopyError::InUse)));
    reader.close().await.unwrap();
    assert_eq!(sessions(&place.data().join(SQLITE_FILE)).await, 2);
    put_back(&place.data(), &copy).await.unwrap();
}

#[tokio::test]
async fn what_is_no_copy_changes_nothing() {
    let place = Place::new().await;
    place.insert().await;
    place.store.close().await;
    let text = place.file("text");
    fs::write(&text, "no database at all, but long enough to be looked at by SQLite ".repeat(20)).unwrap();
    assert!(matches!(put_back(&place.data(), &text).await, Err(CopyError::Foreign)));
    let empty = place.file("empty");
    fs::write(&empty, "").unwrap();
    assert!(matches!(put_back(&place.data(), &empty).await, Err(CopyError::Foreign)));
    let damaged = place.file("damaged");
    let mut bytes = fs::read(place.data().join(SQLITE_FILE)).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xa5);
    fs::write(&damaged, bytes).unwrap();
    assert!(matches!(put_back(&place.data(), &damaged).await, Err(CopyError::Damaged(_))));
    let foreign = place.file("foreign.db");
    let mut other = SqliteConnectOptions::new().filename(&foreign).create_if_missing(true).connect().await.unwrap();
    sqlx::query("CREATE TABLE pictures (id INTEGER)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    assert!(matches!(put_back(&place.data(), &foreign).await, Err(CopyError::Foreign)));
    assert!(matches!(put_back(&place.data(), &place.file("none")).await, Err(CopyError::Missing(_))));
    assert!(matches!(put_back(&place.data(), &place.data()).await, Err(CopyError::NotPlain(_))));
    assert_eq!(sessions(&place.data().join(SQLITE_FILE)).await, 1);
    let left = names_in(&place.data());
    assert!(!left.iter().any(|name| name.contains("replaced")), "{left:?}");
}

#[tokio::test]
async fn a_lone_database_makes_a_data_directory() {
    let place = Place::new().await;
    place.insert().await;
    let new = place.file("new");
    fs::create_dir(&new).unwrap();
    backed_up(&place, &new.join(SQLITE_FILE)).await.unwrap();
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
