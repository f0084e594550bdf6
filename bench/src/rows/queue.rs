//! P6: what a queue of many costs, in the store alone, against a queue of few.

use crate::{
    Outcome,
    measure::{self, Measured},
    report::{Row, Verdict},
    settings::Settings,
    statistics::{median, number, ratio, time},
};
use labferry_model::{
    Algorithm, ClashPolicy, Direction, Event, Metadata, Proof, ShapeChoice, Timestamp, TransferId,
    VerifyChoice, transfer::NewTransfer,
};
use labferry_store::{Change, DataFolder, Store, TransferFilter};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, process::Command, time::Instant};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
/// The queue of few.
const FEW: usize = 100;
/// Rows a window asks for at once.
const PAGE: u32 = 200;
/// Rows whose whole life is measured: a second or two, so that a short disturbance does not make the median.
const LIVES: usize = 1_500;
/// How often a short question is asked.
const ASKED: usize = 100;

/// Seconds, all of them medians but `add`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Costs {
    add: f64,
    open: f64,
    next: f64,
    life: f64,
    /// By name of the filter.
    filters: Vec<(String, f64)>,
}

/// In a process of its own, which has only this in memory: `queue FOLDER ROWS`.
pub(crate) fn measure(mut arguments: impl Iterator<Item = String>) -> Outcome<()> {
    let mut next = || arguments.next().ok_or("queue FOLDER ROWS");
    let (folder, rows) = (PathBuf::from(next()?), next()?.parse()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let costs = runtime.block_on(costs(&folder, rows))?;
    crate::say(&serde_json::to_string(&costs)?);
    Ok(())
}

fn upload(name: String) -> Outcome<NewTransfer> {
    Ok(NewTransfer {
        direction: Direction::Upload,
        account: "nrp".parse().map_err(|error| format!("{error:?}"))?,
        place: "abcd-1234".into(),
        local: PathBuf::from("/data").join(&name),
        name,
        size: Some(100),
        on_clash: ClashPolicy::Ask,
        shape: ShapeChoice::Auto,
        verify: VerifyChoice::Auto,
        metadata: Metadata::new(),
    })
}

async fn open(folder: &std::path::Path) -> Outcome<Store> {
    Ok(Store::open(&DataFolder::open(folder)?).await?)
}

fn page() -> TransferFilter {
    TransferFilter { newest_first: true, limit: PAGE, ..TransferFilter::default() }
}

async fn costs(folder: &std::path::Path, rows: usize) -> Outcome<Costs> {
    let mut costs = Costs::default();
    let store = open(folder).await?;
    let begun = Instant::now();
    let new = (0..rows).map(|number| upload(format!("scan-{number}.tif"))).collect::<Outcome<Vec<_>>>()?;
    store.add_transfers(new, NOW).await?;
    costs.add = begun.elapsed().as_secs_f64();
    store.close().await;

    let mut opened = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let store = open(folder).await?;
        store.counts().await?;
        store.transfers(&page()).await?;
        opened.push(begun.elapsed().as_secs_f64());
        store.close().await;
    }
    costs.open = median(opened);

    let store = open(folder).await?;
    let mut times = Vec::new();
    for _ in 0..ASKED {
        let begun = Instant::now();
        store.next_waiting(NOW, &[], &[], &[]).await?.ok_or("the queue is empty")?;
        times.push(begun.elapsed().as_secs_f64());
    }
    costs.next = median(times);

    let mut lives = Vec::new();
    for _ in 0..LIVES {
        let begun = Instant::now();
        let id = store.next_waiting(NOW, &[], &[], &[]).await?.ok_or("the queue is empty")?.id;
        live(&store, id).await?;
        lives.push(begun.elapsed().as_secs_f64());
        // The queue stays as long as it was.
        store.add_transfers(vec![upload("again.tif".into())?], NOW).await?;
    }
    costs.life = median(lives);

    for (name, filter) in filters()? {
        let mut times = Vec::new();
        for _ in 0..5 {
            let begun = Instant::now();
            store.transfers(&filter).await?;
            times.push(begun.elapsed().as_secs_f64());
        }
        costs.filters.push((name.to_owned(), median(times)));
    }
    store.close().await;
    Ok(costs)
}

