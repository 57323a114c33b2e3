//! Turns at a core, for work that keeps one busy before a request can be answered.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// How long a turn takes; a request that needs more waits for another one.
pub(crate) const TURN: Duration = Duration::from_millis(5);

/// The turns that all requests share; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    cores: Arc<Semaphore>,
    again: Arc<Semaphore>,
}

/// The right to keep a core busy, until it is dropped: on a thread for blocking work, and for no longer than [`TURN`].
#[derive(Debug, Default)]
pub(crate) struct Turn {
    _core: Option<OwnedSemaphorePermit>,
    _again: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Gives away half of the cores; the others answer, whatever the requests ask for.
    pub(super) fn new() -> Self {
        Self::of(available_parallelism().map_or(1, NonZero::get).div_ceil(2))
    }

    fn of(cores: usize) -> Self {
        Self { cores: Arc::new(Semaphore::new(cores)), again: Arc::new(Semaphore::new(cores)) }
    }

    /// Waits for the first turn of a request.
    pub(super) async fn first(self) -> Turn {
        Turn { _core: self.cores.acquire_owned().await.ok(), _again: None }
    }

    /// Waits for another turn of a request.
    ///
    /// Those who had one wait for each other elsewhere, so that who comes for the first time has few of them in front.
    pub(super) async fn another(self) -> Turn {
        let again = self.again.acquire_owned().await.ok();
        Turn { _core: self.cores.acquire_owned().await.ok(), _again: again }
    }

    /// Takes all turns.
    #[cfg(test)]
    pub(super) async fn all(self) -> Turn {
        let all = u32::try_from(self.cores.available_permits()).unwrap();
        Turn { _core: self.cores.acquire_many_owned(all).await.ok(), _again: None }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::Context;
    use std::task::Poll;
    use std::task::Waker;

    use super::*;

    /// Returns the turn that somebody waits for, if it has come.
    fn come(waiting: &mut Pin<Box<impl Future<Output = Turn>>>) -> Option<Turn> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn who_comes_for_the_first_time_has_one_of_the_others_in_front() {
        let turns = Turns::of(1);
        let busy = turns.clone().first().await;
        let mut others: Vec<_> = (0..3).map(|_| Box::pin(turns.clone().another())).collect();
        assert!(others.iter_mut().all(|other| come(other).is_none()));
        let mut first = Box::pin(turns.clone().first());
        assert!(come(&mut first).is_none());
        drop(busy);
        let other = come(&mut others[0]).expect("who came first");
        assert!(come(&mut first).is_none() && come(&mut others[1]).is_none());
        drop(other);
        assert!(come(&mut others[1]).is_none());
        let turn = come(&mut first).expect("before the others");
        drop(turn);
        drop(come(&mut others[1]).expect("nobody is left out"));
        assert!(come(&mut others[2]).is_some());
    }
}
