//! `runbay backup` beside a server that is written all the time, and `runbay restore`.

use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use runbay_testkit::binary;
use runbay_testkit::eventually;
use serde_json::json;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// How long a copy may take on a busy machine.
const COPYING: Duration = Duration::from_secs(120);

/// The newest version of each session that the server has acknowledged.
type Versions = HashMap<String, u64>;

async fn runbay(command: &str, file: &Path, data: &Path) -> Output {
    let mut process = Command::new(binary());
    process.arg(command).arg(file).arg("--data-dir").arg(data).env_clear().kill_on_drop(true);
    tokio::time::timeout(COPYING, process.output()).await.expect("it ends").expect("the binary starts")
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Reads a copy with another SQLite than that of the product.
async fn read_copy(file: &Path) -> Versions {
    let code = "import json, sqlite3, sys, uuid
connection = sqlite3.connect(sys.argv[1])
assert connection.execute('PRAGMA integrity_check').fetchone() == ('ok',)
rows = connection.execute('SELECT id, version FROM code_sessions')
name = lambda id: str(uuid.UUID(bytes=id) if isinstance(id, bytes) else uuid.UUID(id))
print(json.dumps({name(id): version for id, version in rows}))";
    let output =
        Command::new("/usr/bin/python3").args(["-c", code]).arg(file).output().await.expect("python3 is installed");
    serde_json::from_str(&succeeded(&output)).expect("the script prints JSON")
}

/// Opens sessions and saves each of them once a second until the set is dropped.
async fn save_all_the_time(app: &TestApp, sessions: u32, saved: &Arc<Mutex<Versions>>) -> JoinSet<()> {
    let mut opened = Vec::new();
    for _ in 0..sessions {
        opened.push(app.client.create_session("python", "").await);
    }
    saved.lock().expect("nobody panics with it").extend(opened.iter().map(|session| (session.clone(), 1)));
    let mut saving = JoinSet::new();
    for session in opened {
        let (client, saved) = (app.client.clone(), Arc::clone(saved));
        saving.spawn(async move {
            let mut pace = tokio::time::interval(Duration::from_secs(1));
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                pace.tick().await;
                let next = saved.lock().expect("nobody panics with it")[&session] + 1;
                let body = json!({"source_code": format!("print({next})\n# {}", "x".repeat(500))});
                let answer = client.patch(&format!("/code-sessions/{session}"), &body).await;
                // A slow disk has all of them wait at the same time, and one client may not.
                if answer.status == 429 {
                    continue;
                }
                let version = answer.expect(200)["version"].as_u64().expect("a save answers a version");
                saved.lock().expect("nobody panics with it").insert(session.clone(), version);
            }
        });
    }
    saving
}

#[tokio::test]
async fn each_copy_has_all_that_was_acknowledged_before_it_began() {
    let sessions = 1000;
    let app = TestApp::start().await;
    let saved = Arc::new(Mutex::new(Versions::new()));
    let saving = save_all_the_time(&app, sessions, &saved).await;
    let directory = tempfile::tempdir().unwrap();
    let mut last = PathBuf::new();
    for number in 0..10 {
        let acknowledged = saved.lock().expect("nobody panics with it").clone();
        last = directory.path().join(format!("{number}.db"));
        let said = succeeded(&runbay("backup", &last, &app.data_directory()).await);
        assert!(said.contains(&format!("holds {sessions} sessions")), "{said}");
        let copied = read_copy(&last).await;
        for (session, version) in acknowledged {
            assert!(copied[&session] >= version, "copy {number} has {} of {version}", copied[&session]);
        }
        eventually(COPYING, "more is saved", async || {
            let now: u64 = saved.lock().expect("nobody panics with it").values().sum();
            (now > copied.values().sum()).then_some(())
        })
        .await;
    }
    drop(saving);
    let launch = Launch::default();
    succeeded(&runbay("restore", &last, &launch.data_directory()).await);
    let expected = read_copy(&last).await;
    let second = launch.start().await;
    for (session, version) in expected.into_iter().take(20) {
        let body = second.client.get(&format!("/code-sessions/{session}")).await.expect(200);
        assert_eq!(body["version"], version);
        let saved_text = body["source_code"].as_str().unwrap();
        assert!(version == 1 || saved_text.starts_with(&format!("print({version})\n")), "{saved_text}");
    }
}

#[tokio::test]
async fn a_copy_is_put_back_only_where_no_server_runs() {
    let mut app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy.db");
    succeeded(&runbay("backup", &copy, &app.data_directory()).await);
    let refused = refusal(&runbay("restore", &copy, &app.data_directory()).await);
    assert!(refused.contains("is in use by another runbay"), "{refused}");
    let refused = refusal(&runbay("backup", &copy, &app.data_directory()).await);
    assert!(refused.contains("cannot make") && refused.contains("try: another name"), "{refused}");

    app.client.save(&session, "print(2)").await;
    app.terminate().await;
    let said = succeeded(&runbay("restore", &copy, &app.data_directory()).await);
    assert!(said.contains("What was there is in"), "{said}");
    app.restart().await;
    let body = app.client.get(&format!("/code-sessions/{session}")).await.expect(200);
    assert_eq!((&body["source_code"], &body["version"]), (&json!("print(1)"), &json!(1)));
    // The server writes it on, whoever has put it there.
    assert_eq!(app.client.save(&session, "print(3)").await, 2);
}

#[tokio::test]
async fn the_next_step_is_about_the_place_that_failed() {
    let app = TestApp::start().await;
    let full = refusal(&runbay("backup", Path::new("/proc/copy"), &app.data_directory()).await);
    assert!(full.contains("cannot make /proc/copy") && full.contains("try: a name for the new file"), "{full}");
    // A copy that is of no use leaves nothing behind.
    let place = tempfile::tempdir().unwrap();
    let (text, data) = (place.path().join("text"), place.path().join("data"));
    std::fs::write(&text, "no database").unwrap();
    let refused = refusal(&runbay("restore", &text, &data).await);
    assert!(refused.contains("try: another copy") && !data.exists(), "{refused}");
}

#[tokio::test]
async fn a_directory_with_a_copy_alone_is_served() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let launch = Launch::default();
    std::fs::create_dir(launch.data_directory()).unwrap();
    succeeded(&runbay("backup", &launch.data_directory().join("runbay.db"), &app.data_directory()).await);
    let second = launch.start().await;
    second.client.get(&format!("/code-sessions/{session}")).await.expect(200);
}

#[tokio::test]
async fn servers_have_programs_of_their_own_for_this() {
    let mut process = Command::new(binary());
    process.args(["backup", "copy.db", "--database-url", "postgres://h/d"]).env_clear();
    let refused = refusal(&process.output().await.unwrap());
    assert!(refused.contains("pg_dump"), "{refused}");
}
