//! What an upload would do, told before anything is queued: clashes, refusals, names that would change.

use crate::{
    app::App,
    browse::about_place,
    problem_text::words,
    rows,
    uploads::{Laid, Wished, check, in_folders, may_pass},
    wire::{answers::*, requests::*},
};
use labferry_engine::{CheckRequest, CheckResult, archive::most_bytes, preflight::SourceItem};
use labferry_model::{Capabilities, Entry, FileStatus, RemoteFile, ShapeChoice, transfer::NewTransfer};
use labferry_provider::{ListRequest, ProviderResult};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
    time::UNIX_EPOCH,
};

/// Clashes that are told one by one; nobody reads more, and one answer for all of them is given without.
const MOST_CLASHES: usize = 1_000;
/// Refusals that are told one by one.
const MOST_REFUSED: usize = 200;
/// So few names are looked for one by one; more are compared with a listing.
const FEW: usize = 16;
/// Lines of a listing asked for at once.
const PAGE: u32 = 1_000;
/// Most pages of a listing that are read before the rest is left to each file's turn.
const MOST_PAGES: usize = 100;
/// Files that are compared byte by byte with what is there, and their bytes in all: what is read in about a second.
const MOST_COMPARED: usize = 32;
const BYTES_COMPARED: u64 = 256 << 20;

impl App {
    /// What adding these uploads would do. Nothing is queued, nothing is sent.
    ///
    /// # Errors
    /// As [`App::uploads_add`].
    pub async fn uploads_plan(&self, request: AddUploads) -> Result<UploadPlan, ProblemWords> {
        let mut wished = self.wished(&request).await?;
        let folders = folder_choices(&wished, request.shape);
        let Laid { transfers, twice, refused } = self.lay_out(&mut wished, &request).await?;
        wished.refused.extend(refused.iter().map(|(_, problem)| words(problem)));
        let old: HashSet<(String, std::path::PathBuf)> = self
            .shared
            .store
            .unfinished_like(&transfers)
            .await?
            .into_iter()
            .filter(|old| !old.state.is_settled())
            .map(|old| (old.name, old.local))
            .collect();
        let goes_on = |new: &NewTransfer| old.contains(&(new.name.clone(), new.local.clone()));
        let fresh: Vec<&NewTransfer> = transfers.iter().filter(|new| !goes_on(new)).collect();
        let (mut there, looked) = self.taken_names(&wished, &fresh).await?;
        let mut clash_count = twice.len();
        let mut clashes: Vec<ClashRow> = Vec::new();
        for new in &fresh {
            let Some(file) = there.remove(&new.name) else { continue };
            clash_count += 1;
            if clashes.len() < MOST_CLASHES {
                clashes.push(clash(new, file));
            }
        }
        self.compare(&wished, &mut clashes).await;
        let room = MOST_CLASHES.saturating_sub(clashes.len());
        clashes.extend(twice.iter().take(room).map(twice_row));
        let bytes =
            transfers.iter().filter_map(|new| new.size).chain(twice.iter().map(|item| item.size)).sum();
        let facts = wished.facts.as_ref();
        let refused_count = count(wished.refused.len());
        wished.refused.truncate(MOST_REFUSED);
        Ok(UploadPlan {
            files: count(transfers.len() + twice.len()),
            bytes,
            continued: count(transfers.len() - fresh.len()),
            looked,
            clashes,
            clash_count: count(clash_count),
            refused: wished.refused,
            refused_count,
            folders,
            policies: policies(facts),
            takes_metadata: facts.is_some_and(|facts| facts.file_metadata),
        })
    }

