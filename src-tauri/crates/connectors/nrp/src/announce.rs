//! Announcing files, one or many in one request, and remembering for a short while where a draft's files are.
//!
//! A list is taken whole or refused whole, and the answer holds every file of the draft: one list for many files is cheaper
//! than many lists of one, for the service as well.

use crate::{
    api_types::{FileEntry, FileList, TransferEntry},
    connector::{ANY_JSON, Connector},
    errors,
    upload::Memory,
};
use http::header;
use labferry_model::{Clock, ProblemCode};
use labferry_provider::{
    Advice, ProviderError, ProviderResult, ShapeWish, UploadRequest, UploadSession,
    http::{ApiUrl, Call},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

const OPERATION: &str = "begin upload";

/// Files announced in one request. Requests of the service's own clients are lists of a few; this many entries stay far
/// below the size of any request that is refused, and spread the answer's cost over many files.
pub(crate) const AT_ONCE: u32 = 100;
/// How long a draft is taken to be one without asking again: a folder of small files goes on within this time, and a draft
/// that was published meanwhile refuses the announcement, which is then made anew.
const REMEMBERED: Duration = Duration::from_secs(30);
/// Drafts that are remembered.
const DRAFTS: usize = 64;

/// Where the files of drafts are that were seen a short while ago.
pub(crate) struct Drafts {
    clock: Arc<dyn Clock>,
    seen: Mutex<BTreeMap<String, (Duration, ApiUrl)>>,
}

impl Drafts {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, seen: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Duration, ApiUrl)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: &str) -> Option<ApiUrl> {
        let now = self.clock.monotonic();
        self.lock()
            .get(id)
            .filter(|(at, _)| now.saturating_sub(*at) < REMEMBERED)
            .map(|(_, files)| files.clone())
    }

    fn keep(&self, id: &str, files: &ApiUrl) {
        let now = self.clock.monotonic();
        let mut seen = self.lock();
        if seen.len() >= DRAFTS {
            seen.retain(|_, (at, _)| now.saturating_sub(*at) < REMEMBERED);
        }
        if seen.len() < DRAFTS {
            seen.insert(id.to_owned(), (now, files.clone()));
        }
    }

    pub(crate) fn forget(&self, id: &str) {
        self.lock().remove(id);
    }
}

/// What an announcement led to.
enum Announced {
    /// The entries of the draft.
    Entries(Vec<FileEntry>),
    /// The repository takes no multipart uploads from us.
    NoMultipart,
}

impl Connector {
    /// Where the files of a draft are; asked for unless it was a short while ago.
    async fn draft_files(&self, container: &str) -> ProviderResult<(ApiUrl, bool)> {
        if let Some(files) = self.drafts.get(container) {
            return Ok((files, true));
        }
        let found = self.locate(OPERATION, container).await?;
        if !found.record.is_draft {
            return Err(ProviderError::new(OPERATION, ProblemCode::RecordLocked, Advice::Stop)
                .about(container)
                .because("the record is published; its files cannot be changed"));
        }
        self.drafts.keep(container, &found.files);
        Ok((found.files, false))
    }

    /// Where the files of a record are that may be a draft seen a short while ago.
    pub(crate) async fn files_of(&self, operation: &'static str, container: &str) -> ProviderResult<ApiUrl> {
        match self.drafts.get(container) {
            Some(files) => Ok(files),
            None => {
                let found = self.locate(operation, container).await?;
                if found.record.is_draft {
                    self.drafts.keep(container, &found.files);
                }
                Ok(found.files)
            }
        }
    }

    pub(crate) async fn begin(&self, request: &UploadRequest) -> ProviderResult<UploadSession> {
        let (files, remembered) = self.draft_files(&request.container).await?;
        match self.begin_in(&files, request).await {
            Err(error) if remembered && may_be_stale(&error) => {
                self.drafts.forget(&request.container);
                let (files, _) = self.draft_files(&request.container).await?;
                self.begin_in(&files, request).await
            }
            answer => answer,
        }
    }

    async fn begin_in(&self, files: &ApiUrl, request: &UploadRequest) -> ProviderResult<UploadSession> {
        let one = std::slice::from_ref(request);
        let whole_only = self.whole_only.load(Ordering::Relaxed);
        let entries = match self.announce(files, one, whole_only).await? {
            Announced::Entries(entries) => entries,
            Announced::NoMultipart => match self.announce(files, one, true).await? {
                Announced::Entries(entries) => {
                    // Only now is it certain that it was the parts and not the file that was refused.
                    self.whole_only.store(true, Ordering::Relaxed);
                    entries
                }
                Announced::NoMultipart => {
                    return Err(ProviderError::bad_answer(
                        OPERATION,
                        "a whole file was refused as multipart",
                    ));
                }
            },
        };
        self.session(files, request, entries.into_iter().find(|entry| entry.key == request.name))
    }

