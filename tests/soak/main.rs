//! Many runs on one server, of honest programs or of attacks: each ends as it must, and nothing is left over or grows.
//!
//! A program of its own instead of a test, because its length is an argument; see `scripts/soak --help`.

mod attacks;
mod footprint;
mod load;
mod options;
mod programs;
mod table;

use std::process::ExitCode;
use std::time::Duration;
use std::time::Instant;

use runbay_testkit::Launch;
use runbay_testkit::TestApp;

use self::footprint::Footprint;
use self::load::Load;
use self::options::Length;
use self::options::Options;

/// Memory may grow by this much from the first look to the last; more is a leak.
const SERVICE_GROWTH_KIB: u64 = 8 * 1024;
const FORKER_GROWTH_KIB: u64 = 1024;

/// The service remembers the events of so many executions, which fills up in a long soak, one KiB for each.
const REMEMBERED: usize = 20_000;

/// So many of the server's own complaints are shown with a stage that had failures.
const COMPLAINTS: usize = 3;

/// How long the last bay may take to go away.
const PATIENCE: Duration = Duration::from_secs(15);

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            table::line(options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(complaint) => {
            table::line(&format!("soak: {complaint}\n\n{}", options::HELP));
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let failures = runtime.block_on(soak(&options));
    for failure in &failures {
        table::line(&format!("FAILED: {failure}"));
    }
    if !failures.is_empty() {
        return ExitCode::FAILURE;
    }
    table::line("passed");
    ExitCode::SUCCESS
}

/// Does all of it and returns what was wrong.
async fn soak(options: &Options) -> Vec<String> {
    let mut app = Launch::default()
        .languages("python,javascript")
        .env("RUNBAY_SLOTS", options.at_once.to_string())
        .env("RUNBAY_SESSION_RUNS_PER_MINUTE", "1000000")
        .start()
        .await;
    let load = Load::open(&app, options).await;
    let amount = match options.load {
        Length::Runs(runs) => format!("{runs} runs"),
        Length::Attacks(time) => format!("attacks for {} s", time.as_secs()),
    };
    table::line(&format!("{amount} from {} sessions, {} at a time\n", options.sessions, options.at_once));
    // What is only made once, such as connections and the first bays, is made here.
    load.warm_up().await;
    let before = Footprint::settled(&app, |_| true).await;
    let mut failures = carry_out(&app, &load, options).await;

    // Nothing may be more than before; what still goes away has some time.
    let after = Footprint::settled(&app, |now| now.exceeding(&before).is_empty()).await;
    table::line("");
    table::leftovers(&before, &after);
    failures.extend(after.exceeding(&before).iter().map(|name| format!("more {name} than before")));
    failures.extend(load.count_executions().await.err());

    let instances = footprint::cgroup_directories(&app);
    let processes = app.processes();
    let exit = app.terminate().await;
    if !exit.status.success() {
        failures.push(format!("the server ended with {}", exit.status));
    }
    failures.extend(footprint::remaining(&processes, &instances, PATIENCE).await);
    failures
}

/// Carries out the runs in stages, with a look at the server after each.
async fn carry_out(app: &TestApp, load: &Load, options: &Options) -> Vec<String> {
    let mut failures = Vec::new();
    let mut first: Option<(usize, Footprint)> = None;
    let mut last = None;
    table::stages_header();
    let start = Instant::now();
    let mut done = 0;
    while let Some(runs) = options.load.next_stage(done, start.elapsed()) {
        let stage_start = Instant::now();
        let stage = load.run(done..done + runs).await;
        done += runs;
        let now = Footprint::settled(app, |_| true).await;
        table::stage(done, stage_start.elapsed(), &stage.times, runs, &now);
        if !stage.failures.is_empty() {
            failures.extend(stage.failures);
            failures.extend(complaints(app));
        }
        if first.is_none() && options.load.is_warm(done, start.elapsed()) {
            first = Some((done, now.clone()));
        }
        last = Some(now);
    }
    if let (Some((first_done, first)), Some(last)) = (first, last) {
        let bound = SERVICE_GROWTH_KIB + remembered_kib(first_done, done);
        failures.extend(grown("the service", first.service_kib, last.service_kib, bound));
        failures.extend(grown("the keeper", first.keeper_kib, last.keeper_kib, FORKER_GROWTH_KIB));
        failures.extend(grown("the forker", first.forker_kib, last.forker_kib, FORKER_GROWTH_KIB));
    }
    failures
}

/// Returns what the server's log said last of faults of its own.
fn complaints(app: &TestApp) -> Vec<String> {
    let lines = app.log.lines().into_iter().rev();
    let bad = lines.filter(|line| matches!(line.field("level").as_str(), Some("WARN" | "ERROR")));
    bad.take(COMPLAINTS).map(|line| format!("the server said {:.600}", line.text)).collect()
}

/// Returns how much more the service may remember at the end than at the first look; nothing in the short form.
fn remembered_kib(first_done: usize, done: usize) -> u64 {
    let more = done.min(REMEMBERED).saturating_sub(first_done.max(1000));
    u64::try_from(more).unwrap_or(0)
}

fn grown(what: &str, from_kib: u64, to_kib: u64, bound_kib: u64) -> Option<String> {
    let growth = to_kib.saturating_sub(from_kib);
    (growth > bound_kib).then(|| format!("{what} grew by {growth} KiB, at most {bound_kib} KiB are allowed"))
}
