//! What a person can set, kept in the database.

use crate::{
    app::App,
    problem_text::invalid,
    wire::{answers::*, requests::Empty},
};
use labferry_model::Limits;
use labferry_store::{Store, StoreError};
use serde::{Deserialize, Serialize};

/// The key they are kept under.
const KEY: &str = "settings";
/// Most files, parts or connections at once: beyond it a computer is slower, not faster.
const MOST: u32 = 64;
/// Least cap: below it every connection would count as stalled.
const LEAST_BANDWIDTH: u64 = 16 << 10;

/// What is stored: only what was set, so that a later version's defaults are not held back by an earlier one's.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    bandwidth: Option<u64>,
    files: Option<usize>,
    parts_per_file: Option<usize>,
    connections_per_account: Option<usize>,
}

/// The engine's limits with what was set.
pub(crate) async fn limits(store: &Store) -> Result<Limits, StoreError> {
    let stored: Stored = store.setting(KEY).await?.unwrap_or_default();
    let usual = Limits::default();
    let connections_per_account = stored.connections_per_account.unwrap_or(usual.connections_per_account);
    Ok(Limits {
        bandwidth: stored.bandwidth.or(usual.bandwidth),
        files: stored.files.unwrap_or(usual.files),
        parts_per_file: stored.parts_per_file.unwrap_or(usual.parts_per_file),
        connections_per_account,
        connections: usual.connections.max(connections_per_account),
        ..usual
    })
}

impl App {
    /// The settings as they are.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn settings_show(&self, _: Empty) -> Result<SettingsRow, ProblemWords> {
        let limits = limits(&self.shared.store).await?;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(SettingsRow {
            bandwidth: limits.bandwidth,
            files: count(limits.files),
            parts_per_file: count(limits.parts_per_file),
            connections_per_account: count(limits.connections_per_account),
        })
    }

    /// Changes the settings. The bandwidth counts at once, the rest from the next start.
    ///
    /// # Errors
    /// A number that makes no sense; a database that cannot be written.
    pub async fn settings_change(&self, request: SettingsRow) -> Result<SettingsRow, ProblemWords> {
        let SettingsRow { bandwidth, files, parts_per_file, connections_per_account } = request;
        for (what, number) in [
            ("files at once", files),
            ("parts of a file at once", parts_per_file),
            ("connections to an account", connections_per_account),
        ] {
            if number == 0 || number > MOST {
                return Err(invalid(format!("the number of {what} must be from 1 to {MOST}, not {number}")));
            }
        }
        if let Some(rate) = bandwidth.filter(|rate| *rate < LEAST_BANDWIDTH) {
            return Err(invalid(format!(
                "a limit of {rate} bytes a second is too low to keep a connection open; use at least \
                 {LEAST_BANDWIDTH}, or none"
            )));
        }
        let usual = Limits::default();
        let set = |number: u32, usual: usize| Some(number as usize).filter(|number| *number != usual);
        let stored = Stored {
            bandwidth,
            files: set(files, usual.files),
            parts_per_file: set(parts_per_file, usual.parts_per_file),
            connections_per_account: set(connections_per_account, usual.connections_per_account),
        };
        self.shared.store.set_setting(KEY, &stored).await?;
        self.shared.engine.set_bandwidth(bandwidth);
        self.settings_show(Empty {}).await
    }
}
