//! What clients share.

use std::sync::Arc;

use async_trait::async_trait;
use runbay_model::CheckReport;
use runbay_model::LanguageId;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_shares::Client;
use runbay_shares::Share;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Bench;
use super::settings;
use super::soon;
use super::source_code;
use crate::CheckError;
use crate::CheckFault;
use crate::CheckRequest;
use crate::Checker;
use crate::CreateSessionError;
use crate::EngineSettings;
use crate::ExecutionHead;
use crate::NewSession;
use crate::NoPlace;
use crate::NoRoom;
use crate::RunRequest;
use crate::StorageBounds;
use crate::SubmitError;

fn client(last: u8) -> Client {
    Client::of_address([10, 0, 0, last].into(), Share::Ordinary)
}

async fn submit(bench: &Bench, client: Client) -> Result<ExecutionHead, SubmitError> {
    let request = RunRequest { client: Some(client), ..RunRequest::default() };
    Ok(bench.engine.submit_one_shot(&bench.tenant, request).await?.into_head())
}

#[tokio::test]
async fn one_client_does_not_fill_the_queue_and_others_do_not_wait_for_all_of_it() {
    let bench = Bench::with(EngineSettings { queue_max_depth: 8, ..settings() }).await;
    let mut own = Vec::new();
    for _ in 0..4 {
        own.push(submit(&bench, client(1)).await.unwrap().id);
    }
    let refused = submit(&bench, client(1)).await.unwrap_err();
    assert!(matches!(refused, SubmitError::NoPlace(NoPlace::Share { held: 4, max: 8 })), "{refused:?}");
    let other = submit(&bench, client(2)).await.unwrap();
    let first = [bench.popped().await, bench.popped().await, bench.popped().await];
    assert_eq!(first, [own[0], own[1], other.id], "it comes after the one whose turn was the next");
}

#[tokio::test]
async fn what_leaves_the_queue_frees_its_place() {
    let bench = Bench::with(EngineSettings { queue_max_depth: 4, ..settings() }).await;
    let first = submit(&bench, client(1)).await.unwrap();
    let second = submit(&bench, client(1)).await.unwrap();
    assert!(submit(&bench, client(1)).await.is_err());
    bench.engine.cancel(&bench.tenant, second.id).await.unwrap();
    let second = submit(&bench, client(1)).await.unwrap();
    let claim = bench.next().await;
    assert_eq!(claim.execution, first.id);
    submit(&bench, client(1)).await.unwrap();
    // Another process takes one.
    assert_eq!(bench.popped().await, second.id);
    assert!(submit(&bench, client(1)).await.is_err(), "nobody has looked yet");
    bench.engine.sweep_waiting().await.unwrap();
    submit(&bench, client(1)).await.unwrap();
}

/// Checks nothing until it gets a permit.
struct Held {
    begun: Arc<Semaphore>,
    permits: Arc<Semaphore>,
}

#[async_trait]
impl Checker for Held {
    async fn check(&self, _: &TenantId, _: &LanguageId, _: &Sources) -> Result<CheckReport, CheckFault> {
        self.begun.add_permits(1);
        self.permits.acquire().await.expect("it stays open").forget();
        Ok(CheckReport { diagnostics: Vec::new(), message: None })
    }
}

#[tokio::test]
async fn checks_of_one_client_leave_turns_for_others() {
    let (begun, permits) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let checker = Held { begun: Arc::clone(&begun), permits: Arc::clone(&permits) };
    let bench = Bench::checked_by(Arc::new(checker)).await;
    let session = bench.session().await.id;
    let check = |client| {
        let (engine, tenant) = (bench.engine.clone(), bench.tenant.clone());
        let request = CheckRequest { client: Some(client), ..CheckRequest::default() };
        async move { engine.check(&tenant, session, request).await }
    };
    let mut own = JoinSet::new();
    for _ in 0..60 {
        own.spawn(check(client(1)));
    }
    let refused = soon(own.join_next()).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(refused, CheckError::Share { max: 34, .. }), "{refused:?}");
    let mut other = JoinSet::new();
    other.spawn(check(client(2)));
    // Two are under way, of which one is the other's.
    soon(begun.acquire_many(2)).await.unwrap().forget();
    permits.add_permits(2);
    assert!(soon(other.join_next()).await.unwrap().unwrap().is_ok());
    assert!(!own.is_empty());
}

#[tokio::test]
async fn what_a_client_adds_has_a_bound_and_saved_code_that_is_run_counts() {
    let storage = StorageBounds { max_bytes: None, client_hourly_bytes: Some(200_000) };
    let bench = Bench::with(EngineSettings { storage, ..settings() }).await;
    let code = source_code(&"#".repeat(60_000));
    let sources = code.applied_to(Sources::default());
    let new = |client| NewSession { sources: Some(sources.clone()), client: Some(client), ..NewSession::default() };
    let session = bench.engine.create_session(&bench.tenant, new(client(1))).await.unwrap();
    let run = RunRequest { client: Some(client(1)), ..RunRequest::default() };
    bench.engine.submit(&bench.tenant, session.id, run).await.unwrap();
    bench.engine.create_session(&bench.tenant, new(client(1))).await.unwrap();
    let refused = bench.engine.create_session(&bench.tenant, new(client(1))).await.unwrap_err();
    assert!(matches!(refused, CreateSessionError::NoRoom(NoRoom::Spent(_))), "{refused:?}");
    bench.engine.create_session(&bench.tenant, new(client(2))).await.unwrap();
}

#[tokio::test]
async fn a_database_at_its_bound_takes_nothing_new_and_runs_what_it_has() {
    let storage = StorageBounds { max_bytes: Some(400_000), client_hourly_bytes: None };
    let bench = Bench::with(EngineSettings { storage, ..settings() }).await;
    let session = bench.session().await;
    bench.engine.measure_storage().await.unwrap();
    let sources = source_code(&"#".repeat(60_000)).applied_to(Sources::default());
    let refused = loop {
        let new = NewSession { sources: Some(sources.clone()), ..NewSession::default() };
        if let Err(refused) = bench.engine.create_session(&bench.tenant, new).await {
            break refused;
        }
    };
    assert!(matches!(refused, CreateSessionError::NoRoom(NoRoom::Full { .. })), "{refused:?}");
    bench.engine.measure_storage().await.unwrap();
    bench.run(&session).await.unwrap();
}
