//! A database on a test server.

use std::process;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// An empty database of one test, as three users see it.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its address for a user without a password, who may do everything in it.
    pub url: String,
    /// The address for a user with the password `secret`, which the server checks.
    pub guarded_url: String,
    /// Its address for a user who may read only.
    pub reader_url: String,
}

impl Database {
    /// Returns the addresses of a database on 127.0.0.1 for the users `runbay`, `guarded` and `reader`.
    pub(super) fn new(scheme: &str, port: u16, name: &str) -> Self {
        let url = |login| format!("{scheme}://{login}@127.0.0.1:{port}/{name}");
        Self { url: url("runbay"), guarded_url: url("guarded:secret"), reader_url: url("reader") }
    }
}

/// Returns a name that no other database has, also of other processes that share the server: `test_` and digits.
///
/// The time is for a process that has the number of an earlier one.
pub(super) fn new_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_millis();
    format!("test_{time}{:07}{:05}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
