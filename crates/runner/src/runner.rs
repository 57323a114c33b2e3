//! Running code in the languages that this host has.

use std::collections::HashMap;
use std::time::Duration;

use runbay_model::Catalog;
use runbay_model::Language;
use runbay_model::LanguageId;
use runbay_model::Limits;
use runbay_model::Outcome;
use runbay_model::RunInput;
use runbay_model::Verdict;
use runbay_sandbox::BayError;
use runbay_sandbox::BayLimits;
use runbay_sandbox::Clocks;
use runbay_sandbox::Isolation;
use runbay_sandbox::RunError;
use runbay_sandbox::Sandbox;

use crate::judge::judge;
use crate::probe::Absent;
use crate::probe::probe;
use crate::recipe::Recipe;

/// Runs code.
#[derive(Debug)]
pub struct Runner {
    sandbox: Sandbox,
    /// In the order in which they are listed.
    kitchens: Vec<Kitchen>,
    by_language: HashMap<LanguageId, usize>,
}

/// A recipe with what it needs on this host.
#[derive(Debug)]
struct Kitchen {
    recipe: Recipe,
    program: String,
    version: String,
    limits: Limits,
}

/// A run that gave no outcome, by a fault of host or service.
#[derive(Debug, thiserror::Error)]
pub enum RunFault {
    /// The language is not (or no longer) offered by this worker.
    #[error("the language {0} is not available on this worker")]
    UnknownLanguage(LanguageId),
    /// No bay could be had.
    #[error("failed to get a bay")]
    Bay(#[source] BayError),
    /// The bay failed.
    #[error("failed to run the program")]
    Run(#[source] RunError),
}

impl Runner {
    /// Probes which of `recipes` work on this host; returns with the runner the ones that do not.
    pub async fn probe(sandbox: Sandbox, recipes: Vec<Recipe>) -> (Self, Vec<Absent>) {
        let mut probes = Vec::new();
        for recipe in recipes {
            let sandbox = sandbox.clone();
            probes.push(tokio::spawn(async move {
                let found = probe(&sandbox, &recipe).await;
                (recipe, found)
            }));
        }
        let mut runner = Self { sandbox, kitchens: Vec::new(), by_language: HashMap::new() };
        let mut absent = Vec::new();
        for probe in probes {
            match probe.await {
                Ok((recipe, Ok(found))) => {
                    let limits = Limits::default().overridden_by(&recipe.limits);
                    runner.by_language.insert(recipe.id.clone(), runner.kitchens.len());
                    runner.kitchens.push(Kitchen { recipe, program: found.program, version: found.version, limits });
                }
                Ok((_, Err(why))) => absent.push(why),
                Err(panic) => absent.push(Absent { language: "unknown".to_owned(), why: panic.to_string() }),
            }
        }
        (runner, absent)
    }

    /// Returns the languages that can be run.
    #[must_use]
    pub fn catalog(&self) -> Catalog {
        let language = |kitchen: &Kitchen| Language {
            id: kitchen.recipe.id.clone(),
            name: kitchen.recipe.name.clone(),
            aliases: kitchen.recipe.aliases.clone(),
            version: kitchen.version.clone(),
            template: kitchen.recipe.template.clone(),
            limits: kitchen.limits,
        };
        Catalog::new(self.kitchens.iter().map(language).collect())
    }

    /// Returns how strongly programs are separated from the host and each other.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        self.sandbox.isolation()
    }

    /// Returns when no program can be run any more, see [`Sandbox::lost`].
    pub async fn lost(&self) {
        self.sandbox.lost().await;
    }

    /// Runs a program to its end.
    ///
    /// CANCEL: dropping the future kills the program.
    ///
    /// # Errors
    ///
    /// [`RunFault`] when the service, not the program, is to blame.
    pub async fn run(&self, input: &RunInput) -> Result<(Verdict, Outcome), RunFault> {
        let kitchen = self
            .by_language
            .get(&input.language)
            .map(|index| &self.kitchens[*index])
            .ok_or_else(|| RunFault::UnknownLanguage(input.language.clone()))?;
        let job = kitchen.recipe.run_job(&kitchen.program, input);
        let bay = self.sandbox.bay(bay_limits(&kitchen.limits)).await.map_err(RunFault::Bay)?;
        let report = runbay_sandbox::run(bay, &job, &input.stdin, &clocks(&kitchen.limits)).await;
        Ok(judge(report.map_err(RunFault::Run)?, &kitchen.limits))
    }
}

/// Returns what the bay itself has to enforce.
#[must_use]
pub fn bay_limits(limits: &Limits) -> BayLimits {
    BayLimits {
        memory_bytes: limits.memory_bytes,
        processes: limits.processes,
        cpu_time_ms: limits.cpu_time_ms,
        open_files: limits.open_files,
        file_bytes: limits.file_bytes,
        disk_bytes: limits.disk_bytes,
        inodes: limits.inodes,
    }
}

/// Returns what is watched from outside.
fn clocks(limits: &Limits) -> Clocks {
    let bytes = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
    Clocks {
        wall: Duration::from_millis(limits.wall_time_ms),
        cpu: Duration::from_millis(limits.cpu_time_ms),
        stdout_bytes: bytes(limits.stdout_bytes),
        stderr_bytes: bytes(limits.stderr_bytes),
    }
}
