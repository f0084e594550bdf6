//! The first bytes of a file on a service, for looking at it before anything is fetched whole.

use crate::Engine;
use futures_util::TryStreamExt;
use labferry_model::{AccountName, Problem, ProblemCode};
use labferry_provider::{Advice, ByteRange, Provider, ProviderError, ProviderResult};

const OPERATION: &str = "preview";

/// The beginning of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peek {
    /// Its first bytes, never more than were asked for.
    pub bytes: Vec<u8>,
    /// Whether these are all the bytes the file has.
    pub whole: bool,
}

impl Engine {
    /// Fetches the first bytes of a file, at most `most`, whatever the service sends. `size` is the file's, where it is
    /// known.
    ///
    /// # Errors
    /// The account cannot be used, or the service does not give the bytes.
    pub async fn peek(
        &self,
        account: &AccountName,
        path: &str,
        size: Option<u64>,
        most: u64,
    ) -> Result<Peek, Problem> {
        let wanted = size.map_or(most, |size| size.min(most));
        if wanted == 0 {
            return Ok(Peek { bytes: Vec::new(), whole: size == Some(0) });
        }
        let provider = self.shared().accounts.provider(account).await?;
        let fetched = self.shared().request(account, || first(&*provider, path, size, wanted));
        fetched.await.map_err(|error| error.problem)
    }
}

async fn first(provider: &dyn Provider, path: &str, size: Option<u64>, wanted: u64) -> ProviderResult<Peek> {
    // A range needs an end within the file, and the whole file needs none.
    let range = size.filter(|&size| size > wanted).map(|_| ByteRange { offset: 0, length: wanted });
    let mut download = provider.open_download(path, range, None).await?;
    if download.offset != 0 {
        return Err(ProviderError::bad_answer(
            OPERATION,
            "the service sent another range than the one asked for",
        ));
    }
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    // One byte beyond tells whether there is more; what lies behind it is never read.
    while bytes.len() <= wanted {
        let Some(piece) = download.stream.try_next().await? else { break };
        bytes.extend_from_slice(&piece[..piece.len().min(wanted + 1 - bytes.len())]);
    }
    let more = bytes.len() > wanted;
    if !more && bytes.len() < wanted && size.is_some() {
        return Err(ProviderError::new(OPERATION, ProblemCode::ConnectionLost, Advice::Again)
            .because(format!("{} of {wanted} bytes came", bytes.len())));
    }
    bytes.truncate(wanted);
    Ok(Peek { bytes, whole: !more && range.is_none() })
}
