//! The metrics of the HTTP edge, and the recorder of all metrics.

use std::time::Duration;

use metrics::Unit;
use metrics::counter;
use metrics::describe_counter;
use metrics::describe_gauge;
use metrics::describe_histogram;
use metrics::gauge;
use metrics::histogram;
use metrics_exporter_prometheus::BuildError;
use metrics_exporter_prometheus::Matcher;
use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_exporter_prometheus::PrometheusRecorder;

const REQUESTS: &str = "runbay_http_requests_total";
const REQUESTS_IN_FLIGHT: &str = "runbay_http_requests_in_flight";
const REQUEST_DURATION: &str = "runbay_http_request_duration_seconds";
const QUEUE_DEPTH: &str = "runbay_queue_depth";

/// The bounds of durations, from the claim of an execution to a long poll of a minute.
const DURATION_BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Builds the recorder for the whole process, with buckets for all durations and descriptions of all metrics.
///
/// The caller takes `.handle()` of it for [`ApiParts`](crate::ApiParts) and installs it with
/// `metrics::set_global_recorder` before anything counts.
///
/// # Errors
///
/// [`BuildError`] when there are no buckets, which cannot be as they are constant.
pub fn build_recorder() -> Result<PrometheusRecorder, BuildError> {
    // Without buckets the exporter makes summaries of histograms, which cannot be added up over processes.
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), DURATION_BUCKETS)?;
    let recorder = builder.build_recorder();
    metrics::with_local_recorder(&recorder, || {
        describe();
        runbay_engine::describe_metrics();
    });
    Ok(recorder)
}

/// Tells the recorder what the metrics of this crate mean.
fn describe() {
    describe_counter!(REQUESTS, "Answered requests by method, route template and status");
    describe_histogram!(REQUEST_DURATION, Unit::Seconds, "Time from the head of a request to the head of its answer");
    describe_gauge!(REQUESTS_IN_FLIGHT, "Requests that are being answered, long polls among them");
    describe_gauge!(QUEUE_DEPTH, "Executions that wait for a worker");
}

/// A request that is being answered, counted until it is dropped.
pub(crate) struct InFlight(());

impl InFlight {
    /// Counts a request from here on.
    pub(crate) fn begin() -> Self {
        gauge!(REQUESTS_IN_FLIGHT).increment(1.0);
        Self(())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!(REQUESTS_IN_FLIGHT).decrement(1.0);
    }
}

/// Counts one answered request.
pub(crate) fn count_request(method: &'static str, route: String, status: u16, duration: Duration) {
    histogram!(REQUEST_DURATION, "method" => method, "route" => route.clone()).record(duration);
    counter!(REQUESTS, "method" => method, "route" => route, "status" => status.to_string()).increment(1);
}

/// Sets how many executions wait for a worker.
pub(crate) fn set_queue_depth(depth: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a queue is shorter than 2^52")]
    gauge!(QUEUE_DEPTH).set(depth as f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_histograms() {
        let recorder = build_recorder().unwrap();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            drop((InFlight::begin(), InFlight::begin()));
            count_request("GET", "/executions/{execution_id}".to_owned(), 200, Duration::from_millis(3));
            set_queue_depth(7);
        });
        let text = handle.render();
        for line in [
            "# HELP runbay_queue_depth Executions that wait for a worker",
            "# TYPE runbay_http_request_duration_seconds histogram",
            r#"runbay_http_request_duration_seconds_bucket{method="GET",route="/executions/{execution_id}",le="0.0025"} 0"#,
            r#"runbay_http_request_duration_seconds_bucket{method="GET",route="/executions/{execution_id}",le="0.005"} 1"#,
            r#"runbay_http_requests_total{method="GET",route="/executions/{execution_id}",status="200"} 1"#,
            "runbay_http_requests_in_flight 0",
            "runbay_queue_depth 7",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }
}
