//! Metadata beside a file: `scan_07.json` for `scan_07.tif`. What is in such a file was written by somebody else's program:
//! it is read up to a bound, and what cannot be used is said in one sentence.

use crate::{app::App, problem_text::internal, wire::answers::ProblemWords};
use labferry_model::{FoundFile, Metadata, Sidecar, WatchRule};
use labferry_watch::Ready;
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

/// Most bytes of a sidecar: metadata that a person or a program fills in has a few kilobytes.
const MOST: u64 = 256 << 10;
/// Most fields of a table.
const MOST_FIELDS: usize = 1_000;

/// How long a sidecar must say the same before it is believed: one that is still written may look whole.
const REST: Duration = Duration::from_secs(2);

/// Files that are whole and wait for their sidecar.
#[derive(Debug, Default)]
pub(crate) struct Waiting(BTreeMap<String, Waits>);

#[derive(Debug, Clone)]
pub(crate) struct Waits {
    pub(crate) file: FoundFile,
    /// Since when, by the monotonic clock.
    since: Duration,
    /// What the sidecar said, and since when.
    said: Option<(Metadata, Duration)>,
    /// What it waits for.
    pub(crate) cause: String,
}

/// What is known of the sidecars of files that are ready.
#[derive(Debug, Default)]
pub(super) struct Sidecars {
    /// Metadata by the file's key.
    pub(super) metadata: HashMap<String, Metadata>,
    /// Files that waited for long enough, and what is wrong.
    pub(super) given_up: Vec<(FoundFile, String)>,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Waits> {
        self.0.values()
    }

    /// The files, to be looked at again.
    pub(super) fn ready(&self) -> Vec<Ready> {
        vec![Ready { run: None, files: self.0.values().map(|waits| waits.file.clone()).collect() }]
    }

    /// Whether the sidecar has said the same for long enough; until then its file is kept.
    fn rests(&mut self, file: &FoundFile, metadata: &Metadata, now: Duration) -> bool {
        let waits = self.0.entry(file.key.clone()).or_insert_with(|| Waits {
            file: file.clone(),
            since: now,
            said: None,
            cause: "its sidecar has just come".to_owned(),
        });
        match &waits.said {
            Some((said, since)) if said == metadata => {
                let rests = now.saturating_sub(*since) >= REST;
                if rests {
                    self.0.remove(&file.key);
                }
                rests
            }
            _ => {
                waits.said = Some((metadata.clone(), now));
                false
            }
        }
    }

    /// Keeps a file that waits; true when that has been for long enough.
    fn keep(&mut self, file: &FoundFile, cause: &str, now: Duration, patience: Duration) -> bool {
        let since = self.0.get(&file.key).map_or(now, |waits| waits.since);
        if now.saturating_sub(since) >= patience {
            self.0.remove(&file.key);
            return true;
        }
        let waits = Waits { file: file.clone(), since, said: None, cause: cause.to_owned() };
        self.0.insert(file.key.clone(), waits);
        false
    }
}

impl App {
    /// Reads the sidecars of files that are ready, and takes out of them those that wait for theirs, or that changed while
    /// they did.
    pub(super) async fn read_sidecars(
        &self,
        rule: &WatchRule,
        ready: &mut [Ready],
        waiting: &mut Waiting,
    ) -> Result<Sidecars, ProblemWords> {
        let mut sidecars = Sidecars::default();
        let Some(sidecar) = &rule.sidecar else { return Ok(sidecars) };
        let now = self.shared.clock.monotonic();
        for ready in ready.iter_mut().filter(|ready| ready.run.is_none()) {
            let (asked, root, files) =
                (sidecar.clone(), rule.folder.clone(), std::mem::take(&mut ready.files));
            let read = tokio::task::spawn_blocking(move || {
                let read =
                    |file: FoundFile| (is_as_it_was(&root, &file), read(&root, &file.key, &asked), file);
                files.into_iter().map(read).collect::<Vec<_>>()
            });
            for (is_as_it_was, read, file) in read.await.map_err(internal)? {
                match read {
                    // It is found again, and must rest again.
                    _ if !is_as_it_was => drop(waiting.0.remove(&file.key)),
                    Ok(metadata) if !waiting.rests(&file, &metadata, now) => {}
                    Ok(metadata) => {
                        sidecars.metadata.insert(file.key.clone(), metadata);
                        ready.files.push(file);
                    }
                    Err(cause) if !waiting.keep(&file, &cause, now, sidecar.wait) => {}
                    Err(_) if sidecar.without => ready.files.push(file),
                    Err(cause) => sidecars.given_up.push((file, cause)),
                }
            }
        }
        Ok(sidecars)
    }
}

fn is_as_it_was(root: &Path, file: &FoundFile) -> bool {
    let found = std::fs::symlink_metadata(root.join(&file.path));
    found.is_ok_and(|found| labferry_watch::fingerprint(&found) == file.fingerprint)
}

/// The sidecar's metadata, or what is wrong with it.
pub(super) fn read(root: &Path, key: &str, sidecar: &Sidecar) -> Result<Metadata, String> {
    let name = sidecar.name_for(key);
    let text = bounded(&root.join(&name)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("its sidecar {name} is not there"),
        _ => format!("its sidecar {name} cannot be read: {error}"),
    })?;
    let is_table = name.to_lowercase().ends_with(".csv");
    let parsed = if is_table { table(&text) } else { object(&text) };
    parsed.map_err(|cause| format!("its sidecar {name} {cause}"))
}

fn bounded(path: &Path) -> io::Result<String> {
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::other("it is larger than 256 KiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it is no text in UTF-8"))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

fn object(text: &str) -> Result<Metadata, String> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(members)) => Ok(members),
        Ok(_) => Err("is no JSON object".to_owned()),
        Err(error) => Err(format!("is no JSON: {error}")),
    }
}

/// A table of two columns, a name and a value in each line.
fn table(text: &str) -> Result<Metadata, String> {
    let mut fields = Metadata::new();
    let rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    for row in rows.into_records() {
        let row = row.map_err(|error| format!("is no table: {error}"))?;
        let (Some(name), Some(value), 2) = (row.get(0), row.get(1), row.len()) else {
            return Err(format!(
                "has a line that is no name and value: {}",
                row.iter().collect::<Vec<_>>().join(",")
            ));
        };
        if fields.len() >= MOST_FIELDS {
            return Err(format!("has more than {MOST_FIELDS} fields"));
        }
        if fields.insert(name.trim().to_owned(), value.trim().into()).is_some() {
            return Err(format!("names {} twice", name.trim()));
        }
    }
    Ok(fields)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn strange_sidecars_are_said_in_a_sentence() {
        assert_eq!(object(r#"{"a": [1, {"b": 2}]}"#).unwrap()["a"][1]["b"], 2);
        assert_eq!(object("[]").unwrap_err(), "is no JSON object");
        assert!(object("{\"a\": ").unwrap_err().starts_with("is no JSON: EOF"));
        assert!(object(&"[".repeat(100_000)).unwrap_err().contains("recursion"));
        let fields = table("instrument, QE2\n\"operator\",\"Novák, J.\"\n").unwrap();
        assert_eq!((&fields["instrument"], &fields["operator"]), (&"QE2".into(), &"Novák, J.".into()));
        assert!(table("a,b,c\n").unwrap_err().contains("a,b,c"));
        assert!(table("a,1\na,2\n").unwrap_err().contains("twice"));
    }
}
