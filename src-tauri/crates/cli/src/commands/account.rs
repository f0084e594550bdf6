//! `labferry account`.

use super::account_expiry;
use crate::{
    context::Context,
    exit::{Exit, Failure, usage},
    place::key_value,
    table,
};
use clap::{Args, Subcommand};
use labferry_app::{
    App,
    wire::{
        answers::{AccountRow, ServiceRow},
        requests::{AccountRequest, AddAccount, Empty, SetExpiry},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
};

#[derive(Subcommand)]
pub(crate) enum AccountCommand {
    /// Add an account once its sign-in worked; its secret goes to the vault and nowhere else
    Add(Box<AddArguments>),
    /// List the accounts
    Ls,
    /// Tell of one account: its address, where its secret is kept, until when its sign-in is good
    Show {
        /// The account's name
        name: String,
    },
    /// Note until when the sign-in is good, where its token does not tell; two weeks before the end it is said
    Expires {
        /// The account's name
        name: String,
        /// Its last day, such as 2027-03-31, or none to forget it
        #[arg(value_name = "DAY")]
        day: String,
    },
    /// Try the sign-in and tell what the account can do; where it fails, tell which part failed
    Test {
        /// The account's name
        name: String,
    },
    /// Remove an account and its secret from this computer; the service keeps what it has
    Rm {
        /// The account's name
        name: String,
    },
    /// Let nothing of these accounts move, now and in later starts, until they are resumed
    Pause {
        /// The accounts' names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Let paused accounts go on
    Resume {
        /// The accounts' names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// The services, each with the fields of an account
    Services,
}

const ADD_EXAMPLES: &str = "\
Examples:
  labferry account add nrp lab --url https://data.example.org --secret-env LAB_TOKEN
  pass lab-token | labferry account add nrp lab --url https://data.example.org --secret-stdin";

#[derive(Args)]
#[command(after_help = ADD_EXAMPLES)]
pub(crate) struct AddArguments {
    /// The service's key; `labferry account services` lists them
    service: String,
    /// A name of your choice
    name: String,
    /// The service's address [default: the service's usual one, where it has one]
    #[arg(long, default_value = "", hide_default_value = true)]
    url: String,
    /// A field of the account that is no secret
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    settings: Vec<(String, String)>,
    /// Read the secret from standard input; where the account has several, a line KEY=VALUE each
    #[arg(long, conflicts_with = "secret_env")]
    secret_stdin: bool,
    /// Read the secret from an environment variable; KEY=VARIABLE where the account has several
    #[arg(long, value_name = "VARIABLE")]
    secret_env: Vec<String>,
    /// The last day of the token or key, such as 2027-03-31, where it does not carry that itself
    #[arg(long, value_name = "DAY", value_parser = account_expiry::day)]
    expires: Option<i64>,
}

pub(crate) async fn run(command: AccountCommand, context: &Context) -> Result<Exit, Failure> {
    let app = context.look().await?;
    let out = &context.out;
    match command {
        AccountCommand::Add(arguments) => {
            let services = app.account_services(Empty {}).await?;
            let request = request(*arguments, &services)?;
            let row = app.account_add(request).await?;
            if out.json {
                out.json(&row)?;
            } else {
                out.line(&format!("{}: signed in to {}", row.name, row.url))?;
            }
        }
        AccountCommand::Ls => {
            let rows = app.account_list(Empty {}).await?;
            if out.json {
                out.json(&rows)?;
            } else {
                list(context, &rows, &paused(&app).await?)?;
            }
        }
        AccountCommand::Show { name } => {
            let rests = paused(&app).await?.contains(&name);
            let row = account_expiry::account(&app, &name).await?;
            let kept = app.app_state(Empty {}).await?.vault;
            if out.json {
                let mut told = serde_json::to_value(&row).unwrap_or_default();
                told["secret_kept"] = kept.into();
                told["paused"] = rests.into();
                out.json(&told)?;
            } else {
                let lines = account_expiry::lines(&row, &kept, rests);
                table::rows(&lines).iter().try_for_each(|line| out.line(line))?;
            }
        }
        AccountCommand::Expires { name, day } => {
            let at = match day.as_str() {
                "none" => None,
                day => Some(account_expiry::day(day).map_err(usage)?),
            };
            let row = app.account_expiry(SetExpiry { account: name, at }).await?;
            if out.json {
                out.json(&row)?;
            } else {
                out.line(&format!("{}: {}", row.name, account_expiry::words(row.expiry.as_ref())))?;
            }
        }
        AccountCommand::Pause { names } => rest(&app, context, &names, true).await?,
        AccountCommand::Resume { names } => rest(&app, context, &names, false).await?,
        AccountCommand::Test { name } => {
            let tested = app.account_test(AccountRequest { account: name.clone() }).await;
            if let Some(words) = tested.as_ref().err().and_then(account_expiry::parts) {
                out.say(&format!("{name}: {words}"));
            }
            let answer = tested?;
            if out.json {
                out.json(&answer)?;
            } else {
                let user = answer.user.unwrap_or_else(|| "a user the service does not name".to_owned());
                let server = answer.server.map(|server| format!(", {server}")).unwrap_or_default();
                out.line(&format!("{name}: signed in as {user}{server}"))?;
            }
        }
        AccountCommand::Rm { name } => {
            out.confirm(&format!(
                "Remove the account {name} and its secret from this computer? The service keeps what it has."
            ))?;
            let changed = app.account_remove(AccountRequest { account: name.clone() }).await?;
            if out.json {
                out.json(&changed)?;
            } else {
                out.line(&format!("{name}: removed"))?;
            }
        }
        AccountCommand::Services => services(context, &app.account_services(Empty {}).await?)?,
    }
    app.stop().await;
    Ok(Exit::Done)
}

/// The accounts of which nothing moves.
async fn paused(app: &App) -> Result<BTreeSet<String>, Failure> {
    let settings = app.settings_show(Empty {}).await?;
    Ok(settings.paused_accounts.into_iter().flatten().collect())
}

/// Lets these accounts rest, or go on: one of the settings, so that it holds in every process and after a restart.
async fn rest(app: &App, context: &Context, names: &[String], rest: bool) -> Result<(), Failure> {
    let known: Vec<String> = app.account_list(Empty {}).await?.into_iter().map(|row| row.name).collect();
    let mut resting = paused(app).await?;
    // One that was removed while it rested can be resumed all the same.
    if let Some(name) = names.iter().find(|&name| !known.contains(name) && (rest || !resting.contains(name)))
    {
        return Err(usage(format!("There is no account \"{name}\"; `labferry account ls` lists them.")));
    }
    for name in names {
        if rest {
            resting.insert(name.clone());
        } else {
            resting.remove(name);
        }
    }
    let mut settings = app.settings_show(Empty {}).await?;
    settings.paused_accounts = Some(resting.into_iter().collect());
    let settings = app.settings_change(settings).await?;
    if context.out.json {
        return context.out.json(&settings);
    }
    let word = if rest { "paused" } else { "goes on; `labferry queue run` or the open window sends" };
    names.iter().try_for_each(|name| context.out.line(&format!("{name}: {word}")))
}

fn list(context: &Context, rows: &[AccountRow], paused: &BTreeSet<String>) -> Result<(), Failure> {
    if rows.is_empty() {
        context.out.say("There are no accounts yet; `labferry account add` makes one.");
    }
    let cells = |row: &AccountRow| {
        let rests = if paused.contains(&row.name) { "paused" } else { "" };
        let ends = account_expiry::warning(row.expiry.as_ref());
        vec![row.name.clone(), row.service.clone(), row.url.clone(), rests.to_owned(), ends]
    };
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    table::rows(&cells).iter().try_for_each(|line| context.out.line(line))
}

fn services(context: &Context, rows: &[ServiceRow]) -> Result<(), Failure> {
    let out = &context.out;
    if out.json {
        return out.json(&rows);
    }
    for row in rows {
        out.line(&format!("{}: {}", row.service, row.title))?;
        let url = row.default_url.as_deref().map(|url| format!(" [default: {url}]")).unwrap_or_default();
        out.line(&format!("  --url: {}{url}", row.url_help))?;
        for field in &row.fields {
            let option = if field.secret {
                "--secret-env or --secret-stdin".to_owned()
            } else {
                format!("--set {}=…", field.name)
            };
            let needed = if field.required { "" } else { " (may be left out)" };
            out.line(&format!("  {option}: {}{needed}. {}", field.label, field.help))?;
        }
        out.line(&format!("  {}", row.where_to_find))?;
    }
    Ok(())
}

fn request(arguments: AddArguments, services: &[ServiceRow]) -> Result<AddAccount, Failure> {
    let names: Vec<&str> = services.iter().map(|row| row.service.as_str()).collect();
    let Some(service) = services.iter().find(|row| row.service == arguments.service) else {
        return Err(usage(format!(
            "There is no service \"{}\"; this Labferry knows {}.",
            arguments.service,
            names.join(", ")
        )));
    };
    let fields: Vec<&str> =
        service.fields.iter().filter(|field| field.secret).map(|field| field.name.as_str()).collect();
    let secrets = if arguments.secret_stdin {
        from_standard_input(&fields)?
    } else {
        from_environment(&arguments.secret_env, &fields)?
    };
    Ok(AddAccount {
        service: arguments.service,
        name: arguments.name,
        url: arguments.url,
        settings: arguments.settings.into_iter().collect(),
        secrets,
        expires: arguments.expires,
    })
}

fn from_standard_input(fields: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| usage(format!("The secret cannot be read from standard input: {error}.")))?;
    if let [only] = fields {
        return Ok(BTreeMap::from([((*only).to_owned(), text.trim().to_owned())]));
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    // The line is not repeated: it may be a secret.
    lines
        .map(|line| key_value(line.trim()))
        .collect::<Result<_, _>>()
        .map_err(|_| usage(format!("Write one line KEY=VALUE for each of {}.", fields.join(", "))))
}

fn from_environment(variables: &[String], fields: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
    let mut secrets = BTreeMap::new();
    for given in variables {
        let (field, variable) = match (given.split_once('='), fields) {
            (Some((field, variable)), _) => (field, variable),
            (None, [only]) => (*only, given.as_str()),
            (None, _) => {
                return Err(usage(format!(
                    "This account has several secrets: write --secret-env KEY=VARIABLE, with a KEY out of {}.",
                    fields.join(", ")
                )));
            }
        };
        let value = std::env::var(variable).map_err(|_| {
            usage(format!("The environment variable {variable} is not set; set it to the secret first."))
        })?;
        secrets.insert(field.to_owned(), value);
    }
    Ok(secrets)
}
