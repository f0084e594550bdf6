//! One account: what every other file here shares, and the contract's methods, each handed to its file.

use crate::{
    announce::{AT_ONCE, Drafts},
    api_types::{FileEntry, Record},
    complaints::Complaints,
    errors,
    part_links::PartLinks,
    sign_in::{TOKEN, site},
};
use async_trait::async_trait;
use http::header::ACCEPT;
use labferry_model::{
    Algorithm, Capabilities, Container, Entry, Metadata, Page, PartPlan, PartReceipt, PartRules, Problem,
    ProblemCode, RemoteFile,
};
use labferry_provider::{
    Action, ActionResult, Advice, ByteRange, ConnectRequest, Download, ImportRequest, Leftover, ListRequest,
    PartBody, Provider, ProviderError, ProviderResult, ReceivedParts, SignedIn, TemporaryLink, UploadRequest,
    UploadSession,
    http::{Answer, ApiClient, ApiUrl, Call, Credential, SignedClient, Transport, answer::Refusal},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};
use url::Url;

/// Zenodo answers plain `application/json` in an older shape; repositories that do not know the first type take the second.
pub(crate) const RECORD_JSON: &str = "application/vnd.inveniordm.v1+json, application/json;q=0.5";
/// The only type that published file lists are given in.
pub(crate) const ANY_JSON: &str = "application/json";

/// Characters of a file's name that stand for themselves in an address; `/` stays, every repository takes it both ways.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');
/// Characters of one segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// NRP asks for parts above this size; whole files are meant to stay below about 50 MB.
const PARTS_FROM: u64 = 50_000_000;
/// A request body of exactly 100 MiB is refused where the operator set no other limit.
const WHOLE_LIMIT: u64 = (100 << 20) - 1;
/// S3's rules for parts, which apply where the repository keeps its files in S3.
const PART_MIN: u64 = 5 << 20;
const PART_MAX: u64 = 5 << 30;
const PART_COUNT: u32 = 10_000;
/// Longest key in characters, taken as bytes to be safe.
const NAME_LIMIT: u32 = 255;
/// Files in one record, InvenioRDM's default.
const FILES_PER_RECORD: u32 = 100;

/// Whether ranges were seen to work.
const RANGES_UNKNOWN: u8 = 0;
const RANGES_YES: u8 = 1;
const RANGES_NO: u8 = 2;

/// One account of one repository.
pub(crate) struct Connector {
    pub(crate) site: Url,
    pub(crate) api: ApiClient,
    pub(crate) storage: SignedClient,
    pub(crate) links: PartLinks,
    pub(crate) drafts: Drafts,
    pub(crate) complaints: Complaints,
    /// The repository refused a multipart upload: whole files only from then on.
    pub(crate) whole_only: AtomicBool,
    ranges: AtomicU8,
    /// Commits in a row that failed inside the service, by upload.
    pub(crate) failed_commits: Mutex<BTreeMap<String, u32>>,
}

/// Where a record's files are.
pub(crate) struct Located {
    pub(crate) record: Record,
    /// The address of its files.
    pub(crate) files: ApiUrl,
}

impl Connector {
    pub(crate) fn new(request: ConnectRequest) -> ProviderResult<Self> {
        let site = site(&request.url)?;
        let drafts = Drafts::new(request.clock.clone());
        let transport = Transport::new(&site, request.connect, request.stall, request.clock)?;
        let api = ApiClient::new(&site, Credential::bearer(request.secrets, TOKEN), transport.clone())?;
        Ok(Self {
            site,
            api,
            storage: SignedClient::new(transport),
            links: PartLinks::default(),
            drafts,
            complaints: Complaints::default(),
            whole_only: AtomicBool::new(false),
            ranges: AtomicU8::new(RANGES_UNKNOWN),
            failed_commits: Mutex::default(),
        })
    }

    /// An address from a path of the site, such as `/api/records`, or from a whole link.
    pub(crate) fn url(&self, operation: &'static str, path_or_link: &str) -> ProviderResult<ApiUrl> {
        // A site below a path keeps that path.
        match path_or_link.strip_prefix('/') {
            Some(path) => self.api.resolve(operation, &format!("{}{path}", self.site)),
            None => self.api.resolve(operation, path_or_link),
        }
    }

