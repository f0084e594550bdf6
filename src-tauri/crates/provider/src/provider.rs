//! The contract of a service. Required methods only: a default that is wrong for one service is found by nobody.

use crate::{
    action::{Action, ActionResult},
    error::{ProviderError, ProviderResult},
    http::SignedUrl,
    sign_in::SignedIn,
    upload_session::{ShapeWish, UploadSession},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use labferry_model::{
    Capabilities, Container, Entry, Metadata, Page, PartPlan, PartReceipt, Problem, RemoteFile, Secret,
    Timestamp,
};
use std::{collections::BTreeMap, future::Future, io};

/// Bytes as they arrive.
pub type ByteStream = BoxStream<'static, Result<Bytes, ProviderError>>;

/// Whose records a listing at the top shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListScope {
    /// Mine: drafts and published.
    #[default]
    Mine,
    /// Everything published that I may see.
    Published,
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListRequest {
    /// The container; empty for the top.
    pub path: String,
    /// Words to search for.
    pub query: Option<String>,
    /// Whose, at the top.
    pub scope: ListScope,
    /// `Page::next` of the page before.
    pub page: Option<String>,
    /// Lines a page, at most; the service may give fewer.
    pub limit: u32,
}

/// A byte range: `length` bytes from `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte, from 0.
    pub offset: u64,
    /// Number of bytes, at least 1.
    pub length: u64,
}

/// What to upload, before the first byte.
#[derive(Debug, Clone, PartialEq)]
pub struct UploadRequest {
    /// The container.
    pub container: String,
    /// The file's name in it.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// The planner's wish.
    pub shape: ShapeWish,
    /// Media type by the name's ending, when known.
    pub media_type: Option<String>,
    /// Metadata for the file.
    pub metadata: Metadata,
}

/// What a service is to fetch by itself.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The container.
    pub container: String,
    /// Where it is. It may carry its own permission, so it is a secret.
    pub link: SignedUrl,
    /// The file's name in the container; otherwise the link names it.
    pub name: Option<String>,
    /// Media type, where the link does not tell it.
    pub media_type: Option<String>,
}

/// The bytes of one part: a freshly opened range of the source, used once.
pub struct PartBody {
    /// Bytes the stream will yield.
    pub length: u64,
    /// MD5 of those bytes, lower-case hexadecimal, when it is known before sending.
    pub md5: Option<String>,
    /// The bytes. A failing item means that the source failed, not the service.
    pub stream: BoxStream<'static, io::Result<Bytes>>,
}

/// What a service knows of a begun upload.
#[derive(Debug, Clone, PartialEq)]
pub enum ReceivedParts {
    /// It takes parts and cannot say which it has: the stored receipts decide.
    NotTold,
    /// It has these parts: number and, where told, size and ETag.
    Parts(Vec<ReceivedPart>),
    /// The file is complete.
    Finished(Box<RemoteFile>),
    /// It knows nothing of this upload, or the upload cannot be gone on with.
    Gone,
}

/// A part a service says it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedPart {
    /// From 1.
    pub number: u32,
    /// Bytes, where told.
    pub size: Option<u64>,
    /// The service's receipt, where told.
    pub etag: Option<String>,
}

/// An upload that was begun and never finished, by whomever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The file's path with the connector.
    pub path: String,
    /// Its name in the container.
    pub name: String,
    /// Its announced size.
    pub size: Option<u64>,
}

/// An open download.
pub struct Download {
    /// First byte the stream yields: 0 when the service ignored the range.
    pub offset: u64,
    /// Bytes of the whole file, where told.
    pub total: Option<u64>,
    /// Identifies the content for [`Provider::open_download`]'s guard.
    pub revision: Option<String>,
    /// The bytes.
    pub stream: ByteStream,
}

/// One account of a service. Every method is one or a few requests and never retries; cancelling the future
/// closes the connection. Paths are the connector's own (see `Place::path`).
#[async_trait]
pub trait Provider: Send + Sync {
    /// Facts about this account, after a probe (which may be answered from memory).
    async fn capabilities(&self) -> ProviderResult<Capabilities>;

    /// Asks the service who we are.
    async fn check_sign_in(&self) -> ProviderResult<SignedIn>;

    /// One page of what a container holds.
    async fn list(&self, request: &ListRequest) -> ProviderResult<Page>;

    /// One container or file.
    async fn describe(&self, path: &str) -> ProviderResult<Entry>;

