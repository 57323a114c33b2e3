//! The run stage: a program that is ready to run, in a bay of its own.

use runbay_model::Environment;
use runbay_model::Facts;
use runbay_model::Fault;
use runbay_model::Interaction;
use runbay_model::Limits;
use runbay_model::Outcome;
use runbay_model::OutputOrder;
use runbay_model::ProgramSignal;
use runbay_model::Sources;
use runbay_model::Verdict;
use runbay_model::WindowSize;
use runbay_model::cut_at_character;
use runbay_sandbox::Artefact;
use runbay_sandbox::Chunk;
use runbay_sandbox::Controls;
use runbay_sandbox::OutputStream;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Report;
use runbay_sandbox::RunError;
use runbay_sandbox::Signal;
use runbay_sandbox::Stdin;
use runbay_sandbox::Step;
use runbay_sandbox::Stop;
use tokio_util::sync::CancellationToken;

use crate::amount::size;
use crate::bays::Bays;
use crate::bays::Purpose;
use crate::fault::RunFault;
use crate::installed::Installed;
use crate::judge::Judge;
use crate::limits::length;
use crate::live::ControlReceiver;
use crate::live::InputReceiver;
use crate::live::LiveControl;
use crate::live::LiveRun;
use crate::live::OutputSender;
use crate::ran::Ran;
use crate::recipe::RunParts;
use crate::recipe::RunProgram;

/// A program that can be run once, and each clone of it as well.
#[derive(Debug, Clone)]
pub(crate) struct Program<'a> {
    pub(crate) installed: &'a Installed,
    pub(crate) sources: &'a Sources,
    pub(crate) environment: &'a Environment,
    pub(crate) limits: &'a Limits,
    /// The artefact of the compile stage.
    pub(crate) artefact: Option<Artefact>,
    /// How a person takes part.
    pub(crate) interaction: Option<Interaction>,
}

impl Program<'_> {
    /// Runs the program to its end, or until it is told to stop. `live` receives its output meanwhile and may add input
    /// after `stdin`.
    ///
    /// CANCEL: dropping the future kills the program.
    pub(crate) async fn run(
        mut self,
        bays: &Bays,
        args: &[String],
        stdin: &[u8],
        live: Option<LiveRun>,
        stop: &CancellationToken,
    ) -> Result<Ran, RunFault> {
        match self.report(bays, args, stdin, live, stop).await {
            Ok(Some((report, order))) => {
                let is_stopped = (report.stop, report.end) == (Some(Stop::Requested), ProgramEnd::Killed);
                let (verdict, mut outcome) = self.judge().judge(report);
                outcome.output.order = order;
                Ok(if is_stopped { Ran::Stopped(outcome) } else { Ran::Judged(verdict, outcome) })
            }
            Ok(None) => Ok(Ran::Stopped(Outcome::default())),
            Err(RunFault::Run(error)) => match self.excuse(&error) {
                Some((fault, message)) => {
                    let facts = Facts { message: Some(message), ..Facts::default() };
                    let outcome = Outcome { facts, ..Outcome::default() };
                    Ok(Ran::Judged(Verdict::Failed(fault), outcome))
                }
                None => Err(RunFault::Run(error)),
            },
            Err(fault) => Err(fault),
        }
    }

    /// Returns the report of a run and the order of its output, or none when it was told to stop before it began.
    async fn report(
        &mut self,
        bays: &Bays,
        args: &[String],
        stdin: &[u8],
        live: Option<LiveRun>,
        stop: &CancellationToken,
    ) -> Result<Option<(Report, OutputOrder)>, RunFault> {
        let Installed { recipe, found, .. } = self.installed;
        let invocation = recipe.run_invocation(RunParts {
            program: found.runtime.as_deref(),
            artefact: self.artefact.take(),
            sources: self.sources,
            args,
            environment: self.environment,
            limits: self.limits,
            interaction: self.interaction,
        });
        let purpose = match self.interaction {
            Some(interaction) => Purpose::Interactive(recipe, interaction),
            None => Purpose::Program(recipe),
        };
        let starting = bays.start(purpose, self.limits, &invocation);
        let Some(started) = stop.run_until_cancelled(starting).await else { return Ok(None) };
        let (running, input) = started?;
        // The bay has its own copy of the artefact by now.
        drop(invocation);
        let (mut shown, input_and_controls) = match live {
            Some(LiveRun { output, input, controls }) => {
                (Some(Shown::new(output, self.limits)), Some((input, controls)))
            }
            None => (None, None),
        };
        let (live_input, live_controls) = input_and_controls.unzip();
        let controlling = control(running.controls(), live_controls);
        let feeding = async {
            tokio::join!(feed(input, stdin, live_input), controlling);
        };
        let mut order = OutputOrder::default();
        let report = running.collect_until(stop.cancelled(), feeding, |chunk| {
            order.push(told_stream(chunk.stream), chunk.bytes.len());
            if let Some(shown) = &mut shown {
                shown.push(chunk);
            }
        });
        let report = report.await.map_err(RunFault::Run)?;
        Ok(Some((report, order)))
    }

    fn judge(&self) -> Judge<'_> {
        Judge { limits: self.limits, recipe: &self.installed.recipe, source: self.sources.source_code() }
    }

    /// Explains in one sentence how a program is itself to blame for not starting. Returns none when it is not to
    /// blame.
    fn excuse(&self, error: &RunError) -> Option<(Fault, String)> {
        let RunError::NotStarted(error) = error else {
            return None;
        };
        if error.is_disk_full() {
            let message = format!(
                "The program's files do not fit into its limits: disk_bytes is {}, inodes is {}.",
                size(self.limits.disk_bytes),
                self.limits.inodes
            );
            return Some((Fault::RuntimeError, message));
        }
        if self.installed.recipe.run.program != RunProgram::Artefact || error.step != Step::Execute {
            return None;
        }
        Some(if error.is_no_program() {
            (Fault::CompileError, "The code was compiled, but to something that is no program.".to_owned())
        } else {
            (Fault::RuntimeError, "The code was compiled, but to a program that cannot be started here.".to_owned())
        })
    }
}

