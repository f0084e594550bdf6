//! Names by which people and rows refer to things.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// A transfer's number: the key of its row, unique in one data folder and never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TransferId(pub i64);

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name a person gave an account, such as `nrp`. Letters, digits, `-`, `_` and `.`; at most 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

impl AccountName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let fits = !text.is_empty()
            && text.len() <= 64
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            && !text.starts_with(['-', '.']);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidName::Account(text.to_owned())) }
    }
}

impl TryFrom<String> for AccountName {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `ACCOUNT:PATH`. The path is the service's own hierarchy with `/`: the first segments name containers, the rest
/// a file in them. What a path means is the connector's knowledge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The account the path belongs to.
    pub account: AccountName,
    /// The path inside the service, without a leading or trailing `/`; empty for the account itself.
    pub path: String,
}

impl FromStr for Place {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (account, path) = text.split_once(':').ok_or_else(|| InvalidName::Place(text.to_owned()))?;
        Ok(Self { account: account.parse()?, path: path.trim_matches('/').to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.account, self.path)
    }
}

/// Text that is not the name it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidName {
    /// Not an account name.
    #[error(
        "\"{0}\" is not an account name: use letters, digits, \"-\", \"_\" and \".\", at most 64, not starting with \"-\" or \".\""
    )]
    Account(String),
    /// Not of the form `ACCOUNT:PATH`.
    #[error("\"{0}\" is not a place: write ACCOUNT:PATH, for example nrp:abcd-1234")]
    Place(String),
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_place_keeps_colons_in_its_path() {
        let place: Place = "nrp:abcd-1234/a:b/c.txt".parse().unwrap();
        assert_eq!((place.account.as_str(), place.path.as_str()), ("nrp", "abcd-1234/a:b/c.txt"));
        assert_eq!(place.to_string(), "nrp:abcd-1234/a:b/c.txt");
    }

    #[test]
    fn names_that_could_be_options_or_paths_are_refused() {
        for bad in ["", "-x", ".x", "a/b", "a b", "a:b", &"x".repeat(65)] {
            assert!(bad.parse::<AccountName>().is_err(), "{bad:?}");
        }
        assert!("no-colon".parse::<Place>().is_err());
    }
}
