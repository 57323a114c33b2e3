//! Names that clients chose, as complaints quote them.

/// The most bytes of a name that a complaint quotes, with control characters escaped.
const QUOTED_BYTES: usize = 80;

/// Returns the beginning of a name, so that the complaint about it has room for the rule.
pub(super) fn shortened(name: &str) -> String {
    let mut bytes = 0;
    let end = name.char_indices().find(|(_, character)| {
        bytes += character.escape_debug().map(char::len_utf8).sum::<usize>();
        bytes > QUOTED_BYTES
    });
    match end {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_at_a_character() {
        assert_eq!(shortened("main.py"), "main.py");
        assert_eq!(shortened(&"n".repeat(80)), "n".repeat(80));
        assert_eq!(shortened(&"n".repeat(1_000_000)), format!("{}…", "n".repeat(80)));
        assert_eq!(shortened(&"ž".repeat(50)), format!("{}…", "ž".repeat(40)));
        assert_eq!(shortened(&"\u{1}".repeat(100)), format!("{}…", "\u{1}".repeat(16)));
    }
}
