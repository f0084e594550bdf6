//! What a practice lab is started with, and what it tells about itself once it runs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::services::nrp::switches::NrpSwitches;

/// How to start a practice lab.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// The folder its world is kept in; made if missing. One running lab per folder.
    pub data_dir: PathBuf,
    /// The port of the service; 0 takes the port of the last start on this folder if it is free, else any.
    pub port: u16,
    /// Whether a world that was never seeded gets a handful of records to look at.
    pub seed: bool,
    /// A JSON file with an array of fault rules, as `POST /faults` takes them.
    pub faults_file: Option<PathBuf>,
    /// Where the Aruna service keeps what is sent to it, instead of the lab's own storage.
    pub data_proxy: Option<DataProxy>,
    /// How the NRP service behaves; `POST /switches` changes it later.
    pub switches: NrpSwitches,
}

impl SandboxOptions {
    /// A lab in this folder: any port, seeded, no faults, the usual behaviour.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            port: 0,
            seed: true,
            faults_file: None,
            data_proxy: None,
            switches: NrpSwitches::default(),
        }
    }
}

/// An S3-compatible server outside of the lab, and who signs for it.
#[derive(Clone)]
pub struct DataProxy {
    /// Its address; buckets are addressed below it (path style).
    pub url: String,
    /// The access key's id.
    pub key_id: String,
    /// The secret that belongs to it.
    pub secret: String,
    /// The region that signatures name.
    pub region: String,
}

impl std::fmt::Debug for DataProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataProxy").field("region", &self.region).finish_non_exhaustive()
    }
}

/// What a running lab offers. Serialised, it is the line `labferry sandbox` prints. It holds practice tokens.
#[derive(Clone, Serialize, Deserialize)]
pub struct LabDescription {
    /// Where faults are scripted and the inside is shown, without a slash at the end.
    pub control_url: String,
    /// The services, each with what an account for it needs.
    pub services: Vec<LabService>,
}

/// One service of a running lab.
#[derive(Clone, Serialize, Deserialize)]
pub struct LabService {
    /// The service's key, for example `nrp`.
    pub service: String,
    /// The address an account is made with, without a slash at the end.
    pub url: String,
    /// The secrets of an account, by the name of the field they go into.
    pub secrets: BTreeMap<String, String>,
    /// Further fields of an account; none for NRP.
    pub settings: BTreeMap<String, String>,
    /// A place files can be sent to at once (the id of the caller's newest draft), if there is one.
    pub example_place: Option<String>,
}

/// Why a practice lab could not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The folder cannot be used.
    #[error("The practice lab cannot use {path}: {source}. Choose another folder.")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another lab runs on the folder.
    #[error("Another practice lab is running on {path}. Stop it first or choose another folder.")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The port cannot be listened on.
    #[error("The practice lab cannot listen on port {port}: {source}. Choose another port.")]
    Port {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server outside that was named for the data proxy cannot be used.
    #[error("The practice lab cannot use {url} as data proxy: {reason}.")]
    DataProxy {
        /// Its address.
        url: String,
        /// Why not.
        reason: String,
    },
    /// A file of the world or of fault rules does not hold what it should.
    #[error("{path} cannot be read by the practice lab: {reason}. Mend or remove it.")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
