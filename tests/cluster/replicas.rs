//! Copies of a database and of a Redis, which are read, and which take over when the original dies.

use std::time::Duration;

use runbay_testkit::Client;
use runbay_testkit::Cluster;
use runbay_testkit::Postgres;
use runbay_testkit::PostgresServer;
use runbay_testkit::Redis;
use runbay_testkit::RedisServer;
use runbay_testkit::TcpProxy;
use runbay_testkit::eventually;
use runbay_testkit::see_workers;
use serde_json::json;

use crate::servers::Kind;
use crate::servers::database;

const SOON: Duration = Duration::from_secs(60);

/// More than one worker's two slots hold, so that some wait in the queue while others run.
const RUNS: usize = 12;

/// Accepts runs that end a little later.
async fn accept_runs(client: &Client) -> Vec<String> {
    let mut executions = Vec::new();
    for number in 0..RUNS {
        let source_code = format!("import time\ntime.sleep(0.2)\nprint({number})");
        let body = json!({"language": "python", "source_code": source_code});
        let accepted = client.post("/executions", &body).await.expect(202);
        executions.push(accepted["execution_id"].as_str().expect("a text").to_owned());
    }
    executions
}

/// Waits until the runs of [`accept_runs`] have ended as they should.
async fn see_outputs(client: &Client, executions: &[String]) {
    for (number, execution) in executions.iter().enumerate() {
        let end = client.wait(execution).await;
        assert_eq!(end["stdout"], format!("{number}\n"), "{end:#}");
    }
}

async fn see_ready(client: &Client) {
    eventually(SOON, "it is ready", async || (client.get("/readyz").await.status == 200).then_some(())).await;
}

#[tokio::test]
async fn lists_come_from_a_replica_that_may_lag_or_be_away() {
    let primary = PostgresServer::start().await;
    let database = primary.database().await.url;
    let mut replica = Postgres::default().replica_of(&primary).start().await;
    let read_url = database.replace(&format!(":{}/", primary.port()), &format!(":{}/", replica.port()));
    let redis = RedisServer::shared().await.database().await;
    let cluster = Cluster::new(&database, &redis);
    let worker = cluster.worker_launch().start().await;
    let api = cluster.api_launch().env("RUNBAY_DATABASE_READ_URL", &read_url).start().await;
    see_workers(&api, 1).await;
    let client = &api.client;
    // Until it has the tables, it cannot give any list.
    let listed = async || Some(client.get("/code-sessions").await.json()["sessions"].as_array()?.len());

    client.create_session("python", "print(7)").await;
    eventually(SOON, "the replica has the session", async || (listed().await == Some(1)).then_some(())).await;
    replica.administer("SELECT pg_wal_replay_pause()").await;
    let session = client.create_session("python", "print(8)").await;
    assert_eq!(listed().await, Some(1), "the replica stands still");
    // All else comes from the primary.
    client.get(&format!("/code-sessions/{session}")).await.expect(200);
    let execution = client.run(&session, &json!({})).await;
    assert_eq!(client.wait(&execution).await["stdout"], "8\n");
    replica.administer("SELECT pg_wal_replay_resume()").await;
    eventually(SOON, "the replica has both", async || (listed().await == Some(2)).then_some(())).await;

    replica.kill();
    client.get("/code-sessions").await.expect_problem(503, "unavailable");
    assert_eq!(client.run_to_end("python", "print(9)").await["stdout"], "9\n");
    replica.restart().await;
    eventually(SOON, "lists are back", async || (listed().await == Some(3)).then_some(())).await;
    drop(worker);
}

#[tokio::test]
async fn a_promoted_replica_has_all_that_was_acknowledged() {
    // Each commit waits until a replica has it.
    let mut primary = Postgres::default().args(["-c", "synchronous_standby_names=*"]).start().await;
    let replica = Postgres::default().replica_of(&primary).start().await;
    let proxy = TcpProxy::start(primary.port()).await;
    let database = proxy.reroute(&primary.database().await.url);
    let redis = RedisServer::shared().await.database().await;
    let cluster = Cluster::new(&database, &redis).start(1, 1).await;
    let client = &cluster.apis[0].client;
    let session = client.create_session("python", "print(7)").await;
    let version = client.save(&session, "print(8)").await;
    let executions = accept_runs(client).await;

    primary.kill();
    replica.administer("SELECT pg_promote()").await;
    proxy.lead_to(replica.port());
    see_ready(client).await;
    see_outputs(client, &executions).await;
    let saved = client.get(&format!("/code-sessions/{session}")).await.expect(200);
    assert_eq!((&saved["source_code"], &saved["version"]), (&json!("print(8)"), &json!(version)));
    assert_eq!(client.run_to_end("python", "print(9)").await["stdout"], "9\n");
}

#[tokio::test]
async fn a_promoted_redis_goes_on_with_the_queue() {
    let database = database(Kind::Postgres).await.url;
    let mut primary = RedisServer::start().await;
    let replica = Redis::default().replica_of(&primary).start().await;
    let proxy = TcpProxy::start(primary.port()).await;
    let cluster = Cluster::new(&database, &proxy.reroute(&primary.url())).start(1, 1).await;
    let client = &cluster.apis[0].client;
    let executions = accept_runs(client).await;

    eventually(SOON, "the replica has keys", async || (replica.ask("DBSIZE").await != ":0\r\n").then_some(())).await;
    primary.kill();
    // For a moment the address leads to a server that can only be read.
    proxy.lead_to(replica.port());
    let meanwhile = accept_runs(client).await;
    replica.promote().await;
    see_ready(client).await;
    see_outputs(client, &executions).await;
    see_outputs(client, &meanwhile).await;
}
