//! Requests and replies that another process could have made.

use proptest::prelude::*;
use runbay_model::LanguageId;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_testkit::damage;

use crate::message::Reply;
use crate::message::Request;

const REPLIES: [&str; 3] = [
    r#"{"report":{"diagnostics":[{"file":"a.py","line":1,"column":2,"severity":"error","message":"m"}],"message":null}}"#,
    r#""busy""#,
    r#"{"failed":"no memory"}"#,
];

proptest! {
    #[test]
    fn a_damaged_request_is_refused_or_a_program(
        code in "[a-z \"ž]{0,40}", content in any::<Vec<u8>>(), damage in damage(),
    ) {
        let files = vec![("main.py".to_owned(), code.into_bytes()), ("data/a.bin".to_owned(), content)];
        let sources = Sources::of_files(files).expect("a program");
        let sent = |sources: &Sources| {
            let request = Request::new(&TenantId::default(), &LanguageId::new("python"), sources);
            serde_json::to_string(&request).expect("texts and lists")
        };
        let read = |text: &str| serde_json::from_str::<Request>(text).ok()?.sources().ok();
        prop_assert_eq!(read(&sent(&sources)), Some(sources.clone()));
        let damaged = damage.of_text(&sent(&sources));
        if let Some(changed) = read(&damaged) {
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("it was read");
            let (received, meant) = (value(&damaged), value(&sent(&changed)));
            for part in ["/source_code", "/others/0/content"] {
                prop_assert_eq!(received.pointer(part), meant.pointer(part), "{}", damaged);
            }
            prop_assert_eq!(read(&sent(&changed)), Some(changed));
        }
    }

    #[test]
    fn a_damaged_reply_is_refused_or_a_reply(which in 0..REPLIES.len(), damage in damage()) {
        let reread = |text: &str| -> Option<String> {
            let reply = serde_json::from_str::<Reply>(text).ok()?;
            Some(serde_json::to_string(&reply).expect("texts and numbers"))
        };
        prop_assert_eq!(reread(REPLIES[which]), Some(REPLIES[which].to_owned()));
        if let Some(text) = reread(&damage.of_text(REPLIES[which])) {
            prop_assert_eq!(reread(&text), Some(text));
        }
    }
}
