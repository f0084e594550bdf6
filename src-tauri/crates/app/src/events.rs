//! What front ends hear: committed states from the store's numbered log, and samples of progress on a timer.

use crate::{
    app::{App, Shared},
    copies::Told,
    rows,
    wire::{answers::*, events::*, requests::*},
};
use labferry_engine::Progress;
use labferry_store::{LoggedEvent, StoreError};
use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

/// How often progress is sampled: often enough to look alive, seldom enough to cost nothing.
const SAMPLE: Duration = Duration::from_millis(250);
/// Shortest time between two tellings of states: what happens meanwhile is told together, with the newest row of each
/// transfer, so that a thousand small files a second are ten messages a row and not ten thousand in all.
const TELL: Duration = Duration::from_millis(100);
/// How many samples pass between looks at what other processes did.
const LOOK_AT_OTHERS: u32 = 2;
/// Events given at once; a listener that is further behind asks for the rows.
const AT_ONCE: u32 = 1_000;

impl App {
    /// Tells listeners now what was committed until now, instead of with the next telling: for a front end that ends.
    pub async fn tell_all(&self) {
        let told = async {
            let newest = self.shared.store.last_event().await?;
            self.shared.tell_committed(newest).await
        };
        if let Err(error) = told.await {
            tracing::warn!(%error, "events could not be told");
        }
    }

    /// What happened after an event.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn events_since(&self, request: EventsSince) -> Result<EventList, ProblemWords> {
        let store = &self.shared.store;
        let newest = store.last_event().await?;
        let first = store.first_event().await?;
        let logged = store.events_after(request.number, AT_ONCE).await?;
        let forgotten = request.number < newest && first.is_none_or(|first| request.number + 1 < first);
        let too_many = logged.len() >= AT_ONCE as usize;
        if forgotten || too_many {
            return Ok(EventList { events: Vec::new(), last_event: newest, incomplete: true });
        }
        let last_event = logged.last().map_or(newest.max(request.number), |event| event.number);
        let events = self.shared.transfer_events(request.number, &logged).await?;
        Ok(EventList { events, last_event, incomplete: false })
    }
}

impl Shared {
    /// The counts of the whole queue.
    pub(crate) async fn queue_counts(&self) -> Result<QueueCounts, StoreError> {
        let counts = self.store.counts().await?;
        let mut held = 0;
        if counts.by_state.contains_key("waiting") {
            for reason in rows::HELD {
                held += self.store.count_held(reason).await?;
            }
        }
        Ok(rows::counts(&counts, held))
    }

    /// The newest event of each transfer, with the row as it is now, of those that came after a number. A row that was
    /// cleared has nothing to tell.
    async fn transfer_events(
        &self,
        mut after: i64,
        logged: &[LoggedEvent],
    ) -> Result<Vec<AppEvent>, StoreError> {
        let newest: BTreeMap<_, _> = logged.iter().map(|event| (event.transfer, event.number)).collect();
        let mut in_order: Vec<_> = newest.into_iter().map(|(id, number)| (number, id)).collect();
        in_order.sort_unstable();
        let counts = self.queue_counts().await?;
        let mut events = Vec::with_capacity(in_order.len());
        for (number, id) in in_order {
            if let Some(transfer) = self.store.transfer(id).await? {
                let row = Box::new(self.say_why(rows::transfer(transfer)).await?);
                events.push(AppEvent::Transfer { number, after, row, counts });
                after = number;
            }
        }
        Ok(events)
    }

    /// Tells listeners what was committed and not told yet; the event `newest` is known to be there.
    async fn tell_committed(&self, newest: i64) -> Result<(), StoreError> {
        let mut told = self.told.lock().await;
        if *told < newest {
            *told = self.tell_after(*told, newest).await?;
        }
        Ok(())
    }

    /// Gives the newest number told.
    async fn tell_after(&self, seen: i64, newest: i64) -> Result<i64, StoreError> {
        if self.events.receiver_count() == 0 {
            // A headless run has no listener: reading the log for nobody would cost as much as writing it.
            return Ok(seen.max(newest));
        }
        let logged = self.store.events_after(seen, AT_ONCE).await?;
        let Some(last) = logged.last() else { return Ok(seen) };
        if logged.len() >= AT_ONCE as usize {
            // A drop of many thousand files: asking for the rows is cheaper than hearing of each.
            let newest = self.store.last_event().await?;
            let _ = self.events.send(AppEvent::QueueChanged);
            return Ok(newest);
        }
        for event in self.transfer_events(seen, &logged).await? {
            let _ = self.events.send(event);
        }
        Ok(last.number)
    }
}

/// Runs until the app is gone: committed states at once, progress and other processes' doings on a timer.
pub(crate) async fn pump(app: Weak<Shared>) {
    let Some((mut committed, clock)) =
        app.upgrade().map(|shared| (shared.store.committed(), Arc::clone(&shared.clock)))
    else {
        return;
    };
    let mut moving = false;
    let mut samples = 0_u32;
    let mut copies = Told::default();
    // Both are kept across the turns: where something is committed all the time, a fresh one would never be over.
    let (mut sample, mut told) = (clock.sleep(SAMPLE), clock.sleep(Duration::ZERO));
    let mut may_tell = false;
    loop {
        let by_timer = tokio::select! {
            () = &mut sample => {
                sample = clock.sleep(SAMPLE);
                true
            }
            () = &mut told, if !may_tell => {
                may_tell = true;
                continue;
            }
            changed = committed.changed(), if may_tell => match changed {
                Ok(()) => false,
                Err(_) => return,
            },
        };
        let Some(shared) = app.upgrade() else { return };
        let mut known = *committed.borrow();
        if by_timer {
            let progress = shared.engine.progress();
            // One empty message after the last sample lets a front end show that nothing moves.
            if moving || !progress.is_empty() {
                moving = !progress.is_empty();
                let _ = shared.events.send(progress_event(progress));
            }
            samples = samples.wrapping_add(1);
            if !samples.is_multiple_of(LOOK_AT_OTHERS) {
                continue;
            }
            if let Err(error) = shared.follow_settings().await {
                tracing::warn!(%error, "the settings cannot be read");
            }
            if let Err(problem) = shared.tell_of_copies(&mut copies).await {
                tracing::warn!(message = problem.message, "copies could not be told of");
            }
            match shared.store.last_event().await {
                Ok(newest) if newest > *shared.told.lock().await => {
                    if newest > known {
                        shared.engine.wake();
                    }
                    known = newest.max(known);
                }
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(%error, "the event log cannot be read");
                    continue;
                }
            }
        }
        if let Err(error) = shared.tell_committed(known).await {
            tracing::warn!(%error, "events could not be told");
        }
        (told, may_tell) = (clock.sleep(TELL), false);
    }
}

fn progress_event(progress: Vec<Progress>) -> AppEvent {
    let samples: Vec<ProgressSample> = progress
        .into_iter()
        .map(|progress| ProgressSample {
            id: progress.id.0,
            bytes: progress.bytes,
            bytes_per_second: progress.bytes_per_second,
            seconds_left: progress.seconds_left,
            verified_bytes: progress.verified_bytes,
            parts_in_flight: progress.parts_in_flight,
        })
        .collect();
    let bytes_per_second = samples.iter().map(|sample| sample.bytes_per_second).sum();
    AppEvent::Progress { samples, bytes_per_second }
}
