//! What a process needs to run programs: slots, a sandbox, languages.

use std::num::NonZero;
use std::sync::Arc;

use runbay_api::Audience;
use runbay_runner::Runner;
use runbay_runner::RunnerSettings;
use runbay_sandbox::Account;
use runbay_sandbox::Isolation;
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing::warn;

use crate::bay_uids;
use crate::bay_uids::BayUids;
use crate::identity;
use crate::limit_list::LimitSettings;
use crate::open_files;
use crate::sandbox;
use crate::settings::ProgramSettings;

/// What was prepared with the rights of root, to run programs without them.
pub(crate) struct ExecutionHost {
    /// How many executions run at one time.
    pub(crate) slots: usize,
    /// How many interactive executions run beside them.
    pub(crate) interactive_slots: usize,
    /// How many checks run at one time.
    pub(crate) check_slots: usize,
    /// How many files connections and artefacts may have open.
    pub(crate) shares: open_files::Shares,
    launched: sandbox::Launched,
}

/// The most interactive executions by default: people wait most of the time.
const INTERACTIVE_SLOTS: usize = 32;

/// How many quarters of the memory they may take, on top of that of the other executions. Few use what they may.
const INTERACTIVE_PART: u64 = 1;

/// How a host is set up.
pub(crate) struct Plan {
    slots: usize,
    interactive_slots: usize,
    check_slots: usize,
    max_bays: usize,
    shares: open_files::Shares,
    recipes: Vec<runbay_runner::Recipe>,
    first_bay_uid: u32,
}

impl Plan {
    /// Raises the limit on open files, shares them out, and reads the recipes.
    pub(crate) fn new(programs: &ProgramSettings, limits: &LimitSettings) -> anyhow::Result<Self> {
        let slots = programs.slots.unwrap_or_else(|| default_slots(limits.default.memory_bytes));
        let interactive_slots = programs.interactive_slots.unwrap_or_else(|| {
            slots_in_memory(limits.default.memory_bytes, INTERACTIVE_PART).clamp(1, INTERACTIVE_SLOTS)
        });
        // A checker keeps one core busy, and takes no more memory than the slots were given.
        let check_slots = slots.min(cores());
        // Two bays for each: one runs while the last one is torn down.
        let max_bays =
            slots.saturating_add(interactive_slots).saturating_add(check_slots).saturating_mul(2).saturating_add(16);
        open_files::raise_limit()?;
        let entry_bytes = Runner::LEAST_CACHE_ENTRY_BYTES;
        let artefacts = usize::try_from(programs.compile_cache_bytes.div_ceil(entry_bytes)).unwrap_or(usize::MAX);
        let shares = open_files::share_out(max_bays, artefacts)?;
        let recipes =
            sandbox::choose(runbay_runner::recipes(programs.languages_dir.as_deref())?, programs.languages.as_deref())?;
        Ok(Self {
            slots,
            interactive_slots,
            check_slots,
            max_bays,
            shares,
            recipes,
            first_bay_uid: programs.first_bay_uid,
        })
    }

    /// Reserves the user numbers of the bays, as long as the answer is kept. Only root has such numbers.
    ///
    /// The account that the server is to run as, which `user` names, must not be one of them.
    pub(crate) fn reserve_uids(&self, user: Option<&str>) -> anyhow::Result<Option<BayUids>> {
        if !Account::current().is_root() {
            return Ok(None);
        }
        // Each bay has two.
        let count = u32::try_from(self.max_bays).unwrap_or(u32::MAX).saturating_mul(2);
        let account = identity::service_account(user)?.uid;
        anyhow::ensure!(
            !(self.first_bay_uid..self.first_bay_uid.saturating_add(count)).contains(&account),
            "first_bay_uid: the server itself runs as the user {account}, so programs must not; choose another number"
        );
        bay_uids::reserve(self.first_bay_uid, count)
    }

    /// Starts the sandbox. Must be called with the rights that the command was started with, before other threads
    /// exist.
    pub(crate) fn set_up(self) -> anyhow::Result<ExecutionHost> {
        let launched = sandbox::start(self.recipes, self.max_bays, self.first_bay_uid)?;
        let Self { slots, interactive_slots, check_slots, shares, .. } = self;
        Ok(ExecutionHost { slots, interactive_slots, check_slots, shares, launched })
    }
}

