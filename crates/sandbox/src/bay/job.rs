//! What a bay is asked to run.

use std::io;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::artefact::Artefact;
use crate::stream;
use crate::wire::decode;

/// A program to run in a bay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What an earlier bay handed over, to be put into `/box` before anything else.
    ///
    /// It travels as an fd, beside the other fields.
    #[serde(skip)]
    pub unpack: Option<Artefact>,
    /// Files to write to `/box` before the program starts; a name that is taken is an error.
    pub files: Vec<File>,
    /// The program's path inside the bay, absolute or relative to `/box`, then its arguments.
    pub argv: Vec<String>,
    /// The whole environment.
    pub environment: Vec<(String, String)>,
    /// Where standard error goes.
    pub stderr: StderrTarget,
    /// File or directory below `/box` that is handed over if the program ends with the exit code 0; the directories
    /// above it are made before the program starts.
    pub keep: Option<PathBuf>,
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

/// The longest job; more than the limits of requests let through.
const MAX_BYTES: u32 = 64 * 1024 * 1024;

/// Why a job cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsendable {
    TooLarge,
    /// A name in it is not UTF-8.
    Name,
}

/// Encodes a job for the control stream: its length in four bytes, then the job.
///
/// The fd of what is unpacked travels with the first byte ([`stream`]).
pub(crate) fn frame(job: &Job) -> Result<Vec<u8>, Unsendable> {
    let bytes = postcard::to_stdvec(job).map_err(|_| Unsendable::Name)?;
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MAX_BYTES).ok_or(Unsendable::TooLarge)?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend_from_slice(&bytes);
    Ok(frame)
}

/// Reads a job from the control stream.
pub(super) fn read(mut control: &UnixStream) -> io::Result<Job> {
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
    let job = decode(&bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Job { unpack: artefact.map(Artefact::received).transpose()?, ..job })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::artefact::memory_file;
    use crate::artefact::seal;

    #[test]
    fn a_job_survives_the_stream() {
        let file = memory_file().unwrap();
        seal(&file).unwrap();
        let job = Job {
            unpack: Some(Artefact::received(file).unwrap()),
            files: vec![File { name: "main.py".into(), content: vec![0, 255, 10] }],
            argv: vec!["/usr/bin/python3".to_owned(), "main.py".to_owned()],
            environment: vec![("LANG".to_owned(), "C.UTF-8".to_owned())],
            stderr: StderrTarget::Stdout,
            keep: Some(".runbay/program".into()),
        };
        let (left, right) = UnixStream::pair().unwrap();
        let frame = frame(&job).unwrap();
        let sent = stream::send(&left, &frame, job.unpack.as_ref().map(AsFd::as_fd)).unwrap();
        assert_eq!(sent, frame.len());
        let read = read(&right).unwrap();
        let inode = |job: &Job| rustix::fs::fstat(job.unpack.as_ref().unwrap()).unwrap().st_ino;
        assert_eq!(inode(&read), inode(&job));
        assert_eq!(Job { unpack: None, ..read }, Job { unpack: None, ..job });
    }

    #[test]
    fn a_stream_that_ends_early_is_an_error() {
        let frame = frame(&Job::default()).unwrap();
        for length in 0..frame.len() {
            let (mut left, right) = UnixStream::pair().unwrap();
            left.write_all(&frame[..length]).unwrap();
            drop(left);
            assert!(read(&right).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let file = |name: &[u8], size| File { name: OsStr::from_bytes(name).into(), content: vec![0; size] };
        let job = |file| Job { files: vec![file], ..Job::default() };
        assert_eq!(frame(&job(file(b"\xff", 0))), Err(Unsendable::Name));
        assert_eq!(frame(&job(file(b"x", 64 << 20))), Err(Unsendable::TooLarge));
    }
}
