//! The steps of a copy: each is decided on how the copy stands, done once, and written down with the transfers that it
//! queues, so that a process that is killed anywhere leaves nothing half begun.

use super::next::{self, Next, bundle, failed};
use crate::{
    app::App,
    browse::{clean, container_of},
    downloads::{download_of, is_whole, make_folder},
    local_names::LocalNames,
    problem_text::internal,
    uploads::{Laid, check, facts, may_pass, same_name},
    wire::{answers::ProblemWords, requests::AddUploads},
};
use labferry_engine::preflight::SourceItem;
use labferry_model::{
    Capabilities, ClashPolicy, CopiedFile, CopyState, CopyStep, Entry, Problem, ProblemCode, RemoteFile,
    ShapeChoice, TransferId, transfer::NewTransfer,
};
use labferry_provider::{Advice, Provider};
use labferry_store::{CopyChange, FileInHand, StoredCopy};
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

impl App {
    /// Does what a copy does next; false when there is nothing before a transfer moves or a person acts.
    pub(super) async fn step(&self, copy: &StoredCopy) -> Result<bool, ProblemWords> {
        let hand = self.shared.store.copied_in_hand(copy.id).await?;
        match next::next(copy.state, &hand) {
            Next::Learn(files) => self.learn(copy, files).await,
            Next::Send(files) => self.send(copy, files).await,
            Next::Fetch { files, bytes } => {
                let more = self.more_to_fetch(copy, files, bytes).await?;
                match more.as_slice() {
                    [] if hand.iter().all(|hand| hand.file.step == CopyStep::Failed) => {
                        self.end(copy, &hand).await
                    }
                    [] => Ok(false),
                    _ => self.fetch(copy, more).await,
                }
            }
            Next::Rest
                if copy.state == CopyState::Working
                    && !hand.is_empty()
                    && hand.iter().all(|hand| hand.file.step == CopyStep::Failed) =>
            {
                self.end(copy, &hand).await
            }
            Next::Rest => Ok(false),
        }
    }

    /// The next files of a copy that so much room takes.
    pub(super) async fn more_to_fetch(
        &self,
        copy: &StoredCopy,
        files: usize,
        bytes: u64,
    ) -> Result<Vec<CopiedFile>, ProblemWords> {
        let most = u32::try_from(files).map_err(internal)?;
        let mut waiting = self.shared.store.copied_files(copy.id, &[CopyStep::Waiting], 0, most).await?;
        waiting.truncate(bundle(&waiting, files, bytes));
        Ok(waiting)
    }

    /// Writes down what became of transfers, and lets go of what is over.
    async fn learn(&self, copy: &StoredCopy, files: Vec<CopiedFile>) -> Result<bool, ProblemWords> {
        // A copy that is not proven stays here until the whole copy is over.
        let is_proven = |file: &&CopiedFile| match file.step {
            CopyStep::Copied => file.verified,
            step => step.is_over(),
        };
        let proven = files.iter().filter(is_proven).map(|file| file.number).collect();
        self.remove_files(copy.id, proven).await;
        // The downloads of what is over led to files that are gone now; the receipts stay.
        let over = files.iter().filter(|file| file.step.is_over());
        let clear: Vec<TransferId> = over.filter_map(|file| file.download).collect();
        let cleared = !clear.is_empty();
        // Somebody who helped a transfer on in the list of transfers wants its copy to go on.
        let moved = files.iter().any(|file| file.step != CopyStep::Failed);
        let change = CopyChange {
            state: moved.then_some(CopyState::Working),
            problem: moved.then_some(None),
            files,
            clear,
            ..CopyChange::default()
        };
        self.shared.store.change_copy(copy, change, self.shared.clock.now()).await?;
        if cleared {
            self.tell(crate::wire::events::AppEvent::QueueChanged);
        }
        Ok(true)
    }

    /// Queues the downloads of a bundle. What the destination would not take anyway is not fetched.
    async fn fetch(&self, copy: &StoredCopy, files: Vec<CopiedFile>) -> Result<bool, ProblemWords> {
        let (account, provider) = self.provider(copy.wish.account.as_str()).await?;
        let (to, destination) = self.provider(copy.wish.to.as_str()).await?;
        let facts = facts(destination.as_ref(), &to, &copy.wish.place).await?;
        let (mut queue, mut written) = (Vec::new(), Vec::new());
        for file in files {
            let path = clean(&file.path);
            let found = match provider.describe(path).await {
                Ok(Entry::File { file: found }) => is_whole(&found)
                    .and_then(|()| taken(&file, &found, destination.as_ref(), facts.as_ref()))
                    .map(|()| found),
                Ok(Entry::Container { .. }) => Err(Problem::new(ProblemCode::NotFound)
                    .about(format!("{account}:{path}"))
                    .because("a record or folder stands where the file was")),
                // The account as a whole, or something that passes: the file has nothing to do with it.
                Err(error) if may_pass(&error) || error.advice == Advice::SignIn => {
                    return Err(error.about(format!("{account}:{path}")).into());
                }
                Err(error) => Err(error.about(format!("{account}:{path}")).problem),
            };
            match found {
                Err(problem) => written.push(failed(file, &problem)),
                Ok(found) => {
                    let entry = Entry::File { file: found.clone() };
                    let place = container_of(path, &entry).to_owned();
                    let (name, _) = LocalNames::default().file(Path::new(""), &found.name);
                    let local = self.copied_folder(copy.id, file.number).join(name);
                    // What an earlier start fetched is compared and stays; anything else is an older content of that file.
                    let new = download_of(&account, place, &found, local, ClashPolicy::Replace);
                    let file = CopiedFile { size: found.size.or(file.size), upload: None, ..file };
                    queue.push((new, file));
                }
            }
        }
        let folders: Vec<PathBuf> =
            queue.iter().filter_map(|(new, _)| new.local.parent().map(Path::to_path_buf)).collect();
        let made = move || folders.iter().try_for_each(|folder| make_folder(folder));
        tokio::task::spawn_blocking(made).await.map_err(internal)??;
        self.queue(copy, queue, written, CopyStep::Fetching).await
    }

