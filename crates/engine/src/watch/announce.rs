//! Announcements of committed changes to the log, the metrics and the watchers.

use std::time::Duration;

use runbay_events::EventKind;
use runbay_model::End;
use runbay_model::ExecutionId;
use runbay_model::Facts;
use runbay_model::Reason;
use runbay_model::State;
use runbay_model::Status;
use runbay_model::Timestamp;
use runbay_store::ExecutionHead;

use crate::Engine;
use crate::metrics::count_end;
use crate::outage::Part;

/// The resources that a program used, for the log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    execution_time: Option<Duration>,
    cpu_time: Option<Duration>,
    compile_time: Option<Duration>,
    memory_bytes: Option<u64>,
}

impl From<&Facts> for Usage {
    fn from(facts: &Facts) -> Self {
        Self {
            execution_time: facts.execution_time,
            cpu_time: facts.cpu_time,
            compile_time: facts.compile_time,
            memory_bytes: facts.memory_bytes,
        }
    }
}

impl Engine {
    /// Announces a committed move of an execution.
    pub(crate) async fn announce(&self, head: &ExecutionHead) {
        self.announce_with(head, Usage::default()).await;
    }

    /// Announces a committed move of an execution with the resources that its program used.
    pub(crate) async fn announce_with(&self, head: &ExecutionHead, usage: Usage) {
        // What is stopping is logged and counted once it has stopped.
        if !matches!(head.state, State::Stopping { .. }) {
            log(head, usage);
        }
        if head.state.is_ended() {
            count_end(head.state);
        }
        for kind in kinds(head) {
            self.publish(head.id, kind).await;
        }
    }

    /// Publishes the last event of an ended execution, unless it was published before.
    ///
    /// The process that wrote the end may have died before that, or the bus may have been away.
    pub(crate) async fn publish_result(&self, execution: ExecutionId) {
        self.publish(execution, EventKind::Result).await;
    }

    /// Publishes an event. A lost event changes nothing: the row is the truth, and watchers read it from time to time.
    async fn publish(&self, execution: ExecutionId, kind: EventKind) {
        match self.events().publish(execution, kind).await {
            Ok(_) => self.outages().answered(Part::Events),
            Err(error) => self.outages().failed(Part::Events, &error),
        }
    }
}

fn log(head: &ExecutionHead, usage: Usage) {
    let queue_time = head.started_at.map(|started_at| started_at.since(head.queued_at));
    let total_time = head.completed_at.map(|completed_at| completed_at.since(head.created_at));
    tracing::info!(
        target: "runbay::execution",
        {
            execution.id = %head.id,
            execution.status = head.state.status().as_str(),
            execution.reason = head.state.reason().map(Reason::as_str),
            execution.attempt = head.state.attempt().0,
            session.id = head.session.map(tracing::field::display),
            language.id = head.language.as_str(),
            worker.id = head.worker.map(tracing::field::display),
            tenant.id = head.tenant.as_str(),
            queue_time_ms = queue_time.map(milliseconds),
            total_time_ms = total_time.map(milliseconds),
            compile_time_ms = usage.compile_time.map(milliseconds),
            execution_time_ms = usage.execution_time.map(milliseconds),
            cpu_time_ms = usage.cpu_time.map(milliseconds),
            memory_bytes = usage.memory_bytes,
        },
        "execution {}",
        head.state.status().as_str().to_ascii_lowercase()
    );
}

fn kinds(head: &ExecutionHead) -> Vec<EventKind> {
    let attempt = head.state.attempt();
    let status = |at| EventKind::Status { status: head.state.status(), attempt, at };
    match head.state {
        // Stops the attempt in another process. The result follows with what the program has written.
        State::Stopping { .. } => {
            return vec![EventKind::Status { status: Status::Cancelled, attempt, at: present(head.completed_at) }];
        }
        State::Ended { end: End::Cancelled, .. } if head.worker.is_some() => return vec![EventKind::Result],
        State::Queued { .. } | State::Running { .. } | State::Ended { .. } => {}
    }
    match head.state.status() {
        Status::Queued => vec![status(head.queued_at)],
        // The output of a lost attempt is void.
        Status::Running if attempt.0 > 1 => vec![EventKind::Reset { attempt }, status(present(head.started_at))],
        Status::Running => vec![status(present(head.started_at))],
        Status::Completed | Status::Failed | Status::Timeout | Status::Cancelled => {
            vec![status(present(head.completed_at)), EventKind::Result]
        }
    }
}

fn present(at: Option<Timestamp>) -> Timestamp {
    at.unwrap_or_else(Timestamp::now)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
