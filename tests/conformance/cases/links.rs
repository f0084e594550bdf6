//! Links that carry their own permission, and run out.

use super::ends_with;
use crate::{
    content::{bytes, holds, is_complete, parts_of, put, request, send, send_all},
    target::{Provocation, Target},
};
use bytes::Bytes;
use labferry_model::{PartPlan, PartReceipt, ProblemCode};
use labferry_provider::{Advice, Provider, UploadSession};

/// Longer than any link of any service lives: S3 allows seven days.
const EIGHT_DAYS: i64 = 8 * 24 * 3600;
/// Longer than a link to a download lives.
const TWO_MINUTES: i64 = 120;

/// Sends a part whose link has run out: one refusal that asks for a fresh link, then success.
/// A service that is asked for a link right before each part has none that could run out meanwhile.
async fn renewed(
    target: &Target,
    provider: &dyn Provider,
    session: &UploadSession,
    content: &Bytes,
    part: PartPlan,
) -> PartReceipt {
    match send(provider, session, content, part).await {
        Ok(receipt) => {
            assert!(!target.offers("kept part links", false));
            receipt
        }
        refused => {
            ends_with(refused, ProblemCode::NotAllowed, Advice::FreshLink);
            send(provider, session, content, part).await.unwrap()
        }
    }
}

pub(crate) async fn expired_part_links_are_renewed(target: &Target) {
    run_out(target, Provocation::ExpireLinks).await;
}

pub(crate) async fn part_links_that_outlived_their_time_are_renewed(target: &Target) {
    run_out(target, Provocation::Seconds(EIGHT_DAYS)).await;
}

async fn run_out(target: &Target, provocation: Provocation) {
    let provider = target.connect();
    let Some(rules) = target.parts(&provider.capabilities().await.unwrap()) else { return };
    let place = target.place(&*provider).await;
    let size = rules.min * 2 + 777;
    let content = bytes(1, size);
    let session = provider.begin_upload(&request(&place, "a.bin", size, Some(rules.min))).await.unwrap();
    let parts = parts_of(&session, size);
    let mut receipts = send_all(&*provider, &session, &content, &parts[..1]).await;
    if !target.provoke(provocation).await {
        return;
    }
    receipts.push(renewed(target, &*provider, &session, &content, parts[1]).await);
    // One renewal is for all parts.
    receipts.push(send(&*provider, &session, &content, parts[2]).await.unwrap());
    is_complete(&provider.finish_upload(&session, &receipts).await.unwrap(), "a.bin", size);
    holds(&*provider, &format!("{place}/a.bin"), &content).await;
}

pub(crate) async fn a_download_link_is_asked_for_each_time(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let content = bytes(1, 3000);
    let file = put(&*provider, &place, "a.bin", &content, None).await;
    for _ in 0..2 {
        holds(&*provider, &file.path, &content).await;
        if !target.provoke(Provocation::Seconds(TWO_MINUTES)).await {
            return;
        }
    }
    // A link that ran out between being given and being used is asked for again.
    let expired = serde_json::json!({ "expire_links": true });
    let door = serde_json::json!({ "method": "GET", "door": "storage" });
    target.lab().fault(door, 1, expired).await;
    ends_with(
        provider.open_download(&file.path, None, None).await,
        ProblemCode::NotAllowed,
        Advice::FreshLink,
    );
    holds(&*provider, &file.path, &content).await;
    target.lab().faults_struck().await;
}

/// The file was deleted on the service while its parts were on their way.
pub(crate) async fn a_vanished_upload_begins_anew(target: &Target) {
    let provider = target.connect();
    let Some(rules) = target.parts(&provider.capabilities().await.unwrap()) else { return };
    let place = target.place(&*provider).await;
    let size = rules.min + 777;
    let content = bytes(1, size);
    let session = provider.begin_upload(&request(&place, "a.bin", size, Some(rules.min))).await.unwrap();
    let parts = parts_of(&session, size);
    send_all(&*provider, &session, &content, &parts[..1]).await;
    // By another connector: this one still has its links in memory.
    let gone = target.connect().delete(&format!("{place}/a.bin")).await;
    if !target.offers("begun files in sight of others", gone.is_ok()) {
        return;
    }
    ends_with(
        send(&*provider, &session, &content, parts[1]).await,
        ProblemCode::UploadLost,
        Advice::FreshSession,
    );
    ends_with(provider.finish_upload(&session, &[]).await, ProblemCode::UploadLost, Advice::FreshSession);
    put(&*provider, &place, "a.bin", &content, Some(rules.min)).await;
}
