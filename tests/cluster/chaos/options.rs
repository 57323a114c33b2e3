//! How much is done, from the environment.

use std::env;

const RUNS: &str = "RUNBAY_CHAOS_RUNS";
const SEED: &str = "RUNBAY_CHAOS_SEED";

/// How much is done.
pub(super) struct Options {
    /// Runs in all.
    pub(super) runs: usize,
    /// Chooses the victims.
    pub(super) seed: u64,
}

impl Options {
    /// Reads the environment; the short form where it says nothing.
    pub(super) fn from_environment() -> Self {
        Self { runs: number(RUNS).unwrap_or(200), seed: number(SEED).unwrap_or(5) }
    }

    /// Returns after how many kills there are no more, so that whatever hangs is seen to hang.
    pub(super) const fn most_strikes(&self) -> usize {
        if self.runs < 300 { 15 } else { self.runs / 5 }
    }
}

fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, which is no number")))
}
