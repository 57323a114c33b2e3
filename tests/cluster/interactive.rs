//! Programs that people talk to, where the api and the worker are two processes.

use std::time::Duration;

use runbay_client::EventKind;
use runbay_client::InputSender;
use runbay_client::Interaction;
use runbay_client::Received;
use runbay_testkit::Cluster;
use serde_json::json;
use tokio::time::timeout;

use crate::servers::Kind;
use crate::servers::backend;

const PATIENCE: Duration = Duration::from_secs(60);

const ECHO: &str = "import signal, sys\nsignal.signal(signal.SIGINT, lambda *_: sys.exit(print('tidy')))\n\
                    print('on', flush=True)\nfor line in sys.stdin: print('got', line, end='', flush=True)\n";

/// Takes part in an execution, and keeps what its newest attempt wrote.
struct Talk {
    id: String,
    input: InputSender,
    interaction: Interaction,
    written: String,
    resets: usize,
}

impl Talk {
    async fn start(cluster: &Cluster) -> Self {
        let client = &cluster.apis[0].client;
        let program = json!({"language": "python", "source_code": ECHO, "interactive": true});
        let accepted = client.post("/executions", &program).await.expect(202);
        let id = accepted["execution_id"].as_str().expect("an id").to_owned();
        let remote = runbay_client::Client::new(&format!("http://{}", client.address()), None).expect("a client");
        let (input, interaction) = remote.interact(id.parse().expect("an id"));
        Self { id, input, interaction, written: String::new(), resets: 0 }
    }

    /// Takes events until the program has written this, or to the end.
    async fn until(&mut self, text: Option<&str>) {
        while !text.is_some_and(|text| self.written.contains(text)) {
            let received = timeout(PATIENCE, self.interaction.next()).await.expect("an event in time");
            match received.expect("the conversation goes on") {
                Some(Received::Event(event)) => match event.kind {
                    EventKind::Output { data, .. } => self.written.push_str(&String::from_utf8_lossy(&data)),
                    EventKind::Reset { .. } => {
                        self.written.clear();
                        self.resets += 1;
                    }
                    _ => {}
                },
                Some(Received::InputInDoubt) => {}
                None => return assert_eq!(text, None, "it ended after {:?}", self.written),
            }
        }
    }
}

#[tokio::test]
async fn input_and_signals_reach_a_program_of_another_process() {
    let (database, redis) = backend(Kind::Postgres).await;
    let cluster = Cluster::new(&database, &redis).start(1, 1).await;
    let mut talk = Talk::start(&cluster).await;
    talk.input.stdin(b"first\n").await.expect("it takes input");
    talk.until(Some("got first\n")).await;
    let client = &cluster.apis[0].client;
    client.delete(&format!("/executions/{}?signal=SIGINT", talk.id)).await.expect(202);
    talk.until(None).await;
    let row = client.execution(&talk.id).await;
    let expected = "on\ngot first\ntidy\n";
    assert_eq!((&row["status"], &row["stdout"]), (&json!("CANCELLED"), &json!(expected)), "{row:#}");
    assert_eq!((talk.written.as_str(), talk.resets), (expected, 0));
}

#[tokio::test]
async fn input_reaches_the_attempt_after_one_whose_worker_died() {
    let (database, redis) = backend(Kind::Postgres).await;
    let mut cluster = Cluster::new(&database, &redis).start(1, 1).await;
    let mut talk = Talk::start(&cluster).await;
    talk.input.stdin(b"first\n").await.expect("it takes input");
    talk.until(Some("got first\n")).await;
    cluster.workers[0].kill().await;
    cluster.workers[0] = cluster.worker_launch().start().await;
    while talk.resets == 0 {
        talk.written.clear();
        talk.until(Some("on\n")).await;
    }
    talk.input.stdin(b"second\n").await.expect("it takes input");
    talk.until(Some("got second\n")).await;
    talk.input.eof().await.expect("it takes input");
    talk.until(None).await;
    assert_eq!(talk.written, "on\ngot second\n");
}
