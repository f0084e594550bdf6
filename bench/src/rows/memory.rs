//! P5: the most memory the engine ever held, whatever it sends.

use super::{against_limit::put, make_file, size};
use crate::{
    Outcome, bare,
    discard::{Discarding, PLACE},
    measure::{self, Measured},
    product::{User, has_keychain},
    report::{Row, Verdict},
    settings::Settings,
    statistics::{number, time},
};
use labferry_model::{
    ClashPolicy, Direction, Metadata, ShapeChoice, Timestamp, VerifyChoice, transfer::NewTransfer,
};
use labferry_store::{DataFolder, Store};
use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

/// The goal, in MiB.
const CEILING: f64 = 48.0;
/// The large file: it takes no room, and every byte of it is sent.
const LARGE: u64 = 4 << 30;
/// Rows that wait.
const WAITING: usize = 100_000;
/// How long a queue of so many is worked.
const WORKED: Duration = Duration::from_secs(15);
/// A terabyte as disks are sold.
const TERABYTE: u64 = 1_000_000_000_000;
/// Bytes of a file of the long queue.
const SMALL: u64 = 4 << 10;

pub(crate) fn measure(settings: &Settings) -> Outcome<Row> {
    let folder = settings.folder()?;
    let scratch = folder.path();
    let (large, small) = (scratch.join("large.bin"), scratch.join("small.bin"));
    File::create(&large)?.set_len(LARGE)?;
    make_file(&small, SMALL)?;
    let digests = [(LARGE, bare::digest_of(&large)?), (SMALL, bare::digest_of(&small)?)];
    let server = Discarding::start(&digests)?;
    let mut row = Row::new(
        "P5",
        "memory",
        "Peak resident memory of one `labferry` process, its database and its proof included, to the server that keeps \
         nothing. The large files are sparse, so they take no room, and every byte of them is read, hashed and sent. Where \
         there is no keychain, the first half second is not counted: making a passphrase into a key takes 64 MiB for a \
         tenth of a second (Argon2id, RFC 9106).",
    );
    let verdict = |row: &mut Row, what: &str, peak: Outcome<f64>| match peak {
        Ok(peak) => {
            let found = format!("{} MiB: {what}", number(peak));
            row.verdicts.push(Verdict::new(format!("≤ {CEILING} MiB"), found, peak <= CEILING));
        }
        Err(error) => row.missing.push(format!("{what}: {error}")),
    };

    let send = |name: &str, settings: &[&str]| -> Outcome<f64> {
        let user = User::new(&scratch.join(name))?;
        user.sign_in("aruna", &server.url, "a token")?;
        if !settings.is_empty() {
            user.settings(settings)?;
        }
        Ok(peak(measure::run(&put(&user, &large, 0), scratch)?))
    };
    verdict(&mut row, &format!("a file of {}, defaults", size(LARGE)), send("defaults", &[]));
    // There is no setting for the size of parts: it is what the planner makes of the file's size.
    let eight = send("eight", &["parts_per_file=8", "connections_per_account=8"]);
    verdict(&mut row, &format!("a file of {}, 8 parts at once", size(LARGE)), eight);
    let parts = large_parts(&server, scratch);
    verdict(&mut row, "the first 15 s of a file of 550 GiB, whose parts have 64 MiB", parts);
    let (most, moved) = long_queue(&server, scratch, &large, &small);
    verdict(
        &mut row,
        &format!("{} rows waiting, worked for {} s", number(WAITING as f64), WORKED.as_secs()),
        most,
    );
    if let Ok(moved) = moved {
        row.figure("requests the long queue made meanwhile", number(moved));
    }
    if settings.terabyte {
        let sent = terabyte(&server, scratch);
        if let Ok(sample) = &sent {
            row.figure("1 TB: wall time", time(sample.wall));
            row.figure("1 TB: processor time", time(sample.cpu));
            row.figure("1 TB: speed", format!("{} MB/s", number(TERABYTE as f64 / 1e6 / sample.wall)));
        }
        verdict(&mut row, "a file of 1 TB, defaults, to its end", sent.map(peak));
    } else {
        row.missing.push("a file of 1 TB: it takes some 20 minutes; TERABYTE=1 sends it.".to_owned());
    }
    Ok(row)
}

/// Without the start where a key is made in it, if the system tells the two apart.
fn peak(sample: measure::Sample) -> f64 {
    if !has_keychain() && sample.later_rss > 0.0 { sample.later_rss } else { sample.rss }
}

/// A file whose size makes the planner double the parts twice.
fn large_parts(server: &Discarding, scratch: &Path) -> Outcome<f64> {
    let file = scratch.join("larger.bin");
    File::create(&file)?.set_len(550 << 30)?;
    let user = User::new(&scratch.join("parts"))?;
    user.sign_in("aruna", &server.url, "a token")?;
    let command = put(&user, &file, 0);
    let measured = Measured { command: &command, scratch, stdout: None, at_most: Some(WORKED) };
    Ok(peak(measured.run()?))
}

/// A large file and very many small ones behind it, worked for a while. Gives the peak and how many requests were made.
fn long_queue(
    server: &Discarding,
    scratch: &Path,
    large: &Path,
    small: &Path,
) -> (Outcome<f64>, Outcome<f64>) {
    let data = scratch.join("queue");
    let asked = || -> Outcome<f64> {
        let answer = crate::http::ask("GET", &format!("{}/requests", server.url), None)?;
        Ok(answer["requests"].as_f64().unwrap_or_default())
    };
    let work = || -> Outcome<f64> {
        let user = User::new(&data)?;
        user.sign_in("aruna", &server.url, "a token")?;
        fill(&data, large, small)?;
        let command = user.command(&["queue", "run", "--quiet"]);
        let measured = Measured { command: &command, scratch, stdout: None, at_most: Some(WORKED) };
        Ok(peak(measured.run()?))
    };
    let before = asked();
    let peak = work();
    let moved = before.and_then(|before| Ok(asked()? - before));
    (peak, moved)
}

fn fill(data: &Path, large: &Path, small: &Path) -> Outcome<()> {
    let row = |name: String, local: PathBuf| -> Outcome<NewTransfer> {
        Ok(NewTransfer {
            direction: Direction::Upload,
            account: "lab".parse().map_err(|error| format!("{error:?}"))?,
            place: PLACE.into(),
            name,
            local,
            size: None,
            on_clash: ClashPolicy::Ask,
            shape: ShapeChoice::Auto,
            verify: VerifyChoice::Auto,
            metadata: Metadata::new(),
        })
    };
    let mut rows = vec![row("large.bin".into(), large.to_path_buf())?];
    for number in 0..WAITING {
        rows.push(row(format!("small-{number}.bin"), small.to_path_buf())?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&DataFolder::open(data)?).await?;
        store.add_transfers(rows, Timestamp(1_700_000_000_000)).await?;
        store.close().await;
        Ok(())
    })
}

fn terabyte(server: &Discarding, scratch: &Path) -> Outcome<measure::Sample> {
    let file = scratch.join("terabyte.bin");
    File::create(&file)?.set_len(TERABYTE)?;
    let user = User::new(&scratch.join("terabyte"))?;
    user.sign_in("aruna", &server.url, "a token")?;
    // The server cannot tell the digest of what it let go, and nobody else knows it: the size has to do.
    let mut command = put(&user, &file, 0);
    command.args(["--verify", "size"]);
    crate::say("sending 1 TB …");
    measure::run(&command, scratch)
}
