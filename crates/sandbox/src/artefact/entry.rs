//! The format of an artefact: one entry after the other, each a head of fixed length, a name and contents.

/// The longest name in bytes, as paths of system calls are at most (path_resolution(7)).
pub(crate) const LONGEST_NAME: usize = 4095;

/// Kind, length of the name, length of the contents.
const HEAD: usize = 1 + 2 + 8;

/// The longest part of an entry before its contents.
pub(crate) const LONGEST_HEAD: usize = HEAD + LONGEST_NAME;

/// A file or directory without its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) kind: Kind,
    /// Relative to `/box`; any bytes but NUL.
    pub(crate) name: &'a [u8],
    /// Length of the contents in bytes; 0 for a directory.
    pub(crate) size: u64,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
    Executable,
}

impl<'a> Entry<'a> {
    /// Returns what stands before the contents; none if the name is too long.
    pub(crate) fn head(&self) -> Option<Vec<u8>> {
        let length = u16::try_from(self.name.len()).ok().filter(|length| usize::from(*length) <= LONGEST_NAME)?;
        let kind = match self.kind {
            Kind::Directory => b'd',
            Kind::File => b'f',
            Kind::Executable => b'x',
        };
        let mut head = Vec::with_capacity(HEAD + self.name.len());
        head.push(kind);
        head.extend_from_slice(&length.to_le_bytes());
        head.extend_from_slice(&self.size.to_le_bytes());
        head.extend_from_slice(self.name);
        Some(head)
    }

    /// Reads what [`Self::head`] made at the start of `bytes`; returns with it how long it was.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let (kind, rest) = bytes.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (size, rest) = rest.split_first_chunk()?;
        let name = rest.get(..usize::from(u16::from_le_bytes(*length)))?;
        let kind = match kind {
            b'd' => Kind::Directory,
            b'f' => Kind::File,
            b'x' => Kind::Executable,
            _ => return None,
        };
        Some((Self { kind, name, size: u64::from_le_bytes(*size) }, HEAD + name.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Entry<'_> = Entry { kind: Kind::Executable, name: b"a/b\n\xff", size: 1 << 40 };

    #[test]
    fn a_head_is_read_as_it_was_written() {
        for entry in
            [PROGRAM, Entry { kind: Kind::Directory, name: b"d", size: 0 }, Entry { kind: Kind::File, ..PROGRAM }]
        {
            let mut bytes = entry.head().unwrap();
            let length = bytes.len();
            bytes.extend_from_slice(b"contents");
            assert_eq!(Entry::parse(&bytes), Some((entry, length)));
        }
    }

    #[test]
    fn a_head_that_ends_early_or_is_unknown_is_none() {
        let bytes = PROGRAM.head().unwrap();
        for length in 0..bytes.len() {
            assert_eq!(Entry::parse(&bytes[..length]), None, "{length} bytes");
        }
        assert_eq!(Entry::parse(&[b'l'; 4096]), None);
    }

    #[test]
    fn names_have_a_longest() {
        let name = [b'x'; LONGEST_NAME + 1];
        assert_eq!(Entry { name: &name, ..PROGRAM }.head(), None);
        assert_eq!(Entry { name: &name[1..], ..PROGRAM }.head().unwrap().len(), LONGEST_HEAD);
    }
}
