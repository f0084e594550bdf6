//! One account: what every other file here shares, and the contract's methods, each handed to its file.

use crate::{
    download::Head,
    errors,
    paths::{Place, parse},
    sign_in::{CLIENT_ID, site},
    tokens::{ACCESS, CurrentToken, Fresh, Tokens},
};
use async_trait::async_trait;
use http::{HeaderName, StatusCode};
use labferry_model::{
    Capabilities, Container, Entry, Metadata, Page, PartPlan, PartReceipt, Problem, ProblemCode, RemoteFile,
};
use labferry_provider::{
    Action, ActionResult, Advice, ByteRange, ConnectRequest, Download, ImportRequest, Leftover, ListRequest,
    PartBody, Provider, ProviderError, ProviderResult, ReceivedParts, SignedIn, TemporaryLink, UploadRequest,
    UploadSession,
    http::{Answer, ApiClient, ApiUrl, Call, Credential, Reply, SignedClient, Transport, answer::Refusal},
    one_by_one,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};
use url::Url;

/// Characters of one segment of an address that stand for themselves.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Longest file name, in bytes: what file systems take. The service's own limit is not known.
pub(crate) const NAME_LIMIT: u32 = 255;

/// Whether ranges were seen to work.
const RANGES_UNKNOWN: u8 = 0;
const RANGES_YES: u8 = 1;
const RANGES_NO: u8 = 2;

/// One account of one workspace.
pub(crate) struct Connector {
    pub(crate) site: Url,
    pub(crate) api: ApiClient,
    pub(crate) storage: SignedClient,
    pub(crate) tokens: Tokens,
    ranges: AtomicU8,
    /// What was learnt of files, by their id: their content never changes.
    heads: Mutex<BTreeMap<String, Head>>,
    /// Values and files that uploads of this process are known to have made, and which upload it was.
    pub(crate) claimed: Mutex<BTreeMap<String, String>>,
    /// Uploads whose bytes were sent at least once without a yes.
    pub(crate) tried: Mutex<BTreeSet<String>>,
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connector {
    pub(crate) fn new(request: ConnectRequest) -> ProviderResult<Self> {
        let site = site(&request.url)?;
        let transport = Transport::new(&site, request.connect, request.stall, Arc::clone(&request.clock))?;
        let current = Arc::new(CurrentToken::default());
        let credential = Credential::in_header(
            Arc::clone(&current) as _,
            ACCESS,
            HeaderName::from_static("x-kal-authorization"),
            "Bearer ",
        );
        let api = ApiClient::new(&site, credential, transport.clone())?;
        let client_id = request.settings.get(CLIENT_ID).map(|id| id.trim().to_owned()).unwrap_or_default();
        let tokens = Tokens::new(api.clone(), request.secrets, request.clock, client_id, current)?;
        Ok(Self {
            site,
            api,
            storage: SignedClient::new(transport),
            tokens,
            ranges: AtomicU8::new(RANGES_UNKNOWN),
            heads: Mutex::default(),
            claimed: Mutex::default(),
            tried: Mutex::default(),
        })
    }

    /// The address of these segments below the API's root, each encoded: an id with `/` in it stays one segment.
    pub(crate) fn url(&self, operation: &'static str, segments: &[&str]) -> ProviderResult<ApiUrl> {
        let segments: Vec<String> =
            segments.iter().map(|segment| utf8_percent_encode(segment, SEGMENT).to_string()).collect();
        self.api.resolve(operation, &format!("{}{}", self.site, segments.join("/")))
    }

    /// Sends a request that can be made again. A token that is refused is renewed once.
    pub(crate) async fn send(
        &self,
        url: &ApiUrl,
        make: impl Fn() -> ProviderResult<Call>,
    ) -> ProviderResult<Reply> {
        let fresh = self.tokens.fresh().await?;
        match self.once(url, make()?, &fresh).await? {
            Reply::Answer(answer) if answer.status() == StatusCode::UNAUTHORIZED => {}
            reply => return Ok(reply),
        }
        self.tokens.refused(&fresh.token).await?;
        let fresh = self.tokens.fresh().await?;
        self.once(url, make()?, &fresh).await
    }

    /// Sends a request whose body exists once. A token that is refused is renewed for the next try.
    pub(crate) async fn send_once(&self, url: &ApiUrl, call: Call) -> ProviderResult<Answer> {
        let fresh = self.tokens.fresh().await?;
        let answer = own_answer(self.once(url, call, &fresh).await?)?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let refusal = answer.refusal().await;
        self.tokens.refused(&fresh.token).await?;
        Err(ProviderError { advice: Advice::Again, ..errors::refused(&refusal) })
    }

    async fn once(&self, url: &ApiUrl, mut call: Call, fresh: &Fresh) -> ProviderResult<Reply> {
        for (name, value) in &fresh.headers {
            call = call.header(name.clone(), value.clone());
        }
        let reply = self.api.send(url, call).await?;
        let is_refused =
            matches!(&reply, Reply::Answer(answer) if answer.status() == StatusCode::UNAUTHORIZED);
        if !is_refused {
            self.tokens.accepted(&fresh.token).await;
        }
        Ok(reply)
    }

    /// Sends a request that can be made again and gives the answer if it is a yes.
    pub(crate) async fn answer(
        &self,
        url: &ApiUrl,
        make: impl Fn() -> ProviderResult<Call>,
    ) -> ProviderResult<Answer> {
        let answer = own_answer(self.send(url, make).await?)?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.refused(answer.refusal().await)) }
    }

    /// Sends a request that can be made again and reads the JSON of its answer.
    pub(crate) async fn get_json<T: DeserializeOwned>(
        &self,
        url: &ApiUrl,
        make: impl Fn() -> ProviderResult<Call>,
    ) -> ProviderResult<T> {
        self.answer(url, make).await?.json().await
    }

    /// The list at these segments.
    pub(crate) async fn list_of(
        &self,
        operation: &'static str,
        segments: &[&str],
    ) -> ProviderResult<Vec<Metadata>> {
        let url = self.url(operation, segments)?;
        self.get_json(&url, || Ok(Call::get(operation))).await
    }

    pub(crate) fn refused(&self, refusal: Refusal) -> ProviderError {
        errors::refused(&refusal)
    }

    /// What is known of a file.
    pub(crate) fn known_head(&self, id: &str) -> Option<Head> {
        locked(&self.heads).get(id).cloned()
    }

    pub(crate) fn keep_head(&self, id: &str, head: Head) {
        locked(&self.heads).insert(id.to_owned(), head);
    }

    /// Notes whether a range was honoured.
    pub(crate) fn saw_ranges(&self, work: bool) {
        self.ranges.store(if work { RANGES_YES } else { RANGES_NO }, Ordering::Relaxed);
    }

    fn facts(&self) -> Capabilities {
        Capabilities {
            whole_limit: None,
            parts: None,
            parts_from: u64::MAX,
            largest_file: None,
            empty_files: true,
            digests: Vec::new(),
            listable: true,
            // They are made by actions; there are no drafts and nothing is published.
            records: false,
            versions: false,
            // Until they were seen to work a file is fetched as one stream: a service that ignores ranges would send
            // the whole file for each.
            ranges: match self.ranges.load(Ordering::Relaxed) {
                RANGES_YES => Some(true),
                RANGES_NO => Some(false),
                _ => None,
            },
            delete: false,
            file_metadata: false,
            links: false,
            imports_links: false,
            folders: false,
            name_limit: NAME_LIMIT,
            file_versions: false,
            announce_at_once: 1,
            refuses_taken: false,
            files_per_record: None,
        }
    }
}

