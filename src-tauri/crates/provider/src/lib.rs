//! The contract every service fulfils, the errors it may answer with, and the HTTP clients it is spoken to with.
//!
//! Connectors implement [`Provider`]; the engine and the app only know that trait. Nothing here retries: the one
//! retry loop is the engine's, and [`ProviderError::advice`] tells it what to do.

pub mod action;
pub mod error;
pub mod http;
pub mod provider;
pub mod registry;
pub mod sign_in;
pub mod upload_session;

pub use action::{Action, ActionField, ActionResult, FieldKind};
pub use error::{Advice, ProviderError, ProviderResult};
pub use provider::{
    ByteRange, ByteStream, Download, ImportRequest, Leftover, ListRequest, ListScope, PartBody, Provider,
    ReceivedPart, ReceivedParts, TemporaryLink, UploadRequest, one_by_one,
};
pub use registry::{ConnectRequest, Registry, Service};
pub use sign_in::{FormField, SecretKeeper, ServiceForm, SignedIn};
pub use upload_session::{ShapeWish, UploadSession};
