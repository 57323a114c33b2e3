//! Those who take part in a run: what they send, and whether anybody is still there.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use runbay_engine::InputRefused;
use runbay_engine::LiveProgram;
use runbay_model::LiveInput;
use runbay_runner::ControlSender;
use runbay_runner::InputSender;
use runbay_runner::LiveControl;
use runbay_runner::NotSent;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep_until;

/// How long a run goes on after the last sign that somebody is connected. Clients give one every ten seconds, and
/// whoever loses the connection has half a minute to come back.
const ALONE: Duration = Duration::from_secs(40);

/// How long an interactive run goes on when nobody ever connects.
const UNJOINED: Duration = Duration::from_secs(60);

/// How long a program that was sent a signal may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// The way of input to one program.
#[derive(Debug)]
pub(crate) struct Participants {
    /// None once the input has ended.
    input: Mutex<Option<InputSender>>,
    controls: ControlSender,
    /// When the run is to be cancelled, if nothing happens before.
    end_at: watch::Sender<Option<End>>,
}

/// A moment at which a run is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    at: Instant,
    /// Whether a client asked for it, so that nothing delays it.
    is_asked: bool,
}

impl Participants {
    /// Makes the way. Without `input` the program reads nothing that is sent.
    pub(crate) fn new(input: Option<InputSender>, controls: ControlSender) -> Arc<Self> {
        let unjoined = End { at: Instant::now() + UNJOINED, is_asked: false };
        let end_at = watch::Sender::new(input.is_some().then_some(unjoined));
        Arc::new(Self { input: Mutex::new(input), controls, end_at })
    }

    /// Waits until the run is to be cancelled: somebody asked for it some time ago, or everybody is gone.
    pub(crate) async fn want_end(&self) {
        let mut end_at = self.end_at.subscribe();
        loop {
            let end = *end_at.borrow_and_update();
            let passed = async {
                match end {
                    Some(end) => sleep_until(end.at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = passed => return,
                // The sender is `self`.
                _ = end_at.changed() => {}
            }
        }
    }

    /// Returns whether somebody asked for the end.
    pub(crate) fn has_asked_for_end(&self) -> bool {
        self.end_at.borrow().is_some_and(|end| end.is_asked)
    }

    /// Locks the input. Nothing panics while it is locked, so poison means nothing.
    fn input(&self) -> MutexGuard<'_, Option<InputSender>> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_presence(&self) {
        let end = End { at: Instant::now() + ALONE, is_asked: false };
        self.end_at.send_if_modified(|end_at| {
            let may_move = !end_at.is_some_and(|end| end.is_asked);
            if may_move {
                *end_at = Some(end);
            }
            may_move
        });
    }

    fn control(&self, control: LiveControl) -> Result<(), InputRefused> {
        self.controls.try_send(control).map_err(refused)
    }
}

impl LiveProgram for Participants {
    fn send(&self, input: &LiveInput) -> Result<(), InputRefused> {
        match input {
            LiveInput::Stdin(bytes) => {
                let sender = self.input();
                sender.as_ref().ok_or(InputRefused::Never)?.try_send(bytes).map_err(refused)
            }
            LiveInput::EndOfFile => {
                drop(self.input().take());
                Ok(())
            }
            LiveInput::Signal(signal) => self.control(LiveControl::Signal(*signal)),
            LiveInput::Resize(size) => self.control(LiveControl::Resize(*size)),
            LiveInput::Presence => {
                self.note_presence();
                Ok(())
            }
            LiveInput::Stop(signal) => {
                // Before the signal, as the program may end at once.
                let end = End { at: Instant::now() + GRACE, is_asked: true };
                self.end_at.send_if_modified(|end_at| {
                    let is_first = !end_at.is_some_and(|end| end.is_asked);
                    if is_first {
                        *end_at = Some(end);
                    }
                    is_first
                });
                // The end comes in any case.
                _ = self.control(LiveControl::Signal(*signal));
                Ok(())
            }
        }
    }
}

fn refused(why: NotSent) -> InputRefused {
    match why {
        NotSent::Full => InputRefused::Later,
        NotSent::Closed => InputRefused::Never,
    }
}

#[cfg(test)]
mod tests {
    use runbay_model::ProgramSignal;
    use runbay_runner::live;
    use tokio::time::timeout;

    use super::*;

    async fn ends_after(participants: &Participants, from: Instant) -> Option<u64> {
        let ended = timeout(Duration::from_secs(100), participants.want_end()).await;
        ended.ok().map(|()| from.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_ends_some_time_after_the_last_who_was_there() {
        let (_run, client) = live();
        let participants = Participants::new(Some(client.input), client.controls);
        let from = Instant::now();
        assert_eq!(ends_after(&participants, from).await, Some(60), "nobody was ever there");
        let (_run, client) = live();
        let nobody_can = Participants::new(None, client.controls);
        assert_eq!(ends_after(&nobody_can, Instant::now()).await, None);
        let from = Instant::now();
        participants.send(&LiveInput::Presence).unwrap();
        tokio::time::advance(Duration::from_secs(10)).await;
        participants.send(&LiveInput::Presence).unwrap();
        assert_eq!(ends_after(&participants, from).await, Some(50));
        assert!(!participants.has_asked_for_end());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_delays_an_end_that_was_asked_for() {
        let (_run, client) = live();
        let participants = Participants::new(None, client.controls);
        let from = Instant::now();
        participants.send(&LiveInput::Stop(ProgramSignal::Interrupt)).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        participants.send(&LiveInput::Presence).unwrap();
        participants.send(&LiveInput::Stop(ProgramSignal::Interrupt)).unwrap();
        assert_eq!(ends_after(&participants, from).await, Some(2));
        assert!(participants.has_asked_for_end());
    }

    #[tokio::test]
    async fn input_that_has_ended_takes_no_more() {
        let (_run, client) = live();
        let participants = Participants::new(Some(client.input), client.controls);
        let piece = LiveInput::Stdin(vec![b'x'; LiveInput::MOST_BYTES]);
        let mut sent = 0;
        let refused = loop {
            match participants.send(&piece) {
                Ok(()) => sent += 1,
                Err(refused) => break refused,
            }
        };
        assert_eq!(refused, InputRefused::Later);
        assert!(sent > 0 && sent < 100, "{sent}");
        participants.send(&LiveInput::EndOfFile).unwrap();
        participants.send(&LiveInput::EndOfFile).unwrap();
        assert_eq!(participants.send(&piece), Err(InputRefused::Never));
    }
}
