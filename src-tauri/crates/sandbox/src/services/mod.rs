//! The services the lab speaks, one folder each. A new one is a folder and its name in the list below.

use std::io;
use std::sync::Arc;

use axum::Router;
use serde_json::Value;

use crate::blobs::Piece;
use crate::options::{LabService, SandboxError, SandboxOptions};
use crate::server::Lab;

/// Starts a service on its part of the lab.
pub(crate) type Open = fn(Arc<Lab>, &SandboxOptions) -> Result<Arc<dyn LabServer>, SandboxError>;

/// A service that can be started.
pub(crate) struct Opener {
    pub(crate) key: &'static str,
    pub(crate) open: Open,
}

macro_rules! services {
    ($($service:ident)*) => {
        $( pub(crate) mod $service; )*

        /// Every service, in the order they are described.
        pub(crate) const ALL: &[Opener] = &[$( Opener { key: $service::KEY, open: $service::open } ),*];
    };
}

services! {
    nrp
    airalogy
    aymara
    kaleidoscope
    aruna
}

/// A running service, as the lab handles it.
pub(crate) trait LabServer: Send + Sync {
    /// The service's key.
    fn key(&self) -> &'static str;

    /// What an account for it needs, and a place to try.
    fn describe(&self) -> LabService;

    /// Its interface.
    fn service_router(self: Arc<Self>) -> Router;

    /// The storage host its signed links lead to; a router without routes where there is none.
    fn storage_router(self: Arc<Self>) -> Router;

    /// The part a request is about, as the request log tells it.
    fn part_of(&self, path: &str, query: &[(String, String)]) -> Option<u32>;

    /// Fills an empty world with something to look at.
    fn seed(&self) -> io::Result<()>;

    /// Empties the world, links and switches are as at the start; with `seed` it is filled again.
    fn reset(&self, seed: bool) -> io::Result<()>;

    /// Every file with its parts and digests, as stored. Reads the stored bytes: call it where blocking is fine.
    fn inspect_files(&self) -> io::Result<Vec<Value>>;

    /// The stored bytes of a file, by the container it is listed in and its key.
    fn stored_content(&self, container: &str, key: &str) -> Option<(crate::blobs::Blobs, Vec<Piece>)>;

    /// Who may sign in.
    fn users_json(&self) -> Value;

    /// Runs the jobs the service would run later by itself; how many files they changed.
    fn run_jobs(self: Arc<Self>) -> futures_util::future::BoxFuture<'static, io::Result<usize>>;

    /// How it behaves.
    fn switches_json(&self) -> Value;

    /// Changes the switches that are named; a name or value that is unknown is refused.
    fn change_switches_json(&self, changes: &Value) -> Result<Value, String>;
}
