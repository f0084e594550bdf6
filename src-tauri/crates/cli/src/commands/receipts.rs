//! `labferry receipts`.

use crate::{
    context::Context,
    exit::{Exit, Failure, usage},
    outcome::proof_words,
    table::{rows, size, time},
};
use clap::{Args, ValueEnum};
use jiff::{Span, Timestamp, Zoned, civil};
use labferry_app::{
    receipts::{csv, sums},
    wire::{answers::ReceiptRow, requests::ListReceipts},
};

const EXAMPLES: &str = "\
Examples:
  labferry receipts --since 2026-03-01
  labferry receipts --since 7d --format csv > march.csv
  labferry receipts --format sha256sums | sha256sum --check";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReceiptsArguments {
    /// Only later ones: a date, a time, or how long ago (90min, 24h, 7d)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// How to write them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// Comma-separated values, RFC 4180
    Csv,
    /// One JSON array
    Json,
    /// Digests of the files on this computer, for `sha256sum --check`
    Sha256sums,
}

pub(crate) async fn run(arguments: ReceiptsArguments, context: &Context) -> Result<Exit, Failure> {
    let since = arguments.since.as_deref().map(|text| moment(text, &Zoned::now())).transpose()?;
    let app = context.look().await?;
    let request = ListReceipts { since: since.map(Timestamp::as_millisecond), limit: u32::MAX };
    let receipts = app.receipts_list(request).await?;
    app.stop().await;
    tell(context, arguments.format, &receipts)?;
    Ok(Exit::Done)
}

/// Writes receipts, newest first.
fn tell(context: &Context, format: Format, receipts: &[ReceiptRow]) -> Result<(), Failure> {
    let out = &context.out;
    match format {
        Format::Json => out.json(&receipts),
        Format::Csv => out.exactly(csv(receipts).as_bytes()),
        Format::Sha256sums => out.exactly(sums(receipts).as_bytes()),
        Format::Text if out.json => out.json(&receipts),
        Format::Text => text(context, receipts),
    }
}

/// Receipts for people.
pub(crate) fn text(context: &Context, receipts: &[ReceiptRow]) -> Result<(), Failure> {
    if receipts.is_empty() {
        context.out.say("There are no receipts yet.");
    }
    let cells: Vec<Vec<String>> = receipts
        .iter()
        .map(|row| {
            let digest = match (&row.digests.sha256, &row.digests.md5) {
                (Some(hex), _) => format!("sha256 {hex}"),
                (None, Some(hex)) => format!("md5 {hex}"),
                (None, None) => "no digest".to_owned(),
            };
            let place = format!("{}:{}/{}", row.account, row.place, row.name);
            let proof = proof_words(&row.proof).to_owned();
            vec![time(row.at), row.direction.clone(), place, size(row.size), digest, proof]
        })
        .collect();
    rows(&cells).iter().try_for_each(|line| context.out.line(line))
}

/// The moment that is meant.
fn moment(text: &str, now: &Zoned) -> Result<Timestamp, Failure> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(at) = text.parse::<civil::DateTime>().and_then(|at| at.to_zoned(now.time_zone().clone())) {
        return Ok(at.timestamp());
    }
    if let Ok(at) = text.parse::<Span>().and_then(|ago| now.checked_sub(ago.abs())) {
        return Ok(at.timestamp());
    }
    Err(usage(format!("\"{text}\" is no time: write 2026-03-01, 2026-03-01T12:00:00Z, 24h or 7d.")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_moments_and_spans() {
        let now: Zoned = "2026-03-10T12:00:00+01:00[Europe/Berlin]".parse().unwrap();
        let at = |text: &str| moment(text, &now).map(|at| at.to_string()).unwrap_or_default();
        assert_eq!(at("2026-03-01"), "2026-02-28T23:00:00Z");
        assert_eq!(at("2026-03-01T08:00:00Z"), "2026-03-01T08:00:00Z");
        assert_eq!(at("24h"), "2026-03-09T11:00:00Z");
        assert_eq!(at("7d"), "2026-03-03T11:00:00Z");
        assert_eq!(at("90min"), "2026-03-10T09:30:00Z");
        assert_eq!(at("soon"), "");
    }
}
