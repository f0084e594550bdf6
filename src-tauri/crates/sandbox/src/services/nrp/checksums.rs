//! Checksums of files that came in parts: told first in the storage's own form, then as MD5 when the server's job ran.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use md5::{Digest, Md5};

use super::Nrp;
use super::switches::Checksums;
use crate::blobs::Piece;

/// A file the job has to digest.
struct Work {
    id: String,
    key: String,
    file_id: String,
    pieces: Vec<Piece>,
}

impl Nrp {
    /// Computes every checksum that waits; gives how many there were.
    pub(crate) async fn run_checksum_job(self: &Arc<Self>) -> io::Result<usize> {
        let nrp = Arc::clone(self);
        tokio::task::spawn_blocking(move || nrp.compute_checksums()).await.map_err(io::Error::other)?
    }

    /// Runs the job a while later.
    pub(crate) fn run_checksum_job_in(self: &Arc<Self>, milliseconds: u64) {
        let nrp = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            if let Some(nrp) = nrp.upgrade()
                && let Err(error) = nrp.run_checksum_job().await
            {
                tracing::error!(%error, "the practice lab could not compute checksums");
            }
        });
    }

    /// Takes up what a stopped lab had not computed.
    pub(crate) fn resume_checksum_job(self: &Arc<Self>) {
        if let Checksums::AfterMs(delay) = self.switches().checksums {
            self.run_checksum_job_in(delay);
        }
    }

    fn compute_checksums(&self) -> io::Result<usize> {
        let waiting = self.waiting_checksums();
        let mut done = 0;
        for work in waiting {
            let md5 = match self.lab.blobs.md5(&work.pieces) {
                Ok(md5) => md5,
                // Deleted while it was read: there is nothing left to compute.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            done += usize::from(self.keep_checksum(&work, &md5)?);
        }
        Ok(done)
    }

    fn waiting_checksums(&self) -> Vec<Work> {
        let world = self.world();
        let mut waiting: Vec<Work> = Vec::new();
        for record in world.records() {
            for file in
                record.draft.iter().chain(&record.published).flat_map(|edition| edition.files.values())
            {
                let Some(content) = file.content.as_ref().filter(|content| content.waits_for_job) else {
                    continue;
                };
                let is_known =
                    waiting.iter().any(|work| work.file_id == file.file_id && work.id == record.id);
                if !is_known {
                    waiting.push(Work {
                        id: record.id.clone(),
                        key: file.key.clone(),
                        file_id: file.file_id.clone(),
                        pieces: content.pieces.clone(),
                    });
                }
            }
        }
        waiting
    }

    fn keep_checksum(&self, work: &Work, md5: &str) -> io::Result<bool> {
        let mut world = self.world();
        let Some(mut record) = world.record(&work.id).cloned() else { return Ok(false) };
        let mut is_kept = false;
        for edition in record.draft.iter_mut().chain(&mut record.published) {
            let file = edition.files.get_mut(&work.key).filter(|file| file.file_id == work.file_id);
            if let Some(content) =
                file.and_then(|file| file.content.as_mut()).filter(|content| content.waits_for_job)
            {
                content.checksum = Some(format!("md5:{md5}"));
                content.waits_for_job = false;
                is_kept = true;
            }
        }
        world.put(record)?;
        Ok(is_kept)
    }
}

/// What S3 makes of a multipart object's parts, as InvenioRDM shows it: `multipart:HEX-PARTS-PART_SIZE`.
pub(crate) fn composite<'a>(md5s: impl Iterator<Item = &'a str>, part_size: Option<u64>) -> String {
    let mut whole = Md5::new();
    let mut parts = 0;
    for md5 in md5s {
        // MD5s of parts are made in this process: they are hex.
        whole.update(hex::decode(md5).unwrap_or_default());
        parts += 1;
    }
    let part_size = part_size.map_or("None".to_owned(), |size| size.to_string());
    format!("multipart:{}-{parts}-{part_size}", hex::encode(whole.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5 MiB of `a` and 10 bytes of `b`, as a real server with S3 storage told it.
    #[test]
    fn composite_is_what_a_real_server_told() {
        let first = hex::encode(Md5::digest(vec![b'a'; 5 * 1024 * 1024]));
        let second = hex::encode(Md5::digest([b'b'; 10]));
        assert_eq!(
            composite([first.as_str(), second.as_str()].into_iter(), Some(5_242_880)),
            "multipart:8b0be7847da5564ae08e97af63b60885-2-5242880"
        );
    }
}
