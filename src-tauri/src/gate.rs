//! The one command of the interface. It waits until the app is open, and says why if it cannot be.

use labferry_app::{App, wire::answers::ProblemWords};
use serde_json::Value;
use tauri::State;
use tokio::sync::watch;

type Opened = Option<Result<App, ProblemWords>>;

/// The side that opens.
pub(crate) struct Opener(watch::Sender<Opened>);

/// The side that waits.
pub(crate) struct Gate(watch::Receiver<Opened>);

/// A closed gate and what opens it.
pub(crate) fn gate() -> (Opener, Gate) {
    let (sender, receiver) = watch::channel(None);
    (Opener(sender), Gate(receiver))
}

impl Opener {
    /// Lets every command through, those that wait first.
    pub(crate) fn opened(self, app: App) {
        self.0.send_replace(Some(Ok(app)));
    }

    /// Answers every command with this problem.
    pub(crate) fn failed(self, problem: ProblemWords) {
        self.0.send_replace(Some(Err(problem)));
    }
}

impl Gate {
    /// The app, once it is open.
    pub(crate) async fn app(&self) -> Result<App, ProblemWords> {
        let mut opened = self.0.clone();
        match opened.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(result)) => result.clone(),
            // The opener went without a word: Labferry is ending.
            _ => Err(ending()),
        }
    }

    /// The app, if it is open now.
    pub(crate) fn app_now(&self) -> Option<App> {
        self.0.borrow().as_ref()?.as_ref().ok().cloned()
    }
}

fn ending() -> ProblemWords {
    ProblemWords {
        code: "interrupted".to_owned(),
        severity: "notice".to_owned(),
        message: "Labferry was closing and did not do this any more.".to_owned(),
        next: "Open Labferry again; transfers go on from where they were.".to_owned(),
        button: None,
        detail: None,
        facts: None,
    }
}

/// Runs one command of the table.
#[tauri::command]
pub(crate) async fn call(
    gate: State<'_, Gate>,
    command: String,
    request: Value,
) -> Result<Value, ProblemWords> {
    gate.app().await?.call(&command, request).await
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_waits_for_the_app_and_hears_why_it_cannot_be_opened() {
        let (opener, gate) = gate();
        let gate = std::sync::Arc::new(gate);
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.app().await.err().unwrap() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        opener.failed(ProblemWords { code: "disk_full".to_owned(), ..ending() });
        assert_eq!(waiting.await.unwrap().code, "disk_full");
        assert_eq!(gate.app().await.err().unwrap().code, "disk_full", "later commands hear it, too");
        assert!(gate.app_now().is_none());
    }

    #[tokio::test]
    async fn an_opener_that_went_ends_the_wait() {
        let (opener, gate) = gate();
        drop(opener);
        assert_eq!(gate.app().await.err().unwrap().code, "interrupted");
    }
}
