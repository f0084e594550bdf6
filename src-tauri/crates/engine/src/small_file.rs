//! A file that fits one reading: read, hashed and sent from the same bytes, so that the disk is visited once and what was
//! hashed is what was sent.

use crate::{
    hash_ahead::{Hasher, Hashes},
    run::Run,
    source_file,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use labferry_model::{Algorithm, Fingerprint, PartPlan, PartReceipt, Problem, ProblemCode};
use labferry_provider::{Advice, PartBody, ProviderError, ProviderResult, UploadSession};
use std::{fs::File, io::Read, path::Path, sync::atomic::Ordering};

/// Files up to this many bytes count as small: one reading as the part workers make it, so that a small file in a
/// connection's hands holds no more memory than a part does.
pub(crate) const SMALL: u64 = source_file::READ as u64;

/// Sends the file as the one part of its upload, as often as needed, and gives the receipt with the digests of the bytes
/// that were accepted.
pub(crate) async fn send(
    run: &Run,
    session: &UploadSession,
    source: &Fingerprint,
    algorithms: &[Algorithm],
) -> ProviderResult<(PartReceipt, Hashes)> {
    const OPERATION: &str = "send file";
    let in_flight = run.meter.part(1);
    let part = PartPlan { number: 1, offset: 0, length: source.size };
    let sent = run
        .retry
        .run(|| async {
            let _connection = run.connection().await;
            let counter = in_flight.counter();
            let (content, hashes, crc32c) =
                read(&run.transfer.local, source, algorithms).await.map_err(|problem| ProviderError {
                    problem,
                    advice: Advice::Stop,
                    operation: OPERATION,
                    source: None,
                })?;
            let (length, bandwidth) = (content.len(), run.engine.upload_bandwidth.clone());
            let bytes = stream::once(async move {
                bandwidth.take(length).await;
                counter.fetch_add(length as u64, Ordering::Relaxed);
                Ok(content)
            });
            // An empty file has no bytes to give, not an empty piece of them.
            let bytes = bytes
                .filter(|piece| std::future::ready(!matches!(piece, Ok(piece) if Bytes::is_empty(piece))));
            let body = PartBody { length: part.length, md5: None, stream: bytes.boxed() };
            let receipt = run.provider.send_part(session, part, body).await?;
            Ok((PartReceipt { part, crc32c, md5: None, etag: receipt.etag }, hashes))
        })
        .await?;
    in_flight.finished(part.length);
    Ok(sent)
}

/// The whole content, while the file is the one that was looked at before and after reading it.
async fn read(
    path: &Path,
    source: &Fingerprint,
    algorithms: &[Algorithm],
) -> Result<(Bytes, Hashes, u32), Problem> {
    let (path, source, algorithms) = (path.to_path_buf(), source.clone(), algorithms.to_vec());
    let reading = tokio::task::spawn_blocking(move || {
        let changed = || Problem::new(ProblemCode::SourceChanged).about(path.display().to_string());
        let failed = |error: std::io::Error| source_file::problem(&path, &error);
        let file = File::open(&path).map_err(failed)?;
        if source_file::fingerprint_of(&file.metadata().map_err(failed)?) != source {
            return Err(changed());
        }
        let mut content = Vec::with_capacity(usize::try_from(source.size).unwrap_or(0) + 1);
        // One byte more than there should be shows a file that grows.
        (&file).take(source.size + 1).read_to_end(&mut content).map_err(failed)?;
        if content.len() as u64 != source.size
            || source_file::fingerprint_of(&file.metadata().map_err(failed)?) != source
        {
            return Err(changed());
        }
        let mut hasher = Hasher::new(&algorithms);
        hasher.update(&content);
        let crc32c = crc32c::crc32c(&content);
        Ok((Bytes::from(content), Hashes::of_whole(hasher.finish()), crc32c))
    });
    reading.await.map_err(|error| Problem::new(ProblemCode::Internal).because(error.to_string()))?
}
