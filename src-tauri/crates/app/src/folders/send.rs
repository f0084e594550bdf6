//! Files that are ready: what becomes of each, and their uploads, written down together.

use crate::{
    app::App,
    folders::{
        packed::OneRun,
        rule::path_pattern,
        sidecar::{self, Waiting},
    },
    problem_text::{internal, invalid},
    uploads,
    wire::answers::ProblemWords,
};
use labferry_engine::preflight::SourceItem;
use labferry_model::{
    Capabilities, ClashPolicy, DigestSet, Direction, Duplicates, FoundFile, Metadata, NotSent, ShapeChoice,
    Timestamp, TransferId, VerifyChoice, WatchRule, WatchedFile, WatchedState, transfer::NewTransfer,
};
use labferry_provider::Provider;
use labferry_store::{Ledger, WatchedFolder};
use labferry_watch::Ready;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{HashMap, HashSet},
    io::Read as _,
    path::Path,
    sync::Arc,
};

/// Uploads queued in one transaction.
const AT_ONCE: usize = 2_000;

/// What the rule's service and place are, asked once for all files that are ready together.
pub(super) struct Way {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) facts: Option<Capabilities>,
    pattern: Option<regex::Regex>,
    pub(super) ledger: Ledger,
    pub(super) now: Timestamp,
    /// Metadata that was found beside files, by their keys.
    beside: HashMap<String, Metadata>,
}

impl Way {
    /// Metadata of what lies at that path.
    pub(super) fn metadata(&self, rule: &WatchRule, path: &str) -> Metadata {
        let mut metadata = rule.metadata.clone();
        for (group, value) in groups(self.pattern.as_ref(), path) {
            metadata.insert(group, value.into());
        }
        metadata.extend(self.beside.get(path).cloned().unwrap_or_default());
        metadata
    }
}

/// What becomes of a file.
enum Fate {
    /// Its upload is queued.
    Upload(Box<(NewTransfer, WatchedFile)>),
    /// It is written down and nothing is sent.
    Written(WatchedFile),
    /// It was renamed: the old name is forgotten.
    Renamed(WatchedFile, String),
    /// Nothing: it is on its way already.
    Nothing,
}

impl App {
    /// Queues what is ready; false when some of it must be looked at again soon. What stops here and is asked for again later
    /// does no harm: it is looked at anew.
    pub(super) async fn send_ready(
        &self,
        folder: &WatchedFolder,
        mut ready: Vec<Ready>,
        waiting: &mut Waiting,
    ) -> Result<bool, ProblemWords> {
        let sidecars = self.read_sidecars(&folder.rule, &mut ready, waiting).await?;
        if sidecars.given_up.is_empty() && ready.iter().all(|ready| ready.files.is_empty()) {
            return Ok(true);
        }
        let mut way = self.way(folder).await?;
        way.beside = sidecars.metadata;
        let refused =
            |(file, cause)| written(file, WatchedState::Failed, Some(NotSent::NoSidecar { cause }), way.now);
        let refused: Vec<WatchedFile> = sidecars.given_up.into_iter().map(refused).collect();
        self.shared.store.put_watched(&way.ledger, refused).await?;
        let mut all = true;
        for Ready { run, files } in collected(ready) {
            let place = self.place_of(folder, &way, run.as_deref()).await?;
            if let Some(one) = OneRun::of(&folder.rule, run.as_deref(), files.first()) {
                all &= self.send_run(folder, &way, &place, &one, None).await?;
                continue;
            }
            for files in files.chunks(AT_ONCE) {
                let keys: Vec<&str> = files.iter().map(|file| file.key.as_str()).collect();
                let known = self.shared.store.watched_known(&way.ledger, &keys).await?;
                let mut fates = Vec::with_capacity(files.len());
                for file in files {
                    let old = known.get(&file.key);
                    let mut fate = self.fate(folder, &way, &place, file, old).await?;
                    if let Fate::Upload(upload) = &mut fate {
                        upload.1.run.clone_from(&run);
                    }
                    fates.push(fate);
                }
                self.settle_fates(&way, fates).await?;
            }
        }
        self.shared.engine.wake();
        Ok(all)
    }

