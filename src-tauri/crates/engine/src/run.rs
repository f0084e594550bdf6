//! One transfer in the hands of a worker: what it may use, how it takes its steps, and why it stops.

use crate::{engine::Shared, limits::Connection, progress::Meter, retry::Retry, together::Expected};
use labferry_model::{AccountName, Event, Problem, ProblemCode, Timestamp, Transfer};
use labferry_provider::{Provider, ProviderError, ProviderResult};
use labferry_store::{Change, StoreError};
use std::{future::Future, sync::Arc};

/// Why a worker lays a transfer down.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The service failed, after all tries.
    Service(ProviderError),
    /// It cannot be done.
    Failed(Problem),
    /// The source is not the file any more that was being sent.
    SourceChanged,
    /// What the service holds is not what we sent.
    Differs(Problem),
    /// The row was taken out of our hands: paused, cancelled or removed.
    TakenAway,
    /// The database failed.
    Store(StoreError),
}

impl From<ProviderError> for Stop {
    fn from(error: ProviderError) -> Self {
        match error.problem.code {
            ProblemCode::SourceChanged => Self::SourceChanged,
            _ => Self::Service(error),
        }
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        match problem.code {
            ProblemCode::SourceChanged => Self::SourceChanged,
            _ => Self::Failed(problem),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Illegal(_) | StoreError::NotFound(_) => Self::TakenAway,
            error => Self::Store(error),
        }
    }
}

/// One transfer in hand.
pub(crate) struct Run {
    pub(crate) engine: Arc<Shared>,
    pub(crate) provider: Arc<dyn Provider>,
    /// As it was stored last.
    pub(crate) transfer: Transfer,
    pub(crate) meter: Arc<Meter>,
    pub(crate) retry: Retry,
    /// The account's service, for the ledger.
    pub(crate) service: String,
    /// Kept until the upload is announced: others to the same container wait for it.
    pub(crate) expected: Option<Expected>,
}

impl Run {
    pub(crate) fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    /// Lets an event happen to the transfer, with what is stored beside it.
    pub(crate) async fn step(&mut self, event: Event, change: Change) -> Result<(), Stop> {
        self.steps(vec![event], change).await
    }

    /// Lets several events happen to the transfer, one after the other, in one transaction.
    pub(crate) async fn steps(&mut self, events: Vec<Event>, change: Change) -> Result<(), Stop> {
        self.transfer = self.engine.store.apply_all(self.transfer.id, events, change, self.now()).await?;
        Ok(())
    }

    /// Stores a change without a step.
    pub(crate) async fn note(&mut self, change: Change) -> Result<(), Stop> {
        self.transfer = self.engine.store.amend(self.transfer.id, change).await?;
        Ok(())
    }

    /// A place among the connections.
    pub(crate) async fn connection(&self) -> Connection {
        self.engine.connections.acquire(&self.transfer.account).await
    }

    /// One request to the service, repeated as its failures advise, each try with a connection of its own.
    pub(crate) async fn request<T, F>(&self, attempt: impl FnMut() -> F) -> ProviderResult<T>
    where
        F: Future<Output = ProviderResult<T>>,
    {
        self.engine.request(&self.transfer.account, attempt).await
    }

    /// The file's path with the connector.
    pub(crate) fn remote_path(&self) -> String {
        remote_path(&self.transfer.place, &self.transfer.name)
    }
}

impl Shared {
    /// One request to an account's service, as [`Run::request`].
    pub(crate) async fn request<T, F>(
        &self,
        account: &AccountName,
        mut attempt: impl FnMut() -> F,
    ) -> ProviderResult<T>
    where
        F: Future<Output = ProviderResult<T>>,
    {
        self.retry
            .run(|| {
                let answer = attempt();
                async {
                    let _connection = self.connections.acquire(account).await;
                    answer.await
                }
            })
            .await
    }
}

/// The path of a file in a container.
pub(crate) fn remote_path(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") }
}
