//! Taking a message back.

use tokio::runtime::Handle;
use uuid::Uuid;

use super::mailboxes::KEPT;
use super::mailboxes::Mailboxes;
use super::mailboxes::millis;

/// Takes a message back when it is dropped, and tells whoever works on it to stop.
pub(super) struct Withdrawal {
    mailboxes: Mailboxes,
    mailbox: String,
    id: Uuid,
    is_due: bool,
}

impl Withdrawal {
    pub(super) fn new(mailboxes: &Mailboxes, mailbox: &str, id: Uuid) -> Self {
        Self { mailboxes: mailboxes.clone(), mailbox: mailbox.to_owned(), id, is_due: true }
    }

    /// Leaves the message where it is.
    pub(super) fn leave_out(mut self) {
        self.is_due = false;
    }
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else { return };
        if !self.is_due {
            return;
        }
        let keys = &self.mailboxes.keys;
        let gone = keys.gone(self.id);
        let mut pipeline = redis::pipe();
        pipeline.del(keys.message(self.id)).ignore();
        pipeline.lrem(keys.waiting(&self.mailbox), 1, self.id.to_string()).ignore();
        pipeline.rpush(&gone, 1).ignore();
        pipeline.cmd("PEXPIRE").arg(&gone).arg(millis(KEPT)).ignore();
        let redis = self.mailboxes.redis.clone();
        runtime.spawn(async move {
            if let Err(error) = redis.pipeline::<()>(&pipeline).await {
                // The message expires, and a receiver that works on it notices that nobody reads what it says.
                tracing::debug!(%error, "a message could not be taken back");
            }
        });
    }
}
