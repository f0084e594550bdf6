//! What a person can set, kept in the database.

use crate::{
    app::{App, Shared, account_name},
    problem_text::invalid,
    wire::{answers::*, events::AppEvent, requests::Empty},
};
use labferry_engine::{Hold, Hours, Pace, Rules};
use labferry_model::{AccountName, Limits, RuleId, TransferId, WeekHours};
use labferry_store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::PoisonError,
};

/// The key they are kept under.
const KEY: &str = "settings";
/// Most files, parts or connections at once: beyond it a computer is slower, not faster.
const MOST: u32 = 64;
/// Least cap: below it every connection would count as stalled.
const LEAST_BANDWIDTH: u64 = 16 << 10;

/// What is stored: only what was set, so that a later version's defaults are not held back by an earlier one's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Stored {
    bandwidth: Option<u64>,
    files: Option<usize>,
    parts_per_file: Option<usize>,
    connections_per_account: Option<usize>,
    connections: Option<usize>,
    timetable: Vec<HoursRow>,
    paused_accounts: BTreeSet<AccountName>,
    metered: OnMetered,
}

/// The engine's limits with what was set.
pub(crate) async fn limits(store: &Store) -> Result<Limits, StoreError> {
    Ok(limits_of(&stored(store).await?))
}

async fn stored(store: &Store) -> Result<Stored, StoreError> {
    Ok(store.setting(KEY).await?.unwrap_or_default())
}

fn limits_of(stored: &Stored) -> Limits {
    let usual = Limits::default();
    let connections_per_account = stored.connections_per_account.unwrap_or(usual.connections_per_account);
    Limits {
        bandwidth: stored.bandwidth.or(usual.bandwidth),
        files: stored.files.unwrap_or(usual.files),
        parts_per_file: stored.parts_per_file.unwrap_or(usual.parts_per_file),
        connections_per_account,
        connections: stored.connections.unwrap_or(usual.connections).max(connections_per_account),
        ..usual
    }
}

fn rules_of(stored: &Stored) -> Rules {
    Rules {
        hours: stored.timetable.iter().filter_map(hours).collect(),
        zone: jiff::tz::TimeZone::system(),
        paused_accounts: stored.paused_accounts.clone(),
        waits_on_metered: stored.metered == OnMetered::Wait,
        ..Rules::of(&limits_of(stored))
    }
}

/// The hours of each rule that has some.
pub(crate) type Folders = BTreeMap<RuleId, Vec<WeekHours>>;

/// Hours in which everything goes.
pub(crate) fn in_week(hours: &WeekHours) -> Hours {
    Hours { days: hours.days.clone(), from: hours.from, to: hours.to, pace: Pace::Free }
}

/// The hours of a row of a rule.
pub(crate) fn week_hours(row: &HoursRow) -> Result<WeekHours, ProblemWords> {
    check_hours(row)?;
    match (hours(row), row.bandwidth) {
        (Some(Hours { days, from, to, .. }), None) => Ok(WeekHours { days, from, to }),
        _ => Err(invalid("the hours of a rule say when its files are sent, and have no limit of their own")),
    }
}

/// The hours of a rule as a row.
pub(crate) fn hours_row(hours: &WeekHours) -> HoursRow {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    HoursRow { days: hours.days.clone(), from: time(hours.from), to: time(hours.to), bandwidth: None }
}

/// The hours of a row; none when a time is none.
fn hours(row: &HoursRow) -> Option<Hours> {
    let pace = match row.bandwidth {
        None => Pace::Free,
        Some(0) => Pace::Nothing,
        Some(rate) => Pace::AtMost(rate),
    };
    Some(Hours { days: row.days.clone(), from: minute(&row.from)?, to: minute(&row.to)? % DAY, pace })
}

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// The minute of the day of `08:30`; `24:00` is the day's end.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| (text.len() == 2).then(|| text.parse::<u16>().ok()).flatten();
    let (hour, minute) = (number(hour)?, number(minute)?);
    let of_day = hour * 60 + minute;
    (minute < 60 && of_day <= DAY).then_some(of_day)
}

impl Shared {
    /// Gives the engine the settings where this or another process changed them.
    pub(crate) async fn follow_settings(&self) -> Result<(), StoreError> {
        let stored = stored(&self.store).await?;
        let folders =
            self.store.watched_folders().await?.into_iter().map(|folder| (folder.id, folder.rule.hours));
        let folders: Folders = folders.filter(|(_, hours)| !hours.is_empty()).collect();
        let followed_now = (stored.clone(), folders.clone());
        let changed = {
            let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
            let changed = followed.as_ref() != Some(&followed_now);
            *followed = Some(followed_now);
            changed
        };
        if changed {
            let hours = |hours: Vec<WeekHours>| hours.iter().map(in_week).collect();
            let folders = folders.into_iter().map(|(id, folder)| (id, hours(folder))).collect();
            self.engine.set_rules(Rules { folders, ..rules_of(&stored) });
            self.look_at_link().await;
        }
        Ok(())
    }

    /// Whether somebody wants to know whether the link is metered.
    pub(crate) fn minds_metered(&self) -> bool {
        let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.as_ref().is_some_and(|(stored, _)| stored.metered == OnMetered::Wait)
    }

