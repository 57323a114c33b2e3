use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::super::pack::pack;
use super::*;

/// Packs directory `kept` of one directory and unpacks it in another, both in place of /box.
struct Directories {
    from: tempfile::TempDir,
    to: tempfile::TempDir,
}

fn open(directory: &tempfile::TempDir) -> OwnedFd {
    fs::File::open(directory.path()).unwrap().into()
}

impl Directories {
    fn new() -> Self {
        Self { from: tempfile::tempdir().unwrap(), to: tempfile::tempdir().unwrap() }
    }

    fn unpack(&self, artefact: &Artefact) -> Result<(), Errno> {
        unpack(&open(&self.to), artefact)
    }
}

fn artefact(bytes: &[u8]) -> Artefact {
    let file = artefact::memory_file().unwrap();
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = &rest[rustix::io::write(&file, rest).unwrap()..];
    }
    artefact::seal(&file).unwrap();
    Artefact::received(file).unwrap()
}

fn entry(kind: Kind, name: &[u8], size: u64) -> Vec<u8> {
    Entry { kind, name, size }.head().unwrap()
}

#[test]
fn a_tree_survives() {
    let directories = Directories::new();
    let kept = directories.from.path().join("a/kept");
    fs::create_dir_all(kept.join("empty")).unwrap();
    let odd = kept.join(OsStr::from_bytes(b"line\nbreak \xff"));
    let large: Vec<_> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    fs::write(kept.join("large"), &large).unwrap();
    fs::set_permissions(kept.join("large"), fs::Permissions::from_mode(0o6711)).unwrap();
    fs::write(&odd, "odd").unwrap();
    fs::write(kept.join("none"), "").unwrap();
    fs::set_permissions(kept.join("none"), fs::Permissions::from_mode(0o000)).unwrap();
    let packed = Artefact::received(pack(&open(&directories.from), Path::new("a/kept")).unwrap()).unwrap();
    // All who hold it share one position in the file; nobody may rely on it.
    rustix::fs::seek(&packed, rustix::fs::SeekFrom::Start(7)).unwrap();
    directories.unpack(&packed).unwrap();

    let made = directories.to.path().join("a/kept");
    let mode = |name: &str| fs::metadata(made.join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(fs::read(made.join("large")).unwrap(), large);
    assert_eq!(fs::read(made.join(odd.file_name().unwrap())).unwrap(), b"odd");
    assert_eq!(fs::read_dir(made.join("empty")).unwrap().count(), 0);
    assert_eq!((mode("large"), mode("none"), mode("empty")), (0o755, 0o644, 0o755));
    assert_eq!(fs::read_dir(&made).unwrap().count(), 4);
    assert_eq!(directories.unpack(&packed), Err(Errno::EXIST), "a name that is taken");
}

#[test]
fn what_pid_1_did_not_pack_is_refused() {
    let names = [&b""[..], b"..", b"a/../../x", b"/tmp/x", b"a\0b"];
    let cut = entry(Kind::File, b"a", 1);
    let endless = entry(Kind::File, b"a", u64::MAX);
    let full_directory = [entry(Kind::Directory, b"a", 1), vec![b'x']].concat();
    let bad = names.map(|name| entry(Kind::File, name, 0));
    for bytes in bad.iter().chain([&cut, &endless, &full_directory, &cut[..4].to_vec(), &vec![0; 100]]) {
        let directories = Directories::new();
        assert_eq!(directories.unpack(&artefact(bytes)), Err(Errno::INVAL), "{bytes:?}");
        assert_eq!(fs::read_dir(directories.to.path()).unwrap().count(), 0, "{bytes:?}");
    }
    let twice = entry(Kind::Directory, b"a", 0).repeat(2);
    assert_eq!(Directories::new().unpack(&artefact(&twice)), Err(Errno::EXIST));
}

#[test]
fn entries_have_a_most() {
    let many = |count: usize| -> Vec<u8> {
        (0..count).flat_map(|number| entry(Kind::File, number.to_string().as_bytes(), 0)).collect()
    };
    assert_eq!(Directories::new().unpack(&artefact(&many(MAX_ENTRIES))), Ok(()));
    assert_eq!(Directories::new().unpack(&artefact(&many(MAX_ENTRIES + 1))), Err(Errno::INVAL));
    assert_eq!(Directories::new().unpack(&artefact(b"")), Ok(()));
}
