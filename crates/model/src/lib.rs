//! Words and rules of the domain: ids, the execution life cycle, limits, reasons.
//!
//! Everything here is plain data and pure functions. Nothing reads a file, a socket or a database, so every
//! rule can be tested in microseconds and every other crate may depend on this one.

mod execution;
mod id;
mod idempotency_key;
mod language;
mod life_cycle;
mod limits;
mod page;
mod session;
mod text;
mod time;

pub use execution::Execution;
pub use execution::ExecutionSummary;
pub use execution::Outcome;
pub use execution::RunInput;
pub use id::ExecutionId;
pub use id::InvalidId;
pub use id::SessionId;
pub use id::TenantId;
pub use id::WorkerId;
pub use idempotency_key::IdempotencyKey;
pub use idempotency_key::InvalidIdempotencyKey;
pub use language::Catalog;
pub use language::Language;
pub use language::LanguageId;
pub use life_cycle::Attempt;
pub use life_cycle::End;
pub use life_cycle::Event;
pub use life_cycle::Fault;
pub use life_cycle::IllegalMove;
pub use life_cycle::Loss;
pub use life_cycle::Reason;
pub use life_cycle::State;
pub use life_cycle::Status;
pub use life_cycle::TimeLimit;
pub use life_cycle::UnknownWord;
pub use life_cycle::Verdict;
pub use life_cycle::next;
pub use limits::LimitOverrides;
pub use limits::Limits;
pub use limits::MAX_ARGUMENT_BYTES;
pub use limits::MAX_ARGUMENTS;
pub use limits::MAX_SOURCE_BYTES;
pub use limits::MAX_STDIN_BYTES;
pub use page::Page;
pub use page::PageRequest;
pub use page::Position;
pub use session::Session;
pub use session::SessionStatus;
pub use session::SessionSummary;
pub use text::cut_at_character;
pub use time::Timestamp;
