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

/// NRP repositories, InvenioRDM and Zenodo.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nrp;

impl Service for Nrp {
    fn form(&self) -> ServiceForm {
        ServiceForm {
            service: "nrp".into(),
            title: "NRP / InvenioRDM / Zenodo".into(),
            default_url: None,
            url_help: "The repository's address, such as https://zenodo.org or https://data.example.cz.".into(),
            where_to_find: "In the repository: your name, Applications, Personal access tokens, New token.".into(),
            fields: vec![FormField {
                name: TOKEN.into(),
                label: "Access token".into(),
                help: "A personal access token of the repository. It needs the right to write and publish deposits \
                       where the repository asks for rights."
                    .into(),
                secret: true,
                required: true,
            }],
        }
    }

    fn connect(&self, request: ConnectRequest) -> ProviderResult<Arc<dyn Provider>> {
        Ok(Arc::new(Connector::new(request)?))
    }
}

/// The site's root from what a person typed: the API's address and a trailing `/` are fine too.
pub(crate) fn site(text: &str) -> ProviderResult<Url> {
    let text = text.trim().trim_end_matches('/');
    let text = text.strip_suffix("/api").unwrap_or(text);
    Url::parse(&format!("{text}/")).map_err(|error| {
        ProviderError::new("connect", ProblemCode::InvalidRequest, Advice::Stop)
            .about(text)
            .because("it is no web address; write it like https://zenodo.org")
            .caused_by(error)
    })
}

impl Connector {
    pub(crate) async fn who(&self) -> ProviderResult<SignedIn> {
        const OPERATION: &str = "check sign-in";
        let url = self.url(OPERATION, "/api/user/records?size=1")?;
        let answer = self
            .api
            .answer(
                &url,
                Call::get(OPERATION).foreign_header(http::header::ACCEPT, super::connector::ANY_JSON)?,
            )
            .await?;
        let status = answer.status().as_u16();
        if !answer.status().is_success() {
            let refusal = answer.refusal().await;
            let error = crate::errors::refused(&refusal);
            // The repository's own refusals are JSON; a 404 means that it has no such address at all.
            let is_foreign = serde_json::from_str::<Value>(&refusal.body).is_err();
            match status {
                403 if !is_foreign => {}
                404 | 405 | 410 => return Err(self.not_invenio(error)),
                400 | 402..=407 | 409..=428 | 431..=499 if is_foreign => return Err(self.not_invenio(error)),
                _ => return Err(error),
            }
            return Err(ProviderError::new(OPERATION, ProblemCode::SignInNeeded, Advice::SignIn)
                .about(self.site.host_str().unwrap_or_default())
                .because("the repository does not accept the token"));
        }
        let user =
            answer.headers().get("x-user-id").and_then(|id| id.to_str().ok()).map(|id| format!("user {id}"));
        let page: Value = answer.json().await.map_err(|error| self.not_invenio(error))?;
        if page.get("hits").is_none() {
            let error = ProviderError::bad_answer(OPERATION, "the answer is no list of records");
            return Err(self.not_invenio(error));
        }
        Ok(SignedIn { user, server: self.server().await })
    }

    /// Something answers, and it is no repository.
    fn not_invenio(&self, error: ProviderError) -> ProviderError {
        let words = error.problem.detail.clone().unwrap_or_default();
        ProviderError::new(error.operation, ProblemCode::NotTheService, Advice::Stop)
            .about(self.site.as_str())
            .because(format!("no InvenioRDM repository answers there: {words}"))
    }

    /// What the site says it is: NRP's information document, or the generator tag of plain InvenioRDM. It is only shown.
    async fn server(&self) -> Option<String> {
        const OPERATION: &str = "find out the version";
        let well_known = self.url(OPERATION, "/.well-known/repository/").ok()?;
        if let Ok(labferry_provider::http::Reply::Answer(answer)) =
            self.api.send_anonymously(&well_known, Call::get(OPERATION)).await
            && answer.status().is_success()
            && let Ok(document) = answer.json::<Value>().await
        {
            let text = |name| document.get(name).and_then(Value::as_str);
            if let Some(version) = text("invenio_version") {
                let name = text("name").unwrap_or("NRP repository");
                return Some(format!("{name} (InvenioRDM {version})"));
            }
        }
        let home = self.url(OPERATION, "/").ok()?;
        let labferry_provider::http::Reply::Answer(answer) =
            self.api.send_anonymously(&home, Call::get(OPERATION)).await.ok()?
        else {
            return None;
        };
        generator(&answer.start_of_text().await)
    }
}

/// The content of `<meta name="generator" content="InvenioRDM 14.0">`.
fn generator(page: &str) -> Option<String> {
    let tag = page.split("<meta").find(|tag| tag.contains("generator") && tag.contains("InvenioRDM"))?;
    let content = tag.split("content=\"").nth(1)?.split('"').next()?;
    Some(content.chars().take(64).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_with_and_without_its_api() {
        for text in [
            "https://zenodo.org",
            " https://zenodo.org/ ",
            "https://zenodo.org/api",
            "https://zenodo.org/api/",
        ] {
            assert_eq!(site(text).unwrap().as_str(), "https://zenodo.org/", "{text}");
        }
        assert_eq!(site("zenodo").unwrap_err().problem.code, ProblemCode::InvalidRequest);
    }

    #[test]
    fn the_generator_tag_names_the_version() {
        let page =
            r#"<html><head><meta charset="utf-8"><meta name="generator" content="InvenioRDM 14.0"></head>"#;
        assert_eq!(generator(page).as_deref(), Some("InvenioRDM 14.0"));
        assert_eq!(generator("<html>"), None);
    }
}
