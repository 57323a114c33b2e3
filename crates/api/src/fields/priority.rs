//! How urgent an execution is.

use runbay_model::Priority;
use runbay_model::UnknownWord;
use serde::Deserialize;

/// The urgency that a request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ChosenPriority(pub(crate) Priority);

impl TryFrom<String> for ChosenPriority {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse().map(Self).map_err(|UnknownWord(_)| "must be high, normal or low".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_one_of_three_words() {
        let read = serde_json::from_str::<ChosenPriority>;
        for (text, priority) in [("\"high\"", Priority::High), ("\"low\"", Priority::Low)] {
            assert_eq!(read(text).unwrap(), ChosenPriority(priority));
        }
        for text in ["\"High\"", "\"\"", "\"urgent\""] {
            assert!(read(text).unwrap_err().to_string().starts_with("must be high, normal or low"), "{text}");
        }
        assert!(read("4").is_err());
    }
}
