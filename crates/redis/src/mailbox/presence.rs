//! Being the one receiver of a mailbox.

use std::sync::LazyLock;

use redis::Script;
use redis::ScriptInvocation;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use super::mailboxes::MailboxLimits;
use super::mailboxes::Mailboxes;
use super::mailboxes::millis;
use crate::Error;
use crate::Redis;

static HOLD: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/hold.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/release.lua")));

/// Keeps a mailbox for one receiver until it is dropped, and for a few seconds when the process dies.
pub(super) struct Presence {
    holder: Holder,
    /// Ends only when somebody else has the mailbox.
    keeping: JoinHandle<()>,
}

#[derive(Clone)]
struct Holder {
    redis: Redis,
    key: String,
    id: Uuid,
    limits: MailboxLimits,
}

impl Presence {
    /// Takes a mailbox for one receiver; none if it has another one.
    pub(super) async fn begin(mailboxes: &Mailboxes, mailbox: &str) -> Result<Option<Self>, Error> {
        let Mailboxes { redis, keys, limits, .. } = mailboxes.clone();
        let holder = Holder { redis, key: keys.receiver(mailbox), id: Uuid::new_v4(), limits };
        if !holder.hold().await? {
            return Ok(None);
        }
        let keeping = tokio::spawn(holder.clone().keep());
        Ok(Some(Self { holder, keeping }))
    }

    /// Returns whether somebody else has the mailbox, which happens only after Redis was away or had lost its keys.
    pub(super) fn is_lost(&self) -> bool {
        self.keeping.is_finished()
    }
}

impl Holder {
    async fn keep(self) {
        loop {
            sleep(self.limits.beat()).await;
            match self.hold().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::debug!(%error, "senders may not find the receiver of a mailbox for a while"),
            }
        }
    }

    async fn hold(&self) -> Result<bool, Error> {
        let mut call = self.call(&HOLD);
        call.arg(millis(self.limits.silence));
        self.redis.script(&call).await
    }

    async fn release(&self) -> Result<(), Error> {
        self.redis.script(&self.call(&RELEASE)).await
    }

    fn call<'a>(&self, script: &'a Script) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        call.key(&self.key).arg(self.id.to_string());
        call
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.keeping.abort();
        let Ok(runtime) = Handle::try_current() else { return };
        let holder = self.holder.clone();
        runtime.spawn(async move {
            if let Err(error) = holder.release().await {
                tracing::debug!(%error, "a mailbox without a receiver stays open until that is noticed");
            }
        });
    }
}
