//! Running code in the languages that this host has.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use runbay_model::Catalog;
use runbay_model::CheckReport;
use runbay_model::LanguageId;
use runbay_model::Limits;
use runbay_model::Outcome;
use runbay_model::RunInput;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_model::Verdict;
use runbay_sandbox::Isolation;
use runbay_sandbox::Sandbox;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::bays::Bays;
use crate::check;
use crate::compile::Compilation;
use crate::compile::CompileCache;
use crate::compile::CompileRequest;
use crate::compile::Compiled;
use crate::compile::Interruption;
use crate::compile::Sharing;
use crate::compile::compile;
use crate::fault::RunFault;
use crate::installed::Installed;
use crate::limits::capped;
use crate::live::LiveRun;
use crate::probe::Absent;
use crate::probe::probe;
use crate::program::Program;
use crate::ran::Ran;
use crate::recipe::Recipe;
use crate::test_cases;

/// How many probes run at one time. They keep the cores busy while some of them wait.
const PROBES_AT_ONCE: usize = 6;

/// The settings of a runner.
#[derive(Debug, Clone, Copy)]
pub struct RunnerSettings {
    /// The memory for artefacts of earlier compilations, in bytes. 0 turns the cache off.
    pub compile_cache_bytes: u64,
    /// Whether tenants share these artefacts.
    pub share_compile_cache: bool,
    /// The limits of a language whose recipe sets none.
    pub default_limits: Limits,
    /// The highest value of each limit.
    pub most_limits: Limits,
}

/// Runs code.
#[derive(Debug)]
pub struct Runner {
    bays: Bays,
    /// The languages, in the order in which they are listed.
    languages: Vec<Installed>,
    by_language: HashMap<LanguageId, usize>,
    cache: Option<CompileCache>,
    most_limits: Limits,
}

impl Default for RunnerSettings {
    fn default() -> Self {
        Self {
            compile_cache_bytes: 256 * 1024 * 1024,
            share_compile_cache: false,
            default_limits: Limits::default(),
            most_limits: Limits::MOST,
        }
    }
}

impl Runner {
    /// The least that one artefact counts in [`RunnerSettings::compile_cache_bytes`], because each is an open file.
    pub const LEAST_CACHE_ENTRY_BYTES: u64 = CompileCache::LEAST_ENTRY_BYTES;

    /// Probes which of `recipes` work on this host. Returns the runner and the languages that do not work.
    pub async fn probe(sandbox: Sandbox, recipes: Vec<Recipe>, settings: RunnerSettings) -> (Self, Vec<Absent>) {
        sandbox.add_artefact_room(settings.compile_cache_bytes);
        let bays = Bays::new(sandbox);
        let permits = Arc::new(Semaphore::new(PROBES_AT_ONCE));
        let mut probes = Vec::new();
        for recipe in recipes {
            let (bays, permits) = (bays.clone(), Arc::clone(&permits));
            probes.push(tokio::spawn(async move {
                let _permit = permits.acquire().await;
                let found = probe(&bays, &recipe).await;
                (recipe, found)
            }));
        }
        let sharing = if settings.share_compile_cache { Sharing::All } else { Sharing::Tenant };
        let cache =
            (settings.compile_cache_bytes > 0).then(|| CompileCache::new(settings.compile_cache_bytes, sharing));
        let most_limits = settings.most_limits;
        let mut runner = Self { bays, languages: Vec::new(), by_language: HashMap::new(), cache, most_limits };
        let mut absent = Vec::new();
        for probe in probes {
            match probe.await {
                Ok((recipe, Ok(found))) => {
                    let limits = capped(settings.default_limits.overridden_by(&recipe.limits), &most_limits);
                    runner.by_language.insert(recipe.id.clone(), runner.languages.len());
                    runner.languages.push(Installed { recipe, found, limits });
                }
                Ok((_, Err(why))) => absent.push(why),
                Err(panic) => absent.push(Absent { language: "unknown".to_owned(), why: panic.to_string() }),
            }
        }
        (runner, absent)
    }

    /// Returns the languages that are offered although their checker is missing.
    pub fn unchecked(&self) -> impl Iterator<Item = &Absent> {
        self.languages.iter().filter_map(|installed| installed.found.checker.as_ref().err())
    }

