//! The two HTTP clients connectors speak through, and what they share.
//!
//! [`ApiClient`] is bound to one origin and adds the credential; [`SignedClient`] carries none and only takes a
//! [`SignedUrl`]. Neither follows a redirect to another origin with the credential, and neither retries.

pub mod answer;
pub mod api_client;
pub mod bounded;
pub mod call;
pub mod classify;
pub mod exact_body;
pub mod multipart_form;
pub mod ranges;
pub mod redact;
pub mod signed_client;
pub mod stall_watchdog;
pub mod transport;

pub use answer::Answer;
pub use api_client::{ApiClient, ApiUrl, Credential, Reply};
pub use call::Call;
pub use multipart_form::MultipartForm;
pub use ranges::{content_range, range_value};
pub use redact::Scrub;
pub use signed_client::{SignedClient, SignedUrl};
pub use transport::Transport;

#[cfg(test)]
mod tests;
