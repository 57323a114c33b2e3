//! Whether the worker in this process can run what is accepted.

use std::sync::Arc;

use runbay_api::NotReady;
use runbay_api::Readiness;
use runbay_runner::Runner;
use runbay_worker::Alive;

/// Whether the worker in this process can run what is accepted.
pub(crate) struct LocalReadiness {
    runner: Arc<Runner>,
    worker: Alive,
}

impl LocalReadiness {
    pub(crate) fn new(runner: Arc<Runner>, worker: Alive) -> Self {
        Self { runner, worker }
    }
}

impl Readiness for LocalReadiness {
    fn isolation(&self) -> String {
        self.runner.isolation().as_str().to_owned()
    }

    fn worker(&self) -> Result<(), NotReady> {
        if self.worker.get() { Ok(()) } else { Err(NotReady("The worker takes no executions.".to_owned())) }
    }
}
