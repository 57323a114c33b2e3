//! Figures for docs/scale.md, to be taken by hand on a machine with nothing else to do:
//! `cargo build --release --package runbay && cargo test --release --package runbay-tests --test cluster -- --ignored --nocapture --test-threads 1 figures`

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use runbay_testkit::Client;
use runbay_testkit::Cluster;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use runbay_testkit::see_workers;
use serde_json::Value;
use serde_json::json;

use crate::servers::Kind;
use crate::servers::backend;
use crate::servers::on_each_server;
use crate::servers::sql;

on_each_server!(
    #[ignore = "figures are taken by hand"]
    throughput_by_workers,
    #[ignore = "figures are taken by hand"]
    dispatch_beside_one_process,
    #[ignore = "figures are taken by hand"]
    fifty_thousand_queued,
    #[ignore = "figures are taken by hand"]
    output_to_watcher,
);

/// How many runs a second one, two and four workers of one slot do, and where a run spends its time.
async fn throughput_by_workers(kind: Kind) {
    say(&format!("{kind:?}: workers  runs/s  queue ms  start to end ms  program ms (medians)"));
    for workers in [1, 2, 4] {
        let (database, redis) = backend(kind).await;
        let args = ["--slots", "1"];
        let cluster = Cluster::new(&database, &redis).worker_args(&args).start(1, workers).await;
        let client = &cluster.apis[0].client;
        submit(client, 40).await;
        let ids = submit(client, 400).await;
        let results = results(client, &ids).await;
        let (first, last) = (earliest(&results, "created_at"), latest(&results, "completed_at"));
        let rate = 400.0 / (last - first);
        let spent = |from: &str, to: &str| {
            median(results.iter().map(|result| 1000.0 * (seconds(&result[to]) - seconds(&result[from]))))
        };
        let program = median(results.iter().map(|result| result["execution_time_ms"].as_f64().expect("a number")));
        let (queue, run) = (spent("queued_at", "started_at"), spent("started_at", "completed_at"));
        say(&format!("{workers:>17} {rate:>7.0} {queue:>9.0} {run:>16.1} {program:>11.1}"));
    }
}

/// How long it takes from a POST to its result through api and worker, and through one process with SQLite, alternately.
async fn dispatch_beside_one_process(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let cluster = Cluster::new(&database, &redis).start(1, 1).await;
    let one = Launch::default().start().await;
    let clients = [&cluster.apis[0].client, &one.client];
    let mut total = [Vec::new(), Vec::new()];
    let mut queued = [Vec::new(), Vec::new()];
    for _ in 0..200 {
        for (index, client) in clients.into_iter().enumerate() {
            let begun = Instant::now();
            let body = client.post("/executions?wait_ms=30000", &json!({"source_code": "pass"})).await.expect(200);
            total[index].push(begun.elapsed().as_secs_f64() * 1000.0);
            queued[index].push(1000.0 * (seconds(&body["started_at"]) - seconds(&body["created_at"])));
        }
    }
    let [far, near] = total.map(|times| median(times.into_iter()));
    let [far_queue, near_queue] = queued.map(|times| median(times.into_iter()));
    say(&format!(
        "{kind:?}: POST to result {far:.1} ms, in one process {near:.1} ms; acceptance to start {far_queue:.1} and {near_queue:.1} ms (p50)"
    ));
}

/// What fifty thousand waiting runs cost: memory of the processes, the time of a submission and of a page of history, and
/// how fast a worker takes from so many: from Redis and, with the time of the claim alone, from the database.
async fn fifty_thousand_queued(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let args = ["--slots", "1"];
    let mut cluster = Cluster::new(&database, &redis).worker_args(&args).start(0, 1).await;
    let api = cluster.api_launch().arg("--queue-max-depth").arg("100000").start().await;
    see_workers(&api, 1).await;
    let client = api.client.clone();
    let session = client.create_session("python", "pass").await;
    client.run(&session, &json!({})).await;
    drop(cluster.workers.pop());
    say(&format!("{kind:?}: queued  api MiB  submit ms  page ms  worker MiB  worker runs/s  claim ms"));
    let mut queued = 0;
    for wanted in [1_000, 10_000, 50_000] {
        let begun = Instant::now();
        let added = wanted - queued;
        let mut newest = Vec::new();
        while queued < wanted {
            newest = submit(&client, 100).await;
            queued += 100;
        }
        let submit_ms = begun.elapsed().as_secs_f64() * 1000.0 / f64::from(added);
        let worker = cluster.worker_launch().start().await;
        let oldest = client.get(&format!("/executions/{}?wait_ms=100", newest[0])).await.expect(200);
        assert_eq!(oldest["status"], "QUEUED", "what came last waits behind all others");
        tokio::time::sleep(Duration::from_secs(3)).await;
        let (ended, claim_ms) = (ended(&worker), claim_ms(&worker.client).await);
        let (api_mib, worker_mib) = (memory_mib(api.process().pid), memory_mib(worker.process().pid));
        drop(worker);
        // All of them become the history of one session.
        sql(&database, "UPDATE executions SET session_id = (SELECT id FROM code_sessions) WHERE session_id IS NULL");
        let page_ms = page_ms(&client, &session).await;
        say(&format!(
            "{wanted:>15} {api_mib:>8.1} {submit_ms:>10.2} {page_ms:>8.1} {worker_mib:>11.1} {:>14.0} {claim_ms:>9.2}",
            f64::from(ended) / 3.0
        ));
    }
}

