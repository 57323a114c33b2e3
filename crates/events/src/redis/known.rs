//! The executions that one process publishes or watches.
//!
//! They bound what the process makes the server keep, and what the process keeps itself.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::mem;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use runbay_model::ExecutionId;
use tokio::sync::Notify;

use super::limits::RedisEventBusLimits;
use crate::rank::Rank;
use crate::rank::first_but;

/// The executions of this process.
pub(super) struct Known {
    limits: RedisEventBusLimits,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    accounts: HashMap<ExecutionId, Account>,
    /// The executions by rank; the first is forgotten first.
    order: BTreeSet<Rank>,
    bytes: usize,
    births: u64,
    /// Executions that got their first subscriber or lost their last one; noted only while somebody listens.
    changed: Option<HashSet<ExecutionId>>,
}

struct Account {
    birth: u64,
    bytes: usize,
    ended: bool,
    /// Whether this process has published enough events of it to count.
    published: bool,
    subscribers: usize,
    watch: Arc<Watch>,
}

/// Wakes the subscribers of one execution.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) changed: Notify,
    /// Whether the execution was forgotten; nothing wakes its subscribers then.
    forgotten: AtomicBool,
}

impl Watch {
    pub(super) fn is_forgotten(&self) -> bool {
        self.forgotten.load(Ordering::Acquire)
    }

    fn forget(&self) {
        self.forgotten.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }
}

impl Account {
    fn rank(&self, execution: ExecutionId) -> Rank {
        Rank { goes_on: !self.ended, birth: self.birth, execution }
    }
}

impl Known {
    pub(super) fn new(limits: RedisEventBusLimits) -> Self {
        Self { limits, inner: Mutex::default() }
    }

    /// Notes how much is kept of an execution, and returns the executions whose events have to go.
    pub(super) fn published(&self, execution: ExecutionId, bytes: usize, ended: bool) -> Vec<ExecutionId> {
        let mut inner = self.lock();
        // An execution that only waits in the queue must cost nothing in the process that accepted it.
        if bytes < self.limits.remembered_bytes && !inner.has_published(execution) {
            return Vec::new();
        }
        let account = inner.account(execution);
        let (before, rank) = (account.bytes, account.rank(execution));
        (account.bytes, account.published) = (bytes, true);
        account.ended |= ended;
        let new_rank = account.rank(execution);
        inner.bytes = inner.bytes + bytes - before;
        if rank != new_rank {
            inner.order.remove(&rank);
            inner.order.insert(new_rank);
        }
        self.forget_beyond_limits(&mut inner, execution)
    }

    /// Adds a subscriber, and returns what wakes it.
    pub(super) fn join(&self, execution: ExecutionId) -> Arc<Watch> {
        let mut inner = self.lock();
        let account = inner.account(execution);
        account.subscribers += 1;
        let watch = Arc::clone(&account.watch);
        inner.note_change(execution);
        // No bytes were added, so no events have to go.
        self.forget_beyond_limits(&mut inner, execution);
        watch
    }

    pub(super) fn leave(&self, execution: ExecutionId, watch: &Arc<Watch>) {
        let mut inner = self.lock();
        let Some(account) = inner.accounts.get_mut(&execution).filter(|account| Arc::ptr_eq(&account.watch, watch))
        else {
            return;
        };
        account.subscribers -= 1;
        let (subscribers, published) = (account.subscribers, account.published);
        inner.note_change(execution);
        // Executions that were published here go when their room is needed.
        if subscribers == 0 && !published {
            inner.forget(execution);
        }
    }

    /// Wakes the subscribers of an execution.
    pub(super) fn wake(&self, execution: ExecutionId) {
        if let Some(account) = self.lock().accounts.get(&execution) {
            account.watch.changed.notify_waiters();
        }
    }

    /// Begins to note which executions need wake-ups; all that are watched count as changed.
    pub(super) fn begin_listening(&self) {
        let mut inner = self.lock();
        let watched = inner.accounts.iter().filter(|(_, account)| account.subscribers > 0);
        inner.changed = Some(watched.map(|(execution, _)| *execution).collect());
    }

    /// Stops noting, so that nothing piles up, and wakes all subscribers.
    pub(super) fn end_listening(&self) {
        let mut inner = self.lock();
        inner.changed = None;
        for account in inner.accounts.values() {
            account.watch.changed.notify_waiters();
        }
    }

    /// Takes the executions that changed, each with whether it needs wake-ups.
    pub(super) fn changes(&self) -> Vec<(ExecutionId, bool)> {
        let mut inner = self.lock();
        let changed = inner.changed.as_mut().map(mem::take).unwrap_or_default();
        let watched = |execution| inner.accounts.get(execution).is_some_and(|account| account.subscribers > 0);
        changed.iter().map(|execution| (*execution, watched(execution))).collect()
    }

    /// Forgets executions beyond the limits, and returns those whose events have to go.
    ///
    /// Too many executions burden this process only: others may still watch their events, which expire.
    fn forget_beyond_limits(&self, inner: &mut Inner, newest: ExecutionId) -> Vec<ExecutionId> {
        let mut unkept = Vec::new();
        while inner.accounts.len() > self.limits.executions || inner.bytes > self.limits.total_bytes {
            let Some(first) = first_but(&inner.order, newest) else {
                break;
            };
            let too_many_bytes = inner.bytes > self.limits.total_bytes;
            if inner.forget(first) && too_many_bytes {
                unkept.push(first);
            }
        }
        unkept
    }

    /// Locks what is known. No code that holds the lock panics half-way through a change, so a poisoned lock is as good
    /// as any.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn account(&mut self, execution: ExecutionId) -> &mut Account {
        self.accounts.entry(execution).or_insert_with(|| {
            self.births += 1;
            let account = Account {
                birth: self.births,
                bytes: 0,
                ended: false,
                published: false,
                subscribers: 0,
                watch: Arc::default(),
            };
            self.order.insert(account.rank(execution));
            account
        })
    }

    fn has_published(&self, execution: ExecutionId) -> bool {
        self.accounts.get(&execution).is_some_and(|account| account.published)
    }

    /// Forgets an execution and lets its subscribers go; returns whether this process published it.
    fn forget(&mut self, execution: ExecutionId) -> bool {
        let Some(account) = self.accounts.remove(&execution) else {
            return false;
        };
        self.order.remove(&account.rank(execution));
        self.bytes -= account.bytes;
        self.note_change(execution);
        account.watch.forget();
        account.published
    }

    fn note_change(&mut self, execution: ExecutionId) {
        if let Some(changed) = &mut self.changed {
            changed.insert(execution);
        }
    }
}

#[cfg(test)]
impl Known {
    pub(super) fn len(&self) -> usize {
        let inner = self.lock();
        assert_eq!(inner.order.len(), inner.accounts.len());
        assert_eq!(inner.accounts.values().map(|account| account.bytes).sum::<usize>(), inner.bytes);
        inner.accounts.len()
    }
}
