//! `labferry lock`.

use crate::{
    context::{Context, variable},
    exit::{Exit, Failure, usage},
};
use clap::{Args, Subcommand};
use labferry_app::wire::{
    lock::{LockPassword, LockRow, SetLock},
    requests::Empty,
};
use std::io::Read as _;

const EXAMPLES: &str = "\
Examples:
  pass lab/settings | labferry lock set --secret-stdin
  labferry --unlock-with LAB_PASSWORD settings files=2
  labferry --unlock-with LAB_PASSWORD lock remove

What is locked is changing settings, accounts and rules of watched folders; transfers, watching and downloads go on. The
lock is no encryption. Who forgot the password needs somebody who may write to the data folder: the guide says how.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LockArguments {
    #[command(subcommand)]
    command: LockCommand,
}

#[derive(Subcommand)]
enum LockCommand {
    /// Lock settings, accounts and rules with a password, or change it
    Set(SetArguments),
    /// Take the lock away; needs the password
    Remove,
    /// Whether there is a lock
    Status,
}

#[derive(Args)]
struct SetArguments {
    /// Read the new password from standard input
    #[arg(long, conflicts_with = "secret_env")]
    secret_stdin: bool,
    /// Read the new password from an environment variable
    #[arg(long, value_name = "VARIABLE")]
    secret_env: Option<String>,
}

pub(crate) async fn run(arguments: LockArguments, context: &Context) -> Result<Exit, Failure> {
    let app = context.look().await?;
    let old = context.unlock().map(|password| password.reveal().to_owned());
    let row = match arguments.command {
        LockCommand::Status => app.lock_show(Empty {}).await?,
        LockCommand::Set(arguments) => {
            let password = password(&arguments)?;
            app.lock_set(SetLock { password, old }).await?
        }
        LockCommand::Remove => {
            let password = old.ok_or_else(|| {
                usage(
                    "Name the variable that holds the password: labferry --unlock-with VARIABLE lock remove.",
                )
            })?;
            app.lock_remove(LockPassword { password }).await?
        }
    };
    app.stop().await;
    if context.out.json {
        context.out.json(&row)?;
    } else {
        let LockRow { locked, .. } = row;
        context.out.line(if locked {
            "Settings, accounts and rules are locked with a password."
        } else {
            "Settings, accounts and rules are not locked."
        })?;
    }
    Ok(Exit::Done)
}

/// The new password, from where no other user of the computer can read it.
fn password(arguments: &SetArguments) -> Result<String, Failure> {
    if let Some(name) = &arguments.secret_env {
        return variable(name);
    }
    if !arguments.secret_stdin {
        return Err(usage("Say where the new password is: --secret-stdin or --secret-env VARIABLE."));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| {
        Failure::Words(format!("The password cannot be read from standard input: {error}."))
    })?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
