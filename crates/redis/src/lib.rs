//! Connections to Redis, or to a server that speaks like it.
//!
//! All calls that are answered at once share one connection, which is replaced when it breaks. No call waits for longer
//! than [`CALL_DEADLINE`]. A command that waits at the server has a connection of its own. Errors say in plain words
//! what is wrong and what to do next, and nothing here ever shows a password. Processes ask each other over
//! [`Mailboxes`]; what else is stored, and under which keys, is the business of other crates.

mod address;
mod check;
mod connection;
mod error;
mod mailbox;
mod prefix;
mod redis;

pub use address::Address;
pub use address::InvalidAddress;
pub use check::Advice;
pub use check::Checked;
pub use error::Error;
pub use error::Trouble;
pub use mailbox::AnswerError;
pub use mailbox::AskError;
pub use mailbox::MailboxLimits;
pub use mailbox::Mailboxes;
pub use mailbox::Message;
pub use mailbox::ReceiveError;
pub use mailbox::Receiver;
pub use mailbox::Recipient;
pub use prefix::InvalidPrefix;
pub use prefix::Prefix;
pub use redis::CALL_DEADLINE;
pub use redis::Redis;
