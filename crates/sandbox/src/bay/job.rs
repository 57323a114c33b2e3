//! What a bay is asked to run, and how it travels there.

use std::io;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::terminal::WindowSize;
use crate::artefact::Artefact;
use crate::stream;
use crate::wire::BayLimits;
use crate::wire::decode;

/// A program to run in a bay: what can be known before a request, and what comes with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invocation {
    /// The part that a bay can have ahead of time.
    pub runtime: Runtime,
    /// The part of the request.
    pub job: Job,
}

/// What starts programs of one kind, and is the same for all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    /// The program's path inside the bay, absolute or relative to `/box`, then its first arguments.
    pub argv: Vec<String>,
    /// The environment, as far as it is the same for all.
    pub environment: Vec<(String, String)>,
    /// Where standard error goes; to the terminal if the job has one.
    pub stderr: StderrTarget,
}

/// What one request brings along.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What an earlier bay handed over, to be put into [`crate::ARTEFACT_DIRECTORY`] before anything else.
    ///
    /// It travels as an fd, beside the other fields.
    #[serde(skip)]
    pub unpack: Option<Artefact>,
    /// Files to write to `/box` before the program starts; a name that is taken is an error.
    pub files: Vec<File>,
    /// The last arguments, after those of [`Runtime::argv`].
    pub arguments: Vec<String>,
    /// Variables besides those of the runtime; of two with one name, this one counts.
    pub environment: Vec<(String, String)>,
    /// File or directory below [`crate::ARTEFACT_DIRECTORY`] that is handed over if the program ends with the exit code
    /// 0; the directories above it are made before the program starts.
    pub keep: Option<PathBuf>,
    /// The size of the terminal that is the program's standard input, output and error, and that of its session; none
    /// for pipes. Needs [`BayLimits::terminal`].
    ///
    /// `TERM` is `xterm-256color` unless the environment has another one.
    pub terminal: Option<WindowSize>,
}

/// Where a program's standard error goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StderrTarget {
    /// To a stream of its own.
    #[default]
    Own,
    /// To standard output, in the order in which both were written.
    Stdout,
}

/// An input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Where it goes below `/box`: names separated by slashes, no `..`.
    pub name: PathBuf,
    /// What is in it.
    pub content: Vec<u8>,
}

/// What a parked bay is sent in the end.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ParkedJob {
    /// The limits that the bay has by then.
    pub(crate) limits: BayLimits,
    pub(crate) job: Job,
}

/// The longest frame; more than the limits of requests let through.
const MAX_BYTES: u32 = 64 * 1024 * 1024;

/// Why a job cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsendable {
    TooLarge,
    /// A name in it is not UTF-8.
    Name,
}

/// Encodes what every bay reads first; a bay without a job parks.
///
/// A frame is its length in four bytes, then its contents. The fd of what is unpacked travels with the first byte
/// ([`stream`]).
pub(crate) fn first_frame(runtime: &Runtime, job: Option<&Job>) -> Result<Vec<u8>, Unsendable> {
    frame(&(runtime, job))
}

/// Encodes what a parked bay reads, in a frame like [`first_frame`].
pub(crate) fn parked_frame(limits: &BayLimits, job: &Job) -> Result<Vec<u8>, Unsendable> {
    // As the fields of a `ParkedJob`, which would have to own the job.
    frame(&(limits, job))
}

/// Reads what [`first_frame`] encoded.
pub(super) fn read_first(control: &UnixStream) -> io::Result<(Runtime, Option<Job>)> {
    let ((runtime, job), artefact): ((Runtime, Option<Job>), _) = read(control)?;
    Ok((runtime, job.map(|job| Job { unpack: artefact, ..job })))
}

/// Reads what [`parked_frame`] encoded.
pub(super) fn read_parked(control: &UnixStream) -> io::Result<ParkedJob> {
    let (ParkedJob { limits, job }, artefact) = read(control)?;
    Ok(ParkedJob { limits, job: Job { unpack: artefact, ..job } })
}

fn frame(contents: &impl Serialize) -> Result<Vec<u8>, Unsendable> {
    let bytes = postcard::to_stdvec(contents).map_err(|_| Unsendable::Name)?;
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MAX_BYTES).ok_or(Unsendable::TooLarge)?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend_from_slice(&bytes);
    Ok(frame)
}

/// Reads a frame, and the artefact that may come with it.
fn read<T: DeserializeOwned>(mut control: &UnixStream) -> io::Result<(T, Option<Artefact>)> {
    let mut length = [0; 4];
    let (count, artefact) = stream::receive(control, &mut length)?;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    control.read_exact(&mut length[count..])?;
    let length = u32::from_le_bytes(length);
    if length > MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    control.take(u64::from(length)).read_to_end(&mut bytes)?;
    let contents = decode(&bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok((contents, artefact.map(Artefact::received).transpose()?))
}

#[cfg(test)]
mod tests;
