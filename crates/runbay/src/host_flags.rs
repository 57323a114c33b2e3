//! Flags of commands that run programs without a server.

use std::path::PathBuf;

use clap::Args;
use runbay_runner::Recipe;

#[derive(Debug, Args)]
pub(crate) struct HostFlags {
    /// Account to run as, by name or number [default: runbay, or an unused number]
    #[arg(long, env = "RUNBAY_USER", value_name = "ACCOUNT")]
    pub(crate) user: Option<String>,

    /// Folder with recipes of more languages, or of the same in another way
    #[arg(long, env = "RUNBAY_LANGUAGES_DIR", value_name = "DIRECTORY")]
    languages_dir: Option<PathBuf>,
}

impl HostFlags {
    /// Reads all recipes. Must be called with the rights that the command was started with.
    pub(crate) fn recipes(&self) -> anyhow::Result<Vec<Recipe>> {
        Ok(runbay_runner::recipes(self.languages_dir.as_deref())?)
    }
}
