//! A service in memory that keeps its word only as far as it is told to.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use labferry_model::{
    Algorithm, Capabilities, Container, ContainerKind, Digest, Entry, FileStatus, Metadata, Page, PartPlan,
    PartReceipt, PartRules, Problem, ProblemCode, RemoteDigest, RemoteFile,
};
use labferry_provider::{
    Action, ActionResult, Advice, ByteRange, Download, ImportRequest, Leftover, ListRequest, PartBody,
    Provider, ProviderError, ProviderResult, ReceivedPart, ReceivedParts, SignedIn, TemporaryLink,
    UploadRequest, UploadSession, one_by_one,
};
use md5::{Digest as _, Md5};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Refused before anything was done.
    Before,
    /// Done, and the answer lost.
    AnswerLost,
    /// One byte of what is stored or told is another one.
    Flip,
    /// The upload is forgotten.
    Forget,
    /// The host cannot be reached.
    Offline,
    /// Told to come back in two minutes.
    Later,
    /// Refused for good.
    Refused,
    /// The link has expired.
    Expired,
    /// The connector itself is at fault.
    Panic,
    /// The answer says that it is about another content, and gives it.
    OtherContent,
    /// More bytes come than the file has, without end.
    Endless,
}

#[derive(Default)]
pub(crate) struct World {
    /// Finished files by name.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Begun uploads by name: announced size and parts.
    pub(crate) begun: BTreeMap<String, (u64, BTreeMap<u32, Vec<u8>>)>,
    /// How often each part of a name was wholly received.
    pub(crate) received: BTreeMap<(String, u32), u32>,
    /// The number of the last session.
    sessions: u64,
    /// Session that each begun upload belongs to.
    owners: BTreeMap<String, u64>,
    pub(crate) requests: u64,
    /// From now on files have no digest.
    pub(crate) keeps_none: bool,
    /// Bytes of content given out.
    pub(crate) given: u64,
    /// Ranges asked for: first byte and length.
    pub(crate) asked: Vec<Option<ByteRange>>,
}

