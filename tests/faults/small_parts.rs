//! A connector whose account takes parts of any size, so that a file of a few kilobytes has many. Everything else is the
//! connector's own, over its own connections; the lab is told to take such parts as well.

use async_trait::async_trait;
use labferry_model::{
    Capabilities, Container, Entry, Metadata, Page, PartPlan, PartReceipt, Problem, RemoteFile,
};
use labferry_provider::{
    Action, ActionResult, ByteRange, Download, ImportRequest, Leftover, ListRequest, PartBody, Provider,
    ProviderResult, ReceivedParts, SignedIn, TemporaryLink, UploadRequest, UploadSession,
};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) struct SmallParts(pub(crate) Arc<dyn Provider>);

#[async_trait]
impl Provider for SmallParts {
    async fn capabilities(&self) -> ProviderResult<Capabilities> {
        let mut facts = self.0.capabilities().await?;
        if let Some(parts) = &mut facts.parts {
            parts.min = 1;
        }
        // Files of a few parts come in ranges, too.
        facts.parts_from = crate::field::PART * 2;
        Ok(facts)
    }

    async fn check_sign_in(&self) -> ProviderResult<SignedIn> {
        self.0.check_sign_in().await
    }

    async fn list(&self, request: &ListRequest) -> ProviderResult<Page> {
        self.0.list(request).await
    }

    async fn describe(&self, path: &str) -> ProviderResult<Entry> {
        self.0.describe(path).await
    }

    async fn create(&self, parent: &str, metadata: &Metadata) -> ProviderResult<Container> {
        self.0.create(parent, metadata).await
    }

    async fn update(&self, path: &str, metadata: &Metadata) -> ProviderResult<Container> {
        self.0.update(path, metadata).await
    }

    async fn publish(&self, path: &str) -> ProviderResult<Container> {
        self.0.publish(path).await
    }

    async fn new_version(&self, path: &str) -> ProviderResult<Container> {
        self.0.new_version(path).await
    }

    async fn delete(&self, path: &str) -> ProviderResult<()> {
        self.0.delete(path).await
    }

    fn check_name(&self, name: &str) -> Result<(), Problem> {
        self.0.check_name(name)
    }

    async fn find_file(&self, container: &str, name: &str) -> ProviderResult<Option<RemoteFile>> {
        self.0.find_file(container, name).await
    }

    async fn begin_upload(&self, request: &UploadRequest) -> ProviderResult<UploadSession> {
        self.0.begin_upload(request).await
    }

    async fn find_files(&self, container: &str, names: &[String]) -> ProviderResult<Vec<Option<RemoteFile>>> {
        self.0.find_files(container, names).await
    }

    async fn begin_uploads(&self, requests: &[UploadRequest]) -> Vec<ProviderResult<UploadSession>> {
        self.0.begin_uploads(requests).await
    }

    async fn send_part(
        &self,
        session: &UploadSession,
        part: PartPlan,
        body: PartBody,
    ) -> ProviderResult<PartReceipt> {
        self.0.send_part(session, part, body).await
    }

    async fn received_parts(&self, session: &UploadSession) -> ProviderResult<ReceivedParts> {
        self.0.received_parts(session).await
    }

    async fn finish_upload(
        &self,
        session: &UploadSession,
        receipts: &[PartReceipt],
    ) -> ProviderResult<RemoteFile> {
        self.0.finish_upload(session, receipts).await
    }

    async fn import_link(&self, request: &ImportRequest) -> ProviderResult<String> {
        self.0.import_link(request).await
    }

    async fn abandon_upload(&self, session: &UploadSession) -> ProviderResult<()> {
        self.0.abandon_upload(session).await
    }

    async fn leftovers(&self, container: &str) -> ProviderResult<Vec<Leftover>> {
        self.0.leftovers(container).await
    }

    async fn clear_leftover(&self, leftover: &Leftover) -> ProviderResult<()> {
        self.0.clear_leftover(leftover).await
    }

    async fn open_download(
        &self,
        path: &str,
        range: Option<ByteRange>,
        guard: Option<&str>,
    ) -> ProviderResult<Download> {
        self.0.open_download(path, range, guard).await
    }

    async fn temporary_link(&self, path: &str) -> ProviderResult<TemporaryLink> {
        self.0.temporary_link(path).await
    }

    async fn actions(&self, path: &str) -> ProviderResult<Vec<Action>> {
        self.0.actions(path).await
    }

    async fn run_action(
        &self,
        path: &str,
        name: &str,
        fields: &BTreeMap<String, String>,
    ) -> ProviderResult<ActionResult> {
        self.0.run_action(path, name, fields).await
    }
}
