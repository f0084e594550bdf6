//! The lock on settings, accounts and rules, for computers that several people use: one door that every command which
//! changes them passes. It keeps people from changing things by the way; it is no encryption, and whoever may write to the
//! data folder can take it away.

use crate::{
    app::App,
    problem_text::{invalid, words},
    wire::{answers::*, lock::*, requests::Empty},
};
use labferry_model::{Problem, ProblemCode, Secret, Timestamp};
use labferry_vault::{hash_password, is_password};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The keys of the settings store.
const KEY: &str = "settings_lock";
const WRONG: &str = "settings_lock_wrong";
/// How long an opened lock stays open after the last change: long enough to fill in a form.
const OPEN: Duration = Duration::from_secs(600);
/// Fewest and most characters of a password. Each guess costs its time here; the most is only what a form should take.
const LENGTH: std::ops::RangeInclusive<usize> = 6..=1_024;
/// Longest wait after wrong passwords: somebody who knows it must not be locked out by somebody who does not.
const LONGEST: Duration = Duration::from_secs(30);

/// What is stored: a PHC string, with what is needed to check a password and not to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    password: String,
}

/// Wrong passwords in a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Wrong {
    times: u32,
    last: i64,
}

impl Wrong {
    /// How long the next password must wait: a second, then twice as long each time.
    fn wait(self, now: Timestamp) -> Duration {
        let Some(doublings) = self.times.checked_sub(1) else { return Duration::ZERO };
        let wait = Duration::from_secs(1 << doublings.min(5)).min(LONGEST);
        // A clock that was set back makes nobody wait for longer.
        let passed = Duration::from_millis(now.0.saturating_sub(self.last).max(0).unsigned_abs());
        wait.saturating_sub(passed)
    }
}

/// The door in this process.
#[derive(Default)]
pub(crate) struct Door {
    /// Until when it is open, by the monotonic clock, and with which stored password.
    open: Mutex<Option<(Duration, Stored)>>,
    /// A password that was given with the program's start, for when it is needed.
    given: Mutex<Option<Secret>>,
    /// One password at a time.
    trying: tokio::sync::Mutex<()>,
}

impl App {
    /// Passes where settings, accounts and rules are not locked, or were unlocked in this process a little while ago.
    ///
    /// # Errors
    /// They are locked; a database that cannot be read.
    pub(crate) async fn may_change(&self) -> Result<(), ProblemWords> {
        let Some(stored) = self.stored_lock().await? else { return Ok(()) };
        if self.is_open(&stored) {
            return Ok(());
        }
        let given = self.shared.lock.given.lock().unwrap_or_else(PoisonError::into_inner).take();
        match given {
            Some(password) => {
                self.lock_open(LockPassword { password: password.reveal().to_owned() }).await.map(drop)
            }
            None => Err(words(&Problem::new(ProblemCode::SettingsLocked))),
        }
    }

    /// Whether it was opened with the password that is stored now; then it stays open for as long again.
    fn is_open(&self, stored: &Stored) -> bool {
        let now = self.shared.clock.monotonic();
        let mut open = self.shared.lock.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open = open.as_ref().is_some_and(|(until, with)| with == stored && now < *until);
        *open = open.take().filter(|_| is_open).map(|(_, with)| (now + OPEN, with));
        is_open
    }

    /// Keeps a password for the first command that needs it.
    pub fn unlock_with(&self, password: Secret) {
        *self.shared.lock.given.lock().unwrap_or_else(PoisonError::into_inner) = Some(password);
    }

