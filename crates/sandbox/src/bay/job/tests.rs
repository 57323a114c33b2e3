use std::ffi::OsStr;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use super::*;
use crate::artefact::memory_file;
use crate::artefact::seal;

const LIMITS: BayLimits = BayLimits {
    memory_bytes: 1 << 40,
    processes: 2,
    cpu_time_ms: 3,
    open_files: 4,
    file_bytes: 5,
    disk_bytes: 6,
    inodes: 7,
    stack_bytes: 8,
    data_bytes: Some(9),
    terminal: true,
};

fn runtime() -> Runtime {
    Runtime {
        argv: vec!["/usr/bin/python3".to_owned(), "-u".to_owned()],
        environment: vec![("LANG".to_owned(), "C.UTF-8".to_owned())],
        stderr: StderrTarget::Stdout,
    }
}

fn job() -> Job {
    let file = memory_file().unwrap();
    seal(&file).unwrap();
    Job {
        unpack: Some(Artefact::received(file).unwrap()),
        files: vec![File { name: "main.py".into(), content: vec![0, 255, 10] }],
        arguments: vec!["main.py".to_owned()],
        environment: vec![("A".to_owned(), "1".to_owned())],
        keep: Some("program".into()),
        terminal: Some(WindowSize { columns: 80, rows: 24 }),
    }
}

/// Sends a frame as the service does; returns the other end.
fn sent(frame: &[u8], job: &Job) -> UnixStream {
    let (left, right) = UnixStream::pair().unwrap();
    let count = stream::send(&left, frame, job.unpack.as_ref().map(AsFd::as_fd)).unwrap();
    assert_eq!(count, frame.len());
    right
}

fn assert_same(read: Job, sent: Job) {
    let inode = |job: &Job| rustix::fs::fstat(job.unpack.as_ref().unwrap()).unwrap().st_ino;
    assert_eq!(inode(&read), inode(&sent));
    assert_eq!(Job { unpack: None, ..read }, Job { unpack: None, ..sent });
}

#[test]
fn both_parts_survive_the_stream_in_one_frame() {
    let job = job();
    let stream = sent(&first_frame(&runtime(), Some(&job)).unwrap(), &job);
    let (read, with) = read_first(&stream).unwrap();
    assert_eq!(read, runtime());
    assert_same(with.unwrap(), job);
}

#[test]
fn both_parts_survive_the_stream_in_two_frames() {
    let stream = sent(&first_frame(&runtime(), None).unwrap(), &Job::default());
    assert_eq!(read_first(&stream).unwrap(), (runtime(), None));
    let job = job();
    let stream = sent(&parked_frame(&LIMITS, &job).unwrap(), &job);
    let parked = read_parked(&stream).unwrap();
    assert_eq!(parked.limits, LIMITS);
    assert_same(parked.job, job);
}

#[test]
fn a_stream_that_ends_early_is_an_error() {
    let frame = first_frame(&runtime(), Some(&Job::default())).unwrap();
    for length in 0..frame.len() {
        let (mut left, right) = UnixStream::pair().unwrap();
        left.write_all(&frame[..length]).unwrap();
        drop(left);
        assert!(read_first(&right).is_err(), "{length} bytes");
    }
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let file = |name: &[u8], size| File { name: OsStr::from_bytes(name).into(), content: vec![0; size] };
    let job = |file| Job { files: vec![file], ..Job::default() };
    let first = |job: &Job| first_frame(&Runtime::default(), Some(job)).unwrap_err();
    let parked = |job: &Job| parked_frame(&LIMITS, job).unwrap_err();
    for (job, why) in [(job(file(b"\xff", 0)), Unsendable::Name), (job(file(b"x", 64 << 20)), Unsendable::TooLarge)] {
        assert_eq!((first(&job), parked(&job)), (why, why));
    }
}
