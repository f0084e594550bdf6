//! `labferry put --from-url`: the service fetches a file by itself.

use crate::{
    commands::browse::print_entry,
    context::Context,
    exit::{Exit, Failure},
    place::Place,
};
use labferry_app::wire::requests::{ImportLink, PlaceRequest};

pub(crate) async fn run(wanted: ImportLink, no_wait: bool, context: &Context) -> Result<Exit, Failure> {
    let out = &context.out;
    let app = context.look().await?;
    let account = wanted.account.clone();
    let path = app.import_link(wanted).await?.path;
    let place = Place { account: account.clone(), path: path.clone() };
    let request = PlaceRequest { account, path };
    let entry = if no_wait {
        app.browse_show(request).await?
    } else {
        out.say(&format!("The service fetches it as {place}."));
        app.browse_processed(request).await?
    };
    app.stop().await;
    print_entry(out, &place, &entry)?;
    if no_wait {
        return Ok(Exit::Done);
    }
    out.say("Sent, not proven: these bytes never were on this computer. `labferry check --read-back FILE PLACE` compares a copy of yours.");
    Ok(Exit::Unproven)
}
