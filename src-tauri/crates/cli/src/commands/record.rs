//! `labferry record`.

use crate::{
    context::Context,
    exit::{Exit, Failure, usage},
    place::{Place, key_value, metadata},
};
use clap::{Args, Subcommand};
use labferry_app::wire::{
    answers::ContainerRow,
    requests::{EditRecord, PlaceRequest},
};
use serde_json::{Map, Value};

#[derive(Subcommand)]
pub(crate) enum RecordCommand {
    /// Make a record
    Create(MetadataArguments),
    /// Change the given fields of a record's metadata
    Edit(MetadataArguments),
    /// Publish a record
    Publish(PlaceArgument),
    /// Begin a new version of a published record
    Version(PlaceArgument),
    /// Delete a record on the service
    Rm(PlaceArgument),
}

const EXAMPLES: &str = "\
Examples:
  labferry record create lab: --set title=\"Run 7\"
  labferry record edit lab:abcd-1234 --file metadata.json --set 'keywords:=[\"tea\"]'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MetadataArguments {
    /// The record; for a new one its parent, or ACCOUNT: for the top
    place: String,
    /// A JSON file with metadata
    #[arg(long, value_name = "META.json")]
    file: Option<std::path::PathBuf>,
    /// A field of the metadata; KEY:=VALUE for a value in JSON
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
}

#[derive(Args)]
pub(crate) struct PlaceArgument {
    /// The record
    place: String,
}

pub(crate) async fn run(command: RecordCommand, context: &Context) -> Result<Exit, Failure> {
    let row = match command {
        RecordCommand::Rm(argument) => {
            return super::remove::places(context, std::slice::from_ref(&argument.place), true).await;
        }
        RecordCommand::Create(arguments) => {
            let request = edit(&arguments)?;
            let app = context.look().await?;
            let row = app.record_create(request).await?;
            app.stop().await;
            row
        }
        RecordCommand::Edit(arguments) => {
            let request = edit(&arguments)?;
            if request.metadata.is_empty() {
                return Err(usage("Say what to change: --set KEY=VALUE, or --file META.json."));
            }
            let app = context.look().await?;
            let row = app.record_edit(request).await?;
            app.stop().await;
            row
        }
        RecordCommand::Publish(argument) => {
            let place = Place::parse(&argument.place)?;
            context
                .out
                .confirm(&format!("Publish {place}? A published record cannot be changed or taken back."))?;
            let app = context.look().await?;
            let row = app.record_publish(request(&place)).await?;
            app.stop().await;
            row
        }
        RecordCommand::Version(argument) => {
            let place = Place::parse(&argument.place)?;
            let app = context.look().await?;
            let row = app.record_version(request(&place)).await?;
            app.stop().await;
            row
        }
    };
    tell(context, &row)?;
    Ok(Exit::Done)
}

fn request(place: &Place) -> PlaceRequest {
    PlaceRequest { account: place.account.clone(), path: place.path.clone() }
}

fn edit(arguments: &MetadataArguments) -> Result<EditRecord, Failure> {
    let place = Place::parse(&arguments.place)?;
    let mut fields = Map::new();
    if let Some(file) = &arguments.file {
        let bad = |why: String| {
            usage(format!("{} cannot be used: {why}. It must be a JSON object.", file.display()))
        };
        let text = std::fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
        match serde_json::from_str(&text) {
            Ok(Value::Object(object)) => fields = object,
            Ok(_) => return Err(bad("it is JSON, but no object".to_owned())),
            Err(error) => return Err(bad(error.to_string())),
        }
    }
    fields.extend(metadata(&arguments.set)?);
    Ok(EditRecord { account: place.account, path: place.path, metadata: fields })
}

fn tell(context: &Context, row: &ContainerRow) -> Result<(), Failure> {
    let out = &context.out;
    if out.json {
        return out.json(row);
    }
    out.line(&format!("{}: {} \"{}\"", row.path, row.kind, row.title))?;
    for complaint in &row.complaints {
        out.say(&format!("The service misses something: {complaint}"));
    }
    Ok(())
}
