//! The desktop shell: a window, one command, one stream of events, a tray icon, and a clean end. Everything it does for
//! the interface goes through `labferry_app::App`; nothing here knows a service or a transfer.

mod closing;
mod event_pump;
mod gate;
mod notices;
mod painting;
mod power;
mod tray;
mod words;

use closing::Closing;
use gate::Opener;
pub use labferry_app::Secret;
use labferry_app::{App, AppOptions};
use std::path::PathBuf;
use tauri::{AppHandle, Manager as _, RunEvent};
use tauri_plugin_window_state::StateFlags;

/// What the command line and the environment said.
#[derive(Debug, Default)]
pub struct Start {
    /// The data folder; none for the usual one.
    pub data_folder: Option<PathBuf>,
    /// The passphrase of the encrypted file that keeps secrets where there is no keychain.
    pub passphrase: Option<Secret>,
    /// Whether the practice lab is started, too.
    pub practice_lab: bool,
    /// Files to be offered to the window, as seen from the folder the program was started in.
    pub files: Vec<PathBuf>,
}

/// The files in the arguments of another start, its own name first. Nothing else of them counts: that start is about this
/// data folder already.
pub type FilesOf = fn(&[String]) -> Vec<PathBuf>;

/// Opens the window and comes back when Labferry has ended, with the exit code.
///
/// # Errors
/// One sentence, when there is no place for the data or no window can be opened.
pub fn run(start: Start, files_of: FilesOf) -> Result<u8, String> {
    let Some(data_folder) = start.data_folder.or_else(labferry_app::default_data_folder) else {
        return Err("this system names no folder for application data: name one with --data-dir.".to_owned());
    };
    let options = AppOptions { passphrase: start.passphrase, ..AppOptions::new(data_folder) };
    let (practice_lab, files) = (start.practice_lab, start.files);
    let (opener, gate) = gate::gate();

    let desktop = tauri::Builder::default()
        // First of all: a second start must end here, before it opens anything.
        .plugin(closing::single_instance(&options.data_folder, files_of))
        .plugin(tauri_plugin_autostart::Builder::new().build())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::init())
        // A window that was hidden in the tray is shown at the next start all the same.
        .plugin(
            tauri_plugin_window_state::Builder::default()
                .with_state_flags(StateFlags::all() & !StateFlags::VISIBLE)
                .build(),
        )
        .manage(gate)
        .manage(Closing::default())
        .invoke_handler(tauri::generate_handler![gate::call])
        .on_window_event(closing::on_window_event)
        .setup(move |desktop| {
            painting::suit_the_computer(desktop.handle());
            let tray = tray::show(desktop.handle())?;
            tauri::async_runtime::spawn(closing::on_signal(desktop.handle().clone()));
            let folder = std::env::current_dir().unwrap_or_default();
            closing::offer(desktop.handle(), files, folder);
            tauri::async_runtime::spawn(open(desktop.handle().clone(), options, practice_lab, opener, tray));
            Ok(())
        })
        .build(tauri::generate_context!())
        .map_err(|error| format!("the window could not be opened: {error}"))?;

    let code = desktop.run_return(|handle, event| {
        if let RunEvent::ExitRequested { api, code, .. } = event
            && handle.state::<Closing>().begin(handle, code)
        {
            api.prevent_exit();
        }
    });
    Ok(u8::try_from(code).unwrap_or(1))
}

/// Opens the app behind the window, which is already on screen: commands wait at the gate until it is open, and hear
/// why if it cannot be.
async fn open(handle: AppHandle, options: AppOptions, practice_lab: bool, opener: Opener, tray: tray::Tray) {
    let app = match App::open(options).await {
        Ok(app) => app,
        Err(problem) => {
            tracing::error!(code = %problem.code, "{}", problem.message);
            tray.needs_attention();
            opener.failed(problem);
            return;
        }
    };
    event_pump::start(&handle, &app, tray);
    app.start_engine();
    if practice_lab && let Err(problem) = app.call("practice_lab.start", serde_json::json!({})).await {
        // The interface offers the practice lab by a button, too, and shows there what is wrong.
        tracing::error!(code = %problem.code, "the practice lab did not start: {}", problem.message);
    }
    opener.opened(app);
}
