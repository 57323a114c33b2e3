//! A machine whose programs share its cores evenly; each has at most one, as in the sandbox.

use std::collections::BTreeSet;

#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) is_dead: bool,
    /// When its serial claims are done.
    pub(crate) claims_until: f64,
    /// What it has claimed or is running.
    pub(crate) taken: BTreeSet<usize>,
    /// Its programs by the service at which they end, as the bits of the number.
    pub(crate) running: BTreeSet<(u64, usize)>,
    /// The service that each program on it has had since the beginning.
    pub(crate) service: f64,
    pub(crate) updated: f64,
    /// Counts changes, so that an end that was foreseen before one is not believed.
    pub(crate) generation: u32,
}

impl Machine {
    /// How fast each of its programs gets on, compared with one that has a core.
    pub(crate) fn speed(&self, cores: u32) -> f64 {
        let running = u32::try_from(self.running.len()).expect("slots are few");
        (f64::from(cores) / f64::from(running.max(1))).min(1.0)
    }

    /// Gives its programs what they had of its cores until now.
    pub(crate) fn serve(&mut self, now: f64, cores: u32) {
        self.service += (now - self.updated) * self.speed(cores);
        self.updated = now;
    }
}
