//! Messages between processes, over a real Redis; each handle stands for a process.

use std::future::Future;
use std::future::pending;
use std::time::Duration;

use redis::FromRedisValue;
use runbay_redis::AnswerError;
use runbay_redis::AskError;
use runbay_redis::MailboxLimits;
use runbay_redis::Mailboxes;
use runbay_redis::Message;
use runbay_redis::Prefix;
use runbay_redis::ReceiveError;
use runbay_redis::Receiver;
use runbay_redis::Recipient;
use runbay_redis::Redis;
use runbay_testkit::RedisServer;
use runbay_testkit::eventually;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(60);

const LIMITS: MailboxLimits = MailboxLimits {
    messages: 4,
    bytes: 1_000,
    wait: Duration::from_secs(30),
    work: Duration::from_secs(30),
    silence: Duration::from_secs(2),
};

/// Mailboxes as another process would have them.
fn mailboxes(url: &str, limits: MailboxLimits) -> Mailboxes {
    Mailboxes::new(open(url), &Prefix::default(), "test", limits)
}

fn open(url: &str) -> Redis {
    Redis::open(url.parse().expect("an address"))
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("within the deadline")
}

async fn ask(mailboxes: &Mailboxes, recipient: Recipient<'_>, body: &str) -> Result<String, AskError> {
    let reply = soon(mailboxes.ask(recipient, body.as_bytes())).await?;
    Ok(String::from_utf8(reply).expect("a text"))
}

/// Sends a message in the background.
fn asking(mailboxes: &Mailboxes, mailbox: &'static str, body: &str) -> JoinHandle<Result<String, AskError>> {
    let (mailboxes, body) = (mailboxes.clone(), body.to_owned());
    tokio::spawn(async move { ask(&mailboxes, Recipient::Any(mailbox), &body).await })
}

async fn next(receiver: &mut Receiver) -> Message {
    soon(async {
        loop {
            if let Some(message) = receiver.next().await.expect("a Redis") {
                return message;
            }
        }
    })
    .await
}

fn body(message: &Message) -> &str {
    std::str::from_utf8(message.body()).expect("a text")
}

/// Answers messages with what they say.
fn echo(mut receiver: Receiver) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let message = next(&mut receiver).await;
            let reply = message.body().to_vec();
            message.answer(async { reply }).await.ok();
        }
    })
}

async fn query<T: FromRedisValue>(redis: &Redis, command: &[&str]) -> T {
    let mut all = redis::cmd(command[0]);
    redis.query(all.arg(&command[1..])).await.expect("an answer")
}

