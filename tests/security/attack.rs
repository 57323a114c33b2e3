//! A hostile program and what may come of it.

use std::time::Duration;

use runbay_sandbox::BayLimits;
use runbay_sandbox::Clocks;
use runbay_sandbox::File;
use runbay_sandbox::Invocation;
use runbay_sandbox::Job;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Report;
use runbay_sandbox::Runtime;
use runbay_sandbox::WindowSize;
use serde_json::Value;

pub(crate) const MIB: u64 = 1024 * 1024;

/// What every program can import from `attack`.
const SUPPORT: &str = include_str!("attack.py");

/// A Python program with its input and limits.
#[derive(Debug, Clone)]
pub(crate) struct Attack {
    pub(crate) invocation: Invocation,
    pub(crate) stdin: Vec<u8>,
    pub(crate) limits: BayLimits,
    pub(crate) clocks: Clocks,
}

impl Attack {
    /// Takes the source of a program, which may be indented.
    pub(crate) fn new(source: &str) -> Self {
        let file = |name: &str, content: String| File { name: name.into(), content: content.into_bytes() };
        Self {
            invocation: Invocation {
                runtime: Runtime {
                    argv: vec!["/usr/bin/python3".to_owned()],
                    environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
                    ..Runtime::default()
                },
                job: Job {
                    files: vec![file("main.py", unindent(source)), file("attack.py", SUPPORT.to_owned())],
                    arguments: vec!["main.py".to_owned()],
                    ..Job::default()
                },
            },
            stdin: Vec::new(),
            limits: BayLimits {
                memory_bytes: 64 * MIB,
                processes: 16,
                cpu_time_ms: 10_000,
                open_files: 256,
                file_bytes: 16 * MIB,
                disk_bytes: 32 * MIB,
                inodes: 1_024,
                stack_bytes: 8 * MIB,
                data_bytes: None,
                terminal: false,
            },
            clocks: Clocks {
                wall: Duration::from_secs(60),
                cpu: Duration::from_secs(10),
                idle: None,
                stdout_bytes: 256 * 1024,
                stderr_bytes: 64 * 1024,
            },
        }
    }

    pub(crate) fn wall(mut self, wall: Duration) -> Self {
        self.clocks.wall = wall;
        self
    }

    pub(crate) fn cpu(mut self, cpu: Duration) -> Self {
        self.clocks.cpu = cpu;
        self
    }

    pub(crate) fn memory(mut self, bytes: u64) -> Self {
        self.limits.memory_bytes = bytes;
        self
    }

    /// Gives it a terminal instead of pipes.
    pub(crate) fn terminal(mut self) -> Self {
        self.limits.terminal = true;
        self.invocation.job.terminal = Some(WindowSize { columns: 80, rows: 24 });
        self
    }

    pub(crate) fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = bytes;
        self
    }
}

/// Takes the indentation of the first line with text away from all lines.
fn unindent(source: &str) -> String {
    let first = source.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let indent = &first[..first.len() - first.trim_start().len()];
    source.lines().map(|line| line.strip_prefix(indent).unwrap_or(line).to_owned() + "\n").collect()
}

/// Returns what a program said that ended well: its standard output, which has to be JSON.
pub(crate) fn answer(report: &Report) -> Value {
    assert_eq!((report.end, report.stop), (ProgramEnd::Exited(0), None), "{}", text(report));
    serde_json::from_slice(&report.stdout).unwrap_or_else(|error| panic!("{error}\n{}", text(report)))
}

/// Returns what it printed, for people who read of a failed test.
pub(crate) fn text(report: &Report) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&report.stdout), String::from_utf8_lossy(&report.stderr));
    format!(
        "{:?} {:?} {:?}\n--- stdout\n{stdout:.2000}\n--- stderr\n{stderr:.2000}",
        report.end, report.stop, report.usage
    )
}

#[test]
fn sources_lose_their_indentation_only() {
    assert_eq!(unindent("\n    if x:\n        y\n\n    z"), "\nif x:\n    y\n\nz\n");
}
