//! Slices of CPU time, for work that keeps a core busy before a request can be answered.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// How long a slice is; a request that needs more waits for another one.
pub(crate) const CPU_SLICE: Duration = Duration::from_millis(5);

/// The slices that all requests share; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct CpuSlices {
    cores: Arc<Semaphore>,
    again: Arc<Semaphore>,
}

/// The right to keep a core busy, until it is dropped: on a thread for blocking work, and for no longer than [`CPU_SLICE`].
#[derive(Debug, Default)]
pub(crate) struct CpuSlice {
    _core: Option<OwnedSemaphorePermit>,
    _again: Option<OwnedSemaphorePermit>,
}

impl CpuSlices {
    /// Gives away half of the cores; the others answer, whatever the requests ask for.
    pub(super) fn new() -> Self {
        Self::of(available_parallelism().map_or(1, NonZero::get).div_ceil(2))
    }

    fn of(cores: usize) -> Self {
        Self { cores: Arc::new(Semaphore::new(cores)), again: Arc::new(Semaphore::new(cores)) }
    }

    /// Waits for the first slice of a request.
    pub(super) async fn first(self) -> CpuSlice {
        CpuSlice { _core: self.cores.acquire_owned().await.ok(), _again: None }
    }

    /// Waits for another slice of a request.
    ///
    /// Those who had one wait for each other elsewhere, so that who comes for the first time has few of them in front.
    pub(super) async fn another(self) -> CpuSlice {
        let again = self.again.acquire_owned().await.ok();
        CpuSlice { _core: self.cores.acquire_owned().await.ok(), _again: again }
    }

    /// Takes all cpu_slices.
    #[cfg(test)]
    pub(super) async fn all(self) -> CpuSlice {
        let all = u32::try_from(self.cores.available_permits()).unwrap();
        CpuSlice { _core: self.cores.acquire_many_owned(all).await.ok(), _again: None }
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

    /// Returns the slice that somebody waits for, if it has come.
    fn come(waiting: &mut Pin<Box<impl Future<Output = CpuSlice>>>) -> Option<CpuSlice> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(slice) => Some(slice),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn who_comes_for_the_first_time_has_one_of_the_others_in_front() {
        let cpu_slices = CpuSlices::of(1);
        let busy = cpu_slices.clone().first().await;
        let mut others: Vec<_> = (0..3).map(|_| Box::pin(cpu_slices.clone().another())).collect();
        assert!(others.iter_mut().all(|other| come(other).is_none()));
        let mut first = Box::pin(cpu_slices.clone().first());
        assert!(come(&mut first).is_none());
        drop(busy);
        let other = come(&mut others[0]).expect("who came first");
        assert!(come(&mut first).is_none() && come(&mut others[1]).is_none());
        drop(other);
        assert!(come(&mut others[1]).is_none());
        let slice = come(&mut first).expect("before the others");
        drop(slice);
        drop(come(&mut others[1]).expect("nobody is left out"));
        assert!(come(&mut others[2]).is_some());
    }
}
