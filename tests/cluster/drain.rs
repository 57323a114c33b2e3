//! A worker that is asked to stop in the midst of work.

use std::collections::HashMap;
use std::time::Duration;

use runbay_testkit::Cluster;
use runbay_testkit::Process;
use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use runbay_testkit::see_workers;
use serde_json::json;

use crate::frozen::programs;
use crate::servers::Kind;
use crate::servers::backend;
use crate::servers::on_each_server;
use crate::servers::sql;

const SOON: Duration = Duration::from_secs(60);
const RUNS: usize = 30;

on_each_server!(
    a_worker_leaves_its_work_to_others,
    a_worker_is_stopped_together_with_its_programs,
    the_only_worker_is_restarted,
);

async fn a_worker_leaves_its_work_to_others(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let cluster = Cluster::new(&database, &redis);
    // Some programs end within a second, and the others are handed back.
    let args = ["--slots", "4", "--drain-seconds", "1"];
    let mut cluster = cluster.worker_args(&args).start(1, 2).await;
    let client = cluster.apis[0].client.clone();
    let mut executions = HashMap::new();
    for number in 0..RUNS {
        let seconds = if number % 3 != 2 { 4.0 } else { 0.2 };
        let code = format!("import time\ntime.sleep({seconds})\nprint({number})");
        let body = json!({"language": "python", "source_code": code, "limits": {"wall_time_ms": 20_000}});
        let accepted = client.post("/executions", &body).await.expect(202);
        executions.insert(accepted["execution_id"].as_str().expect("a text").to_owned(), number);
    }
    eventually(SOON, "the worker has its hands full", async || (programs(&cluster.workers[0]) == 4).then_some(()))
        .await;
    let exit = cluster.workers[0].terminate().await;
    assert!(exit.status.success(), "{}\n{}", exit.status, cluster.workers[0].log);

    for (execution, number) in &executions {
        let end = client.wait(execution).await;
        assert_eq!((&end["status"], &end["stdout"]), (&json!("COMPLETED"), &json!(format!("{number}\n"))), "{end:#}");
        assert_eq!(times_ended(&cluster.workers, execution), 1, "{execution}");
    }
    let rows = |condition: &str| sql(&database, &format!("SELECT COUNT(*) FROM executions WHERE {condition}"));
    assert_ne!(rows("attempts_returned > 0"), "0", "something was handed back");
    // None was lost on the way, so each has all the attempts that it may have.
    assert_eq!(rows("attempt - attempts_returned <> 1"), "0");
    assert_eq!(rows("status <> 'COMPLETED'"), "0");
}

/// As systemd does it by default, in whatever order; here the worker hears of it first.
async fn a_worker_is_stopped_together_with_its_programs(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let mut cluster = Cluster::new(&database, &redis).start(1, 1).await;
    let client = cluster.apis[0].client.clone();
    let code = "import time\ntime.sleep(2)\nprint(7)";
    let alone = json!({"language": "python", "source_code": code});
    let tested = json!({"language": "python", "source_code": code, "tests": [{"expected_stdout": "7"}]});
    let mut executions = Vec::new();
    for body in [alone, tested] {
        let accepted = client.post("/executions", &body).await.expect(202);
        executions.push(accepted["execution_id"].as_str().expect("a text").to_owned());
    }
    let worker = &mut cluster.workers[0];
    eventually(SOON, "both run", async || (programs(worker) == 2).then_some(())).await;
    worker.process().terminate();
    let stops = async || (!worker.log.with_message("worker stops taking executions").is_empty()).then_some(());
    eventually(SOON, "the worker stops", stops).await;
    worker.processes().iter().for_each(Process::terminate);
    let exit = worker.wait_for_exit().await;
    assert!(exit.success(), "{exit}\n{}", worker.log);
    worker.restart().await;

    assert_eq!(client.wait(&executions[0]).await["stdout"], "7\n");
    assert_eq!(client.wait(&executions[1]).await["tests_passed"], 1);
    assert_eq!(sql(&database, "SELECT COUNT(*) FROM executions WHERE attempts_returned = 1"), "2");
}

async fn the_only_worker_is_restarted(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let mut cluster = Cluster::new(&database, &redis).start(1, 1).await;
    let exit = cluster.workers[0].terminate().await;
    assert!(exit.status.success(), "{}\n{}", exit.status, cluster.workers[0].log);

    // One that starts in between knows of the language from nothing but the rows.
    cluster.apis.push(cluster.api_launch().start().await);
    let mut executions = Vec::new();
    for api in &cluster.apis {
        see_workers(api, 0).await;
        api.client.get("/readyz").await.expect_problem(503, "not_ready");
        assert_eq!(api.client.get("/workers").await.expect(200), json!({"workers": []}));
        let accepted = api.client.post("/executions", &json!({"language": "python", "source_code": "print(7)"})).await;
        executions.push(accepted.expect(202)["execution_id"].as_str().expect("a text").to_owned());
    }
    cluster.workers[0].restart().await;
    for execution in executions {
        assert_eq!(cluster.apis[0].client.wait(&execution).await["stdout"], "7\n");
    }
    see_workers(&cluster.apis[1], 1).await;
}

/// Counts how often workers say that an execution has ended.
fn times_ended(workers: &[TestApp], execution: &str) -> usize {
    let statuses = workers.iter().flat_map(|worker| worker.log.statuses(execution));
    statuses.filter(|status| status != "QUEUED" && status != "RUNNING").count()
}
