//! A rule as a person makes it, and as it is kept: what makes no sense is refused with its reason.

use crate::{
    app::{App, account_name},
    problem_text::{invalid, words},
    settings::{hours_row, week_hours},
    uploads::absolute,
    wire::{
        answers::ProblemWords,
        folders::{FolderRule, SidecarRule},
    },
};
use labferry_model::{AfterUpload, Backlog, RuleId, Sidecar, Timestamp, WatchRule};
use labferry_watch::{BadPattern, NameRules, check_root};
use regex::{Regex, RegexBuilder};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Longest time that a rule may wait or rest: a week.
const LONGEST: f64 = 7.0 * 24.0 * 3_600.0;
/// Longest time that a proven file may stay before it is put away: ten years.
const LONGEST_STAY: f64 = 3_650.0 * 24.0 * 3_600.0;
/// Memory that a compiled expression may take, in bytes: an expression that explodes is refused, not run.
const EXPRESSION: usize = 1 << 20;

impl App {
    /// The rule of a request, once it makes sense and its folder can be watched. `changed` is the rule that it replaces.
    pub(crate) async fn rule(
        &self,
        request: &FolderRule,
        changed: Option<RuleId>,
    ) -> Result<(WatchRule, Option<(u64, u64)>), ProblemWords> {
        let rule = parse(request)?;
        let folder = rule.folder.clone();
        let checked = tokio::task::spawn_blocking(move || check_root(&folder)).await;
        let identity = checked.map_err(crate::problem_text::internal)?.map_err(|problem| words(&problem))?;
        self.stands_alone(&rule, changed).await?;
        Ok((rule, identity))
    }

    /// Whether no other rule, nor our own data, is where the rule looks or moves files to.
    async fn stands_alone(&self, rule: &WatchRule, changed: Option<RuleId>) -> Result<(), ProblemWords> {
        let folder = real(&rule.folder);
        let data = real(self.shared.folder.path());
        let shown = rule.folder.display();
        if folder.starts_with(&data) || data.starts_with(&folder) {
            return Err(invalid(format!(
                "{shown} cannot be watched: Labferry keeps its own data there; choose a folder beside it"
            )));
        }
        if let AfterUpload::Move { to } = &rule.after
            && real(to).starts_with(&folder)
        {
            return Err(invalid(format!(
                "{} is inside the watched folder, where sent files would be found as new ones; choose a folder beside it",
                to.display()
            )));
        }
        for other in self.shared.store.watched_folders().await? {
            if Some(other.id) == changed {
                continue;
            }
            let theirs = real(&other.rule.folder);
            let inside = (folder.starts_with(&theirs) && other.rule.subfolders)
                || (theirs.starts_with(&folder) && rule.subfolders);
            if folder != theirs && inside {
                return Err(invalid(format!(
                    "{shown} and {}, which rule {} watches, are inside one another; watch one of them",
                    other.rule.folder.display(),
                    other.id
                )));
            }
            let same_place = other.rule.account == rule.account && other.rule.place == rule.place;
            if folder == theirs && same_place {
                return Err(invalid(format!(
                    "rule {} sends {shown} to {}:{} already; change that rule",
                    other.id, rule.account, rule.place
                )));
            }
            if let AfterUpload::Move { to } = &rule.after
                && real(to).starts_with(&theirs)
            {
                return Err(invalid(format!(
                    "{} is inside {}, which rule {} watches; choose another folder for sent files",
                    to.display(),
                    other.rule.folder.display(),
                    other.id
                )));
            }
        }
        Ok(())
    }
}

/// The folder itself, whatever links lead to it. One that is not there yet is taken as it is written.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

fn parse(request: &FolderRule) -> Result<WatchRule, ProblemWords> {
    if request.folder.trim().is_empty() {
        return Err(invalid("say which folder to watch"));
    }
    let backlog = match (request.backlog.as_str(), request.since) {
        ("all", _) => Backlog::All,
        ("now", _) => Backlog::Now,
        ("since", Some(at)) => Backlog::Since { at: Timestamp(at) },
        ("since", None) => return Err(invalid("say since when files are sent")),
        (other, _) => return Err(invalid(format!("a backlog is all, now or since, not \"{other}\""))),
    };
    let sent_folder = request.sent_folder.as_deref().filter(|folder| !folder.is_empty());
    let after = match (request.after.as_str(), sent_folder) {
        ("keep", _) => AfterUpload::Keep,
        ("recycle", _) => AfterUpload::Recycle,
        ("move", Some(folder)) => AfterUpload::Move { to: absolute(folder)? },
        ("move", None) => return Err(invalid("say which folder sent files move to")),
        (other, _) => {
            return Err(invalid(format!(
                "after its upload a file is kept, moved or recycled, not \"{other}\""
            )));
        }
    };
    let rule = WatchRule {
        folder: absolute(&request.folder)?,
        account: account_name(&request.account)?,
        place: crate::browse::clean(&request.place).to_owned(),
        unit: word("unit", &request.unit)?,
        subfolders: request.subfolders,
        include: request.include.clone(),
        exclude: request.exclude.clone(),
        ignore_temporary: request.ignore_temporary,
        quiet: seconds("rests", request.quiet_seconds)?,
        markers: request.markers.clone(),
        backlog,
        on_clash: word("on_clash", &request.on_clash)?,
        after,
        put_away_after: stay(request.put_away_seconds)?,
        duplicates: word("duplicates", &request.duplicates)?,
        path_pattern: request.path_pattern.clone().filter(|pattern| !pattern.is_empty()),
        metadata: request.metadata.clone(),
        record_template: request.record_template.clone(),
        archive_runs: request.archive_runs,
        poll: seconds("waits between looks", request.poll_seconds)?,
        sidecar: sidecar(request)?,
        hours: request.hours.iter().map(week_hours).collect::<Result<_, _>>()?,
        paused: false,
    };
    NameRules::new(&rule).map_err(|BadPattern { pattern, cause }| {
        invalid(format!("the pattern \"{pattern}\" cannot be used: {cause}"))
    })?;
    path_pattern(&rule)?;
    Ok(rule)
}

