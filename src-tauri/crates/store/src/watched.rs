//! Watched folders: the rules, and for each rule and destination what became of every file.

use crate::{
    columns::{count_at, json, json_at, json_option, json_option_at, path_bytes, path_from, word, word_at},
    error::StoreError,
    store::Store,
    transfers,
    writer::Work,
};
use labferry_model::{
    AccountName, DigestSet, Fingerprint, FoundFile, RuleId, Timestamp, TransferId, WatchRule, WatchedFile,
    WatchedState, transfer::NewTransfer,
};
use serde_json::{Value, json};
use sqlx::{Row, sqlite::SqliteRow};
use std::collections::HashMap;

/// Rows written in one transaction, as for transfers: some 50 ms.
pub(crate) const AT_ONCE: usize = 2_000;

/// A rule as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedFolder {
    /// Its number.
    pub id: RuleId,
    /// The rule.
    pub rule: WatchRule,
    /// When it was made.
    pub created: Timestamp,
    /// Numbers of the folder's disk and of the folder on it.
    pub identity: Option<(u64, u64)>,
    /// What the process that watches last said; its shape is the app's knowledge.
    pub live: Option<Value>,
}

/// Whose ledger: a rule and a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// The rule.
    pub rule: RuleId,
    /// The account.
    pub account: AccountName,
    /// The container.
    pub place: String,
}

impl WatchedFolder {
    /// The ledger that counts now.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        Ledger { rule: self.id, account: self.rule.account.clone(), place: self.rule.place.clone() }
    }
}