type Script = Box<dyn FnMut(&'static str) -> Fault + Send>;

/// The service.
pub(crate) struct FakeService {
    world: Mutex<World>,
    script: Mutex<Script>,
    pub(crate) keeps_digests: bool,
    pub(crate) ranges: bool,
    /// Whether it says before the first download that it gives ranges, or not.
    pub(crate) tells_ranges: bool,
    /// Whether something names a file's content.
    pub(crate) names_content: bool,
    /// Whether finished files stay in the service's hands for ever.
    pub(crate) never_ready: bool,
    /// Whether the first page of a list holds a folder and no file.
    pub(crate) folders_first: bool,
    /// What it makes of the truth about received parts.
    pub(crate) tells_parts: fn(Vec<ReceivedPart>) -> Vec<ReceivedPart>,
    /// Uploads it takes in one announcement; more than one makes it refuse taken names, too.
    pub(crate) at_once: u32,
    /// Held by a test, it lets sign-in checks wait.
    pub(crate) gate: tokio::sync::Mutex<()>,
}

impl FakeService {
    pub(crate) fn new(script: impl FnMut(&'static str) -> Fault + Send + 'static) -> Self {
        Self {
            world: Mutex::default(),
            script: Mutex::new(Box::new(script)),
            keeps_digests: true,
            ranges: true,
            tells_ranges: true,
            names_content: true,
            never_ready: false,
            folders_first: false,
            tells_parts: |parts| parts,
            at_once: 1,
            gate: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn follow(&self, script: impl FnMut(&'static str) -> Fault + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    /// Begins a request: the fault that befalls it, or its failure.
    fn request(&self, operation: &'static str) -> ProviderResult<Fault> {
        self.world().requests += 1;
        let fault = (self.script.lock().unwrap())(operation);
        match fault {
            Fault::Before => Err(ProviderError::new(operation, ProblemCode::ServiceFailed, Advice::Again)),
            Fault::Offline => Err(ProviderError::new(operation, ProblemCode::Unreachable, Advice::Again)),
            Fault::Later => {
                let wait = Advice::AgainAfter(std::time::Duration::from_secs(120));
                Err(ProviderError::new(operation, ProblemCode::RateLimited, wait))
            }
            Fault::Refused => Err(ProviderError::new(operation, ProblemCode::ServiceRefused, Advice::Stop)),
            Fault::Expired => Err(ProviderError::new(operation, ProblemCode::NotAllowed, Advice::FreshLink)),
            Fault::Panic => panic!("a fault of the connector"),
            fault => Ok(fault),
        }
    }

    fn answer<T>(operation: &'static str, fault: Fault, answer: T) -> ProviderResult<T> {
        if fault == Fault::AnswerLost {
            return Err(ProviderError::new(operation, ProblemCode::ConnectionLost, Advice::Again));
        }
        Ok(answer)
    }

    fn file(&self, name: &str, fault: Fault) -> Option<RemoteFile> {
        let world = self.world();
        let (size, status, content) = match (world.files.get(name), world.begun.get(name)) {
            (Some(content), _) if self.never_ready => {
                (content.len() as u64, FileStatus::Processing, Some(content))
            }
            (Some(content), _) => (content.len() as u64, FileStatus::Ready, Some(content)),
            (None, Some((size, _))) => (*size, FileStatus::Pending, None),
            (None, None) => return None,
        };
        let mut digests = Vec::new();
        if let Some(content) = content.filter(|_| self.keeps_digests && !world.keeps_none) {
            let mut hex = hex::encode(Md5::digest(content));
            if fault == Fault::Flip {
                let other = if hex.starts_with('0') { "1" } else { "0" };
                hex.replace_range(..1, other);
            }
            digests.push(RemoteDigest::Whole { digest: Digest::parse(Algorithm::Md5, &hex).unwrap() });
        }
        Some(RemoteFile {
            path: format!("r/{name}"),
            name: name.to_owned(),
            size: Some(size),
            status,
            digests,
            media_type: None,
            modified: None,
            revision: content.filter(|_| self.names_content).map(|content| hex::encode(Md5::digest(content))),
            metadata: Metadata::new(),
        })
    }

    /// The upload a session is about; `None` when it is no longer known.
    fn known(&self, session: &UploadSession) -> Option<String> {
        let name = session.memory["name"].as_str().unwrap().to_owned();
        let world = self.world();
        (world.owners.get(&name).copied() == session.memory["session"].as_u64()).then_some(name)
    }
}

fn lost(operation: &'static str) -> ProviderError {
    ProviderError::new(operation, ProblemCode::UploadLost, Advice::FreshSession)
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

#[async_trait]
impl Provider for FakeService {
    async fn capabilities(&self) -> ProviderResult<Capabilities> {
        self.request("capabilities")?;
        Ok(Capabilities {
            whole_limit: None,
            parts: Some(PartRules {
                min: 1,
                max: 1 << 30,
                max_count: 10_000,
                any_order: true,
                server_lists_parts: true,
                part_md5: true,
            }),
            parts_from: 64,
            largest_file: None,
            empty_files: true,
            digests: if self.keeps_digests { vec![Algorithm::Md5] } else { Vec::new() },
            listable: true,
            records: true,
            versions: false,
            ranges: self.tells_ranges.then_some(self.ranges),
            delete: true,
            file_metadata: false,
            links: false,
            imports_links: false,
            folders: false,
            name_limit: 255,
            file_versions: false,
            announce_at_once: self.at_once,
            refuses_taken: self.at_once > 1,
            files_per_record: None,
        })
    }

    async fn check_sign_in(&self) -> ProviderResult<SignedIn> {
        self.request("check sign-in")?;
        drop(self.gate.lock().await);
        Ok(SignedIn { user: None, server: None })
    }

    async fn list(&self, request: &ListRequest) -> ProviderResult<Page> {
        if self.folders_first && request.page.is_none() {
            let entries = vec![self.describe("r").await?];
            return Ok(Page { entries, total: None, next: Some("2".into()) });
        }
        let names: Vec<String> = self.world().files.keys().cloned().collect();
        let entries = names
            .iter()
            .filter_map(|name| Some(Entry::File { file: self.file(name, Fault::None)? }))
            .collect();
        Ok(Page { entries, total: None, next: None })
    }

    async fn describe(&self, path: &str) -> ProviderResult<Entry> {
        if path == "r" {
            let container = Container {
                path: "r".into(),
                title: "R".into(),
                kind: ContainerKind::Draft,
                writable: true,
                files: None,
                bytes: None,
                modified: None,
                web_page: None,
                metadata: Metadata::new(),
                complaints: Vec::new(),
            };
            return Ok(Entry::Container { container });
        }
        let missing = || ProviderError::new("describe", ProblemCode::NotFound, Advice::Stop);
        Ok(Entry::File { file: self.file(name_of(path), Fault::None).ok_or_else(missing)? })
    }

    async fn create(&self, _: &str, _: &Metadata) -> ProviderResult<Container> {
        Err(ProviderError::unsupported("create"))
    }

    async fn update(&self, _: &str, _: &Metadata) -> ProviderResult<Container> {
        Err(ProviderError::unsupported("update"))
    }

    async fn publish(&self, _: &str) -> ProviderResult<Container> {
        Err(ProviderError::unsupported("publish"))
    }

    async fn new_version(&self, _: &str) -> ProviderResult<Container> {
        Err(ProviderError::unsupported("new version"))
    }

    async fn delete(&self, path: &str) -> ProviderResult<()> {
        let fault = self.request("delete")?;
        if self.world().files.remove(name_of(path)).is_none() {
            return Err(ProviderError::new("delete", ProblemCode::NotFound, Advice::Stop));
        }
        Self::answer("delete", fault, ())
    }

    fn check_name(&self, _: &str) -> Result<(), Problem> {
        Ok(())
    }

    async fn find_file(&self, _: &str, name: &str) -> ProviderResult<Option<RemoteFile>> {
        let fault = self.request("find file")?;
        Self::answer("find file", fault, self.file(name, fault))
    }

    async fn find_files(&self, container: &str, names: &[String]) -> ProviderResult<Vec<Option<RemoteFile>>> {
        one_by_one(names, |name| self.find_file(container, name)).await.into_iter().collect()
    }

    async fn begin_upload(&self, request: &UploadRequest) -> ProviderResult<UploadSession> {
        let fault = self.request("begin upload")?;
        let session = {
            let mut world = self.world();
            let taken = self.at_once > 1 && world.files.contains_key(&request.name);
            if taken || world.begun.contains_key(&request.name) {
                let code = ProblemCode::PendingFile;
                return Err(ProviderError::new("begin upload", code, Advice::FreshSession));
            }
            world.sessions += 1;
            let session = world.sessions;
            world.begun.insert(request.name.clone(), (request.size, BTreeMap::new()));
            world.owners.insert(request.name.clone(), session);
            session
        };
        let session = UploadSession {
            in_parts: request.shape.in_parts,
            part_size: request.shape.part_size,
            memory: serde_json::json!({ "name": request.name, "session": session }),
        };
        Self::answer("begin upload", fault, session)
    }

    async fn begin_uploads(&self, requests: &[UploadRequest]) -> Vec<ProviderResult<UploadSession>> {
        if let Err(error) = self.request("announce") {
            return requests.iter().map(|_| Err(error.repeated())).collect();
        }
        one_by_one(requests, |request| self.begin_upload(request)).await
    }

    async fn send_part(
        &self,
        session: &UploadSession,
        part: PartPlan,
        body: PartBody,
    ) -> ProviderResult<PartReceipt> {
        let fault = self.request("send part")?;
        let name = self.known(session).ok_or_else(|| lost("send part"))?;
        let pieces: Vec<Bytes> = body.stream.try_collect().await.map_err(|error| {
            ProviderError::new("send part", ProblemCode::SourceChanged, Advice::Stop)
                .because(error.to_string())
        })?;
        let mut content = pieces.concat();
        if content.len() as u64 != part.length {
            return Err(ProviderError::new("send part", ProblemCode::SourceChanged, Advice::Stop));
        }
        if fault == Fault::Flip && !content.is_empty() {
            let middle = content.len() / 2;
            content[middle] ^= 1;
        }
        let etag = Some(hex::encode(Md5::digest(&content)));
        {
            let mut world = self.world();
            if fault == Fault::Forget {
                world.begun.remove(&name);
                world.owners.remove(&name);
                return Err(lost("send part"));
            }
            // Checked again: the upload may have been given up while the bytes came.
            let Some((_, parts)) = world.begun.get_mut(&name) else { return Err(lost("send part")) };
            parts.insert(part.number, content);
            *world.received.entry((name, part.number)).or_default() += 1;
        }
        Self::answer("send part", fault, PartReceipt { part, crc32c: 0, md5: None, etag })
    }

    async fn received_parts(&self, session: &UploadSession) -> ProviderResult<ReceivedParts> {
        let fault = self.request("received parts")?;
        let Some(name) = self.known(session) else { return Ok(ReceivedParts::Gone) };
        if let Some(file) = self.file(&name, fault).filter(|file| file.status == FileStatus::Ready) {
            return Ok(ReceivedParts::Finished(Box::new(file)));
        }
        let world = self.world();
        let Some((_, parts)) = world.begun.get(&name) else { return Ok(ReceivedParts::Gone) };
        let parts = parts
            .iter()
            .map(|(&number, content)| ReceivedPart {
                number,
                size: Some(content.len() as u64),
                etag: Some(hex::encode(Md5::digest(content))),
            })
            .collect();
        Ok(ReceivedParts::Parts((self.tells_parts)(parts)))
    }

    async fn finish_upload(&self, session: &UploadSession, _: &[PartReceipt]) -> ProviderResult<RemoteFile> {
        let fault = self.request("finish upload")?;
        let name = self.known(session).ok_or_else(|| lost("finish upload"))?;
        {
            let mut world = self.world();
            if let Some((size, parts)) = world.begun.get(&name) {
                let content: Vec<u8> = parts.values().flatten().copied().collect();
                if content.len() as u64 != *size {
                    let code = ProblemCode::ServiceRefused;
                    return Err(ProviderError::new("finish upload", code, Advice::FreshSession));
                }
                world.begun.remove(&name);
                world.files.insert(name.clone(), content);
            }
        }
        let file = self.file(&name, fault).ok_or_else(|| lost("finish upload"))?;
        Self::answer("finish upload", fault, file)
    }

    async fn import_link(&self, request: &ImportRequest) -> ProviderResult<String> {
        Err(ProviderError::unsupported("import link").about(&request.container))
    }

    async fn abandon_upload(&self, session: &UploadSession) -> ProviderResult<()> {
        let fault = self.request("abandon upload")?;
        if let Some(name) = self.known(session) {
            let mut world = self.world();
            world.begun.remove(&name);
            world.files.remove(&name);
            world.owners.remove(&name);
        }
        Self::answer("abandon upload", fault, ())
    }

    async fn leftovers(&self, _: &str) -> ProviderResult<Vec<Leftover>> {
        Ok(Vec::new())
    }

    async fn clear_leftover(&self, leftover: &Leftover) -> ProviderResult<()> {
        let fault = self.request("clear leftover")?;
        let mut world = self.world();
        world.begun.remove(&leftover.name);
        world.owners.remove(&leftover.name);
        drop(world);
        Self::answer("clear leftover", fault, ())
    }

    async fn open_download(
        &self,
        path: &str,
        range: Option<ByteRange>,
        guard: Option<&str>,
    ) -> ProviderResult<Download> {
        let fault = self.request("open download")?;
        let missing = || ProviderError::new("open download", ProblemCode::NotFound, Advice::Stop);
        let mut content = self.world().files.get(name_of(path)).cloned().ok_or_else(missing)?;
        let mut revision = hex::encode(Md5::digest(&content));
        if guard.is_some_and(|guard| guard != revision) {
            return Err(ProviderError::new("open download", ProblemCode::BadAnswer, Advice::Stop));
        }
        if fault == Fault::OtherContent {
            content.iter_mut().for_each(|byte| *byte ^= 0x55);
            revision = hex::encode(Md5::digest(&content));
        }
        let total = content.len() as u64;
        let offset = range.filter(|_| self.ranges).map_or(0, |range| range.offset);
        if let Some(range) = range.filter(|_| self.ranges) {
            let end = usize::try_from((range.offset + range.length).min(total)).unwrap();
            content = content[usize::try_from(range.offset).unwrap()..end].to_vec();
        }
        if fault == Fault::Flip && !content.is_empty() {
            let middle = content.len() / 2;
            content[middle] ^= 1;
        }
        let cut = matches!(fault, Fault::AnswerLost | Fault::Forget);
        {
            let mut world = self.world();
            world.asked.push(range);
            world.given += if cut { content.len() / 2 } else { content.len() } as u64;
        }
        let half = Bytes::copy_from_slice(&content[..content.len() / 2]);
        let rest = Bytes::copy_from_slice(&content[content.len() / 2..]);
        let end = if cut {
            Err(ProviderError::new("open download", ProblemCode::ConnectionLost, Advice::Again))
        } else {
            Ok(rest)
        };
        let stream = stream::iter([Ok(half), end]);
        let endless = fault == Fault::Endless;
        let more = stream::repeat_with(move || Ok(Bytes::from_static(&[7; 4_096])));
        let stream = if endless { stream.chain(more).boxed() } else { stream.boxed() };
        let revision = Some(revision).filter(|_| self.names_content);
        Ok(Download { offset, total: Some(total).filter(|_| !endless), revision, stream })
    }

    async fn temporary_link(&self, _: &str) -> ProviderResult<TemporaryLink> {
        Err(ProviderError::unsupported("temporary link"))
    }

    async fn actions(&self, _: &str) -> ProviderResult<Vec<Action>> {
        Ok(Vec::new())
    }

    async fn run_action(
        &self,
        _: &str,
        _: &str,
        _: &BTreeMap<String, String>,
    ) -> ProviderResult<ActionResult> {
        Err(ProviderError::unsupported("run action"))
    }
}
