//! Hours of the week with a pace of their own, in local time.

use jiff::tz::TimeZone;
use labferry_model::Timestamp;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// What moves in certain hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Nothing.
    Nothing,
    /// At most so many bytes a second in each direction.
    AtMost(u64),
    /// As much as goes.
    Free,
}

/// Some hours of some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Days on which they begin, 1 for Monday to 7 for Sunday; empty for every day.
    pub days: Vec<u8>,
    /// The first minute of the day.
    pub from: u16,
    /// The first minute after them. Not above `from`, it is one of the next day.
    pub to: u16,
    /// What moves then.
    pub pace: Pace,
}

impl Hours {
    /// Whether they hold that minute of that day.
    fn hold(&self, day: u8, minute: u16) -> bool {
        let begins = |day: u8| self.days.is_empty() || self.days.contains(&day);
        let before = if day == 1 { 7 } else { day - 1 };
        if self.from < self.to {
            begins(day) && (self.from..self.to).contains(&minute)
        } else {
            begins(day) && (self.from..DAY).contains(&minute) || begins(before) && minute < self.to
        }
    }
}

/// Whether any of these hours hold this moment.
#[must_use]
pub fn holds(hours: &[Hours], zone: &TimeZone, now: Timestamp) -> bool {
    pace(hours, zone, now).is_some()
}

/// The pace of the first hours that hold this moment; none where no hours do.
pub(crate) fn pace(hours: &[Hours], zone: &TimeZone, now: Timestamp) -> Option<Pace> {
    if hours.is_empty() {
        return None;
    }
    let local = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone());
    let day = u8::try_from(local.weekday().to_monday_one_offset()).ok()?;
    let minute = u16::try_from(local.hour()).ok()? * 60 + u16::try_from(local.minute()).ok()?;
    hours.iter().find(|hours| hours.hold(day, minute)).map(|hours| hours.pace)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn hours_hold_by_day_and_minute_also_past_midnight() {
        let working = Hours { days: vec![1, 2, 3, 4, 5], from: 8 * 60, to: 18 * 60, pace: Pace::Nothing };
        let nights = Hours { days: vec![5], from: 22 * 60, to: 6 * 60 + 30, pace: Pace::AtMost(7) };
        let hours = [working, nights];
        let of = |text: &str| pace(&hours, &TimeZone::UTC, at(text));
        // 2024-03-01 is a Friday.
        assert_eq!(of("2024-03-01T07:59:59Z"), None);
        assert_eq!(of("2024-03-01T08:00:00Z"), Some(Pace::Nothing));
        assert_eq!(of("2024-03-01T17:59:59Z"), Some(Pace::Nothing));
        assert_eq!(of("2024-03-01T18:00:00Z"), None);
        assert_eq!(of("2024-03-01T22:00:00Z"), Some(Pace::AtMost(7)));
        assert_eq!(of("2024-03-02T06:29:59Z"), Some(Pace::AtMost(7)), "Friday's hours end on Saturday");
        assert_eq!(of("2024-03-02T06:30:00Z"), None);
        assert_eq!(of("2024-03-03T03:00:00Z"), None);
        assert_eq!(of("2024-03-02T09:00:00Z"), None, "Saturday");
    }

    #[test]
    fn hours_are_local_and_equal_ends_are_a_whole_day() {
        let east = TimeZone::fixed(jiff::tz::offset(2));
        let hours = [Hours { days: vec![1], from: 0, to: 0, pace: Pace::Free }];
        assert_eq!(pace(&hours, &east, at("2024-03-03T21:59:59Z")), None);
        assert_eq!(pace(&hours, &east, at("2024-03-03T22:00:00Z")), Some(Pace::Free));
        assert_eq!(pace(&hours, &east, at("2024-03-04T21:59:59Z")), Some(Pace::Free));
        assert_eq!(pace(&hours, &east, at("2024-03-04T22:00:00Z")), None);
        assert_eq!(pace(&[], &east, at("2024-03-04T12:00:00Z")), None);
    }
}
