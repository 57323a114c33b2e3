//! What is shared out among clients, and how much of it one of them may have.
//!
//! Whatever the service has only so much of is a whole that clients share: connections, requests at work, memory for
//! bodies, places in the queue, checks, and bytes on the disk. One client never has all of a whole, so whoever comes
//! next finds room. The crate knows no HTTP, no queue and no database.

mod budget;
mod client;
mod counts;
mod share;
mod shares;
mod turns;

pub use budget::Budget;
pub use budget::Spent;
pub use client::Client;
pub use counts::Counted;
pub use counts::Counts;
pub use share::Share;
pub use shares::Held;
pub use shares::NoRoom;
pub use shares::Shares;
pub use turns::NoTurn;
pub use turns::Turn;
pub use turns::Turns;
