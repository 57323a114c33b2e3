//! A database and a data directory that let the server down.

use std::fs;
use std::fs::Permissions;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chown;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use serde_json::json;

use crate::executions::until_running;

const RECOVERY: Duration = Duration::from_secs(30);

/// Another process that has an SQLite file for itself until this is dropped.
struct Locked(Child);

impl Locked {
    fn lock(database: &Path) -> Self {
        let code = "import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute('BEGIN EXCLUSIVE')
print('locked', flush=True)
sys.stdin.read()";
        let mut command = Command::new("/usr/bin/python3");
        command.args(["-c", code]).arg(database).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3 is installed");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("a line");
        assert_eq!(line, "locked\n");
        Self(child)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("a child can be waited for");
    }
}

/// Changes an SQLite file behind the back of a stopped server.
fn execute(database: &Path, statement: &str) {
    let code = "import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection: connection.execute(sys.argv[2])";
    let status = Command::new("/usr/bin/python3")
        .args(["-c", code])
        .arg(database)
        .arg(statement)
        .status()
        .expect("python3 is installed");
    assert!(status.success());
}

/// Starts a server that has to give up, and returns what it said, with the data directory as `DATA`.
async fn refused(launch: Launch) -> String {
    let data = launch.data_directory().display().to_string();
    let Err(refused) = launch.try_start().await else {
        panic!("the server started");
    };
    assert_eq!(refused.status.code(), Some(2), "{}\n{}", refused.status, refused.log);
    let lines = refused.log.lines().into_iter().map(|line| line.text);
    let said: Vec<String> = lines.filter(|line| !line.starts_with('{')).collect();
    said.join("\n").replace(&data, "DATA")
}

