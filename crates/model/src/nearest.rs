//! Near misses: the known word that somebody probably meant.

use strsim::damerau_levenshtein;

/// The longest name that is compared, in bytes. Comparing takes time in proportion to its square.
const LONGEST: usize = 64;

/// The shortest beginning that says which name was meant, in characters.
const SHORTEST_BEGINNING: usize = 3;

/// Returns the known word that is written almost like `word`.
///
/// Upper and lower case and separators do not count, and one letter in three may be wrong.
#[must_use]
pub fn nearest_word<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = folded(word);
    let distances = known.into_iter().filter_map(|candidate| Some((distance(&word, &folded(candidate))?, candidate)));
    distances.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// Returns the known name that is written almost like `name` or that one of the two begins with, such as `wait_ms` for
/// `wait`.
#[must_use]
pub fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<&'a str> {
    nearest_word(name, known.clone()).or_else(|| {
        let name = folded(name);
        known.into_iter().find(|candidate| {
            let candidate = folded(candidate);
            let shorter = name.chars().count().min(candidate.chars().count());
            shorter >= SHORTEST_BEGINNING && (candidate.starts_with(&name) || name.starts_with(&candidate))
        })
    })
}

/// Returns how many letters are wrong. Returns none if these are too many for a slip.
fn distance(word: &str, candidate: &str) -> Option<usize> {
    let distance = damerau_levenshtein(word, candidate);
    let allowed = word.chars().count().min(candidate.chars().count()) / 3;
    (distance <= allowed).then_some(distance)
}

fn folded(name: &str) -> String {
    name.trim().chars().filter(|character| !matches!(character, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [&str; 5] = ["language", "source_code", "files", "wait_ms", "wall_time_ms"];

    #[test]
    fn slips_are_recognised() {
        for (name, meant) in [
            ("souce_code", "source_code"),
            ("sourceCode", "source_code"),
            ("Source-Code", "source_code"),
            ("Language", "language"),
            ("lagnuage", "language"),
            ("file", "files"),
            ("wait-ms", "wait_ms"),
            (" files ", "files"),
        ] {
            assert_eq!(nearest_word(name, FIELDS), Some(meant), "{name}");
        }
    }

    #[test]
    fn a_beginning_is_enough_for_a_name_and_not_for_a_word() {
        for (name, meant) in [("wait", "wait_ms"), ("lang", "language")] {
            assert_eq!((nearest_word(name, FIELDS), nearest_name(name, FIELDS)), (None, Some(meant)), "{name}");
        }
        assert_eq!(nearest_word("java", ["javascript"]), None);
    }

    #[test]
    fn what_is_like_nothing_has_no_neighbour() {
        for name in ["", "_", "x", "wa", "stdin", "__proto__", &"wait".repeat(100_000)] {
            assert_eq!(nearest_name(name, FIELDS), None, "{name:.20}");
        }
        assert_eq!(nearest_word("c", ["d", "cpp"]), None);
    }

    #[test]
    fn the_nearest_of_several_is_named() {
        assert_eq!(nearest_word("stdou", ["stdin", "stdout"]), Some("stdout"));
    }
}
