//! Starting the sandbox, which all commands that run programs have to do.

use anyhow::Context;
use runbay_model::Limits;
use runbay_runner::Absent;
use runbay_runner::Recipe;
use runbay_runner::Runner;
use runbay_runner::RunnerSettings;
use runbay_sandbox::Account;
use runbay_sandbox::BayLimits;
use runbay_sandbox::Configuration;
use runbay_sandbox::FIRST_UID;
use runbay_sandbox::Keeper;
use runbay_sandbox::Sandbox;
use runbay_sandbox::Users;

use crate::commands::keeper;

/// The first uid for the bays of a server, unless it is told otherwise; the numbers below are for services.
pub(crate) const FIRST_BAY_UID: u32 = FIRST_UID + 1024;

/// The first uid for the bays of commands.
const FIRST_COMMAND_UID: u32 = FIRST_BAY_UID + 1_000_000;

/// How many bays a command has that runs one program or probes the languages.
const FEW_BAYS: u32 = 16;

/// A sandbox that was started with the rights of root; it is used after they were given up.
pub(crate) struct Launched {
    keeper: Keeper,
    /// The recipes that it was started for.
    recipes: Vec<Recipe>,
}

/// Starts the keeper of a sandbox with at most `max_bays` bays at one time; must be called before other threads exist.
///
/// Started as root, each bay has users of its own, from `first_uid` on; else all run as whoever started the command.
pub(crate) fn start(recipes: Vec<Recipe>, max_bays: usize, first_uid: u32) -> anyhow::Result<Launched> {
    let configuration = Configuration {
        users: if Account::current().is_root() { Users::Range { first_uid } } else { Users::Own },
        max_bays: u32::try_from(max_bays).context("too many slots")?,
        mounts: recipes.iter().flat_map(|recipe| recipe.mounts.clone()).collect(),
        support_files: recipes.iter().flat_map(|recipe| recipe.support_files.clone()).collect(),
    };
    Ok(Launched { keeper: Keeper::launch(keeper::command(), &configuration)?, recipes })
}

/// Starts the keeper of a sandbox for a command that runs one program or probes the languages.
///
/// Each command has users of its own, since what the kernel counts for a user must not be shared with other bays.
pub(crate) fn start_small(recipes: Vec<Recipe>) -> anyhow::Result<Launched> {
    // A pid has at most 22 bits, so the sum stays below the highest uid.
    let first_uid = FIRST_COMMAND_UID + std::process::id() % (1 << 22) * 2 * FEW_BAYS;
    start(recipes, usize::try_from(FEW_BAYS)?, first_uid)
}

/// Returns the limits that a bay has for a language without limits of its own.
pub(crate) fn default_bay_limits() -> BayLimits {
    runbay_runner::bay_limits(&Limits::default())
}

impl Launched {
    /// Connects to the sandbox and finds out which languages this host has.
    pub(crate) async fn into_runner(self, settings: RunnerSettings) -> anyhow::Result<(Runner, Vec<Absent>)> {
        let (sandbox, recipes) = self.connect().await?;
        Ok(Runner::probe(sandbox, recipes, settings).await)
    }

    /// Connects to the sandbox, and returns it with its recipes.
    pub(crate) async fn connect(self) -> anyhow::Result<(Sandbox, Vec<Recipe>)> {
        Ok((Sandbox::connect(self.keeper).await?, self.recipes))
    }
}

/// Keeps the recipes whose ids are listed, in the order of the list.
pub(crate) fn choose(recipes: Vec<Recipe>, languages: Option<&[String]>) -> anyhow::Result<Vec<Recipe>> {
    let Some(languages) = languages else {
        return Ok(recipes);
    };
    let choose = |id: &String| {
        recipes.iter().find(|recipe| recipe.id.as_str() == id).cloned().with_context(|| {
            let known: Vec<_> = recipes.iter().map(|recipe| recipe.id.as_str()).collect();
            format!("there is no language {id:?}; there are {}", known.join(", "))
        })
    };
    languages.iter().map(choose).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_chosen_by_id() {
        let choose = |ids: &[&str]| {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            choose(runbay_runner::recipes(None).unwrap(), Some(&ids))
        };
        let chosen = choose(&["javascript"]).unwrap();
        assert_eq!(chosen.len(), 1);
        let error = choose(&["cobol"]).unwrap_err().to_string();
        assert!(error.starts_with("there is no language \"cobol\"; there are python, javascript"), "{error}");
    }
}
