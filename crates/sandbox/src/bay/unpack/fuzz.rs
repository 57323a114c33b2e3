//! Artefacts that a program could have made.

use std::fs;
use std::fs::File;

use proptest::prelude::*;
use runbay_testkit::damage;
use rustix::io::write;

use super::*;

/// Packs entries one after the other.
fn packed(entries: &[(Kind, &str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, name, contents) in entries {
        let size = u64::try_from(contents.len()).expect("short contents");
        bytes.extend(Entry { kind: *kind, name: name.as_bytes(), size }.head().expect("a short name"));
        bytes.extend_from_slice(contents);
    }
    bytes
}

fn artefact(bytes: &[u8]) -> Artefact {
    let file = artefact::memory_file().expect("memory for a file");
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = &rest[write(&file, rest).expect("memory for contents")..];
    }
    artefact::seal(&file).expect("a file of ours");
    Artefact::received(file).expect("a sealed file")
}

/// Returns the size of all files below a directory, which holds no links.
fn size(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).expect("a directory of ours").map(|entry| entry.expect("an entry"));
    let sizes = entries.map(|entry| {
        let kind = entry.file_type().expect("an entry has a kind");
        assert!(kind.is_file() || kind.is_dir(), "{entry:?}");
        if kind.is_dir() { size(&entry.path()) } else { entry.metadata().expect("a file").len() }
    });
    sizes.sum()
}

proptest! {
    #[test]
    fn whatever_is_unpacked_stays_below_the_root(
        first in "[a-c./]{1,12}", second in "[a-c./]{1,12}", damage in damage(),
    ) {
        let bytes = packed(&[
            (Kind::Directory, "d", b""),
            (Kind::File, &first, b"contents"),
            (Kind::Executable, "d/program", b"#!/bin/sh\n"),
            (Kind::File, &second, b""),
        ]);
        let bytes = damage.of(&bytes);
        let place = tempfile::tempdir().expect("a temporary directory");
        let root = place.path().join("root");
        fs::create_dir(&root).expect("a directory of ours");
        unpack(&File::open(&root).expect("it is there").into(), &artefact(&bytes)).ok();
        let beside: Vec<_> = fs::read_dir(place.path()).expect("it is there").map(|entry| entry.expect("an entry").file_name()).collect();
        prop_assert_eq!(beside, ["root"]);
        prop_assert!(size(&root) <= u64::try_from(bytes.len()).expect("few bytes"));
    }

    #[test]
    fn an_entry_is_read_as_it_was_sent(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Some((entry, length)) = Entry::parse(&bytes) {
            prop_assert_eq!(entry.head(), Some(bytes[..length].to_vec()));
        }
    }
}
