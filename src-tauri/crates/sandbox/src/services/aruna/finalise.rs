//! The data proxy's job after a multipart upload was finished: read everything back, hash it, make it available.

use std::io;
use std::sync::Weak;
use std::time::Duration;

use super::Aruna;
use super::asked::KeyValue;
use super::object_json::INTERNAL;
use super::staging::make_available;
use super::switches::Finalisation;
use super::world::{Object, Status};
use crate::blobs::Digests;

impl Aruna {
    /// Finalises whatever waits for it, a while later.
    pub(super) fn finalise_in(&self, milliseconds: u64) {
        let aruna = Weak::clone(&self.me);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            let Some(aruna) = aruna.upgrade() else { return };
            match tokio::task::spawn_blocking(move || aruna.finalise()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::error!(%error, "the practice lab could not finalise an object"),
                Err(error) => tracing::error!(%error, "the practice lab's finalisation broke off"),
            }
        });
    }

    /// Takes up what a stopped lab had not finalised.
    pub(super) fn resume_finalisation(&self) {
        if let Finalisation::AfterMs(delay) = self.switches().finalisation {
            self.finalise_in(delay);
        }
    }

    /// Finalises everything that waits; gives how many there were. Blocks.
    pub(crate) fn finalise(&self) -> io::Result<usize> {
        let waiting: Vec<Object> = {
            let world = self.world();
            let is_waiting =
                |object: &&Object| object.status == Status::Finalizing && object.content.is_some();
            world.objects.values().filter(is_waiting).cloned().collect()
        };
        let mut done = 0;
        for mut object in waiting {
            let Some(content) = &mut object.content else { continue };
            let read = match &mut content.outside {
                Some(outside) => self.read_back(outside),
                None => self.lab.blobs.digest(&content.pieces),
            };
            let digests = match read {
                Ok(digests) => digests,
                // Deleted while it was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                // The object stays as it is, as on a server whose job died; the next run takes it up again.
                Err(error) if content.outside.is_some() => {
                    tracing::error!(%error, "the practice lab could not read an object back");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let mut world = self.world();
            if world.objects.get(&object.id).is_none_or(|now| now.status != Status::Finalizing) {
                continue;
            }
            done += 1;
            let failure = mismatch(object.declared.as_ref(), &digests);
            content.digests = Some(digests);
            let failure = match failure {
                Some(words) => Some(words),
                None => match make_available(self, &mut world, object.clone()) {
                    Ok(()) => None,
                    Err(_) => Some("the object's path is taken".to_owned()),
                },
            };
            if let Some(words) = failure {
                object.status = Status::Error;
                object.labels.push(KeyValue { key: format!("{INTERNAL}/error"), value: words });
                world.put(object)?;
            }
        }
        Ok(done)
    }
}

/// What is wrong with a declared hash, if anything.
pub(super) fn mismatch(declared: Option<&(String, String)>, digests: &Digests) -> Option<String> {
    let (algorithm, told) = declared?;
    let own = if algorithm == "HASHALGORITHM_MD5" { &digests.md5 } else { &digests.sha256 };
    (own != told).then(|| format!("Hash validation failed: expected {told}, calculated {own}"))
}
