//! Slices of CPU time for work that keeps a core busy, such as reading regular expressions.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// The length of a slice; a request that needs more waits for another one.
pub(crate) const CPU_SLICE: Duration = Duration::from_millis(5);

/// The cores that requests may keep busy; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct CpuSlices {
    cores: Arc<Semaphore>,
    /// The queue in front of `cores` of requests that have had a slice.
    repeated: Arc<Semaphore>,
}

/// The right to keep a core busy for up to [`CPU_SLICE`], on a thread for blocking work; ends when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct CpuSlice {
    _core: Option<OwnedSemaphorePermit>,
    _repeated: Option<OwnedSemaphorePermit>,
}

impl CpuSlices {
    /// Offers half of the cores; the others go on answering requests.
    pub(super) fn new() -> Self {
        Self::of(available_parallelism().map_or(1, NonZero::get).div_ceil(2))
    }

    /// Offers this many cores.
    fn of(cores: usize) -> Self {
        Self { cores: Arc::new(Semaphore::new(cores)), repeated: Arc::new(Semaphore::new(cores)) }
    }

    /// Waits for the first slice of a request.
    pub(super) async fn first(self) -> CpuSlice {
        CpuSlice { _core: self.cores.acquire_owned().await.ok(), _repeated: None }
    }

    /// Waits for another slice of a request.
    ///
    /// Requests that have had a slice wait for each other first, so that a new one finds few of them before it.
    pub(super) async fn another(self) -> CpuSlice {
        let repeated = self.repeated.acquire_owned().await.ok();
        CpuSlice { _core: self.cores.acquire_owned().await.ok(), _repeated: repeated }
    }

    /// Takes the slices of all cores.
    #[cfg(test)]
    pub(super) async fn all(self) -> CpuSlice {
        let all = u32::try_from(self.cores.available_permits()).unwrap();
        CpuSlice { _core: self.cores.acquire_many_owned(all).await.ok(), _repeated: None }
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

    /// Returns the slice that is waited for, if it has come.
    fn come(waiting: &mut Pin<Box<impl Future<Output = CpuSlice>>>) -> Option<CpuSlice> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(slice) => Some(slice),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn a_new_request_waits_for_one_of_the_others_at_most() {
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
