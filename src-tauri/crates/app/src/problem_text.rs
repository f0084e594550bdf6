//! The words for every problem: one table, exhaustive, so that a new code without words does not compile. Nobody else
//! writes sentences about problems, and nobody matches on them.

use crate::wire::answers::{ProblemFacts, ProblemWords};
use labferry_model::{NotSent, Problem, ProblemCode};
use labferry_provider::ProviderError;
use labferry_store::StoreError;
use labferry_vault::VaultError;
use std::borrow::Cow;

/// How the cause, the problem's detail, joins the sentence.
enum Cause {
    /// It follows the sentence after a colon.
    Follows,
    /// It is the sentence: whoever found the problem said it whole.
    Says,
    /// It only adds what a specialist wants, and stays in the details.
    Stays,
}

/// What the table says about one code.
struct Line {
    severity: &'static str,
    /// The sentence without its full stop; `{}` stands for the subject.
    sentence: &'static str,
    /// The subject when the problem names none.
    it: &'static str,
    cause: Cause,
    next: &'static str,
    button: Option<&'static str>,
}

const ERROR: &str = "error";
const ATTENTION: &str = "attention";
const NOTICE: &str = "notice";

const RETRY: Option<&str> = Some("retry");
const SIGN_IN: Option<&str> = Some("sign_in");
const OPEN_RECORD: Option<&str> = Some("open_record");
const UNLOCK: Option<&str> = Some("unlock");
const CHOOSE_OTHER: Option<&str> = Some("choose_other");

fn line(
    severity: &'static str,
    sentence: &'static str,
    it: &'static str,
    cause: Cause,
    next: &'static str,
    button: Option<&'static str>,
) -> Line {
    Line { severity, sentence, it, cause, next, button }
}

