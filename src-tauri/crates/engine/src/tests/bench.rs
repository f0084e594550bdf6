//! A data folder, a service in memory and an engine between them.

use super::{Folder, clock::TestClock, service::FakeService};
use crate::{Connections, Engine, Until};
use async_trait::async_trait;
use labferry_model::{
    AccountName, ClashPolicy, Clock, Direction, Limits, Metadata, Problem, ShapeChoice, State, Transfer,
    TransferId, VerifyChoice, transfer::NewTransfer,
};
use labferry_provider::Provider;
use labferry_store::{DataFolder, Store};
use std::sync::Arc;

struct One(Arc<FakeService>);

#[async_trait]
impl Connections for One {
    async fn provider(&self, _: &AccountName) -> Result<Arc<dyn Provider>, Problem> {
        Ok(self.0.clone())
    }
}

/// Everything one test needs.
pub(crate) struct Bench {
    pub(crate) folder: Folder,
    pub(crate) store: Store,
    pub(crate) service: Arc<FakeService>,
    pub(crate) clock: Arc<TestClock>,
}

impl Bench {
    pub(crate) async fn new(service: FakeService) -> Self {
        let folder = Folder::new();
        let store = Store::open(&DataFolder::open(&folder.path("data")).unwrap()).await.unwrap();
        Self { folder, store, service: Arc::new(service), clock: Arc::default() }
    }

    /// An engine as a fresh process would have it.
    pub(crate) fn engine(&self) -> Engine {
        self.engine_with_reserve(0)
    }

    /// The same, with so many bytes of the disk kept free.
    pub(crate) fn engine_with_reserve(&self, disk_reserve: u64) -> Engine {
        self.engine_with(Limits { part_size: 32, adaptive: false, disk_reserve, ..Limits::default() })
    }

    /// An engine with those limits.
    pub(crate) fn engine_with(&self, limits: Limits) -> Engine {
        Engine::new(self.store.clone(), Arc::new(One(self.service.clone())), self.clock.clone(), limits)
    }

    pub(crate) fn new_transfer(&self, direction: Direction, name: &str) -> NewTransfer {
        NewTransfer {
            direction,
            account: "lab".parse().unwrap(),
            place: "r".into(),
            name: name.into(),
            local: self.folder.path(name),
            size: None,
            on_clash: ClashPolicy::Ask,
            shape: ShapeChoice::Auto,
            verify: VerifyChoice::Auto,
            metadata: Metadata::new(),
        }
    }

    pub(crate) async fn add(&self, new: NewTransfer) -> TransferId {
        self.store.add_transfers(vec![new], self.clock.now()).await.unwrap()[0]
    }

    /// Queues the upload of a file with that content.
    pub(crate) async fn upload(&self, name: &str, content: &[u8]) -> TransferId {
        self.folder.write(name, content);
        self.add(self.new_transfer(Direction::Upload, name)).await
    }

    pub(crate) async fn transfer(&self, id: TransferId) -> Transfer {
        self.store.transfer(id).await.unwrap().unwrap()
    }

    /// Lets a fresh engine work until the transfer rests.
    pub(crate) async fn settle(&self, id: TransferId) -> State {
        let engine = self.engine();
        engine.recover().await.unwrap();
        engine.run(Until::Settled(vec![id])).await.unwrap();
        self.transfer(id).await.state
    }
}

/// Content of that length in which no two parts are alike.
pub(crate) fn content(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from((index * 7 + index / 251) % 256).unwrap()).collect()
}
