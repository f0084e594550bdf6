//! One account: what every other file here shares, and the contract's methods, each handed to its file.

use crate::{
    errors,
    places::Spot,
    sign_in::{TOKEN, site},
};
use async_trait::async_trait;
use labferry_model::{
    Algorithm, Capabilities, Container, Entry, Metadata, Page, PartPlan, PartReceipt, PartRules, Problem,
    RemoteFile,
};
use labferry_provider::{
    Action, ActionResult, Advice, ByteRange, ConnectRequest, Download, ImportRequest, Leftover, ListRequest,
    PartBody, Provider, ProviderError, ProviderResult, ReceivedParts, SignedIn, TemporaryLink, UploadRequest,
    UploadSession,
    http::{Answer, ApiClient, ApiUrl, Call, Credential, SignedClient, Transport, answer::Refusal},
    one_by_one,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};
use url::Url;

/// Characters of one segment of an address that stand for themselves.
pub(crate) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The same for a key, which keeps its `/`.
pub(crate) const KEY: &AsciiSet = &SEGMENT.remove(b'/');

/// From here on parts are worth their two requests each: the data proxy holds a whole request in memory.
const PARTS_FROM: u64 = 64 << 20;
/// A request with more is refused.
const WHOLE_LIMIT: u64 = 5_000_000_000;
/// S3's rules, which the storage behind the data proxy keeps.
const PART_MIN: u64 = 5 << 20;
const PART_MAX: u64 = 5 << 30;
const PART_COUNT: u32 = 10_000;
/// Longest key of an S3 object in bytes, folder included.
pub(crate) const NAME_LIMIT: u32 = 1024;

/// Whether ranges were seen to work.
const RANGES_UNKNOWN: u8 = 0;
const RANGES_YES: u8 = 1;
const RANGES_NO: u8 = 2;

/// Uploads in hand by bucket and key: staged objects are in no list, so their ids are remembered.
pub(crate) type InHand = BTreeMap<(String, String), String>;

/// One account of one instance.
pub(crate) struct Connector {
    pub(crate) site: Url,
    pub(crate) api: ApiClient,
    pub(crate) storage: SignedClient,
    spots: Mutex<BTreeMap<String, Arc<Spot>>>,
    in_hand: Mutex<InHand>,
    /// Failures in a row inside the service, by object.
    failures: Mutex<BTreeMap<String, u32>>,
    ranges: AtomicU8,
}

impl Connector {
    pub(crate) fn new(request: ConnectRequest) -> ProviderResult<Self> {
        let site = site(&request.url)?;
        let transport = Transport::new(&site, request.connect, request.stall, request.clock)?;
        let api = ApiClient::new(&site, Credential::bearer(request.secrets, TOKEN), transport.clone())?;
        Ok(Self {
            site,
            api,
            storage: SignedClient::new(transport),
            spots: Mutex::default(),
            in_hand: Mutex::default(),
            failures: Mutex::default(),
            ranges: AtomicU8::new(RANGES_UNKNOWN),
        })
    }

    pub(crate) fn host(&self) -> &str {
        self.site.host_str().unwrap_or_default()
    }

    /// An address from a path of the gateway. A gateway below a path keeps that path.
    pub(crate) fn url(&self, operation: &'static str, path: &str) -> ProviderResult<ApiUrl> {
        self.api.resolve(operation, &format!("{}{}", self.site, path.trim_start_matches('/')))
    }

