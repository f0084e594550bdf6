//! The cases, by what they are about.

pub(crate) mod browse;
pub(crate) mod digests;
pub(crate) mod download;
pub(crate) mod leave;
pub(crate) mod links;
pub(crate) mod names;
pub(crate) mod records;
pub(crate) mod refusals;
pub(crate) mod resume;
pub(crate) mod secrets;
pub(crate) mod sign_in;
pub(crate) mod upload;

use labferry_model::ProblemCode;
use labferry_provider::{Advice, ProviderError, ProviderResult};

/// The error a call must have ended with.
pub(crate) fn refused<T>(result: ProviderResult<T>) -> ProviderError {
    match result {
        Ok(_) => panic!("that should have been refused"),
        Err(error) => error,
    }
}

/// Checks what a call ended with.
pub(crate) fn ends_with<T>(result: ProviderResult<T>, code: ProblemCode, advice: Advice) {
    let error = refused(result);
    assert_eq!((error.problem.code, error.advice), (code, advice), "{error}");
}