    /// Says of a row whose turn it is why it does not move all the same.
    pub(crate) async fn say_why(&self, row: TransferRow) -> Result<TransferRow, StoreError> {
        let id = TransferId(row.id);
        let folder = if waits(&row) { self.engine.wait_for_folder(&[id]).await? } else { HashSet::new() };
        Ok(self.with_reason(row, &folder))
    }

    /// The same of many.
    pub(crate) async fn say_why_each(&self, rows: Vec<TransferRow>) -> Result<Vec<TransferRow>, StoreError> {
        let ids: Vec<TransferId> =
            rows.iter().filter(|row| waits(row)).map(|row| TransferId(row.id)).collect();
        let folder = self.engine.wait_for_folder(&ids).await?;
        Ok(rows.into_iter().map(|row| self.with_reason(row, &folder)).collect())
    }

    fn with_reason(&self, mut row: TransferRow, folder: &HashSet<TransferId>) -> TransferRow {
        if waits(&row)
            && let Ok(account) = account_name(&row.account)
        {
            let word = match self.engine.hold(&account) {
                Some(Hold::Hours) => Some("timetable"),
                Some(Hold::Metered) => Some("metered"),
                Some(Hold::AccountPaused) => Some("account_paused"),
                None => folder.contains(&TransferId(row.id)).then_some("timetable"),
            };
            row.waiting = word.map(str::to_owned).or(row.waiting);
        }
        row
    }
}

/// Whether nothing but its turn is missing.
fn waits(row: &TransferRow) -> bool {
    matches!(row.waiting.as_deref(), Some("turn" | "interrupted"))
}

impl App {
    /// The settings as they are.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn settings_show(&self, _: Empty) -> Result<SettingsRow, ProblemWords> {
        let stored = stored(&self.shared.store).await?;
        let limits = limits_of(&stored);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(SettingsRow {
            bandwidth: limits.bandwidth,
            files: count(limits.files),
            parts_per_file: count(limits.parts_per_file),
            connections_per_account: count(limits.connections_per_account),
            connections: Some(count(limits.connections)),
            timetable: Some(stored.timetable),
            paused_accounts: Some(stored.paused_accounts.iter().map(ToString::to_string).collect()),
            metered: Some(stored.metered),
        })
    }

    /// Changes the settings. They count at once, also in a process that runs the engine beside this one.
    ///
    /// # Errors
    /// A number that makes no sense; a database that cannot be written.
    pub async fn settings_change(&self, request: SettingsRow) -> Result<SettingsRow, ProblemWords> {
        self.may_change().await?;
        let SettingsRow {
            bandwidth,
            files,
            parts_per_file,
            connections_per_account,
            connections,
            timetable,
            paused_accounts,
            metered,
        } = request;
        let old = stored(&self.shared.store).await?;
        for (what, number) in [
            ("files at once", files),
            ("parts of a file at once", parts_per_file),
            ("connections to an account", connections_per_account),
            ("connections in all", connections.unwrap_or(1)),
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
        for row in timetable.iter().flatten() {
            check_hours(row)?;
        }
        let metered = metered.unwrap_or(old.metered);
        if metered == OnMetered::Wait && !crate::metered::IS_TOLD {
            return Err(invalid(
                "whether a link is metered is not read on this system, so that nothing could wait for it; use a timetable, or \
                 pause the account",
            ));
        }
        let paused = match paused_accounts {
            None => old.paused_accounts,
            Some(names) => {
                names.iter().map(|name| account_name(name)).collect::<Result<BTreeSet<_>, ProblemWords>>()?
            }
        };
        let usual = Limits::default();
        let set = |number: u32, usual: usize| Some(number as usize).filter(|number| *number != usual);
        let stored = Stored {
            bandwidth,
            files: set(files, usual.files),
            parts_per_file: set(parts_per_file, usual.parts_per_file),
            connections_per_account: set(connections_per_account, usual.connections_per_account),
            connections: connections.map_or(old.connections, |number| set(number, usual.connections)),
            timetable: timetable.unwrap_or(old.timetable),
            paused_accounts: paused,
            metered,
        };
        self.shared.store.set_setting(KEY, &stored).await?;
        self.shared.follow_settings().await?;
        self.tell(AppEvent::QueueChanged);
        self.settings_show(Empty {}).await
    }
}

/// Whether a row of the timetable makes sense.
fn check_hours(row: &HoursRow) -> Result<(), ProblemWords> {
    for time in [&row.from, &row.to] {
        if minute(time).is_none() {
            return Err(invalid(format!("a time of the timetable is written like 08:30, not \"{time}\"")));
        }
    }
    if let Some(day) = row.days.iter().find(|day| !(1..=7).contains(*day)) {
        return Err(invalid(format!("a day of the timetable is 1 for Monday to 7 for Sunday, not {day}")));
    }
    match row.bandwidth {
        Some(rate) if rate > 0 && rate < LEAST_BANDWIDTH => Err(invalid(format!(
            "a limit of {rate} bytes a second is too low to keep a connection open; use at least \
             {LEAST_BANDWIDTH}, none, or 0 for nothing at all in these hours"
        ))),
        _ => Ok(()),
    }
}
