//! The workspaces' activities, records, fields and files, in memory and in one file on disk that is replaced whole.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::blobs::{Blobs, Piece};
use crate::disk::{read_json, write_json};
use crate::options::SandboxError;

/// What a value holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Held {
    /// Any JSON.
    Plain(Value),
    /// A file, by its id.
    File(String),
}

/// A task, experiment, project and so on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Activity {
    pub(crate) id: String,
    pub(crate) workspace: String,
    pub(crate) title: String,
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) parent: Option<String>,
    pub(crate) programs: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) active: Timestamp,
    pub(crate) records: Vec<String>,
    pub(crate) properties: Vec<Property>,
}

/// A value attached to an activity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Property {
    pub(crate) id: String,
    /// The property field.
    pub(crate) field: String,
    pub(crate) content: Held,
    pub(crate) created: Timestamp,
}

/// A row with a key and values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) workspace: String,
    /// The value of its key field.
    pub(crate) key: String,
    pub(crate) created: Timestamp,
    /// Since when it is part of which activity.
    pub(crate) activities: BTreeMap<String, Timestamp>,
    /// By field, newest first.
    pub(crate) values: BTreeMap<String, Vec<RecordValue>>,
}

/// One value of a record's field.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RecordValue {
    pub(crate) id: String,
    pub(crate) content: Held,
    pub(crate) created: Timestamp,
    pub(crate) activity: Option<String>,
    pub(crate) view: Option<String>,
}

/// A data, key or property field.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Field {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
}

/// A file; it hangs on a record's value or on a property.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredFile {
    pub(crate) id: String,
    pub(crate) workspace: String,
    pub(crate) name: String,
    pub(crate) media_type: String,
    /// The record or property it hangs on.
    pub(crate) holder: String,
    pub(crate) activity: Option<String>,
    pub(crate) size: u64,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) created: Timestamp,
}

/// A file handed over to be registered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub(crate) id: String,
    pub(crate) activity: String,
    pub(crate) file: String,
    pub(crate) status: String,
    pub(crate) created: Timestamp,
}

/// Everything of all workspaces.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Contents {
    pub(crate) key_fields: Vec<Field>,
    pub(crate) data_fields: Vec<Field>,
    pub(crate) property_fields: Vec<Field>,
    /// Id and title.
    pub(crate) programs: Vec<(String, String)>,
    pub(crate) slice: String,
    pub(crate) activities: Vec<Activity>,
    pub(crate) records: Vec<Record>,
    pub(crate) files: Vec<StoredFile>,
    pub(crate) registrations: Vec<Registration>,
}

/// A record that is there from the beginning, outside of every activity.
const FIRST_RECORD: &str = "3f2d6a51-7d1e-4b7a-9c55-0a1b2c3d4e5f";

/// Field types that hold a file of the service's own.
pub(crate) const FILE_KINDS: [&str; 4] = ["file", "image", "molfile", "protein-structure"];

impl Contents {
    /// The fields every workspace has, and a first record in ours.
    pub(crate) fn new(workspace: &str) -> Self {
        let field = |name: &str, kind: &str| Field { id: new_id(), name: name.into(), kind: kind.into() };
        Self {
            key_fields: vec![field("Sample ID", "text")],
            data_fields: vec![
                field("Raw data", "file"),
                field("Concentration", "number"),
                field("Note", "text"),
            ],
            property_fields: vec![field("Report", "file"), field("Instrument", "text")],
            slice: new_id(),
            records: vec![Record {
                id: FIRST_RECORD.to_owned(),
                workspace: workspace.to_owned(),
                key: "First sample".to_owned(),
                created: Timestamp::UNIX_EPOCH,
                activities: BTreeMap::new(),
                values: BTreeMap::new(),
            }],
            ..Self::default()
        }
    }

    pub(crate) fn activity(&self, workspace: &str, id: &str) -> Option<&Activity> {
        self.activities.iter().find(|activity| activity.id == id && activity.workspace == workspace)
    }

    pub(crate) fn record(&self, workspace: &str, id: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.id == id && record.workspace == workspace)
    }

    pub(crate) fn file(&self, id: &str) -> Option<&StoredFile> {
        self.files.iter().find(|file| file.id == id)
    }

    /// The activity a property belongs to, and the property.
    pub(crate) fn property(&self, workspace: &str, id: &str) -> Option<(&Activity, &Property)> {
        self.activities.iter().filter(|activity| activity.workspace == workspace).find_map(|activity| {
            Some((activity, activity.properties.iter().find(|property| property.id == id)?))
        })
    }

    /// A new activity with a property for each property field.
    pub(crate) fn new_activity(&self, workspace: &str, title: &str, kind: &str, now: Timestamp) -> Activity {
        let property = |field: &Field| Property {
            id: new_id(),
            field: field.id.clone(),
            content: Held::Plain(Value::Null),
            created: now,
        };
        Activity {
            id: new_id(),
            workspace: workspace.to_owned(),
            title: title.to_owned(),
            kind: kind.to_owned(),
            status: "to do".to_owned(),
            parent: None,
            programs: Vec::new(),
            created: now,
            active: now,
            records: Vec::new(),
            properties: self.property_fields.iter().map(property).collect(),
        }
    }
}

/// The contents and where they are kept.
pub(crate) struct World {
    path: PathBuf,
    blobs: Blobs,
    contents: Contents,
}

impl World {
    pub(crate) fn open(folder: &Path, blobs: Blobs) -> Result<Self, SandboxError> {
        let path = folder.join("world.json");
        let contents = read_json(&path)?.unwrap_or_else(|| Contents::new(super::WORKSPACES[0].0));
        let world = Self { path, blobs, contents };
        let used: HashSet<_> = world.blobs_in_use().map(str::to_owned).collect();
        let cleaned = world.blobs.remove_unused(|blob| used.contains(blob));
        cleaned.map_err(|source| SandboxError::Folder { path: folder.to_owned(), source })?;
        Ok(world)
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Changes the contents and keeps them on disk, or leaves them as they were.
    pub(crate) fn change<T>(&mut self, change: impl FnOnce(&mut Contents) -> T) -> io::Result<T> {
        let mut changed = self.contents.clone();
        let result = change(&mut changed);
        write_json(&self.path, &changed)?;
        self.contents = changed;
        Ok(result)
    }

    /// Removes everything but the fields.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        let gone: Vec<_> = self.blobs_in_use().map(str::to_owned).collect();
        self.change(|contents| *contents = Contents::new(super::WORKSPACES[0].0))?;
        gone.iter().for_each(|blob| self.blobs.remove(blob));
        Ok(())
    }

    fn blobs_in_use(&self) -> impl Iterator<Item = &str> {
        self.contents.files.iter().flat_map(|file| &file.pieces).filter_map(|piece| piece.blob.as_deref())
    }
}

pub(crate) fn new_id() -> String {
    Uuid::new_v4().to_string()
}
