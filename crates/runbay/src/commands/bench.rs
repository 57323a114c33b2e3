//! `runbay bench`: what the sandbox costs on this machine, against the same programs without it.

use std::io::IsTerminal;
use std::io::Write;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use runbay_sandbox::Clocks;
use runbay_sandbox::Invocation;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Runtime;
use runbay_sandbox::Sandbox;

use crate::identity;
use crate::sandbox;
use crate::table;

/// Measure what the sandbox costs, against the same programs without it.
///
/// Both kinds take turns, so that other load on the machine meets both: compare within one table only.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// How often each program is run each way
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,

    /// Account to run as, by name or number [default: runbay, or an unused number]
    #[arg(long, env = "RUNBAY_USER", value_name = "ACCOUNT")]
    user: Option<String>,
}

/// What is run, and how long the machine rests before each run.
const CASES: &[(&str, &[&str], Duration)] = &[
    ("true", &["/usr/bin/true"], Duration::ZERO),
    ("true, after 100 ms of rest", &["/usr/bin/true"], Duration::from_millis(100)),
    ("python3 -c 'print(1)'", &["/usr/bin/python3", "-c", "print(1)"], Duration::ZERO),
    ("node -e 'console.log(1)'", &["/usr/bin/node", "-e", "console.log(1)"], Duration::ZERO),
];

impl Bench {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let launched = sandbox::start_small(Vec::new())?;
        identity::drop_rights(self.user.as_deref())?;
        let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
        let rows = runtime.block_on(async {
            let (sandbox, _) = launched.connect().await?;
            let header = ["PROGRAM", "BARE p50", "FRESH BAY p50", "p95", "MORE", "RATIO"];
            let mut rows = vec![header.map(str::to_owned).to_vec()];
            for (name, argv, rest) in CASES {
                if std::path::Path::new(argv[0]).exists() {
                    rows.push(self.measure(&sandbox, name, argv, *rest).await?);
                }
            }
            anyhow::Ok(rows)
        })?;
        table::print(&rows)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn measure(
        &self,
        sandbox: &Sandbox,
        name: &str,
        argv: &[&str],
        rest: Duration,
    ) -> anyhow::Result<Vec<String>> {
        let (mut bare, mut bays) = (Vec::new(), Vec::new());
        for round in 0..self.runs {
            progress(name, round, self.runs)?;
            tokio::time::sleep(rest).await;
            bare.push(tokio::task::block_in_place(|| run_bare(argv))?);
            tokio::time::sleep(rest).await;
            bays.push(run_in_bay(sandbox, argv).await?);
        }
        progress(name, self.runs, self.runs)?;
        let (bare_median, bay_median) = (percentile(&mut bare, 50), percentile(&mut bays, 50));
        Ok(vec![
            name.to_owned(),
            milliseconds(bare_median),
            milliseconds(bay_median),
            milliseconds(percentile(&mut bays, 95)),
            milliseconds(bay_median.saturating_sub(bare_median)),
            format!("{:.2}", bay_median.as_secs_f64() / bare_median.as_secs_f64()),
        ])
    }
}

/// Measures a program without a sandbox, from fork to its output and exit code, with an empty environment.
fn run_bare(argv: &[&str]) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let output = Command::new(argv[0]).args(&argv[1..]).env_clear().stdin(Stdio::null()).output()?;
    anyhow::ensure!(output.status.success(), "{} failed without a sandbox", argv[0]);
    Ok(start.elapsed())
}

/// Measures a program in a bay, from the request for the bay to the report; nothing is made ahead.
async fn run_in_bay(sandbox: &Sandbox, argv: &[&str]) -> anyhow::Result<Duration> {
    let runtime = Runtime { argv: argv.iter().map(ToString::to_string).collect(), ..Runtime::default() };
    let invocation = Invocation { runtime, ..Invocation::default() };
    let patience = Duration::from_secs(10);
    let clocks = Clocks { wall: patience, cpu: patience, idle: None, stdout_bytes: 4096, stderr_bytes: 4096 };
    let start = Instant::now();
    let bay = sandbox.bay(sandbox::default_bay_limits()).await?;
    let report = runbay_sandbox::run(bay, &invocation, b"", &clocks).await?;
    let time = start.elapsed();
    anyhow::ensure!(report.end == ProgramEnd::Exited(0), "{} failed in its bay: {:?}", argv[0], report.end);
    Ok(time)
}

fn progress(name: &str, done: u32, all: u32) -> std::io::Result<()> {
    let mut out = std::io::stderr();
    if !out.is_terminal() || (!done.is_multiple_of(10) && done != all) {
        return Ok(());
    }
    let end = if done == all { "\r\x1b[K" } else { "" };
    write!(out, "\r\x1b[K{name}: {done} of {all}{end}")?;
    out.flush()
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values() {
        let mut times: Vec<_> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut times, 50), Duration::from_millis(50));
        assert_eq!(percentile(&mut times, 95), Duration::from_millis(95));
        assert_eq!(percentile(&mut times[..1], 95), Duration::from_millis(1));
    }
}
