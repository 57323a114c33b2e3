//! A client of the HTTP API: typed requests, events as they happen, and conversations with programs.
//!
//! Requests that may be repeated are tried again by themselves, and streams of events come back by themselves; both a
//! bounded number of times. Nothing is spawned: work is done only while a future of this crate is polled.

mod answer;
mod bytes;
mod client;
mod error;
mod event;
mod events;
mod executions;
mod interact;
mod languages;
mod patience;
mod problem;
mod request;
mod send;
mod sessions;
mod sse;
mod tls;

pub use answer::Accepted;
pub use answer::CheckReport;
pub use answer::Diagnostic;
pub use answer::Execution;
pub use answer::Language;
pub use answer::Languages;
pub use answer::LimitRange;
pub use answer::Saved;
pub use answer::Session;
pub use answer::TestResult;
pub use client::Client;
pub use client::ClientError;
pub use error::RequestError;
pub use event::Event;
pub use event::EventKind;
pub use event::MalformedEvent;
pub use events::EventStream;
pub use events::EventsError;
pub use interact::InputClosed;
pub use interact::InputSender;
pub use interact::InteractError;
pub use interact::Interaction;
pub use interact::Received;
pub use problem::Problem;
pub use request::Code;
pub use request::File;
pub use request::NewSession;
pub use request::Run;
pub use request::Save;
pub use request::TestCase;
pub use runbay_model::OutputStream;
