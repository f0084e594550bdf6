//! What `labferry account` tells of an account's sign-in: until when it is good, where it is kept, which part failed.

use crate::{
    exit::{Failure, usage},
    table,
};
use labferry_app::{
    App,
    wire::{
        answers::{AccountRow, ExpiryRow, ProblemWords},
        requests::Empty,
    },
};

/// The end of a day, in milliseconds since the Unix epoch: a token that is good until a day is good on it.
pub(super) fn day(text: &str) -> Result<i64, String> {
    let day: jiff::civil::Date =
        text.parse().map_err(|error| format!("{text} is no day such as 2027-03-31: {error}."))?;
    let end = day.at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::system());
    end.map(|end| end.timestamp().as_millisecond())
        .map_err(|error| format!("{text} is no day of this computer's calendar: {error}."))
}

/// The account of that name.
pub(super) async fn account(app: &App, name: &str) -> Result<AccountRow, Failure> {
    let rows = app.account_list(Empty {}).await?;
    rows.into_iter()
        .find(|row| row.name == name)
        .ok_or_else(|| usage(format!("There is no account \"{name}\"; `labferry account ls` lists them.")))
}

/// Until when, in words.
pub(super) fn words(expiry: Option<&ExpiryRow>) -> String {
    let Some(expiry) = expiry else { return "nobody said until when the sign-in is good".to_owned() };
    let who = if expiry.told_by == "token" { "as its token says" } else { "as you noted" };
    let at = table::time(expiry.at);
    match expiry.remaining.as_str() {
        "over" => format!("the sign-in ended on {at}, {who}; add the account again with a new token"),
        "soon" => format!("the sign-in ends on {at}, {who}; get a new token in time"),
        _ => format!("the sign-in is good until {at}, {who}"),
    }
}

/// The same in a column, where there is something to do.
pub(super) fn warning(expiry: Option<&ExpiryRow>) -> String {
    match expiry.map(|expiry| (expiry.remaining.as_str(), table::time(expiry.at))) {
        Some(("over", at)) => format!("sign-in ended {at}"),
        Some(("soon", at)) => format!("sign-in ends {at}"),
        _ => String::new(),
    }
}

/// What there is to tell of an account, a line each.
pub(super) fn lines(row: &AccountRow, kept: &str, rests: bool) -> Vec<Vec<String>> {
    let kept = match kept {
        "keychain" => "the system's keychain",
        "encrypted_file" => "a file encrypted with your passphrase",
        "memory" => "memory only",
        _ => "nothing: there is no keychain and no passphrase",
    };
    let mut lines = vec![
        ("name", row.name.clone()),
        ("service", row.service_title.clone()),
        ("address", row.url.clone()),
    ];
    lines.extend(row.settings.iter().map(|(name, value)| (name.as_str(), value.clone())));
    lines.push(("secret kept in", kept.to_owned()));
    lines.push(("sign-in", words(row.expiry.as_ref())));
    if rests {
        lines.push(("transfers", "paused".to_owned()));
    }
    lines.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect()
}

/// What of a sign-in was tried, what failed, and what was not reached.
pub(super) fn parts(problem: &ProblemWords) -> Option<String> {
    let failed = problem.facts.as_ref()?.failed_part.as_deref()?;
    let parts = [
        ("keychain", "secret on this computer"),
        ("address", "address"),
        ("tls", "secure connection"),
        ("credential", "sign-in"),
        ("rights", "rights"),
        ("service", "the service itself"),
    ];
    let at = parts.iter().position(|(part, _)| *part == failed)?;
    let told = parts.iter().enumerate().filter(|(number, (part, _))| *part != "service" || *number == at);
    let told: Vec<_> = told
        .map(|(number, (_, name))| match number.cmp(&at) {
            std::cmp::Ordering::Less => format!("{name}: fine"),
            std::cmp::Ordering::Equal => format!("{name}: failed"),
            std::cmp::Ordering::Greater => format!("{name}: not reached"),
        })
        .collect();
    Some(told.join(", "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_with_its_last_second() {
        assert_eq!(table::time(day("2027-03-31").unwrap()), "2027-03-31 23:59");
        assert!(day("soon").unwrap_err().contains("2027-03-31"));
    }

    #[test]
    fn only_what_is_near_stands_in_the_list() {
        let row = |remaining: &str| ExpiryRow {
            at: day("2027-03-31").unwrap(),
            told_by: "token".to_owned(),
            remaining: remaining.to_owned(),
        };
        assert_eq!(warning(Some(&row("long"))), "");
        assert_eq!(warning(Some(&row("soon"))), "sign-in ends 2027-03-31 23:59");
        assert!(words(Some(&row("over"))).ends_with("add the account again with a new token"));
    }
}
