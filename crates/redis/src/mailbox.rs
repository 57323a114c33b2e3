//! Messages from one process to another, with a reply within a deadline.
//!
//! A mailbox is a name under which receivers take messages: any of several ([`Recipient::Any`]), or exactly one
//! ([`Recipient::One`]). Each message is taken at most once, and messages of one mailbox are taken in the order in
//! which they arrived. A receiver that works on a message says so every few seconds, and the sender says when it goes
//! away, so either end notices that the other one is gone. Everything in Redis expires by itself. What a message says
//! is the business of others.

mod ask;
mod frame;
mod keys;
mod mailboxes;
mod message;
mod presence;
mod receiver;
mod withdrawal;

pub use ask::AskError;
pub use ask::Recipient;
pub use mailboxes::MailboxLimits;
pub use mailboxes::Mailboxes;
pub use message::AnswerError;
pub use message::Message;
pub use receiver::ReceiveError;
pub use receiver::Receiver;
