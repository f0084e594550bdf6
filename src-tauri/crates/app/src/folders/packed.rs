//! Runs that go as one archive: all of a folder or none of it, each of its files in the ledger with its own digest.

use crate::{
    app::App,
    folders::{
        live::HEARTBEAT,
        send::{Way, sha256_of, written},
    },
    problem_text::{internal, words},
    uploads,
    wire::answers::ProblemWords,
};
use labferry_engine::{archive::most_bytes, preflight::SourceItem};
use labferry_model::{
    ClashPolicy, DigestSet, Direction, FoundFile, NotSent, Problem, ProblemCode, ShapeChoice, TransferId,
    VerifyChoice, WatchRule, WatchedFile, WatchedState, transfer::NewTransfer,
};
use labferry_store::WatchedFolder;
use labferry_watch::{Item, NameRules, scan};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// A run that is a folder.
#[derive(Debug, Clone)]
pub(super) struct OneRun {
    /// Its name: the folder's path inside the watched one.
    pub(super) run: String,
    /// The same path with the system's own bytes.
    folder: PathBuf,
}

impl OneRun {
    /// The run of that file, where the rule sends it as one.
    pub(super) fn of(rule: &WatchRule, run: Option<&str>, file: Option<&FoundFile>) -> Option<Self> {
        let (run, file) = (run?, file?);
        let folder: PathBuf = file.path.components().take(run.split('/').count()).collect();
        let goes = rule.archive_runs && rule.folder.join(&folder).is_dir();
        goes.then(|| Self { run: run.to_owned(), folder })
    }

    /// The archive's name on the service: a name without folders, whatever lies around the run.
    pub(super) fn archive(run: &str) -> String {
        format!("{}.zip", run.replace('/', "__"))
    }

    /// Its files as they are now, in the order of their names.
    fn files(&self, rule: &WatchRule) -> Vec<FoundFile> {
        let mut found = Vec::new();
        // Patterns were read when the rule was.
        let Ok(names) = NameRules::new(rule) else { return found };
        let ours = |file: &FoundFile| names.run_of(&file.key).is_some_and(|of| of.run == self.run);
        let looked = scan(&rule.folder, &rule.folder.join(&self.folder), &names, |items| {
            found.extend(items.into_iter().filter_map(|item| match item {
                Item::Found(file) if ours(&file) => Some(file),
                _ => None,
            }));
            Ok::<(), std::convert::Infallible>(())
        });
        if let Ok(Err(error)) = looked {
            // It went away: nothing is in it.
            tracing::debug!(run = self.run, %error, "a run cannot be looked through");
            found.clear();
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        found
    }

    /// The same as what an archive is made of; the names in it begin with the run folder's own.
    fn items(&self, root: &Path, files: &[FoundFile]) -> Vec<SourceItem> {
        let around = self.run.rfind('/').map_or(0, |slash| slash + 1);
        let item = |file: &FoundFile| SourceItem {
            local: root.join(&file.path),
            name: file.key.get(around..).unwrap_or(&file.key).to_owned(),
            size: file.fingerprint.size,
        };
        files.iter().map(item).collect()
    }
}

impl App {
    /// Packs a run and queues its archive. `answer` is what a person said of a run that was sent before and changed. False
    /// when the run is not at rest after all and must be looked at again.
    pub(super) async fn send_run(
        &self,
        folder: &WatchedFolder,
        way: &Way,
        place: &str,
        one: &OneRun,
        answer: Option<ClashPolicy>,
    ) -> Result<bool, ProblemWords> {
        let rule = &folder.rule;
        let files = self.files_of(folder, one).await?;
        let keys: Vec<&str> = files.iter().map(|file| file.key.as_str()).collect();
        let known = self.shared.store.watched_known(&way.ledger, &keys).await?;
        if files.is_empty() || known.values().any(|row| row.state == WatchedState::Queued) {
            return Ok(true);
        }
        let mut on_clash = answer.unwrap_or(rule.on_clash);
        let was_sent =
            known.values().any(|row| matches!(row.state, WatchedState::Done | WatchedState::Changed));
        if answer.is_none() && was_sent {
            let changed = self.changed_in(folder, way, one, &files, &known).await?;
            let versions = way.facts.as_ref().is_some_and(|facts| facts.file_versions);
            if changed.is_empty() || !versions {
                self.shared.store.put_watched(&way.ledger, changed).await?;
                return Ok(true);
            }
            on_clash = ClashPolicy::Version;
        }
        let name = OneRun::archive(&one.run);
        let items = one.items(&rule.folder, &files);
        let local = self.staged(&rule.account, place, &rule.folder.join(&one.folder), &name);
        let item = SourceItem { local: local.clone(), name: name.clone(), size: most_bytes(&items) };
        let fits = uploads::check(&item, way.provider.as_ref(), way.facts.as_ref(), ShapeChoice::Auto);
        if let Err(problem) = fits {
            self.refuse(way, one, files, &known, &problem).await?;
            return Ok(true);
        }
        let packed = match self.pack_run(folder, one, local.clone()).await? {
            Ok(packed) => packed,
            Err(problem) if problem.code == ProblemCode::SourceChanged => return Ok(false),
            // Waits for room, and says so.
            Err(problem) if problem.code == ProblemCode::DiskFull => return Err(words(&problem)),
            Err(problem) => {
                self.refuse(way, one, files, &known, &problem).await?;
                return Ok(true);
            }
        };
        // What is in the archive must be what the ledger is told.
        if self.files_of(folder, one).await? != files || packed.members.len() != files.len() {
            return Ok(false);
        }
        let transfer = NewTransfer {
            direction: Direction::Upload,
            account: rule.account.clone(),
            place: place.to_owned(),
            name,
            local,
            size: Some(packed.bytes),
            on_clash,
            shape: ShapeChoice::Auto,
            verify: VerifyChoice::Auto,
            metadata: way.metadata(rule, &one.run),
        };
        let rows = files.into_iter().zip(&packed.members).map(|(found, member)| WatchedFile {
            run: Some(one.run.clone()),
            first_seen: known.get(&found.key).map_or(way.now, |old| old.first_seen),
            digests: DigestSet { sha256: Some(member.sha256.clone()), ..DigestSet::default() },
            ..written(found, WatchedState::Queued, None, way.now)
        });
        self.queue_run(way, transfer, rows.collect()).await?;
        drop(packed);
        Ok(true)
    }

