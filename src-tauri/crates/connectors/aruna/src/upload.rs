//! Sending a file: initialise, a link for the whole or for each part, finish.
//!
//! A single request finishes the object by itself, and a second one would begin a new revision. So a link is asked for right
//! before each request: the gateway gives none once the object waits for no bytes any more.

use crate::{
    api_types::{LinkAnswer, Object, OneObject, Staged, Status, own_labels},
    connector::{Connector, NAME_LIMIT, SEGMENT},
    errors,
    object_fields::ObjectFields,
    places::{Spot, split},
};
use futures_util::StreamExt;
use http::header;
use labferry_model::{PartPlan, PartReceipt, Problem, ProblemCode, RemoteFile};
use labferry_provider::{
    Advice, Leftover, PartBody, ProviderError, ProviderResult, ReceivedParts, UploadRequest, UploadSession,
    http::{ApiUrl, Call, SignedUrl},
};
use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// Failures inside the service in a row after which the upload is taken for lost: a multipart upload that the storage has
/// dropped is told as an internal error for ever.
const FAILURES: u32 = 6;
/// How often content that has not the hash it was announced with is sent: once more may be the way's fault, a third time
/// it is the content's.
const REFUSALS: u32 = 3;

/// What is kept of an upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Memory {
    /// `project/collection`, as the transfer names it.
    container: String,
    key: String,
    /// Where the object was begun; the names may move to another collection.
    collection: String,
    object: String,
    upload: String,
    size: u64,
    /// The expected hash, told again at the end of an upload in parts.
    hash: Option<Value>,
}

fn lost(operation: &'static str, why: &str) -> ProviderError {
    ProviderError::new(operation, ProblemCode::UploadLost, Advice::FreshSession).because(why)
}

/// The error of an object that the service gave up on.
pub(crate) fn failed(operation: &'static str, name: &str, object: &Object) -> ProviderError {
    let why = object.failure().unwrap_or("the service gave no reason");
    ProviderError::new(operation, ProblemCode::DigestMismatch, Advice::Stop)
        .about(name)
        .because(format!("the service did not accept the content: {why}"))
}

/// Names that the service takes and cannot give back: it pastes them into links as they are.
pub(crate) fn check_name(name: &str) -> Result<(), Problem> {
    let refused = |why: &str| Problem::new(ProblemCode::NameRefused).about(name).because(why);
    if name.is_empty() {
        return Err(refused("the name is empty"));
    }
    if name.len() > NAME_LIMIT as usize {
        return Err(refused("folder and name have more than 1024 bytes"));
    }
    let (folder, file) = name.rsplit_once('/').map_or(("", name), |(folder, file)| (folder, file));
    let fits_folder = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.contains('/')
        && !folder.split('/').all(|piece| !piece.is_empty() && piece.chars().all(fits_folder))
    {
        return Err(refused("Aruna's folders take lower-case letters a-z, digits and \"-\" only"));
    }
    if file.is_empty() || file == "." || file == ".." || file.trim() != file {
        return Err(refused("the file's name is empty, a dot, or begins or ends with a blank"));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | ' ' | '-');
    match file.chars().find(|c| !fits(*c)) {
        None => Ok(()),
        Some(c) => Err(refused(&format!(
            "Aruna's links break on \"{}\": use letters A-Z without accents, digits, blank and . _ ~ -",
            c.escape_debug()
        ))),
    }
}

/// Reads a part that need not be sent any more, so that the source is looked at all the same.
async fn read_through(mut body: PartBody) -> ProviderResult<()> {
    while let Some(piece) = body.stream.next().await {
        piece.map_err(|error| {
            ProviderError::new("send part", ProblemCode::SourceUnreadable, Advice::Stop)
                .because(error.to_string())
                .caused_by(error)
        })?;
    }
    Ok(())
}

/// The expected hash, left out where there is none.
fn with_hash(mut body: Value, fields: &ObjectFields) -> Value {
    if let Some(hash) = &fields.hash {
        body["hash"] = hash.clone();
    }
    body
}

impl Connector {
    fn memory(&self, operation: &'static str, session: &UploadSession) -> ProviderResult<Memory> {
        serde_json::from_value(session.memory.clone())
            .map_err(|_| lost(operation, "what was stored of the upload cannot be read"))
    }

