//! Sends the missing parts of an upload, several at once, and stores each one's receipt.

use crate::{
    hash_ahead::Pace,
    limits::Climb,
    run::{Run, Stop},
    source_file,
};
use futures_util::{TryStreamExt, stream::FuturesUnordered};
use labferry_model::{PartPlan, PartReceipt, Problem, ProblemCode};
use labferry_provider::{Advice, PartBody, ProviderError, ProviderResult, UploadSession};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// What the parts of one upload share.
pub(crate) struct Parts<'a> {
    pub(crate) run: &'a Run,
    pub(crate) session: &'a UploadSession,
    /// Whether the service's receipt for a part is the MD5 of its bytes.
    pub(crate) part_md5: bool,
    /// Whether parts may arrive in any order and at once.
    pub(crate) any_order: bool,
    pub(crate) pace: Arc<Pace>,
    pub(crate) buffers: source_file::Buffers,
}

impl Parts<'_> {
    /// Sends these parts; returns when each has its stored receipt. The first failure ends it and drops what is in
    /// flight.
    pub(crate) async fn send_all(&self, missing: Vec<PartPlan>) -> Result<Vec<PartReceipt>, Stop> {
        let (limits, clock) = (&self.run.engine.limits, &self.run.engine.clock);
        let rules = self.run.engine.rules();
        let (begin, most) = match (self.any_order, limits.adaptive) {
            (false, _) => (1, 1),
            (true, false) => (rules.parts_per_file, rules.parts_per_file),
            (true, true) => (rules.parts_per_file, rules.connections_per_account),
        };
        let climb = Mutex::new(Climb::new(begin, most, clock.monotonic()));
        let lock = || climb.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = || {
            if limits.adaptive {
                lock().failed(clock.monotonic());
            }
        };
        let (mut missing, mut sending) = (missing.into_iter(), FuturesUnordered::new());
        let mut receipts = Vec::with_capacity(missing.len());
        loop {
            while sending.len() < lock().at_once() {
                let Some(part) = missing.next() else { break };
                sending.push(self.send(part, &failed));
            }
            let Some(receipt) = sending.try_next().await? else { return Ok(receipts) };
            lock().arrived(receipt.part.length, clock.monotonic());
            receipts.push(receipt);
        }
    }

    /// Sends one part, as often as needed; `failed` hears of each try that may be made again.
    async fn send(&self, part: PartPlan, failed: &(impl Fn() + Sync)) -> Result<PartReceipt, Stop> {
        let in_flight = self.run.meter.part(part.number);
        let receipt = self
            .run
            .retry
            .run(|| async {
                // Free again before the reader is waited for.
                let connection = self.run.connection().await;
                let begun = self.run.engine.clock.monotonic();
                let sent = self.send_once(part, in_flight.counter()).await;
                self.remember_speed(part, sent.is_ok(), begun);
                if sent.as_ref().is_err_and(|error| is_congestion(error.advice)) {
                    failed();
                }
                let (receipt, own_md5) = sent?;
                drop(connection);
                if self.part_md5 { self.compare_md5(receipt, own_md5).await } else { Ok(receipt) }
            })
            .await?;
        self.run.engine.store.add_receipt(self.run.transfer.id, &receipt).await?;
        in_flight.finished(part.length);
        self.pace.passed(part);
        Ok(receipt)
    }

    /// Notes for the account's next file what a connection carries.
    fn remember_speed(&self, part: PartPlan, arrived: bool, begun: Duration) {
        let (engine, account) = (&self.run.engine, &self.run.transfer.account);
        if arrived {
            let now = engine.clock.monotonic();
            engine.link_speeds.arrived(account, part.length, now.saturating_sub(begun), now);
        } else {
            engine.link_speeds.failed(account);
        }
    }

    async fn send_once(
        &self,
        part: PartPlan,
        sent: Arc<std::sync::atomic::AtomicU64>,
    ) -> ProviderResult<(PartReceipt, Option<[u8; 16]>)> {
        const OPERATION: &str = "send part";
        let with_md5 = self.part_md5 && !self.pace.is_near(part);
        let path = &self.run.transfer.local;
        let bandwidth = self.run.engine.upload_bandwidth.clone();
        let buffers = self.buffers.clone();
        let range = source_file::open_range(path, part, with_md5, sent, bandwidth, buffers).await.map_err(
            |error| ProviderError {
                problem: source_file::problem(path, &error),
                advice: Advice::Stop,
                operation: OPERATION,
                source: None,
            },
        )?;
        let body = PartBody { length: part.length, md5: None, stream: range.stream };
        let receipt = self.run.provider.send_part(self.session, part, body).await?;
        let (crc32c, read, md5) = range.sums.finish();
        if read != part.length {
            // The service said yes before it had everything.
            return Err(ProviderError::new(OPERATION, ProblemCode::BadAnswer, Advice::Again).because(
                format!("part {} was accepted after {read} of {} bytes", part.number, part.length),
            ));
        }
        Ok((PartReceipt { part, crc32c, md5: None, etag: receipt.etag }, md5))
    }

    /// Compares the service's receipt with the MD5 of the part: our own where the reader was far behind when it was sent,
    /// the reader's otherwise, so that the bytes are not digested a second time.
    async fn compare_md5(
        &self,
        mut receipt: PartReceipt,
        own_md5: Option<[u8; 16]>,
    ) -> ProviderResult<PartReceipt> {
        const OPERATION: &str = "send part";
        let part = receipt.part;
        // Let on first, or a reader that waits for the senders would never come to this part.
        self.pace.passed(part);
        let md5 = match own_md5 {
            Some(md5) => Some(md5),
            None => match self.pace.sums_of(part.number).await {
                // The reader failed, and says why at the end.
                None => return Ok(receipt),
                Some(sums) if sums.crc32c != receipt.crc32c => {
                    return Err(ProviderError::new(OPERATION, ProblemCode::SourceChanged, Advice::Stop)
                        .because(format!("part {} is not what was read a moment ago", part.number)));
                }
                Some(sums) => sums.md5,
            },
        };
        let ours = md5.map(hex::encode);
        if let (Some(ours), Some(theirs)) = (&ours, receipt.etag.as_deref().and_then(plain_md5))
            && *ours != theirs
        {
            return Err(ProviderError::new(OPERATION, ProblemCode::DigestMismatch, Advice::Again).because(
                format!("part {} arrived with the digest {theirs} instead of {ours}", part.number),
            ));
        }
        receipt.md5 = ours;
        Ok(receipt)
    }
}

/// Whether a failure may come from sending too much at once.
fn is_congestion(advice: Advice) -> bool {
    matches!(advice, Advice::Again | Advice::AgainAfter(_))
}

/// An ETag that is an MD5. Encrypted S3 storage answers with ETags of the same length that are none, but then says so
/// for every part, and the connector does not promise `part_md5`.
fn plain_md5(etag: &str) -> Option<String> {
    let etag = etag.trim_matches('"');
    (etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| etag.to_ascii_lowercase())
}

/// Whether the source still holds what the receipts were given for.
pub(crate) fn still_the_same(
    receipts: &[PartReceipt],
    parts: &[crate::hash_ahead::PartSums],
) -> Result<(), Problem> {
    let changed = receipts.iter().find(|receipt| {
        let index = receipt.part.number.saturating_sub(1) as usize;
        parts.get(index).is_none_or(|sums| sums.crc32c != receipt.crc32c)
    });
    match changed {
        None => Ok(()),
        Some(receipt) => Err(Problem::new(ProblemCode::SourceChanged)
            .because(format!("part {} is not what was sent any more", receipt.part.number))),
    }
}
