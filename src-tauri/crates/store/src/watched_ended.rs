//! Watched files whose upload came to its end, and those that their rule puts away after that.

use crate::{
    columns::{json, json_at, json_option_at},
    error::StoreError,
    store::Store,
    watched::{AT_ONCE, Ledger, read_file},
};
use labferry_model::{DigestSet, Fingerprint, RuleId, State, Timestamp, TransferId, WatchedFile};
use sqlx::{Row, sqlite::SqliteRow};
use std::collections::HashSet;

/// Files that are put away before it is asked for more: each is a move on a disk, and people wait for the rest.
const PUT_AWAY_AT_ONCE: i64 = 500;

/// A file on its way whose upload came to an end or is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedUpload {
    /// The file as the ledger has it.
    pub file: WatchedFile,
    /// The upload's state; none when its row was cleared.
    pub state: Option<State>,
    /// What the ledger of everything that arrived says: digests, path, time, and the source as it was sent.
    pub arrived: Option<Arrived>,
}

/// What arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// Its digests.
    pub digests: DigestSet,
    /// Its path on the service.
    pub remote: String,
    /// When it was proven.
    pub at: Timestamp,
    /// Whether the proof compared the bytes.
    pub green: bool,
    /// The source as it was sent.
    pub fingerprint: Option<Fingerprint>,
}

impl Store {
    /// Files of a rule that count as queued although their upload ended or is gone, and those that count as failed although
    /// their upload was tried again and ended well; at most a few thousand.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn watched_ended(&self, ledger: &Ledger) -> Result<Vec<EndedUpload>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT f.*, t.state_json AS upload, l.md5 AS l_md5, l.sha256 AS l_sha256, l.path AS l_path, l.at AS l_at,
                 l.proof AS l_proof, l.fingerprint AS l_fingerprint
             FROM watched_files AS f INDEXED BY watched_by_state LEFT JOIN transfers AS t ON t.id = f.transfer
             LEFT JOIN ledger AS l ON l.number = (SELECT max(number) FROM ledger WHERE transfer = f.transfer)
             WHERE f.folder = ? AND f.account = ? AND f.place = ? AND f.state IN ('queued', 'failed')
                 AND ((f.state = 'queued' AND (t.id IS NULL OR t.live = 0))
                     OR (f.state = 'failed' AND t.state IN ('done', 'skipped'))) LIMIT ?",
        )
        .bind(ledger.rule.0)
        .bind(ledger.account.as_str())
        .bind(&ledger.place)
        .bind(AT_ONCE as i64)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        rows.iter().map(read_ended).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// Files of a ledger that were proven at `proven` or earlier and are not put away yet, the earliest first, with what the
    /// ledger of everything that arrived says of their upload; none that was tried after `tried`, and none whose bytes went
    /// under another name. At most a few hundred.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn watched_to_put_away(
        &self,
        ledger: &Ledger,
        proven: Timestamp,
        tried: Timestamp,
    ) -> Result<Vec<EndedUpload>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT f.*, NULL AS upload, l.md5 AS l_md5, l.sha256 AS l_sha256, l.path AS l_path, l.at AS l_at,
                 l.proof AS l_proof, l.fingerprint AS l_fingerprint
             FROM watched_files AS f INDEXED BY watched_to_put_away
             LEFT JOIN ledger AS l ON l.number = (SELECT max(number) FROM ledger WHERE transfer = f.transfer)
             WHERE f.folder = ? AND f.account = ? AND f.place = ? AND f.state = 'done' AND f.put_away IS NULL
                 AND f.verified IS NOT NULL AND f.verified <= ? AND f.why IS NULL AND ifnull(f.tried, 0) <= ?
             ORDER BY f.verified LIMIT ?",
        )
        .bind(ledger.rule.0)
        .bind(ledger.account.as_str())
        .bind(&ledger.place)
        .bind(proven.0)
        .bind(tried.0)
        .bind(PUT_AWAY_AT_ONCE)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        rows.iter().map(read_ended).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// Those of these transfers that are queued uploads of files of these rules.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn watched_among(
        &self,
        transfers: &[TransferId],
        rules: &[RuleId],
    ) -> Result<HashSet<TransferId>, StoreError> {
        let (transfers, rules) = (json(transfers), json(rules));
        let mut connection = self.reader().await?;
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT transfer FROM watched_files WHERE state = 'queued' AND folder IN (SELECT value FROM json_each(?))
             AND transfer IN (SELECT value FROM json_each(?))",
        )
        .bind(rules.map_err(|error| self.failed(error))?)
        .bind(transfers.map_err(|error| self.failed(error))?)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        Ok(ids.into_iter().map(TransferId).collect())
    }

    /// Writes that a file was put away, or why it stays although its rule puts files away.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn set_put_away(
        &self,
        ledger: &Ledger,
        key: &str,
        stays: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (ledger, key, stays) = (ledger.clone(), key.to_owned(), stays.map(str::to_owned));
        self.write(move |work| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE watched_files SET put_away = iif(?1 IS NULL, ?2, NULL), stays = ?1, tried = ?2
                     WHERE folder = ?3 AND account = ?4 AND place = ?5 AND key = ?6",
                )
                .bind(stays)
                .bind(now.0)
                .bind(ledger.rule.0)
                .bind(ledger.account.as_str())
                .bind(&ledger.place)
                .bind(key)
                .execute(&mut work.connection)
                .await?;
                Ok(())
            })
        })
        .await
    }
}

fn read_ended(row: &SqliteRow) -> Result<EndedUpload, StoreError> {
    let remote: Option<String> = row.try_get("l_path")?;
    let arrived = match remote {
        None => None,
        Some(remote) => Some(Arrived {
            digests: DigestSet { md5: row.try_get("l_md5")?, sha256: row.try_get("l_sha256")? },
            remote,
            at: Timestamp(row.try_get("l_at")?),
            green: json_at::<labferry_model::Proof>(row, "l_proof")?.is_green(),
            fingerprint: json_option_at(row, "l_fingerprint")?,
        }),
    };
    Ok(EndedUpload { file: read_file(row)?, state: json_option_at(row, "upload")?, arrived })
}
