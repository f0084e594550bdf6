//! Keeps the computer from falling asleep by itself while files are on their way. Closing the lid still works: transfers
//! go on from where they were.

use keepawake::KeepAwake;
use tokio::sync::watch;

/// Tells whether something is on its way.
pub(crate) struct Power(watch::Sender<bool>);

/// Begins with a computer that may sleep.
pub(crate) fn start() -> Power {
    let (sender, mut moving) = watch::channel(false);
    tauri::async_runtime::spawn(async move {
        let mut awake = None;
        while moving.changed().await.is_ok() {
            let wanted = *moving.borrow_and_update();
            if wanted != awake.is_some() {
                awake = if wanted { stay_awake().await } else { None };
            }
        }
    });
    Power(sender)
}

impl Power {
    /// Notes how many transfers are in hand.
    pub(crate) fn in_hand(&self, transfers: u64) {
        let moving = transfers > 0;
        self.0.send_if_modified(|known| std::mem::replace(known, moving) != moving);
    }
}

/// The system's word that it stays awake as long as this is held; none where it has no such service, and then nothing
/// worse happens than a transfer that goes on after the nap.
async fn stay_awake() -> Option<KeepAwake> {
    // The system answers over a bus, and the library waits for it.
    let asked = tauri::async_runtime::spawn_blocking(|| {
        keepawake::Builder::default()
            .idle(true)
            .app_name("Labferry")
            .app_reverse_domain("org.labferry.desktop")
            .reason("Files are being transferred")
            .create()
    });
    match asked.await {
        Ok(Ok(awake)) => Some(awake),
        Ok(Err(error)) => {
            tracing::info!("the computer may fall asleep while files move: {error}");
            None
        }
        Err(error) => {
            tracing::warn!("asking the system to stay awake failed: {error}");
            None
        }
    }
}
