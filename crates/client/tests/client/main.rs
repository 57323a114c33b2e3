//! The client against a server of fakes, which breaks connections wherever a real one might.

#![expect(clippy::unwrap_used, reason = "these are tests, also their helpers")]

mod events;
mod fake_server;
mod interact;
mod requests;
