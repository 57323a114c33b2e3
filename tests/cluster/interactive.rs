//! Programs that people talk to, where the api and the worker are two processes.

use std::time::Duration;

use runbay_client::EventKind;
use runbay_client::InputSender;
use runbay_client::Interaction;
use runbay_client::Received;
use runbay_testkit::Cluster;
use serde_json::Value;
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
    /// How often the connection was replaced after input was sent.
    doubts: usize,
}

impl Talk {
    async fn start(cluster: &Cluster) -> Self {
        Self::with_program(cluster, ECHO, json!({"interactive": true})).await
    }

    async fn with_program(cluster: &Cluster, code: &str, how: Value) -> Self {
        let client = &cluster.apis[0].client;
        let mut program = json!({"language": "python", "source_code": code});
        program.as_object_mut().expect("an object").extend(how.as_object().expect("an object").clone());
        let accepted = client.post("/executions", &program).await.expect(202);
        let id = accepted["execution_id"].as_str().expect("an id").to_owned();
        let remote = runbay_client::Client::new(&format!("http://{}", client.address()), None).expect("a client");
        let (input, interaction) = remote.interact(id.parse().expect("an id"));
        Self { id, input, interaction, written: String::new(), resets: 0, doubts: 0 }
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
                Some(Received::InputInDoubt) => self.doubts += 1,
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

#[tokio::test]
async fn signals_and_sizes_reach_a_program_of_another_process_beside_its_input() {
    let (database, redis) = backend(Kind::Postgres).await;
    let cluster = Cluster::new(&database, &redis).start(1, 1).await;
    let code = "import os, signal\n\
        signal.signal(signal.SIGUSR1, lambda *_: print('caught', flush=True))\n\
        signal.signal(signal.SIGWINCH, lambda *_: print('size', *os.get_terminal_size(), flush=True))\n\
        print('ready')\n";
    let mut talk = Talk::with_program(&cluster, code, json!({"repl": true, "tty": true})).await;
    talk.until(Some("ready\r\n")).await;
    talk.until(Some(">>> ")).await;
    talk.input.signal("SIGUSR1").await.expect("it takes signals");
    talk.until(Some("caught\r\n")).await;
    talk.input.resize(101, 33).await.expect("it takes sizes");
    talk.until(Some("size 101 33\r\n")).await;
    talk.input.stdin(b"import time; time.sleep(3600)\r").await.expect("it takes input");
    talk.until(Some("(3600)\r\n")).await;
    talk.input.stdin(b"\x03").await.expect("it takes input");
    talk.until(Some("KeyboardInterrupt")).await;
    // Python that is left right after an interrupt ends by SIGINT.
    talk.input.stdin(b"40 + 2\r").await.expect("it takes input");
    talk.until(Some("42\r\n")).await;
    talk.input.stdin(b"\x04").await.expect("it takes input");
    talk.until(None).await;
    let row = cluster.apis[0].client.execution(&talk.id).await;
    assert_eq!(row["status"], "COMPLETED", "{row:#}");
}

#[tokio::test]
async fn much_input_comes_back_from_another_process() {
    let (database, redis) = backend(Kind::Postgres).await;
    let cluster = Cluster::new(&database, &redis).start(1, 1).await;
    let code = "import os\nwhile data := os.read(0, 9999): os.write(1, data)\n";
    let mut talk = Talk::with_program(&cluster, code, json!({"interactive": true})).await;
    let text: String = (0..100_000).map(|number| format!("{number}\n")).collect();
    let input = talk.input.clone();
    let send = async {
        input.stdin(text.as_bytes()).await.expect("it takes input");
        input.eof().await.expect("it takes input");
    };
    tokio::join!(send, talk.until(None));
    assert!(talk.written == text, "{} bytes of {}", talk.written.len(), text.len());
    assert_eq!(talk.resets, 0);
}

#[tokio::test]
async fn a_signal_reaches_the_attempt_after_one_that_was_handed_back() {
    let (database, redis) = backend(Kind::Postgres).await;
    let cluster = Cluster::new(&database, &redis).worker_args(&["--drain-seconds", "1"]);
    let mut cluster = cluster.start(1, 1).await;
    let mut talk = Talk::start(&cluster).await;
    talk.input.stdin(b"first\n").await.expect("it takes input");
    talk.until(Some("got first\n")).await;
    cluster.workers.push(cluster.worker_launch().start().await);
    cluster.workers[0].terminate().await;
    while talk.resets == 0 {
        talk.written.clear();
        talk.until(Some("on\n")).await;
    }
    // Unlike input, a signal is not kept until it arrives.
    talk.input.signal("SIGINT").await.expect("it takes signals");
    talk.until(None).await;
    assert_eq!((talk.written.as_str(), talk.doubts), ("on\ntidy\n", 0));
}