/// The compiled expression of a rule.
pub(crate) fn path_pattern(rule: &WatchRule) -> Result<Option<Regex>, ProblemWords> {
    let Some(pattern) = &rule.path_pattern else { return Ok(None) };
    let built = RegexBuilder::new(pattern).size_limit(EXPRESSION).build();
    built.map(Some).map_err(|error| {
        // The last line is the cause; the others draw where it is.
        let cause = error.to_string();
        let cause = cause.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        invalid(format!("the path pattern \"{pattern}\" cannot be used: {cause}"))
    })
}

fn seconds(what: &str, seconds: Option<f64>) -> Result<Option<Duration>, ProblemWords> {
    match seconds {
        None => Ok(None),
        Some(seconds) if (0.1..=LONGEST).contains(&seconds) => Ok(Some(Duration::from_secs_f64(seconds))),
        Some(seconds) => {
            Err(invalid(format!("a file or folder {what} from 0.1 seconds to a week, not {seconds} seconds")))
        }
    }
}

/// How long a file waits for its sidecar, where nothing else is said: as long as an empty one for its content.
const SIDECAR: Duration = Duration::from_secs(600);

fn sidecar(request: &FolderRule) -> Result<Option<Sidecar>, ProblemWords> {
    let Some(sidecar) = &request.sidecar else { return Ok(None) };
    let pattern = sidecar.pattern.trim();
    if !(pattern.contains("{stem}") || pattern.contains("{name}")) || pattern.contains(['/', '\\']) {
        return Err(invalid(format!(
            "a sidecar's name holds {{stem}} or {{name}} and no folder, such as {{stem}}.json, not \"{pattern}\""
        )));
    }
    if ["{stem}", "{name}"].contains(&pattern) {
        return Err(invalid("a sidecar has another name than its file, such as {stem}.json"));
    }
    if request.unit != "file" {
        return Err(invalid(
            "sidecars belong to files that are sent one by one; leave the rule's unit at file",
        ));
    }
    Ok(Some(Sidecar {
        pattern: pattern.to_owned(),
        wait: seconds("waits for its sidecar", sidecar.wait_seconds)?.unwrap_or(SIDECAR),
        without: sidecar.without,
        send: sidecar.send,
    }))
}

fn stay(seconds: Option<f64>) -> Result<Option<Duration>, ProblemWords> {
    match seconds {
        None | Some(0.0) => Ok(None),
        Some(seconds) if (0.0..=LONGEST_STAY).contains(&seconds) => {
            Ok(Some(Duration::from_secs_f64(seconds)))
        }
        Some(seconds) => Err(invalid(format!(
            "a proven file is put away at once or after up to ten years, not after {seconds} seconds"
        ))),
    }
}

/// A word of a closed list, such as `file`.
fn word<T: DeserializeOwned>(field: &str, word: &str) -> Result<T, ProblemWords> {
    serde_json::from_value(serde_json::Value::String(word.to_owned()))
        .map_err(|error| invalid(format!("\"{word}\" cannot be used for {field}: {error}")))
}

fn name_of<T: Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// The rule as front ends read it.
pub(crate) fn shown(rule: &WatchRule) -> FolderRule {
    let (backlog, since) = match rule.backlog {
        Backlog::All => ("all", None),
        Backlog::Now => ("now", None),
        Backlog::Since { at } => ("since", Some(at.0)),
    };
    let (after, sent_folder) = match &rule.after {
        AfterUpload::Keep => ("keep", None),
        AfterUpload::Recycle => ("recycle", None),
        AfterUpload::Move { to } => ("move", Some(to.display().to_string())),
    };
    FolderRule {
        folder: rule.folder.display().to_string(),
        account: rule.account.to_string(),
        place: rule.place.clone(),
        unit: name_of(&rule.unit),
        subfolders: rule.subfolders,
        include: rule.include.clone(),
        exclude: rule.exclude.clone(),
        ignore_temporary: rule.ignore_temporary,
        quiet_seconds: rule.quiet.map(|quiet| quiet.as_secs_f64()),
        markers: rule.markers.clone(),
        backlog: backlog.to_owned(),
        since,
        on_clash: name_of(&rule.on_clash),
        after: after.to_owned(),
        sent_folder,
        put_away_seconds: rule.put_away_after.map(|time| time.as_secs_f64()),
        duplicates: name_of(&rule.duplicates),
        path_pattern: rule.path_pattern.clone(),
        metadata: rule.metadata.clone(),
        record_template: rule.record_template.clone(),
        sidecar: rule.sidecar.as_ref().map(|sidecar| SidecarRule {
            pattern: sidecar.pattern.clone(),
            wait_seconds: Some(sidecar.wait.as_secs_f64()),
            without: sidecar.without,
            send: sidecar.send,
        }),
        hours: rule.hours.iter().map(hours_row).collect(),
        archive_runs: rule.archive_runs,
        poll_seconds: rule.poll.map(|poll| poll.as_secs_f64()),
    }
}
