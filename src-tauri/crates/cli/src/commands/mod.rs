//! The commands, one file each.

pub(crate) mod account;
mod account_expiry;
pub(crate) mod action;
pub(crate) mod browse;
pub(crate) mod check;
pub(crate) mod copy;
pub(crate) mod demo;
pub(crate) mod get;
pub(crate) mod import;
pub(crate) mod lock;
pub(crate) mod put;
pub(crate) mod queue;
pub(crate) mod receipts;
pub(crate) mod record;
pub(crate) mod remove;
pub(crate) mod sandbox;
pub(crate) mod settings;
pub(crate) mod sync;
pub(crate) mod watch;

use crate::{
    arguments::Command,
    context::Context,
    exit::{Exit, Failure},
};

/// Does what was asked.
pub(crate) async fn run(command: Command, context: &Context) -> Result<Exit, Failure> {
    context.check_unlock()?;
    match command {
        Command::Account(command) => account::run(command, context).await,
        Command::Ls(arguments) => browse::list(arguments, context).await,
        Command::Show(arguments) => browse::show(arguments, context).await,
        Command::Put(arguments) => put::run(arguments, context).await,
        Command::Get(arguments) => get::run(arguments, context).await,
        Command::Copy(arguments) => copy::run(arguments, context).await,
        Command::Sync(arguments) => sync::run(arguments, context).await,
        Command::Watch(arguments) => watch::run(*arguments, context).await,
        Command::Queue(arguments) => queue::run(arguments, context).await,
        Command::Check(arguments) => check::run(arguments, context).await,
        Command::Record(command) => record::run(command, context).await,
        Command::Receipts(arguments) => receipts::run(arguments, context).await,
        Command::Action(command) => action::run(command, context).await,
        Command::Url(argument) => action::url(argument, context).await,
        Command::Rm(arguments) => remove::run(arguments, context).await,
        Command::Lock(arguments) => lock::run(arguments, context).await,
        Command::Settings(arguments) => settings::run(arguments, context).await,
        Command::Sandbox(arguments) => sandbox::run(arguments, context).await,
        Command::Demo(arguments) => demo::run(arguments, context).await,
    }
}
