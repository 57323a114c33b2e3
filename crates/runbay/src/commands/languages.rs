//! `runbay languages`: which languages this host can run.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use runbay_runner::RunnerSettings;

use crate::host_flags::HostFlags;
use crate::identity;
use crate::sandbox;
use crate::table;

/// List the languages that this host can run, and what is missing for the others.
#[derive(Debug, Args)]
pub(crate) struct Languages {
    #[command(flatten)]
    host: HostFlags,
}

impl Languages {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let launched = sandbox::start_small(self.host.recipes()?)?;
        identity::drop_rights(self.host.user.as_deref())?;
        let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
        let (runner, absent) = runtime.block_on(launched.into_runner(RunnerSettings::default()))?;
        let mut rows = vec![
            ["LANGUAGE", "NAME", "VERSION", "COMPILED", "CHECK", "FIRST FILE", "ALSO CALLED"]
                .map(str::to_owned)
                .to_vec(),
        ];
        for language in runner.catalog().languages() {
            rows.push(vec![
                language.id.to_string(),
                language.name.clone(),
                language.version.clone(),
                yes_or_no(language.is_compiled),
                yes_or_no(language.has_checker),
                language.entry.clone(),
                language.aliases.join(", "),
            ]);
        }
        table::print(&rows)?;
        if !absent.is_empty() {
            let mut rows = vec![["NOT OFFERED", "WHY"].map(str::to_owned).to_vec()];
            rows.extend(absent.into_iter().map(|absent| vec![absent.language, absent.why]));
            writeln!(std::io::stdout())?;
            table::print(&rows)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn yes_or_no(answer: bool) -> String {
    if answer { "yes" } else { "no" }.to_owned()
}