    async fn files_of(&self, folder: &WatchedFolder, one: &OneRun) -> Result<Vec<FoundFile>, ProblemWords> {
        let (rule, one) = (folder.rule.clone(), one.clone());
        tokio::task::spawn_blocking(move || one.files(&rule)).await.map_err(internal)
    }

    /// Packs a run, and says now and then that the rule is being watched.
    async fn pack_run(
        &self,
        folder: &WatchedFolder,
        one: &OneRun,
        to: PathBuf,
    ) -> Result<Result<labferry_engine::archive::Packed, Problem>, ProblemWords> {
        let (rule, run) = (folder.rule.clone(), one.clone());
        let list = move || run.items(&rule.folder, &run.files(&rule));
        let mut packing = std::pin::pin!(self.pack(list, to));
        loop {
            tokio::select! {
                packed = &mut packing => return Ok(packed),
                () = self.shared.clock.sleep(HEARTBEAT) => self.say_still_here(folder).await?,
            }
        }
    }

    /// The files of a run that are not as they were when it was sent, to be written down as such. Those that have the same
    /// bytes at another time are written down at once.
    async fn changed_in(
        &self,
        folder: &WatchedFolder,
        way: &Way,
        one: &OneRun,
        files: &[FoundFile],
        known: &HashMap<String, WatchedFile>,
    ) -> Result<Vec<WatchedFile>, ProblemWords> {
        let (mut changed, mut touched) = (Vec::new(), Vec::new());
        for file in files {
            let row = |old: &WatchedFile, state| WatchedFile {
                found: file.clone(),
                state,
                changed: way.now,
                ..old.clone()
            };
            match known.get(&file.key) {
                Some(old) if old.state == WatchedState::Done && old.found.fingerprint == file.fingerprint => {
                }
                Some(old) => {
                    let same = old.state == WatchedState::Done
                        && old.digests.sha256.is_some()
                        && old.found.fingerprint.size == file.fingerprint.size
                        && sha256_of(&folder.rule.folder.join(&file.path)).await? == old.digests.sha256;
                    let rows = if same { &mut touched } else { &mut changed };
                    rows.push(row(old, if same { WatchedState::Done } else { WatchedState::Changed }));
                }
                None => changed.push(WatchedFile {
                    run: Some(one.run.clone()),
                    ..written(file.clone(), WatchedState::Changed, None, way.now)
                }),
            }
        }
        self.shared.store.put_watched(&way.ledger, touched).await?;
        Ok(changed)
    }

    /// Writes down that a run cannot be sent.
    async fn refuse(
        &self,
        way: &Way,
        one: &OneRun,
        files: Vec<FoundFile>,
        known: &HashMap<String, WatchedFile>,
        problem: &Problem,
    ) -> Result<(), ProblemWords> {
        let rows = files.into_iter().map(|found| WatchedFile {
            run: Some(one.run.clone()),
            first_seen: known.get(&found.key).map_or(way.now, |old| old.first_seen),
            ..written(
                found,
                WatchedState::Failed,
                Some(NotSent::Refused { problem: problem.clone() }),
                way.now,
            )
        });
        Ok(self.shared.store.put_watched(&way.ledger, rows.collect()).await?)
    }

    async fn queue_run(
        &self,
        way: &Way,
        transfer: NewTransfer,
        rows: Vec<WatchedFile>,
    ) -> Result<(), ProblemWords> {
        let mut transfers = vec![transfer];
        // The same archive may have been on its way when the ledger forgot it: that upload goes on and counts.
        let continued = self.go_on_each(&mut transfers).await?;
        if let Some(id) = continued.get(&0) {
            let rows = rows.into_iter().map(|row| WatchedFile { transfer: Some(TransferId(*id)), ..row });
            return Ok(self.shared.store.put_watched(&way.ledger, rows.collect()).await?);
        }
        let uploads = transfers.into_iter().map(|transfer| (transfer, rows.clone())).collect();
        self.shared.store.queue_watched(&way.ledger, uploads, way.now).await?;
        Ok(())
    }
}
