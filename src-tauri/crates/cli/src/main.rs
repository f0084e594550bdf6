//! `labferry`: the app's commands on the command line.
//!
//! Each command lives in its own file under `commands`; it turns arguments into one of the app's requests and the
//! answer into text or JSON. What a command ends with is an [`exit::Exit`].

mod arguments;
mod choices;
mod commands;
mod context;
mod exit;
mod follow;
mod listing;
mod outcome;
mod output;
mod place;
mod signals;
mod spool;
mod table;
mod times;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("LABFERRY_LOG"))
        .init();
    let context = context::Context::new(arguments.global);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = exit::Failure::Words(format!("The program could not start: {error}."));
            return context.out.fail(failure).into();
        }
    };
    let ended = runtime.block_on(commands::run(arguments.command, &context));
    // A read of standard input that nobody waits for any more must not hold the end back.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => context.out.fail(failure).into(),
    }
}
