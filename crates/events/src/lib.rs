//! Numbered events of an execution: the EventBus trait and its in-memory version.
