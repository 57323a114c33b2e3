//! `runbay run`: one program in a sandbox, without a server.

mod answer;
mod program;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use anyhow::anyhow;
use clap::Args;
use runbay_model::Environment;
use runbay_model::LimitRanges;
use runbay_model::MAX_STDIN_BYTES;
use runbay_model::RunInput;
use runbay_model::TenantId;
use runbay_model::Work;
use runbay_runner::RunnerSettings;

use crate::host_flags::HostFlags;
use crate::identity;
use crate::limit_list::LimitList;
use crate::sandbox;

/// Run one program in a sandbox; the exit code is the program's.
///
/// Its output is written when it has ended, then one line about its times to standard error.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The program, then other files that it uses, from the same directory or below; the first ending tells the language
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Language, if the ending does not tell it
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,

    /// File to read as standard input, - for this command's own [default: empty]
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,

    /// Variable for the program's environment; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,

    /// Limits that differ from the language's, such as wall_time_ms=2000,processes=32
    #[arg(long, value_name = "LIMITS")]
    limits: Option<LimitList>,

    #[command(flatten)]
    host: HostFlags,

    /// Arguments for the program
    #[arg(last = true)]
    args: Vec<String>,
}

impl Run {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let recipe = program::find_recipe(self.host.recipes()?, &self.files[0], self.language.as_deref())?;
        let stdin = self.stdin.as_deref().map(|file| program::read(file, MAX_STDIN_BYTES)).transpose()?;
        let work = Work {
            stdin: stdin.unwrap_or_default(),
            args: self.args,
            environment: Environment::new(BTreeMap::from_iter(self.env)).map_err(|why| anyhow!("--env: {why}"))?,
            limits: self.limits.unwrap_or_default().check("--limits", &LimitRanges::default())?,
            ..Work::default()
        };
        let sources = program::read_sources(&recipe, &self.files)?;
        let input = RunInput { language: recipe.id.clone(), sources, work };
        // One run compiles nothing twice.
        let settings = RunnerSettings { compile_cache_bytes: 0, ..RunnerSettings::default() };
        let launched = sandbox::start_small(vec![recipe])?;
        identity::drop_rights(self.host.user.as_deref())?;
        let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
        let (verdict, outcome) = runtime.block_on(async {
            let (runner, absent) = launched.into_runner(settings).await?;
            if let Some(absent) = absent.first() {
                anyhow::bail!("{} cannot be run on this host: {}", absent.language, absent.why);
            }
            Ok(runner.run(&TenantId::default(), &input, None).await?)
        })?;
        std::io::stderr().write_all(outcome.output.compile_output.as_deref().unwrap_or_default())?;
        std::io::stdout().write_all(&outcome.output.stdout)?;
        std::io::stderr().write_all(&outcome.output.stderr)?;
        writeln!(std::io::stderr(), "{}", answer::summary(&outcome.facts))?;
        Ok(answer::exit_code(verdict, &outcome.facts))
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("is not like NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
