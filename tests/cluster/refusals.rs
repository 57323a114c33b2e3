//! What an operator reads who has set something up wrong; none of it shows a password.

use runbay_testkit::Cluster;
use runbay_testkit::Launch;
use runbay_testkit::MariaDbServer;
use runbay_testkit::PostgresServer;
use runbay_testkit::Redis;
use runbay_testkit::RedisServer;

use crate::servers::Kind;
use crate::servers::backend;
use crate::servers::database;
use crate::servers::sql;

/// Nobody listens there.
const NOWHERE: &str = "127.0.0.1:1";

/// Starts something that cannot work, and returns what it says; `ports` are those of this run.
pub(crate) async fn refusal(what: &str, launch: Launch, ports: &[u16]) -> String {
    let refused = launch.env("RUNBAY_LOG", "error").try_start().await.expect_err(what);
    assert_eq!(refused.status.code(), Some(2), "{what}: {}", refused.log);
    let mut text = refused.log.to_string();
    for secret in ["secret", "s3cret"] {
        assert!(!text.contains(secret), "{what}: {text}");
    }
    for port in ports {
        text = text.replace(&format!(":{port}"), ":PORT");
    }
    // The names of databases are those of this run.
    let words = text.split_inclusive(['/', ' ', '"', '\'', '`', '\n']);
    let text: String = words.map(without_number).collect();
    // PostgreSQL tells where in its own code it happened.
    let lines = text.lines().map(|line| line.rsplit_once(" at line ").map_or(line, |(line, _)| line));
    format!("{what}\n{}\n\n", lines.collect::<Vec<_>>().join("\n"))
}

/// Leaves out the number of a test's database.
fn without_number(word: &str) -> String {
    let Some(rest) = word.strip_prefix("test_") else { return word.to_owned() };
    format!("test_N{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[tokio::test]
async fn what_is_missing_or_no_address_is_named() {
    let (postgres, redis) = ("postgres://u:s3cret@127.0.0.1:1/d", "redis://:s3cret@127.0.0.1:1");
    let mut said = String::new();
    for (what, database, redis) in [
        ("no database", "", redis),
        ("SQLite", "sqlite:", redis),
        ("no Redis", postgres, ""),
        ("another kind of database", "oracle://u:s3cret@h/d", redis),
        ("no name of a database", "postgres://u:s3cret@h", redis),
        ("a password that is not escaped", "postgres://u:s3/cret@h/d", redis),
        ("an unknown parameter", "postgres://u:s3cret@h/d?ssl=s3cret", redis),
        ("another kind of queue", postgres, "amqp://u:s3cret@h"),
    ] {
        said += &refusal(what, Launch::api(database, redis), &[]).await;
    }
    said += &refusal("a worker alone", Launch::worker("", ""), &[]).await;
    let lease = Launch::api(postgres, redis).arg("--lease-seconds").arg("5");
    said += &refusal("a lease that is too short", lease, &[]).await;
    let prefix = Launch::api(postgres, redis).arg("--redis-prefix").arg("{a}");
    said += &refusal("a prefix that is none", prefix, &[]).await;
    insta::assert_snapshot!(said);
}

async fn databases(kind: Kind, port: u16) -> String {
    let redis = RedisServer::shared().await.database().await;
    let known = database(kind).await;
    let ports = [port];
    let api = |url: &str| Launch::api(url, &redis);
    let mut said = String::new();
    let wrong = known.guarded_url.replace(":secret@", ":s3cret@");
    said += &refusal("a wrong password", api(&wrong), &ports).await;
    let nowhere = known.guarded_url.replace(&format!("127.0.0.1:{port}"), NOWHERE);
    said += &refusal("nobody listens there", api(&nowhere), &ports).await;
    let (server, _) = known.url.rsplit_once('/').expect("a database");
    said += &refusal("no such database", api(&format!("{server}/test_")), &ports).await;
    said += &refusal("no rights to make tables", api(&known.reader_url), &ports).await;
    let app = api(&known.guarded_url).start().await;
    assert!(!app.log.to_string().contains("secret"), "{}", app.log);
    drop(app);
    said += &refusal("no rights to write", api(&known.reader_url), &ports).await;
    sql(&known.url, "UPDATE schema_info SET min_reader = 99");
    said += &refusal("a newer schema", api(&known.url), &ports).await;
    said
}

#[tokio::test]
async fn a_postgres_that_cannot_be_used_is_explained() {
    let port = PostgresServer::shared().await.port();
    insta::assert_snapshot!(databases(Kind::Postgres, port).await);
}

#[tokio::test]
async fn a_mariadb_that_cannot_be_used_is_explained() {
    let port = MariaDbServer::shared().await.port();
    insta::assert_snapshot!(databases(Kind::MariaDb, port).await);
}

#[tokio::test]
async fn a_redis_that_cannot_be_used_is_explained() {
    let database = database(Kind::Postgres).await.url;
    let api = |redis: &str| Launch::api(&database, redis);
    let mut said = String::new();
    let guarded = Redis::default().password("secret").start().await;
    let ports = [guarded.port()];
    let wrong = guarded.url().replace("secret", "s3cret");
    said += &refusal("a wrong password", api(&wrong), &ports).await;
    let missing = guarded.url().replace(":secret@", "");
    said += &refusal("no password", api(&missing), &ports).await;
    let worker = Launch::worker(&database, &wrong);
    let of_worker = worker.try_start().await.expect_err("a worker with a wrong password").log.to_string();
    assert!(of_worker.contains("refuses the name or the password") && !of_worker.contains("s3cret"), "{of_worker}");

    let primary = RedisServer::start().await;
    let replica = Redis::default().replica_of(&primary).start().await;
    said += &refusal("a replica", api(&replica.url()), &[replica.port()]).await;
    let required = |url: &str| api(url).arg("--require-queue");
    said += &refusal("nobody listens there", required(&format!("redis://{NOWHERE}")), &[]).await;
    let full = Redis::default().args(["--maxmemory", "1"]).start().await;
    said += &refusal("a full one", required(&full.url()), &[full.port()]).await;
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn a_redis_that_gets_full_is_told_in_the_log() {
    let (database, _) = backend(Kind::Postgres).await;
    let full = Redis::default().args(["--maxmemory", "1"]).start().await;
    let mut cluster = Cluster::new(&database, &full.url());
    cluster.apis.push(cluster.api_launch().start().await);
    let lines = cluster.apis[0].log.with_message("executions wait until Redis can be used");
    assert!(lines[0].field("error").as_str().expect("a text").contains("has no memory left: raise its maxmemory"));
}
