//! One account: what every other file here shares, and the contract's methods, each handed to its file.

use crate::{
    api_types::{FileDetail, FileStatus},
    errors,
    places::{NAME_LIMIT, Place, check_name, place},
    sign_in::{API_KEY, SANDBOX, UPLOAD, WORKSPACE},
    upload_links::UploadLinks,
};
use async_trait::async_trait;
use http::{HeaderName, HeaderValue, header::ACCEPT};
use labferry_model::{
    Capabilities, Clock, Container, Entry, Metadata, Page, PartPlan, PartReceipt, Problem, ProblemCode,
    RemoteFile,
};
use labferry_provider::{
    Action, ActionResult, Advice, ByteRange, ConnectRequest, Download, ImportRequest, Leftover, ListRequest,
    PartBody, Provider, ProviderError, ProviderResult, ReceivedParts, SignedIn, TemporaryLink, UploadRequest,
    UploadSession,
    http::{Answer, ApiClient, ApiUrl, Call, Credential, SignedClient, Transport},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};
use url::Url;

/// Characters of one segment of an address, or of a value in it, that stand for themselves.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The largest object S3 takes in one request.
const WHOLE_LIMIT: u64 = 5 << 30;

/// Files announced in one request, and names looked for in one listing. The service names no limit; as many as a page of a
/// listing holds.
const ANNOUNCE_AT_ONCE: u32 = 100;

/// Whether ranges were seen to work.
const RANGES_UNKNOWN: u8 = 0;
const RANGES_YES: u8 = 1;
const RANGES_NO: u8 = 2;

/// One account.
pub(crate) struct Connector {
    pub(crate) site: Url,
    pub(crate) api: ApiClient,
    pub(crate) storage: SignedClient,
    pub(crate) clock: Arc<dyn Clock>,
    /// The workspaces that the account names.
    pub(crate) workspaces: Vec<String>,
    /// Files go through the service in a form instead of to links.
    pub(crate) by_form: bool,
    pub(crate) links: UploadLinks,
    in_sandbox: bool,
    ranges: AtomicU8,
}

/// An id in an address.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

impl Connector {
    pub(crate) fn new(request: ConnectRequest) -> ProviderResult<Self> {
        let invalid = |about: &str, why: &str| {
            ProviderError::new("connect", ProblemCode::InvalidRequest, Advice::Stop).about(about).because(why)
        };
        let address = request.url.trim().trim_end_matches('/');
        let site = Url::parse(&format!("{address}/"))
            .map_err(|_| invalid(address, "it is no web address; write it like https://api.aymara.ai"))?;
        let setting = |name: &str| request.settings.get(name).map_or("", |text| text.trim());
        let by_form = match setting(UPLOAD) {
            "" | "links" => false,
            "form" => true,
            other => return Err(invalid(other, "the way of sending is \"links\" or \"form\"")),
        };
        let in_sandbox = match setting(SANDBOX).to_ascii_lowercase().as_str() {
            "" | "no" | "false" | "0" => false,
            "yes" | "true" | "1" => true,
            other => return Err(invalid(other, "the sandbox is \"yes\" or \"no\"")),
        };
        let workspaces: Vec<String> = setting(WORKSPACE).split_whitespace().map(str::to_owned).collect();
        if let Some(wrong) = workspaces.iter().find(|uuid| uuid.contains('/')) {
            return Err(invalid(wrong, "it is no UUID of a workspace"));
        }
        let transport = Transport::new(&site, request.connect, request.stall, Arc::clone(&request.clock))?;
        let key = HeaderName::from_static("x-api-key");
        let api =
            ApiClient::new(&site, Credential::header(request.secrets, API_KEY, key, ""), transport.clone())?;
        Ok(Self {
            site,
            api,
            storage: SignedClient::new(transport),
            clock: request.clock,
            workspaces,
            by_form,
            links: UploadLinks::default(),
            in_sandbox,
            ranges: AtomicU8::new(RANGES_UNKNOWN),
        })
    }

    /// An address below the service's.
    pub(crate) fn url(&self, operation: &'static str, path: &str) -> ProviderResult<ApiUrl> {
        self.api.resolve(operation, &format!("{}{path}", self.site))
    }

