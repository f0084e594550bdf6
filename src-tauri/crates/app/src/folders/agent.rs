//! The process that owns the data folder watches: one task a rule, started and stopped as rules come and go.

use crate::{
    app::App,
    folders::{
        live::{HEARTBEAT, Live},
        sidecar::Waiting,
    },
    problem_text::{internal, invalid},
    wire::{answers::ProblemWords, events::AppEvent},
};
use labferry_engine::Ask;
use labferry_model::{
    FoundFile, Health, Problem, ProblemCode, State, WatchRule, WatchState, WatchedFile, WatchedState,
};
use labferry_store::{Ledger, WatchedFolder};
use labferry_watch::{BadPattern, Settings, Watch};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::task::JoinHandle;

/// How often rules that another process changed are looked for.
const LOOK: Duration = Duration::from_secs(2);
/// Least time between two turns: a file that is written all the time is announced all the time.
const BREATH: Duration = Duration::from_millis(250);
/// How long a rule that failed rests.
const AFTER_TROUBLE: Duration = Duration::from_secs(10);
/// How often proven files whose time to be put away comes are looked for.
const PUT_AWAY: Duration = HEARTBEAT;
/// Uploads of a rule in the queue beyond which it looks for no more.
const MOST_QUEUED: u64 = 10_000;

/// A rule that is being watched.
struct Watched {
    rule: WatchRule,
    identity: Option<(u64, u64)>,
    task: JoinHandle<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Watches every rule's folder until the app stops.
pub(crate) async fn watch_folders(app: App) {
    let mut watched: HashMap<i64, Watched> = HashMap::new();
    // Forgotten before anybody is told that somebody watches again: no word of an earlier process is taken for ours.
    let _watching = loop {
        if app.forget_what_was_said().await
            && let Some(watching) = app.shared.begin_watching()
        {
            break watching;
        }
        app.shared.clock.sleep(BREATH).await;
    };
    loop {
        match app.shared.store.watched_folders().await {
            Ok(folders) => follow_rules(&app, &mut watched, folders),
            Err(error) => tracing::warn!(%error, "the watched folders cannot be read"),
        }
        tokio::select! {
            () = app.shared.watching.changed.notified() => {}
            () = app.shared.clock.sleep(LOOK) => {}
        }
    }
}

fn follow_rules(app: &App, watched: &mut HashMap<i64, Watched>, folders: Vec<WatchedFolder>) {
    let before = watched.len();
    watched.retain(|id, task| {
        folders.iter().any(|folder| {
            folder.id.0 == *id
                && !folder.rule.paused
                && folder.rule == task.rule
                && folder.identity == task.identity
                && !task.task.is_finished()
        })
    });
    if watched.len() != before {
        let mut live = app.shared.watching.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|id, _| watched.contains_key(id));
        drop(live);
        app.tell(AppEvent::FoldersChanged);
    }
    for folder in folders {
        if folder.rule.paused || watched.contains_key(&folder.id.0) {
            continue;
        }
        let (rule, identity) = (folder.rule.clone(), folder.identity);
        let id = folder.id.0;
        let task = tokio::spawn(watch_folder(app.clone(), folder));
        watched.insert(id, Watched { rule, identity, task });
    }
}

/// Watches one rule's folder. Trouble with it is told and passes by itself, or with a change of the rule.
async fn watch_folder(app: App, folder: WatchedFolder) {
    loop {
        let Err(problem) = run(&app, &folder).await;
        tracing::warn!(rule = folder.id.0, message = problem.message, "watching was interrupted");
        let shown = Problem::new(ProblemCode::InvalidRequest).because(problem.message);
        let live = Live {
            heard: app.shared.clock.now().0,
            health: Health { state: WatchState::Degraded, problem: Some(shown) },
            ..Live::default()
        };
        if let Err(problem) = app.tell_folder(&folder, &live).await {
            tracing::warn!(rule = folder.id.0, message = problem.message, "its state cannot be told");
        }
        app.shared.clock.sleep(AFTER_TROUBLE).await;
    }
}

async fn run(app: &App, folder: &WatchedFolder) -> Result<std::convert::Infallible, ProblemWords> {
    let shared = &app.shared;
    let mut said = Said { live: Live::default(), at: None };
    app.learn_what_was_sent(folder).await?;
    let mut watch = new_watch(app, folder).await?;
    let inbox = watch.inbox();
    let mut committed = shared.store.committed();
    let mut due = shared.clock.monotonic();
    let mut put_away = due;
    let (mut waiting, mut look) = (Waiting::default(), due);
    loop {
        let queued = shared.store.watched_queued(folder.id).await?;
        let now = shared.clock.monotonic();
        if queued >= MOST_QUEUED {
            // What is in the queue comes first; nothing is forgotten, because looks find it later.
            due = due.max(now + LOOK);
        } else if now >= due {
            let (back, turn) = turn(app, folder, watch).await?;
            watch = back;
            let turn = turn?;
            if !turn.ready.is_empty() {
                let all = app.send_ready(folder, turn.ready, &mut waiting).await?;
                if !all {
                    watch.look_again(shared.clock.monotonic(), LOOK);
                }
                due = shared.clock.monotonic() + if all { turn.next } else { turn.next.min(LOOK) };
            } else {
                due = shared.clock.monotonic() + turn.next;
            }
        }
        if !waiting.is_empty() && shared.clock.monotonic() >= look {
            if !app.send_ready(folder, waiting.ready(), &mut waiting).await? {
                watch.look_again(shared.clock.monotonic(), LOOK);
            }
            look = shared.clock.monotonic() + LOOK;
        }
        // Nothing is inferred from a folder that is not itself.
        let itself = !matches!(watch.health().state, WatchState::Starting | WatchState::Suspended);
        if itself && shared.clock.monotonic() >= put_away {
            if app.put_away(folder).await? {
                said.at = None;
            }
            put_away = shared.clock.monotonic() + PUT_AWAY;
        }
        said.say(app, folder, &watch, &waiting).await?;
        let wait = due.saturating_sub(shared.clock.monotonic());
        let wait = wait.min(if waiting.is_empty() { HEARTBEAT } else { LOOK });
        tokio::select! {
            () = shared.clock.sleep(wait) => {}
            () = inbox.arrived() => due = shared.clock.monotonic(),
            changed = committed.changed() => {
                changed.map_err(internal)?;
                shared.clock.sleep(BREATH).await;
                if app.learn_what_was_sent(folder).await? {
                    // The watch itself stands as before: only its files' counts are others.
                    said.at = None;
                    put_away = shared.clock.monotonic();
                }
            }
        }
        shared.clock.sleep(BREATH).await;
    }
}

