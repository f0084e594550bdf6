//! The store against a real SQLite file.

mod copies;
mod large;
mod opening;
mod states;

use crate::{Change, DataFolder, Store};
use labferry_model::{
    Algorithm, ClashPolicy, Direction, Event, Metadata, PartPlan, PartReceipt, Proof, ShapeChoice, Timestamp,
    Transfer, TransferId, VerifyChoice, transfer::NewTransfer,
};
use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// A folder of its own for one test, removed at its end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("labferry-store-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) async fn store(&self) -> Store {
        Store::open(&DataFolder::open(&self.0).unwrap()).await.unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn upload(account: &str, name: &str) -> NewTransfer {
    NewTransfer {
        direction: Direction::Upload,
        account: account.parse().unwrap(),
        place: "abcd-1234".into(),
        name: name.into(),
        local: PathBuf::from("/data").join(name),
        size: Some(100),
        on_clash: ClashPolicy::Ask,
        shape: ShapeChoice::Auto,
        verify: VerifyChoice::Auto,
        metadata: Metadata::new(),
    }
}

pub(crate) fn receipt(number: u32, length: u64) -> PartReceipt {
    PartReceipt {
        part: PartPlan { number, offset: u64::from(number - 1) * length, length },
        crc32c: u32::MAX - number,
        md5: Some("5d41402abc4b2a76b9719d911017c592".into()),
        etag: None,
    }
}

pub(crate) fn proof() -> Proof {
    Proof::ServerDigest { algorithm: Algorithm::Md5 }
}

pub(crate) async fn add(store: &Store, account: &str, names: &[&str]) -> Vec<TransferId> {
    let new = names.iter().map(|name| upload(account, name)).collect();
    store.add_transfers(new, NOW).await.unwrap()
}

pub(crate) async fn apply(store: &Store, id: TransferId, event: Event) -> Transfer {
    store.apply(id, event, Change::default(), NOW).await.unwrap()
}

/// Takes a transfer from its turn to `Done`.
pub(crate) async fn finish(store: &Store, id: TransferId) {
    for event in [
        Event::Admitted,
        Event::PlanStored,
        Event::MovingBegan,
        Event::AllPartsSent,
        Event::FinishedOnService,
        Event::Proven { proof: proof() },
    ] {
        apply(store, id, event).await;
    }
}
