//! Records: made, edited, published, given a new version, deleted.

use crate::{
    app::App,
    browse::{about_place, clean},
    problem_text::invalid,
    rows,
    wire::{answers::*, requests::*},
};
use labferry_model::Entry;

impl App {
    /// Makes a record.
    ///
    /// # Errors
    /// What the service answers.
    pub async fn record_create(&self, request: EditRecord) -> Result<ContainerRow, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let parent = clean(&request.path);
        let made = provider
            .create(parent, &request.metadata)
            .await
            .map_err(|error| about_place(error, &account, parent))?;
        Ok(rows::container(made))
    }

    /// Changes the given fields of a record's metadata and leaves the others.
    ///
    /// # Errors
    /// A place that is no record, and what the service answers.
    pub async fn record_edit(&self, request: EditRecord) -> Result<ContainerRow, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let path = clean(&request.path);
        let found = provider.describe(path).await.map_err(|error| about_place(error, &account, path))?;
        let Entry::Container { container } = found else {
            return Err(invalid(format!("{account}:{path} is a file, not a record")));
        };
        let mut metadata = container.metadata;
        metadata.extend(request.metadata);
        let changed =
            provider.update(path, &metadata).await.map_err(|error| about_place(error, &account, path))?;
        Ok(rows::container(changed))
    }

    /// Publishes a record.
    ///
    /// # Errors
    /// What the service answers; what it misses in the record stands in the detail.
    pub async fn record_publish(&self, request: PlaceRequest) -> Result<ContainerRow, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let path = clean(&request.path);
        let published = provider.publish(path).await.map_err(|error| about_place(error, &account, path))?;
        Ok(rows::container(published))
    }

    /// Begins a new version of a published record.
    ///
    /// # Errors
    /// What the service answers.
    pub async fn record_version(&self, request: PlaceRequest) -> Result<ContainerRow, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let path = clean(&request.path);
        let version = provider.new_version(path).await.map_err(|error| about_place(error, &account, path))?;
        Ok(rows::container(version))
    }

    /// Deletes records or files on the service.
    ///
    /// # Errors
    /// An empty path, and what the service answers; what was deleted before stays deleted.
    pub async fn places_remove(&self, request: PlacesRequest) -> Result<Changed, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        if request.paths.iter().any(|path| clean(path).is_empty()) {
            return Err(invalid("say which record or file to delete; a whole account cannot be deleted"));
        }
        let mut changed = 0;
        for path in &request.paths {
            let path = clean(path);
            provider.delete(path).await.map_err(|error| about_place(error, &account, path))?;
            changed += 1;
        }
        Ok(Changed { changed })
    }
}
