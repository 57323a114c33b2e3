//! One attempt: its claim, its lease, its stop signal and its result.

pub(crate) mod cancel;
pub(crate) mod claim;
pub(crate) mod finish;
pub(crate) mod lease;
pub(crate) mod running;
pub(crate) mod settle;
pub(crate) mod stop_signal;
