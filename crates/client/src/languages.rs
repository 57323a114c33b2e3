//! Requests about languages.

use reqwest::Method;

use crate::Client;
use crate::Languages;
use crate::RequestError;
use crate::send::Repeat;
use crate::send::send;

impl Client {
    /// Lists the languages that the server offers.
    ///
    /// # Errors
    ///
    /// [`RequestError`] of the last try.
    pub async fn languages(&self) -> Result<Languages, RequestError> {
        send(self.request(Method::GET, &["languages"]), Repeat::Harmless).await
    }
}
