//! A worker that stood still for longer than its lease, such as a machine that was suspended.

use std::time::Duration;

use runbay_testkit::Client;
use runbay_testkit::Cluster;
use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use runbay_testkit::see_workers;
use serde_json::Value;
use serde_json::json;

use crate::servers::Kind;
use crate::servers::backend;
use crate::servers::on_each_server;

const SOON: Duration = Duration::from_secs(60);

/// Much less than its program would run for if nobody stopped it.
const STOPPED: Duration = Duration::from_secs(8);

/// Each attempt has a result of its own: the short ones end before the worker goes on, and of the middle ones only the
/// first attempt does.
const SHORT: &str = "import time, uuid\ntime.sleep(3)\nprint(uuid.uuid4())";
const MIDDLE: &str = "import time, uuid\ntime.sleep(8)\nprint(uuid.uuid4())";
const LONG: &str = "import time\nwhile True: time.sleep(1)";

on_each_server!(a_frozen_worker_changes_nothing_when_it_goes_on);

async fn a_frozen_worker_changes_nothing_when_it_goes_on(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let cluster = Cluster::new(&database, &redis).args(&["--lease-seconds", "6", "--heartbeat-seconds", "2"]);
    let mut cluster = cluster.worker_args(&["--slots", "6"]).start(1, 1).await;
    let client = cluster.apis[0].client.clone();
    let short = start(&client, SHORT).await;
    // Whether the worker first hears that they were taken away or reports them is left to chance.
    let mut middle = Vec::new();
    for _ in 0..4 {
        middle.push(start(&client, MIDDLE).await);
    }
    let long = start(&client, LONG).await;
    for execution in middle.iter().chain([&short, &long]) {
        until(&client, execution, "RUNNING", 1).await;
    }
    let frozen = cluster.workers.pop().expect("the first worker");
    until_programs(&frozen, 6).await;
    frozen.process().pause();

    // Another comes, and takes over what is not renewed any more.
    let other = cluster.worker_launch().start().await;
    let short_end = end_of_second(&client, &short).await;
    for execution in middle.iter().chain([&long]) {
        until(&client, execution, "RUNNING", 2).await;
    }
    // The kernel knows nothing of leases.
    until_programs(&frozen, 1).await;

    frozen.process().resume();
    eventually(STOPPED, "the stale program is stopped", async || (programs(&frozen) == 0).then_some(())).await;
    see_workers(&cluster.apis[0], 2).await;
    for execution in &middle {
        end_of_second(&client, execution).await;
    }
    // Its slots are free again by its own word, so it has reported all that it ever will.
    eventually(SOON, "only the other one runs something", async || {
        let workers = client.get("/workers").await.expect(200);
        let running = workers["workers"].as_array()?.iter().filter_map(|worker| worker["running"].as_u64());
        (running.sum::<u64>() == 1).then_some(())
    })
    .await;
    assert_eq!(client.execution(&short).await, short_end);
    for execution in middle.iter().chain([&short]) {
        assert_eq!(frozen.log.statuses(execution), ["RUNNING"], "{}", frozen.log);
    }
    assert_eq!(programs(&other), 1, "the new attempt goes on");
    until(&client, &long, "RUNNING", 2).await;
    client.delete(&format!("/executions/{long}")).await.expect(202);

    // And it is of use again.
    drop(other);
    see_workers(&cluster.apis[0], 1).await;
    assert_eq!(client.run_to_end("python", "print(7)").await["stdout"], "7\n");
}

async fn start(client: &Client, code: &str) -> String {
    let body = json!({"language": "python", "source_code": code, "limits": {"wall_time_ms": 30_000}});
    let accepted = client.post("/executions", &body).await.expect(202);
    accepted["execution_id"].as_str().expect("a text").to_owned()
}

async fn until(client: &Client, execution: &str, status: &str, attempt: u32) {
    eventually(SOON, status, async || {
        let body: Value = client.execution(execution).await;
        (body["status"] == status && body["attempt"] == attempt).then_some(())
    })
    .await;
}

/// Waits for the end of an execution, which its second attempt must have brought.
async fn end_of_second(client: &Client, execution: &str) -> Value {
    let end = client.wait(execution).await;
    assert_eq!((&end["status"], &end["attempt"]), (&json!("COMPLETED"), &json!(2)), "{end:#}");
    end
}

async fn until_programs(worker: &TestApp, count: usize) {
    eventually(SOON, "the programs run", async || (programs(worker) == count).then_some(())).await;
}

/// Counts the programs that a worker runs.
pub(crate) fn programs(worker: &TestApp) -> usize {
    worker.processes().iter().filter(|process| process.name.starts_with("python")).count()
}
