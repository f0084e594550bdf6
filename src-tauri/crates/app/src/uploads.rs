//! Queueing uploads: folders are expanded, and what cannot be sent is refused before anything is queued for it.

use crate::{
    app::App,
    browse::{about_place, clean},
    problem_text::{internal, invalid, words},
    wire::{answers::*, requests::*},
};
use labferry_engine::{
    archive::{Packed, most_bytes},
    preflight::{SourceItem, expand_sources, numbered},
};
use labferry_model::{
    AccountName, Capabilities, ClashPolicy, Direction, Entry, Problem, ProblemCode, ShapeChoice,
    transfer::NewTransfer,
};
use labferry_provider::{Advice, ListRequest, Provider, ProviderError};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

impl App {
    /// Queues files and folders for a record. What cannot be sent is told in `refused`; the rest is queued.
    ///
    /// # Errors
    /// A record that does not exist, is not ours or takes no files; nothing is queued then. A service that cannot be
    /// reached is no error: the uploads wait for it.
    pub async fn uploads_add(&self, request: AddUploads) -> Result<Queued, ProblemWords> {
        let mut wished = self.wished(&request).await?;
        let Laid { mut transfers, twice, refused: not_taken } = self.lay_out(&mut wished, &request).await?;
        let mut refused = std::mem::take(&mut wished.refused);
        refused.extend(not_taken.iter().map(|(_, problem)| words(problem)));
        refused.extend(twice.iter().map(|item| words(&same_name(item))));
        // Kept until the rows are there: a clean-up takes no archive that somebody holds.
        let _held = self.pack_each(&wished, &mut transfers, &mut refused).await;
        let continued = self.go_on(&mut transfers).await?;
        let ids = self.shared.store.add_transfers(transfers, self.shared.clock.now()).await?;
        self.shared.engine.wake();
        Ok(Queued { ids: ids.into_iter().map(|id| id.0).collect(), continued, refused, renamed: Vec::new() })
    }

    /// The files that a request means, with the names they are to get.
    pub(crate) async fn wished(&self, request: &AddUploads) -> Result<Wished, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let place = clean(&request.place).to_owned();
        if request.sources.is_empty() {
            return Err(invalid("say which files or folders to send"));
        }
        let facts = facts(provider.as_ref(), &account, &place).await?;
        let (mut sources, mut refused) = (Vec::new(), Vec::new());
        for source in &request.sources {
            match absolute(source) {
                Ok(source) => sources.push(source),
                Err(problem) => refused.push(problem),
            }
        }
        let archive = request.folders == FolderNames::Archive;
        let expanded = tokio::task::spawn_blocking(move || {
            let (folders, files): (Vec<_>, Vec<_>) =
                sources.into_iter().partition(|source| archive && source.is_dir());
            let inside = folders.into_iter().map(|folder| {
                let (items, problems) = expand_sources(std::slice::from_ref(&folder));
                (folder, items, problems)
            });
            (expand_sources(&files), inside.collect::<Vec<_>>())
        });
        let ((mut items, mut problems), folders) = expanded.await.map_err(internal)?;
        let (mut archives, mut inside) = (HashMap::new(), Vec::new());
        for (folder, files, told) in folders {
            problems.extend(told);
            let Some(first) = files.first() else { continue };
            let name = format!("{}.zip", first.name.split('/').next().unwrap_or_default());
            let local = self.staged(&account, &place, &folder, &name);
            items.push(SourceItem { local: local.clone(), name, size: most_bytes(&files) });
            archives.insert(local, folder);
            inside.extend(files);
        }
        if let Some(name) = request.name.as_deref().filter(|name| !name.is_empty()) {
            let [item] = items.as_mut_slice() else {
                return Err(invalid(format!(
                    "the name \"{name}\" is for a single file, and {} were given",
                    items.len()
                )));
            };
            name.clone_into(&mut item.name);
        }
        refused.extend(problems.iter().map(words));
        Ok(Wished { account, provider, place, facts, items, archives, inside, refused })
    }

    /// Takes the files out of a request and tells those that can be sent from those that cannot.
    pub(crate) async fn lay_out(
        &self,
        wished: &mut Wished,
        request: &AddUploads,
    ) -> Result<Laid, ProblemWords> {
        let items = std::mem::take(&mut wished.items);
        let Wished { account, provider, place, facts, .. } = wished;
        let (provider, facts) = (provider.as_ref(), facts.as_ref());
        let mut taken = HashSet::new();
        let mut room = self.room(provider, account, place, facts).await?;
        let mut laid =
            Laid { transfers: Vec::with_capacity(items.len()), twice: Vec::new(), refused: Vec::new() };
        for mut item in items {
            let answer = request.answers.get(item.local.to_string_lossy().as_ref()).copied();
            if answer == Some(ClashPolicy::Skip) {
                continue;
            }
            let on_clash = answer.unwrap_or(request.on_clash);
            item.name = in_folders(&item.name, request.folders);
            if let Err(problem) = check(&item, provider, facts, request.shape) {
                laid.refused.push((item.local, problem));
                continue;
            }
            let Some(name) = free_name(&item, &mut taken, on_clash) else {
                laid.twice.push(item);
                continue;
            };
            match take_room(room.as_mut(), &item, name) {
                Err(problem) => laid.refused.push((item.local, problem)),
                Ok(name) => laid.transfers.push(NewTransfer {
                    direction: Direction::Upload,
                    account: account.clone(),
                    place: place.clone(),
                    name,
                    local: item.local,
                    size: Some(item.size),
                    on_clash,
                    shape: request.shape,
                    verify: request.verify,
                    metadata: request.metadata.clone(),
                }),
            }
        }
        Ok(laid)
    }

    /// Packs the folders that go as archives. What cannot be packed is refused, and its transfer taken out.
    async fn pack_each(
        &self,
        wished: &Wished,
        transfers: &mut Vec<NewTransfer>,
        refused: &mut Vec<ProblemWords>,
    ) -> Vec<Packed> {
        let mut held = Vec::new();
        for mut new in std::mem::take(transfers) {
            if let Some(folder) = wished.archives.get(&new.local) {
                let folder = folder.clone();
                let list = move || expand_sources(std::slice::from_ref(&folder)).0;
                match self.pack(list, new.local.clone()).await {
                    Ok(packed) => {
                        new.size = Some(packed.bytes);
                        held.push(packed);
                    }
                    Err(problem) => {
                        refused.push(words(&problem));
                        continue;
                    }
                }
            }
            transfers.push(new);
        }
        held
    }

    /// How many files a record still takes, where it takes no more than so many: what it holds and what this queue
    /// brings it are counted.
    async fn room(
        &self,
        provider: &dyn Provider,
        account: &AccountName,
        place: &str,
        facts: Option<&Capabilities>,
    ) -> Result<Option<Room>, ProblemWords> {
        let Some(limit) = facts.and_then(|facts| facts.files_per_record) else { return Ok(None) };
        let mut names = self.names_in_queue(account, place).await?;
        let mut request =
            ListRequest { path: place.to_owned(), limit: limit.saturating_add(1), ..ListRequest::default() };
        loop {
            match provider.list(&request).await {
                Ok(page) => {
                    names.extend(page.entries.into_iter().filter_map(|entry| match entry {
                        Entry::File { file } => Some(file.name),
                        Entry::Container { .. } => None,
                    }));
                    request.page = page.next;
                }
                // The service refuses what is too much when its turn comes.
                Err(error) if may_pass(&error) => return Ok(None),
                Err(error) => return Err(about_place(error, account, place).into()),
            }
            if request.page.is_none() {
                let left = (limit as usize).saturating_sub(names.len());
                return Ok(Some(Room { limit, left, names }));
            }
        }
    }
}