/// How long output takes from the program to a watcher: the first of each of two hundred runs, and of one program that
/// writes five hundred times; through api and worker, and through one process.
async fn output_to_watcher(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let cluster = Cluster::new(&database, &redis).start(1, 1).await;
    let one = Launch::default().start().await;
    // The clocks of the bays are those of the host.
    let now = "os.write(1, b'%d\\n' % time.time_ns())";
    let once = format!("import os, time\n{now}\n");
    let often = format!("import os, time\nfor _ in range(500):\n    {now}\n    time.sleep(0.007)\n");
    for (name, client) in [("api and worker", &cluster.apis[0].client), ("one process", &one.client)] {
        let mut first = Vec::new();
        for _ in 0..200 {
            first.extend(delays_ms(client, &once).await);
        }
        let later = delays_ms(client, &often).await;
        for (what, delays) in [("first output", first), ("later output", later)] {
            let mut sorted = delays;
            sorted.sort_by(f64::total_cmp);
            let at = |percent: usize| sorted[(sorted.len() - 1) * percent / 100];
            say(&format!(
                "{kind:?}: {what} through {name}: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms of {}",
                at(50),
                at(99),
                at(100),
                sorted.len()
            ));
        }
    }
}

/// Runs a program that writes the time, and returns how long each took to its watcher.
async fn delays_ms(client: &Client, code: &str) -> Vec<f64> {
    let accepted = client.post("/executions", &json!({"source_code": code})).await.expect(202);
    let mut stream = client.events(accepted["execution_id"].as_str().expect("an id")).await;
    let mut delays = Vec::new();
    while let Some(event) = stream.next().await {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs_f64() * 1000.0;
        if event.kind == "stdout" {
            let text = String::from_utf8(event.output()).expect("text");
            delays.extend(text.lines().map(|line| now - line.parse::<f64>().expect("a number") / 1e6));
        }
    }
    delays
}

/// Returns how long a page of a session's history takes, as a median of twenty that follow each other.
async fn page_ms(client: &Client, session: &str) -> f64 {
    let mut times = Vec::new();
    let mut cursor = String::new();
    for _ in 0..20 {
        let begun = Instant::now();
        let page = client.get(&format!("/code-sessions/{session}/executions{cursor}")).await.expect(200);
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(page["executions"].as_array().map(Vec::len), Some(20), "{page:#}");
        cursor = format!("?cursor={}", page["next_cursor"].as_str().expect("there are more"));
    }
    median(times.into_iter())
}

/// Returns how long the database took for a claim on average.
async fn claim_ms(worker: &Client) -> f64 {
    let metrics = worker.get("/metrics").await.text;
    let value = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)).expect("the metric is there");
        line.trim().parse::<f64>().expect("a number")
    };
    1000.0 * value("runbay_claim_duration_seconds_sum") / value("runbay_claim_duration_seconds_count")
}

/// Counts the runs that a worker's log says have ended.
fn ended(worker: &TestApp) -> u32 {
    let count = worker.log.to_string().matches("\"execution completed\"").count();
    u32::try_from(count).expect("a small count")
}

async fn submit(client: &Client, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let programs = vec![json!({"source_code": "print(1)"}); (count - ids.len()).min(100)];
        let body = client.post("/executions/batch", &json!({"executions": programs})).await.expect(202);
        let accepted = body["executions"].as_array().expect("a list");
        ids.extend(accepted.iter().map(|one| one["execution_id"].as_str().expect("an id").to_owned()));
    }
    ids
}

async fn results(client: &Client, ids: &[String]) -> Vec<Value> {
    let mut results = Vec::new();
    for ids in ids.chunks(100) {
        let path = format!("/executions?wait_ms=60000&ids={}", ids.join(","));
        let body = client.get(&path).await.expect(200);
        results.extend(body["executions"].as_array().expect("a list").iter().cloned());
    }
    assert!(results.iter().all(|result| result["status"] == "COMPLETED"), "all runs end well");
    results
}

fn earliest(results: &[Value], field: &str) -> f64 {
    results.iter().map(|result| seconds(&result[field])).fold(f64::INFINITY, f64::min)
}

fn latest(results: &[Value], field: &str) -> f64 {
    results.iter().map(|result| seconds(&result[field])).fold(0.0, f64::max)
}

/// Reads the time within a day of `2026-11-21T04:00:00.123Z`.
fn seconds(time: &Value) -> f64 {
    let time = time.as_str().expect("a time").split_once('T').expect("a date").1.trim_end_matches('Z');
    time.split(':').fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().expect("a number"))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn memory_mib(pid: i32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a living process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}

#[expect(clippy::print_stdout, reason = "figures are for whoever asked for them")]
fn say(line: &str) {
    println!("{line}");
}
