//! The commands of the app over loopback HTTP, and its events over a WebSocket: what the window is tested and developed
//! with in an ordinary browser. It is never bundled.
//!
//! Everything but the pages themselves asks for the token, and only requests that name this address as their host (and,
//! from a browser, as their origin) are answered: another page open in the same browser gets nothing.

mod doors;
mod files;
mod guard;
mod pages;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use labferry_app::App;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};
use thiserror::Error;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// Largest command: ten thousand paths of the longest kind fit.
const COMMAND_LIMIT: usize = 64 << 20;

/// How a bridge is set up.
#[derive(Debug, Clone, Default)]
pub struct BridgeOptions {
    /// The port on 127.0.0.1; 0 for any.
    pub port: u16,
    /// The built interface to serve at `/`, if any.
    pub ui: Option<PathBuf>,
    /// Where files that a browser gives are kept.
    pub files: PathBuf,
}

/// Why a bridge could not start.
#[derive(Debug, Error)]
pub enum BridgeError {
    /// The port is taken or not allowed.
    #[error("port {port} on 127.0.0.1 cannot be used: {source}; choose another with --port, or 0 for any")]
    Port {
        /// The port.
        port: u16,
        /// The system's own words.
        source: io::Error,
    },
    /// The folder of the interface has no start page.
    #[error("{} has no index.html; build the interface first (npm run build --workspace ui)", .0.display())]
    NoInterface(PathBuf),
    /// The system gave no random bytes for the token.
    #[error("no token could be made: {0}")]
    NoToken(String),
}

pub(crate) struct Shared {
    pub(crate) app: App,
    pub(crate) token: String,
    pub(crate) port: u16,
    pub(crate) options: BridgeOptions,
    pub(crate) stopping: watch::Receiver<bool>,
}

/// A bridge that answers.
pub struct Bridge {
    address: SocketAddr,
    token: String,
    stop: watch::Sender<bool>,
    server: JoinHandle<io::Result<()>>,
}

impl Bridge {
    /// Opens the doors to an app.
    ///
    /// # Errors
    /// [`BridgeError`] when the port cannot be used or the interface is not built.
    pub async fn start(app: App, options: BridgeOptions) -> Result<Self, BridgeError> {
        if let Some(ui) = options.ui.as_ref().filter(|ui| !ui.join("index.html").is_file()) {
            return Err(BridgeError::NoInterface(ui.clone()));
        }
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| BridgeError::NoToken(error.to_string()))?;
        let token = hex::encode(random);
        let failed = |source| BridgeError::Port { port: options.port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopping) = watch::channel(false);
        let shared = Arc::new(Shared {
            app,
            token: token.clone(),
            port: address.port(),
            options,
            stopping: stopping.clone(),
        });
        let server = tokio::spawn(async move {
            axum::serve(listener, router(shared)).with_graceful_shutdown(stopped(stopping)).await
        });
        Ok(Self { address, token, stop, server })
    }

    /// The address of the interface, without the token.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What a client must know.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Closes the doors and returns when the requests in hand are answered. The app goes on.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Ok(Err(error)) = self.server.await {
            tracing::warn!(%error, "the bridge did not stop cleanly");
        }
    }
}

pub(crate) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // The sender lives as long as the bridge: gone means stopped, too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

fn router(shared: Arc<Shared>) -> Router {
    let with_token = Router::new()
        .route("/command", post(doors::command))
        .route("/events", get(doors::events))
        .layer(DefaultBodyLimit::max(COMMAND_LIMIT))
        .route("/files", post(files::take).layer(DefaultBodyLimit::disable()))
        .layer(middleware::from_fn_with_state(shared.clone(), guard::token));
    Router::new()
        .merge(with_token)
        .fallback(pages::serve)
        .layer(middleware::from_fn_with_state(shared.clone(), guard::address))
        .with_state(shared)
}
