//! What a command ends with.

use labferry_app::wire::answers::ProblemWords;
use std::{io, process::ExitCode};

/// The exit codes. Their order is how much they weigh when several things ended differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Everything was done and verified, or what was asked.
    Done,
    /// Done, but not provable as asked.
    Unproven,
    /// Cancelled, paused, or stopped with Ctrl-C.
    Cancelled,
    /// Somebody has to sign in.
    SignIn,
    /// Another process works on the data folder.
    Busy,
    /// The command makes no sense as it was given.
    Usage,
    /// Something failed.
    Failed,
}

impl Exit {
    /// The code of a problem that ended something.
    pub(crate) fn of(problem: &ProblemWords) -> Self {
        match problem.code.as_str() {
            "sign_in_needed" => Self::SignIn,
            "digest_unavailable" => Self::Unproven,
            "invalid_request" => Self::Usage,
            "data_folder_busy" => Self::Busy,
            _ => Self::Failed,
        }
    }

    /// The one that weighs more.
    pub(crate) fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::SignIn => 3,
            Exit::Unproven => 4,
            Exit::Cancelled => 5,
            Exit::Busy => 6,
        })
    }
}

/// Why a command did not come to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A problem in the app's words.
    Problem(Box<ProblemWords>),
    /// The arguments make no sense; the whole sentence.
    Usage(String),
    /// Something failed on this side of the app; the whole sentence.
    Words(String),
    /// Somebody stopped the command; the whole sentence.
    Stopped(String),
    /// Standard output cannot be written.
    Output(io::Error),
}

impl From<ProblemWords> for Failure {
    fn from(problem: ProblemWords) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// A command that makes no sense as it was given.
pub(crate) fn usage(sentence: impl Into<String>) -> Failure {
    Failure::Usage(sentence.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_outweighs_everything_and_done_nothing() {
        let all = [Exit::Done, Exit::Unproven, Exit::Cancelled, Exit::SignIn, Exit::Busy, Exit::Usage];
        for exit in all {
            assert_eq!(exit.and(Exit::Failed), Exit::Failed);
            assert_eq!(exit.and(Exit::Done), exit);
        }
    }
}
