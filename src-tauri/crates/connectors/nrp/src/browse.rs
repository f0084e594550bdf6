//! Listing records and files.

use crate::{
    api_types::{FileEntry, FileList, Record, SearchPage},
    connector::{ANY_JSON, Connector, RECORD_JSON, split},
};
use http::header::ACCEPT;
use labferry_model::{Entry, Page, ProblemCode, RemoteFile};
use labferry_provider::{
    Advice, ListRequest, ListScope, ProviderError, ProviderResult,
    http::{ApiUrl, Call},
};
use std::collections::BTreeMap;
use url::form_urlencoded;

/// The deepest line of a search that can be reached, everywhere in this family.
const DEEPEST: u64 = 10_000;
/// Most lines a page: what Zenodo gives; others give more.
const PAGE: u32 = 100;

/// The query of a search.
fn search(size: u32, page: u64, words: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("size", &size.to_string()).append_pair("page", &page.to_string());
    if !words.is_empty() {
        query.append_pair("q", words);
    }
    query.finish()
}

impl Connector {
    pub(crate) async fn list_page(&self, request: &ListRequest) -> ProviderResult<Page> {
        match split(&request.path) {
            ("", None) => self.list_records(request).await,
            (record, None) => self.list_files(record, request).await,
            (_, Some(key)) => Err(ProviderError::new("list", ProblemCode::InvalidRequest, Advice::Stop)
                .about(key)
                .because("a file holds no further files; name the record")),
        }
    }

    async fn list_records(&self, request: &ListRequest) -> ProviderResult<Page> {
        const OPERATION: &str = "list records";
        let number: u64 = match request.page.as_deref().map(str::parse) {
            None => 1,
            Some(Ok(number)) if number > 0 => number,
            Some(_) => {
                return Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                    .because("that page does not exist"));
            }
        };
        let size = request.limit.clamp(1, PAGE);
        let words = request.query.as_deref().unwrap_or_default().trim();
        let query = search(size, number, words);
        let path = match request.scope {
            ListScope::Mine => "/api/user/records",
            ListScope::Published => "/api/records",
        };
        let url = self.url(OPERATION, &format!("{path}?{query}"))?;
        let call = Call::get(OPERATION).foreign_header(ACCEPT, RECORD_JSON)?;
        let page: SearchPage = self.send(&url, call).await?.json().await?;
        let entries: Vec<Entry> = page
            .hits
            .hits
            .into_iter()
            .filter_map(|hit| serde_json::from_value::<Record>(hit).ok())
            .filter(|record| !record.id.0.is_empty())
            .map(|record| Entry::Container { container: record.into_container() })
            .collect();
        // A page past the end is empty, and what lies deeper than the search reaches is refused.
        let more = page.links.next.is_some() && !entries.is_empty() && number * u64::from(size) < DEEPEST;
        Ok(Page { entries, total: page.hits.total, next: more.then(|| (number + 1).to_string()) })
    }

    async fn list_files(&self, record: &str, request: &ListRequest) -> ProviderResult<Page> {
        let found = self.locate("list files", record).await?;
        let words = request.query.as_deref().unwrap_or_default().trim().to_lowercase();
        let entries: Vec<Entry> = self
            .entries(&found.files)
            .await?
            .into_iter()
            .filter(|entry| words.is_empty() || entry.key.to_lowercase().contains(&words))
            .map(|entry| Entry::File { file: entry.into_remote_file(record) })
            .collect();
        Ok(Page { total: Some(entries.len() as u64), entries, next: None })
    }

    /// Every file of a record, by name; the service has no pages here and no order.
    pub(crate) async fn entries(&self, files: &ApiUrl) -> ProviderResult<Vec<FileEntry>> {
        const OPERATION: &str = "list files";
        let call = Call::get(OPERATION).foreign_header(ACCEPT, ANY_JSON)?;
        let mut list: FileList = self.send(files, call).await?.json().await?;
        list.entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(list.entries)
    }

    /// The entry of one file; `None` when the record has none of that name.
    pub(crate) async fn find_entry(&self, files: &ApiUrl, key: &str) -> ProviderResult<Option<FileEntry>> {
        const OPERATION: &str = "find file";
        let url = self.file_url(OPERATION, files, key, "")?;
        match self.entry(&url, Call::get(OPERATION)).await {
            Ok(entry) if entry.key == key => Ok(Some(entry)),
            // A name that the address changed on its way, such as one that ends in "/content".
            Ok(_) => Ok(self.entries(files).await?.into_iter().find(|entry| entry.key == key)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The files of those names in a record, by one listing.
    pub(crate) async fn find_many(
        &self,
        record: &str,
        names: &[String],
    ) -> ProviderResult<Vec<Option<RemoteFile>>> {
        let files = self.files_of("find files", record).await?;
        let mut there: BTreeMap<String, FileEntry> =
            self.entries(&files).await?.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
        Ok(names.iter().map(|name| Some(there.remove(name)?.into_remote_file(record))).collect())
    }

    pub(crate) async fn describe_path(&self, path: &str) -> ProviderResult<Entry> {
        const OPERATION: &str = "describe";
        let (record, key) = split(path);
        let found = self.locate(OPERATION, record).await?;
        let Some(key) = key else {
            return Ok(Entry::Container { container: self.complaints.add(found.record.into_container()) });
        };
        let entry = self.find_entry(&found.files, key).await?.ok_or_else(|| {
            ProviderError::new(OPERATION, ProblemCode::NotFound, Advice::Stop)
                .about(path)
                .because("the record has no file of that name")
        })?;
        Ok(Entry::File { file: entry.into_remote_file(record) })
    }
}
