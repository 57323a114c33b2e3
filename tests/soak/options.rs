//! The command line.

use std::time::Duration;

/// What `--help` says.
pub(crate) const HELP: &str = "\
usage: soak [--runs COUNT] [--attacks] [--minutes COUNT] [--sessions COUNT] [--at-once COUNT]

  --runs COUNT      runs in all [default: 1000]
  --attacks         runs attack programs beside honest ones, for a time instead of a number
  --minutes COUNT   how long the attacks last [default: 20 seconds]
  --sessions COUNT  sessions that the runs come from [default: 200]
  --at-once COUNT   runs at one time [default: 32]";

/// How long attacks last that nobody waits for.
const SHORT: Duration = Duration::from_secs(20);

/// So many attacks are one stage: seconds, as most of them use up a limit.
const ATTACKS_IN_A_STAGE: usize = 200;

/// What is done.
pub(crate) struct Options {
    pub(crate) load: Length,
    pub(crate) sessions: usize,
    pub(crate) at_once: usize,
}

/// What is run, and when it is enough.
#[derive(Clone, Copy)]
pub(crate) enum Length {
    /// Honest programs.
    Runs(usize),
    /// Attacks and honest programs.
    Attacks(Duration),
}

impl Options {
    /// Reads the arguments; none when only help is wanted.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut runs, mut sessions, mut at_once) = (1000, 200, 32);
        let (mut attacks, mut minutes) = (false, 0);
        while let Some(name) = arguments.next() {
            let count = match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--attacks" => {
                    attacks = true;
                    continue;
                }
                "--minutes" => &mut minutes,
                "--runs" => &mut runs,
                "--sessions" => &mut sessions,
                "--at-once" => &mut at_once,
                _ => return Err(format!("there is no argument {name}")),
            };
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            *count = value.parse().ok().filter(|value| *value > 0).ok_or_else(|| format!("{value:?} is no count"))?;
        }
        if sessions < at_once {
            return Err("a session has one run at a time, so there must be as many sessions".to_owned());
        }
        let load = match (attacks, minutes) {
            (false, 0) => Length::Runs(runs),
            (false, _) => return Err("--minutes is for --attacks".to_owned()),
            (true, 0) => Length::Attacks(SHORT),
            (true, minutes) => Length::Attacks(Duration::from_secs(60 * minutes as u64)),
        };
        Ok(Some(Self { load, sessions, at_once }))
    }
}

impl Length {
    /// Returns how many runs are left to do until the next look at the server; none when it is enough.
    pub(crate) fn next_stage(self, done: usize, elapsed: Duration) -> Option<usize> {
        match self {
            Self::Runs(runs) => Some((runs / 20).max(200).min(runs - done)).filter(|left| *left > 0),
            Self::Attacks(time) => (elapsed < time).then_some(ATTACKS_IN_A_STAGE),
        }
    }

    /// Returns whether caches have filled by now, so that memory can be taken as the measure for what follows.
    pub(crate) fn is_warm(self, done: usize, elapsed: Duration) -> bool {
        match self {
            Self::Runs(runs) => done >= runs / 5,
            Self::Attacks(time) => elapsed >= time / 5,
        }
    }
}