/// The files of a request, before it is decided which of them are sent.
pub(crate) struct Wished {
    pub(crate) account: AccountName,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) place: String,
    pub(crate) facts: Option<Capabilities>,
    pub(crate) items: Vec<SourceItem>,
    /// The folders of those items that are archives, by where each lies once it is packed.
    pub(crate) archives: HashMap<PathBuf, PathBuf>,
    /// The files in those folders.
    pub(crate) inside: Vec<SourceItem>,
    pub(crate) refused: Vec<ProblemWords>,
}

/// What can be queued of a request.
pub(crate) struct Laid {
    pub(crate) transfers: Vec<NewTransfer>,
    /// Files that would end as one with another of the same request.
    pub(crate) twice: Vec<SourceItem>,
    /// Files that the account or the record does not take, and why.
    pub(crate) refused: Vec<(PathBuf, Problem)>,
}

/// What a record still takes.
struct Room {
    limit: u32,
    left: usize,
    /// Names that are there or on their way: the same name again takes no room.
    names: BTreeSet<String>,
}

fn take_room(room: Option<&mut Room>, item: &SourceItem, name: String) -> Result<String, Problem> {
    let Some(room) = room else { return Ok(name) };
    if room.names.contains(&name) {
        return Ok(name);
    }
    if room.left == 0 {
        return Err(Problem::new(ProblemCode::TooManyFiles)
            .about(item.local.display().to_string())
            .because(format!("{} files are allowed", room.limit)));
    }
    room.left -= 1;
    Ok(name)
}