impl Store {
    /// Every rule, in the order they were made.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn watched_folders(&self) -> Result<Vec<WatchedFolder>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM watched_folders ORDER BY id")
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        rows.iter().map(read_folder).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// Adds a rule together with files that it already knows something of, all or nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn add_watched_folder(
        &self,
        rule: WatchRule,
        identity: Option<(u64, u64)>,
        files: Vec<WatchedFile>,
        now: Timestamp,
    ) -> Result<RuleId, StoreError> {
        let text = json(&rule).map_err(|error| self.failed(error))?;
        self.write(move |work| {
            Box::pin(async move {
                let added = sqlx::query(
                    "INSERT INTO watched_folders (rule, account, place, created, device, inode)
                     VALUES (?, ?, ?, ?, ?, ?)",
                )
                .bind(text)
                .bind(rule.account.as_str())
                .bind(&rule.place)
                .bind(now.0)
                .bind(identity.map(|(device, _)| device as i64))
                .bind(identity.map(|(_, inode)| inode as i64))
                .execute(&mut work.connection)
                .await?;
                let id = RuleId(added.last_insert_rowid());
                let ledger = Ledger { rule: id, account: rule.account, place: rule.place };
                for files in files.chunks(AT_ONCE) {
                    work.put_watched(&ledger, files).await?;
                }
                Ok(id)
            })
        })
        .await
    }

    /// Changes a rule.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such rule.
    pub async fn set_watched_rule(
        &self,
        id: RuleId,
        rule: &WatchRule,
        identity: Option<(u64, u64)>,
    ) -> Result<(), StoreError> {
        let text = json(rule).map_err(|error| self.failed(error))?;
        let (account, place) = (rule.account.to_string(), rule.place.clone());
        self.write(move |work| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE watched_folders SET rule = ?, account = ?, place = ?, device = ?, inode = ?
                     WHERE id = ?",
                )
                .bind(text)
                .bind(account)
                .bind(place)
                .bind(identity.map(|(device, _)| device as i64))
                .bind(identity.map(|(_, inode)| inode as i64))
                .bind(id.0)
                .execute(&mut work.connection)
                .await?;
                match done.rows_affected() {
                    0 => Err(StoreError::NotFound(format!("watched folder {id}"))),
                    _ => Ok(()),
                }
            })
        })
        .await
    }

    /// Keeps what the process that watches says of a rule.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn set_watched_live(&self, id: RuleId, live: &Value) -> Result<(), StoreError> {
        let text = json(live).map_err(|error| self.failed(error))?;
        self.write(move |work| {
            Box::pin(async move {
                sqlx::query("UPDATE watched_folders SET live = ? WHERE id = ?")
                    .bind(text)
                    .bind(id.0)
                    .execute(&mut work.connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Removes a rule and what it remembers; false when there is none. Uploads and receipts stay.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn remove_watched_folder(&self, id: RuleId) -> Result<bool, StoreError> {
        self.write(move |work| {
            Box::pin(async move {
                let done = sqlx::query("DELETE FROM watched_folders WHERE id = ?")
                    .bind(id.0)
                    .execute(&mut work.connection)
                    .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }

    /// What a ledger knows of these files, by key.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn watched_known(
        &self,
        ledger: &Ledger,
        keys: &[&str],
    ) -> Result<HashMap<String, WatchedFile>, StoreError> {
        let mut connection = self.reader().await?;
        let keys = json(keys).map_err(|error| self.failed(error))?;
        let rows = sqlx::query(
            "SELECT f.* FROM json_each(?) AS asked CROSS JOIN watched_files AS f
             ON f.folder = ? AND f.account = ? AND f.place = ? AND f.key = asked.value",
        )
        .bind(keys)
        .bind(ledger.rule.0)
        .bind(ledger.account.as_str())
        .bind(&ledger.place)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        let files = rows.iter().map(read_file).collect::<Result<Vec<_>, _>>();
        let files = files.map_err(|error| self.failed(error))?;
        Ok(files.into_iter().map(|file| (file.found.key.clone(), file)).collect())
    }

    /// Writes what became of files.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn put_watched(&self, ledger: &Ledger, files: Vec<WatchedFile>) -> Result<(), StoreError> {
        let ledger = ledger.clone();
        self.write(move |work| {
            Box::pin(async move {
                for files in files.chunks(AT_ONCE) {
                    work.put_watched(&ledger, files).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Queues uploads, each with the file or the files that it brings, and writes into the ledger that they are queued, together: killed at any moment, either
    /// both are there or neither. At most a few thousand at once.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written; nothing is queued then.
    pub async fn queue_watched(
        &self,
        ledger: &Ledger,
        uploads: Vec<(NewTransfer, Vec<WatchedFile>)>,
        now: Timestamp,
    ) -> Result<Vec<TransferId>, StoreError> {
        let (transfers, mut files): (Vec<_>, Vec<Vec<WatchedFile>>) = uploads.into_iter().unzip();
        let rows = transfers::rows_of(&transfers).map_err(|error| self.failed(error))?;
        let ledger = ledger.clone();
        self.write(move |work| {
            Box::pin(async move {
                let (_, ids) = work.add(rows, None, now).await?;
                for (files, id) in files.iter_mut().zip(&ids) {
                    files.iter_mut().for_each(|file| file.transfer = Some(*id));
                }
                work.put_watched(&ledger, &files.concat()).await?;
                Ok(ids)
            })
        })
        .await
    }

    /// Forgets files, so that they are looked at as new ones.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn forget_watched(&self, ledger: &Ledger, keys: &[String]) -> Result<u64, StoreError> {
        let keys = json(keys).map_err(|error| self.failed(error))?;
        let ledger = ledger.clone();
        self.write(move |work| {
            Box::pin(async move {
                let done = sqlx::query(
                    "DELETE FROM watched_files WHERE folder = ? AND account = ? AND place = ?
                     AND key IN (SELECT value FROM json_each(?))",
                )
                .bind(ledger.rule.0)
                .bind(ledger.account.as_str())
                .bind(&ledger.place)
                .bind(keys)
                .execute(&mut work.connection)
                .await?;
                Ok(done.rows_affected())
            })
        })
        .await
    }

    /// Files of a ledger in these states (all when none is named), by key beyond `after`, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn watched_files(
        &self,
        ledger: &Ledger,
        states: &[WatchedState],
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<WatchedFile>, StoreError> {
        let states = json(states).map_err(|error| self.failed(error))?;
        self.watched_where(
            ledger,
            "(json_array_length(?4) = 0 OR state IN (SELECT value FROM json_each(?4)))
             AND (?5 IS NULL OR key > ?5) ORDER BY key LIMIT ?6",
            vec![Value::String(states), after.into(), limit.into()],
        )
        .await
    }

    /// Files of a ledger with that SHA-256 that are done.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn watched_with_digest(
        &self,
        ledger: &Ledger,
        sha256: &str,
    ) -> Result<Vec<WatchedFile>, StoreError> {
        let condition = "sha256 = ?4 AND state = 'done' LIMIT 100";
        self.watched_where(ledger, condition, vec![sha256.into()]).await
    }

    /// Files of a ledger that had that number in their file system, and that size, when they were sent.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn watched_renamed(
        &self,
        ledger: &Ledger,
        found: &FoundFile,
    ) -> Result<Vec<WatchedFile>, StoreError> {
        let Some(file_id) = found.fingerprint.file_id else { return Ok(Vec::new()) };
        let condition = "file_id = ?4 AND size = ?5 AND key <> ?6 AND state = 'done' LIMIT 100";
        let values = vec![(file_id as i64).into(), found.fingerprint.size.into(), found.key.as_str().into()];
        self.watched_where(ledger, condition, values).await
    }

    /// Files of a ledger by the condition, whose parameters begin with `?4`.
    async fn watched_where(
        &self,
        ledger: &Ledger,
        condition: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<WatchedFile>, StoreError> {
        let mut connection = self.reader().await?;
        let text = format!(
            "SELECT * FROM watched_files WHERE folder = ?1 AND account = ?2 AND place = ?3 AND {condition}"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(ledger.rule.0)
            .bind(ledger.account.as_str())
            .bind(ledger.place.as_str());
        for value in &values {
            query = match value {
                Value::Number(number) => query.bind(number.as_i64()),
                other => query.bind(other.as_str()),
            };
        }
        let rows = query.fetch_all(&mut *connection).await.map_err(|error| self.failed(error))?;
        rows.iter().map(read_file).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// How many files of a rule are in the queue, whatever their destination.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn watched_queued(&self, rule: RuleId) -> Result<u64, StoreError> {
        let mut connection = self.reader().await?;
        let number: i64 =
            sqlx::query_scalar("SELECT count(*) FROM watched_files WHERE folder = ? AND state = 'queued'")
                .bind(rule.0)
                .fetch_one(&mut *connection)
                .await
                .map_err(|error| self.failed(error))?;
        Ok(number.unsigned_abs())
    }

    /// How many files of a ledger are in each state, and how many were proven at `since` or later.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn watched_counts(
        &self,
        ledger: &Ledger,
        since: Timestamp,
    ) -> Result<(HashMap<WatchedState, u64>, u64), StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT state, count(*) AS files, sum(ifnull(verified, 0) >= ?) AS lately FROM watched_files
             WHERE folder = ? AND account = ? AND place = ? GROUP BY state",
        )
        .bind(since.0)
        .bind(ledger.rule.0)
        .bind(ledger.account.as_str())
        .bind(&ledger.place)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        let (mut counts, mut lately) = (HashMap::new(), 0);
        for row in &rows {
            let state: WatchedState = word_at(row, "state").map_err(|error| self.failed(error))?;
            counts.insert(state, count_at(row, "files").map_err(|error| self.failed(error))?);
            if state == WatchedState::Done {
                lately = count_at(row, "lately").map_err(|error| self.failed(error))?;
            }
        }
        Ok((counts, lately))
    }

    /// The record made for a run: none when it was never begun, `Some(None)` while it is being made.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn watched_run(
        &self,
        ledger: &Ledger,
        run: &str,
    ) -> Result<Option<Option<String>>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query_scalar(
            "SELECT record FROM watched_runs WHERE folder = ? AND account = ? AND place = ? AND run = ?",
        )
        .bind(ledger.rule.0)
        .bind(ledger.account.as_str())
        .bind(&ledger.place)
        .bind(run)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| self.failed(error))
    }

    /// Writes that a run's record is being made, or which it is.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn set_watched_run(
        &self,
        ledger: &Ledger,
        run: &str,
        record: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (ledger, run, record) = (ledger.clone(), run.to_owned(), record.map(str::to_owned));
        self.write(move |work| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO watched_runs (folder, account, place, run, record, created)
                     VALUES (?, ?, ?, ?, ?, ?)
                     ON CONFLICT (folder, account, place, run) DO UPDATE SET record = excluded.record",
                )
                .bind(ledger.rule.0)
                .bind(ledger.account.as_str())
                .bind(&ledger.place)
                .bind(run)
                .bind(record)
                .bind(now.0)
                .execute(&mut work.connection)
                .await?;
                Ok(())
            })
        })
        .await
    }
}

