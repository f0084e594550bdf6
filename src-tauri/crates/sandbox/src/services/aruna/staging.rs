//! Beginning, linking and ending uploads: initialise, update, links per part, finish.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Aruna;
use super::answer::ApiError;
use super::asked::{Fields, Query};
use super::callers::{Caller, User};
use super::ids;
use super::object_json;
use super::rules;
use super::switches::{Etags, Finalisation};
use super::world::{Content, Object, Reference, Right, Status, World};

pub(crate) type Answer = Result<Json<Value>, ApiError>;

/// What the server escapes in a link's path: blanks only, so that `?`, `#` and `%` in a file's name break the link.
const RAW: AsciiSet = CONTROLS.add(b' ');

/// What a stage object says.
struct Staged {
    filename: String,
    sub_path: String,
    labels: Vec<super::asked::KeyValue>,
    hooks: Vec<super::asked::KeyValue>,
    content_len: i64,
    data_class: &'static str,
    source: Option<Value>,
}

impl Staged {
    fn of(body: &Fields) -> Result<Self, ApiError> {
        let stage =
            body.message("object")?.ok_or_else(|| ApiError::invalid("Missing StageObject in Request"))?;
        Ok(Self {
            filename: stage.text("filename")?,
            sub_path: rules::sub_path(&stage.text("subPath")?)?,
            labels: rules::pairs(&stage, "labels")?,
            hooks: rules::pairs(&stage, "hooks")?,
            content_len: stage.number("contentLen")?,
            data_class: rules::data_class(&stage)?,
            source: rules::source(&stage)?,
        })
    }

    fn put_into(self, object: &mut Object) {
        object.filename = self.filename;
        object.sub_path = self.sub_path;
        object.labels = self.labels;
        object.hooks = self.hooks;
        object.content_len = self.content_len;
        object.data_class = self.data_class.to_owned();
        object.source = self.source;
    }
}

/// A revision without content.
pub(super) fn blank(aruna: &Aruna, collection: &str) -> Object {
    let id = ids::new_id(aruna.now());
    Object {
        origin: id.clone(),
        id,
        revision: 0,
        filename: String::new(),
        sub_path: String::new(),
        labels: Vec::new(),
        hooks: Vec::new(),
        created: aruna.now(),
        content_len: 0,
        status: Status::Initializing,
        data_class: "DATA_CLASS_PRIVATE".to_owned(),
        source: None,
        declared: None,
        home: collection.to_owned(),
        upload: None,
        outside: None,
        content: None,
        references: Vec::new(),
    }
}

/// `POST /v1/collection/{c}/object`
pub(crate) async fn initialise(
    State(aruna): State<Arc<Aruna>>,
    Caller(user): Caller,
    Path(collection): Path<String>,
    body: Fields,
) -> Answer {
    aruna.world().changeable(user, &collection, Right::Append)?;
    let staged = Staged::of(&body)?;
    if staged.filename.is_empty() {
        return Err(ApiError::invalid("Invalid filename"));
    }
    let mut object = blank(&aruna, &collection);
    staged.put_into(&mut object);
    object.declared = rules::hash(&body)?.flatten();
    object.upload = body.flag("multipart")?.then(|| Uuid::new_v4().simple().to_string());
    aruna.prepare_outside(&mut object).await?;
    let answer = json!({
        "objectId": object.id,
        "uploadId": object.upload.as_ref().unwrap_or(&object.id),
        "collectionId": collection,
    });
    aruna.world().put(object)?;
    Ok(Json(answer))
}

/// `POST /v1/collection/{c}/object/{o}/update`
pub(crate) async fn update(
    State(aruna): State<Arc<Aruna>>,
    Caller(user): Caller,
    Path((collection, id)): Path<(String, String)>,
    body: Fields,
) -> Answer {
    let (next, answer) = match revise(&aruna, user, &collection, &id, &body)? {
        Revised::Same(answer) => return Ok(Json(answer)),
        Revised::Next(mut next) => {
            if next.content.is_none() {
                aruna.prepare_outside(&mut next).await?;
            }
            let answer = json!({
                "objectId": next.id,
                "stagingId": next.upload.as_ref().unwrap_or(&next.id),
                "collectionId": collection,
            });
            (next, answer)
        }
    };
    let mut world = aruna.world();
    // Another one may have come while the storage was asked.
    no_staged_revision(&world, &next)?;
    world.put(*next)?;
    Ok(Json(answer))
}

/// What an update comes to.
enum Revised {
    /// The staged object itself was changed; the answer.
    Same(Value),
    /// A revision, not stored yet.
    Next(Box<Object>),
}

