//! A program on this machine, without a server.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;
use anyhow::anyhow;
use runbay_model::Attempt;
use runbay_model::End;
use runbay_model::Environment;
use runbay_model::LimitRanges;
use runbay_model::MAX_STDIN_BYTES;
use runbay_model::Outcome;
use runbay_model::RunInput;
use runbay_model::State;
use runbay_model::TenantId;
use runbay_model::Verdict;
use runbay_model::Work;
use runbay_runner::LiveClient;
use runbay_runner::LiveOutput;
use runbay_runner::OutputReceiver;
use runbay_runner::OutputStream;
use runbay_runner::Runner;
use runbay_runner::RunnerSettings;
use runbay_runner::live;

use super::Run;
use super::answer;
use super::program;
use super::screen::Screen;
use super::screen::Side;
use crate::identity;
use crate::sandbox;

pub(super) fn execute(run: Run) -> anyhow::Result<ExitCode> {
    let recipe = program::find_recipe(run.host.recipes()?, &run.files[0], run.language.as_deref())?;
    let stdin = run.stdin.as_deref().map(|file| program::read(file, MAX_STDIN_BYTES)).transpose()?;
    let work = Work {
        stdin: stdin.unwrap_or_default(),
        args: run.args,
        environment: Environment::new(BTreeMap::from_iter(run.env)).map_err(|why| anyhow!("--env: {why}"))?,
        limits: run.limits.unwrap_or_default().check("--limits", &LimitRanges::default())?,
        ..Work::default()
    };
    let sources = program::read_sources(Some(&recipe), &run.files)?;
    let input = RunInput { language: recipe.id.clone(), sources, work };
    // One run compiles nothing twice.
    let settings = RunnerSettings { compile_cache_bytes: 0, ..RunnerSettings::default() };
    let launched = sandbox::start_small(vec![recipe])?;
    identity::drop_rights(run.host.user.as_deref())?;
    let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
    runtime.block_on(async {
        let (runner, absent) = launched.into_runner(settings).await?;
        if let Some(absent) = absent.first() {
            anyhow::bail!("{} cannot be run on this host: {}", absent.language, absent.why);
        }
        let mut screen = Screen::default();
        let (verdict, outcome) = watch(&runner, &input, &mut screen).await?;
        screen.rest(&outcome.output.stdout, &outcome.output.stderr).await?;
        screen.write(Side::Stderr, outcome.output.compile_output.as_deref().unwrap_or_default()).await?;
        screen.say(&answer::summary(&outcome.facts)).await?;
        let status = State::Ended { attempt: Attempt(1), end: End::Judged(verdict) }.status();
        Ok(answer::exit_code(status, outcome.facts.exit_code))
    })
}

/// Runs a program and shows its output meanwhile.
async fn watch(runner: &Runner, input: &RunInput, screen: &mut Screen) -> anyhow::Result<(Verdict, Outcome)> {
    let (live_run, client) = live();
    let output = only_output(client);
    let run = async { Ok(runner.run(&TenantId::default(), input, Some(live_run)).await?) };
    // When nobody reads the output any more, there is no reason to go on.
    let (ended, ()) = tokio::try_join!(run, show(output, screen))?;
    Ok(ended)
}

/// Drops the way of input, which ends that of the program.
fn only_output(client: LiveClient) -> OutputReceiver {
    client.output
}

/// Shows output up to the first gap: what comes after it has no place yet.
async fn show(mut output: OutputReceiver, screen: &mut Screen) -> anyhow::Result<()> {
    while let Some(LiveOutput::Chunk(chunk)) = output.next().await {
        let side = match chunk.stream {
            OutputStream::Stdout => Side::Stdout,
            OutputStream::Stderr => Side::Stderr,
        };
        screen.show(side, &chunk.bytes).await?;
    }
    Ok(())
}
