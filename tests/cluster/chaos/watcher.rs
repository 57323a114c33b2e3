//! What the event bus tells of one execution.

use std::time::Duration;

use runbay_events::EventBus;
use runbay_events::EventKind;
use runbay_events::RedisEventBus;
use runbay_events::Subscription;
use runbay_model::ExecutionId;
use runbay_model::Status;

const PAUSE: Duration = Duration::from_millis(100);

/// Follows the events of one execution, from the first again whenever the bus was away or had to forget it.
pub(super) struct Watcher {
    bus: RedisEventBus,
    execution: ExecutionId,
    subscription: Option<Box<dyn Subscription>>,
    /// The statuses that each reading showed.
    readings: Vec<Vec<Status>>,
    is_over: bool,
}

impl Watcher {
    pub(super) fn new(bus: RedisEventBus, execution: ExecutionId) -> Self {
        Self { bus, execution, subscription: None, readings: Vec::new(), is_over: false }
    }

    /// Follows the events to the last one.
    ///
    /// CANCEL: a dropped call loses no event, and the next one goes on.
    pub(super) async fn follow(&mut self) {
        while !self.is_over {
            if !self.go_on().await {
                self.subscription = None;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Returns false when the events have to be read from the first again.
    async fn go_on(&mut self) -> bool {
        if self.subscription.is_none() {
            let Ok(subscription) = self.bus.subscribe(self.execution, None).await else { return false };
            self.subscription = Some(subscription);
            self.readings.push(Vec::new());
        }
        let Some(subscription) = &mut self.subscription else { return false };
        let Ok(Some(event)) = subscription.next().await else { return false };
        match event.kind {
            EventKind::Status { status, .. } => {
                self.readings.last_mut().expect("a reading goes on").push(status);
            }
            EventKind::Result => self.is_over = true,
            EventKind::Output { .. } | EventKind::Test { .. } | EventKind::Reset { .. } => {}
        }
        true
    }

    /// Returns the readings.
    pub(super) fn into_readings(self) -> Vec<Vec<Status>> {
        self.readings
    }
}

/// Returns what is wrong with the events of an execution that ended with `end`.
pub(super) fn contradiction(readings: &[Vec<Status>], end: &str) -> Option<String> {
    for statuses in readings {
        let first_end = statuses.iter().position(|status| !matches!(status, Status::Queued | Status::Running));
        if let Some(position) = first_end
            && (position + 1 < statuses.len() || statuses[position].as_str() != end)
        {
            return Some(format!("its row ended with {end}, and the events tell {statuses:?}"));
        }
    }
    None
}

#[test]
fn a_second_end_and_another_end_are_contradictions() {
    use Status::*;
    let fine = [vec![Queued, Running, Queued, Running, Completed], vec![Running], vec![Completed]];
    assert_eq!(contradiction(&fine, "COMPLETED"), None);
    for wrong in [[Completed, Completed], [Completed, Running], [Running, Failed]] {
        assert!(contradiction(&[wrong.to_vec()], "COMPLETED").is_some(), "{wrong:?}");
    }
}