    /// The address of one file below the address of the files.
    pub(crate) fn file_url(
        &self,
        operation: &'static str,
        files: &ApiUrl,
        key: &str,
        rest: &str,
    ) -> ProviderResult<ApiUrl> {
        let files = files.relative();
        let files = files.split('?').next().unwrap_or_default();
        // An address resolves `..` and empty segments away; a key that somebody else gave may have them.
        let leads_away = key.split('/').any(|segment| matches!(segment, "" | "." | ".."));
        let key = utf8_percent_encode(key, if leads_away { SEGMENT } else { KEY });
        self.api.resolve(operation, &format!("{}/{key}{rest}", files.trim_end_matches('/')))
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

    /// A request whose answer is a record.
    pub(crate) async fn record(&self, url: &ApiUrl, call: Call) -> ProviderResult<Record> {
        self.send(url, call.foreign_header(ACCEPT, RECORD_JSON)?).await?.json().await
    }

    /// A request whose answer is a file's entry.
    pub(crate) async fn entry(&self, url: &ApiUrl, call: Call) -> ProviderResult<FileEntry> {
        let operation = call.operation();
        let entry: FileEntry = self.send(url, call.foreign_header(ACCEPT, ANY_JSON)?).await?.json().await?;
        match errors::failed_inside(operation, &entry.errors) {
            Some(error) => Err(error),
            None => Ok(entry),
        }
    }

    /// The error of a refusal. The repository says the same to a wrong token and to a right that is missing, so it is
    /// asked once more whether it knows us at all.
    pub(crate) async fn refused(&self, refusal: Refusal) -> ProviderError {
        let error = errors::refused(&refusal);
        if !errors::may_be_the_token(&refusal) {
            return error;
        }
        match self.who().await {
            Err(asked) if asked.advice == Advice::SignIn => asked,
            _ => error.because("the record or file is not yours, or the token may not do this"),
        }
    }

    /// The record of that id, a draft before the published record.
    pub(crate) async fn locate(&self, operation: &'static str, id: &str) -> ProviderResult<Located> {
        if id.is_empty() {
            return Err(ProviderError::new(operation, ProblemCode::InvalidRequest, Advice::Stop)
                .because("a record's id is missing: files are kept in records"));
        }
        let segment = utf8_percent_encode(id, SEGMENT);
        let draft = self.url(operation, &format!("/api/records/{segment}/draft"))?;
        let published = self.url(operation, &format!("/api/records/{segment}"))?;
        let record = match self.record(&draft, Call::get(operation)).await {
            Ok(record) => record,
            Err(error) if error.is_not_found() || error.problem.code == ProblemCode::NotAllowed => {
                match self.record(&published, Call::get(operation)).await {
                    Ok(record) => record,
                    // Nothing is published under that id: what was said of the draft tells more.
                    Err(later) if later.is_not_found() => return Err(error.about(id)),
                    Err(later) => return Err(later.about(id)),
                }
            }
            Err(error) => return Err(error.about(id)),
        };
        let files = match record.links.files.as_deref() {
            Some(link) => self.url(operation, link)?,
            None if record.is_draft => self.url(operation, &format!("/api/records/{segment}/draft/files"))?,
            None => self.url(operation, &format!("/api/records/{segment}/files"))?,
        };
        Ok(Located { record, files })
    }

    /// Notes whether a range was honoured.
    pub(crate) fn saw_ranges(&self, work: bool) {
        self.ranges.store(if work { RANGES_YES } else { RANGES_NO }, Ordering::Relaxed);
    }

    pub(crate) fn failed_commits(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u32>> {
        self.failed_commits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn facts(&self) -> Capabilities {
        let whole_only = self.whole_only.load(Ordering::Relaxed);
        let rules = PartRules {
            min: PART_MIN,
            max: PART_MAX,
            max_count: PART_COUNT,
            any_order: true,
            server_lists_parts: false,
            part_md5: true,
        };
        Capabilities {
            whole_limit: (!whole_only).then_some(WHOLE_LIMIT),
            parts: (!whole_only).then_some(rules),
            parts_from: PARTS_FROM,
            largest_file: None,
            empty_files: true,
            digests: vec![Algorithm::Md5],
            listable: true,
            records: true,
            versions: true,
            ranges: match self.ranges.load(Ordering::Relaxed) {
                RANGES_YES => Some(true),
                RANGES_NO => Some(false),
                _ => None,
            },
            delete: true,
            file_metadata: true,
            links: false,
            imports_links: false,
            folders: false,
            name_limit: NAME_LIMIT,
            file_versions: false,
            announce_at_once: AT_ONCE,
            refuses_taken: true,
            files_per_record: Some(FILES_PER_RECORD),
        }
    }
}

/// A path of ours: the record's id and, behind the first `/`, a file's key.
pub(crate) fn split(path: &str) -> (&str, Option<&str>) {
    match path.split_once('/') {
        Some((record, key)) => (record, Some(key)),
        None => (path, None),
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
        self.create_draft(parent, metadata).await
    }

    async fn update(&self, path: &str, metadata: &Metadata) -> ProviderResult<Container> {
        self.update_draft(path, metadata).await
    }

    async fn publish(&self, path: &str) -> ProviderResult<Container> {
        self.publish_draft(path).await
    }

    async fn new_version(&self, path: &str) -> ProviderResult<Container> {
        self.begin_version(path).await
    }

    async fn delete(&self, path: &str) -> ProviderResult<()> {
        self.delete_path(path).await
    }

    fn check_name(&self, name: &str) -> Result<(), Problem> {
        crate::upload::check_name(name)
    }

    async fn find_file(&self, container: &str, name: &str) -> ProviderResult<Option<RemoteFile>> {
        let files = self.files_of("find file", container).await?;
        Ok(self.find_entry(&files, name).await?.map(|entry| entry.into_remote_file(container)))
    }

    async fn find_files(&self, container: &str, names: &[String]) -> ProviderResult<Vec<Option<RemoteFile>>> {
        self.find_many(container, names).await
    }

    async fn begin_upload(&self, request: &UploadRequest) -> ProviderResult<UploadSession> {
        self.begin(request).await
    }

    async fn begin_uploads(&self, requests: &[UploadRequest]) -> Vec<ProviderResult<UploadSession>> {
        self.begin_many(requests).await
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
        _receipts: &[PartReceipt],
    ) -> ProviderResult<RemoteFile> {
        self.commit(session).await
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

    async fn temporary_link(&self, _path: &str) -> ProviderResult<TemporaryLink> {
        Err(ProviderError::unsupported("temporary link"))
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
