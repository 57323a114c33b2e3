//! Amounts as people read them.

pub(crate) fn seconds(milliseconds: u64) -> String {
    if milliseconds.is_multiple_of(1000) { format!("{} s", milliseconds / 1000) } else { format!("{milliseconds} ms") }
}

pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fitting = UNITS.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    fitting.map_or_else(|| format!("{bytes} bytes"), |(unit, name)| format!("{} {name}", bytes / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_that_fits_exactly_is_used() {
        for (bytes, text) in
            [(0, "0 bytes"), (1, "1 bytes"), (65_536, "64 KiB"), (3 << 29, "1536 MiB"), (1 << 30, "1 GiB")]
        {
            assert_eq!(size(bytes), text);
        }
        assert_eq!((seconds(5000), seconds(1500)), ("5 s".to_owned(), "1500 ms".to_owned()));
    }
}