    /// Queues files that a person wants sent, whatever the rule says of them.
    pub(super) async fn send_anyway(
        &self,
        folder: &WatchedFolder,
        files: Vec<FoundFile>,
        on_clash: Option<ClashPolicy>,
    ) -> Result<(), ProblemWords> {
        let mut way = self.way(folder).await?;
        if let Some(sidecar) = &folder.rule.sidecar {
            // A person wants it sent: with what its sidecar says, or without.
            let read = |file: &FoundFile| {
                Some((file.key.clone(), sidecar::read(&folder.rule.folder, &file.key, sidecar).ok()?))
            };
            way.beside = files.iter().filter_map(read).collect();
        }
        let mut fates = Vec::new();
        let keys: Vec<&str> = files.iter().map(|file| file.key.as_str()).collect();
        let known = self.shared.store.watched_known(&way.ledger, &keys).await?;
        let mut packed = HashSet::new();
        for file in &files {
            let old = known.get(&file.key);
            let run = old.and_then(|old| old.run.clone());
            let place = self.place_of(folder, &way, run.as_deref()).await?;
            if let Some(one) = OneRun::of(&folder.rule, run.as_deref(), Some(file)) {
                // Whichever of its files was named: it goes as one.
                let answer = Some(on_clash.unwrap_or(folder.rule.on_clash));
                if packed.insert(one.run.clone())
                    && !self.send_run(folder, &way, &place, &one, answer).await?
                {
                    return Err(invalid(format!(
                        "{} changed while it was packed; say it again once it rests",
                        one.run
                    )));
                }
                continue;
            }
            let mut upload = self.upload(folder, &way, &place, file, old);
            if let Fate::Upload(upload) = &mut upload {
                upload.0.on_clash = on_clash.unwrap_or(upload.0.on_clash);
                upload.1.run = run;
            }
            fates.push(upload);
        }
        self.settle_fates(&way, fates).await?;
        self.shared.engine.wake();
        Ok(())
    }

    async fn way(&self, folder: &WatchedFolder) -> Result<Way, ProblemWords> {
        let (_, provider) = self.provider(folder.rule.account.as_str()).await?;
        Ok(Way {
            facts: provider.capabilities().await.ok(),
            provider,
            pattern: path_pattern(&folder.rule)?,
            ledger: folder.ledger(),
            now: self.shared.clock.now(),
            beside: HashMap::new(),
        })
    }

    /// Where a run's files go: the rule's place, or a record made for the run.
    async fn place_of(
        &self,
        folder: &WatchedFolder,
        way: &Way,
        run: Option<&str>,
    ) -> Result<String, ProblemWords> {
        let (Some(template), Some(run)) = (&folder.rule.record_template, run) else {
            return Ok(folder.rule.place.clone());
        };
        let store = &self.shared.store;
        if let Some(Some(record)) = store.watched_run(&way.ledger, run).await? {
            return Ok(record);
        }
        store.set_watched_run(&way.ledger, run, None, way.now).await?;
        let groups = groups(way.pattern.as_ref(), run);
        let metadata = filled(template, run, &groups);
        let made = way.provider.create(&folder.rule.place, &metadata).await?;
        store.set_watched_run(&way.ledger, run, Some(&made.path), way.now).await?;
        tracing::info!(rule = folder.id.0, run, record = made.path, "a record was made for a run");
        Ok(made.path)
    }

    async fn fate(
        &self,
        folder: &WatchedFolder,
        way: &Way,
        place: &str,
        file: &FoundFile,
        old: Option<&WatchedFile>,
    ) -> Result<Fate, ProblemWords> {
        match old.map(|old| (old.state, old)) {
            Some((WatchedState::Queued, _)) => Ok(Fate::Nothing),
            Some((WatchedState::Done | WatchedState::Changed, old)) => {
                self.changed(folder, way, place, file, old).await
            }
            Some(_) => Ok(self.upload(folder, way, place, file, old)),
            None => {
                if let Some(fate) = self.renamed(folder, way, file).await? {
                    return Ok(fate);
                }
                if let Some(fate) = self.duplicate(folder, way, file).await? {
                    return Ok(fate);
                }
                Ok(self.upload(folder, way, place, file, None))
            }
        }
    }

    /// A file that was sent before and is not as it was then.
    async fn changed(
        &self,
        folder: &WatchedFolder,
        way: &Way,
        place: &str,
        file: &FoundFile,
        old: &WatchedFile,
    ) -> Result<Fate, ProblemWords> {
        let touched = old.found.fingerprint.size == file.fingerprint.size
            && old.digests.sha256.is_some()
            && sha256_of(&folder.rule.folder.join(&file.path)).await? == old.digests.sha256;
        if touched {
            let file = WatchedFile {
                found: file.clone(),
                state: WatchedState::Done,
                changed: way.now,
                ..old.clone()
            };
            return Ok(Fate::Written(file));
        }
        if way.facts.as_ref().is_some_and(|facts| facts.file_versions) {
            let mut upload = self.upload(folder, way, place, file, Some(old));
            if let Fate::Upload(upload) = &mut upload {
                upload.0.on_clash = ClashPolicy::Version;
            }
            return Ok(upload);
        }
        let file = WatchedFile {
            found: file.clone(),
            state: WatchedState::Changed,
            changed: way.now,
            ..old.clone()
        };
        Ok(Fate::Written(file))
    }

