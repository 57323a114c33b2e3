//! Checks of code that another process carries out, over mailboxes in Redis.
//!
//! The api asks with a [`RemoteChecker`], and workers answer with [`answer_checks`]. Each language has a mailbox, from
//! which every worker with a checker for it takes requests. How messages travel is the business of `runbay_redis`, and
//! how code is checked that of others.

mod answer;
#[cfg(test)]
mod fuzz;
mod message;
mod remote;

use std::time::Duration;

use runbay_redis::MailboxLimits;
use runbay_redis::Mailboxes;
use runbay_redis::Prefix;
use runbay_redis::Redis;

pub use answer::Answering;
pub use answer::answer_checks;
pub use remote::RemoteChecker;
pub use remote::RemoteFault;

/// A request waits for 5 s, as whoever types waits for no longer; the largest program has 1 MiB of files, and more bytes
/// in base64 and as JSON.
const LIMITS: MailboxLimits = MailboxLimits {
    messages: 64,
    bytes: 8 * 1024 * 1024,
    wait: Duration::from_secs(5),
    work: Duration::from_secs(20),
    silence: Duration::from_secs(8),
};

/// Returns the mailboxes of checks, one for each language.
fn mailboxes(redis: Redis, prefix: &Prefix) -> Mailboxes {
    Mailboxes::new(redis, prefix, "checks", LIMITS)
}
