//! The account: its form, its address and who we are.

use crate::connector::Connector;
use labferry_model::ProblemCode;
use labferry_provider::{
    Advice, ConnectRequest, FormField, Provider, ProviderError, ProviderResult, Service, ServiceForm,
    SignedIn, http::Call,
};
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// The name of the token among the account's secrets.
pub(crate) const TOKEN: &str = "token";

/// Aruna Object Storage.
#[derive(Debug, Clone, Copy, Default)]
pub struct Aruna;

impl Service for Aruna {
    fn form(&self) -> ServiceForm {
        ServiceForm {
            service: "aruna".into(),
            title: "Aruna Object Storage".into(),
            default_url: None,
            url_help: "The address of the instance's API, such as https://api.aruna-storage.org.".into(),
            where_to_find: "In the Aruna web page: your profile, Tokens, Create token; it is shown once."
                .into(),
            fields: vec![FormField {
                name: TOKEN.into(),
                label: "API token".into(),
                help: "A personal token, or one for a project with the right to append or modify.".into(),
                secret: true,
                required: true,
            }],
        }
    }

    fn connect(&self, request: ConnectRequest) -> ProviderResult<Arc<dyn Provider>> {
        Ok(Arc::new(Connector::new(request)?))
    }
}

/// The gateway's root from what a person typed: the API's path and a trailing `/` are fine too.
pub(crate) fn site(text: &str) -> ProviderResult<Url> {
    let text = text.trim().trim_end_matches('/');
    let text = text.strip_suffix("/v1").unwrap_or(text);
    Url::parse(&format!("{text}/")).map_err(|error| {
        ProviderError::new("connect", ProblemCode::InvalidRequest, Advice::Stop)
            .about(text)
            .because("it is no web address; write it like https://api.aruna-storage.org")
            .caused_by(error)
    })
}

impl Connector {
    /// Our id and name. Every refusal here is the token's: the question needs no right.
    pub(crate) async fn user(&self, operation: &'static str) -> ProviderResult<(String, String)> {
        let url = self.url(operation, "/v1/user")?;
        let answer = self.api.answer(&url, Call::get(operation)).await?;
        if !answer.status().is_success() {
            let refusal = answer.refusal().await;
            let error = crate::errors::refused(&refusal);
            if error.advice == Advice::SignIn || crate::errors::may_be_the_token(&refusal) {
                return Err(ProviderError::new(operation, ProblemCode::SignInNeeded, Advice::SignIn)
                    .about(self.host())
                    .because(format!(
                        "the service does not accept the token: {}",
                        refusal.clean(&crate::errors::message(&refusal))
                    )));
            }
            // The gateway itself always says a code and a message.
            let is_foreign = refusal.status.is_client_error()
                && refusal.status != http::StatusCode::TOO_MANY_REQUESTS
                && serde_json::from_str::<Value>(&refusal.body).map_or(true, |body| body["code"].is_null());
            return Err(if error.is_not_found() || is_foreign { self.not_aruna(error) } else { error });
        }
        let shown: Value = answer.json().await.map_err(|error| match error.problem.code {
            ProblemCode::BadAnswer => self.not_aruna(error),
            _ => error,
        })?;
        let text = |name: &str| shown["user"][name].as_str().unwrap_or_default().to_owned();
        if text("id").is_empty() {
            let error = ProviderError::bad_answer(operation, "the answer names no user");
            return Err(self.not_aruna(error));
        }
        Ok((text("id"), text("displayName")))
    }

    pub(crate) async fn who(&self) -> ProviderResult<SignedIn> {
        let (id, name) = self.user("check sign-in").await?;
        let user = if name.is_empty() { id } else { name };
        Ok(SignedIn { user: Some(user), server: self.server().await })
    }

    /// Something answers, and it is no Aruna gateway.
    fn not_aruna(&self, error: ProviderError) -> ProviderError {
        let words = error.problem.detail.clone().unwrap_or_default();
        ProviderError::new(error.operation, ProblemCode::NotTheService, Advice::Stop)
            .about(self.site.as_str())
            .because(format!("no Aruna Object Storage (version 1) answers there: {words}"))
    }

    /// What the instance says it is. It is only shown.
    async fn server(&self) -> Option<String> {
        const OPERATION: &str = "find out the version";
        let url = self.url(OPERATION, "/v1/info/version").ok()?;
        let answer = self.api.answer(&url, Call::get(OPERATION)).await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        let shown: Value = answer.json().await.ok()?;
        let version = &shown["componentVersion"][0]["locationVersion"][0]["version"]["versionString"];
        Some(format!("Aruna Object Storage {}", version.as_str()?.chars().take(32).collect::<String>()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_with_and_without_its_api() {
        for text in ["https://api.example.org", " https://api.example.org/ ", "https://api.example.org/v1/"] {
            assert_eq!(site(text).unwrap().as_str(), "https://api.example.org/", "{text}");
        }
        assert_eq!(site("aruna").unwrap_err().problem.code, ProblemCode::InvalidRequest);
    }
}