#[rustfmt::skip]
fn table(code: ProblemCode) -> Line {
    use Cause::{Follows, Says, Stays};
    use ProblemCode as P;
    match code {
        P::SourceMissing => line(ERROR, "{} is not on this computer", "the file", Follows,
            "Put the file back or choose another one.", CHOOSE_OTHER),
        P::SourceUnreadable => line(ERROR, "{} cannot be read", "the file", Follows,
            "Check the file's permissions and its disk, then try again.", RETRY),
        P::SourceNotAFile => line(ERROR, "{} is not a file that can be sent", "this", Follows,
            "Choose a regular file, or a folder that holds regular files.", CHOOSE_OTHER),
        P::SourceChanged => line(ATTENTION, "{} changed while it was being sent", "the file", Follows,
            "Nothing mixed was kept; it is sent anew once the file has come to rest.", RETRY),
        P::NameRefused => line(ERROR, "the service does not take the name \"{}\"", "?", Follows,
            "Give the file another name and add it again.", CHOOSE_OTHER),
        P::NameTaken => line(ATTENTION, "there is another file named \"{}\" already", "?", Follows,
            "Choose what shall happen: skip it, rename it, or replace what is there.", CHOOSE_OTHER),
        P::FileTooLarge => line(ERROR, "{} is larger than the service takes", "the file", Follows,
            "Split the file, or use a service that takes it.", CHOOSE_OTHER),
        P::EmptyFileRefused => line(ERROR, "{} is empty, and the service takes no empty file", "the file", Follows,
            "Leave the file out, or check whether it should be empty.", CHOOSE_OTHER),
        P::QuotaExceeded => line(ATTENTION, "there is no room left on the service for {}", "the file", Follows,
            "Ask the service for more room, or remove files there, then try again.", RETRY),
        P::TooManyFiles => line(ERROR, "the record holds as many files as it may, so {} cannot be added", "the file", Follows,
            "Put several files into one archive, or use another record.", OPEN_RECORD),
        P::SignInNeeded => line(ATTENTION, "{} does not accept the sign-in", "the service", Follows,
            "Add the account again with a valid token or key.", SIGN_IN),
        P::NotAllowed => line(ERROR, "{} is not yours to use this way", "this", Follows,
            "Check that it is your record and that your token has the needed rights.", SIGN_IN),
        P::NotFound => line(ERROR, "{} was not found on the service", "this", Follows,
            "Check the name, and whether it was deleted or never shared with you.", CHOOSE_OTHER),
        P::RecordLocked => line(ERROR, "{} is published or locked and takes no change", "the record", Follows,
            "Make a new version of the record, or choose a draft.", OPEN_RECORD),
        P::PendingFile => line(ATTENTION, "an unfinished upload of {} is in the way", "the same name", Follows,
            "Clear the unfinished upload, then try again.", OPEN_RECORD),
        P::ServiceRefused => line(ERROR, "the service refused {}", "the request", Follows,
            "Read what the service says, change that, and try again.", RETRY),
        P::ServiceFailed => line(ERROR, "the service failed while it worked on {}", "the request", Follows,
            "Wait a moment and try again; nothing that was sent is lost.", RETRY),
        P::RateLimited => line(NOTICE, "the service asks for fewer requests while it works on {}", "this", Follows,
            "Nothing: it goes on by itself.", None),
        P::Unreachable => line(ATTENTION, "{} cannot be reached", "the service", Follows,
            "Check the address and this computer's network; what is queued goes on by itself once the service answers.", RETRY),
        P::ConnectionLost => line(NOTICE, "the connection to {} broke", "the service", Follows,
            "Nothing: it goes on from the finished parts.", RETRY),
        P::NotSecure => line(ERROR, "there is no secure connection to {}", "the service", Follows,
            "Check the address, this computer's clock, and whether a network login page or a proxy is in between.", RETRY),
        P::NotTheService => line(ERROR, "what answers at {} is not the service", "that address", Follows,
            "Check the address and its port, and whether a network login page is in between.", SIGN_IN),
        P::BadAnswer => line(ERROR, "the service gave an answer about {} that makes no sense", "the request", Follows,
            "Check the address of the account; if it is right, tell the service.", RETRY),
        P::UploadLost => line(ERROR, "the service no longer knows the upload of {}", "the file", Follows,
            "Try again; it starts over.", RETRY),
        P::DigestMismatch => line(ERROR, "the service's copy of {} is not the same bytes as the file here", "the file", Follows,
            "Do not rely on that copy; send the file again.", RETRY),
        P::SizeMismatch => line(ERROR, "the service's copy of {} has another size than the file here", "the file", Follows,
            "Do not rely on that copy; send the file again.", RETRY),
        P::DigestUnavailable => line(ATTENTION, "{} is sent but not proven: the service tells no digest of it", "the file", Follows,
            "Check it with a read-back, or try again later.", RETRY),
        P::DiskFull => line(ATTENTION, "the disk has no room left for {}", "this", Follows,
            "Free some space on the disk, then try again.", RETRY),
        P::FolderNotWritable => line(ERROR, "{} cannot be written", "the folder", Follows,
            "Choose another folder, or change the permissions of this one.", CHOOSE_OTHER),
        P::DestinationExists => line(ATTENTION, "{} is on this computer already", "the file", Follows,
            "Choose what shall happen: skip it, rename it, or replace what is there.", CHOOSE_OTHER),
        P::FolderMissing => line(ATTENTION, "the watched folder {} is not there", "", Follows,
            "Connect its disk or put the folder back; watching goes on by itself, and nothing was forgotten.", None),
        P::FolderUnreadable => line(ATTENTION, "the watched folder {} cannot be looked through", "", Follows,
            "Check that it is a folder and that you may read it; watching goes on by itself then.", None),
        P::FolderReplaced => line(ATTENTION, "the watched folder {} is on another disk than before", "", Follows,
            "Connect the right disk, or resume the rule if this is the right folder.", None),
        P::FolderEmptied => line(ATTENTION, "the watched folder {} is empty after having been full", "", Follows,
            "Check that its disk is connected; watching goes on by itself once there are files.", None),
        P::FolderOnNetwork => line(NOTICE, "{} is on a network, where changes are not announced", "the watched folder", Follows,
            "Nothing: it is looked through again and again.", None),
        P::FolderTooMany => line(ATTENTION, "the system cannot announce changes in all folders of {}", "the watched folder", Follows,
            "It is looked through again and again instead; to raise the limit: sudo sysctl fs.inotify.max_user_watches=524288", None),
        P::FolderSilent => line(ATTENTION, "the system did not announce changes in {}", "the watched folder", Follows,
            "Nothing: it is looked through again and again instead.", None),
        P::FolderCrowded => line(NOTICE, "more than 10,000 files of {} are coming to rest", "the watched folder", Follows,
            "Nothing: the others follow once these are on their way.", None),
        P::DataFolderBusy => line(ERROR, "another Labferry is working on {}", "the data folder", Stays,
            "Use the one that is open, close it first, or choose another data folder.", None),
        P::DatabaseNewer => line(ERROR, "{} was written by a newer version", "the database", Says,
            "Update Labferry, or use another data folder.", None),
        P::DatabaseFailed => line(ERROR, "{} cannot be read or written", "the database", Says,
            "Check the disk and the permissions of the data folder, then start again.", RETRY),
        P::VaultLocked => line(ATTENTION, "{} is locked", "the place for secrets", Says,
            "Unlock the keychain, or give the right passphrase in LABFERRY_PASSPHRASE.", RETRY),
        P::VaultFailed => line(ERROR, "{} cannot be used", "the place for secrets", Says,
            "Start a keychain, or set LABFERRY_PASSPHRASE to keep secrets in an encrypted file.", RETRY),
        P::SettingsLocked => line(ATTENTION, "{} are locked with a password", "settings, accounts and rules", Follows,
            "Unlock them with the password, here or with --unlock-with on the command line; transfers go on meanwhile.", UNLOCK),
        P::WrongPassword => line(ERROR, "that is not the password of {}", "the settings", Follows,
            "Try again; each wrong one makes the next wait longer.", None),
        P::Unsupported => line(ERROR, "{} cannot be done with this service", "this", Follows,
            "Use the service's own page for it.", None),
        P::InvalidRequest => line(ERROR, "{} cannot be used as it is", "the request", Says,
            "Correct that and try again.", None),
        P::Internal => line(ERROR, "Labferry made a mistake with {}", "this", Follows,
            "Try again; if it happens again, report it with the details.", RETRY),
    }
}

