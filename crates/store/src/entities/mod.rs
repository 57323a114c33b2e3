//! The tables as types, and the conversion of their rows into values of the model.

pub(crate) mod code_session;
mod columns;
mod documents;
pub(crate) mod execution;
#[cfg(test)]
mod fuzz;
pub(crate) mod idempotency_key;
pub(crate) mod worker;

pub(crate) use columns::count;
pub(crate) use columns::duration;
pub(crate) use columns::micros;
pub(crate) use columns::moment;
pub(crate) use columns::number;
pub(crate) use columns::word;
pub(crate) use documents::SourceColumns;
