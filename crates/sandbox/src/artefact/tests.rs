use std::io::Read;
use std::io::Seek;
use std::io::Write;

use super::*;

fn packed(contents: &[u8]) -> std::fs::File {
    let mut file = std::fs::File::from(memory_file().unwrap());
    file.write_all(contents).unwrap();
    file
}

fn contents(artefact: &Artefact) -> Vec<u8> {
    let mut file = std::fs::File::from(artefact.as_fd().try_clone_to_owned().unwrap());
    file.rewind().unwrap();
    let mut contents = Vec::new();
    file.read_to_end(&mut contents).unwrap();
    contents
}

#[tokio::test]
async fn a_copy_is_memory_of_its_own_that_nobody_can_change() {
    let long = vec![7; 3_000_000];
    let file = OwnedFd::from(packed(&long));
    seal(&file).unwrap();
    let copy = Artefact::copy(file.try_clone().unwrap(), &ArtefactRoom::new()).await.unwrap();
    assert_eq!(copy.bytes(), 3_000_000);
    assert_eq!(contents(&copy), long);
    let inode = |fd: BorrowedFd<'_>| rustix::fs::fstat(fd).unwrap().st_ino;
    assert_ne!(inode(copy.as_fd()), inode(file.as_fd()));
    assert_eq!(rustix::io::pwrite(&copy, b"x", 0), Err(Errno::PERM));
    assert_eq!(rustix::fs::ftruncate(&copy, 0), Err(Errno::PERM));
    assert_eq!(rustix::fs::fcntl_add_seals(&copy, SealFlags::empty()), Err(Errno::PERM));
}

#[tokio::test]
async fn only_sealed_memory_of_bounded_size_is_copied() {
    let (pipe, _writer) = io::pipe().unwrap();
    let endless = std::fs::File::open("/dev/zero").unwrap();
    let on_disk = std::fs::File::open("/etc/passwd").unwrap();
    let still_open = packed(b"x");
    let partly = packed(b"x");
    rustix::fs::fcntl_add_seals(&partly, SealFlags::WRITE | SealFlags::GROW | SealFlags::SEAL).unwrap();
    for fd in [pipe.into(), endless.into(), on_disk.into(), still_open.into(), OwnedFd::from(partly)] {
        assert!(Artefact::copy(fd, &ArtefactRoom::new()).await.is_err());
    }
    let huge = memory_file().unwrap();
    rustix::fs::ftruncate(&huge, MAX_BYTES + 1).unwrap();
    seal(&huge).unwrap();
    assert_eq!(sealed_bytes(&huge), Err(Errno::FBIG));
}

#[test]
fn an_artefact_equals_itself_only() {
    let make = || {
        let file = memory_file().unwrap();
        seal(&file).unwrap();
        Artefact::received(file).unwrap()
    };
    let one = make();
    assert_eq!(one, one.clone());
    assert_ne!(one, make());
}

#[test]
fn a_source_shorter_than_promised_is_an_error() {
    let target = memory_file().unwrap();
    assert_eq!(append(&target, packed(b"abc"), 1, 3), Err(Errno::IO));
    assert_eq!(append(&target, packed(b"abc"), 1, 2), Ok(()));
}
