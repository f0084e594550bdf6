//! Starting and stopping a practice lab, and its listeners.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use http::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::blobs::Blobs;
use crate::clock::LabClock;
use crate::control;
use crate::disk::{make_folder, read_json, write_json};
use crate::doorkeeper::Door;
use crate::faults::{Faults, Rule};
use crate::options::{LabDescription, LabService, SandboxError, SandboxOptions};
use crate::request_log::RequestLog;
use crate::services::nrp::{self, Nrp};
use crate::signed_links::SignedLinks;

/// What of a lab outlives its process besides its records.
#[derive(Clone, Serialize, Deserialize)]
struct LabFile {
    token: String,
    colleague_token: String,
    link_secret: String,
    links_expired: u64,
    service_port: u16,
    storage_port: u16,
    control_port: u16,
    was_seeded: bool,
}

impl LabFile {
    fn new() -> Self {
        let secret = || Uuid::new_v4().simple().to_string();
        Self {
            token: secret(),
            colleague_token: secret(),
            link_secret: secret(),
            links_expired: 0,
            service_port: 0,
            storage_port: 0,
            control_port: 0,
            was_seeded: false,
        }
    }
}

/// What all services of a lab share.
pub(crate) struct Lab {
    pub(crate) clock: LabClock,
    pub(crate) faults: Faults,
    pub(crate) log: RequestLog,
    pub(crate) links: SignedLinks,
    pub(crate) blobs: Blobs,
    file: Mutex<LabFile>,
    path: PathBuf,
}

impl Lab {
    /// Lets every signed link given out so far be expired, also for the next start.
    pub(crate) fn expire_links(&self) {
        self.links.expire_all();
        self.change(|file| file.links_expired = self.links.epoch());
    }

    fn change(&self, change: impl FnOnce(&mut LabFile)) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut file);
        if let Err(error) = write_json(&self.path, &*file) {
            tracing::error!(%error, "the practice lab could not keep its state");
        }
    }
}

/// A running practice lab. It stops when this is dropped; [`Sandbox::stop`] also waits for it.
pub struct Sandbox {
    description: LabDescription,
    stopping: CancellationToken,
    connections: TaskTracker,
    /// Held as long as the lab runs: one lab per folder.
    _lock: File,
}

impl Sandbox {
    /// Starts a lab; when this returns it accepts connections.
    ///
    /// # Errors
    /// When the folder or the port cannot be used, or a file in the folder does not hold what it should.
    pub async fn start(options: SandboxOptions) -> Result<Self, SandboxError> {
        let folder = options.data_dir.as_path();
        make_folder(folder)?;
        let lock = lock(folder)?;
        let rules = scripted_rules(options.faults_file.as_deref())?;
        let path = folder.join("lab.json");
        let mut file = read_json::<LabFile>(&path)?.unwrap_or_else(LabFile::new);

        let service = listen(options.port, file.service_port).await?;
        let storage = listen(0, file.storage_port).await?;
        let control = listen(0, file.control_port).await?;
        (file.service_port, file.storage_port, file.control_port) =
            (port(&service)?, port(&storage)?, port(&control)?);
        write_json(&path, &file).map_err(|source| SandboxError::Folder { path: path.clone(), source })?;

        let url = format!("http://127.0.0.1:{}", file.service_port);
        let storage_host = format!("localhost:{}", file.storage_port);
        let lab = Arc::new(Lab {
            clock: LabClock::default(),
            faults: Faults::default(),
            log: RequestLog::default(),
            links: SignedLinks::new(file.link_secret.clone(), file.links_expired, storage_host),
            blobs: Blobs::open(folder)?,
            file: Mutex::new(file.clone()),
            path,
        });
        lab.faults.add(rules).map_err(|reason| SandboxError::Content {
            path: options.faults_file.clone().unwrap_or_default(),
            reason,
        })?;
        let tokens = [file.token.clone(), file.colleague_token.clone()];
        let nrp = Nrp::open(Arc::clone(&lab), folder, url.clone(), tokens, options.switches)?;
        if options.seed && !file.was_seeded {
            nrp.seed().map_err(|source| SandboxError::Folder { path: folder.to_owned(), source })?;
            lab.change(|file| file.was_seeded = true);
        }

        let description = LabDescription {
            control_url: format!("http://127.0.0.1:{}", file.control_port),
            services: vec![LabService {
                service: nrp::KEY.to_owned(),
                url,
                secrets: BTreeMap::from([("token".to_owned(), file.token.clone())]),
                settings: BTreeMap::new(),
                example_place: nrp.example_place(),
            }],
        };
        let door = |name, router| {
            let lab = Arc::clone(&lab);
            Arc::new(Door { lab, service: nrp::KEY, name, part: nrp::part_of, router })
        };
        let service_door = door("service", nrp::service_router(Arc::clone(&nrp)));
        let storage_door = door("storage", nrp::storage_router(Arc::clone(&nrp)));
        let control_router =
            control::router(Arc::clone(&lab), Arc::clone(&nrp), description.clone(), options.seed);

        let stopping = CancellationToken::new();
        let connections = TaskTracker::new();
        let doors = Doors { stopping: stopping.clone(), connections: connections.clone() };
        // `localhost` is looked up as IPv6 first on some systems; a client that is refused there goes on with IPv4, but
        // slower. A system without IPv6 does without.
        if let Ok(storage_v6) = TcpListener::bind((Ipv6Addr::LOCALHOST, file.storage_port)).await {
            doors.open(storage_v6, Arc::clone(&storage_door));
        }
        doors.open(service, service_door);
        doors.open(storage, storage_door);
        doors.open_control(control, control_router);
        Ok(Self { description, stopping, connections, _lock: lock })
    }

