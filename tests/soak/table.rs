//! What is shown.

use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;

use crate::footprint::Footprint;

/// Writes a line to standard output.
pub(crate) fn line(text: &str) {
    write(&format!("{text}\n"));
}

/// Shows how far it is, until the next line.
pub(crate) fn progress(text: &str) {
    write(&format!("\r\x1b[K{text}"));
}

/// Takes the progress away again.
pub(crate) fn clear_progress() {
    if std::io::stdout().is_terminal() {
        write("\r\x1b[K");
    }
}

/// Begins the table of stages.
pub(crate) fn stages_header() {
    line("   RUNS      TIME  RUNS/S    p50 ms    p99 ms  SERVICE MiB  KEEPER MiB  FORKER MiB");
}

/// Adds a stage that ended with run `end`.
pub(crate) fn stage(end: usize, time: Duration, times: &[Duration], runs: usize, now: &Footprint) {
    let mut times = times.to_vec();
    times.sort_unstable();
    let percentile = |percent: usize| times.get(times.len().saturating_sub(1) * percent / 100).copied();
    let ms = |percent| percentile(percent).unwrap_or_default().as_secs_f64() * 1000.0;
    let seconds = time.as_secs_f64();
    let mib = |kib: u64| kib as f64 / 1024.0;
    line(&format!(
        "{end:>7}  {seconds:>6.1} s  {:>6.1}  {:>8.1}  {:>8.1}  {:>11.1}  {:>10.1}  {:>10.1}",
        runs as f64 / seconds,
        ms(50),
        ms(99),
        mib(now.service_kib),
        mib(now.keeper_kib),
        mib(now.forker_kib),
    ));
}

/// Shows what there was before and what there is now.
pub(crate) fn leftovers(before: &Footprint, after: &Footprint) {
    line(&format!("{:<28}  {:>6}  {:>6}", "THINGS", "BEFORE", "AFTER"));
    for ((name, before), (_, after)) in before.counts.iter().zip(&after.counts) {
        line(&format!("{name:<28}  {before:>6}  {after:>6}"));
    }
}

fn write(text: &str) {
    let mut out = std::io::stdout();
    // Nobody is left to tell when standard output is closed.
    _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
