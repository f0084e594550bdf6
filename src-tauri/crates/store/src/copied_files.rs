//! The files of copies: how far each is, and what became of the transfer that has it.

use crate::{
    columns::{count_at, json, json_option_at, path_from, word_at},
    error::StoreError,
    store::Store,
};
use labferry_model::{CopiedFile, CopyId, CopyStep, Proof, State, TransferId};
use sqlx::{Row, sqlite::SqliteRow};
use std::path::PathBuf;

/// A file that is on its way, or that failed, with the transfer that has or had it.
#[derive(Debug, Clone, PartialEq)]
pub struct FileInHand {
    /// The file.
    pub file: CopiedFile,
    /// The state of the upload, or of the download where there is no upload; none when its row was cleared or there is
    /// none.
    pub state: Option<State>,
    /// Where that transfer's file lies on this computer.
    pub local: Option<PathBuf>,
    /// What the ledger of everything that arrived says of it.
    pub arrived: Option<Proof>,
}

/// How many files of a copy are that far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopiedSum {
    /// How far.
    pub step: CopyStep,
    /// Whether they are proven.
    pub verified: bool,
    /// How many.
    pub files: u64,
    /// Their bytes, of those whose size is known.
    pub bytes: u64,
}

impl Store {
    /// Files of a copy that are on their way, and those that failed, in their order. A bundle bounds them.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn copied_in_hand(&self, copy: CopyId) -> Result<Vec<FileInHand>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT f.*, t.state_json AS state, t.local AS t_local, l.proof AS l_proof FROM copied_files AS f
             LEFT JOIN transfers AS t ON t.id = ifnull(f.upload, f.download)
             LEFT JOIN ledger AS l ON l.number = (SELECT max(number) FROM ledger WHERE transfer = ifnull(f.upload, f.download))
             WHERE f.copy = ? AND f.step IN ('fetching', 'fetched', 'sending', 'failed') ORDER BY f.number",
        )
        .bind(copy.0)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        rows.iter().map(read_in_hand).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// Files of a copy that are that far (all when no step is named), by number beyond `after`, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn copied_files(
        &self,
        copy: CopyId,
        steps: &[CopyStep],
        after: i64,
        limit: u32,
    ) -> Result<Vec<CopiedFile>, StoreError> {
        let steps = json(steps).map_err(|error| self.failed(error))?;
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT * FROM copied_files WHERE copy = ?1 AND number > ?2
             AND (json_array_length(?3) = 0 OR step IN (SELECT value FROM json_each(?3))) ORDER BY number LIMIT ?4",
        )
        .bind(copy.0)
        .bind(after)
        .bind(steps)
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// How many files of a copy are how far.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn copied_sums(&self, copy: CopyId) -> Result<Vec<CopiedSum>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT step, verified, count(*) AS files, ifnull(sum(size), 0) AS bytes FROM copied_files
             WHERE copy = ? GROUP BY step, verified",
        )
        .bind(copy.0)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        let sum = |row: &SqliteRow| -> Result<CopiedSum, StoreError> {
            Ok(CopiedSum {
                step: word_at(row, "step")?,
                verified: row.try_get("verified")?,
                files: count_at(row, "files")?,
                bytes: count_at(row, "bytes")?,
            })
        };
        rows.iter().map(sum).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }
}

fn read_in_hand(row: &SqliteRow) -> Result<FileInHand, StoreError> {
    Ok(FileInHand {
        file: read(row)?,
        state: json_option_at(row, "state")?,
        local: row.try_get::<Option<Vec<u8>>, _>("t_local")?.map(path_from),
        arrived: json_option_at(row, "l_proof")?,
    })
}

fn read(row: &SqliteRow) -> Result<CopiedFile, StoreError> {
    let size: Option<i64> = row.try_get("size")?;
    let transfer = |column: &str| -> Result<Option<TransferId>, StoreError> {
        Ok(row.try_get::<Option<i64>, _>(column)?.map(TransferId))
    };
    Ok(CopiedFile {
        number: row.try_get("number")?,
        path: row.try_get("path")?,
        name: row.try_get("name")?,
        size: size.map(|_| count_at(row, "size")).transpose()?,
        told: row.try_get("told")?,
        step: word_at(row, "step")?,
        local: row.try_get::<Option<Vec<u8>>, _>("local")?.map(path_from),
        fetched_proven: row.try_get("fetched_proven")?,
        verified: row.try_get("verified")?,
        download: transfer("download")?,
        upload: transfer("upload")?,
        problem: json_option_at(row, "problem")?,
    })
}
