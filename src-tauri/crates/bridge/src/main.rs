//! `labferry-bridge`: the app behind loopback HTTP, for browser tests and for developing the interface.

use clap::Parser;
use labferry_app::{App, AppOptions, Secret, default_data_folder, wire::answers::ProblemWords};
use labferry_bridge::{Bridge, BridgeOptions};
use std::{io::Write as _, path::PathBuf, process::ExitCode};

/// Serves the app's commands, events and interface to a browser on this computer.
#[derive(Parser)]
#[command(name = "labferry-bridge", version)]
struct Arguments {
    /// The port on 127.0.0.1; 0 for any.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The data folder.
    #[arg(long, env = "LABFERRY_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Start the practice lab at once.
    #[arg(long)]
    practice_lab: bool,
    /// The built interface to serve at `/`.
    #[arg(long)]
    ui: Option<PathBuf>,
    /// Keep secrets in memory only.
    #[arg(long)]
    vault_in_memory: bool,
    /// The passphrase of the encrypted file for secrets.
    #[arg(long, env = "LABFERRY_PASSPHRASE", hide = true, hide_env_values = true)]
    passphrase: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    match serve(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Nothing is left to be told to when standard error is closed.
            let _ = writeln!(std::io::stderr(), "labferry-bridge: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), String> {
    let data_folder = arguments
        .data_dir
        .or_else(default_data_folder)
        .ok_or("this system tells no folder for application data; name one with --data-dir")?;
    let files = data_folder.join("browser-files");
    let app = App::open(AppOptions {
        passphrase: arguments.passphrase.filter(|text| !text.is_empty()).map(Secret::new),
        vault_in_memory: arguments.vault_in_memory,
        ..AppOptions::new(data_folder)
    })
    .await
    .map_err(in_words)?;
    if arguments.practice_lab {
        app.practice_lab_start(Default::default()).await.map_err(in_words)?;
    }
    app.start_engine();
    let options = BridgeOptions { port: arguments.port, ui: arguments.ui, files };
    let bridge = Bridge::start(app.clone(), options).await.map_err(|error| error.to_string())?;
    let control = app.practice_lab_control().await;
    let line = serde_json::json!({ "url": bridge.url(), "token": bridge.token(), "lab_control": control });
    writeln!(std::io::stdout(), "{line}").map_err(|error| error.to_string())?;
    told_to_stop().await;
    bridge.stop().await;
    app.stop().await;
    Ok(())
}

/// Returns at Ctrl-C, and on Unix when the system ends the process politely.
async fn told_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    // Without signals there is only being killed, which loses nothing.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn in_words(problem: ProblemWords) -> String {
    format!("{} {}", problem.message, problem.next)
}