fn revise(
    aruna: &Aruna,
    user: &User,
    collection: &str,
    id: &str,
    body: &Fields,
) -> Result<Revised, ApiError> {
    let mut world = aruna.world();
    world.changeable(user, collection, Right::Modify)?;
    let before = object_in(&world, collection, id)?.clone();
    let staged = Staged::of(body)?;
    if before.status == Status::Initializing {
        let mut same = before;
        staged.put_into(&mut same);
        let answer = json!({
            "objectId": same.id,
            "stagingId": same.upload.as_ref().unwrap_or(&same.id),
            "collectionId": collection,
        });
        world.put(same)?;
        return Ok(Revised::Same(answer));
    }
    let latest = latest_of(&world, &before)?;
    if latest.id != before.id {
        return Err(ApiError::invalid(format!("Only the latest revision can be updated: {}", latest.id)));
    }
    if !before.reference(collection).is_some_and(|reference| reference.writeable) {
        return Err(ApiError::invalid("Object is read-only in this collection"));
    }
    no_staged_revision(&world, &before)?;
    let mut next = blank(aruna, collection);
    next.origin.clone_from(&before.origin);
    next.revision = before.revision + 1;
    staged.put_into(&mut next);
    next.declared = rules::hash(body)?.flatten();
    let reupload = body.flag("reupload")?;
    next.upload = (reupload && body.flag("multiPart")?).then(|| Uuid::new_v4().simple().to_string());
    if !reupload {
        // Hashes and location are copied; the finish without upload makes them available.
        next.content.clone_from(&before.content);
        next.content_len = before.content_len;
    }
    Ok(Revised::Next(Box::new(next)))
}

pub(super) fn latest_of<'a>(world: &'a World, object: &Object) -> Result<&'a Object, ApiError> {
    world.latest(&object.origin).ok_or_else(|| ApiError::invalid("object not found"))
}

pub(super) fn no_staged_revision(world: &World, object: &Object) -> Result<(), ApiError> {
    match world.revisions(&object.origin).iter().find(|revision| revision.is_staging()) {
        None => Ok(()),
        Some(_) => Err(ApiError::invalid(format!(
            "Object {} already has a staging object. Concurrent updates are prohibited.",
            object.id
        ))),
    }
}

/// An object of a collection, staged or referenced.
pub(super) fn object_in<'a>(world: &'a World, collection: &str, id: &str) -> Result<&'a Object, ApiError> {
    let object = world.objects.get(ids::checked(id)?).ok_or_else(ApiError::no_record)?;
    if object.status != Status::Trash && object.is_in(collection) {
        Ok(object)
    } else {
        Err(ApiError::not_in_collection())
    }
}

/// `GET …/staging/{u}/upload`
pub(crate) async fn upload_link(
    State(aruna): State<Arc<Aruna>>,
    Caller(user): Caller,
    Path((collection, id, upload)): Path<(String, String, String)>,
    query: Query,
) -> Answer {
    let world = aruna.world();
    world.collection_for(user, &collection, Right::Append)?;
    let object = object_in(&world, &collection, &id)?;
    if object.status != Status::Initializing {
        return Err(ApiError::invalid("Cannot create upload url for object which is not in staging phase"));
    }
    let bucket = world.bucket(&object.home).unwrap_or_default();
    let mut parameters = Vec::new();
    let number = query.number("partNumber")?;
    if query.flag("multipart")? {
        if number < 1 {
            return Err(ApiError::invalid("Invalid part number"));
        }
        parameters = vec![("partNumber", number.to_string()), ("uploadId", upload)];
    }
    let link = match &object.outside {
        Some(outside) => aruna.link_outside("PUT", outside, &parameters)?,
        None => aruna.link("PUT", &bucket, &object.key(), &parameters),
    };
    Ok(Json(json!({"url": {"url": link}})))
}