    /// Returns the languages that can be run.
    #[must_use]
    pub fn catalog(&self) -> Catalog {
        Catalog::new(self.languages.iter().map(Installed::language).collect())
    }

    /// Returns how strongly programs are separated from the host and each other.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        self.bays.isolation()
    }

    /// Waits until the sandbox is lost and no program can run, see [`Sandbox::lost`].
    pub async fn lost(&self) {
        self.bays.lost().await;
    }

    /// Compiles a program where its language needs that, and runs it to its end, once or with each test case.
    ///
    /// `live` receives the output while the program runs, and may add input after that of the request. Of test cases it
    /// receives the results, and from the compiler nothing.
    ///
    /// CANCEL: dropping the future kills compiler and program.
    ///
    /// # Errors
    ///
    /// [`RunFault`] when the service, not the program, is to blame.
    pub async fn run(
        &self,
        tenant: &TenantId,
        input: &RunInput,
        live: Option<LiveRun>,
    ) -> Result<(Verdict, Outcome), RunFault> {
        match self.run_until(&CancellationToken::new(), tenant, input, live).await? {
            Ran::Judged(verdict, outcome) => Ok((verdict, outcome)),
            Ran::Stopped(_) => unreachable!("nobody can stop it"),
        }
    }

    /// Does the same as [`Self::run`] until `stop`. That ends compiler and program, and what they have written is kept.
    ///
    /// CANCEL: dropping the future kills compiler and program.
    ///
    /// # Errors
    ///
    /// [`RunFault`] when the service, not the program, is to blame.
    pub async fn run_until(
        &self,
        stop: &CancellationToken,
        tenant: &TenantId,
        input: &RunInput,
        live: Option<LiveRun>,
    ) -> Result<Ran, RunFault> {
        let installed = self.installed(&input.language)?;
        let mut limits = capped(installed.limits.overridden_by(&input.work.limits), &self.most_limits);
        if input.work.interaction.is_some() {
            limits.wall_time_ms = limits.interactive_time_ms;
        }
        let request = CompileRequest { tenant, installed, sources: &input.sources, limits: &limits };
        let interruption = Interruption::new(stop);
        let compilation = tokio::select! {
            biased;
            compilation = compile(&self.bays, self.cache.as_ref(), &request, &interruption) => compilation?,
            outcome = interruption.outcome() => return Ok(Ran::Stopped(outcome)),
        };
        let (compiled, compile_time) = match compilation {
            None => (None, None),
            Some(Compilation::Fresh(compiled)) => (Some(Arc::clone(&compiled)), Some(compiled.time)),
            Some(Compilation::Reused(compiled)) => (Some(compiled), Some(Duration::ZERO)),
            Some(Compilation::Refused(refusal)) => return Ok(Ran::Judged(refusal.verdict, refusal.outcome())),
        };
        let program = Program {
            installed,
            sources: &input.sources,
            environment: &input.work.environment,
            limits: &limits,
            artefact: compiled.as_deref().map(|compiled: &Compiled| compiled.artefact.clone()),
            interaction: input.work.interaction,
        };
        let compile_output = compiled.as_deref().map(|compiled| compiled.output.clone());
        // The memory of the artefact is free once the program has started, unless the cache keeps it.
        drop(compiled);
        let mut ran = match &input.work.tests {
            Some(plan) => test_cases::run(&self.bays, &program, plan, live, stop).await?,
            None => program.run(&self.bays, &input.work.args, &input.work.stdin, live, stop).await?,
        };
        let outcome = ran.outcome_mut();
        outcome.facts.compile_time = compile_time;
        outcome.output.compile_output = compile_output;
        Ok(ran)
    }

    /// Checks a program with its language's own checker, without running it.
    ///
    /// CANCEL: dropping the future kills the checker.
    ///
    /// # Errors
    ///
    /// [`RunFault`] when the service, not the program, is to blame.
    pub async fn check(&self, language: &LanguageId, sources: &Sources) -> Result<CheckReport, RunFault> {
        check::check(&self.bays, self.installed(language)?, sources).await
    }

    fn installed(&self, language: &LanguageId) -> Result<&Installed, RunFault> {
        let index = self.by_language.get(language).ok_or_else(|| RunFault::UnknownLanguage(language.clone()))?;
        Ok(&self.languages[*index])
    }
}
