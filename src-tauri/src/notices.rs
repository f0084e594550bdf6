//! What the system tells while the window is not in front: once for a batch that is done, once for one that needs
//! somebody. Never for a single file of many, and never the only place where it can be read.

use crate::words::Language;
use labferry_app::{
    App,
    wire::{
        answers::{BatchRow, TransferRow},
        requests::{Empty, ListBatches},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tauri::{AppHandle, Manager as _};
use tauri_plugin_notification::NotificationExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A batch is looked at when nothing more of it came for so long: files that end together are told together.
const QUIET: Duration = Duration::from_secs(3);
/// And at the latest after so long.
const AT_MOST: Duration = Duration::from_secs(30);
/// Batches of which it is remembered what was told.
const REMEMBERED: usize = 1_000;

/// Where changed transfers are reported.
pub(crate) struct Notices(UnboundedSender<i64>);

impl Notices {
    /// Notes a transfer that changed.
    pub(crate) fn changed(&self, row: &TransferRow) {
        let needs = row.state == "failed" || matches!(row.waiting.as_deref(), Some("sign_in" | "disk_low"));
        if needs || matches!(row.state.as_str(), "done" | "skipped") {
            // The other end lives as long as the program.
            let _ = self.0.send(row.batch);
        }
    }
}

/// Tells until the app is gone.
pub(crate) fn start(handle: &AppHandle, app: &App) -> Notices {
    let (sender, receiver) = unbounded_channel();
    tauri::async_runtime::spawn(watch(handle.clone(), app.clone(), receiver));
    Notices(sender)
}

async fn watch(handle: AppHandle, app: App, mut batches: UnboundedReceiver<i64>) {
    let mut told = BTreeMap::new();
    while let Some(first) = batches.recv().await {
        let mut changed = BTreeSet::from([first]);
        let gather = async {
            while let Ok(Some(batch)) = tokio::time::timeout(QUIET, batches.recv()).await {
                changed.insert(batch);
            }
        };
        let _ = tokio::time::timeout(AT_MOST, gather).await;
        let preferences = app.preferences_show(Empty {}).await.unwrap_or_default();
        let (wanted, language) = (preferences.notify, Language::of(&preferences.language));
        let in_front =
            handle.get_webview_window("main").is_some_and(|window| window.is_focused().unwrap_or(false));
        for batch in changed {
            let Some(row) = look(&app, batch).await else { continue };
            // Also what is not told counts as told: nobody wants to hear later what they saw happen.
            let notice = notice(&row, told.entry(batch).or_default(), language);
            if let Some((title, body)) = notice.filter(|_| wanted && !in_front) {
                let shown = handle.notification().builder().title(title).body(body).show();
                if let Err(error) = shown {
                    tracing::info!("the system shows no notification: {error}");
                }
            }
        }
        while told.len() > REMEMBERED {
            told.pop_first();
        }
    }
}

async fn look(app: &App, batch: i64) -> Option<BatchRow> {
    let request = ListBatches { after: batch.checked_add(1), limit: 1 };
    app.transfers_batches(request).await.ok()?.into_iter().find(|row| row.batch == batch)
}

/// What was told of a batch.
#[derive(Debug, Default)]
struct Told {
    done: bool,
    needs: bool,
}

/// The title and the sentence of what is new about a batch.
fn notice(batch: &BatchRow, told: &mut Told, language: Language) -> Option<(String, String)> {
    let counts = &batch.counts;
    let needs = (counts.needs_you > 0).then(|| language.needs(counts.needs_you));
    // Those that wait for a person are counted as waiting, too.
    let over = counts.active == 0 && counts.waiting.saturating_sub(counts.needs_you) == 0;
    if over {
        let news = !told.done;
        *told = Told { done: true, needs: told.needs || needs.is_some() };
        let proven = language.verified(batch.verified, counts.all);
        return news.then(|| match needs {
            None if batch.verified == counts.all => {
                (language.all_verified().to_owned(), language.batch(batch, &[proven]))
            }
            None => (language.finished().to_owned(), language.batch(batch, &[proven])),
            Some(needs) => (language.needs_somebody().to_owned(), language.batch(batch, &[proven, needs])),
        });
    }
    // It runs again: its end is news once more.
    told.done = false;
    let needs = needs.filter(|_| !std::mem::replace(&mut told.needs, true))?;
    Some((language.needs_somebody().to_owned(), language.batch(batch, &[needs])))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use labferry_app::wire::answers::QueueCounts;

    fn batch(all: u64, active: u64, needs_you: u64, verified: u64) -> BatchRow {
        BatchRow {
            batch: 7,
            created: 0,
            direction: "upload".to_owned(),
            account: "NRP lab".to_owned(),
            place: "abcd".to_owned(),
            name: "scan.czi".to_owned(),
            counts: QueueCounts { all, active, needs_you, done: verified, ..QueueCounts::default() },
            verified,
            paused: 0,
            bytes: 0,
            bytes_done: 0,
        }
    }

    #[test]
    fn one_notice_for_a_batch_that_is_done() {
        let mut told = Told::default();
        assert_eq!(
            notice(&batch(120, 3, 0, 117), &mut told, Language::English),
            None,
            "single files are silent"
        );
        let (title, body) = notice(&batch(120, 0, 0, 120), &mut told, Language::English).unwrap();
        assert_eq!(
            (title.as_str(), body.as_str()),
            ("All verified", "120 files to NRP lab: 120 of 120 verified.")
        );
        assert_eq!(notice(&batch(120, 0, 0, 120), &mut told, Language::English), None);
    }

    #[test]
    fn needing_somebody_is_told_once_while_the_rest_runs() {
        let mut told = Told::default();
        assert!(
            notice(&batch(9, 2, 1, 3), &mut told, Language::English).unwrap().1.ends_with("1 needs you.")
        );
        assert_eq!(notice(&batch(9, 2, 2, 3), &mut told, Language::English), None);
        let (title, body) = notice(&batch(9, 0, 2, 7), &mut told, Language::English).unwrap();
        assert_eq!(title, "Labferry needs you");
        assert!(body.ends_with("7 of 9 verified, 2 need you."), "{body}");
    }

    #[test]
    fn what_is_not_proven_is_not_called_verified() {
        let row = BatchRow { verified: 0, ..batch(1, 0, 0, 1) };
        let (title, body) = notice(&row, &mut Told::default(), Language::English).unwrap();
        assert_eq!((title.as_str(), body.as_str()), ("Finished", "scan.czi to NRP lab: 0 of 1 verified."));
    }

    #[test]
    fn a_notice_is_in_the_windows_language() {
        let told = |language| notice(&batch(3, 0, 0, 3), &mut Told::default(), language).unwrap();
        assert_eq!(
            told(Language::Czech),
            ("Vše ověřeno".to_owned(), "3 soubory do NRP lab: ověřeno 3 z 3.".to_owned())
        );
        assert_eq!(told(Language::Chinese).1, "上传 3 个文件 到 NRP lab：已验证 3/3。");
    }
}
