//! Commands in, events out.

use crate::{Shared, stopped};
use axum::{
    Json,
    extract::{
        State,
        rejection::JsonRejection,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use labferry_app::wire::events::AppEvent;
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;

/// One command with its request.
#[derive(Deserialize)]
pub(crate) struct Command {
    command: String,
    #[serde(default)]
    request: serde_json::Value,
}

pub(crate) async fn command(
    State(shared): State<Arc<Shared>>,
    body: Result<Json<Command>, JsonRejection>,
) -> Response {
    let Ok(Json(Command { command, request })) = body else {
        // The reader quotes what it could not use, which may be a secret.
        return (StatusCode::BAD_REQUEST, "send {\"command\": NAME, \"request\": {…}} as JSON")
            .into_response();
    };
    match shared.app.call(&command, request).await {
        Ok(answer) => Json(answer).into_response(),
        Err(problem) => (StatusCode::UNPROCESSABLE_ENTITY, Json(problem)).into_response(),
    }
}

pub(crate) async fn events(State(shared): State<Arc<Shared>>, socket: WebSocketUpgrade) -> Response {
    // Subscribed before the upgrade is answered: nothing that happens after the client's handshake is missed.
    let heard = shared.app.subscribe();
    socket.on_upgrade(move |socket| tell(socket, shared, heard))
}

async fn tell(
    mut socket: WebSocket,
    shared: Arc<Shared>,
    mut heard: tokio::sync::broadcast::Receiver<AppEvent>,
) {
    loop {
        let event = tokio::select! {
            event = heard.recv() => match event {
                Ok(event) => event,
                // Too slow for some of them: the rows have to be asked for again.
                Err(RecvError::Lagged(_)) => AppEvent::QueueChanged,
                Err(RecvError::Closed) => return,
            },
            message = socket.next() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            () = stopped(shared.stopping.clone()) => return,
        };
        let Ok(text) = serde_json::to_string(&event) else { continue };
        if socket.send(Message::text(text)).await.is_err() {
            return;
        }
    }
}
