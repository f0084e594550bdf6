//! Starting and stopping a practice lab, and its listeners.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
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
use crate::options::{LabDescription, SandboxError, SandboxOptions};
use crate::request_log::RequestLog;
use crate::services::{self, LabServer};
use crate::signed_links::SignedLinks;

/// The ports of one service and of the storage host its signed links lead to; 0 before the first start.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
struct Ports {
    service: u16,
    storage: u16,
}

/// What of a lab outlives its process besides what its services keep.
#[derive(Clone, Serialize, Deserialize)]
struct LabFile {
    /// Every secret of the lab is made from this one.
    secret: String,
    control_port: u16,
    was_seeded: bool,
    ports: BTreeMap<String, Ports>,
    /// How often all signed links of a service were expired.
    links_expired: BTreeMap<String, u64>,
}

impl LabFile {
    fn new() -> Self {
        Self {
            secret: Uuid::new_v4().simple().to_string(),
            control_port: 0,
            was_seeded: false,
            ports: BTreeMap::new(),
            links_expired: BTreeMap::new(),
        }
    }
}

/// What the services of a lab share.
struct State {
    file: Mutex<LabFile>,
    path: PathBuf,
}

impl State {
    fn change(&self, change: impl FnOnce(&mut LabFile)) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut file);
        if let Err(error) = write_json(&self.path, &*file) {
            tracing::error!(%error, "the practice lab could not keep its state");
        }
    }
}

/// What one service finds in the lab: the clock, the faults and the log of all, its own links, bytes and folder.
pub(crate) struct Lab {
    pub(crate) clock: Arc<LabClock>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) log: Arc<RequestLog>,
    pub(crate) links: SignedLinks,
    pub(crate) blobs: Blobs,
    /// Where the service keeps its world.
    pub(crate) folder: PathBuf,
    /// The service's address, `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    key: &'static str,
    secret: String,
    state: Arc<State>,
}

impl Lab {
    /// Lets every signed link of the service given out so far be expired, also for the next start.
    pub(crate) fn expire_links(&self) {
        self.links.expire_all();
        self.state.change(|file| {
            file.links_expired.insert(self.key.to_owned(), self.links.epoch());
        });
    }

    /// A secret of the service that is the same at every start, such as a token: 32 hexadecimal digits.
    pub(crate) fn secret(&self, name: &str) -> String {
        secret(&self.secret, self.key, name)
    }
}

fn secret(lab: &str, key: &str, name: &str) -> String {
    use sha2::Digest as _;
    hex::encode(&sha2::Sha256::digest(format!("{lab}/{key}/{name}"))[..16])
}

/// A running practice lab. It stops when this is dropped; [`Sandbox::stop`] also waits for it.
pub struct Sandbox {
    description: LabDescription,
    stopping: CancellationToken,
    connections: TaskTracker,
    /// Held as long as the lab runs: one lab per folder.
    _lock: File,
}

/// What all services are made with.
struct Common<'a> {
    folder: &'a Path,
    clock: Arc<LabClock>,
    faults: Arc<Faults>,
    log: Arc<RequestLog>,
    state: Arc<State>,
}

impl Common<'_> {
    /// Listens for one service and makes its part of the lab. `port` is the one asked for.
    async fn lab(&self, key: &'static str, port: u16) -> Result<(Arc<Lab>, [TcpListener; 2]), SandboxError> {
        let (secret, last, expired) = {
            let file = self.state.file.lock().unwrap_or_else(PoisonError::into_inner);
            let expired = file.links_expired.get(key).copied().unwrap_or(0);
            (file.secret.clone(), file.ports.get(key).copied().unwrap_or_default(), expired)
        };
        let service = listen(port, last.service).await?;
        let storage = listen(0, last.storage).await?;
        let ports = Ports { service: port_of(&service)?, storage: port_of(&storage)? };
        self.state.change(|file| {
            file.ports.insert(key.to_owned(), ports);
        });
        let folder = self.folder.join(key);
        make_folder(&folder)?;
        let lab = Lab {
            clock: Arc::clone(&self.clock),
            faults: Arc::clone(&self.faults),
            log: Arc::clone(&self.log),
            links: SignedLinks::new(
                self::secret(&secret, key, "links"),
                expired,
                format!("localhost:{}", ports.storage),
            ),
            blobs: Blobs::open(&folder)?,
            folder,
            url: format!("http://127.0.0.1:{}", ports.service),
            key,
            secret,
            state: Arc::clone(&self.state),
        };
        Ok((Arc::new(lab), [service, storage]))
    }
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
        let path = folder.join("lab.json");
        let file = read_json::<LabFile>(&path)?.unwrap_or_else(LabFile::new);
        let (was_seeded, last_control) = (file.was_seeded, file.control_port);
        let common = Common {
            folder,
            clock: Arc::default(),
            faults: Arc::default(),
            log: Arc::default(),
            state: Arc::new(State { file: Mutex::new(file), path }),
        };
        let rules = scripted_rules(options.faults_file.as_deref())?;
        common.faults.add(rules).map_err(|reason| SandboxError::Content {
            path: options.faults_file.clone().unwrap_or_default(),
            reason,
        })?;
        let control = listen(0, last_control).await?;
        let control_port = port_of(&control)?;
        common.state.change(|file| file.control_port = control_port);

        let stopping = CancellationToken::new();
        let connections = TaskTracker::new();
        let doors = Doors { stopping: stopping.clone(), connections: connections.clone() };
        let mut servers: Vec<Arc<dyn LabServer>> = Vec::new();
        for (index, open) in services::ALL.iter().enumerate() {
            // The port asked for is the first service's.
            let port = if index == 0 { options.port } else { 0 };
            let (lab, listeners) = common.lab(open.key, port).await?;
            let server = (open.open)(Arc::clone(&lab), &options)?;
            if options.seed && !was_seeded {
                server.seed().map_err(|source| SandboxError::Folder { path: folder.to_owned(), source })?;
            }
            doors.open_service(&lab, &server, listeners).await;
            servers.push(server);
        }
        common.state.change(|file| file.was_seeded |= options.seed);

        let description = LabDescription {
            control_url: format!("http://127.0.0.1:{control_port}"),
            services: servers.iter().map(|server| server.describe()).collect(),
        };
        let control_router = control::router(control::Control {
            clock: common.clock,
            faults: common.faults,
            log: common.log,
            servers: servers.into(),
            description: description.clone(),
            seed: options.seed,
        });
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

fn port_of(listener: &TcpListener) -> Result<u16, SandboxError> {
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
    /// Opens the two ways into a service.
    async fn open_service(
        &self,
        lab: &Arc<Lab>,
        server: &Arc<dyn LabServer>,
        [service, storage]: [TcpListener; 2],
    ) {
        let door = |name, router: Router| {
            let (lab, server) = (Arc::clone(lab), Arc::clone(server));
            Arc::new(Door { lab, server, name, router })
        };
        let service_door = door("service", Arc::clone(server).service_router());
        let storage_door = door("storage", Arc::clone(server).storage_router());
        // `localhost` is looked up as IPv6 first on some systems; a client that is refused there goes on with IPv4, but
        // slower. A system without IPv6 does without.
        if let Ok(port) = port_of(&storage)
            && let Ok(storage_v6) = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await
        {
            self.open(storage_v6, Arc::clone(&storage_door));
        }
        self.open(service, service_door);
        self.open(storage, storage_door);
    }

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
