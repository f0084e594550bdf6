//! The cases, by what they are about.

pub(crate) mod answers;
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

use crate::target::{Moment, Target};
use labferry_model::ProblemCode;
use labferry_provider::{Advice, ListRequest, Provider, ProviderError, ProviderResult};

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

/// A question to the service that changes nothing, and its moment: a page of its list, or who we are where it has none.
pub(crate) fn question(target: &Target) -> Moment {
    if target.has(Moment::List) { Moment::List } else { Moment::SignIn }
}

/// Asks it.
pub(crate) async fn ask(provider: &dyn Provider, question: Moment) -> ProviderResult<()> {
    match question {
        Moment::List => provider.list(&ListRequest { limit: 1, ..ListRequest::default() }).await.map(drop),
        _ => provider.check_sign_in().await.map(drop),
    }
}
