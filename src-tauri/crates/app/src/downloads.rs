//! Queueing downloads: records are expanded to their files, and foreign names never leave the chosen folder.

use crate::{
    app::App,
    browse::{about_place, clean, container_of},
    local_names::LocalNames,
    problem_text::{internal, invalid, words},
    rows,
    uploads::absolute,
    wire::{answers::*, requests::*},
};
use labferry_engine::preflight::{local_name_for, numbered};
use labferry_model::{
    AccountName, ClashPolicy, Container, Direction, Entry, FileStatus, Metadata, Problem, ProblemCode,
    RemoteFile, ShapeChoice, VerifyChoice, transfer::NewTransfer,
};
use labferry_provider::{ListRequest, ListScope, Provider};
use labferry_store::TransferFilter;
use std::{
    collections::HashSet,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

/// Files asked for in one page of a record.
const PAGE: u32 = 1_000;
/// Containers inside containers that are followed.
const DEPTH: u32 = 8;

/// One file to fetch: the record it is in, the folder below the destination, and what the service says of it.
struct Found {
    place: String,
    below: PathBuf,
    file: RemoteFile,
}

impl App {
    /// Queues files, or whole records with their metadata beside them, for a folder. One record goes straight into the
    /// folder, several into a folder each.
    ///
    /// # Errors
    /// A place the service does not give, or a folder that cannot be written; nothing is queued then.
    pub async fn downloads_add(&self, request: AddDownloads) -> Result<Queued, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        if request.paths.is_empty() || request.paths.iter().any(|path| clean(path).is_empty()) {
            return Err(invalid("say which file or record to fetch; a whole account cannot be fetched"));
        }
        let (found, records) = look_up(provider.as_ref(), &account, &request.paths).await?;
        let destination = absolute(&request.destination)?;
        let as_file = records.is_empty()
            && found.len() == 1
            && !request.destination.ends_with(['/', std::path::MAIN_SEPARATOR])
            && !destination.is_dir();
        let (folder, only_name) = match (as_file, destination.parent(), destination.file_name()) {
            (true, Some(folder), Some(name)) => (folder.to_path_buf(), Some(PathBuf::from(name))),
            _ => (destination, None),
        };
        let (mut refused, mut renamed) = (Vec::new(), Vec::new());
        let mut names = LocalNames::default();
        for Found { below, .. } in &found {
            names.keep_folder(below);
        }
        for (below, container) in &records {
            names.keep_file(&below.join(sidecar(container)));
        }
        let mut transfers = Vec::with_capacity(found.len());
        for Found { place, below, file } in found {
            if let Err(problem) = is_whole(&file) {
                refused.push(words(&problem));
                continue;
            }
            let name = only_name.clone().unwrap_or_else(|| {
                let (name, changed) = names.file(&below, &file.name);
                if changed {
                    let local = folder.join(&name).display().to_string();
                    renamed.push(Renamed { name: file.name.clone(), local });
                }
                name
            });
            let transfer = download_of(&account, place, &file, folder.join(name), request.on_clash);
            transfers.push(NewTransfer { shape: request.shape, ..transfer });
        }
        let folders: HashSet<PathBuf> =
            transfers.iter().filter_map(|transfer| transfer.local.parent().map(Path::to_path_buf)).collect();
        tokio::task::spawn_blocking(move || prepare(&folder, &folders, &records))
            .await
            .map_err(internal)?
            .map_err(|problem| words(&problem))?;
        let continued = self.go_on(&mut transfers).await?;
        self.refuse_destinations_in_use(&mut transfers, &mut refused).await?;
        let ids = self.shared.store.add_transfers(transfers, self.shared.clock.now()).await?;
        self.shared.engine.wake();
        let ids = ids.into_iter().map(|id| id.0).collect();
        Ok(Queued { ids, continued, refused, renamed })
    }
}

impl App {
    /// Takes out the downloads to a file that another one of this queue is writing.
    async fn refuse_destinations_in_use(
        &self,
        transfers: &mut Vec<NewTransfer>,
        refused: &mut Vec<ProblemWords>,
    ) -> Result<(), ProblemWords> {
        let filter = TransferFilter {
            states: Some([rows::ACTIVE, rows::WAITING].concat()),
            direction: Some(Direction::Download),
            limit: u32::MAX,
            ..TransferFilter::default()
        };
        let unfinished = self.shared.store.transfers(&filter).await?;
        let in_use: HashSet<&Path> = unfinished.iter().map(|transfer| transfer.local.as_path()).collect();
        transfers.retain(|transfer| {
            let free = !in_use.contains(transfer.local.as_path());
            if !free {
                let problem = Problem::new(ProblemCode::DestinationExists)
                    .about(transfer.local.display().to_string())
                    .because("another download of the queue is writing it");
                refused.push(words(&problem));
            }
            free
        });
        Ok(())
    }
}

/// Whether a service has the whole file.
///
/// # Errors
/// It has not.
pub(crate) fn is_whole(file: &RemoteFile) -> Result<(), Problem> {
    if file.status == FileStatus::Ready {
        return Ok(());
    }
    Err(Problem::new(ProblemCode::PendingFile)
        .about(&file.name)
        .because("the service does not have it whole, so there is nothing to fetch"))
}

