//! A program that runs.

use std::future::Future;
use std::future::pending;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::timeout;
use tokio::time::timeout_at;

use super::clock::Clock;
use super::clock::Clocks;
use super::clock::PACK_PATIENCE;
use super::clock::Stop;
use super::controls::Controls;
use super::output::Chunk;
use super::output::Output;
use super::output::OutputStream;
use super::report::Ending;
use super::report::Report;
use super::report::RunError;
use super::report::judge_end;
use super::stdin::Stdin;
use super::terminal::Terminal;
use super::watch::End;
use super::watch::Watch;
use crate::artefact::Artefact;
use crate::artefact::ArtefactFault;
use crate::artefact::ArtefactRoom;
use crate::link::Bay;
use crate::link::Control;
use crate::wire::BayMessage;
use crate::wire::ProgramEnd;
use crate::wire::Signal;
use crate::wire::Usage;

/// How long the pipes are waited for after everything that could write to them is dead.
const DRAIN_PATIENCE: Duration = Duration::from_secs(1);

/// A program that runs in a bay, until it is dropped or ends.
///
/// Its clocks and output limits are watched while one of the methods waits, whichever it is; somebody has to wait.
/// Nothing is read of its output before it is asked for, so a program whose output nobody wants waits with full pipes.
/// All that is written to its terminal, if it has one, is standard output.
///
/// Dropping it kills the program.
pub struct Running {
    output: Output,
    watch: Watch,
    controls: Controls,
    #[expect(dead_code, reason = "it is kept for the controls, which do not keep it")]
    terminal: Option<Arc<Terminal>>,
    /// Whether something is handed over at the end.
    keeps: bool,
    artefact_room: ArtefactRoom,
    /// None while the program runs.
    end: Option<Result<End, RunError>>,
    /// Until when the pipes are waited for; none unless they are.
    drain_by: Option<Instant>,
}

impl Running {
    /// Takes over a bay whose program starts at this moment, with a terminal or pipes.
    pub(super) fn new(
        bay: Bay,
        clocks: &Clocks,
        keeps: bool,
        terminal: Option<OwnedFd>,
    ) -> Result<(Self, Stdin), RunError> {
        let Bay { limits: _, control, stdin, stdout, stderr, ended, handle, meter, artefact_room } = bay;
        let clock = Clock::start(clocks, meter, keeps);
        let activity = clock.activity().cloned();
        let terminal = terminal.map(Terminal::take_over).transpose().map_err(RunError::Terminal)?;
        let (output, stdin) = match &terminal {
            None => (Output::new(stdout, stderr, clocks), Stdin::of_pipe(stdin, activity)),
            Some(terminal) => {
                let output = terminal.output().map_err(RunError::Terminal)?;
                let input = terminal.input().map_err(RunError::Terminal)?;
                (Output::of_terminal(output, clocks), Stdin::of_terminal(input, activity))
            }
        };
        let controls = Controls::new(&control, terminal.as_ref());
        let watch = Watch { clock, control, handle, ended, stopped: None };
        Ok((Self { output, watch, controls, terminal, keeps, artefact_room, end: None, drain_by: None }, stdin))
    }

    /// Takes over a bay that ended before its program started.
    pub(super) fn ended(
        bay: Bay,
        clocks: &Clocks,
        (how, usage): (ProgramEnd, Usage),
    ) -> Result<(Self, Stdin), RunError> {
        let (mut running, stdin) = Self::new(bay, clocks, false, None)?;
        running.output.close();
        running.end = Some(Ok(End { how, stop: None, wall: Duration::ZERO, usage }));
        Ok((running, stdin))
    }

    /// Returns what signals and resizes while this is waited for. It can be cloned, and keeps nothing of the program.
    #[must_use]
    pub fn controls(&self) -> Controls {
        self.controls.clone()
    }

    /// Waits for the next chunk of output; none when the program has ended and all that it wrote has been returned.
    ///
    /// Of each stream there is at most one byte more than its limit.
    ///
    /// CANCEL: nothing is lost.
    pub async fn next(&mut self) -> Option<Chunk> {
        while self.end.is_none() {
            tokio::select! {
                Some(chunk) = self.output.next() => {
                    if let Some(activity) = self.watch.clock.activity() {
                        activity.note();
                    }
                    if self.output.is_over_limit() {
                        self.watch.stop(Stop::Output);
                    }
                    return Some(chunk);
                }
                end = self.watch.end() => {
                    if end.is_err() {
                        self.output.close();
                    }
                    self.end = Some(end);
                }
            }
        }
        self.drain().await
    }