/// What the account can do, once the record was seen to take files; none while the service cannot be asked.
pub(crate) async fn facts(
    provider: &dyn Provider,
    account: &AccountName,
    place: &str,
) -> Result<Option<Capabilities>, ProblemWords> {
    let capabilities = match provider.capabilities().await {
        Ok(capabilities) => capabilities,
        Err(error) if may_pass(&error) => return Ok(None),
        Err(error) => return Err(about_place(error, account, place).into()),
    };
    if place.is_empty() && capabilities.records {
        return Err(invalid(format!("say which record of {account} the files go to")));
    }
    if place.is_empty() || !capabilities.listable {
        return Ok(Some(capabilities));
    }
    match provider.describe(place).await {
        Ok(Entry::Container { container }) if container.writable => Ok(Some(capabilities)),
        // Where nobody publishes records, a place that takes no files is not locked: they go to a place in it.
        Ok(Entry::Container { .. }) if !capabilities.records => Err(invalid(format!(
            "{account}:{place} takes no files itself; name a place in it that does, such as one of its fields or folders"
        ))),
        Ok(Entry::Container { .. }) => {
            Err(words(&Problem::new(ProblemCode::RecordLocked).about(format!("{account}:{place}"))))
        }
        Ok(Entry::File { .. }) => Err(invalid(format!(
            "{account}:{place} is a file; name the record to put files into, and the file's name apart"
        ))),
        Err(error) if may_pass(&error) => Ok(Some(capabilities)),
        Err(error) => Err(about_place(error, account, place).into()),
    }
}

/// Whether a failed look at the service says nothing about the record: the uploads then wait in the queue.
pub(crate) fn may_pass(error: &ProviderError) -> bool {
    matches!(error.advice, Advice::Again | Advice::AgainAfter(_))
}

/// The name of a file that lies in folders.
pub(crate) fn in_folders(name: &str, folders: FolderNames) -> String {
    match folders {
        FolderNames::Keep | FolderNames::Archive => name.to_owned(),
        FolderNames::Join => name.replace('/', "__"),
        FolderNames::Drop => name.rsplit('/').next().unwrap_or(name).to_owned(),
    }
}

/// Whether the file may be sent at all.
pub(crate) fn check(
    item: &SourceItem,
    provider: &dyn Provider,
    facts: Option<&Capabilities>,
    shape: ShapeChoice,
) -> Result<(), Problem> {
    let local = || item.local.display().to_string();
    check_name(&item.name).and_then(|()| provider.check_name(&item.name)).map_err(|problem| {
        // The name alone does not tell which of a thousand files it is.
        let subject = problem.subject.clone().unwrap_or_else(|| item.name.clone());
        let detail = problem.detail.clone().unwrap_or_else(|| "the service does not take it".to_owned());
        Problem { subject: Some(subject), detail: Some(format!("{detail} ({})", local())), ..problem }
    })?;
    let Some(facts) = facts else { return Ok(()) };
    if item.name.len() > facts.name_limit as usize {
        return Err(Problem::new(ProblemCode::NameRefused).about(item.name.clone()).because(format!(
            "it is {} bytes long and {} are allowed ({})",
            item.name.len(),
            facts.name_limit,
            local()
        )));
    }
    if item.size == 0 && !facts.empty_files {
        return Err(Problem::new(ProblemCode::EmptyFileRefused).about(local()));
    }
    let whole_only = shape == ShapeChoice::Whole || facts.parts.is_none();
    let limits = [facts.largest_file, facts.whole_limit.filter(|_| whole_only)];
    if let Some(limit) = limits.into_iter().flatten().min().filter(|limit| item.size > *limit) {
        return Err(Problem::new(ProblemCode::FileTooLarge)
            .about(local())
            .because(format!("it has {} bytes and {limit} are allowed", item.size)));
    }
    if shape == ShapeChoice::Parts && facts.parts.is_none() {
        return Err(Problem::new(ProblemCode::Unsupported)
            .about(format!("sending {} in parts", local()))
            .because("this account takes whole files only"));
    }
    Ok(())
}

/// Names no service and no file system keeps apart from a path.
fn check_name(name: &str) -> Result<(), Problem> {
    let why = if name.trim().is_empty() {
        "it is empty"
    } else if name.chars().all(|letter| letter == '.') {
        "it has only dots, which means a folder"
    } else if name.split('/').any(|part| part == ".." || part == ".") {
        "it has a part that means another folder"
    } else if name.chars().any(char::is_control) {
        "it has control characters"
    } else {
        return Ok(());
    };
    Err(Problem::new(ProblemCode::NameRefused).about(name).because(why))
}

/// The name the file gets among those that come with it; none where another one has it. Two sources with one name would
/// end as one file.
fn free_name(item: &SourceItem, taken: &mut HashSet<String>, on_clash: ClashPolicy) -> Option<String> {
    if taken.insert(item.name.clone()) {
        return Some(item.name.clone());
    }
    if on_clash != ClashPolicy::Rename {
        return None;
    }
    (2_u32..).map(|number| numbered(&item.name, number)).find(|name| taken.insert(name.clone()))
}

/// Why a file is left out that would end as one with another of the same request.
pub(crate) fn same_name(item: &SourceItem) -> Problem {
    Problem::new(ProblemCode::NameTaken)
        .about(item.name.clone())
        .because(format!("another of these files has the same name ({})", item.local.display()))
}

/// A path that stays the same whatever folder this process is in.
pub(crate) fn absolute(path: &str) -> Result<PathBuf, ProblemWords> {
    if path.is_empty() {
        return Err(invalid("an empty path names no file and no folder"));
    }
    std::path::absolute(Path::new(path)).map_err(|error| {
        words(&Problem::new(ProblemCode::SourceMissing).about(path).because(error.to_string()))
    })
}
