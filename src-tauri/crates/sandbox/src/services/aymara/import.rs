//! Files that the service fetches itself. The lab never leaves this machine: only loopback addresses are fetched.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::{Host, Url};
use uuid::Uuid;

use super::Aymara;
use crate::blobs::Arrived;

/// Fetches a file and notes what became of it.
pub(crate) async fn fetch(aymara: Arc<Aymara>, uuid: Uuid, uri: String) {
    let outcome = match arrive(&aymara, &uri).await {
        Ok(arrived) => {
            let md5 = arrived.md5.clone();
            arrived.keep().map(|piece| (piece, md5)).map_err(|error| error.to_string())
        }
        Err(words) => Err(words),
    };
    let mut world = aymara.world();
    if let Some(file) = world.files.get_mut(&uuid) {
        file.updated = aymara.lab.clock.now();
        match outcome {
            Ok(content) => {
                file.content = Some(content);
                file.size_is_known = true;
            }
            Err(words) => file.error = Some(format!("The remote file could not be fetched: {words}")),
        }
    }
    if let Err(error) = world.save() {
        tracing::error!(%error, "the practice lab could not keep a fetched file");
    }
}

async fn arrive(aymara: &Aymara, uri: &str) -> Result<Arrived, String> {
    let url = Url::parse(uri).map_err(|error| error.to_string())?;
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() != "http" || !is_loopback {
        return Err("the practice lab fetches from this computer only, by http".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let stream =
        TcpStream::connect((host.trim_matches(['[', ']']), port)).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let request = Request::get(path)
        .header(header::HOST, format!("{host}:{port}"))
        .body(Body::empty())
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    if answer.status() != StatusCode::OK {
        return Err(format!("the other side answered {}", answer.status()));
    }
    let body = Body::new(answer.into_body());
    aymara.lab.blobs.receive(body, u64::MAX).await.map_err(|error| format!("{error:?}"))
}
