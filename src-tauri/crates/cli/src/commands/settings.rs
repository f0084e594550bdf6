//! `labferry settings`.

use crate::{
    context::Context,
    exit::{Exit, Failure, usage},
    place::key_value,
    table,
};
use clap::Args;
use labferry_app::wire::{answers::SettingsRow, requests::Empty};
use serde_json::{Map, Value};

const EXAMPLES: &str = "\
Examples:
  labferry settings                             how they stand
  labferry settings connections_per_account=4   at most four connections to one account
  labferry settings bandwidth=2000000           bytes a second in each direction; none for no limit
  labferry settings metered=wait                over a link that is paid by the byte, nothing moves";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SettingsArguments {
    /// What to change
    #[arg(value_name = "KEY=VALUE", value_parser = key_value)]
    changes: Vec<(String, String)>,
}

pub(crate) async fn run(arguments: SettingsArguments, context: &Context) -> Result<Exit, Failure> {
    let app = context.look().await?;
    let mut row = app.settings_show(Empty {}).await?;
    if !arguments.changes.is_empty() {
        row = app.settings_change(changed(&row, &arguments.changes)?).await?;
    }
    app.stop().await;
    if context.out.json {
        context.out.json(&row)?;
        return Ok(Exit::Done);
    }
    let cells: Vec<Vec<String>> =
        members(&row)?.into_iter().map(|(name, value)| vec![name, words(&value)]).collect();
    table::rows(&cells).iter().try_for_each(|line| context.out.line(line))?;
    Ok(Exit::Done)
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The settings by name: whatever the app has, this command has.
fn members(row: &SettingsRow) -> Result<Map<String, Value>, Failure> {
    match serde_json::to_value(row) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(Failure::Words("The settings cannot be read; update Labferry.".to_owned())),
    }
}

fn changed(row: &SettingsRow, changes: &[(String, String)]) -> Result<SettingsRow, Failure> {
    let mut settings = members(row)?;
    for (name, text) in changes {
        let value = match text.as_str() {
            "none" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        };
        let Some(known) = settings.get_mut(name) else {
            let known = settings.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(usage(format!("There is no setting \"{name}\"; there are {known}.")));
        };
        *known = value;
    }
    let given = changes.iter().map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join(" ");
    serde_json::from_value(Value::Object(settings)).map_err(|error| {
        usage(format!("{given} cannot be used: {error}. `labferry settings` shows how they stand."))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_changed_by_its_name_and_others_stay() {
        let row: SettingsRow = serde_json::from_value(serde_json::json!({
            "bandwidth": 5, "files": 2, "parts_per_file": 3, "connections_per_account": 4,
        }))
        .unwrap();
        let set = |name: &str, text: &str| changed(&row, &[(name.to_owned(), text.to_owned())]);
        let one = set("connections_per_account", "1").unwrap();
        assert_eq!((one.connections_per_account, one.files, one.bandwidth), (1, 2, Some(5)));
        assert_eq!(set("bandwidth", "none").unwrap().bandwidth, None);
        assert!(set("bandwidth", "fast").is_err() && set("speed", "1").is_err());
    }
}
