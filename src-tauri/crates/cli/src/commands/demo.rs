//! `labferry demo`: the whole crossing in one command, in folders that are gone afterwards.

use crate::{
    commands::receipts,
    context::Context,
    exit::{Exit, Failure},
    follow, outcome,
    table::{count, size},
};
use clap::Args;
use labferry_app::{
    App, AppOptions, Own,
    wire::{
        answers::ReceiptRow,
        requests::{AddAccount, AddUploads, CheckPlace, EditRecord, ListReceipts},
    },
};
use labferry_sandbox::{LabService, Sandbox, SandboxOptions};
use serde_json::json;
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

#[derive(Args)]
#[command(
    after_help = "Uses folders of its own and deletes them at the end; accounts and queue are not touched."
)]
pub(crate) struct DemoArguments {}

/// Bytes of the file that goes in parts: above the 64 MiB from which files do.
const LARGE: u64 = 80 << 20;

/// The code of what a service cannot do.
const UNSUPPORTED: &str = "unsupported";

pub(crate) async fn run(_: DemoArguments, context: &Context) -> Result<Exit, Failure> {
    let out = &context.out;
    let place = tempfile::Builder::new().prefix("labferry-demo-").tempdir().map_err(cannot)?;
    let samples = place.path().join("samples");
    out.say("Making a sample data set …");
    let made = samples.clone();
    let files = tokio::task::spawn_blocking(move || sample(&made))
        .await
        .map_err(|error| Failure::Words(format!("The sample data set could not be made: {error}.")))?
        .map_err(cannot)?;
    out.say("Starting the practice lab …");
    let options = SandboxOptions::new(place.path().join("lab"));
    let lab = Sandbox::start(options).await.map_err(|error| Failure::Words(error.to_string()))?;
    let app = App::open(AppOptions {
        vault_in_memory: true,
        own: Own::Must,
        ..AppOptions::new(place.path().join("data"))
    })
    .await?;
    let result = cross(&app, context, &lab.description().services, &samples, &files).await;
    app.stop().await;
    lab.stop().await;
    // Dropping the folder would keep quiet about what cannot be removed.
    let folder = place.path().to_path_buf();
    if let Err(error) = place.close() {
        out.say(&format!("{} could not be removed: {error}. Remove it by hand.", folder.display()));
    }
    result
}

fn cannot(error: io::Error) -> Failure {
    Failure::Words(format!(
        "The demonstration needs about 600 MB in the folder for temporary files, which cannot be used: {error}. Make \
         room there or name another folder in TMPDIR."
    ))
}

/// Sends the samples to every service, proves them and shows the receipts.
async fn cross(
    app: &App,
    context: &Context,
    services: &[LabService],
    samples: &Path,
    files: &[PathBuf],
) -> Result<Exit, Failure> {
    let out = &context.out;
    let mut verified = 0;
    for service in services {
        let account = format!("practice-{}", service.service);
        app.account_add(AddAccount {
            service: service.service.clone(),
            name: account.clone(),
            url: service.url.clone(),
            settings: service.settings.clone(),
            secrets: service.secrets.clone(),
            expires: None,
        })
        .await?;
        let record = container(app, service, &account).await?;
        out.say(&format!("Sending {} to {account}:{record} …", count(files.len(), "file")));
        let add = |sources: Vec<String>| {
            app.uploads_add(AddUploads {
                sources,
                account: account.clone(),
                place: record.clone(),
                ..AddUploads::default()
            })
        };
        let mut queued = add(vec![samples.display().to_string()]).await?;
        if queued.ids.is_empty() && queued.refused.iter().all(|problem| problem.code == "name_refused") {
            // The service keeps no folders: it gets the files by themselves.
            queued = add(files.iter().map(|file| file.display().to_string()).collect()).await?;
        }
        for problem in &queued.refused {
            out.problem(problem)?;
        }
        follow::until_settled(app, out, &queued.ids).await?;
        let rows = outcome::rows_of(app, &queued.ids).await?;
        for row in &rows {
            let parts = row.part_count.filter(|parts| *parts > 1);
            let how = parts.map_or_else(String::new, |parts| format!(" in {parts} parts"));
            out.say(&format!("  {}: {}, {}{how}", outcome::state_words(row), row.name, size(row.sent)));
            if let Some(problem) = &row.problem {
                out.say_always(&format!("{} {}", problem.message, problem.next));
            }
        }
        let arrived = rows.iter().filter(|row| row.verified).count();
        let request = CheckPlace { account, path: record, source: None, read_back: true };
        verified += match app.checks_run(request).await {
            Ok(checked) => checked.iter().filter(|row| row.result == "verified").count().min(arrived),
            // The service cannot list what it holds; each file was fetched back when it arrived.
            Err(words) if words.code == UNSUPPORTED => arrived,
            Err(words) => return Err(words.into()),
        };
    }
    let receipts = app.receipts_list(ListReceipts::default()).await?;
    show(context, &receipts)?;
    let expected = files.len() * services.len();
    if verified == expected && expected > 0 {
        out.say(&format!("{} sent and verified.", count(verified, "file")));
        return Ok(Exit::Done);
    }
    out.say_always(&format!("Only {verified} of {} could be verified.", count(expected, "file")));
    Ok(Exit::Failed)
}

/// The place the practice lab names for files, or a new record where it names none.
async fn container(app: &App, service: &LabService, account: &str) -> Result<String, Failure> {
    if let Some(place) = &service.example_place {
        return Ok(place.clone());
    }
    let title = json!({ "title": "Labferry demonstration" });
    let request = EditRecord {
        account: account.to_owned(),
        path: String::new(),
        metadata: title.as_object().cloned().unwrap_or_default(),
    };
    Ok(app.record_create(request).await?.path)
}

fn show(context: &Context, rows: &[ReceiptRow]) -> Result<(), Failure> {
    if context.out.json {
        return context.out.json(&rows);
    }
    receipts::text(context, rows)
}

/// Writes the sample data set and gives its files.
fn sample(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut table = String::from("time_s,absorbance\n");
    for second in 0..20_000 {
        table.push_str(&format!("{second},{:.4}\n", random.f64()));
    }
    let small: [(&str, &[u8]); 3] = [
        ("README.txt", b"A sample data set made by `labferry demo`.\n"),
        ("results/absorbance.csv", table.as_bytes()),
        // Letters without accents: Aruna takes no others in names.
        ("results/Size and place.txt", "3 \u{b5}m, top left\n".as_bytes()),
    ];
    let mut files = Vec::new();
    for (name, content) in small {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(&path, content)?;
        files.push(path);
    }
    let stack = folder.join("images").join("stack.tif");
    large(&stack, &mut random)?;
    files.push(stack);
    Ok(files)
}

fn large(path: &Path, random: &mut fastrand::Rng) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    let mut file = File::create(path)?;
    let mut block = vec![0; 1 << 20];
    for _ in 0..LARGE >> 20 {
        random.fill(&mut block);
        file.write_all(&block)?;
    }
    file.sync_all()
}
