//! The claim loop: takes queued executions and runs them.
