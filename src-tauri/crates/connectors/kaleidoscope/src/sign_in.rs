//! The account: its form, its address and who we are.

use crate::{api_types::text, connector::Connector, errors};
use http::{HeaderName, HeaderValue};
use labferry_model::{Metadata, ProblemCode};
use labferry_provider::{
    Advice, ConnectRequest, FormField, Provider, ProviderError, ProviderResult, Service, ServiceForm,
    SignedIn,
    http::{Call, Reply},
};
use std::sync::Arc;
use url::Url;

/// The name of the client's id among the settings.
pub(crate) const CLIENT_ID: &str = "client_id";
/// The name of the client's secret among the secrets.
pub(crate) const CLIENT_SECRET: &str = "client_secret";
/// The name of further headers among the secrets.
pub(crate) const EXTRA_HEADERS: &str = "extra_headers";

/// Kaleidoscope.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kaleidoscope;

impl Service for Kaleidoscope {
    fn form(&self) -> ServiceForm {
        let field = |name: &str, label: &str, help: &str, secret, required| FormField {
            name: name.into(),
            label: label.into(),
            help: help.into(),
            secret,
            required,
        };
        ServiceForm {
            service: "kaleidoscope".into(),
            title: "Kaleidoscope".into(),
            default_url: Some("https://api.kaleidoscope.bio".into()),
            url_help: "The address of the API; the usual one unless your company runs its own.".into(),
            where_to_find:
                "In Kaleidoscope: the workspace's settings, API credentials. Each belongs to one workspace."
                    .into(),
            fields: vec![
                field(CLIENT_ID, "Client ID", "The public half of the API credential.", false, true),
                field(CLIENT_SECRET, "Client secret", "The secret half of the API credential.", true, true),
                field(
                    EXTRA_HEADERS,
                    "Extra headers",
                    "Only where a gateway before the service asks for them: one \"Name: value\" a line.",
                    true,
                    false,
                ),
            ],
        }
    }

    fn connect(&self, request: ConnectRequest) -> ProviderResult<Arc<dyn Provider>> {
        Ok(Arc::new(Connector::new(request)?))
    }
}

/// The API's root from what a person typed, with one slash at the end: with two the service knows no path.
pub(crate) fn site(text: &str) -> ProviderResult<Url> {
    let text = text.trim().trim_end_matches('/');
    Url::parse(&format!("{text}/")).map_err(|error| {
        ProviderError::new("connect", ProblemCode::InvalidRequest, Advice::Stop)
            .about(text)
            .because("it is no web address; write it like https://api.kaleidoscope.bio")
            .caused_by(error)
    })
}

/// Headers from lines of `Name: value`.
///
/// # Errors
/// The number of a line that is none; never its text, which may be a secret.
pub(crate) fn extra_headers(lines: &str) -> ProviderResult<Vec<(HeaderName, HeaderValue)>> {
    let mut headers = Vec::new();
    for (number, line) in (1..).zip(lines.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let header = line.split_once(':').and_then(|(name, value)| {
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((name.trim().parse::<HeaderName>().ok()?, value))
        });
        headers.push(header.ok_or_else(|| {
            ProviderError::new("connect", ProblemCode::InvalidRequest, Advice::Stop)
                .about(EXTRA_HEADERS)
                .because(format!("line {number} is no header; write one \"Name: value\" a line"))
        })?);
    }
    Ok(headers)
}

impl Connector {
    pub(crate) async fn who(&self) -> ProviderResult<SignedIn> {
        const OPERATION: &str = "check sign-in";
        let url = self.url(OPERATION, &["workspaces", "active"])?;
        let elsewhere = |why: String| {
            ProviderError::new(OPERATION, ProblemCode::NotTheService, Advice::Stop)
                .about(self.site.as_str())
                .because(format!("no Kaleidoscope answers there: {why}"))
        };
        let answer = match self.send(&url, || Ok(Call::get(OPERATION))).await? {
            Reply::Answer(answer) => answer,
            Reply::Redirected(link) => return Err(elsewhere(format!("it sends us on to {link}"))),
        };
        if !answer.status().is_success() {
            let refusal = answer.refusal().await;
            let is_page = refusal.body.trim_start().starts_with('<') && !refusal.status.is_server_error();
            return Err(match refusal.status.as_u16() {
                404 | 405 => elsewhere(errors::words(&refusal)),
                status if is_page && status != 401 && status != 429 => elsewhere(errors::words(&refusal)),
                _ => errors::refused(&refusal),
            });
        }
        let workspace: Metadata = answer.json().await.map_err(|error| match error.problem.code {
            ProblemCode::BadAnswer => elsewhere(error.problem.detail.unwrap_or_default()),
            _ => error,
        })?;
        let name = text(&workspace, "workspace_name");
        if name.or_else(|| text(&workspace, "id")).is_none() {
            return Err(elsewhere("the answer names no workspace".to_owned()));
        }
        // A credential is nobody's name; the workspace tells where it leads.
        Ok(SignedIn { user: None, server: name.map(|name| format!("Kaleidoscope, {name}")) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_ends_in_one_slash() {
        for text in ["https://api.kaleidoscope.bio", " https://api.kaleidoscope.bio// "] {
            assert_eq!(site(text).unwrap().as_str(), "https://api.kaleidoscope.bio/", "{text}");
        }
        assert_eq!(site("kaleidoscope").unwrap_err().problem.code, ProblemCode::InvalidRequest);
    }

    #[test]
    fn headers_are_one_a_line_and_a_wrong_one_is_not_repeated() {
        let headers = extra_headers("Proxy-Authorization: Bearer x:y\n\n X-Team : blue \r\n").unwrap();
        let shown: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(shown, [("proxy-authorization", "Bearer x:y"), ("x-team", "blue")]);
        let error = extra_headers("A: b\nmy secret").unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("my secret"), "{error}");
    }
}
