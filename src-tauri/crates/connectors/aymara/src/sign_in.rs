//! The account: its form and whether the key is taken.

use crate::{api_types::FileList, connector::Connector, errors};
use labferry_model::ProblemCode;
use labferry_provider::{
    Advice, ConnectRequest, FormField, Provider, ProviderError, ProviderResult, Service, ServiceForm,
    SignedIn, http::Call,
};
use std::sync::Arc;

/// The name of the key among the account's secrets.
pub(crate) const API_KEY: &str = "api_key";
/// The names of the account's settings.
pub(crate) const WORKSPACE: &str = "workspace";
pub(crate) const UPLOAD: &str = "upload";
pub(crate) const SANDBOX: &str = "sandbox";

/// Aymara AI.
#[derive(Debug, Clone, Copy, Default)]
pub struct Aymara;

impl Service for Aymara {
    fn form(&self) -> ServiceForm {
        let setting = |name: &str, label: &str, help: &str| FormField {
            name: name.into(),
            label: label.into(),
            help: help.into(),
            secret: false,
            required: false,
        };
        ServiceForm {
            service: "aymara".into(),
            title: "Aymara AI".into(),
            default_url: Some("https://api.aymara.ai".into()),
            url_help: "The address of the service, usually https://api.aymara.ai.".into(),
            where_to_find: "In Aymara AI: your organisation's settings, API keys.".into(),
            fields: vec![
                FormField {
                    name: API_KEY.into(),
                    label: "API key".into(),
                    help: "A key of your organisation.".into(),
                    secret: true,
                    required: true,
                },
                setting(
                    WORKSPACE,
                    "Workspace",
                    "The UUID of the workspace that files are sent to; several with blanks between. Without one, files \
                     belong to the organisation.",
                ),
                setting(
                    UPLOAD,
                    "Way of sending",
                    "\"links\" (usual) sends to the service's storage; \"form\" sends through the service, for networks \
                     that do not let the storage be reached.",
                ),
                setting(SANDBOX, "Sandbox", "\"yes\" works in the service's sandbox."),
            ],
        }
    }

    fn connect(&self, request: ConnectRequest) -> ProviderResult<Arc<dyn Provider>> {
        Ok(Arc::new(Connector::new(request)?))
    }
}

impl Connector {
    /// A page of one file proves address and key.
    pub(crate) async fn who(&self) -> ProviderResult<SignedIn> {
        const OPERATION: &str = "check sign-in";
        let not_aymara = |words: &str| {
            ProviderError::new(OPERATION, ProblemCode::NotTheService, Advice::Stop)
                .about(self.site.as_str())
                .because(format!("no Aymara AI answers there: {words}"))
        };
        let url = self.url(OPERATION, "v2/files?limit=1")?;
        let answer = self.api.answer(&url, self.call(Call::get(OPERATION))?).await?;
        if !answer.status().is_success() {
            let refusal = answer.refusal().await;
            // The service's own refusals are JSON. What fails for a while may be anything in front of it.
            let foreign = errors::said(&refusal).is_none() && refusal.status.is_client_error();
            let passing = matches!(refusal.status.as_u16(), 401 | 408 | 425 | 429);
            return Err(if (foreign && !passing) || refusal.status.as_u16() == 404 {
                not_aymara(&format!("it answered {}", refusal.status))
            } else {
                errors::refused(&refusal)
            });
        }
        let list: FileList = answer.json().await.map_err(|error| match error.problem.code {
            ProblemCode::BadAnswer => not_aymara(error.problem.detail.as_deref().unwrap_or_default()),
            _ => error,
        })?;
        let user = list.items.first().and_then(|file| file.organization_uuid.as_deref());
        Ok(SignedIn {
            user: user.map(|uuid| format!("organisation {uuid}")),
            server: Some("Aymara AI".into()),
        })
    }
}
