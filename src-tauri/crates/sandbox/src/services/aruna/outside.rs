//! Objects whose bytes go to a server outside of the lab: where they are put, how their uploads end, and how the service
//! learns that they arrived.
//!
//! Unlike the real data proxy, that server tells nobody about a single request that brought an object whole: the service
//! looks for it when it is asked for the object.

use std::io;
use std::sync::Arc;

use super::Aruna;
use super::answer::ApiError;
use super::asked::Fields;
use super::callers::User;
use super::external::ExternalError;
use super::rules;
use super::staging::object_in;
use super::world::{Content, Object, Outside, Right, Status};
use crate::blobs::Digests;

impl From<ExternalError> for ApiError {
    fn from(error: ExternalError) -> Self {
        tracing::error!(%error, "the data proxy's storage refused");
        Self::internal(format!("internal data proxy error: {error}"))
    }
}

fn no_proxy() -> ExternalError {
    ExternalError::Refused {
        status: http::StatusCode::NOT_FOUND,
        code: "as the practice lab runs without its data proxy".to_owned(),
    }
}

impl Aruna {
    /// Chooses where an object's bytes go, makes the bucket and begins the upload in parts. Nothing happens without a
    /// server outside.
    ///
    /// The place is the object's path, `s3://latest.COLLECTION.PROJECT/KEY`. Where something stands there already, such as
    /// the revision before, the object's id is added, so that nothing is overwritten.
    pub(super) async fn prepare_outside(&self, object: &mut Object) -> Result<(), ApiError> {
        let Some(external) = &self.external else { return Ok(()) };
        let bucket = self.world().bucket(&object.home).unwrap_or_default();
        let mut at = Outside { bucket, key: object.key(), size: 0 };
        external.make_bucket(&at.bucket).await?;
        let is_kept = self.world().is_kept(&at);
        if is_kept || external.holds(&at).await? {
            at.key = format!("{}.{}", at.key, object.id.to_ascii_lowercase());
        }
        if object.upload.is_some() {
            object.upload = Some(external.begin(&at).await?);
        }
        object.outside = Some(at);
        Ok(())
    }

    /// A link to a place outside.
    pub(super) fn link_outside(
        &self,
        method: &str,
        at: &Outside,
        query: &[(&'static str, String)],
    ) -> Result<String, ApiError> {
        let external = self.external.as_ref().ok_or_else(no_proxy)?;
        let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Ok(external.link(method, at, &query, self.switches().link_seconds))
    }

    /// Ends an upload in parts there. Gives whether there was one to end; else the lab goes on by itself.
    pub(super) async fn complete_outside(
        &self,
        user: &User,
        collection: &str,
        id: &str,
        body: &Fields,
    ) -> Result<bool, ApiError> {
        let (at, upload) = {
            let world = self.world();
            world.collection_for(user, collection, Right::Append)?;
            let object = object_in(&world, collection, id)?;
            let is_open = object.status == Status::Initializing && !body.flag("noUpload")?;
            match (&object.outside, &object.upload) {
                (Some(at), Some(upload)) if is_open => (at.clone(), upload.clone()),
                _ => return Ok(false),
            }
        };
        let mut parts: Vec<(u32, String)> = Vec::new();
        for part in body.messages("completedParts")? {
            let number = u32::try_from(part.number("part")?).unwrap_or_default();
            parts.push((number, part.text("etag")?.replace(['-', '"'], "")));
        }
        if parts.is_empty() {
            return Ok(false);
        }
        let declared = rules::hash(body)?;
        let external = self.external.as_ref().ok_or_else(no_proxy)?;
        external.complete(&at, &upload, &parts).await.map_err(|error| match error {
            ExternalError::Refused { code, .. } => {
                ApiError::aborted(format!("Unable to finish multipart: {code}"))
            }
            unreached @ ExternalError::Unreached(_) => unreached.into(),
        })?;
        self.arrived(id, at, |object| {
            if let Some(declared) = declared {
                object.declared = declared;
            }
        })?;
        Ok(true)
    }

    /// Notes that an object's bytes are there whole, to be read back.
    fn arrived(&self, id: &str, at: Outside, change: impl FnOnce(&mut Object)) -> Result<(), ApiError> {
        let mut world = self.world();
        let mut object = world.objects.get(id).ok_or_else(ApiError::no_record)?.clone();
        if object.status != Status::Initializing {
            return Ok(());
        }
        change(&mut object);
        object.content = Some(Content { pieces: Vec::new(), digests: None, outside: Some(at) });
        object.status = Status::Finalizing;
        Ok(world.put(object)?)
    }

    /// Looks whether the one request that brings an object whole has come there by now.
    pub(super) async fn look_outside(self: &Arc<Self>, id: &str) -> Result<(), ApiError> {
        let Some(external) = &self.external else { return Ok(()) };
        let waiting = {
            let world = self.world();
            let waits = |object: &&Object| object.status == Status::Initializing && object.upload.is_none();
            world.objects.get(id).filter(waits).and_then(|object| object.outside.clone())
        };
        let Some(at) = waiting else { return Ok(()) };
        if external.holds(&at).await? {
            self.arrived(id, at, |_| ())?;
            self.finalise_as_usual(true).await?;
        }
        Ok(())
    }

    /// Reads an object back for its length and digests. Blocks.
    pub(super) fn read_back(&self, at: &mut Outside) -> io::Result<Digests> {
        let external = self.external.as_ref().ok_or_else(|| io::Error::other(no_proxy()))?;
        let (size, digests) = tokio::runtime::Handle::current().block_on(external.digest(at))?;
        at.size = size;
        Ok(digests)
    }
}
