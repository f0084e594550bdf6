//! How a rule stands, as the process that watches says it: to listeners here, and through the database to other processes.

use crate::{
    app::{App, Shared},
    folders::{after, rule, sidecar::Waiting},
    problem_text::{as_sentence, not_sent, without_numbers, words},
    settings::in_week,
    wire::{
        answers::{DigestsRow, ProblemWords},
        events::AppEvent,
        folders::*,
    },
};
use labferry_engine::holds;
use labferry_model::{Health, NotSent, RuleId, Timestamp, WatchRule, WatchState, WatchedFile, WatchedState};
use labferry_store::WatchedFolder;
use labferry_watch::{Left, Watch, settle::Coming};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Notify;

/// How often the process that watches says that it does, even if nothing changed.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(60);
/// How long after the last such word nobody is taken to watch.
const SILENT: Duration = Duration::from_secs(150);
/// "Lately".
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// From when on a file that does not come to rest is named.
const LONG: Duration = DAY;

/// What watching needs in memory.
#[derive(Default)]
pub(crate) struct Watching {
    /// By rule, while this process watches.
    pub(crate) live: Mutex<HashMap<i64, Kept>>,
    /// Rules were changed.
    pub(crate) changed: Notify,
}

/// What is kept of a rule in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    /// Files that come to rest, and those left out, both bounded.
    pub(crate) files: Vec<FolderFileRow>,
}

/// What goes through the database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Live {
    pub(crate) heard: i64,
    pub(crate) health: Health,
    pub(crate) writing: u64,
    pub(crate) settling: u64,
    pub(crate) empty: u64,
    pub(crate) left: u64,
    pub(crate) more: bool,
    pub(crate) looked: Option<i64>,
    pub(crate) next_look: Option<i64>,
    pub(crate) growing: Option<FolderFileRow>,
}

impl Live {
    /// How that watch stands, with the files it can name.
    pub(crate) fn of(watch: &Watch, monotonic: Duration, now: Timestamp) -> (Self, Vec<FolderFileRow>) {
        let (looked, next) = watch.looked(monotonic);
        let (left, left_in_all) = watch.left();
        let mut live = Self {
            heard: now.0,
            health: watch.health().clone(),
            left: left_in_all,
            more: watch.has_more(),
            looked: looked.map(|at| at.0),
            next_look: Some(now.plus(next).0),
            ..Self::default()
        };
        let mut longest: Option<Coming> = None;
        let mut files = Vec::new();
        for coming in watch.coming(monotonic) {
            match coming.state {
                WatchedState::Writing => live.writing += 1,
                WatchedState::Empty => live.empty += 1,
                _ => live.settling += 1,
            }
            files.push(coming_row(&coming, now));
            if coming.followed >= LONG
                && coming.state != WatchedState::Empty
                && longest.as_ref().is_none_or(|longest| longest.followed < coming.followed)
            {
                longest = Some(coming);
            }
        }
        live.growing = longest.map(|coming| coming_row(&coming, now));
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files.extend(left.iter().map(left_row));
        (live, files)
    }

    /// Counts and names files that are whole and wait for their sidecar.
    pub(crate) fn add_waiting(&mut self, waiting: &Waiting, files: &mut Vec<FolderFileRow>) {
        for waits in waiting.iter() {
            // One that is looked at again meanwhile is counted there.
            let before = files.len();
            files.retain(|row| row.name != waits.file.key);
            let followed = u64::try_from(before - files.len()).unwrap_or_default();
            self.settling = self.settling.saturating_sub(followed);
            self.settling += 1;
            let left =
                Left { name: waits.file.key.clone(), why: NotSent::NoSidecar { cause: waits.cause.clone() } };
            let state = WatchedState::Settling.name().to_owned();
            files.push(FolderFileRow {
                state,
                why: None,
                size: Some(waits.file.fingerprint.size),
                ..left_row(&left)
            });
        }
    }

    /// The same but for what changes by itself as time passes.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let still = |live: &Self| Self { heard: 0, next_look: None, ..live.clone() };
        still(self) == still(other)
    }
}

impl Shared {
    /// Whether this process watches folders, now or in a moment.
    fn watches(&self) -> bool {
        let owns = self.ownership.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        owns && self.in_background.load(Ordering::SeqCst)
    }

