//! What is left of shared servers when the test process ends.

use std::env;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use runbay_testkit::MariaDbServer;
use runbay_testkit::PostgresServer;
use runbay_testkit::Process;
use runbay_testkit::RedisServer;
use runbay_testkit::SharedServers;
use runbay_testkit::descendants;
use runbay_testkit::eventually;

const DEADLINE: Duration = Duration::from_secs(60);

/// A process that holds all shared servers.
struct Holder {
    child: Child,
    /// Kept open for what it writes at its end.
    output: BufReader<ChildStdout>,
    servers: Vec<Process>,
    directories: Vec<PathBuf>,
}

impl Holder {
    fn start() -> Self {
        let mut command = Command::new(env::current_exe().expect("a test has an executable"));
        command.args(["--exact", "hold_shared_servers", "--ignored", "--nocapture"]);
        SharedServers::conceal(&mut command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a test can be started");
        let mut output = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut line = String::new();
        let pids: Vec<i32> = loop {
            line.clear();
            assert_ne!(output.read_line(&mut line).expect("readable output"), 0, "the test ended");
            if let Some(pids) = line.strip_prefix("started ") {
                break pids.split_whitespace().map(|pid| pid.parse().expect("a pid")).collect();
            }
        };
        let directories = pids.iter().map(|pid| fs::read_link(format!("/proc/{pid}/cwd")).expect("a running server"));
        let directories = directories.collect();
        let main = pids.iter().map(|pid| Process::find(*pid).expect("a running server"));
        let servers = main.chain(pids.iter().flat_map(|pid| descendants(*pid))).collect();
        Self { child, output, servers, directories }
    }

    async fn expect_nothing_left(self) {
        // One for Redis, one for MariaDB, and PostgreSQL's family.
        assert!(self.servers.len() > 3);
        eventually(DEADLINE, "all servers are gone", async || {
            self.servers.iter().all(|server| !server.is_alive()).then_some(())
        })
        .await;
        eventually(DEADLINE, "all directories are gone", async || {
            self.directories.iter().all(|directory| !directory.exists()).then_some(())
        })
        .await;
    }
}

#[tokio::test]
#[ignore = "started by the other tests"]
async fn hold_shared_servers() {
    let (postgres, mariadb, redis) =
        (PostgresServer::shared().await, MariaDbServer::shared().await, RedisServer::shared().await);
    println!("\nstarted {} {} {}", postgres.pid(), mariadb.pid(), redis.pid());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[tokio::test]
async fn nothing_is_left_after_the_last_test() {
    let mut holder = Holder::start();
    drop(holder.child.stdin.take());
    let mut rest = String::new();
    holder.output.read_to_string(&mut rest).unwrap();
    assert!(holder.child.wait().unwrap().success(), "{rest}");
    holder.expect_nothing_left().await;
}

#[tokio::test]
async fn nothing_is_left_of_killed_tests() {
    let mut holder = Holder::start();
    holder.child.kill().unwrap();
    holder.child.wait().unwrap();
    holder.expect_nothing_left().await;
}
