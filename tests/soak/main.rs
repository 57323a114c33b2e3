//! Many runs on one server: each ends, each output is exact, and nothing is left over or grows.
//!
//! A program of its own instead of a test, because its length is an argument; see `scripts/soak --help`.

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
use self::options::Options;

/// Memory may grow by this much from the first look to the last; more is a leak.
const SERVICE_GROWTH_KIB: u64 = 8 * 1024;
const FORKER_GROWTH_KIB: u64 = 1024;

/// The service remembers the events of so many executions, which fills up in a long soak, one KiB for each.
const REMEMBERED: usize = 20_000;

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
        .env("RUNBAY_SLOTS", options.at_once.to_string())
        .env("RUNBAY_SESSION_RUNS_PER_MINUTE", "1000000")
        .start()
        .await;
    let load = Load::open(&app, options).await;
    table::line(&format!("{} runs from {} sessions, {} at a time\n", options.runs, options.sessions, options.at_once));
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
    let mut first: Option<Footprint> = None;
    table::stages_header();
    let mut done = 0;
    while done < options.runs {
        let start = Instant::now();
        let end = (done + options.stage()).min(options.runs);
        let stage = load.run(done..end).await;
        let now = Footprint::settled(app, |_| true).await;
        table::stage(end, start.elapsed(), &stage.times, end - done, &now);
        failures.extend(stage.failures);
        done = end;
        if done >= options.first_look() {
            let first = first.get_or_insert_with(|| now.clone());
            if done == options.runs {
                let bound = SERVICE_GROWTH_KIB + remembered_kib(options);
                failures.extend(grown("the service", first.service_kib, now.service_kib, bound));
                failures.extend(grown("the forker", first.forker_kib, now.forker_kib, FORKER_GROWTH_KIB));
            }
        }
    }
    failures
}

/// Returns how much more the service may remember at the end than at the first look; nothing in the short form.
fn remembered_kib(options: &Options) -> u64 {
    let more = options.runs.min(REMEMBERED).saturating_sub(options.first_look().max(1000));
    u64::try_from(more).unwrap_or(0)
}

fn grown(what: &str, from_kib: u64, to_kib: u64, bound_kib: u64) -> Option<String> {
    let growth = to_kib.saturating_sub(from_kib);
    (growth > bound_kib).then(|| format!("{what} grew by {growth} KiB, at most {bound_kib} KiB are allowed"))
}
