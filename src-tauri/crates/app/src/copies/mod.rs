//! Copies from one place to another, through this computer: asking for them, how they stand, and their files.
//!
//! Each file is fetched into the data folder and sent on from there by the same engine as every other download and upload:
//! it is proven that what was fetched is what the source holds, and then that what the destination holds is what was
//! fetched. Both halves are rows of the queue. The copy itself is kept in the database, and the process that owns the data
//! folder moves it forward whenever its transfers settle. The source is only read.

mod carry;
mod kept;
mod listing;
mod next;
mod rows;
mod steps;

pub(crate) use carry::{Copying, carry_copies};
pub(crate) use rows::Told;

use crate::{
    app::{App, account_name},
    browse::clean,
    problem_text::{invalid, words},
    uploads::facts,
    wire::{answers::*, copies::*, requests::*},
};
use labferry_engine::Ask;
use labferry_model::{CopiedFile, CopyId, CopyState, CopyStep, CopyWish, Problem, ProblemCode, TransferId};
use labferry_store::{CopyChange, FileInHand, StoredCopy};
use std::collections::HashMap;

/// Files on their way at once: enough to keep every connection busy with small ones.
const BUNDLE_FILES: usize = 100;
/// Bytes on their way at once, unless a single file has more.
const BUNDLE_BYTES: u64 = 1 << 30;
/// Files when the request names no number, and at most.
const USUAL_FILES: u32 = 200;
const MOST_FILES: u32 = 10_000;

impl App {
    /// Copies files to a place. The same copy that was begun before and is not done goes on instead: what is there stays,
    /// what failed is tried again, and what is new in a record is added.
    ///
    /// # Errors
    /// Files that are not there, a place that takes none, or a record copied into itself; nothing is begun then.
    pub async fn copies_add(&self, request: AddCopy) -> Result<CopyRow, ProblemWords> {
        let (account, to) = (account_name(&request.account)?, account_name(&request.to_account)?);
        let place = clean(&request.to_place).to_owned();
        let paths: Vec<String> = request.paths.iter().map(|path| clean(path).to_owned()).collect();
        if paths.is_empty() {
            return Err(invalid("say which files or which record to copy"));
        }
        if paths.iter().any(String::is_empty) {
            return Err(invalid(format!(
                "the source {account}: is a whole account; say which of its records or files to copy"
            )));
        }
        if account == to && paths.contains(&place) {
            return Err(invalid(format!(
                "the record {to}:{place} cannot be copied into itself; name another one"
            )));
        }
        let (source, files) = self.files_to_copy(&account, &paths).await?;
        let (to, provider) = self.provider(to.as_str()).await?;
        facts(provider.as_ref(), &to, &place).await?;
        let wish = CopyWish { account, paths, source, to, place, on_clash: request.on_clash };
        loop {
            let now = self.shared.clock.now();
            let id = match self.shared.store.copy_like(&wish).await? {
                None => self.shared.store.add_copy(wish.clone(), files.clone(), now).await?,
                Some(copy) => {
                    let known = self.shared.store.copied_files(copy.id, &[], 0, u32::MAX).await?;
                    let change = CopyChange {
                        state: Some(CopyState::Working),
                        problem: Some(None),
                        on_clash: Some(wish.on_clash),
                        files: joined(known, &files, copy.wish.on_clash != wish.on_clash),
                        ..CopyChange::default()
                    };
                    if !self.shared.store.change_copy(&copy, change, now).await? {
                        continue;
                    }
                    copy.id
                }
            };
            tracing::info!(%id, "files are copied");
            self.copies_changed(id);
            return self.copy_row(&self.stored_copy(id).await?).await;
        }
    }

