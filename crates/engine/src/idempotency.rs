//! Keys of requests that must not take effect twice, as digests.
//!
//! The digests are stored, so what they are made of never changes: members that a request leaves out are left out
//! here too, and a new member changes nothing for requests without it.

use std::time::Duration;

use runbay_model::IdempotencyKey;
use runbay_model::SessionId;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_store::KeyedRequest;
use sha2::Digest;
use sha2::Sha256;

use crate::RunRequest;

const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns the digests of a run that is asked for under a key.
pub(crate) fn keyed_run(
    key: &IdempotencyKey,
    tenant: &TenantId,
    session: SessionId,
    request: &RunRequest,
    at: Timestamp,
) -> KeyedRequest {
    KeyedRequest {
        scoped_key: digest([
            ("route", b"run".as_slice()),
            ("tenant", tenant.as_str().as_bytes()),
            ("session", session.as_uuid().as_bytes()),
            ("key", key.as_str().as_bytes()),
        ]),
        request_hash: digest(members(request)),
        expires_at: at.after(KEPT),
    }
}

/// Lists what a request asks for; one member has an entry for each of its values.
fn members(request: &RunRequest) -> impl Iterator<Item = (&str, &[u8])> {
    let language = request.language.iter().map(|language| ("language", language.as_bytes()));
    let source_code = request.source_code.iter().map(|code| ("source_code", code.as_bytes()));
    let stdin = (!request.stdin.is_empty()).then_some(("stdin", request.stdin.as_slice()));
    let args = request.args.iter().map(|arg| ("args", arg.as_bytes()));
    language.chain(source_code).chain(stdin).chain(args)
}

/// Every text has its length before it, so that no two lists look alike.
fn digest<'a>(members: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (name, value) in members {
        for text in [name.as_bytes(), value] {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(text);
        }
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(source_code: &str, args: &[&str]) -> RunRequest {
        RunRequest {
            source_code: Some(source_code.to_owned()),
            args: args.iter().map(ToString::to_string).collect(),
            ..RunRequest::default()
        }
    }

    fn keyed(key: &str, tenant: &str, session: SessionId, request: &RunRequest) -> KeyedRequest {
        keyed_run(&key.parse().unwrap(), &TenantId::new(tenant), session, request, Timestamp::from_micros(5))
    }

    #[test]
    fn a_key_is_unique_within_tenant_and_session() {
        let session = SessionId::random();
        let run = request("a", &[]);
        let first = keyed("k", "t", session, &run);
        assert_eq!(first, keyed("k", "t", session, &run));
        assert_eq!(first.expires_at, Timestamp::from_micros(86_400_000_005));
        for other in
            [keyed("K", "t", session, &run), keyed("k", "u", session, &run), keyed("k", "t", SessionId::random(), &run)]
        {
            assert_ne!(first.scoped_key, other.scoped_key);
            assert_eq!(first.request_hash, other.request_hash);
        }
    }

    #[test]
    fn requests_that_differ_have_different_digests() {
        let requests = [
            RunRequest::default(),
            request("", &[]),
            request("a", &[]),
            request("a", &[""]),
            request("a", &["b"]),
            request("a", &["b", ""]),
            request("a", &["bc"]),
            request("a", &["b", "c"]),
            RunRequest { language: Some("a".to_owned()), ..RunRequest::default() },
            RunRequest { stdin: b"a".to_vec(), ..RunRequest::default() },
        ];
        let mut digests: Vec<_> = requests.iter().map(|request| digest(members(request))).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), requests.len());
    }

    /// Keys are kept over releases: if this changes, a repeated request becomes a 422.
    #[test]
    fn digests_stay_what_they_are() {
        let digest = digest(members(&RunRequest {
            language: Some("python".to_owned()),
            stdin: b"in".to_vec(),
            ..request("print(1)", &["-x"])
        }));
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "00b17cd8e9b9cc23b787aa5de55df3698fa0b718236e809dd34fffdd2e974563");
    }
}
