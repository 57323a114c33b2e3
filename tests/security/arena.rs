//! A sandbox of its own for each test.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use runbay_runner::Recipe;
use runbay_sandbox::Bay;
use runbay_sandbox::BayLimits;
use runbay_sandbox::Configuration;
use runbay_sandbox::Keeper;
use runbay_sandbox::Report;
use runbay_sandbox::RunError;
use runbay_sandbox::Sandbox;
use runbay_sandbox::Users;
use runbay_testkit::bay_uids;
use runbay_testkit::binary;
use runbay_testkit::eventually;
use runbay_testkit::skip;
use tokio::sync::RwLock;
use tokio::sync::RwLockReadGuard;
use tokio::sync::RwLockWriteGuard;

use crate::attack::Attack;
use crate::attack::answer;
use crate::traces::Traces;

/// How long things may take that should happen at once, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The most bays of an arena that are alive at one time.
const MAX_BAYS: u32 = 16;

/// The same for one with room for crowds.
pub(crate) const CROWD: u32 = 256;

/// A sandbox whose traces on the host can be told from those of others.
pub(crate) struct Arena {
    pub(crate) sandbox: Sandbox,
    pub(crate) traces: Traces,
    forker_fds: usize,
    pub(crate) machine_use: MachineUse,
}

/// The right to use the machine, with others or alone.
#[expect(dead_code, reason = "the guards are held for what their drop does")]
pub(crate) enum MachineUse {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

/// Tests that compare CPU times write-lock it; all others of this process share it.
static MACHINE: RwLock<()> = RwLock::const_new(());

/// Where a runner gives each test a process of its own, its group of tests that it runs alone.
const GROUP: &str = "alone";

impl Arena {
    /// Starts keeper and forker, and runs one harmless program, after which nothing may grow.
    pub(crate) async fn open() -> Self {
        Self::open_by(keeper).await
    }

    /// Does so while no other test uses the machine.
    pub(crate) async fn open_alone() -> Self {
        Self::open_with(keeper, plain(MAX_BAYS), MachineUse::alone().await).await
    }

    /// Does so with what programs in a language need.
    pub(crate) async fn open_for_language(recipe: &Recipe) -> Self {
        let configuration = Configuration {
            mounts: recipe.mounts.clone(),
            support_files: recipe.support_files.clone(),
            ..plain(MAX_BAYS)
        };
        Self::open_with(keeper, configuration, MachineUse::Shared(MACHINE.read().await)).await
    }

    /// Does so with room for [`CROWD`] bays at one time.
    pub(crate) async fn open_for_crowd() -> Self {
        Self::open_with(keeper, plain(CROWD), MachineUse::alone().await).await
    }

    /// Does so with another way to start the keeper, whose first argument has to be the name that is given.
    pub(crate) async fn open_by(keeper: impl FnOnce(&str) -> Command) -> Self {
        Self::open_with(keeper, plain(MAX_BAYS), MachineUse::Shared(MACHINE.read().await)).await
    }

    async fn open_with(
        keeper: impl FnOnce(&str) -> Command,
        mut configuration: Configuration,
        machine_use: MachineUse,
    ) -> Self {
        let uids = 2 * configuration.max_bays;
        let first_uid = bay_uids(uids);
        let name = format!("arena-{first_uid}");
        if is_root() {
            configuration.users = Users::Range { first_uid };
        }
        let keeper = Keeper::launch(keeper(&name), &configuration).expect("the keeper can be launched");
        let sandbox = Sandbox::connect(keeper).await.expect("this host can build sandboxes");
        let traces = Traces::find(name, first_uid..first_uid + uids);
        let mut arena = Self { sandbox, traces, forker_fds: 0, machine_use };
        arena.run(&Attack::new("print('warm')")).await;
        arena.quiet().await;
        arena.forker_fds = arena.traces.forker_fds();
        arena
    }

    /// Runs a program.
    pub(crate) async fn run(&self, attack: &Attack) -> Report {
        self.try_run(attack).await.expect("the program can be run")
    }

    pub(crate) async fn try_run(&self, attack: &Attack) -> Result<Report, RunError> {
        let bay = self.bay(attack.limits).await;
        runbay_sandbox::run(bay, &attack.invocation, &attack.stdin, &attack.clocks).await
    }

