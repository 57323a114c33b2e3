//! `runbay languages`: which languages this host can run.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::identity;
use crate::sandbox;
use crate::table;

/// List the languages that this host can run, and what is missing for the others.
#[derive(Debug, Args)]
pub(crate) struct Languages {
    /// Account to run as, by name or number [default: runbay, or an unused number]
    #[arg(long, env = "RUNBAY_USER", value_name = "ACCOUNT")]
    user: Option<String>,
}

impl Languages {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let seed = sandbox::start_small(None)?;
        identity::drop_rights(self.user.as_deref())?;
        let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
        let (runner, absent) = runtime.block_on(seed.grow())?;
        let mut rows = vec![["LANGUAGE", "NAME", "VERSION", "ALSO CALLED"].map(str::to_owned).to_vec()];
        for language in runner.catalog().languages() {
            rows.push(vec![
                language.id.to_string(),
                language.name.clone(),
                language.version.clone(),
                language.aliases.join(", "),
            ]);
        }
        for absent in absent {
            rows.push(vec![absent.language, "-".to_owned(), "-".to_owned(), absent.why]);
        }
        table::print(&rows)?;
        Ok(ExitCode::SUCCESS)
    }
}
