//! Tests that this host cannot run.

use std::env;
use std::fs::File;
use std::io::Write;
use std::thread;

/// Names the file that skipped tests are added to.
const LIST: &str = "RUNBAY_TEST_SKIPS";

/// Says that the calling test is skipped, and why.
///
/// The line goes past the harness, which keeps what passed tests print to itself, and into the file that the variable
/// `RUNBAY_TEST_SKIPS` names, if it is set.
///
/// # Panics
///
/// When that file cannot be written.
pub fn skip(reason: &str) {
    let test = thread::current().name().unwrap_or_default().to_owned();
    let line = format!("skipped {test}: {reason}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("standard error is open");
    if let Some(path) = env::var_os(LIST) {
        let list = File::options().create(true).append(true).open(path);
        // In one write, as other processes add their lines too.
        list.and_then(|mut list| list.write_all(line.as_bytes())).expect("the list of skipped tests can be written");
    }
}
