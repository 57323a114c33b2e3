//! The private Redis as tests use it.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use runbay_testkit::Process;
use runbay_testkit::Redis;
use runbay_testkit::RedisServer;

/// Sends one inline command and returns the first line of the answer.
fn ask(server: &RedisServer, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port()))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

#[tokio::test]
async fn a_restarted_server_is_empty_on_the_same_port() {
    let mut redis = RedisServer::start().await;
    let url = redis.url();
    assert_eq!(ask(&redis, "SET key value").unwrap(), "+OK");
    redis.kill();
    ask(&redis, "PING").unwrap_err();
    redis.restart().await;
    assert_eq!(ask(&redis, "EXISTS key").unwrap(), ":0");
    redis.stop().await;
    ask(&redis, "PING").unwrap_err();
    redis.restart().await;
    assert_eq!(ask(&redis, "PING").unwrap(), "+PONG");
    assert_eq!(redis.url(), url);
}

#[tokio::test]
async fn a_paused_server_says_nothing() {
    let redis = RedisServer::start().await;
    redis.pause();
    ask(&redis, "PING").unwrap_err();
    redis.resume();
    assert_eq!(ask(&redis, "PING").unwrap(), "+PONG");
}

#[tokio::test]
async fn databases_have_numbers_of_their_own() {
    let redis = RedisServer::shared().await;
    let (one, two) = (redis.database().await, redis.database().await);
    assert_ne!(one, two);
    assert!(one.starts_with(&redis.url()));
    // The highest number that the server knows.
    assert_eq!(ask(redis, "SELECT 1000").unwrap(), "+OK");
}

#[tokio::test]
async fn nothing_is_left_of_a_dropped_server() {
    let redis = RedisServer::start().await;
    let process = Process::find(redis.pid()).unwrap();
    let directory = std::fs::read_link(format!("/proc/{}/cwd", redis.pid())).unwrap();
    assert!(process.is_alive() && directory.exists());
    drop(redis);
    assert!(!process.is_alive() && !directory.exists());
}

#[tokio::test]
async fn variants_refuse_what_they_should() {
    let guarded = Redis::default().password("secret").start().await;
    assert!(ask(&guarded, "PING").unwrap().starts_with("-NOAUTH"));
    assert!(guarded.url().starts_with("redis://:secret@127.0.0.1:"));

    let full = Redis::default().args(["--maxmemory", "1"]).start().await;
    assert!(ask(&full, "SET key value").unwrap().starts_with("-OOM"));

    let primary = RedisServer::start().await;
    let replica = Redis::default().replica_of(&primary).start().await;
    assert!(ask(&replica, "SET key value").unwrap().starts_with("-READONLY"));
}

#[tokio::test]
#[should_panic(expected = "redis ended: exit status: 1\n\n*** FATAL CONFIG FILE ERROR")]
async fn a_server_that_cannot_start_shows_its_log() {
    Redis::default().args(["--maxmemory", "plenty"]).start().await;
}