    /// What an account can do, after a probe that may be answered from memory.
    ///
    /// # Errors
    /// What the service answers.
    pub async fn account_capabilities(
        &self,
        request: AccountRequest,
    ) -> Result<CapabilitiesRow, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let facts = provider.capabilities().await.map_err(|error| about_place(error, &account, ""))?;
        Ok(CapabilitiesRow {
            imports_links: facts.imports_links,
            file_metadata: facts.file_metadata,
            file_versions: facts.file_versions,
            delete: facts.delete,
            links: facts.links,
            largest_file: facts.largest_file,
        })
    }

    /// The files of these names that the service holds, and whether all names were looked for.
    async fn taken_names(
        &self,
        wished: &Wished,
        new: &[&NewTransfer],
    ) -> Result<(HashMap<String, RemoteFile>, bool), ProblemWords> {
        let Some(facts) = &wished.facts else { return Ok((HashMap::new(), false)) };
        match look(wished, facts, new).await {
            Ok(found) => Ok(found),
            Err(error) if may_pass(&error) => Ok((HashMap::new(), false)),
            Err(error) => Err(about_place(error, &wished.account, &wished.place).into()),
        }
    }

    /// Compares files with what the service holds under their names, where its digests and their sizes allow it.
    async fn compare(&self, wished: &Wished, clashes: &mut [ClashRow]) {
        let mut budget = BYTES_COMPARED;
        let mut compared = 0;
        for row in clashes {
            let Some(there) = row.there.as_ref().filter(|_| row.kind == "there") else { continue };
            if there.size.is_some_and(|size| size != row.size) {
                row.same = Some(false);
                continue;
            }
            if there.digests.is_empty() || row.size > budget || compared == MOST_COMPARED {
                continue;
            }
            budget -= row.size;
            compared += 1;
            let request = CheckRequest {
                account: wished.account.clone(),
                path: there.path.clone(),
                source: Some(Path::new(&row.local).to_path_buf()),
                read_back: false,
            };
            // What cannot be compared now is compared before it is sent.
            if let Ok(outcomes) = self.shared.engine.check(request).await {
                row.same = match outcomes.first().map(|outcome| &outcome.result) {
                    Some(CheckResult::Verified(proof)) => Some(proof.is_green()),
                    Some(CheckResult::Differs(_)) => Some(false),
                    _ => None,
                };
            }
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

async fn look(
    wished: &Wished,
    facts: &Capabilities,
    new: &[&NewTransfer],
) -> ProviderResult<(HashMap<String, RemoteFile>, bool)> {
    let mut found = HashMap::new();
    let (provider, place) = (&wished.provider, &wished.place);
    let at_once = facts.announce_at_once.max(1) as usize;
    let mut names: Vec<String> = new.iter().map(|new| new.name.clone()).collect();
    let mut looked = true;
    if names.len() > FEW && facts.listable {
        let wanted: HashSet<String> = names.iter().cloned().collect();
        let mut request = ListRequest { path: place.clone(), limit: PAGE, ..ListRequest::default() };
        for page in 1.. {
            let listed = provider.list(&request).await?;
            for entry in listed.entries {
                if let Entry::File { file } = entry
                    && wanted.contains(&file.name)
                {
                    found.insert(file.name.clone(), file);
                }
            }
            request.page = listed.next;
            if request.page.is_none() {
                break;
            }
            if page == MOST_PAGES {
                looked = false;
                break;
            }
        }
        // Where folders are real the listing of a place does not hold what lies in them.
        names.retain(|name| facts.folders && name.contains('/'));
    }
    looked &= names.len() <= FEW.max(at_once);
    names.truncate(FEW.max(at_once));
    for names in names.chunks(at_once) {
        let files = provider.find_files(place, names).await?;
        found.extend(names.iter().cloned().zip(files).filter_map(|(name, file)| Some((name, file?))));
    }
    Ok((found, looked))
}

fn clash(new: &NewTransfer, file: RemoteFile) -> ClashRow {
    let unfinished = matches!(file.status, FileStatus::Pending | FileStatus::Failed);
    ClashRow {
        name: new.name.clone(),
        local: new.local.display().to_string(),
        size: new.size.unwrap_or(0),
        modified: modified(&new.local),
        kind: if unfinished { "unfinished" } else { "there" }.to_owned(),
        there: Some(rows::file(file, None)),
        same: None,
    }
}

fn twice_row(item: &SourceItem) -> ClashRow {
    ClashRow {
        name: item.name.clone(),
        local: item.local.display().to_string(),
        size: item.size,
        modified: modified(&item.local),
        kind: "twice".to_owned(),
        there: None,
        same: None,
    }
}

/// When a local file was last changed, where the system tells.
fn modified(path: &Path) -> Option<i64> {
    let changed = std::fs::metadata(path).and_then(|info| info.modified()).ok()?;
    i64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

fn policies(facts: Option<&Capabilities>) -> Vec<String> {
    let offered = [
        ("skip", true),
        ("rename", true),
        ("version", facts.is_some_and(|facts| facts.file_versions)),
        ("replace", facts.is_some_and(|facts| facts.delete)),
    ];
    offered.into_iter().filter(|(_, can)| *can).map(|(name, _)| name.to_owned()).collect()
}

/// What can become of folders: told where the service keeps none, or refuses a name because of them.
fn folder_choices(wished: &Wished, shape: ShapeChoice) -> Vec<FolderChoiceRow> {
    let inside: Vec<&SourceItem> =
        wished.items.iter().chain(&wished.inside).filter(|item| item.name.contains('/')).collect();
    let Some(first) = inside.first() else { return Vec::new() };
    let choice = |how: FolderNames| {
        let mut names: HashSet<String> = wished
            .items
            .iter()
            .filter(|item| !item.name.contains('/') && !wished.archives.contains_key(&item.local))
            .map(|item| item.name.clone())
            .collect();
        let (mut refused, mut twice) = (0, 0);
        for item in &inside {
            let renamed = SourceItem { name: in_folders(&item.name, how), ..(*item).clone() };
            match check(&renamed, wished.provider.as_ref(), wished.facts.as_ref(), shape) {
                Err(problem) if problem.code == labferry_model::ProblemCode::NameRefused => refused += 1,
                _ if !names.insert(renamed.name) => twice += 1,
                _ => {}
            }
        }
        FolderChoiceRow { how, example: in_folders(&first.name, how), refused, twice }
    };
    let keep = choice(FolderNames::Keep);
    if keep.refused == 0 && wished.facts.as_ref().is_none_or(|facts| facts.folders) {
        return Vec::new();
    }
    let mut choices = vec![keep, choice(FolderNames::Join), choice(FolderNames::Drop)];
    choices.extend(archive_choice(wished, &inside, shape));
    // A way in which not one of them gets through is none.
    choices.retain(|choice| (choice.refused as usize) < inside.len());
    choices
}

/// One archive for each folder.
fn archive_choice(wished: &Wished, inside: &[&SourceItem], shape: ShapeChoice) -> Option<FolderChoiceRow> {
    let mut folders: HashMap<&str, Vec<SourceItem>> = HashMap::new();
    for item in inside {
        folders.entry(item.name.split('/').next()?).or_default().push((*item).clone());
    }
    let archives = folders.into_iter().map(|(folder, files)| SourceItem {
        local: files.first().map(|file| file.local.clone()).unwrap_or_default(),
        name: format!("{folder}.zip"),
        size: most_bytes(&files),
    });
    let archives: Vec<SourceItem> = archives.collect();
    let taken =
        |item: &&SourceItem| check(item, wished.provider.as_ref(), wished.facts.as_ref(), shape).is_ok();
    // A folder that is too large as one is not offered as one.
    let fits = archives.iter().filter(taken).count() == archives.len();
    let example = archives.iter().map(|item| item.name.clone()).min()?;
    fits.then_some(FolderChoiceRow { how: FolderNames::Archive, example, refused: 0, twice: 0 })
}
