use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::*;
use crate::artefact::Artefact;

/// A directory in place of /box.
struct Box {
    directory: tempfile::TempDir,
    root: OwnedFd,
}

impl Box {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::File::open(directory.path()).unwrap().into();
        Self { directory, root }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn pack(&self, name: &str) -> Result<OwnedFd, PackError> {
        pack(&self.root, Path::new(name))
    }

    fn fault(&self, name: &str) -> ArtefactFault {
        match self.pack(name) {
            Err(PackError::Fault(fault)) => fault,
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_file_is_packed_with_name_mode_and_contents() {
    let directory = Box::new();
    fs::create_dir(directory.path("kept")).unwrap();
    fs::write(directory.path("kept/program"), "contents").unwrap();
    fs::set_permissions(directory.path("kept/program"), fs::Permissions::from_mode(0o4710)).unwrap();
    let packed = Artefact::received(directory.pack("kept/program").unwrap()).unwrap();
    let mut expected = Entry { kind: Kind::Executable, name: b"kept/program", size: 8 }.head().unwrap();
    expected.extend_from_slice(b"contents");
    let mut bytes = vec![0; usize::try_from(packed.bytes()).unwrap()];
    assert_eq!(rustix::io::pread(&packed, &mut bytes, 0), Ok(expected.len()));
    assert_eq!(bytes, expected);
}

#[test]
fn what_is_not_there_is_missing() {
    let directory = Box::new();
    fs::write(directory.path("file"), "").unwrap();
    for name in ["absent", "absent/deeper", "file/deeper"] {
        assert_eq!(directory.fault(name), ArtefactFault::Missing, "{name}");
    }
}

#[test]
fn names_that_leave_the_box_are_refused() {
    let directory = Box::new();
    for name in ["", "..", "/etc/passwd", "a/../../x"] {
        assert_eq!(directory.pack(name).unwrap_err(), PackError::Refused(Errno::INVAL), "{name}");
    }
}

#[test]
fn only_files_and_directories_are_packed() {
    let directory = Box::new();
    fs::create_dir_all(directory.path("directory/below")).unwrap();
    type Make = fn(&Path);
    let makers: [(&str, Make); 4] = [
        ("link", |path| symlink("/etc/passwd", path).unwrap()),
        ("directory/below/link", |path| symlink("directory", path).unwrap()),
        ("pipe", |path| rustix::fs::mknodat(rustix::fs::CWD, path, FileType::Fifo, Mode::RUSR, 0).unwrap()),
        ("socket", |path| drop(UnixListener::bind(path).unwrap())),
    ];
    for (name, make) in makers {
        make(&directory.path(name));
        assert_eq!(directory.fault(name), ArtefactFault::NotRegular, "{name}");
    }
    assert_eq!(directory.fault("directory"), ArtefactFault::NotRegular);
    symlink("directory", directory.path("instead")).unwrap();
    assert_eq!(directory.fault("instead/below"), ArtefactFault::NotRegular, "a link above it");
}

#[test]
fn size_number_and_depth_have_limits() {
    let directory = Box::new();
    fs::File::create(directory.path("large")).unwrap().set_len(MAX_BYTES).unwrap();
    assert_eq!(directory.fault("large"), ArtefactFault::TooLarge);
    fs::File::create(directory.path("huge")).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(directory.fault("huge"), ArtefactFault::TooLarge);

    fs::create_dir(directory.path("many")).unwrap();
    for number in 1..MAX_ENTRIES {
        fs::write(directory.path(&format!("many/{number}")), "").unwrap();
    }
    assert!(directory.pack("many").is_ok());
    fs::hard_link(directory.path("many/1"), directory.path("many/again")).unwrap();
    assert_eq!(directory.fault("many"), ArtefactFault::TooMany);

    let deep = vec!["d"; MAX_DEPTH].join("/");
    fs::create_dir_all(directory.path(&deep)).unwrap();
    assert!(directory.pack("d").is_ok());
    fs::create_dir(directory.path(&deep).join("d")).unwrap();
    assert_eq!(directory.fault("d"), ArtefactFault::TooDeep);
}

#[test]
fn names_together_have_a_longest() {
    let directory = Box::new();
    let mut name = "n".repeat(250);
    for _ in 0..14 {
        name = format!("{name}/{}", "n".repeat(250));
    }
    fs::create_dir_all(directory.path(&name)).unwrap();
    let top = "n".repeat(250);
    assert!(directory.pack(&top).is_ok());
    let bottom = fs::File::open(directory.path(&name)).unwrap();
    rustix::fs::mkdirat(&bottom, &*top, Mode::RWXU).unwrap();
    let below = rustix::fs::openat(&bottom, &*top, LOOK, Mode::empty()).unwrap();
    rustix::fs::mkdirat(&below, &*top, Mode::RWXU).unwrap();
    assert_eq!(directory.fault(&top), ArtefactFault::TooDeep);
}