    /// Sends a signal, see [`Controls::signal`].
    ///
    /// # Errors
    ///
    /// Like [`Controls::signal`].
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.controls.signal(signal)
    }

    /// Kills the program and all that it started, by [`Stop::Requested`]. Its end is told as usual.
    pub fn kill(&mut self) {
        if self.end.is_none() {
            self.watch.stop(Stop::Requested);
        }
    }

    /// Waits for the end. Output that was not asked for before counts for its limits, and is dropped.
    ///
    /// CANCEL: dropping the future kills the program.
    ///
    /// # Errors
    ///
    /// [`RunError`] for faults of host or service; whatever the program does is an [`Ending`].
    pub async fn end(mut self) -> Result<Ending, RunError> {
        while self.next().await.is_some() {}
        let Self { watch, keeps, artefact_room, end, .. } = self;
        let End { how, stop, wall, usage } = end.expect("output ends after the program")?;
        let end = judge_end(how, &usage, stop)?;
        let artefact = match end {
            ProgramEnd::Exited(0) if keeps => Some(take_over(watch.control, &artefact_room).await?),
            _ => None,
        };
        Ok(Ending { end, stop, wall, usage, artefact })
    }

    /// Waits for the end and collects all output; `observe` sees each chunk when it comes.
    ///
    /// `feeding` is driven meanwhile, and dropped with the program's end. It is to write the input.
    ///
    /// CANCEL: dropping the future kills the program.
    ///
    /// # Errors
    ///
    /// Like [`Self::end`].
    pub async fn collect(
        self,
        feeding: impl Future<Output = ()>,
        observe: impl FnMut(&Chunk),
    ) -> Result<Report, RunError> {
        self.collect_until(pending(), feeding, observe).await
    }

    /// Does the same as [`Self::collect`], and kills the program when `stop` is there before its end.
    ///
    /// CANCEL: dropping the future kills the program.
    ///
    /// # Errors
    ///
    /// Like [`Self::end`].
    pub async fn collect_until(
        mut self,
        stop: impl Future<Output = ()>,
        feeding: impl Future<Output = ()>,
        mut observe: impl FnMut(&Chunk),
    ) -> Result<Report, RunError> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let (mut stop, mut feeding) = (pin!(stop), pin!(feeding));
        let (mut is_stopped, mut is_fed) = (false, false);
        loop {
            let chunk = tokio::select! {
                chunk = self.next() => chunk,
                () = &mut stop, if !is_stopped => {
                    is_stopped = true;
                    self.kill();
                    continue;
                }
                () = &mut feeding, if !is_fed => {
                    is_fed = true;
                    continue;
                }
            };
            let Some(chunk) = chunk else { break };
            observe(&chunk);
            match chunk.stream {
                OutputStream::Stdout => stdout.extend_from_slice(&chunk.bytes),
                OutputStream::Stderr => stderr.extend_from_slice(&chunk.bytes),
            }
        }
        Ok(self.end().await?.with_output(stdout, stderr))
    }

    /// Reads what is left in the pipes. Nothing is left that could write, so both end; the deadline is for what cannot
    /// happen. It stands however often this is dropped and called again.
    async fn drain(&mut self) -> Option<Chunk> {
        // Nothing comes any more that would be worth a rest.
        self.output.hurry();
        let drain_by = *self.drain_by.get_or_insert_with(|| Instant::now() + DRAIN_PATIENCE);
        let chunk = timeout_at(drain_by, self.output.next()).await.ok().flatten();
        match chunk {
            Some(_) => self.drain_by = None,
            None => self.output.close(),
        }
        chunk
    }
}

/// Takes over what pid 1 has packed before it told of the program's end.
async fn take_over(mut control: Control, room: &ArtefactRoom) -> Result<Result<Artefact, ArtefactFault>, RunError> {
    let take = async {
        loop {
            match control.hear().await? {
                (BayMessage::Packed(Ok(())), Some(packed)) => return Ok(Ok(packed)),
                (BayMessage::Packed(Ok(())), None) => return Err(io::ErrorKind::InvalidData.into()),
                (BayMessage::Packed(Err(fault)), _) => return Ok(Err(fault)),
                _ => {}
            }
        }
    };
    let packed = timeout(PACK_PATIENCE, take).await.map_err(|_| RunError::NotPacked)?;
    match packed.map_err(RunError::Artefact)? {
        // Until there is room it takes less than its bay did.
        Ok(packed) => Artefact::copy(packed, room).await.map(Ok).map_err(RunError::Artefact),
        Err(fault) => Ok(Err(fault)),
    }
}
