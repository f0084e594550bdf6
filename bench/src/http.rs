//! Small questions to servers of this run.

use crate::Outcome;
use serde_json::Value;

/// One request; an answer that is no yes is an error.
pub(crate) fn ask(method: &str, url: &str, body: Option<&Value>) -> Outcome<Value> {
    // Whoever installed one before us is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
        let mut request = client.request(method.parse()?, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let text = request.send().await?.error_for_status()?.text().await?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    })
}
