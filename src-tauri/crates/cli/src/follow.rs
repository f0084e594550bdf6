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

async fn follow(
    app: &App,
    out: &Output,
    ids: &[i64],
    run: impl Future<Output = Result<(), ProblemWords>> + Send + 'static,
) -> Result<(), Failure> {
    let mut events = app.subscribe();
    let mut shown = if out.shows_progress() { Some(Shown::new(rows_of(app, ids).await?)) } else { None };
    let mut run = tokio::spawn(run);
    let mut stop = std::pin::pin!(told_to_stop());
    let ended = loop {
        tokio::select! {
            ended = &mut run => break ended,
            () = &mut stop => {
                if let Some(shown) = &shown {
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
            () = hear(&mut events, shown.as_mut()), if shown.is_some() => {}
        }
    };
    if let Some(shown) = &shown {
        shown.bar.finish_and_clear();
    }
    match ended {
        Ok(result) => Ok(result?),
        Err(error) => Err(Failure::Words(format!(
            "The engine ended unexpectedly ({error}). Nothing that was sent is lost; start the command again."
        ))),
    }
}

async fn hear(events: &mut Receiver<AppEvent>, shown: Option<&mut Shown>) {
    match (events.recv().await, shown) {
        (Ok(event), Some(shown)) => shown.take(event),
        (Err(RecvError::Closed), _) => std::future::pending().await,
        _ => {}
    }
}

/// One bar for everything this command moves.
struct Shown {
    bar: ProgressBar,
    rows: HashMap<i64, TransferRow>,
    /// Bytes of the rows in hand, finer than the rows tell.
    moving: HashMap<i64, u64>,
    seconds_left: Option<u64>,
    rate: u64,
}

impl Shown {
    fn new(rows: Vec<TransferRow>) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{bar:24}  {wide_msg}") {
            bar.set_style(style);
        }
        let rows = rows.into_iter().map(|row| (row.id, row)).collect();
        let mut shown = Self { bar, rows, moving: HashMap::new(), seconds_left: None, rate: 0 };
        shown.draw();
        shown.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(4));
        shown.bar.enable_steady_tick(Duration::from_millis(500));
        shown
    }

    fn take(&mut self, event: AppEvent) {
        match event {
            AppEvent::Transfer { row, .. } => {
                // Other commands' transfers run in this process, too, while it owns the folder.
                if let Some(known) = self.rows.get_mut(&row.id) {
                    *known = *row;
                }
            }
            AppEvent::Progress { samples, bytes_per_second } => {
                self.moving = samples.iter().map(|sample| (sample.id, sample.bytes)).collect();
                self.rate = bytes_per_second;
                self.seconds_left = samples.iter().filter_map(|sample| sample.seconds_left).max();
            }
            AppEvent::QueueChanged | AppEvent::AccountsChanged => {}
        }
        self.draw();
    }

    fn draw(&mut self) {
        let settled = |row: &&TransferRow| matches!(row.state.as_str(), "done" | "skipped" | "failed");
        let total: u64 = self.rows.values().filter_map(|row| row.size).sum();
        let done: u64 = self
            .rows
            .values()
            .map(|row| {
                let size = row.size.unwrap_or(0);
                if settled(&row) {
                    size
                } else {
                    self.moving.get(&row.id).copied().unwrap_or(row.sent).min(size)
                }
            })
            .sum();
        let ended = self.rows.values().filter(settled).count();
        // All of it only once it is proven: the last bytes are not the end.
        let percent = u128::from(done) * 100 / u128::from(total.max(1));
        let percent = if ended == self.rows.len() { 100 } else { percent.min(99) };
        let mut message =
            format!("{percent:>3} %  {} of {}", crate::table::size(done), crate::table::size(total));
        if self.rows.len() > 1 {
            message.push_str(&format!("  {ended} of {} files", self.rows.len()));
        }
        if let Some(row) = self.rows.values().find(|row| self.moving.contains_key(&row.id)) {
            let name: String = row.name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
            message.push_str(&format!("  {} {name}", row.state));
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
