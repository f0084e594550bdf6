//! The command line as people write it.

use crate::commands::{
    account::AccountCommand, action, browse, check::CheckArguments, copy::CopyArguments, demo::DemoArguments,
    get::GetArguments, lock::LockArguments, put::PutArguments, queue::QueueArguments,
    receipts::ReceiptsArguments, record::RecordCommand, remove::RemoveArguments, sandbox::SandboxArguments,
    settings::SettingsArguments, sync::SyncArguments, watch::WatchArguments,
};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  labferry account add nrp lab --url https://data.example.org --secret-env LAB_TOKEN
  labferry ls lab:                              records you may write to
  labferry put scan.tif results/ lab:abcd-1234  send, and wait for the proof
  labferry check scan.tif lab:abcd-1234/scan.tif
  labferry queue run                            go on with what an earlier start left

A place is written ACCOUNT:PATH.
Exit codes: 0 done and verified, 1 something failed, 2 wrong usage, 3 sign-in needed, 4 done but not
provable as asked, 5 cancelled, 6 another process works on the data folder.";

/// Ferries files between this computer and data services, and proves that they arrived.
#[derive(Parser)]
#[command(name = "labferry", version, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args)]
pub(crate) struct Global {
    /// The data folder: accounts, queue, receipts [default: the system's folder for application data]
    #[arg(long, global = true, env = "LABFERRY_DATA_DIR", hide_env_values = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print JSON on standard output and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No words on standard error but problems
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
    /// Unlock settings, accounts and rules with the password in this environment variable [default: LABFERRY_UNLOCK]
    #[arg(long, global = true, value_name = "VARIABLE")]
    pub(crate) unlock_with: Option<String>,
    /// Answer every question with yes
    #[arg(long, global = true)]
    pub(crate) yes: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Accounts: add, list, test, remove
    #[command(subcommand)]
    Account(AccountCommand),
    /// List records or files, whichever the place holds
    Ls(browse::LsArguments),
    /// Show one record or file with its metadata and digests
    Show(browse::ShowArguments),
    /// Send files and folders, and wait until they are verified
    Put(PutArguments),
    /// Fetch files or whole records, verified
    Get(GetArguments),
    /// Copy files from one record to another, also of another service, verified
    Copy(CopyArguments),
    /// Make a record hold what a folder holds
    Sync(SyncArguments),
    /// Watch folders and send what comes to rest in them
    Watch(Box<WatchArguments>),
    /// The queue: list it, work it, and tell its transfers what to do
    Queue(QueueArguments),
    /// Prove what a service holds, without sending it again
    Check(CheckArguments),
    /// Records: create, edit, publish, make a new version, delete
    #[command(subcommand)]
    Record(RecordCommand),
    /// What was transferred, when, by which account, with which proof
    Receipts(ReceiptsArguments),
    /// What a service can do besides: list its actions for a place, run one
    #[command(subcommand)]
    Action(action::ActionCommand),
    /// A temporary link to a file, with its expiry
    Url(action::PlaceArgument),
    /// Delete records or files on the service
    Rm(RemoveArguments),
    /// How much is moved at once and how fast: show it, change it
    Settings(SettingsArguments),
    /// Lock settings, accounts and rules with a password: set it, take it away, tell whether there is one
    Lock(LockArguments),
    /// Run the practice lab, a local server that speaks the services' interfaces
    Sandbox(SandboxArguments),
    /// Send a sample data set to a practice lab, verify it, print the receipts
    Demo(DemoArguments),
}
