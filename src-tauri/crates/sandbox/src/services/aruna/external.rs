//! An S3-compatible server outside of the lab, as far as the service needs one: it makes buckets, begins, ends and drops
//! multipart uploads, reads objects back, and signs the links its clients send to. Path style, query signing.
//!
//! The lab's clock is not asked here: the other server judges signatures by its own, which nobody puts forward.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use http::{Method, StatusCode, header};
use jiff::Timestamp;
use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex::Regex;
use sha2::Sha256;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use url::{Position, Url};

use super::world::{Gone, Outside};
use crate::blobs::Digests;
use crate::options::{DataProxy, SandboxError};
use crate::signed_links::Signer;

/// What stays as it is in a path: RFC 3986 unreserved characters and the slash. S3 encodes each segment once.
const IN_PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
/// Seconds a link for the lab's own requests lives.
const OWN_LINK: i64 = 600;
/// A server that is there answers a connection at once.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes of an answer's document that are looked at.
const DOCUMENT: usize = 64 * 1024;

/// The server. Clones share what they know of its buckets.
#[derive(Clone)]
pub(crate) struct External {
    /// Without a slash at the end.
    base: String,
    /// As the `Host` header names it.
    host: String,
    /// The path of the base, mostly empty.
    below: String,
    keys: DataProxy,
    client: reqwest::Client,
    /// Buckets that are known to be there.
    buckets: Arc<Mutex<HashSet<String>>>,
}

/// Why the server did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExternalError {
    #[error("the data proxy's storage could not be reached")]
    Unreached(#[source] reqwest::Error),
    #[error("the data proxy's storage answered {status} {code}")]
    Refused { status: StatusCode, code: String },
}

impl From<reqwest::Error> for ExternalError {
    fn from(error: reqwest::Error) -> Self {
        // The address is a signed link.
        Self::Unreached(error.without_url())
    }
}

impl From<ExternalError> for io::Error {
    fn from(error: ExternalError) -> Self {
        match &error {
            ExternalError::Refused { status, .. } if *status == StatusCode::NOT_FOUND => {
                Self::new(io::ErrorKind::NotFound, error)
            }
            _ => Self::other(error),
        }
    }
}

type Outcome<T> = Result<T, ExternalError>;

impl External {
    pub(crate) fn new(options: &DataProxy) -> Result<Self, SandboxError> {
        let refused = |reason: &str| SandboxError::DataProxy {
            // Nothing of a user name or password that stands in it.
            url: Url::parse(&options.url).map_or_else(
                |_| options.url.clone(),
                |url| {
                    url[..Position::AfterPath]
                        .replace(&url[Position::BeforeUsername..Position::BeforeHost], "")
                },
            ),
            reason: reason.to_owned(),
        };
        let url = Url::parse(&options.url).map_err(|error| refused(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(refused("it is no http or https address"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(refused("give the address alone; keys have options of their own"));
        }
        if options.key_id.is_empty() || options.secret.is_empty() {
            return Err(refused("key and secret must not be empty"));
        }
        // Whoever installed one before is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .http1_only()
                .connect_timeout(CONNECT)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
        };
        // A system without any trusted certificate can still speak to a server on this machine.
        let client = builder().build().or_else(|_| builder().tls_certs_only([]).build());
        Ok(Self {
            base: url[..Position::AfterPath].trim_end_matches('/').to_owned(),
            host: url[Position::BeforeHost..Position::AfterPort].to_owned(),
            below: url.path().trim_end_matches('/').to_owned(),
            keys: options.clone(),
            client: client.map_err(|error| refused(&error.to_string()))?,
            buckets: Arc::default(),
        })
    }

    /// A link to an object.
    pub(crate) fn link(&self, method: &str, at: &Outside, query: &[(&str, &str)], seconds: i64) -> String {
        self.signed(method, &path(&at.bucket, &at.key), query, seconds)
    }

    fn signed(&self, method: &str, path: &str, query: &[(&str, &str)], seconds: i64) -> String {
        let signer =
            Signer { access_key: &self.keys.key_id, secret: &self.keys.secret, region: &self.keys.region };
        let signed_path = format!("{}{path}", self.below);
        let query = signer.query(method, &self.host, &signed_path, query, Timestamp::now(), seconds);
        format!("{}{path}?{query}", self.base)
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: String,
    ) -> Outcome<reqwest::Response> {
        let link = self.signed(method.as_str(), path, query, OWN_LINK);
        let mut request = self.client.request(method.clone(), link);
        if method == Method::PUT || method == Method::POST {
            // Said also of nothing: some servers ask for it.
            request = request.header(header::CONTENT_LENGTH, body.len()).body(body);
        }
        Ok(request.send().await?)
    }

    /// Whether there is something at a place.
    pub(crate) async fn holds(&self, at: &Outside) -> Outcome<bool> {
        let answer = self.ask(Method::HEAD, &path(&at.bucket, &at.key), &[], String::new()).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            _ => Err(refusal(answer).await),
        }
    }

    /// Makes a bucket unless it is there.
    pub(crate) async fn make_bucket(&self, bucket: &str) -> Outcome<()> {
        if self.known().contains(bucket) {
            return Ok(());
        }
        let path = format!("/{}", utf8_percent_encode(bucket, &IN_PATH));
        let answer = self.ask(Method::HEAD, &path, &[], String::new()).await?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::NOT_FOUND => {
                let region = &self.keys.region;
                // The region that S3 takes when none is named must not be named.
                let place = if region == "us-east-1" {
                    String::new()
                } else {
                    format!(
                        "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint>\
                         </CreateBucketConfiguration>"
                    )
                };
                let answer = self.ask(Method::PUT, &path, &[], place).await?;
                // Somebody else may have made it meanwhile.
                if !answer.status().is_success() && answer.status() != StatusCode::CONFLICT {
                    return Err(refusal(answer).await);
                }
            }
            _ => return Err(refusal(answer).await),
        }
        self.known().insert(bucket.to_owned());
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a multipart upload; gives its id.
    pub(crate) async fn begin(&self, at: &Outside) -> Outcome<String> {
        let answer =
            self.ask(Method::POST, &path(&at.bucket, &at.key), &[("uploads", "")], String::new()).await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(refusal(answer).await);
        }
        let document = document(answer).await?;
        element(&document, "UploadId")
            .ok_or(ExternalError::Refused { status, code: "without an upload id".to_owned() })
    }

