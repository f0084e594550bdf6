//! What can be looked at: the account's workspaces, their files page by page, single files and the frames of videos.

use crate::{
    api_types::{self, FileDetail, FileList},
    connector::{Connector, encoded, no_such_path},
    download::Probe,
    places::{ALL, Place, display_name, is_link, place, workspace},
};
use futures_util::{StreamExt, stream};
use labferry_model::{
    Container, ContainerKind, Entry, FileStatus, Metadata, Page, ProblemCode, RemoteFile,
    remote_file::WHY_FAILED,
};
use labferry_provider::{
    Advice, Leftover, ListRequest, ListScope, ProviderError, ProviderResult, http::Call,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Files a page, at most: what the service gives when nothing is asked for.
const LARGEST_PAGE: u32 = 100;
/// Questions for the status of single files that are asked at once.
const AT_ONCE: usize = 4;
/// The word before a type in a search: `type:image`.
const TYPE: &str = "type:";

/// What a search holds besides words.
struct Search {
    file_type: Option<String>,
    words: String,
}

impl Search {
    fn read(query: Option<&str>) -> Self {
        let mut search = Self { file_type: None, words: String::new() };
        let mut words = Vec::new();
        for word in query.unwrap_or_default().split_whitespace() {
            match word.strip_prefix(TYPE) {
                Some(kind) if !kind.is_empty() => search.file_type = Some(kind.to_lowercase()),
                _ => words.push(word.to_lowercase()),
            }
        }
        search.words = words.join(" ");
        search
    }
}

/// Where the next page begins, and the first file of this one: a service that ignores the offset gives it again. A person
/// may write the offset alone.
fn read_page(text: &str) -> Option<(u64, &str)> {
    let (offset, first) = text.split_once('.').unwrap_or((text, ""));
    let offset = offset.parse().ok().filter(|offset| *offset > 0)?;
    Some((offset, first))
}

impl Connector {
    pub(crate) async fn list_page(&self, request: &ListRequest) -> ProviderResult<Page> {
        const OPERATION: &str = "list";
        let nothing = Page { entries: Vec::new(), total: Some(0), next: None };
        let container = match place(&request.path) {
            Some(Place::Top) if request.scope == ListScope::Published => return Ok(nothing),
            Some(Place::Top) => return self.top(request).await,
            Some(Place::Container(container)) => container,
            Some(Place::File { container, id }) => return self.frames_page(container, id).await,
            _ => return Err(no_such_path(OPERATION, &request.path)),
        };
        let (offset, before) = match request.page.as_deref() {
            None => (0, ""),
            Some(page) => read_page(page).ok_or_else(|| no_such_page(page))?,
        };
        let search = Search::read(request.query.as_deref());
        let limit = request.limit.clamp(1, LARGEST_PAGE);
        let list = self.page_of(OPERATION, container, search.file_type.as_deref(), limit, offset).await?;
        let told = list.items.len() as u64;
        let first = list.items.first().and_then(|file| file.file_uuid.clone()).unwrap_or_default();
        if told == 0 || (offset > 0 && first == before) {
            return Ok(Page { total: Some(offset), ..nothing });
        }
        let end = offset + told;
        let next = (told >= u64::from(limit)).then(|| format!("{end}.{first}"));
        // `count` may be the total, the offset or nothing; without words the end of the list tells it.
        let counted = list.count.filter(|count| *count > end || (*count == end && next.is_none()));
        let total = if next.is_none() { Some(end) } else { counted };
        let files: Vec<FileDetail> =
            list.items.into_iter().filter(|file| matches(file, &search.words)).collect();
        let entries = stream::iter(files)
            .map(|file| async move { self.listed(container, file).await })
            .buffered(AT_ONCE)
            .collect::<Vec<ProviderResult<Option<Entry>>>>()
            .await
            .into_iter()
            .filter_map(Result::transpose)
            .collect::<ProviderResult<Vec<Entry>>>()?;
        Ok(Page { entries, total: total.filter(|_| search.words.is_empty()), next })
    }

    async fn page_of(
        &self,
        operation: &'static str,
        container: &str,
        file_type: Option<&str>,
        limit: u32,
        offset: u64,
    ) -> ProviderResult<FileList> {
        let mut query = format!("v2/files?limit={limit}&offset={offset}");
        if let Some(workspace) = workspace(container) {
            query.push_str(&format!("&workspace_uuid={}", encoded(workspace)));
        }
        if let Some(kind) = file_type {
            query.push_str(&format!("&file_type={}", encoded(kind)));
        }
        let url = self.url(operation, &query)?;
        let answer = self.send(&url, Call::get(operation)).await.map_err(|error| error.about(container))?;
        answer.json().await
    }

    /// Every file of a container, each once, whatever the service thinks of pages.
    pub(crate) async fn all_files(
        &self,
        operation: &'static str,
        container: &str,
    ) -> ProviderResult<Vec<FileDetail>> {
        let (mut files, mut seen, mut offset) = (Vec::new(), BTreeSet::new(), 0);
        loop {
            let list = self.page_of(operation, container, None, LARGEST_PAGE, offset).await?;
            let told = list.items.len() as u64;
            let before = files.len();
            for file in list.items {
                if file.file_uuid.as_ref().is_some_and(|id| seen.insert(id.clone())) {
                    files.push(file);
                }
            }
            if told < u64::from(LARGEST_PAGE) || files.len() == before {
                return Ok(files);
            }
            offset += told;
        }
    }

    async fn top(&self, request: &ListRequest) -> ProviderResult<Page> {
        if let Some(page) = &request.page {
            return Err(no_such_page(page));
        }
        let words = request.query.as_deref().unwrap_or_default().to_lowercase();
        let named = self.workspaces.iter().map(String::as_str);
        let entries: Vec<Entry> = named
            .chain([ALL])
            .map(container)
            .filter(|container| container.title.to_lowercase().contains(&words))
            .map(|container| Entry::Container { container })
            .collect();
        Ok(Page { total: Some(entries.len() as u64), entries, next: None })
    }

    /// A line of a listing. Only what is processed at all is asked for its status, one request each.
    async fn listed(&self, container: &str, file: FileDetail) -> ProviderResult<Option<Entry>> {
        let Some(id) = file.file_uuid.clone() else { return Ok(None) };
        let status = match is_processed(&file) {
            false => FileStatus::Ready,
            true => match self.status("list", &id).await {
                Ok(status) => in_words(status.processing_status.as_deref()),
                // Removed since the list was made.
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        Ok(Some(Entry::File { file: remote_file(container, &id, &file, status) }))
    }

    pub(crate) async fn describe_path(&self, path: &str) -> ProviderResult<Entry> {
        const OPERATION: &str = "describe";
        match place(path) {
            Some(Place::Container(name)) => {
                // Whether it is there at all.
                self.page_of(OPERATION, name, None, 1, 0).await?;
                Ok(Entry::Container { container: container(name) })
            }
            Some(Place::File { container, id }) => {
                let file = self.describe_file(OPERATION, container, id).await?;
                Ok(Entry::File { file })
            }
            Some(Place::Frame { container, id, number }) => {
                Ok(Entry::File { file: self.describe_frame(container, id, number).await? })
            }
            _ => Err(no_such_path(OPERATION, path)),
        }
    }

    /// A file, with its size and tag by the storage and its status where it is processed.
    pub(crate) async fn describe_file(
        &self,
        operation: &'static str,
        container: &str,
        id: &str,
    ) -> ProviderResult<RemoteFile> {
        let path = format!("{container}/{id}");
        let detail = self.detail(operation, id).await.map_err(|error| error.about(&path))?;
        let processed = is_processed(&detail);
        let told = if processed { Some(self.status(operation, id).await?) } else { None };
        let words = told.as_ref().and_then(|status| status.processing_status.as_deref());
        let probe = self.probe(operation, &detail).await?;
        let fetched_by_service = detail.original_file_url.as_deref().is_some_and(is_link);
        let status = match (&probe, in_words(words)) {
            (Probe::Missing, status) if fetched_by_service && status != FileStatus::Ready => status,
            (Probe::Missing, _) => FileStatus::Pending,
            (_, FileStatus::Processing) => FileStatus::Processing,
            // The bytes are whole also where no frames could be made of them.
            _ => FileStatus::Ready,
        };
        let mut file = remote_file(container, id, &detail, status);
        if let Probe::There { size, tag } = probe {
            file.size = size.or(file.size);
            file.revision = tag;
        }
        if let Some(status) = told {
            let mut keep = |name: &str, text: Option<String>| {
                if let Some(text) = text {
                    file.metadata.insert(name.to_owned(), Value::String(text));
                }
            };
            keep("processing_status", status.processing_status);
            keep(WHY_FAILED, status.error_message);
        }
        Ok(file)
    }

    /// The files of these names, each the newest of several; one that is whole before one whose bytes are missing. One
    /// listing serves them all.
    pub(crate) async fn find_by_names(
        &self,
        container: &str,
        names: &[String],
    ) -> ProviderResult<Vec<Option<RemoteFile>>> {
        const OPERATION: &str = "find file";
        let mut of_name: BTreeMap<&str, Vec<String>> =
            names.iter().map(|name| (name.as_str(), Vec::new())).collect();
        for detail in self.all_files(OPERATION, container).await? {
            let Some(id) = detail.file_uuid.clone() else { continue };
            if let Some(ids) = of_name.get_mut(name_of(&detail, &id).as_str()) {
                ids.push(id);
            }
        }
        // Owned, so that the questions may be asked at once.
        let wanted: Vec<Vec<String>> =
            names.iter().map(|name| of_name.get(name.as_str()).cloned().unwrap_or_default()).collect();
        stream::iter(wanted)
            .map(|ids| async move { self.whole_before_unfinished(OPERATION, container, &ids).await })
            .buffered(AT_ONCE)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .collect()
    }

    async fn whole_before_unfinished(
        &self,
        operation: &'static str,
        container: &str,
        ids: &[String],
    ) -> ProviderResult<Option<RemoteFile>> {
        let mut unfinished = None;
        for id in ids {
            match self.describe_file(operation, container, id).await {
                Ok(file) if file.status == FileStatus::Pending => unfinished = unfinished.or(Some(file)),
                Ok(file) => return Ok(Some(file)),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(unfinished)
    }

    /// Files that were announced and whose bytes never arrived. The service does not tell them apart, so the storage is
    /// asked for each file of unknown size.
    pub(crate) async fn unfinished(&self, container: &str) -> ProviderResult<Vec<Leftover>> {
        const OPERATION: &str = "leftovers";
        let files = self.all_files(OPERATION, container).await?;
        let suspects = files.into_iter().filter(|file| file.file_size_bytes.is_none());
        let found: Vec<ProviderResult<Option<Leftover>>> = stream::iter(suspects)
            .map(|file| async move {
                let Some(id) = file.file_uuid else { return Ok(None) };
                let file = match self.describe_file(OPERATION, container, &id).await {
                    Ok(file) => file,
                    Err(error) if error.is_not_found() => return Ok(None),
                    Err(error) => return Err(error),
                };
                let is_unfinished = file.status == FileStatus::Pending;
                Ok(is_unfinished.then_some(Leftover { path: file.path, name: file.name, size: None }))
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        found.into_iter().filter_map(Result::transpose).collect()
    }

    pub(crate) async fn clear(&self, leftover: &Leftover) -> ProviderResult<()> {
        const OPERATION: &str = "clear leftover";
        let Some(Place::File { container, id }) = place(&leftover.path) else {
            return Err(no_such_path(OPERATION, &leftover.path));
        };
        match self.describe_file(OPERATION, container, id).await {
            Ok(file) if matches!(file.status, FileStatus::Pending | FileStatus::Failed) => {
                self.links.forget(id);
                match self.remove(OPERATION, id).await {
                    Err(error) if !error.is_not_found() => Err(error),
                    _ => Ok(()),
                }
            }
            Ok(_) => Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                .about(&leftover.name)
                .because("its bytes are there: it is a file, not an unfinished upload")),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn no_such_page(page: &str) -> ProviderError {
    ProviderError::new("list", ProblemCode::InvalidRequest, Advice::Stop)
        .about(page)
        .because("there is no such page; begin with the first one")
}

fn matches(file: &FileDetail, words: &str) -> bool {
    let name = name_of(file, file.file_uuid.as_deref().unwrap_or_default()).to_lowercase();
    words.split_whitespace().all(|word| name.contains(word))
}

fn name_of(file: &FileDetail, id: &str) -> String {
    display_name(file.original_file_url.as_deref(), file.remote_file_path.as_deref(), id)
}

/// Whether the service does anything with a file: it cuts videos into frames and fetches links.
fn is_processed(file: &FileDetail) -> bool {
    file.file_type.as_deref() == Some("video")
        || file.content_type.as_deref().is_some_and(|kind| kind.starts_with("video/"))
        || file.original_file_url.as_deref().is_some_and(is_link)
}

/// A status word that is unknown is taken for work in progress; none for none.
pub(crate) fn in_words(status: Option<&str>) -> FileStatus {
    match status {
        None | Some("completed") => FileStatus::Ready,
        Some("failed") => FileStatus::Failed,
        Some(_) => FileStatus::Processing,
    }
}

fn container(name: &str) -> Container {
    let title = match workspace(name) {
        None => "All files of the organisation".to_owned(),
        Some(uuid) => format!("Workspace {uuid}"),
    };
    Container {
        path: name.to_owned(),
        title,
        kind: ContainerKind::Project,
        writable: true,
        files: None,
        bytes: None,
        modified: None,
        web_page: None,
        metadata: Metadata::new(),
        complaints: Vec::new(),
    }
}

fn remote_file(container: &str, id: &str, file: &FileDetail, status: FileStatus) -> RemoteFile {
    let mut metadata = Metadata::new();
    // A link may carry its own permission in its query.
    let source = file.original_file_url.as_deref().map(|link| link.split(['?', '#']).next().unwrap_or(link));
    let source = source.filter(|source| is_link(source));
    for (name, text) in [
        ("file_type", file.file_type.as_deref()),
        ("workspace_uuid", file.workspace_uuid.as_deref()),
        ("uploaded_by_uuid", file.uploaded_by_uuid.as_deref()),
        ("created_at", file.created_at.as_deref()),
        ("source", source),
    ] {
        if let Some(text) = text {
            metadata.insert(name.to_owned(), Value::String(text.to_owned()));
        }
    }
    if !file.video_metadata.is_null() {
        metadata.insert("video_metadata".to_owned(), file.video_metadata.clone());
    }
    RemoteFile {
        path: format!("{container}/{id}"),
        name: name_of(file, id),
        size: file.file_size_bytes,
        status,
        digests: Vec::new(),
        media_type: file.content_type.clone(),
        modified: file.updated_at.as_deref().or(file.created_at.as_deref()).and_then(api_types::time),
        revision: None,
        metadata,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_by_its_offset_and_what_came_before() {
        assert_eq!(read_page("100.u-1"), Some((100, "u-1")));
        assert_eq!(read_page("100"), Some((100, "")));
        for bad in ["", "0", "0.u", "-1.u", "second", "1&limit=9"] {
            assert_eq!(read_page(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_search_may_name_a_type() {
        let search = Search::read(Some("Walk type:Video  raw"));
        assert_eq!((search.file_type.as_deref(), search.words.as_str()), (Some("video"), "walk raw"));
        assert_eq!(Search::read(Some("type:")).words, "type:");
    }

    #[test]
    fn an_unknown_status_is_work_in_progress() {
        assert_eq!(in_words(Some("queued")), FileStatus::Processing);
        assert_eq!(in_words(Some("failed")), FileStatus::Failed);
        assert_eq!(in_words(Some("completed")), FileStatus::Ready);
    }
}