impl ExecutionHost {
    /// Finds the languages of this host, and logs what is missing.
    ///
    /// Refuses to run the programs of strangers without limits on memory and processes; `audience` says whose programs
    /// there will be.
    pub(crate) async fn open(
        self,
        programs: &ProgramSettings,
        limits: &LimitSettings,
        audience: Audience,
    ) -> anyhow::Result<Arc<Runner>> {
        let settings = runner_settings(programs, limits, &self.shares);
        let (runner, absent) = self.launched.into_runner(settings).await?;
        for absent in absent {
            warn!(language.id = absent.language, "language is not offered: {}", absent.why);
        }
        for absent in runner.unchecked() {
            warn!(language.id = absent.language, "code is not checked: {}", absent.why);
        }
        let catalog = runner.catalog();
        let offered: Vec<_> =
            catalog.languages().iter().map(|language| format!("{} {}", language.id, language.version)).collect();
        anyhow::ensure!(!offered.is_empty(), "no language can be run on this host; see `runbay languages`");
        info!(isolation = runner.isolation().as_str(), languages = offered.join(", "), "sandbox ready");
        check_isolation(runner.isolation(), audience, programs.allow_degraded)?;
        Ok(Arc::new(runner))
    }
}

fn runner_settings(programs: &ProgramSettings, limits: &LimitSettings, shares: &open_files::Shares) -> RunnerSettings {
    let artefacts = u64::try_from(shares.artefacts).unwrap_or(u64::MAX);
    let fitting = artefacts.saturating_mul(Runner::LEAST_CACHE_ENTRY_BYTES);
    if fitting < programs.compile_cache_bytes {
        warn!("the compile cache is lowered to {fitting} bytes, as few files may be open; raise ulimit -n");
    }
    RunnerSettings {
        compile_cache_bytes: programs.compile_cache_bytes.min(fitting),
        share_compile_cache: programs.share_compile_cache,
        default_limits: limits.default,
        most_limits: limits.ranges.most,
    }
}

fn check_isolation(isolation: Isolation, audience: Audience, allow_degraded: bool) -> anyhow::Result<()> {
    if isolation == Isolation::Full {
        return Ok(());
    }
    anyhow::ensure!(
        audience == Audience::ThisMachine || allow_degraded,
        "the isolation level {} is only for servers that listen on loopback; `runbay doctor` shows what is missing, \
         and --allow-degraded accepts it",
        isolation.as_str()
    );
    warn!(isolation = isolation.as_str(), "programs are limited one process at a time only; see `runbay doctor`");
    Ok(())
}

/// Stops the service when no program can be run any more, as going on would make every execution fail.
///
/// Returns whether it stopped the service.
pub(crate) async fn stop_without_sandbox(runner: Arc<Runner>, stop: CancellationToken) -> bool {
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        () = runner.lost() => {
            stop.cancel();
            true
        }
    }
}

/// Returns four slots for each core, but no more than three quarters of the memory can hold.
fn default_slots(run_bytes: u64) -> usize {
    (4 * cores()).min(slots_in_memory(run_bytes, 3)).max(1)
}

/// Returns how many runs fit into this many quarters of the memory.
fn slots_in_memory(run_bytes: u64, quarters: u64) -> usize {
    let fitting = |bytes: u64| usize::try_from(bytes / 4 * quarters / run_bytes).unwrap_or(usize::MAX);
    memory_bytes().map_or(usize::MAX, fitting)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Returns how much memory this process has: that of the host, or of its container where that is less.
fn memory_bytes() -> Option<u64> {
    host_memory_bytes().into_iter().chain(runbay_sandbox::memory_limit_bytes()).min()
}

/// Reads the size of the memory from /proc/meminfo (proc(5)).
fn host_memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes: u64 =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_need_full_isolation() {
        assert!(check_isolation(Isolation::Full, Audience::Others, false).is_ok());
        assert!(check_isolation(Isolation::Rlimits, Audience::ThisMachine, false).is_ok());
        assert!(check_isolation(Isolation::Rlimits, Audience::Others, false).is_err());
        assert!(check_isolation(Isolation::Rlimits, Audience::Others, true).is_ok());
    }
}
