//! Looking through what a service holds.

use crate::{
    app::App,
    problem_text::{invalid, words},
    rows,
    wire::{answers::*, requests::*},
};
use labferry_model::{AccountName, Entry, Problem, ProblemCode};
use labferry_provider::{Leftover, ListRequest, ListScope, Provider};
use labferry_store::TransferFilter;
use std::{collections::BTreeSet, sync::Arc};

/// Lines a page when the request names no number.
const USUAL_PAGE: u32 = 50;
/// Lines a page where all of them are wanted.
const LONG_PAGE: u32 = 1_000;

impl App {
    /// One page of what a place holds.
    ///
    /// # Errors
    /// What the service answers.
    pub async fn browse_list(&self, request: ListPlace) -> Result<PageAnswer, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let path = clean(&request.path);
        let wanted = ListRequest {
            path: path.to_owned(),
            query: request.query.clone().filter(|query| !query.trim().is_empty()),
            scope: if request.published { ListScope::Published } else { ListScope::Mine },
            page: request.page.clone(),
            limit: if request.limit == 0 { USUAL_PAGE } else { request.limit },
        };
        let page = match provider.list(&wanted).await {
            // What we sent there ourselves is the listing there is.
            Err(error) if error.problem.code == ProblemCode::Unsupported => {
                return self.remembered(&account, path, &request).await;
            }
            page => page.map_err(|error| about_place(error, &account, path))?,
        };
        let mut entries = Vec::with_capacity(page.entries.len());
        for entry in page.entries {
            entries.push(self.entry_row(&account, entry).await?);
        }
        Ok(PageAnswer { entries, total: page.total, next: page.next, remembered: false })
    }

    /// Every file directly in a place, page by page.
    ///
    /// # Errors
    /// What the service answers.
    pub async fn files_in(&self, place: PlaceRequest) -> Result<Vec<FileRow>, ProblemWords> {
        let mut files = Vec::new();
        let mut request =
            ListPlace { account: place.account, path: place.path, limit: LONG_PAGE, ..ListPlace::default() };
        loop {
            let page = self.browse_list(request.clone()).await?;
            files.extend(page.entries.into_iter().filter_map(|entry| match entry {
                EntryRow::File { file } => Some(file),
                EntryRow::Container { .. } => None,
            }));
            match page.next {
                Some(next) if request.page.as_ref() != Some(&next) => request.page = Some(next),
                _ => return Ok(files),
            }
        }
    }

    /// What the ledger remembers of a container whose service cannot list it.
    async fn remembered(
        &self,
        account: &AccountName,
        place: &str,
        request: &ListPlace,
    ) -> Result<PageAnswer, ProblemWords> {
        let after = match request.page.as_deref().map(str::parse) {
            None => None,
            Some(Ok(number)) => Some(number),
            Some(Err(_)) => return Err(invalid("that page does not exist".to_owned())),
        };
        let limit = if request.limit == 0 { USUAL_PAGE } else { request.limit };
        let known = self.shared.store.ledger_in(account, place, after, limit).await?;
        let full = known.len() >= limit as usize;
        let next = known.last().filter(|_| full).map(|row| row.number.to_string());
        let words = request.query.as_deref().unwrap_or_default().trim().to_lowercase();
        let entries = known
            .into_iter()
            .filter(|row| row.entry.name.to_lowercase().contains(&words))
            .map(|row| EntryRow::File { file: rows::remembered(row.entry) })
            .collect();
        Ok(PageAnswer { entries, total: None, next, remembered: true })
    }

    /// One record or file.
    ///
    /// # Errors
    /// What the service answers.
    pub async fn browse_show(&self, request: PlaceRequest) -> Result<EntryRow, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let path = clean(&request.path);
        let entry = provider.describe(path).await.map_err(|error| about_place(error, &account, path))?;
        self.entry_row(&account, entry).await
    }

    /// Uploads on the service that were begun and never finished.
    ///
    /// # Errors
    /// What the service answers.
    pub async fn browse_leftovers(&self, request: PlaceRequest) -> Result<Vec<LeftoverRow>, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let place = clean(&request.path);
        let leftovers =
            provider.leftovers(place).await.map_err(|error| about_place(error, &account, place))?;
        let ours = self.names_in_queue(&account, place).await?;
        let row = |leftover: Leftover| LeftoverRow {
            ours: ours.contains(&leftover.name),
            path: leftover.path,
            name: leftover.name,
            size: leftover.size,
        };
        Ok(leftovers.into_iter().map(row).collect())
    }

    /// Removes such leftovers from the service, never a finished file and never one that this queue will finish.
    ///
    /// # Errors
    /// A path that is no leftover, and what the service answers; those removed before stay removed.
    pub async fn browse_clear_leftovers(&self, request: PlacesRequest) -> Result<Changed, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let mut changed = 0;
        for path in &request.paths {
            let (place, leftover) = find_leftover(&provider, &account, clean(path)).await?;
            if self.names_in_queue(&account, &place).await?.contains(&leftover.name) {
                return Err(invalid(format!(
                    "the upload of {path} is in the queue and goes on by itself; cancel it there first"
                )));
            }
            provider.clear_leftover(&leftover).await.map_err(|error| about_place(error, &account, path))?;
            changed += 1;
        }
        Ok(Changed { changed })
    }

    /// An entry with what the ledger knows of it.
    pub(crate) async fn entry_row(
        &self,
        account: &AccountName,
        entry: Entry,
    ) -> Result<EntryRow, ProblemWords> {
        let known = match &entry {
            Entry::File { file } => self.shared.store.ledger_find(account, &file.path).await?,
            Entry::Container { .. } => None,
        };
        Ok(rows::entry(entry, known.as_ref()))
    }

    /// Names of the files that unsettled transfers of this queue put into a place.
    pub(crate) async fn names_in_queue(
        &self,
        account: &AccountName,
        place: &str,
    ) -> Result<BTreeSet<String>, ProblemWords> {
        let states = [rows::ACTIVE, rows::WAITING].concat();
        let filter = TransferFilter {
            states: Some(states),
            account: Some(account.clone()),
            direction: Some(labferry_model::Direction::Upload),
            place: Some(place.to_owned()),
            limit: u32::MAX,
            ..TransferFilter::default()
        };
        let transfers = self.shared.store.transfers(&filter).await?;
        Ok(transfers.into_iter().map(|transfer| transfer.name).collect())
    }
}

