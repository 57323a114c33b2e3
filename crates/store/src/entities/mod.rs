//! The tables as types, and how their rows become values of the model.

pub(crate) mod code_session;
mod columns;
pub(crate) mod execution;

pub(crate) use columns::micros;
pub(crate) use columns::moment;
pub(crate) use columns::number;
pub(crate) use columns::word;
