//! The signal that stops an attempt. Other processes send it as an event.

use runbay_events::Event;
use runbay_events::EventKind;
use runbay_events::Subscription;
use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::Status;
use runbay_model::WorkerId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::Engine;
use crate::outage::Part;

/// An attempt with its stop signal.
pub(crate) struct Followed {
    pub(crate) execution: ExecutionId,
    pub(crate) attempt: Attempt,
    pub(crate) worker: WorkerId,
    pub(crate) stop: CancellationToken,
}

impl Engine {
    /// Stops an attempt when another process announces that it was cancelled or taken away.
    ///
    /// If an announcement is missed, the worker finds out at its next renewal.
    pub(crate) async fn follow(&self, followed: Followed) -> AbortOnDropHandle<()> {
        let subscription = self.events().subscribe(followed.execution, None).await;
        let engine = self.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            match subscription {
                Ok(subscription) => engine.stop_when_over(subscription, &followed).await,
                Err(error) => engine.outages().failed(Part::Events, &error),
            }
        }))
    }

    async fn stop_when_over(&self, mut subscription: Box<dyn Subscription>, followed: &Followed) {
        loop {
            match subscription.next().await {
                Ok(Some(event)) if ends(&event.kind, followed.attempt) => return followed.stop.cancel(),
                Ok(None | Some(Event { kind: EventKind::Result, .. })) => {
                    return self.stop_if_taken_away(followed).await;
                }
                Ok(Some(_)) => {}
                Err(error) => return self.outages().failed(Part::Events, &error),
            }
        }
    }

    /// Asks the row whether the attempt goes on. Called when the bus has announced the result or forgotten the
    /// execution.
    ///
    /// Only the row can confirm a result, because a restored database may have forgotten it.
    async fn stop_if_taken_away(&self, followed: &Followed) {
        let attempt = (followed.execution, followed.attempt);
        // If the row cannot be read, the next renewal of the worker asks again.
        if let Ok(taken_away) = self.store().attempts_taken_away(followed.worker, &[attempt]).await
            && !taken_away.is_empty()
        {
            followed.stop.cancel();
        }
    }
}

/// Returns whether an event ends an attempt.
fn ends(kind: &EventKind, own: Attempt) -> bool {
    match kind {
        EventKind::Status { attempt, .. } if *attempt > own => true,
        EventKind::Status { status, attempt, .. } => *attempt == own && *status != Status::Running,
        EventKind::Output { .. } | EventKind::Test { .. } | EventKind::Reset { .. } | EventKind::Result => false,
    }
}

#[cfg(test)]
mod tests {
    use runbay_model::Timestamp;

    use super::*;

    #[test]
    fn an_attempt_ends_with_its_successor_or_its_own_end() {
        let at = Timestamp::from_micros(1);
        let own = Attempt(2);
        for (status, attempt, expected) in [
            (Status::Queued, 1, false),
            (Status::Running, 1, false),
            (Status::Running, 2, false),
            (Status::Queued, 2, true),
            (Status::Cancelled, 2, true),
            (Status::Running, 3, true),
        ] {
            let kind = EventKind::Status { status, attempt: Attempt(attempt), at };
            assert_eq!(ends(&kind, own), expected, "{status} of attempt {attempt}");
        }
        assert!(!ends(&EventKind::Result, own), "only the row tells");
        assert!(!ends(&EventKind::Reset { attempt: own }, own));
    }
}