    /// Makes a container inside `parent` (a draft at the top, say) with this metadata.
    async fn create(&self, parent: &str, metadata: &Metadata) -> ProviderResult<Container>;

    /// Replaces the metadata of a container.
    async fn update(&self, path: &str, metadata: &Metadata) -> ProviderResult<Container>;

    /// Publishes a container.
    async fn publish(&self, path: &str) -> ProviderResult<Container>;

    /// Begins a new version of a published container.
    async fn new_version(&self, path: &str) -> ProviderResult<Container>;

    /// Deletes a container or a file.
    async fn delete(&self, path: &str) -> ProviderResult<()>;

    /// Whether this name can be used, before anything is sent.
    ///
    /// # Errors
    /// A [`Problem`] that names the rule.
    fn check_name(&self, name: &str) -> Result<(), Problem>;

    /// The file of that name in a container, pending ones included.
    async fn find_file(&self, container: &str, name: &str) -> ProviderResult<Option<RemoteFile>>;

    /// The files of those names in a container, in the order of the names: what [`Provider::find_file`] says of each, in
    /// one listing where the service has one. At most [`Capabilities::announce_at_once`] names are asked for.
    async fn find_files(&self, container: &str, names: &[String]) -> ProviderResult<Vec<Option<RemoteFile>>>;

    /// Announces an upload. The answer is stored before the first byte is sent.
    async fn begin_upload(&self, request: &UploadRequest) -> ProviderResult<UploadSession>;

    /// Announces several uploads, all to the same container, and answers each in the order of the requests, as
    /// [`Provider::begin_upload`] would. At most [`Capabilities::announce_at_once`] are asked for. One that is refused
    /// takes no other with it.
    async fn begin_uploads(&self, requests: &[UploadRequest]) -> Vec<ProviderResult<UploadSession>>;

    /// Sends one part.
    async fn send_part(
        &self,
        session: &UploadSession,
        part: PartPlan,
        body: PartBody,
    ) -> ProviderResult<PartReceipt>;

    /// What the service has of this upload.
    async fn received_parts(&self, session: &UploadSession) -> ProviderResult<ReceivedParts>;

    /// Ends the upload; the file then exists. Asking again after success gives the same answer.
    async fn finish_upload(
        &self,
        session: &UploadSession,
        receipts: &[PartReceipt],
    ) -> ProviderResult<RemoteFile>;

    /// Lets the service fetch a file from a link by itself, and answers the path it will have. [`Provider::describe`] then
    /// tells how far that is: [`FileStatus::Processing`](labferry_model::FileStatus) until it ended.
    async fn import_link(&self, request: &ImportRequest) -> ProviderResult<String>;

    /// Gives the upload up and removes its traces.
    async fn abandon_upload(&self, session: &UploadSession) -> ProviderResult<()>;

    /// Uploads in a container that were begun and never finished.
    async fn leftovers(&self, container: &str) -> ProviderResult<Vec<Leftover>>;

    /// Removes such a leftover.
    async fn clear_leftover(&self, leftover: &Leftover) -> ProviderResult<()>;

    /// Opens a file for reading. With `guard` (a [`Download::revision`]) a changed file is a failure, never a mixture.
    async fn open_download(
        &self,
        path: &str,
        range: Option<ByteRange>,
        guard: Option<&str>,
    ) -> ProviderResult<Download>;

    /// A link that works without an account, for a while.
    async fn temporary_link(&self, path: &str) -> ProviderResult<TemporaryLink>;

    /// What else can be done with a place.
    async fn actions(&self, path: &str) -> ProviderResult<Vec<Action>>;

    /// Does it.
    async fn run_action(
        &self,
        path: &str,
        name: &str,
        fields: &BTreeMap<String, String>,
    ) -> ProviderResult<ActionResult>;
}

/// A link to hand out. It is a secret while it lives.
#[derive(Clone)]
pub struct TemporaryLink {
    /// The address.
    pub url: Secret,
    /// When it stops working, where told.
    pub expires: Option<Timestamp>,
}

/// Asks for each of these by itself, in order: the way of a service that takes no lists.
pub async fn one_by_one<'a, T, F>(items: &'a [T], ask: impl Fn(&'a T) -> F) -> Vec<F::Output>
where
    F: Future,
{
    let mut answers = Vec::with_capacity(items.len());
    for item in items {
        answers.push(ask(item).await);
    }
    answers
}