/// The problem in words.
pub(crate) fn words(problem: &Problem) -> ProblemWords {
    let line = table(problem.code);
    let detail = problem.detail.as_deref().map(str::trim).filter(|detail| !detail.is_empty());
    let subject = problem.subject.as_deref().filter(|subject| !subject.is_empty()).map(shortened);
    let subject = subject.as_deref();
    let cause = detail.map(without_numbers);
    let sentence = line.sentence.replacen("{}", subject.unwrap_or(line.it), 1);
    let stays = matches!(line.cause, Cause::Stays);
    let facts = ProblemFacts {
        subject: subject.map(str::to_owned),
        cause: cause.as_deref().filter(|_| !stays).map(str::to_owned),
        cause_says_all: matches!(line.cause, Cause::Says),
        given_up: false,
        failed_part: None,
    };
    let message = match (line.cause, cause.as_deref()) {
        (Cause::Follows, Some(detail)) => format!("{sentence}: {detail}"),
        (Cause::Says, Some(detail)) => match subject.filter(|subject| !detail.contains(subject)) {
            Some(subject) => format!("{subject}: {detail}"),
            None => detail.to_owned(),
        },
        (Cause::Stays, _) | (_, None) => sentence,
    };
    ProblemWords {
        code: code_name(problem.code),
        severity: line.severity.to_owned(),
        message: as_sentence(&message, subject),
        next: line.next.to_owned(),
        button: line.button.map(str::to_owned),
        detail: detail.map(str::to_owned),
        facts: Some(facts),
    }
}

/// Why a file of a watched folder is not sent, as one sentence.
pub(crate) fn not_sent(why: &NotSent) -> String {
    let sentence = match why {
        NotSent::Temporary => {
            "Its name is one that programs give to unfinished files; it is sent under its final name."
        }
        NotSent::Filtered => "The rule's patterns leave it out.",
        NotSent::InSubfolder => "It is in a folder inside the watched one, and the rule leaves those out.",
        NotSent::Link => "It is a link; watch the folder that it leads to.",
        NotSent::Special => "It is a device, pipe or socket.",
        NotSent::NameNotText => "Its name is no text in UTF-8; give it another name.",
        NotSent::TooDeep => "Its folders are nested too deeply; watch one of them.",
        NotSent::Before => "It was there before the rule, which leaves such files out.",
        NotSent::Empty => "It is empty.",
        NotSent::Sidecar => "It holds metadata that goes with another file.",
        NotSent::NoSidecar { cause } => return as_sentence(&without_numbers(cause), None),
        NotSent::GivenUp => "Its upload was given up.",
        NotSent::TwinName { other } => {
            return format!(
                "Its name is the same text as that of {other}, written in another way; rename one of them."
            );
        }
        NotSent::Unreadable { cause } => {
            return as_sentence(&format!("it cannot be looked at: {}", without_numbers(cause)), None);
        }
        NotSent::SameContent { other } => return format!("The same bytes were sent as {other}."),
        NotSent::Refused { problem } => return words(problem).message,
    };
    sentence.to_owned()
}

