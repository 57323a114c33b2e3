//! What is simulated.

/// What a run costs and what the settings of workers and queue are.
pub(crate) struct Costs {
    /// From a push to the worker that was waiting for it.
    pub(crate) dispatch: f64,
    /// A worker's claim, a write to the database, which it makes one at a time.
    pub(crate) claim: f64,
    pub(crate) heartbeat: f64,
    pub(crate) lease: f64,
    pub(crate) sweep: f64,
    /// The longest wait before the second attempt; the shortest is half of it.
    pub(crate) retry: f64,
}

/// Shares of the runs, in a thousand, and the CPU time that each of them takes; the shortest come first.
pub(crate) type Mix = &'static [(u32, f64)];

pub(crate) struct Scenario {
    pub(crate) costs: Costs,
    pub(crate) machines: usize,
    pub(crate) cores: u32,
    pub(crate) slots: usize,
    pub(crate) mix: Mix,
    /// In a thousandth of what all machines can do.
    pub(crate) load: u32,
    /// For how long runs arrive.
    pub(crate) duration: f64,
    pub(crate) seed: u64,
    /// When the first machine dies, and when another takes its place.
    pub(crate) death: Option<(f64, f64)>,
}

impl Scenario {
    pub(crate) fn mean_cpu(&self) -> f64 {
        self.mix.iter().map(|(share, cpu)| f64::from(*share) * cpu).sum::<f64>() / 1000.0
    }

    /// The runs in a second that keep every core busy.
    pub(crate) fn capacity(&self) -> f64 {
        let machines = u32::try_from(self.machines).expect("simulations are small");
        f64::from(machines * self.cores) * 1000.0 / self.mean_cpu()
    }

    pub(crate) fn mean_interval(&self) -> f64 {
        1000.0 / (self.capacity() * f64::from(self.load) / 1000.0)
    }
}