/// The leftover of that path, and the container it is in. What a path means is the connector's knowledge, so each
/// part of it that may be a container is asked for.
async fn find_leftover(
    provider: &Arc<dyn Provider>,
    account: &AccountName,
    path: &str,
) -> Result<(String, Leftover), ProblemWords> {
    for (at, _) in path.match_indices('/') {
        let place = &path[..at];
        let leftovers =
            provider.leftovers(place).await.map_err(|error| about_place(error, account, place))?;
        if let Some(leftover) = leftovers.into_iter().find(|leftover| leftover.path == path) {
            return Ok((place.to_owned(), leftover));
        }
    }
    Err(words(
        &Problem::new(ProblemCode::NotFound)
            .about(format!("{account}:{path}"))
            .because("it is not an unfinished upload"),
    ))
}

/// A path without slashes around it.
pub(crate) fn clean(path: &str) -> &str {
    path.trim_matches('/')
}

/// The container's path of what was found at `path`.
pub(crate) fn container_of<'a>(path: &'a str, entry: &Entry) -> &'a str {
    match entry {
        Entry::Container { .. } => path,
        // Where files are known by ids the path ends in one instead of the name.
        Entry::File { file } => path
            .strip_suffix(&file.name)
            .unwrap_or_else(|| path.rsplit_once('/').map_or("", |(place, _)| place))
            .trim_end_matches('/'),
    }
}

/// Names the place in a service's answer, when it names nothing itself.
pub(crate) fn about_place(
    error: labferry_provider::ProviderError,
    account: &AccountName,
    path: &str,
) -> labferry_provider::ProviderError {
    error.about(format!("{account}:{path}"))
}