/// The answer of the service itself.
fn own_answer(reply: Reply) -> ProviderResult<Answer> {
    match reply {
        Reply::Answer(answer) => Ok(answer),
        Reply::Redirected(link) => Err(ProviderError::new("send", ProblemCode::BadAnswer, Advice::Stop).because(
            format!("the service sends us on to {link}: use that address for the account if it is the same service"),
        )),
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
        self.create_in(parent, metadata).await
    }

    async fn update(&self, path: &str, metadata: &Metadata) -> ProviderResult<Container> {
        self.write_values(path, metadata).await
    }

    async fn publish(&self, path: &str) -> ProviderResult<Container> {
        Err(ProviderError::unsupported("publish")
            .about(path)
            .because("Kaleidoscope does not publish records"))
    }

    async fn new_version(&self, path: &str) -> ProviderResult<Container> {
        Err(ProviderError::unsupported("new version")
            .about(path)
            .because("a field keeps all its values; a new one does not replace the old ones"))
    }

    async fn delete(&self, path: &str) -> ProviderResult<()> {
        Err(ProviderError::unsupported("delete")
            .about(path)
            .because("Kaleidoscope offers programs no way to delete; it can be done in its own pages"))
    }

    fn check_name(&self, name: &str) -> Result<(), Problem> {
        crate::upload::check_name(name)
    }

    async fn find_file(&self, container: &str, name: &str) -> ProviderResult<Option<RemoteFile>> {
        let spot = parse("find file", container)?;
        match spot {
            crate::paths::Spot { place: Place::Top | Place::Activity(_) | Place::Records { .. }, .. } => {
                Ok(None)
            }
            spot => self.find_in("find file", &spot.place, name).await,
        }
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
        self.send_file(session, part, body).await
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
        // A file that did not arrive whole leaves nothing behind, and one that did cannot be removed.
        self.forget(session)
    }

    async fn leftovers(&self, _container: &str) -> ProviderResult<Vec<Leftover>> {
        Ok(Vec::new())
    }

    async fn clear_leftover(&self, leftover: &Leftover) -> ProviderResult<()> {
        Err(ProviderError::unsupported("clear leftover").about(&leftover.path))
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
        Err(ProviderError::unsupported("temporary link").about(path))
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
