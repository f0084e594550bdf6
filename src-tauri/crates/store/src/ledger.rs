//! The ledger: every file that arrived, with the proof. It stays when the transfer is cleared.

use crate::{
    columns::{
        bytes, count_at, json, json_at, json_option, json_option_at, path_bytes, path_from, word, word_at,
    },
    error::StoreError,
    store::Store,
};
use labferry_model::{AccountName, DigestSet, Direction, Fingerprint, Proof, Timestamp, TransferId};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::path::PathBuf;

/// One file that arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerEntry {
    /// Whose account.
    pub account: AccountName,
    /// The connector's name.
    pub service: String,
    /// Which way it went.
    pub direction: Direction,
    /// The container on the service.
    pub place: String,
    /// The file's name on the service.
    pub name: String,
    /// The file's path with the connector; it ends in an id where the service names files so.
    pub path: String,
    /// The file on this computer.
    pub local: PathBuf,
    /// Bytes.
    pub size: u64,
    /// The local file as it was then.
    pub fingerprint: Option<Fingerprint>,
    /// Digests of the bytes.
    pub digests: DigestSet,
    /// What was proven.
    pub proof: Proof,
    /// When it was proven first.
    pub at: Timestamp,
    /// The transfer that moved it; its row may be gone.
    pub transfer: Option<TransferId>,
}

/// An entry as it stands in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRow {
    /// Its number, ascending.
    pub number: i64,
    /// When a check last renewed the proof.
    pub checked: Option<Timestamp>,
    /// The entry.
    pub entry: LedgerEntry,
}

impl Store {
    /// Adds an entry that no transfer made, such as a file found to be the same by a check.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn ledger_add(&self, entry: &LedgerEntry) -> Result<(), StoreError> {
        let entry = entry.clone();
        self.write(move |work| Box::pin(async move { add(&mut work.connection, &entry).await })).await
    }

    /// The newest entry of a file on the service.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn ledger_find(
        &self,
        account: &AccountName,
        path: &str,
    ) -> Result<Option<LedgerEntry>, StoreError> {
        let mut connection = self.reader().await?;
        let row =
            sqlx::query("SELECT * FROM ledger WHERE account = ? AND path = ? ORDER BY number DESC LIMIT 1")
                .bind(account.as_str())
                .bind(path)
                .fetch_optional(&mut *connection)
                .await
                .map_err(|error| self.failed(error))?;
        let row = row.as_ref().map(read).transpose().map_err(|error| self.failed(error))?;
        Ok(row.map(|row| row.entry))
    }

    /// What the ledger knows of a container, the newest entry of each file, by number beyond `after`, at most `limit`. For
    /// services that cannot list, this is the listing there is.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn ledger_in(
        &self,
        account: &AccountName,
        place: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT * FROM ledger WHERE number IN
                 (SELECT max(number) FROM ledger WHERE account = ? AND place = ? GROUP BY path)
             AND number > ? ORDER BY number LIMIT ?",
        )
        .bind(account.as_str())
        .bind(place)
        .bind(after.unwrap_or(0))
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// The newest entry of each file on a service, of one account or of all, by number beyond `after`, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn ledger_newest(
        &self,
        account: Option<&AccountName>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT * FROM ledger AS one WHERE number > ?1 AND (?2 IS NULL OR account = ?2)
             AND NOT EXISTS (SELECT 1 FROM ledger AS later WHERE later.account = one.account
                 AND later.path = one.path AND later.number > one.number)
             ORDER BY number LIMIT ?3",
        )
        .bind(after.unwrap_or(0))
        .bind(account.map(AccountName::as_str))
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// Every entry with that SHA-256 (lower-case hexadecimal), the newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn ledger_by_digest(&self, sha256: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM ledger WHERE sha256 = ? ORDER BY number DESC")
            .bind(sha256)
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        let rows =
            rows.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(|error| self.failed(error))?;
        Ok(rows.into_iter().map(|row| row.entry).collect())
    }

    /// Entries in order of number, at most `limit`: those proven at `since` or later, beyond number `after` (the last
    /// one of the page before).
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn ledger_list(
        &self,
        since: Option<Timestamp>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM ledger WHERE number > ? AND at >= ? ORDER BY number LIMIT ?")
            .bind(after.unwrap_or(0))
            .bind(since.map_or(i64::MIN, |since| since.0))
            .bind(i64::from(limit))
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// Gives the newest entry of a file the proof that a later check made; false when the ledger has none of it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn ledger_set_proof(
        &self,
        account: &AccountName,
        path: &str,
        proof: &Proof,
        checked: Timestamp,
    ) -> Result<bool, StoreError> {
        let proof = json(proof).map_err(|error| self.failed(error))?;
        let file = (account.as_str().to_owned(), path.to_owned());
        self.write(move |work| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE ledger SET proof = ?, checked = ? WHERE number = (SELECT max(number) FROM ledger
                     WHERE account = ? AND path = ?)",
                )
                .bind(proof)
                .bind(checked.0)
                .bind(file.0)
                .bind(file.1)
                .execute(&mut work.connection)
                .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }
}

/// Writes an entry as part of the transaction.
pub(crate) async fn add(connection: &mut SqliteConnection, entry: &LedgerEntry) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ledger (account, service, direction, place, name, path, local, size, fingerprint, md5, sha256,
             proof, at, transfer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(entry.account.as_str())
    .bind(&entry.service)
    .bind(word(&entry.direction)?)
    .bind(&entry.place)
    .bind(&entry.name)
    .bind(&entry.path)
    .bind(path_bytes(&entry.local))
    .bind(bytes(entry.size)?)
    .bind(json_option(entry.fingerprint.as_ref())?)
    .bind(&entry.digests.md5)
    .bind(&entry.digests.sha256)
    .bind(json(&entry.proof)?)
    .bind(entry.at.0)
    .bind(entry.transfer.map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<LedgerRow, StoreError> {
    Ok(LedgerRow {
        number: row.try_get("number")?,
        checked: row.try_get::<Option<i64>, _>("checked")?.map(Timestamp),
        entry: LedgerEntry {
            account: row
                .try_get::<&str, _>("account")?
                .parse()
                .map_err(|error| StoreError::unreadable("account", error))?,
            service: row.try_get("service")?,
            direction: word_at(row, "direction")?,
            place: row.try_get("place")?,
            name: row.try_get("name")?,
            path: row.try_get("path")?,
            local: path_from(row.try_get("local")?),
            size: count_at(row, "size")?,
            fingerprint: json_option_at(row, "fingerprint")?,
            digests: DigestSet { md5: row.try_get("md5")?, sha256: row.try_get("sha256")? },
            proof: json_at(row, "proof")?,
            at: Timestamp(row.try_get("at")?),
            transfer: row.try_get::<Option<i64>, _>("transfer")?.map(TransferId),
        },
    })
}