/// The download of a file that a service holds in that place.
pub(crate) fn download_of(
    account: &AccountName,
    place: String,
    file: &RemoteFile,
    local: PathBuf,
    on_clash: ClashPolicy,
) -> NewTransfer {
    NewTransfer {
        direction: Direction::Download,
        account: account.clone(),
        // What stands behind the place finds the file again: its name, or its id.
        name: name_in(&place, &file.path).to_owned(),
        place,
        local,
        size: file.size,
        on_clash,
        shape: ShapeChoice::Auto,
        verify: VerifyChoice::Auto,
        metadata: Metadata::new(),
    }
}

/// What stands behind a place in a file's path. One slash is between the two, any other belongs to the name: a service may hold
/// `/absolute.txt`.
fn name_in<'a>(place: &str, path: &'a str) -> &'a str {
    match path.strip_prefix(place) {
        Some(behind) if !place.is_empty() => behind.strip_prefix('/').unwrap_or(behind),
        _ => path,
    }
}

/// The files behind the paths, and the records among them with the folder each goes to.
async fn look_up(
    provider: &dyn Provider,
    account: &AccountName,
    paths: &[String],
) -> Result<(Vec<Found>, Vec<(PathBuf, Container)>), ProblemWords> {
    let mut found = Vec::new();
    let mut records = Vec::new();
    let mut names = LocalNames::default();
    for path in paths {
        let path = clean(path);
        let entry = provider.describe(path).await.map_err(|error| about_place(error, account, path))?;
        let place = container_of(path, &entry).to_owned();
        match entry {
            Entry::File { file } => found.push(Found { place, below: PathBuf::new(), file }),
            Entry::Container { container } => {
                let below = match paths {
                    [_] => PathBuf::new(),
                    _ => names.folder(Path::new(""), own_name(&container)),
                };
                gather(provider, account, &container.path, &below, DEPTH, &mut found).await?;
                records.push((below, container));
            }
        }
    }
    Ok((found, records))
}

/// Every file of a container, page by page, and of the containers in it.
async fn gather(
    provider: &dyn Provider,
    account: &AccountName,
    place: &str,
    below: &Path,
    depth: u32,
    found: &mut Vec<Found>,
) -> Result<(), ProblemWords> {
    let mut page = None;
    let mut names = LocalNames::default();
    loop {
        let request = ListRequest {
            path: place.to_owned(),
            query: None,
            scope: ListScope::Mine,
            page: page.take(),
            limit: PAGE,
        };
        let answer = provider.list(&request).await.map_err(|error| about_place(error, account, place))?;
        for entry in answer.entries {
            match entry {
                Entry::File { file } => {
                    found.push(Found { place: place.to_owned(), below: below.to_path_buf(), file });
                }
                Entry::Container { container } if depth > 0 => {
                    let below = names.folder(below, &container.title);
                    Box::pin(gather(provider, account, &container.path, &below, depth - 1, found)).await?;
                }
                Entry::Container { container } => {
                    return Err(invalid(format!(
                        "{account}:{} lies too deep to be fetched whole; fetch it by itself",
                        container.path
                    )));
                }
            }
        }
        match answer.next {
            Some(next) => page = Some(next),
            None => return Ok(()),
        }
    }
}

/// The file beside a record's files that holds its metadata.
fn sidecar(container: &Container) -> String {
    format!("{}.metadata.json", local_name_for(own_name(container)).name)
}

/// Makes the folders, and writes each record's metadata beside its files.
fn prepare(
    folder: &Path,
    folders: &HashSet<PathBuf>,
    records: &[(PathBuf, Container)],
) -> Result<(), Problem> {
    make_folder(folder)?;
    for folder in folders {
        make_folder(folder)?;
    }
    for (below, container) in records {
        let place = folder.join(below);
        make_folder(&place)?;
        let text = serde_json::to_vec_pretty(&container.metadata)
            .map_err(|error| Problem::new(ProblemCode::Internal).because(error.to_string()))?;
        write_beside(&place, &sidecar(container), &text)?;
    }
    Ok(())
}

/// What tells a container from its neighbours: the last part of its path, for one path may have many.
fn own_name(container: &Container) -> &str {
    match container.path.rsplit('/').next() {
        None | Some("") => &container.title,
        Some(last) => last,
    }
}

/// Makes a folder and those it lies in.
///
/// # Errors
/// A disk that is full, or a folder that cannot be written.
pub(crate) fn make_folder(path: &Path) -> Result<(), Problem> {
    fs::create_dir_all(path).map_err(|error| not_written(path, &error))
}

/// Writes a new file and never over one with other content: that gets a neighbour with a number.
fn write_beside(folder: &Path, name: &str, text: &[u8]) -> Result<(), Problem> {
    for number in 1_u32.. {
        let path = folder.join(if number == 1 { name.to_owned() } else { numbered(name, number) });
        match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => return file.write_all(text).map_err(|error| not_written(&path, &error)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read(&path).is_ok_and(|there| there == text) {
                    return Ok(());
                }
            }
            Err(error) => return Err(not_written(&path, &error)),
        }
    }
    Ok(())
}

fn not_written(path: &Path, error: &io::Error) -> Problem {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ProblemCode::DiskFull,
        _ => ProblemCode::FolderNotWritable,
    };
    let why = match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "there is a file where a folder is needed".to_owned()
        }
        _ => error.to_string(),
    };
    Problem::new(code).about(path.display().to_string()).because(why)
}
