//! What a bay is asked to run.

use std::io::Read;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::wire::decode;
use crate::wire::encode;

/// A program to run in a bay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Files to write to `/box` first.
    pub files: Vec<File>,
    /// The program's absolute path inside the bay, then its arguments.
    pub argv: Vec<String>,
    /// The whole environment.
    pub environment: Vec<(String, String)>,
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

/// Encodes a job for the control stream: its length in four bytes, then the job.
pub(crate) fn frame(job: &Job) -> Option<Vec<u8>> {
    let bytes = encode(job);
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MAX_BYTES)?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend_from_slice(&bytes);
    Some(frame)
}

/// Reads a job from the control stream.
pub(super) fn read(mut control: impl Read) -> std::io::Result<Job> {
    let mut length = [0; 4];
    control.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_BYTES {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    control.take(u64::from(length)).read_to_end(&mut bytes)?;
    decode(&bytes).map_err(|_| std::io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_survives_the_stream() {
        let job = Job {
            files: vec![File { name: "main.py".into(), content: vec![0, 255, 10] }],
            argv: vec!["/usr/bin/python3".to_owned(), "main.py".to_owned()],
            environment: vec![("LANG".to_owned(), "C.UTF-8".to_owned())],
        };
        assert_eq!(read(&*frame(&job).unwrap()).unwrap(), job);
    }

    #[test]
    fn a_stream_that_ends_early_is_an_error() {
        let frame = frame(&Job::default()).unwrap();
        for length in 0..frame.len() {
            assert!(read(&frame[..length]).is_err(), "{length} bytes");
        }
    }
}
