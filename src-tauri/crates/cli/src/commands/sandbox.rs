//! `labferry sandbox`.

use crate::{
    context::Context,
    exit::{Exit, Failure},
    signals::told_to_stop,
};
use clap::Args;
use labferry_sandbox::{Sandbox, SandboxOptions};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Prints one JSON line with each service's address and token once it accepts connections, and runs until Ctrl-C.
Its world is kept in a folder and is found again by the next start.

Examples:
  labferry sandbox --seed --data practice
  labferry sandbox --port 8080 --faults rules.json";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SandboxArguments {
    /// The port on 127.0.0.1 [default: the one of the last start on this folder, or any]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// The folder of its world [default: practice-lab in the data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Fill a new world with records to look at
    #[arg(long)]
    seed: bool,
    /// A JSON file with rules of what goes wrong
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
}

pub(crate) async fn run(arguments: SandboxArguments, context: &Context) -> Result<Exit, Failure> {
    let folder = match arguments.data {
        Some(folder) => folder,
        None => context.data_folder()?.join("practice-lab"),
    };
    let options = SandboxOptions {
        port: arguments.port,
        seed: arguments.seed,
        faults_file: arguments.faults,
        ..SandboxOptions::new(folder)
    };
    // Heard from the first moment: a lab that is stopped while it starts ends cleanly, too.
    let mut stop = std::pin::pin!(told_to_stop());
    let lab = tokio::select! {
        lab = Sandbox::start(options) => lab.map_err(|error| Failure::Words(error.to_string()))?,
        () = &mut stop => return Ok(Exit::Done),
    };
    context.out.json(lab.description())?;
    stop.await;
    lab.stop().await;
    Ok(Exit::Done)
}