/// Returns a stream of a sandbox as others know it, who know no sandbox.
#[must_use]
pub fn told_stream(stream: OutputStream) -> runbay_model::OutputStream {
    match stream {
        OutputStream::Stdout => runbay_model::OutputStream::Stdout,
        OutputStream::Stderr => runbay_model::OutputStream::Stderr,
    }
}

/// Shows output up to its limits: what comes after them is not in the result either.
struct Shown {
    output: OutputSender,
    stdout_left: usize,
    stderr_left: usize,
}

impl Shown {
    fn new(output: OutputSender, limits: &Limits) -> Self {
        Self { output, stdout_left: length(limits.stdout_bytes), stderr_left: length(limits.stderr_bytes) }
    }

    fn push(&mut self, chunk: &Chunk) {
        let left = match chunk.stream {
            OutputStream::Stdout => &mut self.stdout_left,
            OutputStream::Stderr => &mut self.stderr_left,
        };
        if chunk.bytes.len() <= *left {
            *left -= chunk.bytes.len();
            self.output.push(chunk);
            return;
        }
        let mut bytes = chunk.bytes.clone();
        cut_at_character(&mut bytes, *left);
        *left = 0;
        if !bytes.is_empty() {
            self.output.push(&Chunk { stream: chunk.stream, bytes });
        }
    }
}

/// Writes the input of the request, then the live input, and closes the stream.
///
/// A program may stop reading early without harm.
async fn feed(mut stdin: Stdin, first: &[u8], live: Option<InputReceiver>) {
    if stdin.write_all(first).await.is_err() {
        return;
    }
    let Some(mut live) = live else { return };
    while let Some(bytes) = live.receive().await {
        if stdin.write_all(&bytes).await.is_err() {
            return;
        }
    }
    // A program that stopped reading has no use for the end either.
    drop(stdin.close().await);
}

/// Passes on signals and sizes. A program that has just ended has no use for them.
async fn control(controls: Controls, live: Option<ControlReceiver>) {
    let Some(mut live) = live else { return };
    while let Some(asked) = live.receive().await {
        drop(match asked {
            LiveControl::Signal(signal) => controls.signal(signal_of(signal)),
            LiveControl::Resize(size) => controls.resize(size_of_window(size)),
        });
    }
}

fn signal_of(signal: ProgramSignal) -> Signal {
    match signal {
        ProgramSignal::Interrupt => Signal::Interrupt,
        ProgramSignal::Terminate => Signal::Terminate,
        ProgramSignal::Quit => Signal::Quit,
        ProgramSignal::HangUp => Signal::Hangup,
        ProgramSignal::User1 => Signal::User1,
        ProgramSignal::User2 => Signal::User2,
        ProgramSignal::Kill => Signal::Kill,
    }
}

/// Returns the size of a terminal as the sandbox takes it.
pub(crate) fn size_of_window(size: WindowSize) -> runbay_sandbox::WindowSize {
    runbay_sandbox::WindowSize { columns: size.columns, rows: size.rows }
}
