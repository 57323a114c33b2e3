//! Everything is killed again and again, and nothing that was acknowledged is lost or told twice.
//!
//! Two apis and three workers run programs and save sessions for honest clients, while a victim is killed with SIGKILL
//! every second and started again: a worker, an api, Redis, which is empty then, or the database. `scripts/chaos` is the
//! long form.

mod client;
mod options;
mod random;
mod report;
mod saves;
mod system;
mod watcher;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::timeout;

use self::client::Client;
use self::client::Visit;
use self::options::Options;
use self::report::Report;
use self::saves::Saved;
use self::system::System;
use crate::servers::Kind;
use crate::servers::on_each_server;

on_each_server!(nothing_is_lost_while_everything_dies);

/// How often something is killed.
const PERIOD: Duration = Duration::from_secs(1);

/// Clients, each with a session that it runs again and again: more than there are slots, so that some runs wait.
const CLIENTS: usize = 50;

/// Sessions that are saved meanwhile.
const SAVED: usize = 4;

/// From the last kill to the end of all runs: some lose several workers, one after the other.
const SETTLING: Duration = Duration::from_secs(90);

/// One at a time: both together would be too much for a small machine.
static TURN: Mutex<()> = Mutex::const_new(());

async fn nothing_is_lost_while_everything_dies(kind: Kind) {
    let _turn = TURN.lock().await;
    let options = Options::from_environment();
    let start = Instant::now();
    let mut system = System::start(kind, options.seed).await;
    let client = Client::new(system.doors(), system.event_bus());
    let mut clients = JoinSet::new();
    for first in 0..CLIENTS {
        clients.spawn(Arc::clone(&client).visit((first..options.runs).step_by(CLIENTS)));
    }
    let mut savers = JoinSet::new();
    let over = Arc::new(AtomicBool::new(false));
    for _ in 0..SAVED {
        savers.spawn(Arc::clone(&client).save_until(Arc::clone(&over)));
    }
    strike_while_asked(&mut system, &client, &options).await;
    let visits = timeout(SETTLING, clients.join_all()).await;
    let visits: Vec<Visit> = visits.unwrap_or_else(|_| panic!("runs do not end; seed {}", options.seed));
    over.store(true, Ordering::Relaxed);
    let saves: Vec<Saved> = savers.join_all().await;

    let mut report = Report::default();
    report.check_rows(&system, options.runs);
    report.check_visits(&visits);
    report.check_answers(&system, &visits).await;
    report.check_saves(&system, &saves).await;
    report.check_sessions(&client, &visits).await;
    report.note_gaps(&system);
    system.end(&mut report).await;
    report.conclude(kind, &options, start.elapsed());
}

/// Kills one victim after the other until every run was acknowledged.
async fn strike_while_asked(system: &mut System, client: &Client, options: &Options) {
    let mut clock = interval(PERIOD);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    clock.tick().await;
    for _ in 0..options.most_strikes() {
        clock.tick().await;
        if client.acknowledged() == options.runs {
            return;
        }
        system.strike().await;
    }
}
