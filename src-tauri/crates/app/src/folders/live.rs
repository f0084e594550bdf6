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
use labferry_model::{
    Health, NotSent, Problem, ProblemCode, RuleId, Timestamp, WatchRule, WatchState, WatchedFile,
    WatchedState,
};
use labferry_store::{WatchedFolder, Watching as WatchLock};
use labferry_watch::{Left, Watch, settle::Coming};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// How often the process that watches says that it does, even if nothing changed.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(60);
/// How long after the last such word a folder is taken not to answer: two words and a half that did not come.
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
    /// What was said last and when, by the clock that nobody sets. It counts here even where the database cannot be
    /// written.
    pub(crate) said: Option<(Live, Duration)>,
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
    /// Shows other processes that this one watches; none while that cannot be.
    pub(crate) fn begin_watching(&self) -> Option<WatchLock> {
        let ownership = self.ownership.lock().unwrap_or_else(PoisonError::into_inner);
        self.folder.try_watch(ownership.as_ref()?).unwrap_or_else(|error| {
            tracing::warn!(%error, "that this process watches cannot be shown to others");
            None
        })
    }

    /// What was said last of a rule, and how long ago.
    fn said(&self, folder: &WatchedFolder) -> (Live, Duration) {
        let here = {
            let kept = self.watching.live.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get(&folder.id.0).and_then(|kept| kept.said.clone())
        };
        if let Some((live, at)) = here {
            return (live, self.clock.monotonic().saturating_sub(at));
        }
        let live: Live =
            folder.live.clone().and_then(|live| serde_json::from_value(live).ok()).unwrap_or_default();
        let silent = self.clock.now().since(Timestamp(live.heard));
        (live, silent)
    }

    /// A rule and how it stands.
    pub(crate) async fn folder_row(&self, folder: &WatchedFolder) -> Result<FolderRow, ProblemWords> {
        let now = self.clock.now();
        let (live, silent) = self.said(folder);
        let since = Timestamp(now.0.saturating_sub(i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX)));
        let (counts, done_lately) = self.store.watched_counts(&folder.ledger(), since).await?;
        let count = |state| counts.get(&state).copied().unwrap_or(0);
        let watched = self.folder.is_watched();
        let (state, problem) = standing(&folder.rule, watched, &live, silent);
        let runs = watched && live.heard > 0;
        let running = |number: u64| if runs { number } else { 0 };
        let hours: Vec<_> = folder.rule.hours.iter().map(in_week).collect();
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

/// How a rule stands, and why not better. Whether anybody watches is told by the lock, not by how old the last word is.
fn standing(
    rule: &WatchRule,
    watched: bool,
    live: &Live,
    silent: Duration,
) -> (&'static str, Option<Problem>) {
    if rule.paused {
        return (WatchState::Paused.name(), None);
    }
    if !watched {
        return ("not_running", None);
    }
    if live.heard == 0 {
        // Made a moment ago, or the process that watches began a moment ago.
        return (WatchState::Starting.name(), None);
    }
    if silent >= SILENT {
        let why = format!("it has not answered for {} minutes", silent.as_secs() / 60);
        let problem =
            Problem::new(ProblemCode::FolderUnreadable).about(rule.folder.display().to_string()).because(why);
        return (WatchState::Degraded.name(), Some(problem));
    }
    (live.health.state.name(), live.health.problem.clone())
}

impl App {
    /// At the start: what a process said that is gone is not true any more. False where that could not be written down.
    pub(crate) async fn forget_what_was_said(&self) -> bool {
        let Ok(folders) = self.shared.store.watched_folders().await else { return false };
        for folder in folders.into_iter().filter(|folder| folder.live.is_some()) {
            if !self.unsay(folder.id).await {
                return false;
            }
        }
        true
    }

    async fn unsay(&self, id: RuleId) -> bool {
        let written = self.shared.store.set_watched_live(id, &serde_json::json!({})).await;
        if let Err(error) = &written {
            tracing::debug!(%error, "that nobody watches could not be written down");
        }
        written.is_ok()
    }

    /// At the end: what was said of files that come to rest is not true any more.
    pub(crate) async fn say_nobody_watches(&self) {
        let watched: Vec<i64> = {
            let mut live = self.shared.watching.live.lock().unwrap_or_else(PoisonError::into_inner);
            live.drain().map(|(id, _)| id).collect()
        };
        for id in watched {
            self.unsay(RuleId(id)).await;
        }
    }

    /// Says that a rule is being watched as it was said last: for something that takes long.
    pub(super) async fn say_still_here(&self, folder: &WatchedFolder) -> Result<(), ProblemWords> {
        let (live, _) = self.shared.said(folder);
        self.tell_folder(folder, &Live { heard: self.shared.clock.now().0, ..live }).await
    }

    /// Tells listeners how a rule stands, and writes it down for other processes.
    pub(crate) async fn tell_folder(&self, folder: &WatchedFolder, live: &Live) -> Result<(), ProblemWords> {
        let now = self.shared.clock.monotonic();
        {
            let mut kept = self.shared.watching.live.lock().unwrap_or_else(PoisonError::into_inner);
            kept.entry(folder.id.0).or_default().said = Some((live.clone(), now));
        }
        let written = serde_json::to_value(live).map_err(crate::problem_text::internal)?;
        let written = self.shared.store.set_watched_live(folder.id, &written).await;
        // Those who listen here hear it even where the database's disk is full.
        if self.shared.events.receiver_count() > 0 {
            let row = Box::new(self.shared.folder_row(folder).await?);
            self.tell(AppEvent::Folder { row });
        }
        Ok(written?)
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_says_whether_somebody_watches_and_silence_that_a_folder_does_not_answer() {
        let rule = serde_json::json!({
            "folder": "/in", "account": "lab", "place": "abcd", "subfolders": true, "ignore_temporary": true,
        });
        let mut rule: WatchRule = serde_json::from_value(rule).unwrap();
        let mut live =
            Live { health: Health { state: WatchState::Watching, problem: None }, ..Live::default() };
        let long = SILENT + Duration::from_secs(30);
        let state = |rule: &WatchRule, watched, live: &Live, silent| {
            let (state, problem) = standing(rule, watched, live, silent);
            (state, problem.map(|problem| problem.code))
        };
        assert_eq!(state(&rule, true, &live, long), ("starting", None));
        live.heard = 7;
        assert_eq!(state(&rule, true, &live, Duration::ZERO), ("watching", None));
        assert_eq!(state(&rule, false, &live, Duration::ZERO), ("not_running", None), "killed a moment ago");
        let unanswered = Some(ProblemCode::FolderUnreadable);
        assert_eq!(state(&rule, true, &live, long), ("degraded", unanswered));
        rule.paused = true;
        assert_eq!(state(&rule, false, &live, long), ("paused", None));
    }
}