    /// Sends a request and gives the answer if it is a yes.
    pub(crate) async fn send(&self, url: &ApiUrl, call: Call) -> ProviderResult<Answer> {
        let answer = self.api.answer(url, call).await?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(self.refused(answer.refusal().await).await)
        }
    }

    /// A request whose answer is read as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, url: &ApiUrl, call: Call) -> ProviderResult<T> {
        self.send(url, call).await?.json().await
    }

    /// The error of a refusal. The gateway says the same to a deleted token and to something that does not exist, so it is
    /// asked once more whether it knows us.
    pub(crate) async fn refused(&self, refusal: Refusal) -> ProviderError {
        let error = errors::refused(&refusal);
        if !errors::may_be_the_token(&refusal) {
            return error;
        }
        // A collection that was made anew under its old name has another id.
        self.spots().clear();
        match self.user(refusal.operation).await {
            Err(asked) if asked.advice == Advice::SignIn => asked,
            _ if error.is_not_found() => error,
            _ => error.because("it does not exist, or the token has no right to it"),
        }
    }

    pub(crate) fn spots(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Spot>>> {
        self.spots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn in_hand(&self) -> MutexGuard<'_, InHand> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a failure of an object's upload; gives how many there were in a row.
    pub(crate) fn failed_again(&self, object: &str) -> u32 {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(object.to_owned()).or_default();
        *count += 1;
        *count
    }

    pub(crate) fn forget_failures(&self, object: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(object);
    }

    /// Notes whether a range was honoured.
    pub(crate) fn saw_ranges(&self, work: bool) {
        self.ranges.store(if work { RANGES_YES } else { RANGES_NO }, Ordering::Relaxed);
    }

    fn facts(&self) -> Capabilities {
        Capabilities {
            whole_limit: Some(WHOLE_LIMIT),
            parts: Some(PartRules {
                min: PART_MIN,
                max: PART_MAX,
                max_count: PART_COUNT,
                any_order: true,
                server_lists_parts: false,
                // The receipts are of the encrypted bytes.
                part_md5: false,
            }),
            parts_from: PARTS_FROM,
            largest_file: None,
            empty_files: true,
            digests: vec![Algorithm::Sha256],
            listable: true,
            records: true,
            versions: false,
            ranges: match self.ranges.load(Ordering::Relaxed) {
                RANGES_YES => Some(true),
                RANGES_NO => Some(false),
                _ => None,
            },
            delete: true,
            file_metadata: true,
            links: true,
            imports_links: false,
            folders: true,
            name_limit: NAME_LIMIT,
            file_versions: true,
            announce_at_once: 1,
            refuses_taken: false,
            files_per_record: None,
        }
    }
}

#[async_trait]
impl Provider for Connector {
    async fn capabilities(&self) -> ProviderResult<Capabilities> {
        Ok(self.facts())
    }

    async fn check_sign_in(&self) -> ProviderResult<SignedIn> {
        self.who().await
    }

    async fn list(&self, request: &ListRequest) -> ProviderResult<Page> {
        self.list_page(request).await
    }

    async fn describe(&self, path: &str) -> ProviderResult<Entry> {
        self.describe_path(path).await
    }

    async fn create(&self, parent: &str, metadata: &Metadata) -> ProviderResult<Container> {
        self.create_container(parent, metadata).await
    }

    async fn update(&self, path: &str, metadata: &Metadata) -> ProviderResult<Container> {
        self.update_container(path, metadata).await
    }

    async fn publish(&self, path: &str) -> ProviderResult<Container> {
        Err(ProviderError::unsupported("publish")
            .about(path)
            .because("collections are pinned to a version instead: use the action \"pin\""))
    }

    async fn new_version(&self, path: &str) -> ProviderResult<Container> {
        Err(ProviderError::unsupported("new version")
            .about(path)
            .because("a collection itself stays open; the action \"pin\" keeps a version of it"))
    }

    async fn delete(&self, path: &str) -> ProviderResult<()> {
        self.delete_path(path).await
    }

    fn check_name(&self, name: &str) -> Result<(), Problem> {
        crate::upload::check_name(name)
    }

    async fn find_file(&self, container: &str, name: &str) -> ProviderResult<Option<RemoteFile>> {
        self.find(container, name).await
    }

    async fn find_files(&self, container: &str, names: &[String]) -> ProviderResult<Vec<Option<RemoteFile>>> {
        one_by_one(names, |name| self.find_file(container, name)).await.into_iter().collect()
    }

    async fn begin_upload(&self, request: &UploadRequest) -> ProviderResult<UploadSession> {
        self.begin(request).await
    }

    async fn begin_uploads(&self, requests: &[UploadRequest]) -> Vec<ProviderResult<UploadSession>> {
        one_by_one(requests, |request| self.begin_upload(request)).await
    }

    async fn send_part(
        &self,
        session: &UploadSession,
        part: PartPlan,
        body: PartBody,
    ) -> ProviderResult<PartReceipt> {
        self.send_bytes(session, part, body).await
    }

    async fn received_parts(&self, session: &UploadSession) -> ProviderResult<ReceivedParts> {
        self.received(session).await
    }

    async fn finish_upload(
        &self,
        session: &UploadSession,
        receipts: &[PartReceipt],
    ) -> ProviderResult<RemoteFile> {
        self.finish(session, receipts).await
    }

    async fn import_link(&self, request: &ImportRequest) -> ProviderResult<String> {
        Err(ProviderError::unsupported("import link").about(&request.container))
    }

    async fn abandon_upload(&self, session: &UploadSession) -> ProviderResult<()> {
        self.abandon(session).await
    }

    async fn leftovers(&self, container: &str) -> ProviderResult<Vec<Leftover>> {
        self.unfinished(container).await
    }

    async fn clear_leftover(&self, leftover: &Leftover) -> ProviderResult<()> {
        self.clear(leftover).await
    }

    async fn open_download(
        &self,
        path: &str,
        range: Option<ByteRange>,
        guard: Option<&str>,
    ) -> ProviderResult<Download> {
        self.open(path, range, guard).await
    }

    async fn temporary_link(&self, path: &str) -> ProviderResult<TemporaryLink> {
        self.link(path).await
    }

    async fn actions(&self, path: &str) -> ProviderResult<Vec<Action>> {
        self.actions_of(path).await
    }

    async fn run_action(
        &self,
        path: &str,
        name: &str,
        fields: &BTreeMap<String, String>,
    ) -> ProviderResult<ActionResult> {
        self.act(path, name, fields).await
    }
}
