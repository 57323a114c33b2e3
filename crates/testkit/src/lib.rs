//! Starts the real server for tests and speaks to it.
