//! How values are written into columns and read back.

use crate::error::StoreError;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, sqlite::SqliteRow};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// JSON of a value.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::other)
}

/// A value from its JSON.
pub(crate) fn from_json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::unreadable(column, error))
}

/// JSON of a value that may be missing.
pub(crate) fn json_option<T: Serialize>(value: Option<&T>) -> Result<Option<String>, StoreError> {
    value.map(json).transpose()
}

/// The word of an enum without fields, such as `upload`.
pub(crate) fn word<T: Serialize>(value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(other) => Err(StoreError::other(format!("{other} is no word"))),
        Err(error) => Err(StoreError::other(error)),
    }
}

/// An enum without fields from its word.
pub(crate) fn from_word<T: DeserializeOwned>(column: &str, word: String) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(word))
        .map_err(|error| StoreError::unreadable(column, error))
}

/// A text column read as JSON.
pub(crate) fn json_at<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    from_json(column, row.try_get::<&str, _>(column)?)
}

/// A text column read as JSON, which may be empty.
pub(crate) fn json_option_at<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &str,
) -> Result<Option<T>, StoreError> {
    row.try_get::<Option<&str>, _>(column)?.map(|text| from_json(column, text)).transpose()
}

/// A text column read as the word of an enum.
pub(crate) fn word_at<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    from_word(column, row.try_get(column)?)
}

/// A count of bytes for an INTEGER column, which holds 63 bits.
pub(crate) fn bytes(count: u64) -> Result<i64, StoreError> {
    i64::try_from(count)
        .map_err(|_| StoreError::other(format!("{count} bytes are more than a file can have")))
}

/// A count from an INTEGER column.
pub(crate) fn count_at<T: TryFrom<i64>>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    let number: i64 = row.try_get(column)?;
    T::try_from(number).map_err(|_| StoreError::unreadable(column, format!("{number} is out of range")))
}

/// A path's own bytes: a file name need not be valid text.
#[cfg(unix)]
pub(crate) fn path_bytes(path: &Path) -> Vec<u8> {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec()
}

/// The path of those bytes.
#[cfg(unix)]
pub(crate) fn path_from(bytes: Vec<u8>) -> PathBuf {
    let text: OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes);
    text.into()
}

/// A path's own UTF-16 units, low byte first: a file name need not be valid text.
#[cfg(windows)]
pub(crate) fn path_bytes(path: &Path) -> Vec<u8> {
    std::os::windows::ffi::OsStrExt::encode_wide(path.as_os_str()).flat_map(u16::to_le_bytes).collect()
}

/// The path of those units.
#[cfg(windows)]
pub(crate) fn path_from(bytes: Vec<u8>) -> PathBuf {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text: OsString = std::os::windows::ffi::OsStringExt::from_wide(&units);
    text.into()
}