    /// A file that was sent under another name which is not there any more.
    async fn renamed(
        &self,
        folder: &WatchedFolder,
        way: &Way,
        file: &FoundFile,
    ) -> Result<Option<Fate>, ProblemWords> {
        let root = &folder.rule.folder;
        let mut digest = None;
        for old in self.shared.store.watched_renamed(&way.ledger, file).await? {
            if old.digests.sha256.is_none() || root.join(&old.found.path).symlink_metadata().is_ok() {
                continue;
            }
            if digest.is_none() {
                digest = sha256_of(&root.join(&file.path)).await?;
            }
            if digest == old.digests.sha256 {
                tracing::info!(
                    rule = folder.id.0,
                    from = old.found.key,
                    to = file.key,
                    "a sent file was renamed"
                );
                let before = old.found.key.clone();
                let renamed = WatchedFile { found: file.clone(), changed: way.now, ..old };
                return Ok(Some(Fate::Renamed(renamed, before)));
            }
        }
        Ok(None)
    }

    /// A file whose bytes were sent under another name, where the rule does not send such.
    async fn duplicate(
        &self,
        folder: &WatchedFolder,
        way: &Way,
        file: &FoundFile,
    ) -> Result<Option<Fate>, ProblemWords> {
        if folder.rule.duplicates == Duplicates::Send {
            return Ok(None);
        }
        let Some(sha256) = sha256_of(&folder.rule.folder.join(&file.path)).await? else { return Ok(None) };
        let same = self.shared.store.watched_with_digest(&way.ledger, &sha256).await?;
        let Some(other) = same.into_iter().find(|other| other.found.key != file.key) else { return Ok(None) };
        let why = Some(NotSent::SameContent { other: other.found.key.clone() });
        let written = match folder.rule.duplicates {
            Duplicates::Link => WatchedFile {
                digests: other.digests,
                remote: other.remote,
                verified: other.verified,
                ..written(file.clone(), WatchedState::Done, why, way.now)
            },
            _ => written(file.clone(), WatchedState::Ignored, why, way.now),
        };
        Ok(Some(Fate::Written(written)))
    }

    /// The upload of a file, or why the service does not take it.
    fn upload(
        &self,
        folder: &WatchedFolder,
        way: &Way,
        place: &str,
        file: &FoundFile,
        old: Option<&WatchedFile>,
    ) -> Fate {
        let rule = &folder.rule;
        let local = rule.folder.join(&file.path);
        let item = SourceItem { local: local.clone(), name: file.key.clone(), size: file.fingerprint.size };
        let row = |state, why| WatchedFile {
            first_seen: old.map_or(way.now, |old| old.first_seen),
            ..written(file.clone(), state, why, way.now)
        };
        if let Err(problem) =
            uploads::check(&item, way.provider.as_ref(), way.facts.as_ref(), ShapeChoice::Auto)
        {
            return Fate::Written(row(WatchedState::Failed, Some(NotSent::Refused { problem })));
        }
        let transfer = NewTransfer {
            direction: Direction::Upload,
            account: rule.account.clone(),
            place: place.to_owned(),
            name: file.key.clone(),
            local,
            size: Some(file.fingerprint.size),
            on_clash: rule.on_clash,
            shape: ShapeChoice::Auto,
            verify: VerifyChoice::Auto,
            metadata: way.metadata(rule, &file.key),
        };
        Fate::Upload(Box::new((transfer, row(WatchedState::Queued, None))))
    }

