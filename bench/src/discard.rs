//! A server that keeps nothing. It speaks as much of Aruna's interface as an upload needs, reads every body from the
//! connection and lets it go, so that what is measured is the client. A thread for each connection, and no more than one
//! copy of a byte.

use crate::Outcome;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Bytes read from a connection at once.
const READ: usize = 512 << 10;
/// Largest body that is a message and not content.
const MESSAGE: u64 = 1 << 20;

const PROJECT: &str = "01J00000000000000000PROJCT";
const COLLECTION: &str = "01J00000000000000000CLLCTN";
/// Where files are put, as an account names it.
pub(crate) const PLACE: &str = "bench/sink";

/// An object that was begun.
#[derive(Clone, Default)]
struct Object {
    name: String,
    size: u64,
    complete: bool,
}

struct Shared {
    url: String,
    objects: Mutex<HashMap<String, Object>>,
    next: AtomicU64,
    requests: AtomicU64,
    /// The SHA-256 of what will be sent, by its size: what is let go cannot be digested.
    digests: HashMap<u64, String>,
}

/// The server as a process of its own; it ends with this.
pub(crate) struct Discarding {
    child: Child,
    pub(crate) url: String,
}

impl Discarding {
    /// `digests` are sizes with the SHA-256 of the contents that will be sent.
    pub(crate) fn start(digests: &[(u64, String)]) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("discard").args(digests.iter().map(|(size, hex)| format!("{size}={hex}")));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut url)?;
        Ok(Self { child, url: url.trim().to_owned() })
    }

    /// Processor seconds it has used so far, where the system tells.
    pub(crate) fn cpu(&self) -> f64 {
        crate::machine::cpu_of(self.child.id())
    }
}

impl Drop for Discarding {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the server until it is killed: `discard SIZE=SHA256…`.
pub(crate) fn serve(digests: impl Iterator<Item = String>) -> Outcome<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
    let digests = digests.filter_map(|pair| {
        let (size, hex) = pair.split_once('=')?;
        Some((size.parse().ok()?, hex.to_owned()))
    });
    let shared = Arc::new(Shared {
        url: url.clone(),
        objects: Mutex::default(),
        next: AtomicU64::new(1),
        requests: AtomicU64::new(0),
        digests: digests.collect(),
    });
    crate::say(&url);
    for connection in listener.incoming() {
        let (connection, shared) = (connection?, Arc::clone(&shared));
        // How a connection ends is the other side's business.
        std::thread::spawn(move || drop(speak(connection, &shared)));
    }
    Ok(())
}

/// One request's head.
struct Head {
    method: String,
    path: String,
    length: u64,
    expects: bool,
}

fn head(reader: &mut impl BufRead) -> Outcome<Option<Head>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().ok_or("no method")?, words.next().ok_or("no path")?);
    let (mut length, mut expects) = (0, false);
    loop {
        line.clear();
        if reader.read_line(&mut line)? <= 2 {
            return Ok(Some(Head { method, path, length, expects }));
        }
        if let Some((name, value)) = line.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
            expects |= name.eq_ignore_ascii_case("expect");
        }
    }
}

fn speak(connection: TcpStream, shared: &Shared) -> Outcome<()> {
    connection.set_nodelay(true)?;
    let mut writer = connection.try_clone()?;
    let mut reader = BufReader::with_capacity(16 << 10, connection);
    let mut buffer = vec![0; READ];
    while let Some(head) = head(&mut reader)? {
        shared.requests.fetch_add(1, Ordering::Relaxed);
        if head.expects {
            writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let message = if head.method == "PUT" || head.length > MESSAGE {
            let mut left = head.length;
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(READ).min(READ);
                let read = reader.read(&mut buffer[..most])?;
                if read == 0 {
                    return Ok(());
                }
                left -= read as u64;
            }
            Value::Null
        } else {
            let mut text = Vec::new();
            reader.by_ref().take(head.length).read_to_end(&mut text)?;
            serde_json::from_slice(&text).unwrap_or(Value::Null)
        };
        let (status, answer) = answer(&head.method, &head.path, &message, shared);
        let text = if answer.is_null() { String::new() } else { answer.to_string() };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\netag: \"discarded\"\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        );
        writer.write_all(answer.as_bytes())?;
    }
    Ok(())
}

