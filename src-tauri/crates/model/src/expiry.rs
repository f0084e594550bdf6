//! Until when a sign-in is good, as far as anybody said. It is a hint for people: whether a credential is taken is the
//! service's word alone.

use crate::Timestamp;
use std::time::Duration;

/// Warned so long before the end: getting a new token may need somebody who is away for a week, and a second week to notice.
const WARNED_BEFORE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Who said when a sign-in ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToldBy {
    /// The credential itself carries the time.
    Token,
    /// A person entered it.
    Person,
}

impl ToldBy {
    /// The name that is stored and told.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Person => "person",
        }
    }
}

/// The end of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// The moment.
    pub at: Timestamp,
    /// Who said so.
    pub told_by: ToldBy,
}

/// How near the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remaining {
    /// More than two weeks.
    Long,
    /// Two weeks or less.
    Soon,
    /// It has passed.
    Over,
}

impl Expiry {
    /// How near the end is at that moment.
    #[must_use]
    pub fn remaining(self, now: Timestamp) -> Remaining {
        if now >= self.at {
            Remaining::Over
        } else if self.at.since(now) <= WARNED_BEFORE {
            Remaining::Soon
        } else {
            Remaining::Long
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_soon_two_weeks_before_and_over_at_the_moment() {
        const DAY: i64 = 24 * 60 * 60 * 1_000;
        let ends = Expiry { at: Timestamp(100 * DAY), told_by: ToldBy::Token };
        let at = |day: i64, more: i64| ends.remaining(Timestamp(day * DAY + more));
        assert_eq!(
            [at(0, 0), at(86, -1), at(86, 0), at(100, -1), at(100, 0), at(200, 0)],
            [
                Remaining::Long,
                Remaining::Long,
                Remaining::Soon,
                Remaining::Soon,
                Remaining::Over,
                Remaining::Over
            ]
        );
    }
}