    /// Every copy and how it stands, the newest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn copies_list(&self, _: Empty) -> Result<Vec<CopyRow>, ProblemWords> {
        let mut rows = Vec::new();
        for copy in self.shared.store.copies().await? {
            rows.push(self.copy_row(&copy).await?);
        }
        Ok(rows)
    }

    /// Files of a copy.
    ///
    /// # Errors
    /// A copy or filter that does not exist.
    pub async fn copies_files(&self, request: ListCopyFiles) -> Result<CopyFiles, ProblemWords> {
        let steps: &[CopyStep] = match request.filter.as_str() {
            "" | "all" => &[],
            "needs_you" => &[CopyStep::Failed],
            other => {
                return Err(invalid(format!("there is no filter \"{other}\"; use all or needs_you")));
            }
        };
        let copy = self.stored_copy(CopyId(request.id)).await?;
        let limit = if request.limit == 0 { USUAL_FILES } else { request.limit.min(MOST_FILES) };
        let files = self.shared.store.copied_files(copy.id, steps, request.after.unwrap_or(0), limit).await?;
        let next = files.last().filter(|_| files.len() >= limit as usize).map(|file| file.number);
        Ok(CopyFiles { rows: files.into_iter().map(rows::file).collect(), next })
    }

    /// Stops copies. Their transfers are cancelled, and nothing is kept of a file that was not proven; what is at the
    /// destination already stays there.
    ///
    /// # Errors
    /// A copy that does not exist or is done.
    pub async fn copies_stop(&self, request: CopySelection) -> Result<Changed, ProblemWords> {
        let mut changed = 0;
        for id in named(&request.ids)? {
            self.stop_copy(id).await?;
            changed += 1;
        }
        Ok(Changed { changed })
    }

    /// Lets copies go on that need a person or were stopped: what failed is tried again, and what was stopped begins anew.
    ///
    /// # Errors
    /// A copy that does not exist or is done.
    pub async fn copies_retry(&self, request: RetryCopies) -> Result<Changed, ProblemWords> {
        let mut changed = 0;
        for id in named(&request.ids)? {
            loop {
                let copy = self.stored_copy(id).await?;
                if copy.state == CopyState::Done {
                    return Err(invalid(format!("copy {id} is done, so there is nothing to try again")));
                }
                let again = [CopyStep::Failed, CopyStep::Stopped];
                let files = self.shared.store.copied_files(id, &again, 0, u32::MAX).await?;
                let change = CopyChange {
                    state: Some(CopyState::Working),
                    problem: Some(None),
                    on_clash: request.on_clash,
                    files: files.into_iter().map(tried_again).collect(),
                    ..CopyChange::default()
                };
                if self.shared.store.change_copy(&copy, change, self.shared.clock.now()).await? {
                    break;
                }
            }
            self.copies_changed(id);
            changed += 1;
        }
        Ok(Changed { changed })
    }

    /// Forgets copies that do not go on. What is at the destination stays there, and so do the receipts; what waits here
    /// for an answer is removed.
    ///
    /// # Errors
    /// A copy that does not exist or still goes on.
    pub async fn copies_forget(&self, request: CopySelection) -> Result<Changed, ProblemWords> {
        let mut changed = 0;
        for id in named(&request.ids)? {
            match self.stored_copy(id).await?.state {
                CopyState::Working => {
                    return Err(invalid(format!("copy {id} still goes on; stop it first")));
                }
                CopyState::NeedsYou => self.stop_copy(id).await?,
                CopyState::Done | CopyState::Stopped => {}
            }
            changed += u64::from(self.shared.store.forget_copy(id).await?);
            self.copies_changed(id);
        }
        Ok(Changed { changed })
    }

    /// Writes down first that the copy is stopped, so that nobody queues anything for it any more, and then takes back what
    /// is on its way. Killed in between, the next owner of the data folder does the rest.
    async fn stop_copy(&self, id: CopyId) -> Result<(), ProblemWords> {
        loop {
            let copy = self.stored_copy(id).await?;
            match copy.state {
                CopyState::Done => {
                    return Err(invalid(format!("copy {id} is done, so there is nothing to stop")));
                }
                CopyState::Stopped => break,
                CopyState::Working | CopyState::NeedsYou => {}
            }
            let change =
                CopyChange { state: Some(CopyState::Stopped), problem: Some(None), ..CopyChange::default() };
            if self.shared.store.change_copy(&copy, change, self.shared.clock.now()).await? {
                tracing::info!(%id, "a copy was stopped");
                break;
            }
        }
        self.lay_down(id).await?;
        self.copies_changed(id);
        Ok(())
    }

    /// Cancels what a stopped copy has on its way, and removes what it keeps here.
    pub(crate) async fn lay_down(&self, id: CopyId) -> Result<(), ProblemWords> {
        loop {
            let copy = self.stored_copy(id).await?;
            if copy.state != CopyState::Stopped {
                return Ok(());
            }
            for transfer in self.shared.store.copied_in_hand(id).await?.iter().filter_map(moving) {
                if let Err(problem) = self.shared.engine.ask(transfer, Ask::Cancel).await {
                    tracing::debug!(%transfer, ?problem, "a transfer of a stopped copy was settled already");
                }
            }
            // Read once more: what was proven in the last moment is proven.
            let in_hand = self.shared.store.copied_in_hand(id).await?;
            let waiting = self.shared.store.copied_files(id, &[CopyStep::Waiting], 0, u32::MAX).await?;
            let change = CopyChange {
                clear: in_hand.iter().flat_map(leads_nowhere).collect(),
                files: in_hand.iter().map(stopped).chain(waiting.into_iter().map(laid_down)).collect(),
                ..CopyChange::default()
            };
            if self.shared.store.change_copy(&copy, change, self.shared.clock.now()).await? {
                break;
            }
        }
        self.remove_kept(id).await
    }

    pub(crate) async fn stored_copy(&self, id: CopyId) -> Result<StoredCopy, ProblemWords> {
        self.shared.store.copy(id).await?.ok_or_else(|| {
            words(
                &Problem::new(ProblemCode::InvalidRequest)
                    .because(format!("there is no copy {id}; the list of copies shows their numbers")),
            )
        })
    }

    /// Tells whoever moves copies, and whoever shows the queue: rows of it may be gone.
    fn copies_changed(&self, id: CopyId) {
        self.shared.copying.hurry(id);
        self.tell(crate::wire::events::AppEvent::QueueChanged);
    }
}

