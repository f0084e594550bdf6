//! Questions about one container that a service answers many at a time: who comes while one request is on its way, or
//! while none has a connection yet, shares the next.

use crate::engine::Shared;
use futures_util::{FutureExt, future::BoxFuture};
use labferry_model::{AccountName, ProblemCode, RemoteFile};
use labferry_provider::{Advice, Provider, ProviderError, ProviderResult, UploadRequest, UploadSession};
use std::time::Duration;
use std::{
    collections::{HashMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, oneshot};

/// How long those who ask wait at most for others who were expected: far below what a person notices, and long enough for
/// a look at a file and a note in the database.
const PATIENCE: Duration = Duration::from_millis(20);

/// Questions to one container, with the way back to whoever asks.
type Waiting<Q, A> = VecDeque<(Q, oneshot::Sender<ProviderResult<A>>)>;

/// A container of an account.
pub(crate) type To = (AccountName, String);

/// Somebody who will ask soon. Dropped when the question was asked, or will not be.
pub(crate) struct Expected {
    announcements: Arc<Announcements>,
    to: To,
}

impl Drop for Expected {
    fn drop(&mut self) {
        let mut expected = self.announcements.expected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = expected.get_mut(&self.to) {
            *count -= 1;
            if *count == 0 {
                expected.remove(&self.to);
                self.announcements.nobody_expected.notify_waiters();
            }
        }
    }
}

/// Puts questions to a container in one request; an answer to each, in their order.
type Ask<Q, A> = fn(Arc<dyn Provider>, String, Vec<Q>) -> BoxFuture<'static, Vec<ProviderResult<A>>>;

/// One kind of question.
pub(crate) struct Together<Q, A> {
    operation: &'static str,
    /// By container. An entry means that somebody is asking there.
    waiting: Mutex<HashMap<To, Waiting<Q, A>>>,
    /// Those who were admitted and have not asked yet, by container.
    expected: Mutex<HashMap<To, usize>>,
    nobody_expected: Notify,
    ask: Ask<Q, A>,
    /// What is done with an answer that nobody waits for any more.
    unwanted: fn(Arc<dyn Provider>, A) -> BoxFuture<'static, ()>,
}

/// Announcements.
pub(crate) type Announcements = Together<UploadRequest, UploadSession>;
/// Names that are looked for.
pub(crate) type Lookups = Together<String, Option<RemoteFile>>;

impl Announcements {
    /// Announcements, of which an unwanted one is given up again.
    pub(crate) fn announcements() -> Arc<Self> {
        Arc::new(Self {
            operation: "begin upload",
            waiting: Mutex::default(),
            expected: Mutex::default(),
            nobody_expected: Notify::new(),
            ask: |provider, _, requests| async move { provider.begin_uploads(&requests).await }.boxed(),
            unwanted: |provider, session| {
                async move {
                    if let Err(error) = provider.abandon_upload(&session).await {
                        tracing::debug!(%error, "an announcement that nobody waited for stays on the service");
                    }
                }
                .boxed()
            },
        })
    }
}

impl Announcements {
    /// Says that somebody will ask soon, so that those who ask before wait a moment.
    pub(crate) fn expect(self: &Arc<Self>, to: To) -> Expected {
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        *expected.entry(to.clone()).or_default() += 1;
        Expected { announcements: self.clone(), to }
    }
}

impl Lookups {
    /// Looking for names.
    pub(crate) fn lookups() -> Arc<Self> {
        Arc::new(Self {
            operation: "find files",
            waiting: Mutex::default(),
            expected: Mutex::default(),
            nobody_expected: Notify::new(),
            ask: |provider, container, names| {
                async move {
                    match provider.find_files(&container, &names).await {
                        Ok(files) => files.into_iter().map(Ok).collect(),
                        Err(error) => names.iter().map(|_| Err(error.repeated())).collect(),
                    }
                }
                .boxed()
            },
            unwanted: |_, _| std::future::ready(()).boxed(),
        })
    }
}

impl<Q: Send + 'static, A: Send + 'static> Together<Q, A> {
    /// Asks one question, in one request with at most `most` of its kind.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        provider: &Arc<dyn Provider>,
        to: To,
        question: Q,
        most: usize,
        expected: Option<Expected>,
    ) -> ProviderResult<A> {
        let (reply, answer) = oneshot::channel();
        let first = {
            let mut waiting = self.lock();
            let first = !waiting.contains_key(&to);
            waiting.entry(to.clone()).or_default().push_back((question, reply));
            first
        };
        // Only now, when the question stands in the queue.
        drop(expected);
        if first {
            // A task of its own: who asked first may be paused while others wait for the same answer.
            tokio::spawn(self.clone().serve(shared.clone(), provider.clone(), to, most.max(1)));
        }
        answer.await.unwrap_or_else(|_| {
            Err(ProviderError::new(self.operation, ProblemCode::Internal, Advice::Stop)
                .because("the request for several files failed inside the program; see the log"))
        })
    }

    /// Asks until nobody waits.
    async fn serve(self: Arc<Self>, shared: Arc<Shared>, provider: Arc<dyn Provider>, to: To, most: usize) {
        loop {
            tokio::select! {
                () = self.all_have_asked(&to) => {}
                () = shared.clock.sleep(PATIENCE) => {}
            }
            let _connection = shared.connections.acquire(&to.0).await;
            let (questions, replies): (Vec<Q>, Vec<_>) = {
                let mut waiting = self.lock();
                let Some(queue) = waiting.get_mut(&to) else { return };
                queue.retain(|(_, reply)| !reply.is_closed());
                if queue.is_empty() {
                    waiting.remove(&to);
                    return;
                }
                let count = queue.len().min(most);
                queue.drain(..count).unzip()
            };
            let asking = AssertUnwindSafe((self.ask)(provider.clone(), to.1.clone(), questions));
            // A fault of the connector drops the replies, which tells those who wait.
            let Ok(answers) = asking.catch_unwind().await else { continue };
            for (answer, reply) in answers.into_iter().zip(replies) {
                if let Err(Ok(answer)) = reply.send(answer) {
                    (self.unwanted)(provider.clone(), answer).await;
                }
            }
        }
    }

    async fn all_have_asked(&self, to: &To) {
        loop {
            let mut nobody = std::pin::pin!(self.nobody_expected.notified());
            nobody.as_mut().enable();
            if !self.expected.lock().unwrap_or_else(PoisonError::into_inner).contains_key(to) {
                return;
            }
            nobody.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<To, Waiting<Q, A>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
