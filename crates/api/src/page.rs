//! Query parameters of lists, and the cursors that lead from page to page.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use runbay_model::PageRequest;
use runbay_model::Position;
use runbay_model::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use serde::Serializer;
use utoipa::IntoParams;
use uuid::Uuid;

/// The most entries of a page.
const MAX_LIMIT: usize = 100;
/// The entries of a page where the client does not say how many.
const DEFAULT_LIMIT: usize = 20;

/// The first byte of a cursor, which numbers its form.
const FORM: u8 = 1;

/// Which page of a list is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// The most entries of the page.
    #[serde(default)]
    #[param(value_type = Option<u64>, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// The `next_cursor` of the page before; without it the first page.
    #[param(value_type = Option<String>, pattern = "^A[Q-Za-f][A-Za-z0-9_-]{31}[AQgw]$")]
    cursor: Option<Cursor>,
}

impl PageQuery {
    /// Returns the page to ask the engine for.
    pub(crate) fn request(&self) -> PageRequest {
        PageRequest { after: self.cursor.map(|cursor| cursor.0), limit: self.limit.0 }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Limit(usize);

impl Default for Limit {
    fn default() -> Self {
        Self(DEFAULT_LIMIT)
    }
}

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.parse() {
            Ok(limit @ 1..=MAX_LIMIT) => Ok(Self(limit)),
            Ok(_) | Err(_) => Err(format!("must be an integer from 1 to {MAX_LIMIT}")),
        }
    }
}

/// A position in a list, in a form that clients only hand back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Cursor(pub(crate) Position);

/// Says that a text is no cursor.
#[derive(Debug)]
pub(crate) struct InvalidCursor;

impl fmt::Display for InvalidCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be the next_cursor of an answer")
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![FORM];
        bytes.extend(self.0.created_at.as_micros().to_be_bytes());
        bytes.extend(self.0.id.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for Cursor {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let Some((&FORM, position)) = bytes.split_first() else {
            return Err(InvalidCursor);
        };
        let Some((created_at, id)) = position.split_first_chunk() else {
            return Err(InvalidCursor);
        };
        let created_at = Timestamp::from_micros(i64::from_be_bytes(*created_at));
        let id = Uuid::from_slice(id).map_err(|_| InvalidCursor)?;
        Ok(Self(Position { created_at, id }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<PageRequest, String> {
        let uri = format!("/?{query}").parse().unwrap();
        let query = axum::extract::Query::<PageQuery>::try_from_uri(&uri);
        query.map(|query| query.0.request()).map_err(|error| error.body_text())
    }

    #[test]
    fn a_cursor_leads_back_to_its_position() {
        for micros in [0, -1, i64::MAX, 1_763_697_600_123_456] {
            let position = Position { created_at: Timestamp::from_micros(micros), id: Uuid::new_v4() };
            let request = asked(&format!("limit=100&cursor={}", Cursor(position))).unwrap();
            assert_eq!(request, PageRequest { after: Some(position), limit: 100 });
        }
        assert_eq!(asked(""), Ok(PageRequest { after: None, limit: 20 }));
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for limit in ["0", "101", "-1", "many", ""] {
            assert!(asked(&format!("limit={limit}")).unwrap_err().contains("limit: "), "{limit}");
        }
        let cursor = Cursor(Position { created_at: Timestamp::from_micros(7), id: Uuid::nil() }).to_string();
        for wrong in ["", "42", "%00", &cursor[1..], &format!("{cursor}AAAA"), &cursor.replacen('A', "C", 1)] {
            let refusal = asked(&format!("cursor={wrong}")).unwrap_err();
            assert!(refusal.contains("cursor: must be the next_cursor of an answer"), "{wrong}: {refusal}");
        }
    }
}