fn answer(method: &str, path: &str, message: &Value, shared: &Shared) -> (&'static str, Value) {
    let path = path.split('?').next().unwrap_or_default();
    let pieces: Vec<&str> = path.trim_matches('/').split('/').collect();
    let objects = || shared.objects.lock().unwrap_or_else(PoisonError::into_inner);
    let ok = |answer| ("200 OK", answer);
    match (method, pieces.as_slice()) {
        ("GET", ["requests"]) => ok(json!({"requests": shared.requests.load(Ordering::Relaxed)})),
        ("GET", ["v1", "user"]) => {
            ok(json!({"user": {"id": "01J0000000000000000000VSER", "displayName": "bench"}}))
        }
        ("GET", ["v1", "user", _, "projects"]) => {
            ok(json!({"projects": [{"id": PROJECT, "name": "bench", "description": ""}]}))
        }
        ("GET", ["v1", "collections", _]) => {
            ok(json!({"collections": {"collectionOverviews": [{"id": COLLECTION, "name": "sink"}]}}))
        }
        // Nothing is ever there.
        ("GET", ["v1", "path", ..]) => ok(json!({"object": []})),
        ("POST", ["v1", "collection", _, "object"]) => {
            let id = format!("01J{:023}", shared.next.fetch_add(1, Ordering::Relaxed));
            let told = &message["object"];
            let length = &told["contentLen"];
            let size = length.as_u64().or_else(|| length.as_str()?.parse().ok()).unwrap_or(0);
            let name = told["filename"].as_str().unwrap_or_default().to_owned();
            objects().insert(id.clone(), Object { name, size, complete: false });
            ok(json!({"objectId": id, "uploadId": id, "collectionId": COLLECTION}))
        }
        ("GET", ["v1", "collection", _, "object", id, "staging", _, "upload"]) => {
            ok(json!({"url": {"url": format!("{}/sink/{id}", shared.url)}}))
        }
        ("PATCH", ["v1", "collection", _, "object", id, "staging", _, "finish"]) => {
            if let Some(object) = objects().get_mut(*id) {
                object.complete = true;
            }
            ok(json!({}))
        }
        ("PUT", ["sink", id]) => {
            // One that came whole is complete with it; one in parts is told to be by its end.
            if let Some(object) = objects().get_mut(*id)
                && object.size < crate::rows::PART
            {
                object.complete = true;
            }
            ok(Value::Null)
        }
        ("GET", ["v1", "collection", _, "object", id]) => match objects().get(*id).cloned() {
            Some(object) => ok(json!({"object": {"object": shown(id, &object, shared), "paths": []}})),
            None => ("404 Not Found", json!({"code": 5, "message": "there is no such object"})),
        },
        _ => ("404 Not Found", json!({"code": 5, "message": "nothing is here"})),
    }
}

fn shown(id: &str, object: &Object, shared: &Shared) -> Value {
    let hash = shared.digests.get(&object.size).filter(|_| object.complete);
    let hashes: Vec<Value> =
        hash.iter().map(|hex| json!({"alg": "HASHALGORITHM_SHA256", "hash": hex})).collect();
    json!({
        "id": id,
        "filename": Path::new(&object.name).file_name().unwrap_or_default().to_string_lossy(),
        "labels": [],
        "hooks": [],
        "created": "2026-01-01T00:00:00Z",
        "contentLen": object.size.to_string(),
        "status": if object.complete { "STATUS_AVAILABLE" } else { "STATUS_INITIALIZING" },
        "dataClass": "DATA_CLASS_PRIVATE",
        "hashes": hashes,
        "revNumber": "0",
        "source": null,
        "latest": true,
    })
}
