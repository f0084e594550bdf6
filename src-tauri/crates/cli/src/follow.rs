//! Runs transfers to their end, shows how far they are, and stops them cleanly at Ctrl-C.

use crate::{exit::Failure, outcome::rows_of, output::Output, signals::told_to_stop};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use labferry_app::{
    App,
    wire::{
        answers::{ProblemWords, TransferRow},
        events::AppEvent,
    },
};
use std::{collections::HashMap, future::Future, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// What a stopped command says.
pub(crate) const STOPPED: &str = "Stopped. The transfers stay in the queue: `labferry queue run`, or the same command \
                                  again, goes on without sending the finished parts again.";

/// Rows read at a time.
const PAGE: usize = 200;

/// Runs these transfers until each is settled, paused, or waits for something that is not its turn.
pub(crate) async fn until_settled(app: &App, out: &Output, ids: &[i64]) -> Result<(), Failure> {
    let (runner, all) = (app.clone(), ids.to_vec());
    follow(app, out, ids, async move { runner.run_until_settled(&all).await }).await
}

/// Works the queue until nothing in it can go on.
pub(crate) async fn until_idle(app: &App, out: &Output, ids: &[i64]) -> Result<(), Failure> {
    let runner = app.clone();
    follow(app, out, ids, async move { runner.run_until_idle().await }).await
}

/// Waits until these transfers of a copy have settled, and says whether nothing happens to the copy by itself any more.
pub(crate) async fn until_copied(app: &App, out: &Output, copy: i64, ids: &[i64]) -> Result<bool, Failure> {
    let (runner, all) = (app.clone(), ids.to_vec());
    follow(app, out, ids, async move { runner.run_until_copied(copy, &all).await }).await
}

async fn follow<T: Send + 'static>(
    app: &App,
    out: &Output,
    ids: &[i64],
    run: impl Future<Output = Result<T, ProblemWords>> + Send + 'static,
) -> Result<T, Failure> {
    // Nobody listens where nothing is shown: each event is read from the database for its listeners.
    let mut shown = match out.shows_progress() {
        true => Some((app.subscribe(), Shown::new(app, ids).await?)),
        false => None,
    };
    let mut run = tokio::spawn(run);
    let mut stop = std::pin::pin!(told_to_stop());
    let ended = loop {
        tokio::select! {
            ended = &mut run => break ended,
            () = &mut stop => {
                if let Some((_, shown)) = &shown {
                    shown.bar.finish_and_clear();
                }
                out.say("Stopping …");
                tokio::select! {
                    () = app.stop() => {}
                    // Whoever asks twice does not want to wait; the next start puts in order what this one left.
                    () = told_to_stop() => {}
                }
                run.abort();
                return Err(Failure::Stopped(STOPPED.to_owned()));
            }
            () = hear(shown.as_mut()), if shown.is_some() => {}
        }
    };
    if let Some((_, shown)) = &shown {
        shown.bar.finish_and_clear();
    }
    match ended {
        Ok(result) => Ok(result?),
        Err(error) => Err(Failure::Words(format!(
            "The engine ended unexpectedly ({error}). Nothing that was sent is lost; start the command again."
        ))),
    }
}

async fn hear(shown: Option<&mut (Receiver<AppEvent>, Shown)>) {
    let Some((events, shown)) = shown else { return std::future::pending().await };
    match events.recv().await {
        Ok(event) => shown.take(event),
        Err(RecvError::Closed) => std::future::pending().await,
        Err(RecvError::Lagged(_)) => {}
    }
}

/// What is shown of a row, small: there may be very many.
#[derive(Default, Clone, Copy)]
struct Counted {
    size: u64,
    sent: u64,
    ended: bool,
}

impl Counted {
    fn of(row: &TransferRow) -> Self {
        let ended = matches!(row.state.as_str(), "done" | "skipped" | "failed");
        Self { size: row.size.unwrap_or(0), sent: row.sent, ended }
    }

    /// Bytes that are behind it, with those on their way where they are known.
    fn behind(self, moving: Option<u64>) -> u64 {
        if self.ended { self.size } else { moving.unwrap_or(self.sent).min(self.size) }
    }
}

/// The sums of all rows, kept as rows change: adding them up for each event would cost more than sending small files.
#[derive(Default)]
struct Sums {
    size: u64,
    behind: u64,
    ended: usize,
}

