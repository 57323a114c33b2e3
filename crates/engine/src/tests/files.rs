use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use runbay_model::Session;
use runbay_model::Sources;
use tokio::runtime::Runtime;

use super::Bench;
use super::files;
use super::settings;
use super::soon;
use super::source_code;
use crate::CodeChange;
use crate::EngineSettings;
use crate::Pace;
use crate::RunRequest;
use crate::SessionChange;

fn change(code: CodeChange) -> SessionChange {
    SessionChange { code: Some(code), ..SessionChange::default() }
}

fn numbered(number: u32) -> Sources {
    let text = number.to_string();
    files(&[("main.py", &text), ("lib.py", &text), ("data/numbers.txt", &text)])
}

/// Returns the number that all files of a program hold.
fn number(sources: &Sources) -> u32 {
    let number = sources.source_code();
    assert_eq!(sources.others().len(), 2);
    for file in sources.others() {
        assert_eq!(file.content, number.as_bytes(), "files of two saves in one program");
    }
    number.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_never_takes_older_files_than_those_that_were_acknowledged() {
    const SAVES: u32 = 200;
    let pace = Pace { runs_per_minute: 0, cooldown: Duration::ZERO };
    let bench = Bench::with(EngineSettings { pace, ..settings() }).await;
    let session = bench.session().await;
    let save = |number| change(CodeChange::Files(numbered(number)));
    bench.engine.save_session(&bench.tenant, session.id, save(0)).await.unwrap();
    let acknowledged = Arc::new(AtomicU32::new(0));
    let saving = tokio::spawn({
        let (engine, tenant, acknowledged) = (bench.engine.clone(), bench.tenant.clone(), Arc::clone(&acknowledged));
        async move {
            for number in 1..=SAVES {
                engine.save_session(&tenant, session.id, save(number)).await.unwrap();
                acknowledged.store(number, Ordering::SeqCst);
            }
        }
    });
    let mut all_saved = false;
    while !all_saved {
        all_saved = saving.is_finished();
        let before = acknowledged.load(Ordering::SeqCst);
        let execution = bench.run(&session).await.unwrap();
        let taken = number(&bench.input(execution.id).await.sources);
        assert!(taken >= before, "files {taken} were run although {before} were acknowledged");
        let claim = bench.next().await;
        assert_eq!(*claim.input, bench.input(execution.id).await);
        bench.complete(&claim).await;
    }
    soon(saving).await.unwrap();
}

/// A change of a session, and whether it comes with a run.
#[derive(Debug, Clone)]
enum Step {
    Save(CodeChange),
    Run(Option<CodeChange>),
}

fn a_change() -> impl Strategy<Value = CodeChange> {
    let name = prop::sample::select(vec!["a.py", "b.py", "lib/a.py"]);
    let names = prop::sample::subsequence(vec!["a.py", "b.py", "lib/a.py", "data"], 1..=4).prop_shuffle();
    let some_files = (names, "[ab]{0,2}").prop_map(|(names, content)| {
        let named: Vec<_> = names.iter().map(|name| (*name, content.as_str())).collect();
        CodeChange::Files(files(&named))
    });
    let renamed = (name, "[ab]{0,2}").prop_map(|(name, content)| CodeChange::Files(files(&[(name, &content)])));
    let plain = "[ab]{0,2}".prop_map(|code| CodeChange::Files(Sources::single(code).unwrap()));
    prop_oneof![some_files, renamed, plain, "[ab]{0,2}".prop_map(|code| source_code(&code))]
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![a_change().prop_map(Step::Save), prop::option::of(a_change()).prop_map(Step::Run)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_saved_last_is_what_runs(steps in prop::collection::vec(a_step(), 1..12)) {
        Runtime::new().unwrap().block_on(async {
            let bench = Bench::new().await;
            let opened = bench.session().await;
            let (mut expected, mut version) = (opened.sources.clone(), opened.version);
            for step in steps {
                let (Step::Save(code) | Step::Run(Some(code))) = &step else {
                    assert_eq!(run(&bench, &opened, None).await, expected);
                    continue;
                };
                version += u64::from(code.changes(&expected));
                expected = code.clone().applied_to(expected);
                match step {
                    Step::Save(code) => {
                        bench.engine.save_session(&bench.tenant, opened.id, change(code)).await.unwrap();
                    }
                    Step::Run(code) => assert_eq!(run(&bench, &opened, code).await, expected),
                }
                let session = bench.engine.session(&bench.tenant, opened.id).await.unwrap();
                assert_eq!((session.version, &session.sources), (version, &expected));
            }
        });
    }
}

/// Runs a session to the end and returns what the worker got.
async fn run(bench: &Bench, session: &Session, code: Option<CodeChange>) -> Sources {
    let request = RunRequest { code, ..RunRequest::default() };
    bench.engine.submit(&bench.tenant, session.id, request).await.unwrap();
    let claim = bench.next().await;
    bench.complete(&claim).await;
    claim.input.sources.clone()
}
