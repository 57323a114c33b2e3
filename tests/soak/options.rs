//! The command line.

/// What `--help` says.
pub(crate) const HELP: &str = "\
usage: soak [--runs COUNT] [--sessions COUNT] [--at-once COUNT]

  --runs COUNT      runs in all [default: 1000]
  --sessions COUNT  sessions that they come from [default: 200]
  --at-once COUNT   runs at one time [default: 32]";

/// How much is done.
pub(crate) struct Options {
    pub(crate) runs: usize,
    pub(crate) sessions: usize,
    pub(crate) at_once: usize,
}

impl Options {
    /// Reads the arguments; none when only help is wanted.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self { runs: 1000, sessions: 200, at_once: 32 };
        while let Some(name) = arguments.next() {
            let place = match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--runs" => &mut options.runs,
                "--sessions" => &mut options.sessions,
                "--at-once" => &mut options.at_once,
                _ => return Err(format!("there is no argument {name}")),
            };
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            *place = value.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("{value:?} is no count"))?;
        }
        if options.sessions < options.at_once {
            return Err("a session has one run at a time, so there must be as many sessions".to_owned());
        }
        Ok(Some(options))
    }

    /// How many runs there are between two looks at the server.
    pub(crate) fn stage(&self) -> usize {
        (self.runs / 20).max(200)
    }

    /// After how many runs memory is taken as the measure for what follows: caches have filled by then.
    pub(crate) fn first_look(&self) -> usize {
        (self.runs / 5).min(self.runs)
    }
}