    /// A rule and how it stands.
    pub(crate) async fn folder_row(&self, folder: &WatchedFolder) -> Result<FolderRow, ProblemWords> {
        let now = self.clock.now();
        let live: Live =
            folder.live.clone().and_then(|live| serde_json::from_value(live).ok()).unwrap_or_default();
        let since = Timestamp(now.0.saturating_sub(i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX)));
        let (counts, done_lately) = self.store.watched_counts(&folder.ledger(), since).await?;
        let count = |state| counts.get(&state).copied().unwrap_or(0);
        let runs = now.since(Timestamp(live.heard)) < SILENT && live.heard > 0;
        let running = |number: u64| if runs { number } else { 0 };
        let state = if folder.rule.paused {
            WatchState::Paused.name()
        } else if runs {
            live.health.state.name()
        } else if live.heard == 0 && self.watches() {
            // Made a moment ago, and this process is the one that watches it.
            WatchState::Starting.name()
        } else {
            "not_running"
        };
        let hours: Vec<_> = folder.rule.hours.iter().map(in_week).collect();
        let problem = live.health.problem.filter(|_| runs && !folder.rule.paused);
        Ok(FolderRow {
            id: folder.id.0,
            rule: rule::shown(&folder.rule),
            state: state.to_owned(),
            problem: problem.as_ref().map(words),
            counts: FolderCounts {
                writing: running(live.writing),
                settling: running(live.settling),
                empty: running(live.empty),
                ignored: live.left + count(WatchedState::Ignored),
                queued: count(WatchedState::Queued),
                done: count(WatchedState::Done),
                done_lately,
                changed: count(WatchedState::Changed),
                failed: count(WatchedState::Failed),
                more: runs && live.more,
            },
            out_of_hours: !folder.rule.hours.is_empty() && !holds(&hours, &jiff::tz::TimeZone::system(), now),
            still_growing: live.growing.filter(|_| runs),
            created: folder.created.0,
            looked: live.looked,
            next_look: live.next_look.filter(|_| runs),
            heard: (live.heard > 0).then_some(live.heard),
        })
    }
}

impl App {
    /// At the start: what a process said that is gone is not true any more.
    pub(crate) async fn forget_what_was_said(&self) {
        let folders = self.shared.store.watched_folders().await.unwrap_or_default();
        for folder in folders.into_iter().filter(|folder| folder.live.is_some()) {
            self.unsay(folder.id).await;
        }
    }

    async fn unsay(&self, id: RuleId) {
        if let Err(error) = self.shared.store.set_watched_live(id, &serde_json::json!({})).await {
            tracing::debug!(%error, "that nobody watches could not be written down");
        }
    }

    /// At the end: other processes need not wait to see that nobody watches any more.
    pub(crate) async fn say_nobody_watches(&self) {
        let watched: Vec<i64> = {
            let mut live = self.shared.watching.live.lock().unwrap_or_else(PoisonError::into_inner);
            live.drain().map(|(id, _)| id).collect()
        };
        for id in watched {
            self.unsay(RuleId(id)).await;
        }
    }

    /// Tells listeners how a rule stands.
    pub(crate) async fn tell_folder(&self, folder: &WatchedFolder, live: &Live) -> Result<(), ProblemWords> {
        let live = serde_json::to_value(live).map_err(crate::problem_text::internal)?;
        self.shared.store.set_watched_live(folder.id, &live).await?;
        if self.shared.events.receiver_count() > 0 {
            let folder = WatchedFolder { live: Some(live), ..folder.clone() };
            let row = Box::new(self.shared.folder_row(&folder).await?);
            self.tell(AppEvent::Folder { row });
        }
        Ok(())
    }
}

fn coming_row(coming: &Coming, now: Timestamp) -> FolderFileRow {
    let ago = |time: Duration| now.0.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    FolderFileRow {
        name: coming.found.key.clone(),
        state: coming.state.name().to_owned(),
        why: None,
        sentence: None,
        size: Some(coming.found.fingerprint.size),
        run: coming.run.clone(),
        first_seen: Some(ago(coming.followed)),
        changed: None,
        next_look: Some(now.plus(coming.next).0),
        transfer: None,
        digests: DigestsRow::default(),
        remote: None,
        verified: None,
        put_away: None,
        put_away_due: None,
        stays: None,
    }
}

/// A file that is left out.
pub(crate) fn left_row(left: &Left) -> FolderFileRow {
    FolderFileRow {
        name: left.name.clone(),
        state: WatchedState::Ignored.name().to_owned(),
        why: Some(why_name(&left.why)),
        sentence: Some(not_sent(&left.why)),
        size: None,
        run: None,
        first_seen: None,
        changed: None,
        next_look: None,
        transfer: None,
        digests: DigestsRow::default(),
        remote: None,
        verified: None,
        put_away: None,
        put_away_due: None,
        stays: None,
    }
}

/// A file of a rule's ledger.
pub(crate) fn file_row(rule: &WatchRule, file: &WatchedFile) -> FolderFileRow {
    FolderFileRow {
        name: file.found.key.clone(),
        state: file.state.name().to_owned(),
        why: file.why.as_ref().map(why_name),
        sentence: file.why.as_ref().map(not_sent),
        size: Some(file.found.fingerprint.size),
        run: file.run.clone(),
        first_seen: Some(file.first_seen.0),
        changed: Some(file.changed.0),
        next_look: None,
        transfer: file.transfer.map(|id| id.0),
        digests: DigestsRow { sha256: file.digests.sha256.clone(), md5: file.digests.md5.clone() },
        remote: file.remote.clone(),
        verified: file.verified.map(|at| at.0),
        put_away: file.put_away.map(|at| at.0),
        put_away_due: after::due(rule, file).map(|at| at.0),
        stays: file.stays.as_deref().map(|why| as_sentence(&without_numbers(why), None)),
    }
}

fn why_name(why: &NotSent) -> String {
    let value = serde_json::to_value(why).unwrap_or_default();
    value.get("why").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
