//! One Labferry per data folder, and an end that leaves every transfer where it can go on from.

use crate::{FilesOf, gate::Gate};
use labferry_app::wire::requests::Empty;
use sha2::{Digest as _, Sha256};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tauri::{AppHandle, Manager as _, Window, WindowEvent, Wry, plugin::TauriPlugin};

/// How long transfers in hand get to note where they are. Nothing is lost after it: every part's receipt is stored
/// when it arrives, so the next start only sends again what was in flight.
const STOPPING_TAKES_AT_MOST: Duration = Duration::from_secs(10);

/// How far the end has come.
#[derive(Default)]
pub(crate) struct Closing {
    begun: AtomicBool,
    stopped: AtomicBool,
    wanted_again: AtomicBool,
}

impl Closing {
    /// Begins to stop the transfers when Labferry is asked to end. True while the end has to wait for them.
    pub(crate) fn begin(&self, handle: &AppHandle, code: Option<i32>) -> bool {
        if self.stopped.load(Ordering::SeqCst) {
            return false;
        }
        if !self.begun.swap(true, Ordering::SeqCst) {
            tauri::async_runtime::spawn(stop(handle.clone(), code.unwrap_or(0)));
        }
        true
    }
}

async fn stop(handle: AppHandle, code: i32) {
    if let Some(app) = handle.state::<Gate>().app_now()
        && tokio::time::timeout(STOPPING_TAKES_AT_MOST, app.stop()).await.is_err()
    {
        tracing::warn!("transfers did not stop in time; the next start asks the services what they hold");
    }
    let closing = handle.state::<Closing>();
    closing.stopped.store(true, Ordering::SeqCst);
    if closing.wanted_again.load(Ordering::SeqCst) {
        handle.request_restart();
    } else {
        handle.exit(code);
    }
}

/// Ends Labferry as a closed window does when the system asks for it: at log-out, or by Ctrl+C where it was started.
pub(crate) async fn on_signal(handle: AppHandle) {
    #[cfg(unix)]
    let asked = async {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted,
        }
    };
    #[cfg(not(unix))]
    let asked = tokio::signal::ctrl_c();
    match asked.await {
        Ok(()) => handle.exit(0),
        Err(error) => tracing::warn!("the system's wish to end will not be heard: {error}"),
    }
}

/// Closing the window ends Labferry, or leaves it in the tray where somebody chose that. It is hidden at once, and goes
/// when the transfers have stopped.
pub(crate) fn on_window_event(window: &Window, event: &WindowEvent) {
    if let WindowEvent::CloseRequested { api, .. } = event {
        api.prevent_close();
        if let Err(error) = window.hide() {
            tracing::warn!("the window could not be hidden: {error}");
        }
        let handle = window.app_handle().clone();
        tauri::async_runtime::spawn(async move {
            if !stays_in_tray(&handle).await {
                handle.exit(0);
            }
        });
    }
}

/// Whether somebody chose that a closed window leaves Labferry running.
async fn stays_in_tray(handle: &AppHandle) -> bool {
    let Some(app) = handle.state::<Gate>().app_now() else { return false };
    app.preferences_show(Empty {}).await.is_ok_and(|preferences| preferences.to_tray)
}

/// Brings the window before the others.
pub(crate) fn show_window(handle: &AppHandle) {
    let Some(window) = handle.get_webview_window("main") else { return };
    let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!("the window could not be brought to the front: {error}");
    }
}

/// Hands files to the window once the app behind it is open.
pub(crate) fn offer(handle: &AppHandle, files: Vec<PathBuf>, folder: PathBuf) {
    let handle = handle.clone();
    if files.is_empty() {
        return;
    }
    tauri::async_runtime::spawn(async move {
        if let Ok(app) = handle.state::<Gate>().app().await {
            app.offer(files, &folder);
        }
    });
}

/// A second start on the same data folder shows the window of the first and ends. A start that comes while the first is
/// closing is remembered, and the first opens again when its transfers have stopped.
/// The files it was given are offered to that window, which asks before anything is sent.
pub(crate) fn single_instance(data_folder: &Path, files_of: FilesOf) -> TauriPlugin<Wry> {
    tauri_plugin_single_instance::Builder::new()
        .callback(move |handle, arguments, folder| {
            offer(handle, files_of(&arguments), PathBuf::from(folder));
            let closing = handle.state::<Closing>();
            if closing.begun.load(Ordering::SeqCst) {
                closing.wanted_again.store(true, Ordering::SeqCst);
            } else {
                show_window(handle);
            }
        })
        .dbus_id(instance_name(data_folder))
        .build()
}

/// A bus name of the data folder's own: two folders are two independent Labferries.
fn instance_name(data_folder: &Path) -> String {
    let folder = std::path::absolute(data_folder).unwrap_or_else(|_| data_folder.to_path_buf());
    let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("org.labferry.desktop.Folder{short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_for_one_folder_however_it_is_written() {
        let name = instance_name(Path::new("/srv/one"));
        assert_eq!(name, instance_name(Path::new("/srv/./one")));
        assert_ne!(name, instance_name(Path::new("/srv/two")));
        assert!(name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '.'), "{name}");
    }
}