    /// Ends a multipart upload; `parts` are number and receipt.
    pub(crate) async fn complete(&self, at: &Outside, upload: &str, parts: &[(u32, String)]) -> Outcome<()> {
        let parts: String = parts
            .iter()
            .map(|(number, etag)| {
                let etag = escaped(etag);
                format!("<Part><PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag></Part>")
            })
            .collect();
        let list = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        let answer =
            self.ask(Method::POST, &path(&at.bucket, &at.key), &[("uploadId", upload)], list).await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(refusal(answer).await);
        }
        // A server may answer 200 early and tell in the document that it failed.
        let document = document(answer).await?;
        if document.contains("CompleteMultipartUploadResult") {
            return Ok(());
        }
        Err(ExternalError::Refused { status, code: element(&document, "Code").unwrap_or_default() })
    }

    /// Reads an object through, a piece of an answer at a time; gives its length and digests.
    pub(crate) async fn digest(&self, at: &Outside) -> Outcome<(u64, Digests)> {
        let answer = self.ask(Method::GET, &path(&at.bucket, &at.key), &[], String::new()).await?;
        if !answer.status().is_success() {
            return Err(refusal(answer).await);
        }
        let (mut size, mut md5, mut sha256) = (0, Md5::new(), Sha256::new());
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            size += piece.len() as u64;
            md5.update(&piece);
            sha256.update(&piece);
        }
        let digests = Digests { md5: hex::encode(md5.finalize()), sha256: hex::encode(sha256.finalize()) };
        Ok((size, digests))
    }

    async fn drop_gone(&self, gone: &Gone) -> Outcome<()> {
        let answer = match gone {
            Gone::Object(at) => {
                self.ask(Method::DELETE, &path(&at.bucket, &at.key), &[], String::new()).await?
            }
            Gone::Upload(at, upload) => {
                let query = [("uploadId", upload.as_str())];
                self.ask(Method::DELETE, &path(&at.bucket, &at.key), &query, String::new()).await?
            }
        };
        match answer.status() {
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            _ => Err(refusal(answer).await),
        }
    }

    /// Deletes objects and drops uploads as they are named, one after the other, until nobody can name any more.
    pub(crate) fn sweep(&self) -> UnboundedSender<Gone> {
        let (sender, mut named) = unbounded_channel::<Gone>();
        let external = self.clone();
        tokio::spawn(async move {
            while let Some(gone) = named.recv().await {
                if let Err(error) = external.drop_gone(&gone).await {
                    tracing::warn!(%error, "the practice lab could not clear its data proxy's storage");
                }
            }
        });
        sender
    }
}

fn path(bucket: &str, key: &str) -> String {
    format!("/{}/{}", utf8_percent_encode(bucket, &IN_PATH), utf8_percent_encode(key, &IN_PATH))
}

async fn document(answer: reqwest::Response) -> Outcome<String> {
    let mut text = Vec::new();
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        text.extend_from_slice(&piece?);
        if text.len() >= DOCUMENT {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

async fn refusal(answer: reqwest::Response) -> ExternalError {
    let status = answer.status();
    let code = document(answer).await.ok().and_then(|document| element(&document, "Code"));
    ExternalError::Refused { status, code: code.unwrap_or_default() }
}

/// The text of the first element of a name.
fn element(document: &str, name: &str) -> Option<String> {
    let found = Regex::new(&format!(r"<{name}>\s*([^<]+?)\s*</{name}>")).ok()?;
    let text = found.captures(document)?.get(1)?.as_str();
    Some(text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
