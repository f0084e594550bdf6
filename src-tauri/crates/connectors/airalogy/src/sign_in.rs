//! The account: its form and whether the key is taken.

use crate::connector::Connector;
use labferry_model::ProblemCode;
use labferry_provider::{
    Advice, ConnectRequest, FormField, Provider, ProviderError, ProviderResult, Service, ServiceForm,
    SignedIn,
};
use std::sync::Arc;

/// The name of the key among the account's secrets.
pub(crate) const API_KEY: &str = "api_key";
/// The name of the protocol among the account's settings.
pub(crate) const PROTOCOL: &str = "protocol";

/// Airalogy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Airalogy;

impl Service for Airalogy {
    fn form(&self) -> ServiceForm {
        ServiceForm {
            service: "airalogy".into(),
            title: "Airalogy".into(),
            default_url: None,
            url_help: "The address of the server's interface, such as https://lab.example.org/api.".into(),
            where_to_find: "In Airalogy: your profile, API key.".into(),
            fields: vec![
                FormField {
                    name: API_KEY.into(),
                    label: "API key".into(),
                    help: "Making a new key in your profile ends the old one at once.".into(),
                    secret: true,
                    required: true,
                },
                FormField {
                    name: PROTOCOL.into(),
                    label: "Protocol".into(),
                    help: "The protocol that files are sent to, such as \
                           airalogy.id.lab.NAME.project.NAME.protocol.NAME.v.0.0.1; several with blanks between."
                        .into(),
                    secret: false,
                    required: false,
                },
            ],
        }
    }

    fn connect(&self, request: ConnectRequest) -> ProviderResult<Arc<dyn Provider>> {
        Ok(Arc::new(Connector::new(request)?))
    }
}

impl Connector {
    /// Asking for no records at all proves address and key, and changes nothing.
    pub(crate) async fn who(&self) -> ProviderResult<SignedIn> {
        const OPERATION: &str = "check sign-in";
        self.records(OPERATION, &[]).await.map_err(|error| match error.problem.code {
            // Nobody is forbidden to ask for nothing: a door that says so is another's.
            ProblemCode::BadAnswer | ProblemCode::NotFound | ProblemCode::NotAllowed => {
                let words = error.problem.detail.clone().unwrap_or_default();
                ProviderError::new(OPERATION, ProblemCode::NotTheService, Advice::Stop)
                    .about(self.site.as_str())
                    .because(format!("no Airalogy server answers there: {words}"))
            }
            _ => error,
        })?;
        Ok(SignedIn { user: None, server: Some("Airalogy".into()) })
    }
}
