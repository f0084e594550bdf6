//! One request, before an address and a credential are added.

use super::redact::Scrub;
use crate::{
    error::{Advice, ProviderError, ProviderResult},
    provider::PartBody,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use labferry_model::ProblemCode;
use serde::Serialize;

/// What a request carries.
pub(crate) enum Payload {
    None,
    Bytes(Bytes),
    Part(PartBody),
}

/// One request without its address.
pub struct Call {
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) scrub: Scrub,
}

impl Call {
    /// A request of that method; `operation` names it in errors.
    #[must_use]
    pub fn new(operation: &'static str, method: Method) -> Self {
        Self { operation, method, headers: HeaderMap::new(), payload: Payload::None, scrub: Scrub::default() }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(operation: &'static str) -> Self {
        Self::new(operation, Method::GET)
    }

    /// A `POST` without a body.
    #[must_use]
    pub fn post(operation: &'static str) -> Self {
        Self::new(operation, Method::POST)
    }

    /// A `PUT` without a body.
    #[must_use]
    pub fn put(operation: &'static str) -> Self {
        Self::new(operation, Method::PUT)
    }

    /// A `DELETE`.
    #[must_use]
    pub fn delete(operation: &'static str) -> Self {
        Self::new(operation, Method::DELETE)
    }

    /// Adds a header that we wrote ourselves.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds a header whose value is foreign text.
    ///
    /// # Errors
    /// Text no header can carry.
    pub fn foreign_header(self, name: HeaderName, value: &str) -> ProviderResult<Self> {
        match HeaderValue::from_str(value) {
            Ok(value) => Ok(self.header(name, value)),
            Err(error) => Err(ProviderError::new(self.operation, ProblemCode::InvalidRequest, Advice::Stop)
                .because(format!("the {name} header cannot carry that text"))
                .caused_by(error)),
        }
    }

    /// Sends this value as JSON.
    ///
    /// # Errors
    /// A value that has no JSON form.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> ProviderResult<Self> {
        let text = serde_json::to_vec(value).map_err(|error| {
            ProviderError::new(self.operation, ProblemCode::Internal, Advice::Stop).caused_by(error)
        })?;
        self.payload = Payload::Bytes(Bytes::from(text));
        Ok(self.header(header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
    }

    /// Sends these names and values as a web form.
    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.payload = Payload::Bytes(Bytes::from(text));
        self.header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
    }

    /// Names a secret this request carries besides the credential, so that no error repeats it.
    #[must_use]
    pub fn secret(mut self, secret: &str) -> Self {
        self.scrub.add(secret);
        self
    }

    /// Sends these bytes, streamed, with their exact length announced.
    #[must_use]
    pub fn part(mut self, body: PartBody) -> Self {
        self.payload = Payload::Part(body);
        self
    }

    /// The name of the request in errors.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }
}