impl Work {
    /// Writes rows, which travel to SQLite as one JSON text.
    async fn put_watched(&mut self, ledger: &Ledger, files: &[WatchedFile]) -> Result<(), StoreError> {
        let rows = files.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        sqlx::query(
            "INSERT INTO watched_files (folder, account, place, key, path, size, modified_ns, file_id, run, state, why,
                 md5, sha256, remote, transfer, first_seen, changed, verified)
             SELECT ?1, ?2, ?3, value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                 value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12,
                 value ->> 13, value ->> 14
             FROM json_each(?4) WHERE true
             ON CONFLICT (folder, account, place, key) DO UPDATE SET path = excluded.path, size = excluded.size,
                 modified_ns = excluded.modified_ns, file_id = excluded.file_id, run = excluded.run,
                 state = excluded.state, why = excluded.why, md5 = excluded.md5, sha256 = excluded.sha256,
                 remote = excluded.remote, transfer = excluded.transfer, changed = excluded.changed,
                 verified = excluded.verified, put_away = NULL, stays = NULL, tried = NULL",
        )
        .bind(ledger.rule.0)
        .bind(ledger.account.as_str())
        .bind(&ledger.place)
        .bind(json(&rows)?)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }
}

fn row(file: &WatchedFile) -> Result<Value, StoreError> {
    // What `put_away` and `stays` say ends where a file is written anew: it is there.
    let WatchedFile {
        found,
        run,
        state,
        why,
        digests,
        remote,
        transfer,
        first_seen,
        changed,
        verified,
        put_away: _,
        stays: _,
    } = file;
    Ok(json!([
        found.key,
        transfers::hex_of(&path_bytes(&found.path)),
        found.fingerprint.size,
        found.fingerprint.modified_ns,
        found.fingerprint.file_id.map(|number| number as i64),
        run,
        word(state)?,
        json_option(why.as_ref())?,
        digests.md5,
        digests.sha256,
        remote,
        transfer.map(|id| id.0),
        first_seen.0,
        changed.0,
        verified.map(|at| at.0),
    ]))
}

