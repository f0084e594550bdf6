//! Carries the app's events to the window, to the tray and to the system's sleep.

use crate::{notices, power, tray::Tray, words::Language};
use labferry_app::{
    App,
    wire::{answers::QueueCounts, events::AppEvent, requests::Empty},
};
use tauri::{AppHandle, Emitter as _};
use tokio::sync::broadcast::error::RecvError;

/// The channel the interface listens on.
const CHANNEL: &str = "labferry://event";

/// Pumps until the app is gone.
pub(crate) fn start(handle: &AppHandle, app: &App, tray: Tray) {
    let handle = handle.clone();
    let mut events = app.subscribe();
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let power = power::start();
        let notices = notices::start(&handle, &app);
        let show = |counts: Option<&QueueCounts>| {
            tray.show_counts(counts);
            if let Some(counts) = counts {
                power.in_hand(counts.active);
            }
        };
        show(counts(&app).await.as_ref());
        tray.speak(language(&app).await);
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                // The interface asks for what it missed by the numbers it has seen.
                Err(RecvError::Lagged(_)) => AppEvent::QueueChanged,
                Err(RecvError::Closed) => return,
            };
            match &event {
                AppEvent::Transfer { row, counts, .. } => {
                    show(Some(counts));
                    notices.changed(row);
                }
                AppEvent::PreferencesChanged => tray.speak(language(&app).await),
                AppEvent::QueueChanged => show(counts(&app).await.as_ref()),
                AppEvent::Progress { .. }
                | AppEvent::AccountsChanged
                | AppEvent::Offered
                | AppEvent::FoldersChanged
                | AppEvent::Folder { .. }
                | AppEvent::CopiesChanged
                | AppEvent::Copy { .. } => {}
            }
            if let Err(error) = handle.emit(CHANNEL, &event) {
                tracing::warn!("an event did not reach the window: {error}");
            }
        }
    });
}

/// The language of the window, as it was told last.
async fn language(app: &App) -> Language {
    app.preferences_show(Empty {})
        .await
        .map_or_else(|_| Language::default(), |known| Language::of(&known.language))
}

/// The queue's counts, or none when it cannot be read; the next event brings them.
async fn counts(app: &App) -> Option<QueueCounts> {
    let answer = app.call("transfers.list", serde_json::json!({ "limit": 1 })).await.ok()?;
    serde_json::from_value(answer.get("counts")?.clone()).ok()
}
