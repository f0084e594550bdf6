//! A password that is only ever compared: what is kept is its hash, a PHC string of Argon2id with a salt of its own.

use crate::{encrypted_file::parameters, error::VaultError};
use argon2::{
    Algorithm, Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{Error, SaltString},
};
use labferry_model::Secret;

const SALT: usize = 16;

/// The hash of a password. Takes a good part of a second, on purpose.
///
/// # Errors
/// The system gives no random bytes, or too little memory.
pub async fn hash_password(password: Secret) -> Result<String, VaultError> {
    blocking(move || {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(failed)?;
        let salt = SaltString::encode_b64(&salt).map_err(failed)?;
        let hash = argon2()?.hash_password(password.reveal().as_bytes(), &salt).map_err(failed)?;
        Ok(hash.to_string())
    })
    .await
}

/// Whether that is the password of the hash. Takes as long as making it did.
///
/// # Errors
/// A text that is no such hash.
pub async fn is_password(password: Secret, hash: String) -> Result<bool, VaultError> {
    blocking(move || {
        let hash = PasswordHash::new(&hash).map_err(failed)?;
        match argon2()?.verify_password(password.reveal().as_bytes(), &hash) {
            Ok(()) => Ok(true),
            Err(Error::Password) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    })
    .await
}

fn argon2() -> Result<Argon2<'static>, VaultError> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters().map_err(failed)?))
}

fn failed(cause: impl std::fmt::Display) -> VaultError {
    VaultError::Password(cause.to_string())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only_and_no_two_hashes_are_the_same() {
        let hash = || hash_password(Secret::new("a long word"));
        let (one, other) = (hash().await.unwrap(), hash().await.unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=65536,t=3,p=4$") && one != other, "{one}");
        assert!(is_password(Secret::new("a long word"), one.clone()).await.unwrap());
        assert!(!is_password(Secret::new("a long word "), one.clone()).await.unwrap());
        assert!(!is_password(Secret::new(""), one).await.unwrap());
        assert!(is_password(Secret::new("x"), "no hash".to_owned()).await.is_err());
    }
}
