//! Which files a copy is of.

use crate::{
    app::App,
    browse::clean,
    problem_text::invalid,
    wire::{
        answers::{EntryRow, FileRow, ProblemWords},
        requests::PlaceRequest,
    },
};
use labferry_model::{AccountName, CopiedFile, CopyStep};
use std::collections::HashMap;

impl App {
    /// The files behind paths, in their order, and what of the paths is shown.
    pub(super) async fn files_to_copy(
        &self,
        account: &AccountName,
        paths: &[String],
    ) -> Result<(String, Vec<CopiedFile>), ProblemWords> {
        let mut rows: Vec<FileRow> = Vec::new();
        let mut neighbours: HashMap<String, FileRow> = HashMap::new();
        let mut source = paths.first().cloned().unwrap_or_default();
        for path in paths {
            if let Some(file) = neighbours.remove(path) {
                rows.push(file);
                continue;
            }
            let request = PlaceRequest { account: account.to_string(), path: path.clone() };
            match self.browse_show(request.clone()).await? {
                EntryRow::Container { .. } => rows.extend(self.files_in(request).await?),
                EntryRow::File { file } => {
                    if rows.is_empty() && paths.len() > 1 {
                        // Files of one record come together: one listing instead of a question for each.
                        container_of(path, &file).clone_into(&mut source);
                        let record = PlaceRequest { path: source.clone(), ..request };
                        let others = self.files_in(record).await;
                        // Where nothing can be listed, each is asked for.
                        neighbours = others
                            .unwrap_or_default()
                            .into_iter()
                            .map(|file| (clean(&file.path).to_owned(), file))
                            .collect();
                        neighbours.remove(path);
                    }
                    rows.push(file);
                }
            }
        }
        if rows.is_empty() {
            return Err(invalid(format!(
                "the place {account}:{source} holds no files: there is nothing to copy"
            )));
        }
        Ok((source, rows.into_iter().zip(1..).map(|(file, number)| waiting(file, number)).collect()))
    }
}

/// The place that a file is in.
fn container_of<'a>(path: &'a str, file: &FileRow) -> &'a str {
    // Where files are known by ids the path ends in one instead of the name.
    let place =
        path.strip_suffix(&file.name).unwrap_or_else(|| path.rsplit_once('/').map_or("", |(place, _)| place));
    place.trim_end_matches('/')
}

fn waiting(file: FileRow, number: i64) -> CopiedFile {
    CopiedFile {
        number,
        told: told(&file),
        path: file.path,
        name: file.name,
        size: file.size,
        step: CopyStep::Waiting,
        local: None,
        fetched_proven: false,
        verified: false,
        download: None,
        upload: None,
        problem: None,
    }
}

/// What a service tells of a file's content: its digests, or where it keeps none, when it was changed.
fn told(file: &FileRow) -> String {
    let digests: Vec<(&str, &str)> =
        file.digests.iter().map(|digest| (digest.algorithm.as_str(), digest.hex.as_str())).collect();
    let modified = file.modified.filter(|_| digests.is_empty());
    serde_json::json!([file.size, digests, modified]).to_string()
}