impl Aruna {
    /// A link of the data proxy.
    pub(super) fn link(
        &self,
        method: &str,
        bucket: &str,
        key: &str,
        query: &[(&'static str, String)],
    ) -> String {
        let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = format!("/{bucket}/{}", utf8_percent_encode(key, &RAW));
        self.lab.links.sign(method, &path, &query, self.now(), self.switches().link_seconds)
    }
}

/// `PATCH …/staging/{u}/finish`
pub(crate) async fn finish(
    State(aruna): State<Arc<Aruna>>,
    Caller(user): Caller,
    Path((collection, id, _upload)): Path<(String, String, String)>,
    body: Fields,
) -> Answer {
    let is_outside = aruna.complete_outside(user, &collection, &id, &body).await?;
    let is_sent = is_outside || end(&aruna, user, &collection, &id, &body)?;
    aruna.finalise_as_usual(is_sent).await?;
    shown(&aruna, &id)
}

impl Aruna {
    /// Finalises what was sent when this instance does it.
    pub(super) async fn finalise_as_usual(self: &Arc<Self>, is_sent: bool) -> Result<(), ApiError> {
        match self.switches().finalisation {
            Finalisation::AfterMs(delay) if is_sent => self.finalise_in(delay),
            Finalisation::AtOnce if is_sent => {
                let job = Arc::clone(self);
                let done = tokio::task::spawn_blocking(move || job.finalise()).await;
                done.map_err(std::io::Error::other)??;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Ends the staging; gives whether the data proxy has something to finalise.
fn end(aruna: &Aruna, user: &User, collection: &str, id: &str, body: &Fields) -> Result<bool, ApiError> {
    let mut world = aruna.world();
    world.collection_for(user, collection, Right::Append)?;
    let mut object = object_in(&world, collection, id)?.clone();
    if object.status != Status::Initializing {
        return Err(ApiError::invalid("Cannot finish object which is not in staging phase"));
    }
    if body.flag("noUpload")? {
        make_available(aruna, &mut world, object)?;
        return Ok(false);
    }
    if let Some(declared) = rules::hash(body)? {
        object.declared = declared;
    }
    let parts = body.messages("completedParts")?;
    if !parts.is_empty() {
        let pieces = assembled(aruna, &world, &object, &parts)?;
        object.content = Some(Content { pieces, digests: None, outside: None });
    }
    // Without parts nobody tells the data proxy, and the object stays like this for ever.
    object.status = Status::Finalizing;
    let is_sent = object.content.is_some();
    world.put(object)?;
    Ok(is_sent)
}

fn shown(aruna: &Aruna, id: &str) -> Answer {
    let world = aruna.world();
    let object = world.objects.get(id).ok_or_else(ApiError::no_record)?;
    Ok(Json(json!({"object": object_json::object(&world, object, false)})))
}

/// What the data proxy makes of the parts a client names.
fn assembled(
    aruna: &Aruna,
    world: &World,
    object: &Object,
    told: &[Fields],
) -> Result<Vec<crate::blobs::Piece>, ApiError> {
    let refused = |why: &str| ApiError::aborted(format!("Unable to finish multipart: {why}"));
    let upload = object.upload.as_deref().ok_or_else(|| refused("NoSuchUpload"))?;
    let there = world.parts(upload);
    let switches = aruna.switches();
    let mut pieces: Vec<crate::blobs::Piece> = Vec::new();
    let mut before = 0;
    for part in told {
        let number = u32::try_from(part.number("part")?).unwrap_or_default();
        if number <= before {
            return Err(refused("InvalidPartOrder"));
        }
        before = number;
        let etag = part.text("etag")?.replace(['-', '"'], "");
        let found = there
            .get(&number)
            .filter(|found| tag(&switches.etags, upload, &found.md5) == etag)
            .ok_or_else(|| refused("InvalidPart"))?;
        if pieces.last().is_some_and(|piece| piece.length < switches.smallest_part) {
            return Err(refused("EntityTooSmall"));
        }
        pieces.push(found.piece.clone());
    }
    Ok(pieces)
}

/// The bare receipt of a part.
pub(super) fn tag(etags: &Etags, upload: &str, md5: &str) -> String {
    use md5::{Digest, Md5};
    match etags {
        Etags::Plain => md5.to_owned(),
        Etags::Odd => hex::encode(Md5::digest(format!("encrypted {upload} {md5}"))),
    }
}

/// Ends the staging of a revision: it takes the place of the one before wherever a reference follows.
pub(super) fn make_available(aruna: &Aruna, world: &mut World, mut object: Object) -> Result<(), ApiError> {
    let before = world.latest(&object.origin).cloned();
    let taken = world.at_path(&object.home, &object.key());
    if taken.is_some_and(|taken| taken.origin != object.origin) {
        return Err(ApiError::internal("duplicate key value violates unique constraint \"paths_path_key\""));
    }
    if let Some(content) = &mut object.content {
        if content.digests.is_none() {
            content.digests = Some(aruna.lab.blobs.digest(&content.pieces)?);
        }
        object.content_len = i64::try_from(content.length()).unwrap_or(i64::MAX);
    } else {
        object.content_len = 0;
    }
    object.status = Status::Available;
    match before {
        None => {
            object.references =
                vec![Reference { collection: object.home.clone(), writeable: true, auto_update: true }];
        }
        Some(mut before) => {
            let (follow, stay) = before.references.drain(..).partition(|reference| reference.auto_update);
            object.references = follow;
            before.references = stay;
            world.put(before)?;
        }
    }
    world.put(object)?;
    Ok(())
}