pub(crate) fn read_file(row: &SqliteRow) -> Result<WatchedFile, StoreError> {
    Ok(WatchedFile {
        found: FoundFile {
            key: row.try_get("key")?,
            path: path_from(row.try_get("path")?),
            fingerprint: Fingerprint {
                size: count_at(row, "size")?,
                modified_ns: row.try_get("modified_ns")?,
                file_id: row.try_get::<Option<i64>, _>("file_id")?.map(|number| number as u64),
            },
        },
        run: row.try_get("run")?,
        state: word_at(row, "state")?,
        why: json_option_at(row, "why")?,
        digests: DigestSet { md5: row.try_get("md5")?, sha256: row.try_get("sha256")? },
        remote: row.try_get("remote")?,
        transfer: row.try_get::<Option<i64>, _>("transfer")?.map(TransferId),
        first_seen: Timestamp(row.try_get("first_seen")?),
        changed: Timestamp(row.try_get("changed")?),
        verified: row.try_get::<Option<i64>, _>("verified")?.map(Timestamp),
        put_away: row.try_get::<Option<i64>, _>("put_away")?.map(Timestamp),
        stays: row.try_get("stays")?,
    })
}

fn read_folder(row: &SqliteRow) -> Result<WatchedFolder, StoreError> {
    let device: Option<i64> = row.try_get("device")?;
    let inode: Option<i64> = row.try_get("inode")?;
    Ok(WatchedFolder {
        id: RuleId(row.try_get("id")?),
        rule: json_at(row, "rule")?,
        created: Timestamp(row.try_get("created")?),
        identity: device.zip(inode).map(|(device, inode)| (device as u64, inode as u64)),
        live: json_option_at(row, "live")?,
    })
}