    fn staging(&self, memory: &Memory, rest: &str) -> String {
        let segment = |text| utf8_percent_encode(text, SEGMENT);
        format!("/v1/collection/{}/object/{}{rest}", segment(&memory.collection), segment(&memory.object))
    }

    /// The object of an upload; `None` when the service does not know it any more.
    async fn object_of(&self, operation: &'static str, memory: &Memory) -> ProviderResult<Option<Object>> {
        let url = self.url(operation, &self.staging(memory, ""))?;
        match self.json::<OneObject>(&url, Call::get(operation)).await {
            Ok(one) if one.object.object.status == Status::Trash => Ok(None),
            Ok(one) => Ok(Some(one.object.object)),
            Err(error) if error.is_not_found() => Ok(None),
            // The collection is gone, too.
            Err(error) if error.problem.code == ProblemCode::NotAllowed => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn keep_in_hand(&self, spot: &Spot, memory: &Memory) {
        self.in_hand().insert((spot.bucket.clone(), memory.key.clone()), memory.object.clone());
    }

    fn is_in_hand(&self, memory: &Memory) -> bool {
        self.in_hand().values().any(|id| *id == memory.object)
    }

    fn let_go(&self, memory: &Memory) {
        self.in_hand().retain(|_, id| *id != memory.object);
        self.forget_failures(&memory.object);
    }

    pub(crate) async fn begin(&self, request: &UploadRequest) -> ProviderResult<UploadSession> {
        const OPERATION: &str = "begin upload";
        if split(&request.container).file.is_some() {
            return Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                .about(&request.container)
                .because("files are put into a collection; a folder belongs to the file's name"));
        }
        let spot = self.spot(OPERATION, &request.container).await?.changeable(OPERATION)?;
        let fields = ObjectFields::read(OPERATION, &request.metadata)?;
        let in_parts = request.shape.in_parts && request.size > 0;
        let call = match self.at_key(OPERATION, &spot, &request.name).await? {
            // The name is taken by a file that stays as an older revision; the engine asks for this only when told to.
            Some(before) => self.revision_call(OPERATION, &spot, request, &before, &fields, in_parts)?,
            None => {
                let body = with_hash(
                    json!({
                        "object": fields.stage(&request.name, request.size),
                        "multipart": in_parts,
                        "preferredEndpointId": "",
                        "isSpecification": false,
                    }),
                    &fields,
                );
                let url = self.url(OPERATION, &format!("/v1/collection/{}/object", spot.id()))?;
                (url, Call::post(OPERATION).json(&body)?)
            }
        };
        let staged: Staged = self.json(&call.0, call.1).await.map_err(|error| error.about(&request.name))?;
        self.session(OPERATION, &spot, request, staged, fields.hash, in_parts)
    }

    /// The request for the next revision of a file, with other bytes. Everything is overwritten, so labels and the rest are
    /// sent as they were where none are given.
    fn revision_call(
        &self,
        operation: &'static str,
        spot: &Spot,
        request: &UploadRequest,
        before: &Object,
        given: &ObjectFields,
        in_parts: bool,
    ) -> ProviderResult<(ApiUrl, Call)> {
        let fields = ObjectFields {
            labels: Some(given.labels.clone().unwrap_or_else(|| own_labels(&before.labels))),
            hooks: Some(given.hooks.clone().unwrap_or_else(|| before.hooks.clone())),
            data_class: Some(given.data_class.clone().unwrap_or_else(|| before.data_class.clone())),
            hash: given.hash.clone(),
            source: given.source.clone(),
        };
        let body = with_hash(
            json!({
                "object": fields.stage(&request.name, request.size),
                "reupload": true,
                "multiPart": in_parts,
                "isSpecification": false,
            }),
            &fields,
        );
        let url = self.url(operation, &spot.object(&before.id, "/update"))?;
        Ok((url, Call::post(operation).json(&body)?))
    }

    fn session(
        &self,
        operation: &'static str,
        spot: &Arc<Spot>,
        request: &UploadRequest,
        staged: Staged,
        hash: Option<Value>,
        in_parts: bool,
    ) -> ProviderResult<UploadSession> {
        let memory = Memory {
            container: request.container.clone(),
            key: request.name.clone(),
            collection: spot.id().to_owned(),
            object: staged.object_id,
            upload: staged.upload_id,
            size: request.size,
            hash,
        };
        self.keep_in_hand(spot, &memory);
        Ok(UploadSession {
            in_parts,
            part_size: if in_parts { request.shape.part_size } else { request.size },
            memory: serde_json::to_value(memory).map_err(|error| {
                ProviderError::new(operation, ProblemCode::Internal, Advice::Stop).caused_by(error)
            })?,
        })
    }

    pub(crate) async fn send_bytes(
        &self,
        session: &UploadSession,
        part: PartPlan,
        body: PartBody,
    ) -> ProviderResult<PartReceipt> {
        const OPERATION: &str = "send part";
        let memory = self.memory(OPERATION, session)?;
        let receipt = |etag| PartReceipt { part, crc32c: 0, md5: None, etag };
        let Some(link) = self.part_link(session, &memory, part.number).await? else {
            read_through(body).await?;
            return Ok(receipt(None));
        };
        // A request without bytes is refused; an empty object is finished without one.
        if memory.size == 0 {
            read_through(body).await?;
            return Ok(receipt(None));
        }
        let answer = self.storage.send(&link, Call::put(OPERATION).part(body)).await?;
        if !answer.status().is_success() {
            let error = errors::storage(&answer.refusal().await);
            if error.problem.code == ProblemCode::DigestMismatch
                && memory.hash.is_some()
                && self.failed_again(&memory.object) >= REFUSALS
            {
                self.let_go(&memory);
                return Err(ProviderError::new(OPERATION, ProblemCode::DigestMismatch, Advice::Stop)
                    .about(&memory.key)
                    .because("the service refused it, as it has not the hash that was given as expected"));
            }
            let is_inside = error.problem.code == ProblemCode::ServiceFailed && error.advice == Advice::Again;
            if is_inside && self.failed_again(&memory.object) >= FAILURES {
                self.forget_failures(&memory.object);
                return Err(lost(OPERATION, "the storage takes no part of this upload any more"));
            }
            return Err(error);
        }
        self.forget_failures(&memory.object);
        // A minus sign and quotes stand around it in places; what is left of them is what the finish compares.
        let etag = answer.header(&header::ETAG).map(|etag| etag.trim().replace('"', ""));
        if session.in_parts && etag.as_deref().is_none_or(str::is_empty) {
            // Without it the upload could never be finished: the part goes once more.
            return Err(ProviderError::new(OPERATION, ProblemCode::BadAnswer, Advice::Again)
                .about(&memory.key)
                .because(format!("the storage took part {} and gave no ETag for it", part.number)));
        }
        if !session.in_parts
            && let Some(told) = etag.as_deref().and_then(|etag| etag.strip_prefix('-'))
            && told != memory.object
        {
            self.let_go(&memory);
            return Err(lost(
                OPERATION,
                "the service stored the bytes under another object of the same path",
            ));
        }
        Ok(receipt(etag))
    }

    /// Where a part goes. `None` when the object has its content already: the answer to an earlier try was lost.
    async fn part_link(
        &self,
        session: &UploadSession,
        memory: &Memory,
        number: u32,
    ) -> ProviderResult<Option<SignedUrl>> {
        const OPERATION: &str = "send part";
        let upload = utf8_percent_encode(&memory.upload, SEGMENT);
        let query =
            if session.in_parts { format!("?multipart=true&partNumber={number}") } else { String::new() };
        let url = self.url(OPERATION, &self.staging(memory, &format!("/staging/{upload}/upload{query}")))?;
        match self.json::<LinkAnswer>(&url, Call::get(OPERATION)).await {
            Ok(answer) => SignedUrl::parse(&answer.url.url)
                .map(Some)
                .ok_or_else(|| ProviderError::bad_answer(OPERATION, "the service gave no link for the part")),
            Err(error) if errors::is_past_staging(&error) => {
                let status = self.object_of(OPERATION, memory).await?.map(|object| object.status);
                if !session.in_parts && status == Some(Status::Available) && self.is_in_hand(memory) {
                    return Ok(None);
                }
                Err(lost(OPERATION, "the object is complete or was given up; it takes no bytes any more"))
            }
            Err(error) if error.is_not_found() || error.problem.code == ProblemCode::NotAllowed => {
                // Gone, or without a right that was there before: asking for the object tells them apart.
                match self.object_of(OPERATION, memory).await? {
                    Some(_) => Err(error),
                    None => Err(lost(OPERATION, "the service does not know the upload any more")),
                }
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn received(&self, session: &UploadSession) -> ProviderResult<ReceivedParts> {
        const OPERATION: &str = "received parts";
        let memory = self.memory(OPERATION, session)?;
        let Some(object) = self.object_of(OPERATION, &memory).await? else {
            self.let_go(&memory);
            return Ok(ReceivedParts::Gone);
        };
        let spot = self.spot(OPERATION, &memory.container).await?;
        match object.status {
            Status::Initializing | Status::Unavailable | Status::Unknown => {
                self.keep_in_hand(&spot, &memory);
                Ok(ReceivedParts::NotTold)
            }
            Status::Finalizing | Status::Available => {
                if object.status == Status::Finalizing {
                    self.keep_in_hand(&spot, &memory);
                }
                let file = object.into_remote_file(&memory.container, &memory.key);
                Ok(ReceivedParts::Finished(Box::new(file)))
            }
            Status::Error | Status::Trash => {
                self.let_go(&memory);
                Ok(ReceivedParts::Gone)
            }
        }
    }

    pub(crate) async fn finish(
        &self,
        session: &UploadSession,
        receipts: &[PartReceipt],
    ) -> ProviderResult<RemoteFile> {
        const OPERATION: &str = "finish upload";
        let memory = self.memory(OPERATION, session)?;
        let Some(object) = self.object_of(OPERATION, &memory).await? else {
            self.let_go(&memory);
            return Err(lost(OPERATION, "the service does not know the upload any more"));
        };
        if object.status == Status::Initializing {
            self.end(session, &memory, receipts).await?;
        }
        let object = match object.status {
            Status::Initializing => self.object_of(OPERATION, &memory).await?,
            _ => Some(object),
        };
        let object =
            object.ok_or_else(|| lost(OPERATION, "the service does not know the upload any more"))?;
        match object.status {
            Status::Error | Status::Trash => {
                self.let_go(&memory);
                Err(failed(OPERATION, &memory.key, &object))
            }
            Status::Available => {
                self.let_go(&memory);
                Ok(object.into_remote_file(&memory.container, &memory.key))
            }
            // The service still reads what it got; the file is looked at until it is there.
            Status::Finalizing => Ok(object.into_remote_file(&memory.container, &memory.key)),
            Status::Initializing | Status::Unavailable | Status::Unknown => {
                let error = ProviderError::new(OPERATION, ProblemCode::ServiceFailed, Advice::Again)
                    .because("the service has not taken the content over yet");
                Err(self.unless_for_ever(&memory, error))
            }
        }
    }

    /// Tells the service that everything was sent.
    async fn end(
        &self,
        session: &UploadSession,
        memory: &Memory,
        receipts: &[PartReceipt],
    ) -> ProviderResult<()> {
        const OPERATION: &str = "finish upload";
        let mut body = json!({ "autoUpdate": true });
        if memory.size == 0 {
            body["noUpload"] = true.into();
        } else if session.in_parts {
            let mut receipts: Vec<&PartReceipt> = receipts.iter().collect();
            receipts.sort_by_key(|receipt| receipt.part.number);
            // The storage would make a shorter object of fewer parts, and of none an object that is never finished.
            let sent: u64 = receipts.iter().map(|receipt| receipt.part.length).sum();
            if sent != memory.size {
                return Err(lost(OPERATION, "not every part was sent"));
            }
            let parts: Vec<Value> = receipts
                .iter()
                .map(|receipt| {
                    json!({ "etag": receipt.etag.as_deref().unwrap_or_default(),
                            "part": receipt.part.number.to_string() })
                })
                .collect();
            body["completedParts"] = parts.into();
            // Left out where there is none: an empty hash would wipe a declared one.
            if let Some(hash) = &memory.hash {
                body["hash"] = hash.clone();
            }
        } else if receipts.is_empty() {
            return Err(lost(OPERATION, "nothing was sent"));
        } else {
            // The request that brought the bytes has finished the object.
            return Ok(());
        }
        let upload = utf8_percent_encode(&memory.upload, SEGMENT);
        let url = self.url(OPERATION, &self.staging(memory, &format!("/staging/{upload}/finish")))?;
        let call = Call::new(OPERATION, http::Method::PATCH).json(&body)?;
        match self.send(&url, call).await {
            Ok(_) => Ok(()),
            // An earlier try came through.
            Err(error) if errors::is_past_staging(&error) => Ok(()),
            Err(error) if error.problem.code == ProblemCode::ServiceFailed => {
                match self.object_of(OPERATION, memory).await? {
                    Some(object) if object.status != Status::Initializing => Ok(()),
                    _ => Err(self.unless_for_ever(memory, error)),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// The same failure again and again means that the service misses something.
    fn unless_for_ever(&self, memory: &Memory, error: ProviderError) -> ProviderError {
        if self.failed_again(&memory.object) < FAILURES {
            return error;
        }
        self.forget_failures(&memory.object);
        lost(error.operation, "the service does not finish the upload; it may miss a part")
    }

    pub(crate) async fn abandon(&self, session: &UploadSession) -> ProviderResult<()> {
        const OPERATION: &str = "abandon upload";
        let memory = self.memory(OPERATION, session)?;
        self.let_go(&memory);
        if self.object_of(OPERATION, &memory).await?.is_none() {
            return Ok(());
        }
        self.drop_object(OPERATION, &self.staging(&memory, ""), false).await
    }

    /// Deletes one object; one that is gone already is gone.
    pub(crate) async fn drop_object(
        &self,
        operation: &'static str,
        path: &str,
        with_revisions: bool,
    ) -> ProviderResult<()> {
        let url = self.url(operation, path)?;
        let call =
            Call::delete(operation).json(&json!({ "withRevisions": with_revisions, "force": false }))?;
        match self.send(&url, call).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    /// Uploads begun by this run. The service lists none: what others began cannot be found.
    pub(crate) async fn unfinished(&self, container: &str) -> ProviderResult<Vec<Leftover>> {
        const OPERATION: &str = "leftovers";
        let spot = self.find_spot(OPERATION, container).await?;
        let keys: Vec<String> = {
            let in_hand = self.in_hand();
            in_hand.keys().filter(|(bucket, _)| *bucket == spot.bucket).map(|(_, key)| key.clone()).collect()
        };
        let mut found = Vec::new();
        for key in keys {
            if let Some(object) = self.staged(OPERATION, &spot, &key).await?
                && matches!(object.status, Status::Initializing | Status::Error)
            {
                let size = Some(object.size());
                found.push(Leftover { path: format!("{container}/{key}"), name: key, size });
            }
        }
        Ok(found)
    }

    pub(crate) async fn clear(&self, leftover: &Leftover) -> ProviderResult<()> {
        const OPERATION: &str = "clear leftover";
        let container = leftover.path.strip_suffix(&leftover.name).unwrap_or(&leftover.path);
        let spot = self.spot(OPERATION, container).await?;
        if let Some(object) = self.staged(OPERATION, &spot, &leftover.name).await?
            && object.status != Status::Available
        {
            self.in_hand().retain(|_, id| *id != object.id);
            return self.drop_object(OPERATION, &spot.object(&object.id, ""), false).await;
        }
        match self.at_key(OPERATION, &spot, &leftover.name).await? {
            None => Ok(()),
            Some(_) => Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                .about(&leftover.name)
                .because("the file is complete by now; it is no leftover")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::check_name;

    #[test]
    fn names_that_break_links_are_refused_at_once() {
        let long = "x".repeat(1025);
        for bad in [
            "",
            ".",
            "..",
            "a/",
            "/a",
            "a//b",
            "A/b.txt",
            "a_b/c",
            "a.b/c",
            "a b/c",
            "../b",
            "100%.txt",
            "a?b",
            "a#b",
            "Größe.csv",
            "a\nb",
            " a",
            "a ",
            "a\\b",
            &long,
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "batch-3/x/run 17_R1.fastq.gz", "A~B.tar", ".profile", "2024-03-18/frame-1.raw"] {
            assert!(check_name(good).is_ok(), "{good:?}");
        }
    }
}
