//! Input for programs that other processes run, over mailboxes in Redis.
//!
//! The api sends with [`RemoteInputs`], and each worker has a mailbox of its own, from which [`pass_on_inputs`] takes
//! messages. How messages travel is the business of `runbay_redis`, and what programs do with input that of others.

mod message;
mod pass_on;
mod remote;

use std::time::Duration;

use runbay_model::WorkerId;
use runbay_redis::MailboxLimits;
use runbay_redis::Mailboxes;
use runbay_redis::Prefix;
use runbay_redis::Redis;

pub use pass_on::PassingOn;
pub use pass_on::pass_on_inputs;
pub use remote::RemoteInputs;
pub use remote::Unanswered;

/// A piece of input has 16 KiB, and more bytes in base64. It is passed on at once or refused, so nobody waits for long.
const LIMITS: MailboxLimits = MailboxLimits {
    messages: 256,
    bytes: 64 * 1024,
    wait: Duration::from_secs(3),
    work: Duration::from_secs(3),
    silence: Duration::from_secs(2),
};

/// Returns the mailboxes of input, one for each worker.
fn mailboxes(redis: Redis, prefix: &Prefix) -> Mailboxes {
    Mailboxes::new(redis, prefix, "inputs", LIMITS)
}

/// Returns the name of a worker's mailbox.
fn mailbox(worker: WorkerId) -> String {
    worker.to_string()
}
