//! Times as people write them: a while, and hours of the week.

use labferry_app::wire::settings::HoursRow;

/// The seconds of a time such as `12h`, `7d` or `4w`, with days of 24 hours.
pub(crate) fn seconds_of(text: &str) -> Result<f64, String> {
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let time = text.parse::<jiff::Span>().and_then(|span| span.to_duration(days));
    match time {
        Ok(time) if !time.is_negative() => Ok(time.as_secs_f64()),
        Ok(_) => Err("a time does not go back; use one such as 12h, 7d or 4w".to_owned()),
        Err(error) => Err(format!("{error}; use a time such as 12h, 7d or 4w")),
    }
}

/// The days' names, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The hours of a text such as `mon-fri 18:00-07:00`, `sat,sun 00:00-24:00` or `22:00-06:00`. The app judges the times.
pub(crate) fn hours_of(text: &str) -> Result<HoursRow, String> {
    let wrong = || format!("\"{text}\" are no hours; write them like 'mon-fri 18:00-07:00' or '22:00-06:00'");
    let (days, times) = match text.trim().split_once(' ') {
        Some((days, times)) => (days_of(days).ok_or_else(wrong)?, times.trim()),
        None => (Vec::new(), text.trim()),
    };
    let (from, to) = times.split_once('-').ok_or_else(wrong)?;
    Ok(HoursRow { days, from: from.trim().to_owned(), to: to.trim().to_owned(), bandwidth: None })
}

fn days_of(text: &str) -> Option<Vec<u8>> {
    let number = |name: &str| {
        let at = DAYS.iter().position(|day| *day == name.trim().to_lowercase())?;
        u8::try_from(at + 1).ok()
    };
    let mut days = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => days.push(number(part)?),
            Some((from, to)) => {
                let (from, to) = (number(from)?, number(to)?);
                let length = (to + 7 - from) % 7;
                days.extend((0..=length).map(|day| (from + day - 1) % 7 + 1));
            }
        }
    }
    Some(days)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_days_and_weeks() {
        assert_eq!(seconds_of("7d").unwrap(), 604_800.0);
        assert_eq!(seconds_of("1w 12h").unwrap(), 648_000.0);
        assert_eq!(seconds_of("90s").unwrap(), 90.0);
        for wrong in ["", "7", "-1d", "a week", "1mo"] {
            assert!(seconds_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hours_are_written_with_their_days_or_without() {
        let of = |text: &str| hours_of(text).map(|row| (row.days, row.from, row.to));
        let hours = |days: &[u8], from: &str, to: &str| Ok((days.to_vec(), from.to_owned(), to.to_owned()));
        assert_eq!(of("22:00-06:00"), hours(&[], "22:00", "06:00"));
        assert_eq!(of("mon-fri 18:00-07:00"), hours(&[1, 2, 3, 4, 5], "18:00", "07:00"));
        assert_eq!(of("Sat-Mon,wed 8:00 - 9:00"), hours(&[6, 7, 1, 3], "8:00", "9:00"));
        for wrong in ["", "mon", "someday 08:00-09:00", "08:00"] {
            assert!(hours_of(wrong).is_err(), "{wrong}");
        }
    }
}
