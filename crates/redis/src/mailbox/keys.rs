//! Names of keys.

use uuid::Uuid;

use crate::Prefix;

/// The names of all keys of one subject; the braces keep them together where keys are spread over several servers.
#[derive(Debug, Clone)]
pub(super) struct Keys(String);

impl Keys {
    pub(super) fn new(prefix: &Prefix, subject: &str) -> Self {
        Self(format!("{prefix}:{{mailbox:{subject}}}:"))
    }

    /// Returns the list of the ids of messages that wait in a mailbox.
    pub(super) fn waiting(&self, mailbox: &str) -> String {
        format!("{}waiting:{mailbox}", self.0)
    }

    /// Returns the key that says who is the one receiver of a mailbox.
    pub(super) fn receiver(&self, mailbox: &str) -> String {
        format!("{}receiver:{mailbox}", self.0)
    }

    /// Returns the key that holds a message until it is taken.
    pub(super) fn message(&self, id: Uuid) -> String {
        format!("{}message:{id}", self.0)
    }

    /// Returns the list of what the receiver says to the sender.
    pub(super) fn frames(&self, id: Uuid) -> String {
        format!("{}frames:{id}", self.0)
    }

    /// Returns the list on which the sender says that it waits no longer.
    pub(super) fn gone(&self, id: Uuid) -> String {
        format!("{}gone:{id}", self.0)
    }
}
