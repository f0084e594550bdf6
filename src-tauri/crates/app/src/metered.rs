//! Whether the link is metered: paid by the byte, or limited in bytes. Read where the system tells it, on Linux from
//! NetworkManager, and nowhere else: on other systems nothing is read rather than guessed. What follows from it is the
//! engine's.

use crate::app::Shared;
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

/// Whether this system tells of metered links at all.
pub(crate) const IS_TOLD: bool = cfg!(target_os = "linux");

/// Between two looks, while somebody wants to know. A telephone that becomes the link is noticed soon, and a question to the
/// system's bus costs next to nothing.
const EVERY: Duration = Duration::from_secs(5);
/// A bus that takes longer to answer says nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks again and again, as long as the data folder is open.
pub(crate) async fn watch(shared: Weak<Shared>) {
    while let Some(open) = shared.upgrade() {
        open.look_at_link().await;
        let clock = Arc::clone(&open.clock);
        drop(open);
        clock.sleep(EVERY).await;
    }
}

impl Shared {
    /// Tells the engine how the link is, where that makes a difference. A system that does not say has no metered link.
    pub(crate) async fn look_at_link(&self) {
        if !self.minds_metered() {
            return;
        }
        let told = tokio::select! {
            told = told() => told,
            () = self.clock.sleep(PATIENCE) => None,
        };
        self.engine.set_metered(told.unwrap_or(false));
    }
}

#[cfg(not(target_os = "linux"))]
async fn told() -> Option<bool> {
    None
}

#[cfg(target_os = "linux")]
async fn told() -> Option<bool> {
    let asked = async { network_manager(&zbus::Connection::system().await?).await };
    match asked.await {
        Ok(metered) => Some(metered),
        Err(error) => {
            tracing::debug!(%error, "NetworkManager does not say whether the link is metered");
            None
        }
    }
}

/// What NetworkManager says of the way to everywhere.
#[cfg(target_os = "linux")]
async fn network_manager(bus: &zbus::Connection) -> zbus::Result<bool> {
    const NAME: &str = "org.freedesktop.NetworkManager";
    let proxy = zbus::proxy::Builder::<zbus::Proxy<'_>>::new(bus)
        .destination(NAME)?
        .path("/org/freedesktop/NetworkManager")?
        .interface(NAME)?
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
        .await?;
    Ok(is_metered(proxy.get_property("Metered").await?))
}

/// An `NMMetered` of NetworkManager's D-Bus reference: 1 is yes and 3 a guess that it is, by the kind of the link; 0 is
/// unknown, 2 and 4 are no.
#[cfg(target_os = "linux")]
fn is_metered(told: u32) -> bool {
    matches!(told, 1 | 3)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_metered_when_the_system_says_or_guesses_so() {
        assert_eq!([0, 1, 2, 3, 4, 99].map(is_metered), [false, true, false, true, false, false]);
    }
}