impl Sums {
    fn add(&mut self, row: Counted) {
        self.size += row.size;
        self.behind += row.behind(None);
        self.ended += usize::from(row.ended);
    }

    fn take_out(&mut self, row: Counted) {
        self.size -= row.size;
        self.behind -= row.behind(None);
        self.ended -= usize::from(row.ended);
    }
}

/// One bar for everything this command moves.
struct Shown {
    bar: ProgressBar,
    rows: HashMap<i64, Counted>,
    sums: Sums,
    /// Bytes of the rows in hand, finer than the rows tell.
    moving: HashMap<i64, u64>,
    /// One of those in hand: its number, what becomes of it and its name.
    named: Option<(i64, String)>,
    seconds_left: Option<u64>,
    rate: u64,
}

impl Shown {
    async fn new(app: &App, ids: &[i64]) -> Result<Self, Failure> {
        let (mut rows, mut sums) = (HashMap::with_capacity(ids.len()), Sums::default());
        for some in ids.chunks(PAGE) {
            for row in rows_of(app, some).await? {
                let counted = Counted::of(&row);
                sums.add(counted);
                rows.insert(row.id, counted);
            }
        }
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{bar:24}  {wide_msg}") {
            bar.set_style(style);
        }
        let mut shown =
            Self { bar, rows, sums, moving: HashMap::new(), named: None, seconds_left: None, rate: 0 };
        shown.draw();
        shown.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(4));
        shown.bar.enable_steady_tick(Duration::from_millis(500));
        Ok(shown)
    }

    fn take(&mut self, event: AppEvent) {
        match event {
            AppEvent::Transfer { row, .. } => {
                // Other commands' transfers run in this process, too, while it owns the folder.
                if let Some(known) = self.rows.get_mut(&row.id) {
                    self.sums.take_out(*known);
                    *known = Counted::of(&row);
                    self.sums.add(*known);
                    if self
                        .named
                        .as_ref()
                        .is_none_or(|(id, _)| *id == row.id || !self.moving.contains_key(id))
                    {
                        let name: String =
                            row.name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
                        self.named = Some((row.id, format!("{} {name}", row.state)));
                    }
                }
            }
            AppEvent::Progress { samples, bytes_per_second } => {
                self.moving = samples.iter().map(|sample| (sample.id, sample.bytes)).collect();
                self.rate = bytes_per_second;
                self.seconds_left = samples.iter().filter_map(|sample| sample.seconds_left).max();
            }
            AppEvent::QueueChanged
            | AppEvent::AccountsChanged
            | AppEvent::PreferencesChanged
            | AppEvent::Offered
            | AppEvent::FoldersChanged
            | AppEvent::Folder { .. }
            | AppEvent::CopiesChanged
            | AppEvent::Copy { .. } => {}
        }
        self.draw();
    }

    fn draw(&mut self) {
        let total = self.sums.size;
        let finer: i128 = self
            .moving
            .iter()
            .filter_map(|(id, bytes)| Some((self.rows.get(id)?, *bytes)))
            .map(|(row, bytes)| i128::from(row.behind(Some(bytes))) - i128::from(row.behind(None)))
            .sum();
        let done = u64::try_from(i128::from(self.sums.behind) + finer).unwrap_or(0);
        let ended = self.sums.ended;
        // All of it only once it is proven: the last bytes are not the end.
        let percent = u128::from(done) * 100 / u128::from(total.max(1));
        let percent = if ended == self.rows.len() { 100 } else { percent.min(99) };
        let mut message =
            format!("{percent:>3} %  {} of {}", crate::table::size(done), crate::table::size(total));
        if self.rows.len() > 1 {
            message.push_str(&format!("  {ended} of {} files", self.rows.len()));
        }
        if let Some((_, words)) = self.named.as_ref().filter(|(id, _)| self.moving.contains_key(id)) {
            message.push_str(&format!("  {words}"));
        }
        if self.rate > 0 {
            message.push_str(&format!("  {}/s", crate::table::size(self.rate)));
        }
        if let Some(seconds) = self.seconds_left {
            message.push_str(&format!("  {}:{:02} left", seconds / 60, seconds % 60));
        }
        self.bar.set_length(total.max(1));
        self.bar.set_position(done);
        self.bar.set_message(message);
    }
}
