use std::sync::Arc;
use std::time::Duration;

use runbay_model::Catalog;
use runbay_model::LanguageId;
use runbay_model::Timestamp;

use super::Bench;
use super::card;
use super::language;
use super::settings;
use crate::CreateSessionError;
use crate::Engine;
use crate::EngineParts;
use crate::EngineSettings;
use crate::NewSession;
use crate::Offer;
use crate::RunRequest;
use crate::WorkerCard;

impl Bench {
    /// Makes an engine that offers what the workers do.
    fn front(&self, settings: EngineSettings) -> Engine {
        Engine::new(EngineParts {
            store: self.store.clone(),
            queue: Arc::clone(&self.queue),
            events: Arc::clone(&self.events),
            offer: Offer::of_workers(),
            checker: None,
            programs: None,
            settings,
        })
    }
}

fn ids(catalog: &Catalog) -> Vec<&str> {
    catalog.languages().iter().map(|language| language.id.as_str()).collect()
}

fn serving(languages: &[(&str, &str)], started_at: i64) -> WorkerCard {
    let languages = languages.iter().map(|(id, alias)| language(id, alias)).collect();
    WorkerCard { catalog: Catalog::new(languages), started_at: Timestamp::from_micros(started_at), ..card() }
}

#[tokio::test]
async fn what_the_living_workers_serve_is_offered() {
    let bench = Bench::new().await;
    bench.kill_workers().await;
    let front = bench.front(settings());
    front.refresh_offer().await.unwrap();
    assert_eq!(ids(&front.catalog()), [] as [&str; 0]);
    let nothing = front.create_session(&bench.tenant, NewSession::default()).await;
    assert!(matches!(nothing, Err(CreateSessionError::NoLanguage)), "{nothing:?}");

    let mut old = bench.engine.lease(&serving(&[("python", "old"), ("go", "golang")], 1));
    let mut young = bench.engine.lease(&serving(&[("rust", "rs"), ("python", "young")], 2));
    old.renew().await.unwrap();
    young.renew().await.unwrap();
    front.refresh_offer().await.unwrap();
    assert_eq!(ids(&front.catalog()), ["rust", "python", "go"]);
    assert_eq!(front.catalog().find("young"), Some(&language("python", "young")), "the youngest knows best");
    front.create_session(&bench.tenant, NewSession::default()).await.unwrap();

    young.end().await.unwrap();
    front.refresh_offer().await.unwrap();
    assert_eq!(ids(&front.catalog()), ["python", "go", "rust"], "a living worker comes first");
    old.end().await.unwrap();
    bench.kill_workers().await;
    front.refresh_offer().await.unwrap();
    assert_eq!(ids(&front.catalog()), ["python", "go", "rust"], "what is accepted now waits for a worker");
}

#[tokio::test]
async fn who_is_ready_accepts_what_the_first_worker_runs() {
    let bench = Bench::new().await;
    bench.kill_workers().await;
    let front = bench.front(settings());
    assert!(!front.ready().await.has_languages);
    let mut first = bench.engine.lease(&serving(&[("python", "py")], 1));
    first.renew().await.unwrap();
    // Without waiting for the next time at which the offer is read.
    let ready = front.ready().await;
    assert!(ready.has_languages && ready.workers.is_ok_and(|workers| workers == 1));
    front.create_session(&bench.tenant, NewSession::default()).await.unwrap();
}

#[tokio::test]
async fn what_only_a_worker_that_stopped_served_is_accepted_until_its_successor_comes() {
    let bench = Bench::new().await;
    let mut only = bench.engine.lease(&serving(&[("go", "golang")], 1));
    only.renew().await.unwrap();
    only.end().await.unwrap();

    let front = bench.front(settings());
    front.refresh_offer().await.unwrap();
    assert_eq!(ids(&front.catalog()), ["python", "javascript", "go"], "also for an api that starts now");
    let request = RunRequest { language: Some("go".to_owned()), ..RunRequest::default() };
    front.submit_one_shot(&bench.tenant, request).await.unwrap();
    assert_eq!(front.queue_depth().await.unwrap(), 1);
    assert_eq!(front.workers().await.unwrap().iter().map(|row| row.id).collect::<Vec<_>>(), [bench.worker]);
    assert_eq!(front.ready().await.workers.unwrap(), 1, "who has stopped does not count");
}

#[tokio::test]
async fn an_api_that_starts_while_no_worker_lives_accepts_what_the_dead_ones_served() {
    let bench = Bench::new().await;
    let front = bench.front(EngineSettings { lease: Duration::ZERO, ..settings() });
    front.refresh_offer().await.unwrap();
    assert_eq!(front.ready().await.workers.unwrap(), 0);
    let session = front.create_session(&bench.tenant, NewSession::default()).await.unwrap();
    front.submit(&bench.tenant, session.id, RunRequest::default()).await.unwrap();
    assert_eq!(front.queue_depth().await.unwrap(), 1);
}

#[tokio::test]
async fn workers_are_listed_with_what_they_say_of_themselves() {
    let bench = Bench::new().await;
    bench.queued().await;
    let claim = bench.next().await;
    let card = WorkerCard { id: bench.worker, ..card() };
    let mut lease = bench.engine.lease(&card);
    lease.drain();
    lease.renew().await.unwrap();
    let [row] = <[_; 1]>::try_from(bench.engine.workers().await.unwrap()).unwrap();
    assert_eq!((row.id, row.name.as_str(), row.slots, row.running), (bench.worker, "host:1", 2, 1));
    assert_eq!(row.languages, ["python", "javascript"].map(LanguageId::new));
    assert!(row.is_alive && row.is_draining);
    assert_eq!(bench.engine.ready().await.workers.unwrap(), 0, "it takes nothing more");
    bench.complete(&claim).await;
    drop(claim);
    lease.renew().await.unwrap();
    assert_eq!(bench.engine.workers().await.unwrap()[0].running, 0);
}
