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
    let place = Box::new();
    fs::create_dir(place.path(".runbay")).unwrap();
    fs::write(place.path(".runbay/program"), "contents").unwrap();
    fs::set_permissions(place.path(".runbay/program"), fs::Permissions::from_mode(0o4710)).unwrap();
    let packed = Artefact::received(place.pack(".runbay/program").unwrap()).unwrap();
    let mut expected = Entry { kind: Kind::Executable, name: b".runbay/program", size: 8 }.head().unwrap();
    expected.extend_from_slice(b"contents");
    let mut bytes = vec![0; usize::try_from(packed.bytes()).unwrap()];
    assert_eq!(rustix::io::pread(&packed, &mut bytes, 0), Ok(expected.len()));
    assert_eq!(bytes, expected);
}

#[test]
fn what_is_not_there_is_missing() {
    let place = Box::new();
    fs::write(place.path("file"), "").unwrap();
    for name in ["absent", "absent/deeper", "file/deeper"] {
        assert_eq!(place.fault(name), ArtefactFault::Missing, "{name}");
    }
}

#[test]
fn names_that_leave_the_box_are_refused() {
    let place = Box::new();
    for name in ["", "..", "/etc/passwd", "a/../../x"] {
        assert_eq!(place.pack(name).unwrap_err(), PackError::Refused(Errno::INVAL), "{name}");
    }
}

#[test]
fn only_files_and_directories_are_packed() {
    let place = Box::new();
    fs::create_dir_all(place.path("directory/below")).unwrap();
    type Make = fn(&Path);
    let makers: [(&str, Make); 4] = [
        ("link", |path| symlink("/etc/passwd", path).unwrap()),
        ("directory/below/link", |path| symlink("directory", path).unwrap()),
        ("pipe", |path| rustix::fs::mknodat(rustix::fs::CWD, path, FileType::Fifo, Mode::RUSR, 0).unwrap()),
        ("socket", |path| drop(UnixListener::bind(path).unwrap())),
    ];
    for (name, make) in makers {
        make(&place.path(name));
        assert_eq!(place.fault(name), ArtefactFault::NotRegular, "{name}");
    }
    assert_eq!(place.fault("directory"), ArtefactFault::NotRegular);
    symlink("directory", place.path("instead")).unwrap();
    assert_eq!(place.fault("instead/below"), ArtefactFault::NotRegular, "a link above it");
}

#[test]
fn size_number_and_depth_have_limits() {
    let place = Box::new();
    fs::File::create(place.path("large")).unwrap().set_len(MAX_BYTES).unwrap();
    assert_eq!(place.fault("large"), ArtefactFault::TooLarge);
    fs::File::create(place.path("huge")).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(place.fault("huge"), ArtefactFault::TooLarge);

    fs::create_dir(place.path("many")).unwrap();
    for number in 1..MAX_ENTRIES {
        fs::write(place.path(&format!("many/{number}")), "").unwrap();
    }
    assert!(place.pack("many").is_ok());
    fs::hard_link(place.path("many/1"), place.path("many/again")).unwrap();
    assert_eq!(place.fault("many"), ArtefactFault::TooMany);

    let deep = vec!["d"; MAX_DEPTH].join("/");
    fs::create_dir_all(place.path(&deep)).unwrap();
    assert!(place.pack("d").is_ok());
    fs::create_dir(place.path(&deep).join("d")).unwrap();
    assert_eq!(place.fault("d"), ArtefactFault::TooDeep);
}

#[test]
fn names_together_have_a_longest() {
    let place = Box::new();
    let mut name = "n".repeat(250);
    for _ in 0..14 {
        name = format!("{name}/{}", "n".repeat(250));
    }
    fs::create_dir_all(place.path(&name)).unwrap();
    let top = "n".repeat(250);
    assert!(place.pack(&top).is_ok());
    let bottom = fs::File::open(place.path(&name)).unwrap();
    rustix::fs::mkdirat(&bottom, &*top, Mode::RWXU).unwrap();
    let below = rustix::fs::openat(&bottom, &*top, LOOK, Mode::empty()).unwrap();
    rustix::fs::mkdirat(&below, &*top, Mode::RWXU).unwrap();
    assert_eq!(place.fault(&top), ArtefactFault::TooDeep);
}