/// A name of which both ends can be read: the ending and the running number are what tells files apart.
fn shortened(name: &str) -> Cow<'_, str> {
    const FIRST: usize = 80;
    const LAST: usize = 60;
    let length = name.chars().count();
    if length <= FIRST + LAST {
        return name.into();
    }
    let first: String = name.chars().take(FIRST).collect();
    let last: String = name.chars().skip(length - LAST).collect();
    format!("{first}…{last}").into()
}

/// The system's words without its error number, which stays in the details.
pub(crate) fn without_numbers(cause: &str) -> Cow<'_, str> {
    match cause.split_once(" (os error ").and_then(|(before, rest)| Some((before, rest.split_once(')')?.1))) {
        Some((before, after)) => format!("{before}{after}").into(),
        None => cause.into(),
    }
}

/// The stable code of a problem, such as `source_missing`.
fn code_name(code: ProblemCode) -> String {
    let value = serde_json::to_value(code).ok();
    value.as_ref().and_then(serde_json::Value::as_str).unwrap_or("internal").to_owned()
}

/// One line that begins with a capital letter, unless it begins with the subject, and ends with one full stop.
pub(crate) fn as_sentence(text: &str, subject: Option<&str>) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    let mut letters = line.chars();
    let begins_with_subject = subject.is_some_and(|subject| line.starts_with(subject));
    match letters.next() {
        Some(first) if !begins_with_subject => {
            format!("{}{}.", first.to_uppercase(), letters.as_str())
        }
        _ => format!("{line}."),
    }
}

impl From<Problem> for ProblemWords {
    fn from(problem: Problem) -> Self {
        words(&problem)
    }
}

impl From<StoreError> for ProblemWords {
    fn from(error: StoreError) -> Self {
        words(&error.problem())
    }
}

impl From<VaultError> for ProblemWords {
    fn from(error: VaultError) -> Self {
        words(&error.problem())
    }
}

impl From<ProviderError> for ProblemWords {
    fn from(error: ProviderError) -> Self {
        tracing::debug!(%error, "a service call failed");
        words(&error.problem)
    }
}

/// A request that makes no sense; the text is the whole sentence.
pub(crate) fn invalid(sentence: impl Into<String>) -> ProblemWords {
    words(&Problem::new(ProblemCode::InvalidRequest).because(sentence))
}

/// A fault of our own.
pub(crate) fn internal(detail: impl std::fmt::Display) -> ProblemWords {
    words(&Problem::new(ProblemCode::Internal).because(detail.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn subject_and_cause_stand_in_one_sentence() {
        let problem = Problem::new(ProblemCode::SourceUnreadable)
            .about("/data/scan_07.czi")
            .because("Permission denied (os error 13)");
        let words = words(&problem);
        assert_eq!(words.code, "source_unreadable");
        assert_eq!(words.message, "/data/scan_07.czi cannot be read: Permission denied.");
        assert_eq!(words.detail.as_deref(), Some("Permission denied (os error 13)"));
        assert_eq!(words.button.as_deref(), Some("retry"));
        let facts = words.facts.unwrap();
        assert_eq!(facts.subject.as_deref(), Some("/data/scan_07.czi"));
        assert_eq!(facts.cause.as_deref(), Some("Permission denied"));
        let busy = super::words(&Problem::new(ProblemCode::DataFolderBusy).because("locked"));
        assert_eq!(busy.facts.unwrap().cause, None, "what stays in the details is no part of a sentence");
    }

    #[test]
    fn a_sentence_without_a_subject_still_reads_well() {
        let words = words(&Problem::new(ProblemCode::NameRefused).about("a/b\n.txt"));
        assert_eq!(words.message, "The service does not take the name \"a/b .txt\".");
        let words = super::words(&Problem::new(ProblemCode::Unreachable));
        assert_eq!(words.message, "The service cannot be reached.");
    }

    #[test]
    fn a_long_name_keeps_both_its_ends() {
        let name = format!("{}_0042.tif", "ü".repeat(300));
        let words = words(&Problem::new(ProblemCode::NameRefused).about(name));
        assert!(words.message.contains("üü…üü") && words.message.contains("_0042.tif"), "{}", words.message);
        assert!(words.message.chars().count() < 200, "{}", words.message);
    }

    #[test]
    fn a_cause_that_says_it_all_is_the_sentence() {
        assert_eq!(invalid("the name is empty").message, "The name is empty.");
        let problem = Problem::new(ProblemCode::InvalidRequest).about("htp:/x").because("it is no address");
        assert_eq!(words(&problem).message, "htp:/x: it is no address.");
    }
}
