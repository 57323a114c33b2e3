//! `runbay doctor`: what this host can do, and what to do about the rest.

use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use runbay_model::Language;
use runbay_runner::Absent;
use runbay_runner::Runner;
use runbay_runner::RunnerSettings;
use runbay_sandbox::Account;
use runbay_sandbox::Clocks;
use runbay_sandbox::Invocation;
use runbay_sandbox::Isolation;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Runtime;
use runbay_sandbox::Sandbox;

use crate::host_flags::HostFlags;
use crate::identity;
use crate::sandbox;
use crate::service;
use crate::settings;
use crate::settings::ApiAccess;
use crate::settings::ExposureSettings;
use crate::settings::Given;
use crate::settings::ListenAddress;
use crate::settings::ListenSettings;
use crate::table;

/// Check whether this host can run sandboxes, and which languages it has.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    host: HostFlags,

    /// File with settings, named like the flags
    #[arg(long, env = "RUNBAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    listen: Given<ListenSettings>,

    #[command(flatten)]
    exposure: Given<ExposureSettings>,
}

/// One line of the table.
struct Finding {
    subject: String,
    state: State,
    found: String,
    advice: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// Works, but less well.
    Fair,
    Bad,
}

impl Doctor {
    /// Exits with 0 if programs can be run, else with 1.
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let file = settings::read_file(self.config.as_deref())?;
        let access = access(&self.listen.over(&file)?.address(), &self.exposure.over(&file)?);
        let mut findings = vec![kernel(), access, open_files()];
        if let Err(error) = examine(&self.host, &mut findings) {
            findings.push(Finding::bad("sandbox", &format!("{error:#}"), "see the causes above from left to right"));
        }
        let mut rows = vec![["CHECK", "STATE", "FOUND", "WHAT TO DO"].map(str::to_owned).to_vec()];
        let usable = findings.iter().all(|finding| finding.state != State::Bad);
        rows.extend(findings.into_iter().map(Finding::into_row));
        table::print(&rows)?;
        Ok(if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn examine(host: &HostFlags, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    findings.push(rights());
    let launched = sandbox::start_small(host.recipes()?)?;
    identity::drop_rights(host.user.as_deref())?;
    let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
    runtime.block_on(async {
        let (sandbox, recipes) = launched.connect().await?;
        findings.push(isolation(&sandbox));
        findings.push(first_bay(&sandbox).await);
        let (runner, absent) = Runner::probe(sandbox, recipes, RunnerSettings::default()).await;
        findings.extend(languages(&runner, &absent));
        Ok(())
    })
}

/// Says who would reach a server that is started with the same settings.
fn access(listen: &ListenAddress, access: &ApiAccess) -> Finding {
    const SUBJECT: &str = "access";
    let address = match listen.as_str().to_socket_addrs().map(|mut addresses| addresses.next()) {
        Ok(Some(address)) => address,
        Ok(None) => return Finding::bad(SUBJECT, &format!("{listen} has no address"), "another address with --listen"),
        Err(error) => return Finding::bad(SUBJECT, &format!("{listen}: {error}"), "another address with --listen"),
    };
    match service::anonymous_access(&access.exposure(address)) {
        None => Finding::good(SUBJECT, &format!("this machine only ({listen})")),
        Some(consequence) => Finding {
            subject: SUBJECT.to_owned(),
            state: State::Fair,
            found: access.public().map_or_else(|| listen.to_string(), ToString::to_string),
            advice: consequence.to_owned(),
        },
    }
}

fn rights() -> Finding {
    if Account::current().is_root() {
        return Finding::good("rights", "root, given up after the start");
    }
    Finding {
        subject: "rights".to_owned(),
        state: State::Fair,
        found: "an ordinary user".to_owned(),
        advice: "start as root, so that each bay runs as a user of its own".to_owned(),
    }
}

/// The oldest kernel that has everything that bays are built with (mount_setattr(2)).
const OLDEST_KERNEL: (u32, u32) = (5, 12);

fn kernel() -> Finding {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy().into_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= OLDEST_KERNEL {
        Finding::good("kernel", &release)
    } else {
        Finding::bad("kernel", &release, "use Linux 5.12 or newer")
    }
}

/// As many files as the whole host should be able to have open: a file that is mapped and closed takes 450 bytes of
/// its program's memory, so that one program at the default limits can hold half a million.
const ENOUGH_FILES: u64 = 16_000_000;

/// Says whether one program could use up the files that the host can have open (proc_sys_fs(5)).
fn open_files() -> Finding {
    const SUBJECT: &str = "open files";
    let text = std::fs::read_to_string("/proc/sys/fs/file-max").unwrap_or_default();
    match text.trim().parse::<u64>() {
        Ok(most) if most >= ENOUGH_FILES => Finding::good(SUBJECT, "as many as memory allows"),
        Ok(most) => Finding {
            subject: SUBJECT.to_owned(),
            state: State::Fair,
            found: format!("{most} on the whole host"),
            advice: format!("programs could take them all: sysctl fs.file-max={}", i64::MAX),
        },
        Err(_) => Finding {
            subject: SUBJECT.to_owned(),
            state: State::Fair,
            found: "unknown".to_owned(),
            advice: "make /proc/sys/fs/file-max readable".to_owned(),
        },
    }
}

fn isolation(sandbox: &Sandbox) -> Finding {
    let found = format!("{} ({})", sandbox.isolation().as_str(), sandbox.cgroups());
    match sandbox.isolation() {
        Isolation::Full => Finding::good("isolation", &found),
        Isolation::Rlimits => Finding {
            subject: "isolation".to_owned(),
            state: State::Fair,
            found,
            advice: "make the cgroup controllers cpu, memory and pids available: start as root, or delegate them"
                .to_owned(),
        },
    }
}

/// Builds a bay, runs a program in it, and says how long that took.
async fn first_bay(sandbox: &Sandbox) -> Finding {
    const SUBJECT: &str = "test program";
    let start = Instant::now();
    match run_nothing(sandbox).await {
        Ok(()) => Finding::good(SUBJECT, &format!("ran in {:.1} ms", start.elapsed().as_secs_f64() * 1000.0)),
        Err(error) => Finding::bad(SUBJECT, &format!("{error:#}"), "the text names what the kernel refused"),
    }
}

async fn run_nothing(sandbox: &Sandbox) -> anyhow::Result<()> {
    let runtime = Runtime { argv: vec!["/usr/bin/true".to_owned()], ..Runtime::default() };
    let invocation = Invocation { runtime, ..Invocation::default() };
    let second = Duration::from_secs(1);
    let clocks = Clocks { wall: second, cpu: second, idle: None, stdout_bytes: 1024, stderr_bytes: 1024 };
    let bay = sandbox.bay(sandbox::default_bay_limits()).await?;
    let report = runbay_sandbox::run(bay, &invocation, b"", &clocks).await?;
    anyhow::ensure!(report.end == ProgramEnd::Exited(0), "/usr/bin/true ended with {:?}", report.end);
    Ok(())
}

fn languages(runner: &Runner, absent: &[Absent]) -> Vec<Finding> {
    let catalog = runner.catalog();
    let finding = |language: &Language| {
        let unchecked = runner.unchecked().find(|absent| absent.language == language.id.as_str());
        match unchecked {
            None => Finding::good(&language.name, &language.version),
            Some(absent) => Finding {
                subject: language.name.clone(),
                state: State::Fair,
                found: format!("{}, without checks", language.version),
                advice: absent.why.clone(),
            },
        }
    };
    let mut findings: Vec<_> = catalog.languages().iter().map(finding).collect();
    findings.extend(absent.iter().map(|absent| Finding {
        subject: absent.language.clone(),
        // One missing language is a choice; none at all is not.
        state: if catalog.languages().is_empty() { State::Bad } else { State::Fair },
        found: "not offered".to_owned(),
        advice: absent.why.clone(),
    }));
    findings
}

impl Finding {
    fn good(subject: &str, found: &str) -> Self {
        Self { subject: subject.to_owned(), state: State::Good, found: found.to_owned(), advice: String::new() }
    }

    fn bad(subject: &str, found: &str, advice: &str) -> Self {
        Self { subject: subject.to_owned(), state: State::Bad, found: found.to_owned(), advice: advice.to_owned() }
    }

    fn into_row(self) -> Vec<String> {
        let state = match self.state {
            State::Good => "ok",
            State::Fair => "limited",
            State::Bad => "FAILED",
        };
        vec![self.subject, state.to_owned(), self.found, self.advice]
    }
}
