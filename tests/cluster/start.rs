//! Many processes that start at once.

use runbay_testkit::Cluster;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use tokio::task::JoinSet;

use crate::servers::Kind;
use crate::servers::backend;
use crate::servers::on_each_server;
use crate::servers::sql;

on_each_server!(processes_that_start_at_once_make_the_tables_once);

async fn processes_that_start_at_once_make_the_tables_once(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let cluster = Cluster::new(&database, &redis);
    let launches: Vec<Launch> = (0..4).map(|_| cluster.api_launch()).chain([cluster.worker_launch()]).collect();
    let mut starting: JoinSet<TestApp> = launches.into_iter().map(Launch::start).collect();
    let mut started = Vec::new();
    while let Some(app) = starting.join_next().await {
        started.push(app.expect("it starts"));
    }
    let applied = sql(&database, "SELECT COUNT(*), COUNT(DISTINCT version) FROM seaql_migrations");
    let counts: Vec<_> = applied.split(['|', '\t']).collect();
    assert_eq!(counts[0], counts[1], "each step once");
    for app in &started {
        app.client.get("/healthz").await.expect(200);
    }
}
