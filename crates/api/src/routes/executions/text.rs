//! The form of output and times in answers.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::query::Encoding;

/// Encodes output as the client asked.
pub(super) fn encode(output: Vec<u8>, encoding: Encoding) -> String {
    match encoding {
        // Valid UTF-8 is the usual case and is not copied.
        Encoding::Text => {
            String::from_utf8(output).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
        }
        Encoding::Base64 => STANDARD.encode(output),
    }
}

/// Returns a time in milliseconds, rounded down.
pub(super) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_text_are_replaced() {
        assert_eq!(encode("žluť 🦀\0".into(), Encoding::Text), "žluť 🦀\0");
        assert_eq!(encode(b"a\xff\xf0\x9f\x92b".to_vec(), Encoding::Text), "a\u{fffd}\u{fffd}b");
    }

    #[test]
    fn base64_keeps_every_byte() {
        assert_eq!(encode(b"a\xff\0".to_vec(), Encoding::Base64), "Yf8A");
        assert_eq!(encode(Vec::new(), Encoding::Base64), "");
    }
}
