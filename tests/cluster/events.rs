//! Watchers while apis, workers and Redis die.

use std::time::Duration;

use runbay_testkit::Client;
use runbay_testkit::Cluster;
use runbay_testkit::Followed;
use runbay_testkit::RedisServer;
use runbay_testkit::eventually;
use serde_json::Value;
use serde_json::json;

use crate::servers::Kind;
use crate::servers::backend;
use crate::servers::database;

const SOON: Duration = Duration::from_secs(60);

/// Writes for three seconds, to both streams.
const WRITER: &str = "import os, time\nfor number in range(300):\n    \
    os.write(1, f'{number} žluť\\n'.encode())\n    \
    if number % 5 == 0: os.write(2, f'{number}\\n'.encode())\n    time.sleep(0.01)\n";

async fn submit(client: &Client, code: &str) -> String {
    let body = json!({"language": "python", "source_code": code, "limits": {"wall_time_ms": 30_000}});
    let accepted = client.post("/executions", &body).await.expect(202);
    accepted["execution_id"].as_str().expect("a text").to_owned()
}

fn assert_written(row: &Value) {
    let stdout: String = (0..300).map(|number| format!("{number} žluť\n")).collect();
    assert_eq!((&row["status"], &row["stdout"]), (&json!("COMPLETED"), &json!(stdout)), "{row:#}");
}

/// Takes events over one stream until the client has so many bytes of standard output.
async fn take_bytes(client: &Client, execution: &str, followed: &mut Followed, bytes: usize) {
    let mut stream = client.events_after(execution, followed.last_id).await;
    while followed.stdout.len() < bytes {
        followed.take(&stream.next().await.expect("the program goes on"));
    }
}

#[tokio::test]
async fn an_api_that_dies_costs_a_watcher_nothing() {
    let (database, redis) = backend(Kind::Postgres).await;
    let mut cluster = Cluster::new(&database, &redis).start(2, 1).await;
    let clients = [0, 1].map(|api| cluster.apis[api].client.clone());
    let execution = submit(&clients[0], WRITER).await;
    let mut followed = Followed::default();
    // From one to the other, and back.
    for (visit, bytes) in (1..20).map(|visit| visit * 50).enumerate() {
        take_bytes(&clients[visit % 2], &execution, &mut followed, bytes).await;
    }
    let mut stream = clients[0].events_after(&execution, followed.last_id).await;
    followed.take(&stream.next().await.expect("the program goes on"));
    cluster.apis[0].kill().await;
    followed.follow(&mut stream).await.ok();
    assert_eq!(followed.result, None);
    let followed = clients[1].follow_on(&execution, followed).await;
    let row = clients[1].execution(&execution).await;
    followed.assert_is(&row);
    assert_written(&row);
    assert_eq!(followed.resets, 0, "the other api has every event");
    // The number of the result is good at any api.
    cluster.apis[0].restart().await;
    let again = cluster.apis[0].client.events_after(&execution, followed.last_id).await.all().await;
    assert_eq!(again.last().expect("a result").data, row);
}

#[tokio::test]
async fn a_worker_that_dies_leads_to_a_reset_and_the_output_of_the_next_attempt() {
    let (database, redis) = backend(Kind::Postgres).await;
    let cluster = Cluster::new(&database, &redis).args(&["--lease-seconds=3", "--heartbeat-seconds=1"]);
    let mut cluster = cluster.start(1, 1).await;
    let client = cluster.apis[0].client.clone();
    let execution = submit(&client, WRITER).await;
    let mut followed = Followed::default();
    take_bytes(&client, &execution, &mut followed, 500).await;
    let watching = {
        let (client, execution) = (client.clone(), execution.clone());
        tokio::spawn(async move { client.follow(&execution).await })
    };
    cluster.workers[0].kill().await;
    cluster.workers[0].restart().await;
    let stayed = watching.await.expect("the watcher does not fail");
    let returned = client.follow_on(&execution, followed).await;
    let row = client.execution(&execution).await;
    assert_written(&row);
    assert_eq!(row["attempt"], 2);
    for followed in [stayed, returned] {
        followed.assert_is(&row);
        assert_eq!(followed.resets, 1);
        assert_eq!(followed.statuses, ["QUEUED", "RUNNING", "QUEUED", "RUNNING", "COMPLETED"]);
    }
}

#[tokio::test]
async fn whatever_redis_forgets_watchers_end_with_everything() {
    let database = database(Kind::Postgres).await.url;
    let mut redis = RedisServer::start().await;
    let cluster = Cluster::new(&database, &redis.url()).start(1, 1).await;
    let client = cluster.apis[0].client.clone();
    for is_restarted in [false, true] {
        let execution = submit(&client, WRITER).await;
        let mut watching = Vec::new();
        for bytes in [0, 300, 600] {
            let mut followed = Followed::default();
            take_bytes(&client, &execution, &mut followed, bytes).await;
            let (client, execution) = (client.clone(), execution.clone());
            watching.push(tokio::spawn(async move { client.follow_on(&execution, followed).await }));
        }
        let mut away = Followed::default();
        take_bytes(&client, &execution, &mut away, 900).await;
        if is_restarted {
            redis.kill();
            redis.restart().await;
        } else {
            assert_eq!(redis.ask("FLUSHALL").await, "+OK\r\n");
        }
        let late = client.follow_on(&execution, Followed::default()).await;
        let away = client.follow_on(&execution, away).await;
        let row = client.execution(&execution).await;
        assert_written(&row);
        for watching in watching {
            watching.await.expect("the watcher does not fail").assert_is(&row);
        }
        late.assert_is(&row);
        away.assert_is(&row);
        eventually(SOON, "it is ready", async || (client.get("/readyz").await.status == 200).then_some(())).await;
    }
}

#[tokio::test]
async fn redis_may_forget_a_run_before_it_writes_anything() {
    let database = database(Kind::Postgres).await.url;
    let redis = RedisServer::start().await;
    let cluster = Cluster::new(&database, &redis.url()).start(1, 1).await;
    let client = cluster.apis[0].client.clone();
    let execution = submit(&client, &format!("import time\ntime.sleep(1)\n{WRITER}")).await;
    let mut stream = client.events(&execution).await;
    let mut followed = Followed::default();
    for _ in 0..2 {
        followed.take(&stream.next().await.expect("an event"));
    }
    drop(stream);
    assert_eq!(redis.ask("FLUSHALL").await, "+OK\r\n");
    // It comes back when the numbers that it has are given again.
    let mut other = Followed::default();
    take_bytes(&client, &execution, &mut other, 100).await;
    let followed = client.follow_on(&execution, followed).await;
    let row = client.execution(&execution).await;
    followed.assert_is(&row);
    assert_written(&row);
}