    pub(crate) async fn bay(&self, limits: BayLimits) -> Bay {
        self.sandbox.bay(limits).await.expect("a bay can be had")
    }

    /// Waits until a program in a bay has called `ready()`.
    pub(crate) async fn ready(&self) {
        self.ready_in(1).await;
    }

    /// Waits until programs in as many bays have.
    pub(crate) async fn ready_in(&self, bays: usize) {
        let ready = async || {
            let programs = self.traces.programs();
            let ready = programs.iter().filter(|program| program.name == "ready");
            // Each bay has a user of its own.
            let users =
                ready.filter_map(|program| Some(std::fs::metadata(format!("/proc/{}", program.pid)).ok()?.uid()));
            (users.collect::<BTreeSet<_>>().len() >= bays).then_some(())
        };
        eventually(PATIENCE, "programs are ready", ready).await;
    }

    /// Waits until no bay is left.
    pub(crate) async fn quiet(&self) {
        let gone = async || (self.traces.programs().is_empty() && self.traces.bay_cgroups() <= 1).then_some(());
        eventually(PATIENCE, "all bays are gone", gone).await;
    }

    /// Asserts that nothing of the bays is left, ends the sandbox, and asserts that nothing of that is left either.
    pub(crate) async fn close(self) {
        self.quiet().await;
        // At the start the forker may not have closed all that belonged to the first bay.
        let fds = async || (self.traces.forker_fds() <= self.forker_fds).then_some(());
        eventually(PATIENCE, "the forker has closed what belonged to bays", fds).await;
        assert_eq!(self.traces.own_pipes(), 0, "the service has closed what belonged to bays");
        drop(self.sandbox);
        vanish(&self.traces).await;
    }
}

impl MachineUse {
    /// Waits until no other test uses the machine.
    async fn alone() -> Self {
        // The lock ends with the process.
        let group = std::env::var("NEXTEST_TEST_GROUP").ok();
        assert!(group.is_none_or(|group| group == GROUP), "the test belongs to {GROUP} in .config/nextest.toml");
        Self::Alone(MACHINE.write().await)
    }
}

/// Bays with the host's /usr and nothing else.
fn plain(max_bays: u32) -> Configuration {
    Configuration { users: Users::Own, max_bays, mounts: Vec::new(), support_files: Vec::new() }
}

fn keeper(name: &str) -> Command {
    let mut command = Command::new(binary());
    command.arg0(name).arg("sandbox-keeper");
    command
}

/// What some tests need of the host besides a sandbox.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Need {
    /// Limits and accounts of a whole bay, which are those of its cgroup.
    Cgroups,
    /// Users of its own for each bay, or a look at processes of root.
    Root,
}

/// Says that the calling test is skipped, and why, if this host does not offer what it needs.
pub(crate) fn skipped(need: Need) -> bool {
    if is_root() {
        return false;
    }
    skip(match need {
        Need::Cgroups => "an ordinary user has no cgroups, and they hold the limits of a whole bay",
        Need::Root => "only root can give each bay users of its own, or look into processes of root",
    });
    true
}

/// Returns whether root runs the tests; then bays are of the level full, else rlimits.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").expect("/proc is mounted").uid() == 0
}

/// Runs a program that calls `answer()` in a sandbox of its own; returns what it answered.
pub(crate) async fn said(source: &str) -> serde_json::Value {
    let arena = Arena::open().await;
    let said = answer(&arena.run(&Attack::new(source)).await);
    arena.close().await;
    said
}

/// Waits until no process and no cgroup of a sandbox is left.
pub(crate) async fn vanish(traces: &Traces) {
    let gone = async || traces.processes().is_empty().then_some(());
    eventually(PATIENCE, "keeper and forker are gone", gone).await;
    let removed = async || traces.cgroups().is_empty().then_some(());
    eventually(PATIENCE, "the forker's cgroups are gone", removed).await;
}

/// Returns the limit of core dumps for programs of a service that is started after `before`: 0 where this process may
/// have none and has no right to raise it, as below a sudo without all capabilities.
pub(crate) fn core_limit(before: &str) -> u8 {
    let raise = Command::new("/bin/bash").args(["-c", &format!("{before}; ulimit -c 1 2>/dev/null")]).status();
    u8::from(raise.expect("the host has bash").success())
}
