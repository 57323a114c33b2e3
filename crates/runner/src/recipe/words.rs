//! Words of a command line with placeholders in them.

/// A placeholder for what a recipe leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholder {
    /// The name of the program's first file.
    Entry,
    /// The command line arguments of the request.
    Args,
    /// The names of all source files, the entry first.
    Sources,
    /// The path of the artefact.
    Artefact,
    /// The memory limit of the stage, in MiB.
    MemoryMib,
    /// The part of the memory limit that `heap_percent` gives, in MiB.
    HeapMib,
}

/// A word of a command line. It stands for zero, one or several words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Args,
    Sources,
    Text(Text),
}

/// A text whose placeholders each stand for one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Value(Placeholder),
}

/// The values of the placeholders in one job.
pub(super) struct Values<'a> {
    pub(super) entry: &'a str,
    pub(super) args: &'a [String],
    pub(super) sources: Vec<&'a str>,
    pub(super) artefact: &'a str,
    pub(super) memory_mib: u64,
    pub(super) heap_mib: u64,
}

impl Placeholder {
    const ALL: [(&str, Self); 6] = [
        ("entry", Self::Entry),
        ("args", Self::Args),
        ("sources", Self::Sources),
        ("artefact", Self::Artefact),
        ("memory_mib", Self::MemoryMib),
        ("heap_mib", Self::HeapMib),
    ];
}

impl Word {
    /// Parses a word in which only the `allowed` placeholders may occur.
    ///
    /// The error continues a sentence that starts with the word's place.
    pub(super) fn parse(text: &str, allowed: &[Placeholder]) -> Result<Self, String> {
        match text {
            "{args}" if allowed.contains(&Placeholder::Args) => Ok(Self::Args),
            "{sources}" if allowed.contains(&Placeholder::Sources) => Ok(Self::Sources),
            _ => Text::parse(text, allowed).map(Self::Text),
        }
    }

    /// Returns whether the word is the same for all requests.
    pub(super) fn is_fixed(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_fixed())
    }

    pub(super) fn fill(&self, values: &Values<'_>, into: &mut Vec<String>) {
        match self {
            Self::Args => into.extend_from_slice(values.args),
            Self::Sources => into.extend(values.sources.iter().map(ToString::to_string)),
            Self::Text(text) => into.push(text.fill(values)),
        }
    }
}

impl Text {
    /// Parses a text in which only the `allowed` placeholders may occur, see [`Word::parse`].
    pub(super) fn parse(text: &str, allowed: &[Placeholder]) -> Result<Self, String> {
        if text.contains('\0') {
            return Err("must not have the character U+0000".to_owned());
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((literal, name, after)) = next_name(rest) {
            let known = Placeholder::ALL.iter().find(|(known, _)| *known == name).map(|(_, placeholder)| *placeholder);
            let placeholder = known.ok_or_else(|| format!("has the unknown placeholder {{{name}}}"))?;
            if matches!(placeholder, Placeholder::Args | Placeholder::Sources) && allowed.contains(&placeholder) {
                return Err(format!("has {{{name}}}, which stands for several words and must be one of its own"));
            }
            if !allowed.contains(&placeholder) {
                return Err(format!("has {{{name}}}, which means nothing here"));
            }
            pieces.push(Piece::Literal(literal.to_owned()));
            pieces.push(Piece::Value(placeholder));
            rest = after;
        }
        pieces.push(Piece::Literal(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// Returns whether the text is the same for all requests, because it depends on the recipe alone.
    pub(super) fn is_fixed(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Literal(_) | Piece::Value(Placeholder::Artefact)))
    }

    pub(super) fn fill(&self, values: &Values<'_>) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => text += literal,
                Piece::Value(placeholder) => text += &values.get(*placeholder),
            }
        }
        text
    }
}

impl Values<'_> {
    fn get(&self, placeholder: Placeholder) -> String {
        match placeholder {
            Placeholder::Entry => self.entry.to_owned(),
            Placeholder::Artefact => self.artefact.to_owned(),
            Placeholder::MemoryMib => self.memory_mib.to_string(),
            Placeholder::HeapMib => self.heap_mib.to_string(),
            Placeholder::Args => self.args.join(" "),
            Placeholder::Sources => self.sources.join(" "),
        }
    }
}

/// Splits a text at the first `{name}` of small letters and underscores. Other braces are literal.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('{').find_map(|(start, _)| {
        let (name, after) = text[start + 1..].split_once('}')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        is_name.then_some((&text[..start], name, after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: &[Placeholder] =
        &[Placeholder::Entry, Placeholder::Args, Placeholder::Sources, Placeholder::HeapMib];

    fn fill(words: &[&str]) -> Vec<String> {
        let args = ["a b".to_owned(), "{entry}".to_owned()];
        let values = Values {
            entry: "main.c",
            args: &args,
            sources: vec!["main.c", "lib/x.c"],
            artefact: "/opt/artefact/program",
            memory_mib: 128,
            heap_mib: 76,
        };
        let mut filled = Vec::new();
        for word in words {
            Word::parse(word, ALLOWED).unwrap().fill(&values, &mut filled);
        }
        filled
    }

    #[test]
    fn placeholders_are_filled_once() {
        assert_eq!(
            fill(&["-o{entry}.o", "{sources}", "--", "{args}", "-Xmx{heap_mib}m"]),
            ["-omain.c.o", "main.c", "lib/x.c", "--", "a b", "{entry}", "-Xmx76m"]
        );
    }

    #[test]
    fn what_holds_for_every_request_is_told_from_what_does_not() {
        let is_fixed =
            |word| Word::parse(word, &Placeholder::ALL.map(|(_, placeholder)| placeholder)).unwrap().is_fixed();
        assert!(is_fixed("-u") && is_fixed("-o{artefact}") && is_fixed("${HOME}"));
        assert!(!["{entry}", "{args}", "{sources}", "-m{memory_mib}", "{heap_mib}"].into_iter().any(is_fixed));
    }

    #[test]
    fn other_braces_are_only_braces() {
        for word in ["${HOME}", "{ print }", "{}", "a{1,2}b", "{", "}{", "{{"] {
            assert_eq!(fill(&[word]), [word]);
        }
        assert_eq!(fill(&["{{entry}}"]), ["{main.c}"]);
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        let refusal = |word| Word::parse(word, ALLOWED).unwrap_err();
        assert_eq!(refusal("{entri}"), "has the unknown placeholder {entri}");
        assert_eq!(refusal("{artefact}"), "has {artefact}, which means nothing here");
        assert_eq!(refusal("x{args}"), "has {args}, which stands for several words and must be one of its own");
        assert_eq!(refusal("a\0"), "must not have the character U+0000");
    }
}