    /// Whether there is a lock, and whether it is open in this process.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn lock_show(&self, _: Empty) -> Result<LockRow, ProblemWords> {
        let stored = self.stored_lock().await?;
        let now = self.shared.clock.monotonic();
        let open = self.shared.lock.open.lock().unwrap_or_else(PoisonError::into_inner);
        let left = open.as_ref().filter(|(until, with)| Some(with) == stored.as_ref() && now < *until);
        Ok(LockRow {
            locked: stored.is_some(),
            open_seconds: left.map(|(until, _)| (*until - now).as_secs()),
        })
    }

    /// Unlocks settings, accounts and rules in this process, until it ends or nothing was changed for ten minutes.
    ///
    /// # Errors
    /// Another password; the next one has to wait then.
    pub async fn lock_open(&self, request: LockPassword) -> Result<LockRow, ProblemWords> {
        if let Some(stored) = self.stored_lock().await? {
            self.try_password(&stored, request.password).await?;
            let until = self.shared.clock.monotonic() + OPEN;
            *self.shared.lock.open.lock().unwrap_or_else(PoisonError::into_inner) = Some((until, stored));
        }
        self.lock_show(Empty {}).await
    }

    /// Locks them again at once.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn lock_close(&self, _: Empty) -> Result<LockRow, ProblemWords> {
        *self.shared.lock.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.lock_show(Empty {}).await
    }

    /// Locks settings, accounts and rules with a password, or changes it.
    ///
    /// # Errors
    /// Without the password that is set already; a new one that is too short or too long.
    pub async fn lock_set(&self, request: SetLock) -> Result<LockRow, ProblemWords> {
        let length = request.password.chars().count();
        if !LENGTH.contains(&length) {
            return Err(invalid(format!(
                "a password has {} to {} characters, not {length}",
                LENGTH.start(),
                LENGTH.end()
            )));
        }
        if let Some(stored) = self.stored_lock().await? {
            self.try_password(&stored, request.old.unwrap_or_default()).await?;
        }
        let password = hash_password(Secret::new(request.password)).await?;
        self.shared.store.set_setting(KEY, &Some(Stored { password })).await?;
        tracing::info!("settings, accounts and rules were locked with a password");
        self.lock_show(Empty {}).await
    }

    /// Takes the lock away.
    ///
    /// # Errors
    /// Another password; the next one has to wait then.
    pub async fn lock_remove(&self, request: LockPassword) -> Result<LockRow, ProblemWords> {
        if let Some(stored) = self.stored_lock().await? {
            self.try_password(&stored, request.password).await?;
            self.shared.store.set_setting(KEY, &None::<Stored>).await?;
            tracing::info!("the lock on settings, accounts and rules was taken away");
        }
        self.lock_show(Empty {}).await
    }

    async fn stored_lock(&self) -> Result<Option<Stored>, ProblemWords> {
        Ok(self.shared.store.setting::<Option<Stored>>(KEY).await?.flatten())
    }

    /// Compares a password with the stored one. Wrong ones are counted in the database, so that another process, or this
    /// one after a restart, waits as well.
    async fn try_password(&self, stored: &Stored, password: String) -> Result<(), ProblemWords> {
        let _one_at_a_time = self.shared.lock.trying.lock().await;
        let (store, clock) = (&self.shared.store, &self.shared.clock);
        let wrong: Wrong = store.setting(WRONG).await?.unwrap_or_default();
        clock.sleep(wrong.wait(clock.now())).await;
        if is_password(Secret::new(password), stored.password.clone()).await? {
            if wrong != Wrong::default() {
                store.set_setting(WRONG, &Wrong::default()).await?;
            }
            return Ok(());
        }
        let wrong = Wrong { times: wrong.times.saturating_add(1), last: clock.now().0 };
        store.set_setting(WRONG, &wrong).await?;
        tracing::warn!(times = wrong.times, "a wrong password for the settings");
        Err(words(&Problem::new(ProblemCode::WrongPassword)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_password_makes_the_next_wait_longer_and_nobody_for_ever() {
        let wait = |times, passed: i64| Wrong { times, last: 1_000_000 }.wait(Timestamp(1_000_000 + passed));
        assert_eq!(wait(0, 0), Duration::ZERO);
        let seconds: Vec<u64> = (1..=8).map(|times| wait(times, 0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(wait(3, 1_500), Duration::from_millis(2_500));
        assert_eq!(wait(3, 4_000), Duration::ZERO);
        assert_eq!(wait(3, -9_000_000), Duration::from_secs(4), "a clock that was set back");
    }
}
