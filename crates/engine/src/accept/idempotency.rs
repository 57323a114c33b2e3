//! Digests of requests that must not take effect twice.
//!
//! The digests are stored, so their input never changes: members that a request leaves out are left out here as well,
//! and a new member changes nothing for requests without it.

use std::time::Duration;

use runbay_model::CodeChange;
use runbay_model::IdempotencyKey;
use runbay_model::SessionId;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_store::KeyedRequest;
use sha2::Digest;
use sha2::Sha256;

use crate::NewSession;
use crate::RunRequest;

const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns the digests of a run. Returns none when its request has no key.
pub(crate) fn keyed_run(
    tenant: &TenantId,
    session: SessionId,
    request: &RunRequest,
    at: Timestamp,
) -> Option<KeyedRequest> {
    let key = request.idempotency_key.as_ref()?;
    let mut scope = Members::default();
    scope.add("route", b"run");
    scope.add("tenant", tenant.as_str().as_bytes());
    scope.add("session", session.as_uuid().as_bytes());
    Some(keyed(scope, key, members(request), at))
}

/// Returns the digests of a one-shot execution. Returns none when its request has no key.
pub(crate) fn keyed_one_shot(tenant: &TenantId, request: &RunRequest, at: Timestamp) -> Option<KeyedRequest> {
    let key = request.idempotency_key.as_ref()?;
    let mut scope = Members::default();
    scope.add("route", b"executions");
    scope.add("tenant", tenant.as_str().as_bytes());
    Some(keyed(scope, key, members(request), at))
}

/// Returns the digests of a request that opens a session.
pub(crate) fn keyed_session(tenant: &TenantId, key: &IdempotencyKey, new: &NewSession, at: Timestamp) -> KeyedRequest {
    let mut scope = Members::default();
    scope.add("route", b"code-sessions");
    scope.add("tenant", tenant.as_str().as_bytes());
    let mut members = Members::default();
    members.add_language(new.language.as_deref());
    if let Some(sources) = &new.sources {
        members.add_sources(sources);
    }
    keyed(scope, key, members, at)
}

fn keyed(mut scope: Members, key: &IdempotencyKey, request: Members, at: Timestamp) -> KeyedRequest {
    scope.add("key", key.as_str().as_bytes());
    KeyedRequest { scoped_key: scope.digest(), request_hash: request.digest(), expires_at: at.after(KEPT) }
}

fn members(request: &RunRequest) -> Members {
    let mut members = Members::default();
    members.add_language(request.language.as_deref());
    match &request.code {
        Some(CodeChange::SourceCode(code)) => members.add("source_code", code.as_str().as_bytes()),
        Some(CodeChange::Files(sources)) => members.add_sources(sources),
        None => {}
    }
    request.work.each_given(|name, value| members.add(name, value));
    members
}

/// A hash of the members of a request. A member has one entry for each of its values.
#[derive(Default)]
struct Members(Sha256);

impl Members {
    /// Adds a member. Each text follows its length, so that no two lists give the same bytes.
    fn add(&mut self, name: &str, value: &[u8]) {
        for text in [name.as_bytes(), value] {
            self.0.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            self.0.update(text);
        }
    }

    fn add_language(&mut self, language: Option<&str>) {
        if let Some(language) = language {
            self.add("language", language.as_bytes());
        }
    }

    fn add_sources(&mut self, sources: &Sources) {
        let Some(entry_name) = sources.entry_name() else {
            return self.add("source_code", sources.source_code().as_bytes());
        };
        self.add("file", entry_name.as_str().as_bytes());
        self.add("content", sources.source_code().as_bytes());
        for file in sources.others() {
            self.add("file", file.name.as_str().as_bytes());
            self.add("content", &file.content);
        }
    }

    fn digest(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests;
