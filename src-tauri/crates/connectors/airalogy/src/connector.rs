//! One account: what every other file here shares, and the contract's methods, each handed to its file.

use crate::{
    errors,
    ids::is_protocol,
    sign_in::{API_KEY, PROTOCOL},
};
use async_trait::async_trait;
use http::{HeaderName, header::ACCEPT};
use labferry_model::{
    Capabilities, Clock, Container, Entry, Metadata, Page, PartPlan, PartReceipt, Problem, ProblemCode,
    RemoteFile,
};
use labferry_provider::{
    Action, ActionResult, Advice, ByteRange, ConnectRequest, Download, ImportRequest, Leftover, ListRequest,
    PartBody, Provider, ProviderError, ProviderResult, ReceivedParts, SignedIn, TemporaryLink, UploadRequest,
    UploadSession,
    http::{Answer, ApiClient, ApiUrl, Call, Credential, SignedClient, Transport},
    one_by_one,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use url::Url;

/// Longest file name that is sent. The service names none; every file system keeps this many bytes.
const NAME_LIMIT: u32 = 255;

/// One account of one server.
pub(crate) struct Connector {
    pub(crate) site: Url,
    pub(crate) api: ApiClient,
    pub(crate) storage: SignedClient,
    pub(crate) clock: Arc<dyn Clock>,
    /// The protocols that files are sent to.
    pub(crate) protocols: Vec<String>,
    /// Whether the last range that was asked for was kept to: the storage does, the service itself does not.
    pub(crate) ranges: Mutex<Option<bool>>,
}

impl Connector {
    pub(crate) fn new(request: ConnectRequest) -> ProviderResult<Self> {
        let invalid = |about: &str, why: &str| {
            ProviderError::new("connect", ProblemCode::InvalidRequest, Advice::Stop).about(about).because(why)
        };
        let address = request.url.trim().trim_end_matches('/');
        let site = Url::parse(&format!("{address}/")).map_err(|_| {
            invalid(address, "it is no web address; write it like https://lab.example.org/api")
        })?;
        let named = request.settings.get(PROTOCOL).map(String::as_str).unwrap_or_default();
        let protocols: Vec<String> = named.split_whitespace().map(str::to_owned).collect();
        if let Some(wrong) = protocols.iter().find(|id| !is_protocol(id)) {
            let why = "it is no protocol id with its version, like airalogy.id.lab.NAME.project.NAME.protocol.NAME.v.0.0.1";
            return Err(invalid(wrong, why));
        }
        let transport = Transport::new(&site, request.connect, request.stall, Arc::clone(&request.clock))?;
        let credential =
            Credential::header(request.secrets, API_KEY, HeaderName::from_static("airalogy-api-key"), "");
        let api = ApiClient::new(&site, credential, transport.clone())?;
        Ok(Self {
            site,
            api,
            storage: SignedClient::new(transport),
            clock: request.clock,
            protocols,
            ranges: Mutex::new(None),
        })
    }

    /// An address below the server's.
    pub(crate) fn url(&self, operation: &'static str, path: &str) -> ProviderResult<ApiUrl> {
        self.api.resolve(operation, &format!("{}{path}", self.site))
    }

    /// Records by their ids, as the service gives them: all or none.
    pub(crate) async fn records(&self, operation: &'static str, ids: &[&str]) -> ProviderResult<Vec<Value>> {
        let url = self.url(operation, "airalogy/get_records")?;
        // It must be named and is not looked at.
        let protocol = self.protocols.first().map_or("airalogy.id.protocol", String::as_str);
        let body = json!({ "airalogy_protocol_id": protocol, "airalogy_record_ids": ids });
        let call = Call::post(operation).json(&body)?.foreign_header(ACCEPT, "application/json")?;
        self.api.json(&url, call, errors::refused).await
    }

    /// A request that names a file; the answer if it is a yes.
    pub(crate) async fn file_answer(&self, url: &ApiUrl, call: Call) -> ProviderResult<Answer> {
        let answer = self.api.answer(url, call).await?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(errors::refused_file(&answer.refusal().await))
        }
    }
}

#[async_trait]
impl Provider for Connector {
    async fn capabilities(&self) -> ProviderResult<Capabilities> {
        Ok(Capabilities {
            whole_limit: None,
            parts: None,
            parts_from: u64::MAX,
            largest_file: None,
            empty_files: true,
            digests: Vec::new(),
            listable: false,
            records: false,
            versions: false,
            ranges: *self.ranges.lock().unwrap_or_else(PoisonError::into_inner),
            delete: false,
            file_metadata: false,
            links: true,
            imports_links: false,
            folders: false,
            name_limit: NAME_LIMIT,
            file_versions: false,
            announce_at_once: 1,
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
        Err(ProviderError::unsupported("create"))
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
        Err(ProviderError::unsupported("delete").about(path).because("Airalogy keeps every file for good"))
    }

    fn check_name(&self, name: &str) -> Result<(), Problem> {
        crate::upload::check_name(name)
    }

    async fn find_file(&self, _container: &str, _name: &str) -> ProviderResult<Option<RemoteFile>> {
        // Names are not unique here, and nothing can be looked up by one: every upload is a new file.
        Ok(None)
    }

    async fn find_files(&self, container: &str, names: &[String]) -> ProviderResult<Vec<Option<RemoteFile>>> {
        one_by_one(names, |name| self.find_file(container, name)).await.into_iter().collect()
    }

    async fn begin_upload(&self, request: &UploadRequest) -> ProviderResult<UploadSession> {
        self.begin(request)
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
        Self::memory("received parts", session)?;
        Ok(ReceivedParts::NotTold)
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

    async fn abandon_upload(&self, _session: &UploadSession) -> ProviderResult<()> {
        // Nothing can be taken back.
        Ok(())
    }

    async fn leftovers(&self, _container: &str) -> ProviderResult<Vec<Leftover>> {
        Ok(Vec::new())
    }

    async fn clear_leftover(&self, _leftover: &Leftover) -> ProviderResult<()> {
        Err(ProviderError::unsupported("clear leftover"))
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