fn named(ids: &[i64]) -> Result<impl Iterator<Item = CopyId>, ProblemWords> {
    if ids.is_empty() {
        return Err(invalid("name copies by their numbers"));
    }
    Ok(ids.iter().copied().map(CopyId))
}

/// The transfer that has a file now.
fn moving(hand: &FileInHand) -> Option<TransferId> {
    let id = hand.file.upload.or(hand.file.download);
    id.filter(|_| hand.state.as_ref().is_some_and(|state| !state.is_settled()))
}

/// The rows of a stopped file whose file here goes.
fn leads_nowhere(hand: &FileInHand) -> impl Iterator<Item = TransferId> + use<> {
    let failed = hand.file.upload.filter(|_| hand.file.step == CopyStep::Failed);
    hand.file.download.into_iter().chain(failed)
}

/// A file of a copy that is stopped: what was proven in the last moment is, and nothing else is kept here.
fn stopped(hand: &FileInHand) -> CopiedFile {
    match next::learned(hand) {
        Some(file) if file.step.is_over() => file,
        _ => laid_down(hand.file.clone()),
    }
}

fn laid_down(file: CopiedFile) -> CopiedFile {
    // Why it failed stays to be read.
    let step = if file.step == CopyStep::Failed { CopyStep::Failed } else { CopyStep::Stopped };
    CopiedFile { step, local: None, download: None, upload: None, fetched_proven: false, ..file }
}

/// A file that failed or was stopped, for another try: sent again where it is here, and fetched again otherwise.
fn tried_again(file: CopiedFile) -> CopiedFile {
    let step = if file.local.is_some() { CopyStep::Fetched } else { CopyStep::Waiting };
    CopiedFile { step, problem: None, ..file }
}

/// The files of a copy that is asked for once more: those it has, and those that are new or hold other bytes now.
fn joined(known: Vec<CopiedFile>, listed: &[CopiedFile], other_wish: bool) -> Vec<CopiedFile> {
    let mut last = known.last().map_or(0, |file| file.number);
    let mut by_path: HashMap<String, CopiedFile> =
        known.into_iter().map(|file| (file.path.clone(), file)).collect();
    let mut files = Vec::new();
    for new in listed {
        match by_path.remove(&new.path) {
            None => {
                last += 1;
                files.push(CopiedFile { number: last, ..new.clone() });
            }
            // What is on its way goes on.
            Some(file) if matches!(file.step, CopyStep::Fetching | CopyStep::Sending) => {}
            Some(file) if file.told != new.told => {
                files.push(CopiedFile { number: file.number, ..new.clone() });
            }
            Some(file) if matches!(file.step, CopyStep::Failed | CopyStep::Stopped) => {
                files.push(tried_again(file));
            }
            // It was left out as it was wished then.
            Some(file) if file.step == CopyStep::Skipped && other_wish => files.push(tried_again(file)),
            Some(_) => {}
        }
    }
    files
}