    /// Addresses, tokens and a place to try.
    pub fn description(&self) -> &LabDescription {
        &self.description
    }

    /// Drops every connection and waits until no request is being worked on.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

fn lock(folder: &Path) -> Result<File, SandboxError> {
    let path = folder.join("lab.lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.map_err(|source| SandboxError::Folder { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SandboxError::InUse { path: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(SandboxError::Folder { path, source }),
    }
}

fn scripted_rules(path: Option<&Path>) -> Result<Vec<Rule>, SandboxError> {
    let Some(path) = path else { return Ok(Vec::new()) };
    read_json(path)?
        .ok_or_else(|| SandboxError::Folder { path: path.to_owned(), source: io::ErrorKind::NotFound.into() })
}

/// A port asked for must be free; else the last one is taken again if it is free, so that addresses outlive a restart.
async fn listen(asked: u16, last: u16) -> Result<TcpListener, SandboxError> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    if asked == 0
        && last != 0
        && let Ok(listener) = bind(last).await
    {
        return Ok(listener);
    }
    bind(asked).await.map_err(|source| SandboxError::Port { port: asked, source })
}

fn port(listener: &TcpListener) -> Result<u16, SandboxError> {
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(|source| SandboxError::Port { port: 0, source })
}

struct Doors {
    stopping: CancellationToken,
    connections: TaskTracker,
}

impl Doors {
    fn open(&self, listener: TcpListener, door: Arc<Door>) {
        let (stopping, connections) = (self.stopping.clone(), self.connections.clone());
        self.connections.spawn(async move {
            loop {
                let stream = tokio::select! {
                    () = stopping.cancelled() => return,
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => stream,
                        // A connection that was gone before it was taken, or too many open files: the next may do.
                        Err(_) => { tokio::task::yield_now().await; continue }
                    },
                };
                // Small answers must not wait for the other side's acknowledgement.
                let _ = stream.set_nodelay(true);
                let (door, stopping) = (Arc::clone(&door), stopping.clone());
                connections.spawn(async move {
                    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                        let door = Arc::clone(&door);
                        async move { door.pass(request.map(Body::new)).await }
                    });
                    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    tokio::select! {
                        () = stopping.cancelled() => {}
                        // How a connection ends is the other side's business, or was asked for by a fault.
                        _ = connection => {}
                    }
                });
            }
        });
    }

    fn open_control(&self, listener: TcpListener, router: axum::Router) {
        let stopping = self.stopping.clone();
        self.connections.spawn(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = async { axum::serve(listener, router).await } => {}
            }
        });
    }
}
