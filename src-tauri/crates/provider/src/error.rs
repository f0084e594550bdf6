//! What can go wrong with a service, and what to do about it: two fields, because the same status can be either.

use labferry_model::{Problem, ProblemCode};
use std::{error::Error, fmt, time::Duration};

/// What the retry loop should do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// The same request will fail again.
    Stop,
    /// It may pass by itself.
    Again,
    /// It may pass, and the service said when.
    AgainAfter(Duration),
    /// The link has expired: ask for a fresh one, then send the same part again.
    FreshLink,
    /// The upload is gone: begin a new one and send every part.
    FreshSession,
    /// The credential must be renewed, by the connector once and then by a person.
    SignIn,
}

/// A failed call to a service.
#[derive(Debug)]
pub struct ProviderError {
    /// What happened, for people. Never holds a secret or a signed link.
    pub problem: Problem,
    /// What to do, for the retry loop.
    pub advice: Advice,
    /// The call that failed, such as `send part`.
    pub operation: &'static str,
    /// The error underneath, already free of secrets.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// The result of a call to a service.
pub type ProviderResult<T> = Result<T, ProviderError>;

impl ProviderError {
    /// An error of that kind, with that advice.
    #[must_use]
    pub fn new(operation: &'static str, code: ProblemCode, advice: Advice) -> Self {
        Self { problem: Problem::new(code), advice, operation, source: None }
    }

    /// What the service should have answered and did not.
    #[must_use]
    pub fn bad_answer(operation: &'static str, detail: impl Into<String>) -> Self {
        Self::new(operation, ProblemCode::BadAnswer, Advice::Stop).because(detail)
    }

    /// Something the service does not have.
    #[must_use]
    pub fn unsupported(operation: &'static str) -> Self {
        Self::new(operation, ProblemCode::Unsupported, Advice::Stop)
    }

    /// Says what it concerns.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.problem = self.problem.about(subject);
        self
    }

    /// Says the cause, in words without secrets.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.problem = self.problem.because(detail);
        self
    }

    /// Keeps the error underneath.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same failure, for another file of one request for many. The error underneath stays with the first.
    #[must_use]
    pub fn repeated(&self) -> Self {
        Self { problem: self.problem.clone(), advice: self.advice, operation: self.operation, source: None }
    }

    /// Whether the thing asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.problem.code == ProblemCode::NotFound
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.operation, self.problem.code)?;
        if let Some(subject) = &self.problem.subject {
            write!(f, " ({subject})")?;
        }
        if let Some(detail) = &self.problem.detail {
            write!(f, ": {detail}")?;
        }
        Ok(())
    }
}

impl Error for ProviderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