/// Waits until so many messages are in a mailbox.
async fn waiting(url: &str, mailbox: &str, count: usize) {
    let (redis, list) = (open(url), format!("runbay:{{mailbox:test}}:waiting:{mailbox}"));
    eventually(DEADLINE, "messages wait", async || {
        (query::<usize>(&redis, &["LLEN", &list]).await == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn any_receiver_replies() {
    let url = RedisServer::shared().await.database().await;
    let (sender, other) = (mailboxes(&url, LIMITS), mailboxes(&url, LIMITS));
    // A receiver may come later than the message.
    let early = asking(&sender, "b", "early");
    waiting(&url, "b", 1).await;
    let receivers = [echo(other.receive(["a", "b"])), echo(other.receive(["b"]))];
    assert_eq!(soon(early).await.unwrap().unwrap(), "early");
    for text in ["", "one", "w", "ž\0"] {
        assert_eq!(ask(&sender, Recipient::Any("b"), text).await.unwrap(), text);
    }
    receivers.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn messages_are_taken_in_order_and_once() {
    let url = RedisServer::shared().await.database().await;
    let (sender, other) = (mailboxes(&url, LIMITS), mailboxes(&url, LIMITS));
    let mut clients = Vec::new();
    for number in 0..4 {
        clients.push(asking(&sender, "a", &number.to_string()));
        waiting(&url, "a", number + 1).await;
    }
    let (mut one, mut two) = (other.receive(["a"]), other.receive(["a"]));
    let mut taken = Vec::new();
    for _ in 0..2 {
        taken.extend([next(&mut one).await, next(&mut two).await]);
    }
    assert_eq!(taken.iter().map(body).collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    assert!(soon(one.next()).await.unwrap().is_none() && soon(two.next()).await.unwrap().is_none());
    for message in &taken {
        message.answer(async { message.body().to_vec() }).await.unwrap();
    }
    for (number, client) in clients.into_iter().enumerate() {
        assert_eq!(soon(client).await.unwrap().unwrap(), number.to_string());
    }
}

#[tokio::test]
async fn no_more_wait_than_may_and_none_is_too_large() {
    let url = RedisServer::shared().await.database().await;
    let (sender, other) = (mailboxes(&url, LIMITS), mailboxes(&url, LIMITS));
    let clients: Vec<_> = (0..4).map(|_| asking(&sender, "a", "")).collect();
    waiting(&url, "a", 4).await;
    // One process has as many under way as it may, and the mailbox holds as many as it may.
    assert!(matches!(ask(&sender, Recipient::Any("b"), "").await, Err(AskError::Full)));
    assert!(matches!(ask(&other, Recipient::Any("a"), "").await, Err(AskError::Full)));
    clients.into_iter().for_each(|client| client.abort());
    // What was taken back makes room.
    waiting(&url, "a", 0).await;
    let error = ask(&other, Recipient::Any("a"), &"a".repeat(1_001)).await.unwrap_err();
    assert_eq!(error.to_string(), "the message has 1001 bytes, at most 1000 are allowed");
    let client = asking(&other, "a", "");
    let message = next(&mut sender.receive(["a"])).await;
    let answered = message.answer(async { vec![0; 1_001] }).await;
    assert!(matches!(answered, Err(AnswerError::TooLarge(1_001))));
    client.abort();
}

#[tokio::test]
async fn what_nobody_takes_in_time_is_not_taken_later() {
    let url = RedisServer::shared().await.database().await;
    let sender = mailboxes(&url, MailboxLimits { wait: Duration::from_millis(200), ..LIMITS });
    assert!(matches!(ask(&sender, Recipient::Any("a"), "late").await, Err(AskError::NotTaken)));
    assert!(soon(sender.receive(["a"]).next()).await.unwrap().is_none());
}

/// Begins work on a message that has no end of its own.
async fn begun(message: Message) -> JoinHandle<Result<(), AnswerError>> {
    let (begun, has_begun) = oneshot::channel();
    let working = tokio::spawn(async move {
        let work = async {
            begun.send(()).ok();
            pending().await
        };
        message.answer(work).await
    });
    soon(has_begun).await.expect("the work begins");
    working
}

#[tokio::test]
async fn a_sender_that_goes_away_ends_the_work() {
    let url = RedisServer::shared().await.database().await;
    let (sender, other) = (mailboxes(&url, LIMITS), mailboxes(&url, LIMITS));
    let client = asking(&sender, "a", "");
    let message = next(&mut other.receive(["a"])).await;
    let working = begun(message).await;
    client.abort();
    assert!(matches!(soon(working).await.unwrap(), Err(AnswerError::Gone)));
}

#[tokio::test]
async fn a_sender_that_died_ends_the_work() {
    let url = RedisServer::shared().await.database().await;
    let mailboxes = mailboxes(&url, LIMITS);
    // Written as a sender does who dies right afterwards.
    let (redis, id) = (open(&url), "b9f4e1f0-7a52-4f5b-8f4e-0f6d3a1f2c11");
    query::<()>(&redis, &["SET", &format!("runbay:{{mailbox:test}}:message:{id}"), "text"]).await;
    query::<()>(&redis, &["RPUSH", "runbay:{mailbox:test}:waiting:a", id]).await;
    let message = next(&mut mailboxes.receive(["a"])).await;
    assert_eq!(body(&message), "text");
    assert!(matches!(soon(message.answer(pending())).await, Err(AnswerError::Gone)));
}

#[tokio::test]
async fn a_receiver_that_died_is_noticed() {
    let url = RedisServer::shared().await.database().await;
    let (sender, other) = (mailboxes(&url, LIMITS), mailboxes(&url, LIMITS));
    let client = asking(&sender, "a", "");
    let message = next(&mut other.receive(["a"])).await;
    let working = begun(message).await;
    working.abort();
    assert!(matches!(soon(client).await.unwrap(), Err(AskError::Lost)));
}

#[tokio::test]
async fn long_work_is_alive_and_has_an_end() {
    let url = RedisServer::shared().await.database().await;
    let limits = MailboxLimits { work: Duration::from_secs(4), ..LIMITS };
    let (sender, other) = (mailboxes(&url, limits), mailboxes(&url, limits));
    // Longer than a silent receiver counts as there.
    let client = asking(&sender, "a", "");
    let message = next(&mut other.receive(["a"])).await;
    let work = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        b"done".to_vec()
    };
    message.answer(work).await.unwrap();
    assert_eq!(soon(client).await.unwrap().unwrap(), "done");

    let client = asking(&sender, "a", "");
    let message = next(&mut other.receive(["a"])).await;
    assert!(matches!(soon(message.answer(pending())).await, Err(AnswerError::Late)));
    assert!(matches!(soon(client).await.unwrap(), Err(AskError::Late)));
}

#[tokio::test]
async fn the_one_receiver_is_there_or_not() {
    let url = RedisServer::shared().await.database().await;
    let (sender, other) = (mailboxes(&url, LIMITS), mailboxes(&url, LIMITS));
    let run = Recipient::One("run");
    assert!(matches!(ask(&sender, run, "").await, Err(AskError::Nobody)));
    let receiver = other.receive_alone("run").await.unwrap();
    assert!(matches!(sender.receive_alone("run").await, Err(ReceiveError::Occupied)));
    sender.receive_alone("other").await.unwrap();
    let receiver = echo(receiver);
    for text in ["first line\n", "second line\n"] {
        assert_eq!(ask(&sender, run, text).await.unwrap(), text);
    }
    receiver.abort();
    eventually(DEADLINE, "the mailbox is free", async || {
        matches!(ask(&sender, run, "").await, Err(AskError::Nobody)).then_some(())
    })
    .await;
    drop(sender.receive_alone("run").await.unwrap());
}

#[tokio::test]
async fn a_mailbox_is_kept_while_its_receiver_works_and_lost_to_another_one() {
    let url = RedisServer::shared().await.database().await;
    let (mailboxes, redis) = (mailboxes(&url, LIMITS), open(&url));
    let key = "runbay:{mailbox:test}:receiver:run";
    let mut receiver = mailboxes.receive_alone("run").await.unwrap();
    // It comes back by itself after Redis has lost it.
    query::<()>(&redis, &["DEL", key]).await;
    eventually(DEADLINE, "it is renewed", async || (query::<i64>(&redis, &["PTTL", key]).await > 0).then_some(()))
        .await;
    query::<()>(&redis, &["SET", key, "another"]).await;
    let error = soon(async {
        loop {
            if let Err(error) = receiver.next().await {
                return error;
            }
        }
    })
    .await;
    assert!(matches!(error, ReceiveError::Occupied));
    // Whose it is by now keeps it.
    drop(receiver);
    mailboxes.receive_alone("other").await.unwrap();
    assert_eq!(query::<String>(&redis, &["GET", key]).await, "another");
}

#[tokio::test]
async fn nothing_stays_for_ever() {
    let server = RedisServer::start().await;
    let (sender, other) = (mailboxes(&server.url(), LIMITS), mailboxes(&server.url(), LIMITS));
    let receiver = other.receive_alone("run").await.unwrap();
    let waiting_client = asking(&sender, "a", "");
    waiting(&server.url(), "a", 1).await;
    let client = asking(&sender, "b", "");
    let message = next(&mut other.receive(["b"])).await;
    let working = tokio::spawn(async move { message.answer(pending()).await });
    let redis = open(&server.url());
    eventually(DEADLINE, "the keys", async || {
        (query::<Vec<String>>(&redis, &["KEYS", "*"]).await.len() >= 3).then_some(())
    })
    .await;
    client.abort();
    assert!(matches!(soon(working).await.unwrap(), Err(AnswerError::Gone)));
    let keys = query::<Vec<String>>(&redis, &["KEYS", "*"]).await;
    assert!(keys.len() >= 3, "{keys:?}");
    for key in keys {
        // -2 says that it is gone meanwhile.
        let left = query::<i64>(&redis, &["PTTL", &key]).await;
        assert!(left != -1 && left <= 30_000, "{key} stays for {left} ms");
    }
    waiting_client.abort();
    drop(receiver);
}

#[tokio::test]
async fn a_redis_that_is_away_is_named_and_comes_back() {
    let mut server = RedisServer::start().await;
    let mailboxes = mailboxes(&server.url(), LIMITS);
    let mut receiver = mailboxes.receive(["a"]);
    assert!(soon(receiver.next()).await.unwrap().is_none());
    server.kill();
    let error = ask(&mailboxes, Recipient::Any("a"), "").await.unwrap_err();
    let AskError::Redis(error) = error else { panic!("{error}") };
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert!(matches!(soon(receiver.next()).await, Err(ReceiveError::Redis(_))));
    server.restart().await;
    soon(async { while receiver.next().await.is_err() {} }).await;
    let receiver = echo(receiver);
    assert_eq!(ask(&mailboxes, Recipient::Any("a"), "again").await.unwrap(), "again");
    receiver.abort();
}
