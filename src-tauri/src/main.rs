//! Starts the desktop app. Arguments and environment are read here and nowhere else.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use clap::Parser;
use labferry_desktop::{Secret, Start};
use std::{path::PathBuf, process::ExitCode};
use tracing_subscriber::EnvFilter;

/// Transfers for lab staff that are proven, not promised.
#[derive(Parser)]
#[command(name = "labferry-desktop", version)]
struct Arguments {
    /// Where accounts, queue and receipts are kept [default: the system's folder for application data]
    #[arg(long, value_name = "FOLDER", env = "LABFERRY_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Start with the practice lab: a server in this program that speaks the real interfaces
    #[arg(long)]
    practice_lab: bool,
    /// Files and folders to send: the window asks where to and shows what would be sent before anything is
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// The files another start was given; none where its arguments make no sense, which it said itself.
fn files_of(arguments: &[String]) -> Vec<PathBuf> {
    Arguments::try_parse_from(arguments).map_or_else(|_| Vec::new(), |arguments| arguments.files)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("LABFERRY_LOG").unwrap_or_else(|_| EnvFilter::new("warn")))
        .with_writer(std::io::stderr)
        .init();
    let start = Start {
        data_folder: arguments.data_dir,
        // Never an argument: the command lines of running programs are there for everybody to read.
        passphrase: std::env::var("LABFERRY_PASSPHRASE")
            .ok()
            .filter(|given| !given.is_empty())
            .map(Secret::new),
        practice_lab: arguments.practice_lab,
        files: arguments.files,
    };
    match labferry_desktop::run(start, files_of) {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            eprintln!("labferry: {message}");
            ExitCode::FAILURE
        }
    }
}
