use std::future::pending;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use runbay_model::Catalog;
use runbay_model::CheckReport;
use runbay_model::Diagnostic;
use runbay_model::LanguageId;
use runbay_model::PageRequest;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::Severity;
use runbay_model::Sources;
use runbay_model::TenantId;
use tokio::sync::oneshot;

use super::Bench;
use super::files;
use super::language;
use super::soon;
use super::source_code;
use crate::CheckError;
use crate::CheckFault;
use crate::CheckRequest;
use crate::Checker;
use crate::CodeChange;
use crate::SessionChange;

/// Answers with what it was asked.
struct Echo;

#[async_trait]
impl Checker for Echo {
    async fn check(
        &self,
        tenant: &TenantId,
        language: &LanguageId,
        sources: &Sources,
    ) -> Result<CheckReport, CheckFault> {
        Ok(CheckReport { diagnostics: vec![seen(tenant, language.as_str(), sources)], message: None })
    }
}

fn seen(tenant: &TenantId, language: &str, sources: &Sources) -> Diagnostic {
    let names: Vec<_> = sources.others().iter().map(|file| file.name.as_str()).collect();
    let message = format!("{} {language} {:?} {names:?}", tenant.as_str(), sources.source_code());
    Diagnostic { file: None, line: Some(1), column: None, severity: Severity::Warning, message }
}

/// Fails in one way.
struct Broken(fn() -> CheckFault);

#[async_trait]
impl Checker for Broken {
    async fn check(&self, _: &TenantId, _: &LanguageId, _: &Sources) -> Result<CheckReport, CheckFault> {
        Err((self.0)())
    }
}

/// Never ends; tells when a check has begun, and when it is dropped by dropping the other sender.
struct Endless(Mutex<Option<(oneshot::Sender<()>, oneshot::Sender<()>)>>);

#[async_trait]
impl Checker for Endless {
    async fn check(&self, _: &TenantId, _: &LanguageId, _: &Sources) -> Result<CheckReport, CheckFault> {
        let (begun, _dropped) = self.0.lock().unwrap().take().expect("one check");
        begun.send(()).unwrap();
        pending().await
    }
}

async fn check(bench: &Bench, session: &Session, request: CheckRequest) -> Result<CheckReport, CheckError> {
    bench.engine.check(&bench.tenant, session.id, request).await
}

#[tokio::test]
async fn what_is_not_saved_yet_is_checked_and_not_saved() {
    let bench = Bench::checked_by(Arc::new(Echo)).await;
    let session = bench.session().await;
    let saved = SessionChange {
        code: Some(CodeChange::Files(files(&[("main.py", "saved"), ("lib.py", "")]))),
        ..SessionChange::default()
    };
    let session = bench.engine.save_session(&bench.tenant, session.id, saved).await.unwrap();
    let unsaved = files(&[("other.py", "unsaved")]);
    for (code, expected) in [
        (None, session.sources.clone()),
        (Some(source_code("typed")), source_code("typed").applied_to(session.sources.clone())),
        (Some(CodeChange::Files(unsaved.clone())), unsaved),
    ] {
        let report = check(&bench, &session, CheckRequest { code, ..CheckRequest::default() }).await.unwrap();
        assert_eq!(report.diagnostics, [seen(&bench.tenant, "python", &expected)]);
        assert_eq!(bench.engine.session(&bench.tenant, session.id).await.unwrap(), session);
    }
    let page = PageRequest { after: None, limit: 1 };
    let history = bench.engine.executions_of_session(&bench.tenant, session.id, page).await.unwrap();
    assert_eq!(history.entries, [], "a check is no execution");
}

#[tokio::test]
async fn where_nothing_can_check_the_report_says_so() {
    let js = CheckRequest { language: Some("js".to_owned()), ..CheckRequest::default() };
    let without = Bench::new().await;
    let with = Bench::checked_by(Arc::new(Echo)).await;
    for (bench, request, language) in
        [(&without, CheckRequest::default(), "python"), (&without, js.clone(), "javascript"), (&with, js, "javascript")]
    {
        let session = bench.session().await;
        let report = check(bench, &session, request).await.unwrap();
        let message = format!("This server cannot check {language} without running it.");
        assert_eq!(report, CheckReport { diagnostics: Vec::new(), message: Some(message) });
    }
}

#[tokio::test]
async fn only_open_sessions_in_offered_languages_are_checked() {
    let bench = Bench::checked_by(Arc::new(Echo)).await;
    let session = bench.session().await;
    let default = CheckRequest::default;
    for (tenant, id) in [(TenantId::new("stranger"), session.id), (bench.tenant.clone(), SessionId::random())] {
        assert!(matches!(bench.engine.check(&tenant, id, default()).await, Err(CheckError::NotFound)));
    }
    let cobol = CheckRequest { language: Some("cobol".to_owned()), ..CheckRequest::default() };
    assert!(matches!(check(&bench, &session, cobol).await, Err(CheckError::UnknownLanguage(_))));
    let closed = bench.session().await;
    bench.engine.close_session(&bench.tenant, closed.id).await.unwrap();
    assert!(matches!(check(&bench, &closed, default()).await, Err(CheckError::Inactive)));
    let bench = bench.restarted_with(Catalog::new(vec![language("javascript", "js")])).await;
    assert!(matches!(check(&bench, &session, default()).await, Err(CheckError::UnknownLanguage(_))));
}

#[tokio::test]
async fn faults_of_the_checker_are_told_apart() {
    let bench = Bench::checked_by(Arc::new(Broken(|| CheckFault::Busy))).await;
    let session = bench.session().await;
    assert!(matches!(check(&bench, &session, CheckRequest::default()).await, Err(CheckError::Busy)));
    let bench = Bench::checked_by(Arc::new(Broken(|| CheckFault::Failed("no bay".into())))).await;
    let session = bench.session().await;
    let error = check(&bench, &session, CheckRequest::default()).await.unwrap_err();
    assert!(matches!(&error, CheckError::Failed(cause) if cause.to_string() == "no bay"), "{error:?}");
}

#[tokio::test]
async fn a_check_ends_when_its_caller_goes_away() {
    let ((begin, begun), (drop, dropped)) = (oneshot::channel(), oneshot::channel());
    let bench = Bench::checked_by(Arc::new(Endless(Mutex::new(Some((begin, drop)))))).await;
    let session = bench.session().await;
    let (engine, tenant) = (bench.engine.clone(), bench.tenant.clone());
    let checking = tokio::spawn(async move { engine.check(&tenant, session.id, CheckRequest::default()).await });
    soon(begun).await.unwrap();
    checking.abort();
    soon(dropped).await.unwrap_err();
}