async fn until_writable(app: &TestApp) {
    eventually(RECOVERY, "sessions can be opened again", async || {
        (app.client.post_nothing("/code-sessions").await.status == 201).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_locked_database_is_a_503_and_nothing_is_lost() {
    let app = Launch::default().env("RUNBAY_SLOTS", "1").start().await;
    let session = app.client.create_session("python", "import time; time.sleep(1); print('first')").await;
    let other = app.client.create_session("python", "print('second')").await;
    let first = app.client.run(&session, &json!({})).await;
    let second = app.client.run(&other, &json!({})).await;
    until_running(&app, &first).await;

    let locked = Locked::lock(&app.data_directory().join("runbay.db"));
    let path = format!("/code-sessions/{other}");
    let change = json!({"source_code": "print('never')"});
    let run = format!("{path}/run");
    let cancel = format!("/executions/{first}");
    let refused = tokio::join!(
        app.client.post_nothing("/code-sessions"),
        app.client.patch(&path, &change),
        app.client.post(&run, &change),
        app.client.delete(&cancel),
    );
    for answer in [refused.0, refused.1, refused.2, refused.3] {
        answer.expect_problem(503, "unavailable");
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
        assert!(!answer.text.to_lowercase().contains("sqlite"), "{}", answer.text);
    }
    let read = app.client.get(&path).await.expect(200);
    assert_eq!((&read["source_code"], &read["version"]), (&json!("print('second')"), &json!(1)));
    drop(locked);

    until_writable(&app).await;
    for (execution, output) in [(&first, "first\n"), (&second, "second\n")] {
        let body = app.client.wait(execution).await;
        assert_eq!((&body["status"], &body["stdout"]), (&json!("COMPLETED"), &json!(output)), "{body:#}");
        assert_eq!(body["attempt"], 1, "it was run once: {body:#}");
    }
}

#[tokio::test]
async fn a_full_disk_is_a_503_and_nothing_is_lost() {
    let app = Launch::default().disk("size=8m").start().await;
    let session = app.client.create_session("python", "import time; time.sleep(1); print('done')").await;
    let execution = app.client.run(&session, &json!({})).await;
    until_running(&app, &execution).await;

    let filler = app.seen_by_server(&app.data_directory()).join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    let big = json!({"source_code": "#".repeat(65_536)});
    let answer = eventually(RECOVERY, "the disk is full", async || {
        let answer = app.client.post("/code-sessions", &big).await;
        (answer.status != 201).then_some(answer)
    })
    .await;
    answer.expect_problem(503, "unavailable");
    assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    let save = app.client.patch(&format!("/code-sessions/{session}"), &big).await;
    save.expect_problem(503, "unavailable");
    let read = app.client.get(&format!("/code-sessions/{session}")).await.expect(200);
    assert_eq!(read["version"], 1);

    fs::remove_file(&filler).unwrap();
    until_writable(&app).await;
    let body = app.client.wait(&execution).await;
    assert_eq!((&body["status"], &body["stdout"]), (&json!("COMPLETED"), &json!("done\n")), "{body:#}");
    assert_eq!(app.client.save(&session, "print('again')").await, 2);
    assert_eq!(app.client.run_to_end("python", "print('fine')").await["stdout"], "fine\n");
}

#[tokio::test]
async fn a_data_directory_has_one_server() {
    let app = TestApp::start().await;
    let said = refused(app.launch()).await;
    insta::assert_snapshot!(said.replace(&app.pid().to_string(), "PID"), @r#"
    error: the data directory DATA is in use by another runbay (process PID)
      try: stop that one, or choose another directory with --data-dir
    "#);
    assert_eq!(app.client.run_to_end("python", "print('fine')").await["stdout"], "fine\n");
}

#[tokio::test]
async fn a_read_only_disk_is_named() {
    insta::assert_snapshot!(refused(Launch::default().disk("ro")).await, @r#"
    error: cannot lock the data directory DATA
      because: Read-only file system (os error 30)
      try: a directory that can be written, with --data-dir
    "#);
}

#[tokio::test]
async fn a_disk_without_room_is_named() {
    insta::assert_snapshot!(refused(Launch::default().disk("size=8k")).await, @r#"
    error: cannot open the database DATA/runbay.db
      because: error returned from database: (code: 13) database or disk is full
      try: make room on the disk, or choose another directory with --data-dir
    "#);
}

#[tokio::test]
async fn a_data_directory_that_is_a_link_to_nowhere_is_named() {
    let launch = Launch::default();
    symlink("/proc/nobody", launch.data_directory()).unwrap();
    insta::assert_snapshot!(refused(launch).await, @r#"
    error: the data directory DATA is not a directory
      try: another directory with --data-dir
    "#);
}

/// Belongs to nobody.
const UID: u32 = 1_879_100_100;

#[tokio::test]
async fn a_data_directory_that_may_not_be_written_is_named() {
    let launch = Launch::default().ordinary_user(UID);
    fs::create_dir(launch.data_directory()).unwrap();
    insta::assert_snapshot!(refused(launch).await, @r#"
    error: the data directory DATA belongs to another user (number 0)
      try: start it as root if it was started as root before, or give the directory to this user: sudo chown -R USER DIRECTORY
    "#);
}

#[tokio::test]
async fn a_data_directory_that_may_not_be_made_is_named() {
    let launch = Launch::default().ordinary_user(UID);
    let data = launch.data_directory();
    let parent = data.parent().unwrap();
    chown(parent, Some(0), Some(0)).unwrap();
    fs::set_permissions(parent, Permissions::from_mode(0o755)).unwrap();
    insta::assert_snapshot!(refused(launch).await, @r#"
    error: cannot make the data directory DATA
      because: Permission denied (os error 13)
      try: a directory that this user may write, with --data-dir
    "#);
}

#[tokio::test]
async fn a_data_directory_that_is_a_file_is_named() {
    let launch = Launch::default();
    fs::write(launch.data_directory(), "precious").unwrap();
    insta::assert_snapshot!(refused(launch.clone()).await, @r#"
    error: the data directory DATA is not a directory
      try: another directory with --data-dir
    "#);
    assert_eq!(fs::read_to_string(launch.data_directory()).unwrap(), "precious");
}

#[tokio::test]
async fn a_data_directory_of_others_is_named() {
    let launch = Launch::default();
    fs::create_dir(launch.data_directory()).unwrap();
    fs::write(launch.data_directory().join("thesis.odt"), "precious").unwrap();
    insta::assert_snapshot!(refused(launch).await, @r#"
    error: DATA is no data directory, it holds "thesis.odt"
      try: an empty or new directory with --data-dir; `runbay restore FILE` puts a copy of a database into it
    "#);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let mut app = TestApp::start().await;
    app.terminate().await;
    fs::write(app.data_directory().join("runbay.db"), "This is a letter. ".repeat(1000)).unwrap();
    insta::assert_snapshot!(refused(app.launch()).await, @r#"
    error: cannot open the database DATA/runbay.db
      because: error returned from database: (code: 26) file is not a database
      try: put a backup back with `runbay restore FILE`, or choose another directory with --data-dir
    "#);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_named() {
    let mut app = TestApp::start().await;
    app.terminate().await;
    let database = app.data_directory().join("runbay.db");
    // Table changes that are not known are no obstacle by themselves: two versions may run side by side.
    execute(&database, "insert into seaql_migrations values ('m9999_tomorrow', 0)");
    app.restart().await;
    app.terminate().await;
    execute(&database, "update schema_info set min_reader = 99");
    insta::assert_snapshot!(refused(app.launch()).await, @r#"
    error: the database DATA/runbay.db was changed by a newer version of runbay: only versions that know its table changes up to number 99 can use it, this one knows 8
      try: that version, or begin anew with `runbay migrate --reset`, which drops everything
    "#);
    execute(&database, "update schema_info set min_reader = 4");
    app.restart().await;
}

#[tokio::test]
async fn a_database_that_is_locked_at_the_start_is_named() {
    let mut app = TestApp::start().await;
    let session = app.client.create_session("python", "import time; time.sleep(2); print('done')").await;
    let execution = app.client.run(&session, &json!({})).await;
    until_running(&app, &execution).await;
    app.kill().await;
    let locked = Locked::lock(&app.data_directory().join("runbay.db"));
    insta::assert_snapshot!(refused(app.launch()).await, @r#"
    error: the service cannot reach its database or queue
      because: the database does not answer
      because: error returned from database: (code: 5) database is locked
      try: again once the program that has the database open has ended; fuser names it
    "#);
    drop(locked);
    app.restart().await;
    assert_eq!(app.client.wait(&execution).await["stdout"], "done\n");
}

#[tokio::test]
async fn who_loses_a_directory_to_the_account_of_the_server_is_told() {
    const OWNER: u32 = 1_879_100_001;
    let launch = Launch::default();
    let data = launch.data_directory();
    fs::create_dir(&data).unwrap();
    chown(&data, Some(OWNER), Some(OWNER)).unwrap();
    let mut app = launch.start().await;
    let said = format!("belonged to the user {OWNER} and belongs to");
    assert!(app.log.to_string().contains(&said), "{}", app.log);
    app.terminate().await;
    let refused = refused(app.launch().ordinary_user(OWNER)).await;
    let (first, rest) = refused.split_once('\n').unwrap();
    assert!(first.starts_with("error: the data directory DATA belongs to another user (number "), "{refused}");
    assert!(rest.contains("try: start it as root") && rest.contains("chown"), "{refused}");
}

#[tokio::test]
async fn two_servers_do_not_share_the_users_of_bays() {
    let first = TestApp::start().await;
    let refused = refused(Launch::default().bay_uids_of(&first)).await;
    assert!(refused.contains("another runbay on this host has") && refused.contains("--first-bay-uid"), "{refused}");
}

#[tokio::test]
async fn a_server_with_the_account_of_another_says_so() {
    let first = TestApp::start().await;
    let second = TestApp::start().await;
    let said = second.log.to_string();
    assert!(said.contains("can read the database of this server") && said.contains("--user"), "{said}");
    drop(first);
}
