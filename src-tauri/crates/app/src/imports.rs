//! Files that a service fetches by itself from a link, and waiting for what a service still works on.

use crate::{
    app::App,
    browse::{about_place, clean},
    problem_text::{invalid, words},
    wire::{answers::*, requests::*},
};
use labferry_model::{Entry, FileStatus, Problem, ProblemCode, remote_file::WHY_FAILED};
use labferry_provider::{ImportRequest, http::SignedUrl};
use serde_json::Value;
use std::time::Duration;

/// The first wait before a service is asked again, and the longest: most files take seconds, a long video takes minutes.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl App {
    /// Lets a service fetch a file from a link. The link is handed on and kept nowhere.
    ///
    /// # Errors
    /// A service that takes no links, a link that is none, and what the service answers.
    pub async fn import_link(&self, request: ImportLink) -> Result<PlaceAnswer, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let place = clean(&request.place).to_owned();
        let failed = |error| about_place(error, &account, &place);
        if !provider.capabilities().await.map_err(failed)?.imports_links {
            return Err(words(
                &Problem::new(ProblemCode::Unsupported)
                    .about(format!("Fetching a link by {account} itself"))
                    .because("it takes files from this computer only; fetch the file here and send it"),
            ));
        }
        let link = SignedUrl::parse(request.link.trim())
            .ok_or_else(|| invalid("the link must begin with https:// or http:// and name a host"))?;
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let import = ImportRequest {
            container: place.clone(),
            link,
            name: filled(request.name),
            media_type: filled(request.media_type),
        };
        let path = provider.import_link(&import).await.map_err(failed)?;
        Ok(PlaceAnswer { path })
    }

    /// One record or file, once the service does not work on it any more.
    ///
    /// # Errors
    /// What the service answers, and the reason it gives for a file it gave up on.
    pub async fn browse_processed(&self, request: PlaceRequest) -> Result<EntryRow, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let path = clean(&request.path);
        let mut wait = FIRST_WAIT;
        let entry = loop {
            let entry = provider.describe(path).await.map_err(|error| about_place(error, &account, path))?;
            match &entry {
                Entry::File { file } if file.status == FileStatus::Processing => {}
                _ => break entry,
            }
            self.shared.clock.sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        };
        if let Entry::File { file } = &entry
            && file.status == FileStatus::Failed
        {
            let why = file.metadata.get(WHY_FAILED).and_then(Value::as_str);
            let problem = Problem::new(ProblemCode::ServiceFailed).about(format!("{account}:{path}"));
            return Err(words(&problem.because(why.unwrap_or("it does not say why"))));
        }
        self.entry_row(&account, entry).await
    }
}
