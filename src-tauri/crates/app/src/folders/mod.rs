//! Watched folders: rules, what they would do, how they stand, and their files.

mod after;
mod agent;
mod check;
mod live;
mod packed;
mod rule;
mod send;
mod sent;
mod sidecar;

pub(crate) use agent::watch_folders;
pub(crate) use live::Watching;

use crate::{
    app::App,
    problem_text::{internal, invalid, words},
    wire::{answers::*, events::AppEvent, folders::*, requests::Empty},
};
use labferry_model::{Backlog, ClashPolicy, NotSent, RuleId, WatchedFile, WatchedState};
use labferry_store::WatchedFolder;
use std::sync::PoisonError;

/// Rows when the request names no number.
const USUAL_ROWS: u32 = 200;
/// Most rows in an answer.
const MOST_ROWS: u32 = 10_000;

impl App {
    /// Every rule and how it stands.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn folders_list(&self, _: Empty) -> Result<Vec<FolderRow>, ProblemWords> {
        let mut rows = Vec::new();
        for folder in self.shared.store.watched_folders().await? {
            rows.push(self.shared.folder_row(&folder).await?);
        }
        Ok(rows)
    }

    /// Makes a rule. Where it leaves out what is there already, that is written down with it.
    ///
    /// # Errors
    /// A rule that makes no sense, a folder that cannot be watched, a place that takes no files; nothing is made then.
    pub async fn folders_add(&self, request: FolderRule) -> Result<FolderRow, ProblemWords> {
        self.may_change().await?;
        let (rule, identity) = self.rule(&request, None).await?;
        self.takes_files(&rule).await?;
        let now = self.shared.clock.now();
        let before = match rule.backlog {
            Backlog::All => Vec::new(),
            Backlog::Now | Backlog::Since { .. } => self.found_before(&rule, now).await?,
        };
        let id = self.shared.store.add_watched_folder(rule, identity, before, now).await?;
        self.shared.follow_settings().await?;
        tracing::info!(rule = id.0, "a folder is watched");
        self.folders_changed();
        self.shared.folder_row(&self.folder(id.0).await?).await
    }

    /// Changes a rule. Its folder stays; for another place a ledger of its own begins, and what is there already is sent
    /// to it.
    ///
    /// # Errors
    /// As [`App::folders_add`], and another folder.
    pub async fn folders_edit(&self, request: EditFolder) -> Result<FolderRow, ProblemWords> {
        self.may_change().await?;
        let folder = self.folder(request.id).await?;
        let (mut rule, identity) = self.rule(&request.rule, Some(folder.id)).await?;
        if rule.folder != folder.rule.folder {
            return Err(invalid(format!(
                "rule {} watches {}; for another folder make another rule",
                folder.id,
                folder.rule.folder.display()
            )));
        }
        self.takes_files(&rule).await?;
        rule.paused = folder.rule.paused;
        self.shared.store.set_watched_rule(folder.id, &rule, identity).await?;
        self.shared.follow_settings().await?;
        self.folders_changed();
        self.shared.folder_row(&self.folder(request.id).await?).await
    }

    /// Pauses rules: nothing is looked at and nothing is queued. Uploads in the queue go on.
    ///
    /// # Errors
    /// A rule that does not exist.
    pub async fn folders_pause(&self, request: FolderSelection) -> Result<Changed, ProblemWords> {
        self.set_paused(request, true).await
    }

    /// Lets paused rules go on. The folder as it is now is taken for the right one.
    ///
    /// # Errors
    /// A rule that does not exist.
    pub async fn folders_resume(&self, request: FolderSelection) -> Result<Changed, ProblemWords> {
        self.set_paused(request, false).await
    }

    async fn set_paused(&self, request: FolderSelection, paused: bool) -> Result<Changed, ProblemWords> {
        self.may_change().await?;
        let mut changed = 0;
        for folder in self.selected(request).await? {
            let mut rule = folder.rule;
            let root = rule.folder.clone();
            let found = tokio::task::spawn_blocking(move || labferry_watch::check_root(&root).ok().flatten());
            let found = if paused { None } else { found.await.map_err(internal)? };
            rule.paused = paused;
            self.shared.store.set_watched_rule(folder.id, &rule, found.or(folder.identity)).await?;
            changed += 1;
        }
        self.folders_changed();
        Ok(Changed { changed })
    }

    /// Removes rules and what they remember of their files. Nothing is deleted here or there, and uploads in the queue go
    /// on.
    ///
    /// # Errors
    /// A rule that does not exist.
    pub async fn folders_remove(&self, request: FolderSelection) -> Result<Changed, ProblemWords> {
        self.may_change().await?;
        let mut changed = 0;
        for folder in self.selected(request).await? {
            changed += u64::from(self.shared.store.remove_watched_folder(folder.id).await?);
        }
        self.folders_changed();
        Ok(Changed { changed })
    }

    /// Files of a rule. Those that come to rest and those left out by name are only known to the process that watches.
    ///
    /// # Errors
    /// A rule or filter that does not exist.
    pub async fn folders_files(&self, request: ListFolderFiles) -> Result<FolderFiles, ProblemWords> {
        use WatchedState as S;
        let folder = self.folder(request.id).await?;
        let (live, states): (&[S], &[S]) = match request.filter.as_str() {
            "" | "all" => (
                &[S::Writing, S::Settling, S::Empty, S::Ignored],
                &[S::Queued, S::Done, S::Changed, S::Failed, S::Ignored],
            ),
            "coming" => (&[S::Writing, S::Settling, S::Empty], &[]),
            "queued" => (&[], &[S::Queued]),
            "done" => (&[], &[S::Done]),
            "needs_you" => (&[S::Empty], &[S::Changed, S::Failed]),
            "ignored" => (&[S::Ignored], &[S::Ignored]),
            other => {
                return Err(invalid(format!(
                    "there is no filter \"{other}\"; use all, coming, queued, done, needs_you or ignored"
                )));
            }
        };
        let mut rows = Vec::new();
        if request.after.is_none() {
            let kept = self.shared.watching.live.lock().unwrap_or_else(PoisonError::into_inner);
            let files = kept.get(&request.id).map(|kept| kept.files.as_slice()).unwrap_or_default();
            rows.extend(
                files.iter().filter(|row| live.iter().any(|state| state.name() == row.state)).cloned(),
            );
        }
        let limit = if request.limit == 0 { USUAL_ROWS } else { request.limit.min(MOST_ROWS) };
        let mut next = None;
        if !states.is_empty() {
            let after = request.after.as_deref();
            let files = self.shared.store.watched_files(&folder.ledger(), states, after, limit).await?;
            next = files.last().filter(|_| files.len() >= limit as usize).map(|file| file.found.key.clone());
            rows.extend(files.iter().map(|file| live::file_row(&folder.rule, file)));
        }
        Ok(FolderFiles { rows, next })
    }

    /// Does with files that need a person what that person says.
    ///
    /// # Errors
    /// A rule, file or answer that does not exist, or an answer that makes no sense for a file.
    pub async fn folders_answer(&self, request: AnswerFolderFiles) -> Result<Changed, ProblemWords> {
        let folder = self.folder(request.id).await?;
        let policy = match request.answer.as_str() {
            "send" => None,
            "new_name" => Some(ClashPolicy::Rename),
            "replace" => Some(ClashPolicy::Replace),
            "leave" => return self.leave(&folder, &request.names).await,
            other => {
                return Err(invalid(format!(
                    "an answer is send, new_name, replace or leave, not \"{other}\""
                )));
            }
        };
        let root = folder.rule.folder.clone();
        let names = request.names.clone();
        let found = tokio::task::spawn_blocking(move || {
            let found = names.iter().map(|name| (name.clone(), check::look_by_name(&root, name)));
            found.collect::<Vec<_>>()
        });
        let mut files = Vec::new();
        for (name, found) in found.await.map_err(internal)? {
            match found {
                Some(file) => files.push(file),
                None => {
                    return Err(invalid(format!(
                        "there is no file {name} in {}",
                        folder.rule.folder.display()
                    )));
                }
            }
        }
        let changed = files.len() as u64;
        self.send_anyway(&folder, files, policy).await?;
        self.folders_changed();
        Ok(Changed { changed })
    }

    /// Writes down that files are left as they are now.
    async fn leave(&self, folder: &WatchedFolder, names: &[String]) -> Result<Changed, ProblemWords> {
        let keys: Vec<&str> = names.iter().map(String::as_str).collect();
        let ledger = folder.ledger();
        let known = self.shared.store.watched_known(&ledger, &keys).await?;
        let now = self.shared.clock.now();
        let mut files = Vec::new();
        for name in names {
            let root = folder.rule.folder.clone();
            let asked = name.clone();
            let found = tokio::task::spawn_blocking(move || check::look_by_name(&root, &asked));
            match (known.get(name), found.await.map_err(internal)?) {
                // What was proven stays proven; the file here is another one now.
                (Some(file), _) if file.state == WatchedState::Changed => {
                    files.push(WatchedFile { state: WatchedState::Done, changed: now, ..file.clone() });
                }
                (Some(file), _) if file.state == WatchedState::Failed => {
                    let why = Some(NotSent::GivenUp);
                    files.push(WatchedFile {
                        state: WatchedState::Ignored,
                        why,
                        changed: now,
                        ..file.clone()
                    });
                }
                (None, Some(found)) => {
                    files.push(send::written(found, WatchedState::Ignored, Some(NotSent::GivenUp), now))
                }
                (Some(file), _) => {
                    return Err(invalid(format!(
                        "{name} is {}, so there is nothing to leave",
                        file.state.name()
                    )));
                }
                (None, None) => return Err(invalid(format!("there is no file {name}"))),
            }
        }
        let changed = files.len() as u64;
        self.shared.store.put_watched(&ledger, files).await?;
        self.folders_changed();
        Ok(Changed { changed })
    }

    /// Whether the rule's place takes files. A service that cannot be reached is asked when the first file is ready.
    async fn takes_files(&self, rule: &labferry_model::WatchRule) -> Result<(), ProblemWords> {
        let (account, provider) = self.provider(rule.account.as_str()).await?;
        if rule.record_template.is_some() {
            return match provider.capabilities().await {
                Ok(facts) if !facts.records => Err(invalid(format!(
                    "{account} has no records that could be made for each run; name a place"
                ))),
                _ => Ok(()),
            };
        }
        crate::uploads::facts(provider.as_ref(), &account, &rule.place).await.map(drop)
    }

    pub(crate) async fn folder(&self, id: i64) -> Result<WatchedFolder, ProblemWords> {
        let folders = self.shared.store.watched_folders().await?;
        folders.into_iter().find(|folder| folder.id == RuleId(id)).ok_or_else(|| no_rule(id))
    }

    async fn selected(&self, request: FolderSelection) -> Result<Vec<WatchedFolder>, ProblemWords> {
        let folders = self.shared.store.watched_folders().await?;
        if request.all {
            return Ok(folders);
        }
        if request.ids.is_empty() {
            return Err(invalid("name rules by their numbers, or all"));
        }
        let find =
            |id: &i64| folders.iter().find(|folder| folder.id.0 == *id).cloned().ok_or_else(|| no_rule(*id));
        request.ids.iter().map(find).collect()
    }

    fn folders_changed(&self) {
        self.shared.watching.changed.notify_one();
        self.tell(AppEvent::FoldersChanged);
    }
}

fn no_rule(id: i64) -> ProblemWords {
    words(
        &labferry_model::Problem::new(labferry_model::ProblemCode::InvalidRequest)
            .because(format!("there is no rule {id}; the list of watched folders shows their numbers")),
    )
}
