//! The tables of `docs/scale.md`.

use std::fmt::Write;
use std::path::Path;

use crate::scenario::Costs;
use crate::scenario::Mix;
use crate::scenario::Scenario;
use crate::statistics::Durations;
use crate::statistics::shown;
use crate::world::Outcome;
use crate::world::simulate;

/// The CPU time of a Python program that prints a line, with everything that Runbay does for it: two cores end 130 a
/// second.
const SHORT: f64 = 15.4;

const ALIKE: Mix = &[(1000, SHORT)];

/// Most programs are short, some compute, and one in a hundred runs until its limit of CPU time.
const MIXED: Mix = &[(950, SHORT), (40, 200.0), (10, 5000.0)];

fn scenario(machines: usize, mix: Mix, load: u32) -> Scenario {
    let costs = Costs { dispatch: 0.06, claim: 1.0, heartbeat: 2000.0, lease: 10_000.0, sweep: 2000.0, retry: 100.0 };
    Scenario { costs, machines, cores: 2, slots: 8, mix, load, duration: 0.0, seed: 1, death: None }
}

/// Simulates until about so many runs have arrived, and long ones have ended several times.
fn of_runs(mut scenario: Scenario, runs: u32) -> Outcome {
    let longest = scenario.mix[scenario.mix.len() - 1].1;
    scenario.duration = (f64::from(runs) * scenario.mean_interval()).max(8.0 * longest);
    let outcome = simulate(scenario);
    assert_eq!(outcome.finished, outcome.arrived, "every run ends");
    outcome
}

fn delay_against_load() -> String {
    let mut table = "\
| machines | load | alike: wait p99 | alike: answer p50, p99 | mixed: wait p99 | mixed: answer p50, p99 |
| ---: | ---: | ---: | ---: | ---: | ---: |
"
    .to_owned();
    for machines in [1, 10, 100] {
        for load in [500, 700, 800, 900, 950] {
            let [alike, mixed] = [ALIKE, MIXED].map(|mix| {
                let outcome = of_runs(scenario(machines, mix, load), 30_000);
                let (delays, answers) = (Durations::new(outcome.delays), Durations::new(outcome.answers));
                let [wait, middle, late] = [delays.per_mille(990), answers.per_mille(500), answers.per_mille(990)];
                format!("{} | {}, {}", shown(wait), shown(middle), shown(late))
            });
            writeln!(table, "| {machines} | {} % | {alike} | {mixed} |", load / 10).expect("a text takes all");
        }
    }
    table
}

/// What helps one machine against loops: more slots, or more cores.
fn delay_against_slots() -> String {
    let mut table = "\
| cores | slots | mixed: wait p99 | mixed: answer p50, p99 |
| ---: | ---: | ---: | ---: |
"
    .to_owned();
    for (cores, slots) in [(2, 8), (2, 12), (2, 16), (2, 32), (4, 8)] {
        let outcome = of_runs(Scenario { cores, slots, ..scenario(1, MIXED, 700) }, 30_000);
        let (delays, answers) = (Durations::new(outcome.delays), Durations::new(outcome.answers));
        let [wait, middle, late] = [delays.per_mille(990), answers.per_mille(500), answers.per_mille(990)].map(shown);
        writeln!(table, "| {cores} | {slots} | {wait} | {middle}, {late} |").expect("a text takes all");
    }
    table
}

/// A machine dies after half a minute, and another one takes its place a minute later.
fn with_a_death(machines: usize, load: u32, seed: u64) -> Outcome {
    let death = Some((30_000.0, 90_000.0));
    simulate(Scenario { death, seed, duration: 180_000.0, ..scenario(machines, MIXED, load) })
}

fn delay_against_loss() -> String {
    let mut table = "\
| machines | load | lost runs start again | wait of the others: p50, p99, longest | most in the queue |
| ---: | ---: | ---: | ---: | ---: |
"
    .to_owned();
    for machines in [2, 4, 10] {
        for load in [400, 600, 800] {
            let (mut delays, mut recoveries, mut longest_queue) = (Vec::new(), Vec::new(), 0);
            for seed in 1..=5 {
                let outcome = with_a_death(machines, load, seed);
                delays.extend(outcome.delays);
                recoveries.extend(outcome.recoveries);
                longest_queue = longest_queue.max(outcome.longest_queue);
            }
            let (delays, recoveries) = (Durations::new(delays), Durations::new(recoveries));
            let [first, last] = [0, 1000].map(|share| shown(recoveries.per_mille(share)));
            let [middle, late, longest] = [500, 990, 1000].map(|share| shown(delays.per_mille(share)));
            writeln!(
                table,
                "| {machines} | {} % | {first} to {last} | {middle}, {late}, {longest} | {longest_queue} |",
                load / 10,
            )
            .expect("a text takes all");
        }
    }
    table
}

/// Makes every table and puts it into the document; returns the names of those that have changed.
pub(crate) fn update() -> Vec<&'static str> {
    let tables = [
        ("delay against load", delay_against_load()),
        ("delay against slots", delay_against_slots()),
        ("delay against loss", delay_against_loss()),
    ];
    tables.into_iter().filter(|(name, table)| replace(name, table)).map(|(name, _)| name).collect()
}

/// Writes a table between `<!-- name -->` and `<!-- end -->`; returns whether there was another one.
fn replace(name: &str, table: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scale.md");
    let text = std::fs::read_to_string(&path).expect("the document is there");
    let (before, rest) = text.split_once(&format!("<!-- {name} -->\n")).expect("the document marks the table");
    let (written, after) = rest.split_once("<!-- end -->").expect("the document marks the table's end");
    if written == table {
        return false;
    }
    let text = format!("{before}<!-- {name} -->\n{table}<!-- end -->{after}");
    std::fs::write(&path, text).expect("the document can be written");
    true
}

/// Pollaczek and Khinchine: with one server and equal service times, the mean wait is `load / (2 (1 - load))` of them.
#[test]
fn one_core_and_one_slot_wait_as_theory_says() {
    for (load, waits) in [(500, 0.5), (800, 2.0)] {
        let mut one = scenario(1, ALIKE, load);
        (one.cores, one.slots, one.costs.dispatch, one.costs.claim) = (1, 1, 0.0, 0.0);
        let mean = Durations::new(of_runs(one, 100_000).delays).mean() / SHORT;
        assert!((mean - waits).abs() < 0.05 * waits, "{mean} service times at a load of {load}");
    }
}

#[test]
fn a_machine_that_dies_loses_no_run_and_is_missed_within_lease_and_sweep() {
    let outcome = with_a_death(4, 800, 1);
    assert!(outcome.arrived > 10_000, "{}", outcome.arrived);
    assert_eq!(outcome.finished, outcome.arrived);
    assert!(!outcome.recoveries.is_empty());
    for recovery in outcome.recoveries {
        assert!((8_000.0..15_000.0).contains(&recovery), "{recovery}");
    }
}
