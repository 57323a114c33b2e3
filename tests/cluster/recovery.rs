//! How soon somebody else takes over what a dead worker ran.

use std::time::Duration;

use runbay_model::Timestamp;
use runbay_testkit::Cluster;
use runbay_testkit::eventually;
use serde_json::json;

use crate::servers::Kind;
use crate::servers::backend;
use crate::servers::on_each_server;
use crate::servers::sql;

const SOON: Duration = Duration::from_secs(60);

/// The promise is 15 s, with the settings that an operator gets who chooses none; a stall of the host may add to it.
const LONGEST: Duration = Duration::from_secs(30);

on_each_server!(what_a_dead_worker_ran_is_soon_run_by_another, rows_that_cannot_be_read_keep_no_slot_from_others);

async fn what_a_dead_worker_ran_is_soon_run_by_another(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let mut cluster = Cluster::new(&database, &redis).start(1, 1).await;
    let client = cluster.apis[0].client.clone();
    let body = json!({
        "language": "python",
        "source_code": "import time\ntime.sleep(1)\nprint(7)",
        "limits": {"wall_time_ms": 30_000},
    });
    let accepted = client.post("/executions", &body).await.expect(202);
    let execution = accepted["execution_id"].as_str().expect("a text").to_owned();
    eventually(SOON, "it runs", async || (client.execution(&execution).await["status"] == "RUNNING").then_some(()))
        .await;
    cluster.workers[0].kill().await;
    let died = Timestamp::now();
    cluster.workers[0].restart().await;
    let end = client.wait(&execution).await;
    assert_eq!((&end["stdout"], &end["attempt"]), (&json!("7\n"), &json!(2)), "{end:#}");

    let started = sql(&database, "SELECT started_at FROM executions");
    let gap = Timestamp::from_micros(started.parse().expect("a number")).since(died);
    #[expect(clippy::print_stdout, reason = "a figure that changes with the machine and the settings")]
    {
        println!("{kind:?}: the next attempt began {:.1} s after its worker died", gap.as_secs_f64());
    }
    assert!(gap <= LONGEST, "{gap:?}");
}

async fn rows_that_cannot_be_read_keep_no_slot_from_others(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let args = ["--slots", "1"];
    let mut cluster = Cluster::new(&database, &redis).worker_args(&args).start(1, 1).await;
    let client = cluster.apis[0].client.clone();
    cluster.workers[0].kill().await;
    // So many that one slot would be busy with them for ever if each came back after a second.
    let program = json!({"language": "python", "source_code": "print(7)"});
    for _ in 0..20 {
        client.post("/executions", &program).await.expect(202);
    }
    sql(&database, "UPDATE executions SET args = 'of a newer version'");
    // The same tenant's, so it comes after all of them.
    let accepted = client.post("/executions", &program).await.expect(202);
    cluster.workers[0].restart().await;
    assert_eq!(client.wait(accepted["execution_id"].as_str().expect("a text")).await["stdout"], "7\n");
    assert_eq!(sql(&database, "SELECT COUNT(*) FROM executions WHERE status = 'QUEUED'"), "20");
}