    /// Queues the uploads of what was fetched, under the names the files had.
    async fn send(&self, copy: &StoredCopy, files: Vec<CopiedFile>) -> Result<bool, ProblemWords> {
        let here = |file: &CopiedFile| file.local.as_deref().is_some_and(Path::is_file);
        let (files, gone): (Vec<_>, Vec<_>) = files.into_iter().partition(here);
        // Somebody took it away: it is fetched again.
        let again = |file| CopiedFile { step: CopyStep::Waiting, local: None, ..file };
        let mut written: Vec<CopiedFile> = gone.into_iter().map(again).collect();
        if files.is_empty() {
            return self.queue(copy, Vec::new(), written, CopyStep::Sending).await;
        }
        let mut by_local: HashMap<PathBuf, CopiedFile> =
            files.into_iter().filter_map(|file| Some((file.local.clone()?, file))).collect();
        let mut sources: Vec<(i64, String)> =
            by_local.iter().map(|(local, file)| (file.number, local.display().to_string())).collect();
        sources.sort_unstable();
        let request = AddUploads {
            sources: sources.into_iter().map(|(_, local)| local).collect(),
            account: copy.wish.to.to_string(),
            place: copy.wish.place.clone(),
            on_clash: copy.wish.on_clash,
            ..AddUploads::default()
        };
        let mut wished = self.wished(&request).await?;
        for item in &mut wished.items {
            // Its name here is one that this disk takes; there it gets the one it had.
            if let Some(file) = by_local.get(&item.local) {
                item.name.clone_from(&file.name);
            }
        }
        let Laid { transfers, twice, refused } = self.lay_out(&mut wished, &request).await?;
        let twice = twice.into_iter().map(|item| {
            let problem = same_name(&item);
            (item.local, problem)
        });
        for (local, problem) in refused.into_iter().chain(twice) {
            written.extend(by_local.remove(&local).map(|file| failed(file, &problem)));
        }
        let mut queue = Vec::with_capacity(transfers.len());
        for new in transfers {
            queue.extend(by_local.remove(&new.local).map(|file| (new, file)));
        }
        // What is left was refused before its name was looked at: its file here cannot be read.
        written.extend(by_local.into_values().map(|file| {
            let local = file.local.as_deref().unwrap_or(Path::new("")).display().to_string();
            failed(file, &Problem::new(ProblemCode::SourceUnreadable).about(local))
        }));
        self.queue(copy, queue, written, CopyStep::Sending).await
    }

    /// Queues transfers and writes down that they have their files. A row that failed before goes on where the same was
    /// asked for; one that another takes the place of is removed.
    async fn queue(
        &self,
        copy: &StoredCopy,
        queue: Vec<(NewTransfer, CopiedFile)>,
        mut written: Vec<CopiedFile>,
        step: CopyStep,
    ) -> Result<bool, ProblemWords> {
        let (mut transfers, files): (Vec<NewTransfer>, Vec<CopiedFile>) = queue.into_iter().unzip();
        let continued: BTreeMap<usize, i64> = self.go_on_each(&mut transfers).await?;
        let (mut fresh, mut clear) = (Vec::with_capacity(transfers.len()), Vec::new());
        for (index, file) in files.into_iter().enumerate() {
            let old = if step == CopyStep::Fetching { file.download } else { file.upload };
            let mut file = CopiedFile { step, problem: None, ..file };
            match continued.get(&index).copied().map(TransferId) {
                Some(id) => {
                    clear.extend(old.filter(|old| *old != id));
                    match step {
                        CopyStep::Fetching => file.download = Some(id),
                        _ => file.upload = Some(id),
                    }
                    written.push(file);
                }
                None => {
                    clear.extend(old);
                    fresh.push(file);
                }
            }
        }
        let change = CopyChange {
            problem: Some(None),
            files: written,
            queue: transfers.into_iter().zip(fresh).collect(),
            clear,
            ..CopyChange::default()
        };
        self.shared.store.change_copy(copy, change, self.shared.clock.now()).await?;
        self.shared.engine.wake();
        Ok(true)
    }

    /// Writes down that a copy is over, or that it needs a person.
    async fn end(&self, copy: &StoredCopy, hand: &[FileInHand]) -> Result<bool, ProblemWords> {
        let state = if hand.is_empty() {
            // Before it is called done: what is done leaves nothing here.
            self.remove_kept(copy.id).await?;
            CopyState::Done
        } else {
            CopyState::NeedsYou
        };
        tracing::info!(id = %copy.id, ?state, "a copy came to its end");
        let change = CopyChange { state: Some(state), problem: Some(None), ..CopyChange::default() };
        self.shared.store.change_copy(copy, change, self.shared.clock.now()).await?;
        Ok(false)
    }
}

/// Whether the destination takes a file of that name and size.
fn taken(
    file: &CopiedFile,
    found: &RemoteFile,
    destination: &dyn Provider,
    facts: Option<&Capabilities>,
) -> Result<(), Problem> {
    // A size that is not told is looked at once the file is here.
    let Some(size) = found.size else { return Ok(()) };
    // A person knows the file by its place at the source.
    let item = SourceItem { local: PathBuf::from(&file.path), name: file.name.clone(), size };
    check(&item, destination, facts, ShapeChoice::Auto)
}
