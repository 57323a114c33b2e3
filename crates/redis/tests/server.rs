//! What is said about servers that cannot be used, and what happens when one goes and comes.

use std::future::Future;
use std::time::Duration;

use runbay_redis::Advice;
use runbay_redis::Error;
use runbay_redis::Prefix;
use runbay_redis::Redis;
use runbay_redis::Trouble;
use runbay_testkit::RedisServer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(30);

fn open(url: &str) -> Redis {
    Redis::open(url.parse().expect("an address"))
}

async fn check(url: &str) -> Result<runbay_redis::Checked, Error> {
    soon(open(url).check(&Prefix::default())).await
}

async fn refused(url: &str) -> Trouble {
    let error = check(url).await.expect_err("it cannot be used");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    error.trouble
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("within the deadline")
}

async fn ping(redis: &Redis) -> Result<String, Error> {
    soon(redis.query(&redis::cmd("PING"))).await
}

/// Calls until it works.
async fn back(redis: &Redis) {
    soon(async {
        while ping(redis).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_usual_server_is_fine() {
    let server = RedisServer::start().await;
    let checked = check(&server.url()).await.unwrap();
    assert!(checked.version.is_some());
    assert_eq!(checked.advice, []);
}

#[tokio::test]
async fn a_server_that_may_drop_keys_is_worth_a_word() {
    let limits = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let server = runbay_testkit::Redis::default().args(limits).start().await;
    let advice = check(&server.url()).await.unwrap().advice;
    assert_eq!(advice, [Advice::Eviction { policy: "allkeys-lru".to_owned() }]);
}

#[tokio::test]
async fn passwords_are_asked_for_and_checked() {
    let server = runbay_testkit::Redis::default().password("right").start().await;
    let port = server.port();
    assert_eq!(refused(&format!("redis://127.0.0.1:{port}")).await, Trouble::PasswordMissing);
    assert_eq!(refused(&format!("redis://:s3cret@127.0.0.1:{port}")).await, Trouble::PasswordWrong);
    assert_eq!(refused(&format!("redis://nobody:s3cret@127.0.0.1:{port}")).await, Trouble::PasswordWrong);
    check(&server.url()).await.unwrap();
}

#[tokio::test]
async fn rights_are_checked() {
    let server = RedisServer::start().await;
    let admin = open(&server.url());
    for (name, rules) in [
        ("reader", vec!["~*", "&*", "+@read", "+info"]),
        ("elsewhere", vec!["~other:*", "&*", "+@all"]),
        ("deaf", vec!["~*", "resetchannels", "+@all"]),
        ("modest", vec!["~runbay:*", "&runbay:*", "+@all", "-info"]),
    ] {
        let mut command = redis::cmd("ACL");
        command.arg("SETUSER").arg(name).arg("on").arg(">s3cret").arg(rules);
        admin.query::<()>(&command).await.unwrap();
    }
    let url = |name| format!("redis://{name}:s3cret@127.0.0.1:{}", server.port());
    for name in ["reader", "elsewhere", "deaf"] {
        let trouble = refused(&url(name)).await;
        assert!(matches!(trouble, Trouble::NotPermitted(_)), "{name}: {trouble:?}");
    }
    assert_eq!(check(&url("modest")).await.unwrap().advice, [Advice::Unseen]);
}

#[tokio::test]
async fn a_replica_is_refused() {
    let primary = RedisServer::start().await;
    let replica = runbay_testkit::Redis::default().replica_of(&primary).start().await;
    assert_eq!(refused(&replica.url()).await, Trouble::Replica);
    // At once, also where nothing is written.
    assert_eq!(ping(&open(&replica.url())).await.expect_err("no connection").trouble, Trouble::Replica);
}

#[tokio::test]
async fn a_full_server_is_refused() {
    let server = runbay_testkit::Redis::default().args(["--maxmemory", "1"]).start().await;
    assert_eq!(refused(&server.url()).await, Trouble::Full);
}

#[tokio::test]
async fn a_node_of_a_cluster_is_refused() {
    let server = runbay_testkit::Redis::default().args(["--cluster-enabled", "yes"]).start().await;
    assert_eq!(refused(&server.url()).await, Trouble::Cluster);
}

#[tokio::test]
async fn what_does_not_speak_tls_is_refused() {
    let server = RedisServer::start().await;
    let trouble = refused(&format!("rediss://:s3cret@127.0.0.1:{}", server.port())).await;
    assert!(matches!(trouble, Trouble::Away(_) | Trouble::Silent), "{trouble:?}");
}

#[tokio::test]
async fn what_is_no_redis_or_an_old_one_is_refused() {
    let old = refused(&speaker("-ERR unknown command 'HELLO', with args beginning with: '3'\r\n").await).await;
    assert!(matches!(old, Trouble::TooOld(_)), "{old:?}");
    for text in ["HTTP/1.1 400 Bad Request\r\n\r\n", "", "*1000000000\r\n", "$-7\r\n", "+OK\r\n:1\r\n"] {
        // Whatever it says, it is told in time.
        refused(&speaker(text).await).await;
    }
}

/// Starts something that answers every command with the same text.
async fn speaker(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = [0; 4_096];
                while let Ok(length @ 1..) = stream.read(&mut asked).await {
                    let commands = 1 + asked[..length].windows(3).filter(|bytes| bytes == b"\r\n*").count();
                    if stream.write_all(text.repeat(commands).as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    format!("redis://:s3cret@127.0.0.1:{port}")
}

#[tokio::test]
async fn a_server_that_went_is_found_again_when_it_comes_back() {
    let mut server = RedisServer::start().await;
    let redis = open(&server.url());
    ping(&redis).await.unwrap();
    server.kill();
    let error = ping(&redis).await.expect_err("it is away");
    assert!(matches!(error.trouble, Trouble::Away(_)), "{error}");
    server.restart().await;
    back(&redis).await;
}

#[tokio::test]
async fn a_silent_server_does_not_hold_up_calls() {
    let server = RedisServer::start().await;
    let redis = open(&server.url());
    ping(&redis).await.unwrap();
    server.pause();
    for _ in 0..3 {
        let error = ping(&redis).await.expect_err("it is silent");
        assert_eq!(error.trouble, Trouble::Silent);
    }
    assert_eq!(refused(&server.url()).await, Trouble::Silent);
    server.resume();
    back(&redis).await;
}

#[tokio::test]
async fn a_primary_that_became_a_replica_is_told_apart_from_one_that_is_away() {
    let server = RedisServer::start().await;
    let redis = open(&server.url());
    back(&redis).await;
    let mut write = redis::cmd("SET");
    write.arg("runbay:test").arg(1);
    assert_eq!(server.ask("REPLICAOF 127.0.0.1 1").await, "+OK\r\n");
    let error = redis.query::<()>(&write).await.expect_err("it is a replica");
    assert_eq!(error.trouble, Trouble::Replica);
    server.promote().await;
    back(&redis).await;

    assert_eq!(server.ask("REPLICAOF 127.0.0.1 1").await, "+OK\r\n");
    let mut transaction = redis::pipe();
    transaction.atomic().set("runbay:test", 1).set("runbay:test", 2);
    let error = redis.pipeline::<()>(&transaction).await.expect_err("it is a replica");
    assert_eq!(error.trouble, Trouble::Replica);
    server.promote().await;
    back(&redis).await;
    redis.query::<()>(&write).await.unwrap();
}
