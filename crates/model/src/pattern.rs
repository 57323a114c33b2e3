//! Regular expressions of bounded cost.
//!
//! Matching takes linear time for every pattern and text. Compiling a pattern takes about 20 ms at worst.

use std::convert::Infallible;

use regex::Regex;
use regex::RegexBuilder;
use regex_syntax::ast::Ast;
use regex_syntax::ast::ClassPerlKind;
use regex_syntax::ast::ClassSetBinaryOp;
use regex_syntax::ast::ClassSetItem;
use regex_syntax::ast::Error;
use regex_syntax::ast::Flag;
use regex_syntax::ast::Flags;
use regex_syntax::ast::Visitor;
use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::visit;

/// The most memory that a regular expression may take, in bytes.
const BYTES: usize = 256 * 1024;

/// The number of characters.
const ALL: u64 = 0x11_0000;

/// More than the number of characters in `\w`.
const WORD: u64 = 160_000;

/// The most characters of all classes together in an expression that ignores case, such as four times `[\s\S]`.
///
/// The other case of each character is looked up one by one. All characters take about 5 ms, and a kibibyte of pattern
/// could ask for 170 times that.
const FOLDED: u64 = 4 * ALL;

/// A text that is not a regular expression, or that is too large for one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a regular expression: {0}")]
pub struct InvalidPattern(String);

impl InvalidPattern {
    fn of(error: impl ToString) -> Self {
        Self(error.to_string())
    }
}

/// Compiles a pattern that was checked earlier.
pub(crate) fn compile(text: &str) -> Result<Regex, InvalidPattern> {
    // The pattern is parsed by itself first, because a pattern like `a)|(?:b` must not end the group around it.
    // Compiling it by itself would take as long as the rest.
    parse(text)?;
    build(text)
}

/// Checks that a text is a pattern, and that compiling it does not take long.
pub(crate) fn check(text: &str) -> Result<(), InvalidPattern> {
    let Ok(folded) = visit(&parse(text)?, Folding::default());
    if folded > FOLDED {
        let complaint = "its classes have too many characters to ignore their case; (?s:.) stands for any character";
        return Err(InvalidPattern::of(complaint));
    }
    build(text).map(drop)
}

fn parse(text: &str) -> Result<Ast, InvalidPattern> {
    let place = |error: &Error| error.span().start.offset + 1;
    Parser::new().parse(text).map_err(|error| InvalidPattern(format!("{} at byte {}", error.kind(), place(&error))))
}

fn build(text: &str) -> Result<Regex, InvalidPattern> {
    let mut builder = RegexBuilder::new(&format!(r"\A(?:{text})\z"));
    builder.size_limit(BYTES).dfa_size_limit(BYTES).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => InvalidPattern(format!("it takes more than {} KiB of memory", BYTES / 1024)),
        // The last line of several says what is wrong.
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            InvalidPattern::of(last.strip_prefix("error: ").unwrap_or(last))
        }
    })
}

/// Counts the characters whose other case is looked up. A class within classes counts once for each of them.
struct Folding {
    ignores_case: bool,
    depth: u64,
    characters: u64,
}

impl Default for Folding {
    fn default() -> Self {
        Self { ignores_case: false, depth: 1, characters: 0 }
    }
}

impl Folding {
    fn count(&mut self, characters: u64) {
        self.characters += self.depth * characters;
    }
}

impl Visitor for Folding {
    type Output = u64;
    type Err = Infallible;

    fn finish(self) -> Result<u64, Self::Err> {
        Ok(if self.ignores_case { self.characters } else { 0 })
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        let flags = match ast {
            Ast::Flags(set) => Some(&set.flags),
            Ast::Group(group) => group.flags(),
            _ => None,
        };
        self.ignores_case |= flags.is_some_and(ignore_case);
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Self::Err> {
        match item {
            ClassSetItem::Bracketed(_) => self.depth += 1,
            ClassSetItem::Empty(_) | ClassSetItem::Union(_) => {}
            ClassSetItem::Literal(_) => self.count(1),
            ClassSetItem::Range(range) => self.count(1 + u64::from(range.end.c) - u64::from(range.start.c)),
            ClassSetItem::Perl(perl) if !perl.negated && perl.kind != ClassPerlKind::Word => self.count(1_000),
            ClassSetItem::Perl(perl) if !perl.negated => self.count(WORD),
            ClassSetItem::Ascii(ascii) if !ascii.negated => self.count(128),
            ClassSetItem::Perl(_) | ClassSetItem::Ascii(_) | ClassSetItem::Unicode(_) => self.count(ALL),
        }
        Ok(())
    }

    fn visit_class_set_item_post(&mut self, item: &ClassSetItem) -> Result<(), Self::Err> {
        if let ClassSetItem::Bracketed(class) = item {
            self.depth -= 1;
            if class.negated {
                self.count(ALL);
            }
        }
        Ok(())
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ClassSetBinaryOp) -> Result<(), Self::Err> {
        self.depth += 1;
        Ok(())
    }

    fn visit_class_set_binary_op_post(&mut self, _: &ClassSetBinaryOp) -> Result<(), Self::Err> {
        self.depth -= 1;
        Ok(())
    }
}

fn ignore_case(flags: &Flags) -> bool {
    flags.flag_state(Flag::CaseInsensitive) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_regular_expression_is_refused() {
        for pattern in ["(", "a)|(?:b", r"(\d{1000}){1000}", r"\p{Greek}{9999}"] {
            assert!(check(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn what_is_wrong_is_one_line_with_its_place() {
        for (pattern, message) in [
            ("ab(", "unclosed group at byte 3"),
            ("a(?=b)", "look-around, including look-ahead and look-behind, is not supported at byte 2"),
            (r"(\d{1000}){1000}", "it takes more than 256 KiB of memory"),
            (r"\p{Nonsense}", "Unicode property not found"),
        ] {
            let complaint = check(pattern).unwrap_err().to_string();
            assert_eq!(complaint, format!("is not a regular expression: {message}"));
        }
    }

    #[test]
    fn ordinary_expressions_may_ignore_case() {
        let lines = r"(?i)[\w.+-]+@[\w.-]+\.[a-z]{2,}\n".repeat(2);
        for pattern in [r"(?i)[\s\S]*yes[\s\S]*", r"(?i)[^\w\s]+", &lines, r"(?i)[α-ω]+", "(?i)[^[:alpha:]]"] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn classes_that_would_take_long_to_make_are_refused() {
        let all = r"[\s\S]".repeat(100);
        assert_eq!(check(&all), Ok(()), "only other cases take long");
        for pattern in [
            format!("(?i){all}"),
            format!("(?i:{all})"),
            format!("(?-i:(?mi){all})"),
            format!("(?i)[{all}]"),
            format!("(?i){}", r"[\0-\x{10ffff}]".repeat(50).replace(r"\0", r"\x00")),
            format!(r"(?i){}\W{}", "[".repeat(100), "]".repeat(100)),
            format!("(?i)[{}]", "[^a]".repeat(100)),
            format!("(?i)[{}]", r"\W--".repeat(100) + "a"),
            format!("(?i){}", "[[:^alpha:]]".repeat(50)),
        ] {
            let complaint = check(&pattern).unwrap_err().to_string();
            assert!(complaint.contains("to ignore their case"), "{pattern}: {complaint}");
        }
    }
}
