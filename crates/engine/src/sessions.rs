//! Opening, reading, saving and closing sessions.

use runbay_model::CodeChange;
use runbay_model::IdempotencyKey;
use runbay_model::Language;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_shares::Client;
use runbay_store::CloseSession;
use runbay_store::InsertSession;
use runbay_store::OpenSessionOnce;
use runbay_store::Opened;
use runbay_store::Repetition;
use runbay_store::SaveRefusal;
use runbay_store::SaveSession;
use runbay_store::SessionKeyReused;
use runbay_store::SessionNotFound;
use runbay_store::WriteError;
use tokio::time::timeout;

use crate::CreateSessionError;
use crate::Engine;
use crate::ReadError;
use crate::SaveSessionError;
use crate::Unavailable;
use crate::accept::idempotency::keyed_session;
use crate::storage::Growth;
use crate::storage::code_bytes;
use crate::storage::whole;
use crate::watch::read::READ_PATIENCE;

/// A request to open a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewSession {
    /// The id or alias of the language. None for the default language.
    pub language: Option<String>,
    /// The files. None for the language's template.
    pub sources: Option<Sources>,
    /// Who asks. None where nobody shares the service with others.
    pub client: Option<Client>,
}

/// A change that a save makes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionChange {
    /// The id or alias of the new language.
    pub language: Option<String>,
    /// The new code.
    pub code: Option<CodeChange>,
    /// The version that the session must have (optimistic lock).
    pub version: Option<u64>,
    /// Who asks. None where nobody shares the service with others.
    pub client: Option<Client>,
}

impl Engine {
    /// Opens a session.
    ///
    /// # Errors
    ///
    /// [`CreateSessionError`] when the language is not offered or the database does not answer.
    pub async fn create_session(&self, tenant: &TenantId, new: NewSession) -> Result<Session, CreateSessionError> {
        let client = new.client;
        let session = self.new_session(tenant, new, Timestamp::now())?;
        let bytes = session.sources.bytes();
        let admitted = self.admit_bytes(client, Growth::New, bytes)?;
        let engine = self.clone();
        let row = InsertSession(session.clone());
        let inserted = self.carry_through(async move {
            let inserted = engine.store().write(row).await;
            if inserted.is_ok() {
                admitted.keep(whole(bytes));
            }
            inserted
        });
        match inserted.await? {
            Ok(()) => Ok(session),
            Err(WriteError::Refused(never)) => match never {},
            Err(WriteError::Failed(error)) => Err(CreateSessionError::Unavailable(error.into())),
        }
    }

    /// Opens a session unless the same request has opened one within the last 24 hours. Returns that one as it is now.
    ///
    /// # Errors
    ///
    /// [`CreateSessionError`] when the key stands for another request, the language is not offered or the database does
    /// not answer.
    pub async fn create_session_once(
        &self,
        tenant: &TenantId,
        new: NewSession,
        key: &IdempotencyKey,
    ) -> Result<Opened, CreateSessionError> {
        let at = Timestamp::now();
        let keyed = keyed_session(tenant, key, &new, at);
        // Before the language is looked up: what was accepted stays accepted, whatever is offered now.
        let found = timeout(READ_PATIENCE, self.store().repeated_session(&keyed, at)).await;
        match found.map_err(Unavailable::new)?.map_err(Unavailable::from)? {
            Some(Repetition::Same(session)) => return Ok(Opened::Repeated(*session)),
            Some(Repetition::Other) => return Err(CreateSessionError::KeyReused),
            None => {}
        }
        let client = new.client;
        let opening = OpenSessionOnce { session: self.new_session(tenant, new, at)?, keyed };
        let bytes = opening.session.sources.bytes();
        let admitted = self.admit_bytes(client, Growth::New, bytes)?;
        let engine = self.clone();
        let opened = self.carry_through(async move {
            let opened = engine.store().write(opening).await;
            if let Ok(Opened::New(_)) = &opened {
                admitted.keep(whole(bytes));
            }
            opened
        });
        opened.await?.map_err(|error| match error {
            WriteError::Refused(SessionKeyReused) => CreateSessionError::KeyReused,
            WriteError::Failed(error) => CreateSessionError::Unavailable(error.into()),
        })
    }

    fn new_session(&self, tenant: &TenantId, new: NewSession, at: Timestamp) -> Result<Session, CreateSessionError> {
        let language = match &new.language {
            Some(name) => self.offered_language(name)?,
            None => self.default_language().ok_or(CreateSessionError::NoLanguage)?,
        };
        Ok(Session {
            id: SessionId::random(),
            tenant: tenant.clone(),
            sources: new.sources.unwrap_or_else(|| template(&language)),
            language: language.id,
            status: SessionStatus::Active,
            version: 1,
            created_at: at,
            updated_at: at,
        })
    }

    /// Reads a session.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when it does not exist for this tenant or the database does not answer.
    pub async fn session(&self, tenant: &TenantId, id: SessionId) -> Result<Session, ReadError> {
        self.read(self.store().session(tenant, id)).await
    }

    /// Saves a session and returns it afterwards. Writes nothing when the save makes no difference.
    ///
    /// # Errors
    ///
    /// [`SaveSessionError`] when it does not exist for this tenant, was closed, has another version or language than
    /// allowed, or the database does not answer.
    pub async fn save_session(
        &self,
        tenant: &TenantId,
        id: SessionId,
        change: SessionChange,
    ) -> Result<Session, SaveSessionError> {
        let bytes = change.code.as_ref().map(code_bytes);
        let admitted = bytes.map(|bytes| self.admit_bytes(change.client, Growth::New, bytes)).transpose()?;
        let save = SaveSession {
            tenant: tenant.clone(),
            id,
            language: self.chosen_language(change.language.as_deref())?,
            code: change.code,
            expected_version: change.version,
            at: Timestamp::now(),
        };
        let engine = self.clone();
        let saved = self.carry_through(async move {
            let saved = engine.store().save_session(save).await;
            if let (Ok(_), Some(admitted), Some(bytes)) = (&saved, admitted, bytes) {
                admitted.keep(whole(bytes));
            }
            saved
        });
        saved.await?.map_err(|error| match error {
            WriteError::Refused(SaveRefusal::NotFound) => SaveSessionError::NotFound,
            WriteError::Refused(SaveRefusal::Inactive) => SaveSessionError::Inactive,
            WriteError::Refused(SaveRefusal::VersionConflict { current }) => {
                SaveSessionError::VersionConflict { current }
            }
            WriteError::Failed(error) => SaveSessionError::Unavailable(error.into()),
        })
    }

    /// Closes a session and cancels its active execution. Closing it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when it does not exist for this tenant or the database does not answer.
    pub async fn close_session(&self, tenant: &TenantId, id: SessionId) -> Result<Session, ReadError> {
        let close = CloseSession { tenant: tenant.clone(), id, at: Timestamp::now() };
        let engine = self.clone();
        let closed = self.carry_through(async move {
            let closed = engine.store().write(close).await?;
            if let Some(head) = closed.cancelled {
                engine.after_cancellation(head).await;
            }
            Ok(closed.session)
        });
        closed.await?.map_err(|error| match error {
            WriteError::Refused(SessionNotFound) => ReadError::NotFound,
            WriteError::Failed(error) => ReadError::Unavailable(error.into()),
        })
    }
}

/// Returns the program that a language begins with. The program is empty if the template is not code.
pub(crate) fn template(language: &Language) -> Sources {
    Sources::single(&language.template).unwrap_or_default()
}