    async fn settle_fates(&self, way: &Way, fates: Vec<Fate>) -> Result<(), ProblemWords> {
        let (mut uploads, mut files, mut forgotten) = (Vec::new(), Vec::new(), Vec::new());
        for fate in fates {
            match fate {
                Fate::Upload(upload) => uploads.push(*upload),
                Fate::Written(file) => files.push(file),
                Fate::Renamed(file, before) => {
                    files.push(file);
                    forgotten.push(before);
                }
                Fate::Nothing => {}
            }
        }
        // The same file may have been dropped by hand and not be done: that upload goes on and counts.
        let (mut transfers, mut rows): (Vec<_>, Vec<_>) = uploads.into_iter().unzip();
        let continued = self.go_on_each(&mut transfers).await?;
        let mut fresh = Vec::with_capacity(transfers.len());
        for (index, row) in rows.drain(..).enumerate() {
            match continued.get(&index) {
                Some(id) => files.push(WatchedFile { transfer: Some(TransferId(*id)), ..row }),
                None => fresh.push(row),
            }
        }
        self.shared.store.put_watched(&way.ledger, files).await?;
        if !forgotten.is_empty() {
            self.shared.store.forget_watched(&way.ledger, &forgotten).await?;
        }
        if !transfers.is_empty() {
            let uploads = transfers.into_iter().zip(fresh.into_iter().map(|row| vec![row])).collect();
            self.shared.store.queue_watched(&way.ledger, uploads, way.now).await?;
        }
        Ok(())
    }
}

/// Files that are sent alone, together; each run by itself.
fn collected(ready: Vec<Ready>) -> Vec<Ready> {
    let (alone, mut runs): (Vec<_>, Vec<_>) = ready.into_iter().partition(|ready| ready.run.is_none());
    let files: Vec<FoundFile> = alone.into_iter().flat_map(|ready| ready.files).collect();
    if !files.is_empty() {
        runs.push(Ready { run: None, files });
    }
    runs
}

/// What the ledger says of a file of which it says nothing else.
pub(super) fn written(
    found: FoundFile,
    state: WatchedState,
    why: Option<NotSent>,
    now: Timestamp,
) -> WatchedFile {
    WatchedFile {
        found,
        run: None,
        state,
        why,
        digests: DigestSet::default(),
        remote: None,
        transfer: None,
        first_seen: now,
        changed: now,
        verified: None,
        put_away: None,
        stays: None,
    }
}

/// The named groups of the rule's expression in a path.
fn groups(pattern: Option<&regex::Regex>, path: &str) -> HashMap<String, String> {
    let Some((pattern, found)) = pattern.and_then(|pattern| Some((pattern, pattern.captures(path)?))) else {
        return HashMap::new();
    };
    let named = pattern.capture_names().flatten();
    named.filter_map(|name| Some((name.to_owned(), found.name(name)?.as_str().to_owned()))).collect()
}

/// A template with its words filled in.
fn filled(template: &Metadata, run: &str, groups: &HashMap<String, String>) -> Metadata {
    let text = |text: &str| {
        let mut text = text.replace("{run}", run);
        for (name, value) in groups {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    };
    fn fill(value: &serde_json::Value, text: &dyn Fn(&str) -> String) -> serde_json::Value {
        use serde_json::Value as V;
        match value {
            V::String(words) => V::String(text(words)),
            V::Array(values) => values.iter().map(|value| fill(value, text)).collect(),
            V::Object(members) => {
                V::Object(members.iter().map(|(key, value)| (key.clone(), fill(value, text))).collect())
            }
            other => other.clone(),
        }
    }
    let mut metadata: Metadata =
        template.iter().map(|(key, value)| (key.clone(), fill(value, &text))).collect();
    if !metadata.contains_key("title") {
        metadata.insert("title".to_owned(), run.into());
    }
    metadata
}

/// The SHA-256 of a file; none when it cannot be read, which its upload then says.
pub(super) async fn sha256_of(path: &Path) -> Result<Option<String>, ProblemWords> {
    let path = path.to_path_buf();
    let hashed = tokio::task::spawn_blocking(move || -> std::io::Result<String> {
        let mut file = std::fs::File::open(path)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0_u8; 256 << 10];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    });
    Ok(hashed.await.map_err(internal)?.ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_with_the_run_and_the_groups_of_its_path() {
        let pattern = regex::Regex::new(r"^(?<instrument>[^_]+)_(?<date>\d{8})").unwrap();
        let groups = groups(Some(&pattern), "QE2_20261126_blank");
        let template =
            serde_json::json!({ "notes": ["{instrument} on {date}", 7], "of": { "run": "{run}" } });
        let filled = filled(template.as_object().unwrap(), "QE2_20261126_blank", &groups);
        let expected = serde_json::json!({
            "notes": ["QE2 on 20261126", 7], "of": { "run": "QE2_20261126_blank" }, "title": "QE2_20261126_blank",
        });
        assert_eq!(serde_json::Value::Object(filled), expected);
    }
}
