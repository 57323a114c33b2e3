//! Checks of code that another process carries out: request and reply over Redis.
//!
//! The api asks with a [`RemoteChecker`], and workers answer with [`answer_checks`]. A request has a list of its own for
//! the reply and another one on which the client says that it went away. Everything expires by itself, so that
//! a process that dies leaves nothing behind. How code is checked is the business of others.

mod answer;
#[cfg(test)]
mod fuzz;
mod keys;
mod message;
mod remote;

use std::time::Duration;

pub use answer::Answering;
pub use answer::answer_checks;
pub use remote::RemoteChecker;
pub use remote::RemoteFault;

/// How long a request waits for a worker that takes it; whoever types does not wait for longer.
const TURN: Duration = Duration::from_secs(5);

/// How long a check may take once a worker has begun it.
const WORK: Duration = Duration::from_secs(20);

/// How many requests of one language may wait; and how many a process may have under way.
const MAX_WAITING: usize = 64;

/// How long what is sent to one process only is kept.
const KEPT: Duration = Duration::from_secs(30);

/// Returns whole milliseconds, as Redis takes them.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