    pub(crate) async fn begin_many(&self, requests: &[UploadRequest]) -> Vec<ProviderResult<UploadSession>> {
        let [first, _, ..] = requests else {
            return labferry_provider::one_by_one(requests, |request| self.begin(request)).await;
        };
        let (files, remembered) = match self.draft_files(&first.container).await {
            Ok(found) => found,
            Err(error) => return requests.iter().map(|_| Err(error.repeated())).collect(),
        };
        // The second round is for a list in which some names were taken.
        let mut taken = BTreeSet::new();
        for _ in 0..2 {
            let free: Vec<UploadRequest> =
                requests.iter().filter(|request| !taken.contains(&request.name)).cloned().collect();
            if free.is_empty() {
                break;
            }
            match self.announce(&files, &free, self.whole_only.load(Ordering::Relaxed)).await {
                Ok(Announced::Entries(entries)) => {
                    let mut there: BTreeMap<String, FileEntry> =
                        entries.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
                    return requests
                        .iter()
                        .map(|request| {
                            if taken.contains(&request.name) {
                                return Err(name_taken(&request.name));
                            }
                            self.session(&files, request, there.remove(&request.name))
                        })
                        .collect();
                }
                Err(error) if error.problem.code == ProblemCode::PendingFile => {
                    match self.entries(&files).await {
                        Ok(entries) => taken = entries.into_iter().map(|entry| entry.key).collect(),
                        Err(error) => return requests.iter().map(|_| Err(error.repeated())).collect(),
                    }
                }
                Err(error) if remembered && may_be_stale(&error) => break,
                // Refused for what may be the fault of one file: each is told of its own.
                Ok(Announced::NoMultipart) => break,
                Err(error) if error.advice == Advice::Stop => break,
                Err(error) => return requests.iter().map(|_| Err(error.repeated())).collect(),
            }
        }
        labferry_provider::one_by_one(requests, |request| self.begin(request)).await
    }

    /// Announces files in one request.
    async fn announce(
        &self,
        files: &ApiUrl,
        requests: &[UploadRequest],
        whole_only: bool,
    ) -> ProviderResult<Announced> {
        let shape =
            |request: &UploadRequest| if whole_only { ShapeWish::whole(request.size) } else { request.shape };
        let list: Vec<Value> = requests.iter().map(|request| announcement(request, shape(request))).collect();
        let call = Call::post(OPERATION).json(&list)?.foreign_header(header::ACCEPT, ANY_JSON)?;
        let answer = self.api.answer(files, call).await?;
        if answer.status().is_success() {
            let list: FileList = answer.json().await?;
            return Ok(Announced::Entries(list.entries));
        }
        let refusal = answer.refusal().await;
        if requests.iter().any(|request| shape(request).in_parts) && errors::refuses_multipart(&refusal) {
            return Ok(Announced::NoMultipart);
        }
        let error = self.refused(refusal).await;
        Err(match requests {
            [one] => error.about(&one.name),
            _ => error,
        })
    }

    /// The session of an announced file.
    fn session(
        &self,
        files: &ApiUrl,
        request: &UploadRequest,
        entry: Option<FileEntry>,
    ) -> ProviderResult<UploadSession> {
        let entry = entry.ok_or_else(|| {
            ProviderError::bad_answer(OPERATION, "the answer does not hold the file that was announced")
                .about(&request.name)
        })?;
        if let Some(error) = errors::failed_inside(OPERATION, &entry.errors) {
            return Err(error.about(&request.name));
        }
        let TransferEntry { kind, parts, part_size } = &entry.transfer;
        let in_parts = kind.as_deref() == Some("M");
        let memory = Memory {
            record: request.container.clone(),
            key: request.name.clone(),
            files: files.relative(),
            created: entry.created.clone(),
            parts: parts.filter(|_| in_parts),
        };
        let session = UploadSession {
            in_parts,
            part_size: if in_parts { part_size.unwrap_or(request.shape.part_size) } else { request.size },
            memory: serde_json::to_value(memory).map_err(|error| {
                ProviderError::new(OPERATION, ProblemCode::Internal, Advice::Stop).caused_by(error)
            })?,
        };
        self.links.keep(&self.upload(OPERATION, &session)?.name(), &entry);
        Ok(session)
    }
}

fn announcement(request: &UploadRequest, shape: ShapeWish) -> Value {
    let mut file = json!({ "key": request.name, "size": request.size });
    if !request.metadata.is_empty() {
        file["metadata"] = Value::Object(request.metadata.clone());
    }
    if shape.in_parts {
        file["transfer"] = json!({ "type": "M", "parts": shape.part_count, "part_size": shape.part_size });
    }
    file
}

fn name_taken(name: &str) -> ProviderError {
    ProviderError::new(OPERATION, ProblemCode::PendingFile, Advice::FreshSession)
        .about(name)
        .because(format!("File with key {name} already exists."))
}

/// Whether a refusal may mean that the draft is not where it was.
fn may_be_stale(error: &ProviderError) -> bool {
    matches!(
        error.problem.code,
        ProblemCode::NotFound
            | ProblemCode::NotAllowed
            | ProblemCode::RecordLocked
            | ProblemCode::ServiceRefused
    )
}