async fn new_watch(app: &App, folder: &WatchedFolder) -> Result<Watch, ProblemWords> {
    let ledger = folder.ledger();
    let any = app.shared.store.watched_files(&ledger, &[], None, 1).await?;
    let settings = Settings {
        rule: folder.rule.clone(),
        identity: folder.identity,
        was_full: !any.is_empty(),
        seed: folder.id.0.unsigned_abs(),
    };
    Watch::new(settings).map_err(|BadPattern { pattern, cause }| {
        invalid(format!("the pattern \"{pattern}\" cannot be used: {cause}"))
    })
}

type Turned = (Watch, Result<labferry_watch::Turn, ProblemWords>);

/// A turn blocks on the disk, so it has a thread of its own.
async fn turn(app: &App, folder: &WatchedFolder, mut watch: Watch) -> Result<Turned, ProblemWords> {
    let (asked, clock) = (app.clone(), Arc::clone(&app.shared.clock));
    let (ledger, root) = (folder.ledger(), folder.rule.folder.clone());
    let runtime = tokio::runtime::Handle::current();
    let turned = tokio::task::spawn_blocking(move || {
        let mut known = |files: &[FoundFile]| runtime.block_on(known(&asked, &ledger, &root, files));
        let turn = watch.turn(&*clock, &mut known);
        (watch, turn)
    });
    turned.await.map_err(internal)
}

/// Whether the ledger has each of these files as it is now. Only size and time are compared: they need no reading, and the
/// numbers of some network file systems change by themselves.
async fn known(
    app: &App,
    ledger: &Ledger,
    root: &Path,
    files: &[FoundFile],
) -> Result<Vec<bool>, ProblemWords> {
    let keys: Vec<&str> = files.iter().map(|file| file.key.as_str()).collect();
    let rows = app.shared.store.watched_known(ledger, &keys).await?;
    let mut known = Vec::with_capacity(files.len());
    for file in files {
        known.push(match rows.get(&file.key) {
            None => false,
            Some(row) if row.state == WatchedState::Queued && !same(row, file) => {
                !withdrawn(app, ledger, row).await?
            }
            Some(row) => is_known(row, root, file),
        });
    }
    Ok(known)
}

/// Takes a file that changed out of the queue while its upload has not begun: it must come to rest again. One that has
/// begun is the engine's, which sends no mixture; true when it was taken out.
async fn withdrawn(app: &App, ledger: &Ledger, row: &WatchedFile) -> Result<bool, ProblemWords> {
    let Some(id) = row.transfer else { return Ok(false) };
    let upload = app.shared.store.transfer(id).await?;
    if !upload.is_some_and(|upload| upload.attempts == 0 && matches!(upload.state, State::Waiting { .. })) {
        return Ok(false);
    }
    if app.shared.engine.ask(id, Ask::Cancel).await.is_err() {
        return Ok(false);
    }
    tracing::info!(
        rule = ledger.rule.0,
        file = row.found.key,
        "changed before it was sent: it must rest again"
    );
    app.shared.store.forget_watched(ledger, std::slice::from_ref(&row.found.key)).await?;
    app.shared.store.clear_transfers(vec![id]).await?;
    app.tell(AppEvent::QueueChanged);
    Ok(true)
}

fn same(row: &WatchedFile, file: &FoundFile) -> bool {
    let (then, now) = (&row.found.fingerprint, &file.fingerprint);
    then.size == now.size && then.modified_ns == now.modified_ns
}

fn is_known(row: &WatchedFile, root: &Path, file: &FoundFile) -> bool {
    same(row, file)
        // Another way to write the same name, while the first is still there.
        || (row.found.path != file.path && root.join(&row.found.path).symlink_metadata().is_ok())
}

/// What was said last of a rule, and when.
struct Said {
    live: Live,
    at: Option<Duration>,
}

impl Said {
    /// Says how the watch stands where that changed, and now and then that somebody watches at all.
    async fn say(
        &mut self,
        app: &App,
        folder: &WatchedFolder,
        watch: &Watch,
        waiting: &Waiting,
    ) -> Result<(), ProblemWords> {
        let now = app.shared.clock.monotonic();
        let (mut live, mut files) = Live::of(watch, now, app.shared.clock.now());
        live.add_waiting(waiting, &mut files);
        {
            let mut kept = app.shared.watching.live.lock().unwrap_or_else(PoisonError::into_inner);
            kept.entry(folder.id.0).or_default().files = files;
        }
        let silent = self.at.is_none_or(|at| now.saturating_sub(at) >= HEARTBEAT);
        if silent || !live.says_the_same(&self.live) {
            app.tell_folder(folder, &live).await?;
            (self.live, self.at) = (live, Some(now));
        }
        Ok(())
    }
}