/// From its turn to its proof.
async fn live(store: &Store, id: TransferId) -> Outcome<()> {
    for event in [
        Event::Admitted,
        Event::PlanStored,
        Event::MovingBegan,
        Event::AllPartsSent,
        Event::FinishedOnService,
        Event::Proven { proof: Proof::ServerDigest { algorithm: Algorithm::Md5 } },
    ] {
        store.apply(id, event, Change::default(), NOW).await?;
    }
    Ok(())
}

fn filters() -> Outcome<Vec<(&'static str, TransferFilter)>> {
    let text = |text: &str| TransferFilter { text: Some(text.into()), ..page() };
    Ok(vec![
        ("name holds `.tif`", text(".tif")),
        ("name holds `scan-1234`", text("scan-1234")),
        ("name holds `99.t`", text("99.t")),
        ("name holds what none does", text("nothing")),
        ("done, name holds `.tif`", TransferFilter { states: Some(vec!["done"]), ..text(".tif") }),
        (
            "waiting or paused, name holds `scan`",
            TransferFilter { states: Some(vec!["waiting", "paused"]), ..text("scan") },
        ),
        ("failed", TransferFilter { states: Some(vec!["failed"]), ..page() }),
        ("of a batch, name holds `scan-77`", TransferFilter { batch: Some(1), ..text("scan-77") }),
        (
            "of an account, name holds `scan-77`",
            TransferFilter {
                account: Some("nrp".parse().map_err(|error| format!("{error:?}"))?),
                ..text("scan-77")
            },
        ),
    ])
}

pub(crate) fn row(settings: &Settings) -> Outcome<Row> {
    let mut row = Row::new(
        "P6",
        "a queue of many",
        format!(
            "The store alone, {} rows against {FEW}, each in a process of its own. Opening includes the counts and the first \
             {PAGE} rows; a life is choosing a row and its six steps to the proof, each a commit.",
            number(settings.queue as f64)
        ),
    );
    let measured = |rows: usize| -> Outcome<(Costs, measure::Sample)> {
        let folder = settings.folder()?;
        let stdout = folder.path().join("costs.json");
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("queue").arg(folder.path().join("data")).arg(rows.to_string());
        std::fs::create_dir(folder.path().join("data"))?;
        let measured =
            Measured { command: &command, scratch: folder.path(), stdout: Some(&stdout), at_most: None };
        let sample = measured.run()?;
        Ok((serde_json::from_slice(&std::fs::read(&stdout)?)?, sample))
    };
    // Few, many, few: whoever shares the machine meanwhile shows in the difference of the two.
    let (before, _) = measured(FEW)?;
    let (many, sample) = measured(settings.queue)?;
    let (after, _) = measured(FEW)?;
    let few = (before.life + after.life) / 2.0;
    let slowest = many.filters.iter().map(|(_, seconds)| *seconds).fold(0.0, f64::max);
    let life = ratio(many.life, few);
    row.verdicts = vec![
        Verdict::new("opens ≤ 1 s", time(many.open), many.open <= 1.0),
        Verdict::new("next item ≤ 1 ms", time(many.next), many.next <= 1e-3),
        Verdict::new("slowest filter ≤ 150 ms", time(slowest), slowest <= 0.15),
        Verdict::new(
            format!("a life costs what it costs among {FEW}, ± 10 %"),
            format!("{} times", number(life)),
            life <= 1.1,
        ),
    ];
    row.figure("a life among many", time(many.life));
    row.figure(
        format!("a life among {FEW}, before and after"),
        format!("{} and {}", time(before.life), time(after.life)),
    );
    for (name, seconds) in &many.filters {
        row.figure(format!("filter: {name}"), time(*seconds));
    }
    row.figure("adding them all", time(many.add));
    row.figure("memory of that process at its peak", format!("{} MiB", number(sample.rss)));
    Ok(row)
}
