//! Api and worker of a check, over a real Redis.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runbay_checks::Answering;
use runbay_checks::RemoteChecker;
use runbay_checks::answer_checks;
use runbay_engine::CheckFault;
use runbay_engine::Checker;
use runbay_model::CheckReport;
use runbay_model::LanguageId;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_redis::Prefix;
use runbay_redis::Redis;
use runbay_testkit::RedisServer;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(30);

/// Reports the code itself; `wait` never ends.
struct Echo {
    ended: mpsc::UnboundedSender<String>,
}

/// Tells when a check has ended, however it did.
struct Guard<'a>(&'a Echo, String);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.ended.send(self.1.clone()).ok();
    }
}

#[async_trait]
impl Checker for Echo {
    async fn check(&self, _: &TenantId, language: &LanguageId, sources: &Sources) -> Result<CheckReport, CheckFault> {
        let code = sources.source_code().to_owned();
        let _guard = Guard(self, code.clone());
        match code.as_str() {
            "wait" => {
                self.ended.send("begun".to_owned()).ok();
                std::future::pending().await
            }
            "busy" => Err(CheckFault::Busy),
            "fail" => Err(CheckFault::Failed("out of paper".into())),
            _ => Ok(CheckReport { diagnostics: Vec::new(), message: Some(format!("{language}: {code}")) }),
        }
    }
}

/// A worker that answers checks of Python.
struct Worker {
    ended: mpsc::UnboundedReceiver<String>,
    stop: CancellationToken,
    answering: JoinHandle<()>,
}

fn open(url: &str) -> Redis {
    Redis::open(url.parse().expect("an address"))
}

fn worker(url: &str, slots: usize) -> Worker {
    let (sender, ended) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let answering = Answering {
        redis: open(url),
        prefix: Prefix::default(),
        checker: Arc::new(Echo { ended: sender }),
        languages: vec![LanguageId::new("ruby"), LanguageId::new("python")],
        slots,
    };
    Worker { ended, stop: stop.clone(), answering: tokio::spawn(answer_checks(answering, stop)) }
}

async fn check(checker: &RemoteChecker, code: &str) -> Result<CheckReport, CheckFault> {
    let sources = Sources::single(code).expect("code");
    let (tenant, python) = (TenantId::default(), LanguageId::new("python"));
    timeout(DEADLINE, checker.check(&tenant, &python, &sources)).await.expect("within the deadline")
}

#[tokio::test]
async fn a_worker_answers() {
    let url = RedisServer::shared().await.database().await;
    let mut worker = worker(&url, 2);
    let checker = RemoteChecker::new(open(&url), &Prefix::default());
    for code in ["print(1)", "ž\n"] {
        assert_eq!(check(&checker, code).await.unwrap().message, Some(format!("python: {code}")));
    }
    assert!(matches!(check(&checker, "busy").await, Err(CheckFault::Busy)));
    let Err(CheckFault::Failed(fault)) = check(&checker, "fail").await else { panic!("it fails") };
    assert_eq!(fault.to_string(), "the worker says: out of paper");
    worker.stop.cancel();
    timeout(DEADLINE, &mut worker.answering).await.expect("it stops").unwrap();
}

#[tokio::test]
async fn without_a_worker_it_is_too_much() {
    let url = RedisServer::shared().await.database().await;
    let checker = RemoteChecker::new(open(&url), &Prefix::default());
    assert!(matches!(check(&checker, "print(1)").await, Err(CheckFault::Busy)));
    // What nobody waits for any more is not checked later.
    let mut worker = worker(&url, 1);
    check(&checker, "print(2)").await.unwrap();
    assert_eq!(worker.ended.recv().await.as_deref(), Some("print(2)"));
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_check() {
    let url = RedisServer::shared().await.database().await;
    let mut worker = worker(&url, 1);
    let checker = Arc::new(RemoteChecker::new(open(&url), &Prefix::default()));
    let asking = Arc::clone(&checker);
    let client = tokio::spawn(async move { check(&asking, "wait").await.map(drop) });
    assert_eq!(timeout(DEADLINE, worker.ended.recv()).await.unwrap().as_deref(), Some("begun"));
    client.abort();
    assert_eq!(timeout(DEADLINE, worker.ended.recv()).await.unwrap().as_deref(), Some("wait"));
    // Its slot is free again.
    check(&checker, "print(1)").await.unwrap();
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let url = RedisServer::shared().await.database().await;
    let checker = Arc::new(RemoteChecker::new(open(&url), &Prefix::default()));
    let other = RemoteChecker::new(open(&url), &Prefix::default());
    let waiting: Vec<_> = (0..64)
        .map(|_| {
            let checker = Arc::clone(&checker);
            tokio::spawn(async move { check(&checker, "print(1)").await.is_ok() })
        })
        .collect();
    runbay_testkit::eventually(DEADLINE, "the list is full", async || {
        let length = redis::cmd("LLEN").arg("runbay:{mailbox:checks}:waiting:python").to_owned();
        let length: usize = open(&url).query(&length).await.ok()?;
        (length == 64).then_some(())
    })
    .await;
    assert!(matches!(check(&other, "print(1)").await, Err(CheckFault::Busy)));
    for client in waiting {
        client.abort();
    }
}

#[tokio::test]
async fn a_redis_that_is_away_is_named() {
    let mut server = RedisServer::start().await;
    let checker = RemoteChecker::new(open(&server.url()), &Prefix::default());
    server.kill();
    let Err(CheckFault::Failed(fault)) = check(&checker, "print(1)").await else { panic!("it fails") };
    let cause = std::error::Error::source(&*fault).expect("a cause").to_string();
    assert!(cause.contains("cannot be reached"), "{cause}");
}
