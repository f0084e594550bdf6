//! What a rule would do now: the dry run, and what a rule leaves out because it was there before.

use crate::{
    app::App,
    folders::{live, packed::OneRun, send},
    problem_text::{internal, invalid, words},
    uploads,
    wire::{answers::*, folders::*},
};
use labferry_engine::preflight::SourceItem;
use labferry_model::{
    Backlog, FoundFile, NotSent, Problem, ProblemCode, ShapeChoice, Timestamp, WatchRule, WatchedFile,
    WatchedState,
};
use labferry_watch::{Item, Left, NameRules, fingerprint, medium, names::folded, scan, settle::MOST_IN_RUNS};
use std::{collections::HashMap, path::Path};

/// Rows of each kind in an answer.
const SHOWN: usize = 1_000;

impl App {
    /// What a rule would do now, without making it.
    ///
    /// # Errors
    /// A rule that makes no sense, or a folder that cannot be watched.
    pub async fn folders_check(&self, request: FolderRule) -> Result<FolderCheck, ProblemWords> {
        let changed = self.shared.store.watched_folders().await?.into_iter().find(|folder| {
            let rule = live_rule(&folder.rule);
            rule == (
                request.account.clone(),
                crate::browse::clean(&request.place).to_owned(),
                request.folder.clone(),
            )
        });
        let (rule, _) = self.rule(&request, changed.map(|folder| folder.id)).await?;
        let (account, provider) = self.provider(rule.account.as_str()).await?;
        let facts = match &rule.record_template {
            Some(_) => provider.capabilities().await.ok(),
            None => uploads::facts(provider.as_ref(), &account, &rule.place).await?,
        };
        let now = self.shared.clock.now();
        let items = look_through(&rule).await?;
        let names = NameRules::new(&rule).ok();
        let mut check = FolderCheck::default();
        let mut spellings: HashMap<String, String> = HashMap::new();
        for item in items {
            let left = match item {
                Item::Left { name, why } => Left { name, why },
                Item::Found(file) => match would_leave(&rule, &file) {
                    Some(why) => Left { name: file.key, why },
                    None => {
                        let item = SourceItem {
                            local: rule.folder.join(&file.path),
                            name: sent_as(&rule, names.as_ref(), &file.key),
                            size: file.fingerprint.size,
                        };
                        match uploads::check(&item, provider.as_ref(), facts.as_ref(), ShapeChoice::Auto) {
                            Err(problem) => Left { name: file.key, why: NotSent::Refused { problem } },
                            Ok(()) => {
                                if let Some(other) = spellings.insert(folded(&file.key), file.key.clone()) {
                                    check.notes.push(twins(&other, &file.key));
                                }
                                check.send_files += 1;
                                check.send_bytes += file.fingerprint.size;
                                if check.send.len() < SHOWN {
                                    check.send.push(live::file_row(
                                        &rule,
                                        &send::written(file, WatchedState::Settling, None, now),
                                    ));
                                }
                                continue;
                            }
                        }
                    }
                },
            };
            check.leave_files += 1;
            if check.leave.len() < SHOWN {
                check.leave.push(live::left_row(&left));
            }
        }
        check.notes.truncate(SHOWN);
        let shown = rule.folder.display().to_string();
        if let Some(kind) = medium::network(&rule.folder) {
            check.notes.push(words(&Problem::new(ProblemCode::FolderOnNetwork).about(shown).because(kind)));
        }
        Ok(check)
    }

    /// The files that a rule leaves out because they were there before it.
    pub(super) async fn found_before(
        &self,
        rule: &WatchRule,
        now: Timestamp,
    ) -> Result<Vec<WatchedFile>, ProblemWords> {
        let items = look_through(rule).await?;
        let before = items.into_iter().filter_map(|item| match item {
            Item::Found(file) if is_before(rule, &file) => {
                Some(send::written(file, WatchedState::Ignored, Some(NotSent::Before), now))
            }
            _ => None,
        });
        Ok(before.collect())
    }
}

fn live_rule(rule: &WatchRule) -> (String, String, String) {
    (rule.account.to_string(), rule.place.clone(), rule.folder.display().to_string())
}

/// The name under which a file arrives: its own, or that of the archive it is in.
fn sent_as(rule: &WatchRule, names: Option<&NameRules>, key: &str) -> String {
    let run = names.filter(|_| rule.archive_runs).and_then(|names| names.run_of(key)).map(|of| of.run);
    let inside = run.filter(|run| key.strip_prefix(run.as_str()).is_some_and(|rest| rest.starts_with('/')));
    inside.map_or_else(|| key.to_owned(), |run| OneRun::archive(&run))
}

fn is_before(rule: &WatchRule, file: &FoundFile) -> bool {
    match rule.backlog {
        Backlog::All => false,
        Backlog::Now => true,
        Backlog::Since { at } => file.fingerprint.modified_ns / 1_000_000 < at.0,
    }
}

/// Why a file that is there would not be sent by itself.
fn would_leave(rule: &WatchRule, file: &FoundFile) -> Option<NotSent> {
    if is_before(rule, file) {
        return Some(NotSent::Before);
    }
    (file.fingerprint.size == 0).then_some(NotSent::Empty)
}

/// Everything in the rule's folder.
async fn look_through(rule: &WatchRule) -> Result<Vec<Item>, ProblemWords> {
    let (rule, shown) = (rule.clone(), rule.folder.display().to_string());
    let looked = tokio::task::spawn_blocking(move || {
        // Patterns were read when the rule was.
        let Ok(names) = NameRules::new(&rule) else { return Ok(Ok(Vec::new())) };
        let mut all = Vec::new();
        let told = scan(&rule.folder, &rule.folder, &names, |items| {
            all.extend(items);
            // Memory stays bounded: ten times what a rule follows at once is more than anybody reads.
            if all.len() > 10 * MOST_IN_RUNS { Err(()) } else { Ok(()) }
        });
        told.map(|looked| looked.map(|_| all))
    });
    let looked = looked.await.map_err(internal)?;
    let looked = looked.map_err(|()| {
        invalid("the folder has more than two million files; watch folders inside it one by one")
    })?;
    looked.map_err(|error| {
        words(&Problem::new(ProblemCode::FolderUnreadable).about(shown).because(error.to_string()))
    })
}

fn twins(one: &str, other: &str) -> ProblemWords {
    words(&Problem::new(ProblemCode::NameTaken).about(other).because(format!(
        "{one} differs from it only by case, which some systems and services do not tell apart"
    )))
}

/// A file by its name in the rule's folder, whatever way its accents are written there.
pub(super) fn look_by_name(root: &Path, name: &str) -> Option<FoundFile> {
    let mut folder = root.to_path_buf();
    let mut inside = std::path::PathBuf::new();
    for part in name.split('/') {
        if part.is_empty() || part == "." || part == ".." {
            return None;
        }
        let exact = folder.join(part);
        let entry = if exact.symlink_metadata().is_ok() {
            std::ffi::OsString::from(part)
        } else {
            let entries = std::fs::read_dir(&folder).ok()?.flatten();
            let same = |entry: &std::fs::DirEntry| {
                labferry_watch::names::key_of(Path::new(&entry.file_name())).is_some_and(|key| key == part)
            };
            entries.into_iter().find(same)?.file_name()
        };
        folder.push(&entry);
        inside.push(&entry);
    }
    let found = std::fs::symlink_metadata(&folder).ok()?;
    found.is_file().then(|| FoundFile {
        key: name.to_owned(),
        path: inside,
        fingerprint: fingerprint(&found),
    })
}
