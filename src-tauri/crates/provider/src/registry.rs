//! The services this build knows.

use crate::{
    error::ProviderResult,
    provider::Provider,
    sign_in::{SecretKeeper, ServiceForm},
};
use labferry_model::Clock;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// What a connector needs to speak for one account.
pub struct ConnectRequest {
    /// The service's address as the person gave it.
    pub url: String,
    /// The form's fields that are no secrets.
    pub settings: BTreeMap<String, String>,
    /// Where the secrets are.
    pub secrets: Arc<dyn SecretKeeper>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// A connection on which no byte moves for this long is given up.
    pub stall: Duration,
    /// Longest wait for a connection.
    pub connect: Duration,
}

/// One service: how an account of it is made, and how it is spoken to.
pub trait Service: Send + Sync {
    /// The form of an account; its `service` is the key.
    fn form(&self) -> ServiceForm;

    /// Makes the connector of one account. No request is sent yet.
    ///
    /// # Errors
    /// An address or setting that cannot be used.
    fn connect(&self, request: ConnectRequest) -> ProviderResult<Arc<dyn Provider>>;
}

/// The services by their key.
#[derive(Clone, Default)]
pub struct Registry {
    services: BTreeMap<String, Arc<dyn Service>>,
}

impl Registry {
    /// Adds a service under its form's key.
    #[must_use]
    pub fn with(mut self, service: impl Service + 'static) -> Self {
        self.services.insert(service.form().service, Arc::new(service));
        self
    }

    /// The service of that key.
    #[must_use]
    pub fn get(&self, service: &str) -> Option<&Arc<dyn Service>> {
        self.services.get(service)
    }

    /// Every service's form, by key.
    #[must_use]
    pub fn forms(&self) -> Vec<ServiceForm> {
        self.services.values().map(|service| service.form()).collect()
    }
}