    /// What every request of the interface carries.
    pub(crate) fn call(&self, call: Call) -> ProviderResult<Call> {
        let call = call.header(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(if self.in_sandbox {
            call.header(HeaderName::from_static("x-use-sandbox"), HeaderValue::from_static("True"))
        } else {
            call
        })
    }

    /// Sends a request and gives the answer if it is a yes.
    pub(crate) async fn send(&self, url: &ApiUrl, call: Call) -> ProviderResult<Answer> {
        let answer = self.api.answer(url, self.call(call)?).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(errors::refused(&answer.refusal().await)) }
    }

    /// A file with a fresh link to its content.
    pub(crate) async fn detail(&self, operation: &'static str, id: &str) -> ProviderResult<FileDetail> {
        let url = self.url(operation, &format!("v2/files/{}", encoded(id)))?;
        self.send(&url, Call::get(operation)).await?.json().await
    }

    /// How far the processing of a file is.
    pub(crate) async fn status(&self, operation: &'static str, id: &str) -> ProviderResult<FileStatus> {
        let url = self.url(operation, &format!("v2/files/{}/status", encoded(id)))?;
        self.send(&url, Call::get(operation)).await?.json().await
    }

    /// Removes a file or what was announced as one.
    pub(crate) async fn remove(&self, operation: &'static str, id: &str) -> ProviderResult<()> {
        let url = self.url(operation, &format!("v2/files/{}", encoded(id)))?;
        self.send(&url, Call::delete(operation)).await.map(drop)
    }

    /// Notes whether a range was honoured.
    pub(crate) fn saw_ranges(&self, work: bool) {
        self.ranges.store(if work { RANGES_YES } else { RANGES_NO }, Ordering::Relaxed);
    }
}

/// A path that leads to nothing this service has.
pub(crate) fn no_such_path(operation: &'static str, path: &str) -> ProviderError {
    ProviderError::new(operation, ProblemCode::InvalidRequest, Advice::Stop).about(path).because(
        "Aymara AI has files in workspaces: WORKSPACE/FILE with their ids, or all/FILE for any of the organisation",
    )
}

#[async_trait]
impl Provider for Connector {
    async fn capabilities(&self) -> ProviderResult<Capabilities> {
        Ok(Capabilities {
            whole_limit: Some(WHOLE_LIMIT),
            parts: None,
            parts_from: u64::MAX,
            largest_file: Some(WHOLE_LIMIT),
            empty_files: true,
            digests: Vec::new(),
            listable: true,
            records: false,
            versions: false,
            ranges: match self.ranges.load(Ordering::Relaxed) {
                RANGES_YES => Some(true),
                RANGES_NO => Some(false),
                _ => None,
            },
            delete: true,
            file_metadata: false,
            links: true,
            imports_links: true,
            folders: false,
            name_limit: NAME_LIMIT as u32,
            file_versions: false,
            announce_at_once: ANNOUNCE_AT_ONCE,
            refuses_taken: false,
            files_per_record: None,
        })
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

    async fn create(&self, _parent: &str, _metadata: &Metadata) -> ProviderResult<Container> {
        Err(ProviderError::unsupported("create").because("workspaces are made in Aymara AI itself"))
    }

    async fn update(&self, _path: &str, _metadata: &Metadata) -> ProviderResult<Container> {
        Err(ProviderError::unsupported("update"))
    }

    async fn publish(&self, _path: &str) -> ProviderResult<Container> {
        Err(ProviderError::unsupported("publish"))
    }

    async fn new_version(&self, _path: &str) -> ProviderResult<Container> {
        Err(ProviderError::unsupported("new version"))
    }

    async fn delete(&self, path: &str) -> ProviderResult<()> {
        const OPERATION: &str = "delete";
        match place(path) {
            Some(Place::File { id, .. }) => {
                self.links.forget(id);
                self.remove(OPERATION, id).await.map_err(|error| error.about(path))
            }
            Some(_) => Err(ProviderError::unsupported(OPERATION)
                .about(path)
                .because("only files can be removed here, not workspaces and not single frames")),
            None => Err(no_such_path(OPERATION, path)),
        }
    }

    fn check_name(&self, name: &str) -> Result<(), Problem> {
        check_name(name, self.by_form)
    }

    async fn find_file(&self, container: &str, name: &str) -> ProviderResult<Option<RemoteFile>> {
        let found = self.find_by_names(container, &[name.to_owned()]).await?;
        Ok(found.into_iter().next().flatten())
    }

    async fn find_files(&self, container: &str, names: &[String]) -> ProviderResult<Vec<Option<RemoteFile>>> {
        self.find_by_names(container, names).await
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
        self.import_from(request).await
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
        Ok(self.actions_of(path))
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
