//! The services this build knows. A new service is one line here.

use labferry_provider::Registry;

/// Every connector. Suites take it from here, so that a service is named once.
#[must_use]
pub fn registry() -> Registry {
    Registry::default()
        .with(labferry_connector_aruna::Aruna)
        .with(labferry_connector_airalogy::Airalogy)
        .with(labferry_connector_aymara::Aymara)
        .with(labferry_connector_kaleidoscope::Kaleidoscope)
        .with(labferry_connector_nrp::Nrp)
}
