//! The metrics of the engine. All are recorded after the commit.

use std::time::Duration;

use metrics::Unit;
use metrics::counter;
use metrics::describe_counter;
use metrics::describe_gauge;
use metrics::describe_histogram;
use metrics::histogram;
use runbay_model::Reason;
use runbay_model::State;
use runbay_store::ExecutionHead;

pub(crate) const STORED_BYTES: &str = "runbay_stored_bytes";
const EXECUTIONS: &str = "runbay_executions_total";
const STALE_REPORTS: &str = "runbay_stale_reports_total";
const QUEUE_WAIT: &str = "runbay_queue_wait_seconds";
const CLAIM_DURATION: &str = "runbay_claim_duration_seconds";

/// Describes the metrics of this crate to the installed recorder.
pub fn describe_metrics() {
    describe_counter!(EXECUTIONS, "Executions that this process has brought to their end, by status and reason");
    describe_counter!(STALE_REPORTS, "Results that were dropped because their attempt was taken away");
    describe_gauge!(STORED_BYTES, Unit::Bytes, "Size of the database, as --max-stored-bytes bounds it");
    describe_histogram!(QUEUE_WAIT, Unit::Seconds, "Time from being queued to the claim of an attempt");
    describe_histogram!(CLAIM_DURATION, Unit::Seconds, "Time that the database took to give an attempt to this worker");
}

/// Counts an execution that has ended.
pub(crate) fn count_end(state: State) {
    let reason = state.reason().map_or("none", Reason::as_str);
    counter!(EXECUTIONS, "status" => state.status().as_str(), "reason" => reason).increment(1);
}

/// Counts a result that came too late.
pub(crate) fn count_stale_report() {
    counter!(STALE_REPORTS).increment(1);
}

/// Counts an attempt that began, and records how long its claim took the database.
pub(crate) fn note_claim(head: &ExecutionHead, duration: Duration) {
    histogram!(CLAIM_DURATION).record(duration);
    if let Some(started_at) = head.started_at {
        histogram!(QUEUE_WAIT).record(started_at.since(head.queued_at));
    }
}
