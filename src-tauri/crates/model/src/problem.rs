//! What went wrong, as a code somebody reacts to. The words for each code stand in one table in the app.

use serde::{Deserialize, Serialize};

/// A cause that a person or the engine reacts to in its own way. A new code needs a line in the app's table of
/// words; the compiler asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The local file is not there.
    SourceMissing,
    /// The local file cannot be read.
    SourceUnreadable,
    /// A folder, device or socket where a file is meant.
    SourceNotAFile,
    /// The local file changed while it was being sent.
    SourceChanged,
    /// The name cannot be used on the service.
    NameRefused,
    /// The name is taken on the service.
    NameTaken,
    /// The file is larger than the service takes.
    FileTooLarge,
    /// The service takes no empty file.
    EmptyFileRefused,
    /// The record's or account's quota is used up.
    QuotaExceeded,
    /// The record holds as many files as it may.
    TooManyFiles,
    /// The credential is missing, wrong, expired or revoked.
    SignInNeeded,
    /// Signed in, but not allowed; some services say this for a wrong token too.
    NotAllowed,
    /// The record or file does not exist.
    NotFound,
    /// The record is published or locked and takes no change.
    RecordLocked,
    /// A file that was begun and not finished is in the way.
    PendingFile,
    /// The service refused the request for a reason of its own.
    ServiceRefused,
    /// The service failed.
    ServiceFailed,
    /// Too many requests.
    RateLimited,
    /// No connection could be made.
    Unreachable,
    /// The connection stood still or broke.
    ConnectionLost,
    /// No secure connection: a certificate that is not trusted, or no TLS at all.
    NotSecure,
    /// What answered does not speak HTTP, or is another service.
    NotTheService,
    /// The answer is not what the service documents.
    BadAnswer,
    /// The upload is no longer known to the service.
    UploadLost,
    /// The service's digest differs from ours.
    DigestMismatch,
    /// The service's size differs from ours.
    SizeMismatch,
    /// The service has told no digest yet, or keeps none.
    DigestUnavailable,
    /// The local disk is full or nearly so.
    DiskFull,
    /// The local folder cannot be written.
    FolderNotWritable,
    /// A local file of that name is there already.
    DestinationExists,
    /// The watched folder is not there.
    FolderMissing,
    /// The watched folder cannot be looked through, or is no folder.
    FolderUnreadable,
    /// The watched folder is another one than when the rule was made, on another disk.
    FolderReplaced,
    /// The watched folder is empty after having been full.
    FolderEmptied,
    /// The watched folder is on a network, which announces no changes.
    FolderOnNetwork,
    /// The system cannot announce changes in so many folders.
    FolderTooMany,
    /// The system announced nothing although there were changes.
    FolderSilent,
    /// More files are coming to rest than are followed at once.
    FolderCrowded,
    /// Another process owns the data folder.
    DataFolderBusy,
    /// The database was written by a newer version.
    DatabaseNewer,
    /// The database cannot be read or written.
    DatabaseFailed,
    /// The vault is locked or its passphrase wrong.
    VaultLocked,
    /// The vault cannot be reached.
    VaultFailed,
    /// Settings, accounts and rules are locked with a password.
    SettingsLocked,
    /// That is not the password of the settings.
    WrongPassword,
    /// The service has no such thing.
    Unsupported,
    /// What was asked makes no sense; the detail says why.
    InvalidRequest,
    /// A fault of Labferry itself.
    Internal,
}

impl ProblemCode {
    /// Whether only a person can help: the item is listed under "needs you".
    #[must_use]
    pub fn needs_person(self) -> bool {
        matches!(
            self,
            Self::SignInNeeded
                | Self::NameTaken
                | Self::QuotaExceeded
                | Self::VaultLocked
                | Self::DestinationExists
                | Self::PendingFile
        )
    }
}

/// One problem: the code, what it concerns, and the cause in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of problem.
    pub code: ProblemCode,
    /// The file, record or address it concerns, as a person would name it.
    pub subject: Option<String>,
    /// The cause: the service's or system's own words. Holds no secret and no signed link.
    pub detail: Option<String>,
}

impl Problem {
    /// A problem without further words.
    #[must_use]
    pub fn new(code: ProblemCode) -> Self {
        Self { code, subject: None, detail: None }
    }

    /// Says what it concerns; the first word wins, because it is the most exact.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject.get_or_insert_with(|| subject.into());
        self
    }

    /// Says the cause.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
