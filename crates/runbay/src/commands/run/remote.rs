//! A program on a server, which is watched from here.

mod interrupts;
mod request;
mod stdin;
mod terminal;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use runbay_client::Client;
use runbay_client::EventKind;
use runbay_client::EventStream;
use runbay_client::Execution;
use runbay_client::Interaction;
use runbay_client::OutputStream;
use runbay_client::Received;
use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::Facts;
use tokio::sync::Notify;

use super::Run;
use super::answer;
use super::screen::Screen;
use super::screen::Side;
use interrupts::Interrupts;
use terminal::RawMode;

/// Where else to run a program.
#[derive(Debug, Args)]
pub(super) struct RemoteFlags {
    /// Run it on the server at this URL, such as http://localhost:8080
    #[arg(long = "remote", value_name = "URL", conflicts_with_all = ["user", "languages_dir"])]
    url: Option<String>,

    /// Key for the server of --remote
    #[arg(long, env = "RUNBAY_KEY", value_name = "KEY", hide_env_values = true)]
    key: Option<String>,

    /// Pass standard input on while the program runs
    #[arg(long, requires = "url", conflicts_with = "stdin")]
    pub(super) interactive: bool,

    /// Give the program a terminal
    #[arg(long, requires = "interactive")]
    pub(super) tty: bool,
}

/// Where events come from.
enum Source {
    Events(EventStream),
    Interaction(Interaction),
}

impl RemoteFlags {
    /// Returns none where the program runs on this machine.
    pub(super) fn client(&self) -> anyhow::Result<Option<Client>> {
        let client = |url: &String| Client::new(url, self.key.as_deref()).context("--remote cannot be used");
        self.url.as_ref().map(client).transpose()
    }
}

pub(super) fn execute(client: &Client, run: Run) -> anyhow::Result<ExitCode> {
    let is_interactive = run.remote.interactive;
    let wants_terminal = run.remote.tty;
    let request = request::request(run)?;
    let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
    runtime.block_on(async {
        let accepted = client.run_once(&request).await.context("the server does not run it")?;
        let execution = accepted.execution_id;
        let mut screen = Screen::default();
        let (source, input) = if is_interactive {
            let (input, interaction) = client.interact(execution);
            (Source::Interaction(interaction), Some(input))
        } else {
            (Source::Events(client.events(execution, None)), None)
        };
        let raw_mode = if wants_terminal { RawMode::begin()? } else { None };
        screen.is_raw = raw_mode.is_some();
        let mut interrupts = Interrupts::new(client, execution, input.clone())?;
        if let Some(input) = &input {
            stdin::pass_on(input.clone());
        }
        let began = Notify::new();
        let resizes = terminal::pass_sizes_on(input.filter(|_| raw_mode.is_some()), &began)?;
        let report = tokio::select! {
            report = follow(source, &mut screen, &began) => report.map(Some),
            () = interrupts.obey() => Ok(None),
            never = resizes => match never {},
        };
        drop(raw_mode);
        if report.as_ref().is_err_and(|error| error.is::<std::io::Error>()) {
            // Nobody reads the output any more. The reason to end is told, and not what comes of this.
            _ = client.cancel(execution, None).await;
        }
        screen.is_raw = false;
        finish(execution, report?, &mut screen).await
    })
}

/// Shows output as it comes, and says whenever a program began. Returns the execution at its end.
async fn follow(mut source: Source, screen: &mut Screen, began: &Notify) -> anyhow::Result<Execution> {
    // Which attempt is told of, and which one wrote what is shown.
    let (mut newest, mut shown) = (Attempt::default(), Attempt::default());
    while let Some(received) = source.next().await? {
        let Received::Event(event) = received else {
            screen.say("The connection broke. Input that was sent last may be lost.").await?;
            continue;
        };
        match event.kind {
            EventKind::Output { stream, data } => {
                if shown != newest {
                    shown = newest;
                    began.notify_one();
                }
                screen.show(side(stream), &data).await?;
            }
            EventKind::Status { attempt, .. } => {
                newest = attempt;
                began.notify_one();
            }
            EventKind::Reset { attempt } => {
                newest = attempt;
                if attempt == shown {
                    screen.begin_again();
                } else if screen.begin_anew() {
                    screen.say("The program began again. Its output follows from the start.").await?;
                }
            }
            EventKind::Test(_) => {}
            EventKind::Result(execution) => return Ok(*execution),
        }
    }
    anyhow::bail!("the server did not say what came of the execution")
}

async fn finish(execution: ExecutionId, report: Option<Execution>, screen: &mut Screen) -> anyhow::Result<ExitCode> {
    let Some(report) = report else {
        screen.say(&format!("Execution {execution} is left alone.")).await?;
        return Ok(ExitCode::from(answer::STOPPED));
    };
    screen.rest(&report.stdout, &report.stderr).await?;
    screen.write(Side::Stderr, report.compile_output.as_deref().unwrap_or_default()).await?;
    let facts = facts(&report);
    screen.say(&answer::summary(&facts)).await?;
    Ok(answer::exit_code(report.status, facts.exit_code))
}

fn facts(report: &Execution) -> Facts {
    Facts {
        message: report.message.clone(),
        exit_code: report.exit_code,
        signal: report.signal.clone(),
        stdout_truncated: report.stdout_truncated,
        stderr_truncated: report.stderr_truncated,
        execution_time: report.execution_time_ms.map(Duration::from_millis),
        cpu_time: report.cpu_time_ms.map(Duration::from_millis),
        memory_bytes: report.memory_bytes,
        compile_time: report.compile_time_ms.map(Duration::from_millis),
    }
}

const fn side(stream: OutputStream) -> Side {
    match stream {
        OutputStream::Stdout => Side::Stdout,
        OutputStream::Stderr => Side::Stderr,
    }
}

impl Source {
    async fn next(&mut self) -> anyhow::Result<Option<Received>> {
        match self {
            Self::Events(events) => Ok(events.next().await?.map(Received::Event)),
            Self::Interaction(interaction) => Ok(interaction.next().await?),
        }
    }
}
