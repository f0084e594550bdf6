//! Settings on the wire. Times are milliseconds since the Unix epoch, sizes are bytes.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How the desktop app behaves on this computer. Sent back whole to change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct PreferencesRow {
    /// Closing the window leaves the program running in the tray.
    pub to_tray: bool,
    /// The system tells when a batch is done or needs somebody, while the window is not in front.
    pub notify: bool,
    /// The window's language as a BCP 47 tag, for what is said outside of it; empty until a window told it.
    pub language: String,
}

/// Notes the window's language.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SetLanguage {
    /// A BCP 47 tag, such as `cs` or `zh-Hans`.
    pub language: String,
}

/// What a person can set. Sent back whole to change it; everything counts at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SettingsRow {
    /// Most bytes a second in each direction, all transfers together; none is no limit.
    #[ts(type = "number | null")]
    pub bandwidth: Option<u64>,
    /// Files moved at once.
    pub files: u32,
    /// Parts of one file moved at once.
    pub parts_per_file: u32,
    /// Connections to one account.
    pub connections_per_account: u32,
    /// Connections in all; left out, as it is.
    #[serde(default)]
    #[ts(optional)]
    pub connections: Option<u32>,
    /// Hours with a bandwidth of their own, or in which nothing moves; the first that hold a moment count. Left out, as
    /// they are.
    #[serde(default)]
    #[ts(optional)]
    pub timetable: Option<Vec<HoursRow>>,
    /// Accounts of which nothing moves. Left out, as they are.
    #[serde(default)]
    #[ts(optional)]
    pub paused_accounts: Option<Vec<String>>,
    /// What happens over a link that is paid by the byte. `wait` is taken only where the system tells of such links: on Linux
    /// with NetworkManager. Left out, as it is.
    #[serde(default)]
    #[ts(optional)]
    pub metered: Option<OnMetered>,
}

/// Some hours of some days, in local time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HoursRow {
    /// Days on which they begin, 1 for Monday to 7 for Sunday; empty for every day.
    #[serde(default)]
    pub days: Vec<u8>,
    /// Their first minute, such as `08:00`.
    pub from: String,
    /// The minute they end with, such as `18:30`. Not after `from`, it is one of the next day.
    pub to: String,
    /// Most bytes a second then; none is no limit, and 0 means that nothing moves.
    #[ts(type = "number | null")]
    pub bandwidth: Option<u64>,
}

impl Default for PreferencesRow {
    // Not every desktop has a tray, and a window that is closed should end what nobody can see.
    fn default() -> Self {
        Self { to_tray: false, notify: true, language: String::new() }
    }
}

/// What happens over a metered link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum OnMetered {
    /// Everything goes on. This is the usual: systems guess, a tethered telephone or a hotel counts as metered, and a file that
    /// somebody sends is not to wait for a reason that nobody gave.
    #[default]
    GoOn,
    /// Everything waits until the link is another.
    Wait,
}
