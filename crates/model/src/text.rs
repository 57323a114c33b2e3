//! Cutting program output without splitting a character.

/// Shortens `bytes` to at most `limit` bytes, never within a UTF-8 character.
///
/// Returns whether anything was cut. Bytes that are not UTF-8 stay as they are: only an incomplete character right at
/// the cut is removed.
pub fn cut_at_character(bytes: &mut Vec<u8>, limit: usize) -> bool {
    if bytes.len() <= limit {
        return false;
    }
    let mut end = limit;
    // A character has at most three continuation bytes (RFC 3629), so a longer walk back is not a character.
    while end > 0 && limit - end < 3 && is_continuation(bytes[end]) {
        end -= 1;
    }
    bytes.truncate(if is_continuation(bytes[end]) { limit } else { end });
    true
}

fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &[u8], limit: usize) -> (Vec<u8>, bool) {
        let mut bytes = text.to_vec();
        let was_cut = cut_at_character(&mut bytes, limit);
        (bytes, was_cut)
    }

    #[test]
    fn keeps_what_fits() {
        assert_eq!(cut("žluť".as_bytes(), 6), ("žluť".as_bytes().to_vec(), false));
    }

    #[test]
    fn cuts_before_a_split_character() {
        assert_eq!(cut("až".as_bytes(), 2), (b"a".to_vec(), true));
        assert_eq!(cut("a🦀".as_bytes(), 4), (b"a".to_vec(), true));
        assert_eq!(cut("a🦀b".as_bytes(), 5), ("a🦀".as_bytes().to_vec(), true));
    }

    #[test]
    fn leaves_bytes_that_are_not_text_alone() {
        assert_eq!(cut(&[0x80; 8], 6), (vec![0x80; 6], true));
        assert_eq!(cut(&[0xff; 8], 6), (vec![0xff; 6], true));
        assert_eq!(cut(&[0x80; 8], 0), (vec![], true));
    }
}
