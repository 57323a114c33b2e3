//! A signal for a program.

use runbay_model::ProgramSignal;
use runbay_model::UnknownWord;
use serde::Deserialize;

/// The signal that a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ChosenSignal(pub(crate) ProgramSignal);

impl TryFrom<String> for ChosenSignal {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse().map(Self).map_err(|UnknownWord(_)| {
            let all: Vec<_> = ProgramSignal::ALL.iter().map(|signal| signal.as_str()).collect();
            format!("must be one of {}", all.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_has_its_name_in_full() {
        let read = serde_json::from_str::<ChosenSignal>;
        assert_eq!(read("\"SIGINT\"").unwrap(), ChosenSignal(ProgramSignal::Interrupt));
        for text in ["\"INT\"", "\"sigint\"", "\"SIGSTOP\"", "\"\""] {
            assert!(read(text).unwrap_err().to_string().starts_with("must be one of SIGINT, "), "{text}");
        }
        assert!(read("2").is_err());
    }
}
