//! Copies from place to place: what was asked for, how it stands, and the one way it changes.

use crate::{
    columns::{from_word, json, json_at, json_option, json_option_at, path_bytes, word, word_at},
    error::StoreError,
    store::Store,
    transfers,
    writer::Work,
};
use labferry_model::{
    AccountName, ClashPolicy, CopiedFile, CopyId, CopyState, CopyWish, Direction, Timestamp, TransferId,
    transfer::NewTransfer,
};
use serde_json::{Value, json};
use sqlx::{Row, sqlite::SqliteRow};
use std::path::Path;

/// Files written in one statement, as for transfers.
const AT_ONCE: usize = 2_000;

/// A copy as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCopy {
    /// Its number.
    pub id: CopyId,
    /// What is copied where to.
    pub wish: CopyWish,
    /// How it stands.
    pub state: CopyState,
    /// What keeps it as a whole from going on; its shape is the app's knowledge.
    pub problem: Option<Value>,
    /// How often it was changed.
    pub turn: i64,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it was changed last.
    pub changed: Timestamp,
}

/// What changes of a copy in one go. What is left out stays as it is.
#[derive(Debug, Clone, Default)]
pub struct CopyChange {
    /// How it stands now.
    pub state: Option<CopyState>,
    /// What keeps it from going on; `Some(None)` when nothing does any more.
    pub problem: Option<Option<Value>>,
    /// What happens from now on when a name is taken.
    pub on_clash: Option<ClashPolicy>,
    /// Files as they are now, added or written over.
    pub files: Vec<CopiedFile>,
    /// Transfers to queue, each with its file, which learns their number.
    pub queue: Vec<(NewTransfer, CopiedFile)>,
    /// Transfers whose rows are removed from the queue, as far as they are settled.
    pub clear: Vec<TransferId>,
}

impl Store {
    /// Adds a copy with its files, all or nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn add_copy(
        &self,
        wish: CopyWish,
        files: Vec<CopiedFile>,
        now: Timestamp,
    ) -> Result<CopyId, StoreError> {
        let paths = json(&wish.paths).map_err(|error| self.failed(error))?;
        let state = word(&CopyState::Working).map_err(|error| self.failed(error))?;
        let on_clash = word(&wish.on_clash).map_err(|error| self.failed(error))?;
        self.write(move |work| {
            Box::pin(async move {
                let added = sqlx::query(
                    "INSERT INTO copies (account, paths, source, to_account, place, on_clash, state, created, changed)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
                )
                .bind(wish.account.as_str())
                .bind(paths)
                .bind(&wish.source)
                .bind(wish.to.as_str())
                .bind(&wish.place)
                .bind(on_clash)
                .bind(state)
                .bind(now.0)
                .execute(&mut work.connection)
                .await?;
                let id = CopyId(added.last_insert_rowid());
                for files in files.chunks(AT_ONCE) {
                    work.put_copied(id, files).await?;
                }
                Ok(id)
            })
        })
        .await
    }

    /// Every copy, the newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn copies(&self) -> Result<Vec<StoredCopy>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM copies ORDER BY id DESC").fetch_all(&mut *connection).await;
        let rows = rows.map_err(|error| self.failed(error))?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// The copy of that number.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn copy(&self, id: CopyId) -> Result<Option<StoredCopy>, StoreError> {
        let mut connection = self.reader().await?;
        let row = sqlx::query("SELECT * FROM copies WHERE id = ?")
            .bind(id.0)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        row.as_ref().map(read).transpose().map_err(|error| self.failed(error))
    }

    /// The copies that go on by themselves, and those that wait for a person whose transfers that person may have helped
    /// on; the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn open_copies(&self) -> Result<Vec<StoredCopy>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT * FROM copies WHERE state <> 'done' AND state IN ('working', 'needs_you') ORDER BY id",
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// The newest copy of the same things to the same place that is not done.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn copy_like(&self, wish: &CopyWish) -> Result<Option<StoredCopy>, StoreError> {
        let paths = json(&wish.paths).map_err(|error| self.failed(error))?;
        let mut connection = self.reader().await?;
        let row = sqlx::query(
            "SELECT * FROM copies WHERE state <> 'done' AND account = ? AND paths = ? AND to_account = ? AND place = ?
             ORDER BY id DESC LIMIT 1",
        )
        .bind(wish.account.as_str())
        .bind(paths)
        .bind(wish.to.as_str())
        .bind(&wish.place)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        row.as_ref().map(read).transpose().map_err(|error| self.failed(error))
    }

    /// Stopped copies that still have files on their way: who stopped them was ended before all was taken back.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn copies_to_lay_down(&self) -> Result<Vec<CopyId>, StoreError> {
        let mut connection = self.reader().await?;
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM copies WHERE state <> 'done' AND state = 'stopped' AND EXISTS (SELECT 1 FROM copied_files
             WHERE copy = copies.id AND step IN ('waiting', 'fetching', 'fetched', 'sending'))",
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        Ok(ids.into_iter().map(CopyId).collect())
    }

    /// How often each copy was changed.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn copy_turns(&self) -> Result<Vec<(CopyId, i64)>, StoreError> {
        let mut connection = self.reader().await?;
        let turns: Vec<(i64, i64)> = sqlx::query_as("SELECT id, turn FROM copies ORDER BY id")
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(turns.into_iter().map(|(id, turn)| (CopyId(id), turn)).collect())
    }

    /// Changes a copy that is still as it was read, all or nothing; false when somebody changed it meanwhile, and then
    /// nothing is written. Killed at any moment, a transfer is in the queue if and only if its file knows of it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn change_copy(
        &self,
        copy: &StoredCopy,
        change: CopyChange,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let CopyChange { state, problem, on_clash, mut files, queue, clear } = change;
        let state = word(&state.unwrap_or(copy.state)).map_err(|error| self.failed(error))?;
        let on_clash = word(&on_clash.unwrap_or(copy.wish.on_clash)).map_err(|error| self.failed(error))?;
        let problem = problem.unwrap_or_else(|| copy.problem.clone());
        let problem = json_option(problem.as_ref()).map_err(|error| self.failed(error))?;
        let (transfers, with): (Vec<_>, Vec<_>) = queue.into_iter().unzip();
        let rows = transfers::rows_of(&transfers).map_err(|error| self.failed(error))?;
        let clear = json(&clear).map_err(|error| self.failed(error))?;
        let (id, turn) = (copy.id, copy.turn);
        self.write(move |work| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE copies SET state = ?, problem = ?, on_clash = ?, turn = turn + 1, changed = ?
                     WHERE id = ? AND turn = ?",
                )
                .bind(state)
                .bind(problem)
                .bind(on_clash)
                .bind(now.0)
                .bind(id.0)
                .bind(turn)
                .execute(&mut work.connection)
                .await?;
                if done.rows_affected() == 0 {
                    return Ok(false);
                }
                if !with.is_empty() {
                    let (_, ids) = work.add(rows, None, now).await?;
                    for ((mut file, transfer), new) in with.into_iter().zip(ids).zip(&transfers) {
                        match new.direction {
                            Direction::Download => file.download = Some(transfer),
                            Direction::Upload => file.upload = Some(transfer),
                        }
                        files.push(file);
                    }
                }
                for files in files.chunks(AT_ONCE) {
                    work.put_copied(id, files).await?;
                }
                work.clear(clear).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Forgets a copy and its files. Its transfers stay in the queue.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn forget_copy(&self, id: CopyId) -> Result<bool, StoreError> {
        self.write(move |work| {
            Box::pin(async move {
                let done = sqlx::query("DELETE FROM copies WHERE id = ?")
                    .bind(id.0)
                    .execute(&mut work.connection)
                    .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }

    /// Whether a transfer of a file in that folder has not ended, or failed and can be tried again. Looks at every row.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn is_unfinished_in(&self, folder: &Path) -> Result<bool, StoreError> {
        let mut inside = path_bytes(folder);
        inside.extend(path_bytes(Path::new(std::path::MAIN_SEPARATOR_STR)));
        let mut connection = self.reader().await?;
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM transfers WHERE substr(local, 1, length(?1)) = ?1
             AND state NOT IN ('done', 'skipped', 'cancelled'))",
        )
        .bind(inside)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| self.failed(error))
    }
}

impl Work {
    async fn put_copied(&mut self, copy: CopyId, files: &[CopiedFile]) -> Result<(), StoreError> {
        let rows = files.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        sqlx::query(
            "INSERT OR REPLACE INTO copied_files (copy, number, path, name, size, told, step, local, fetched_proven,
                 verified, download, upload, problem)
             SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                 unhex(value ->> 6), value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11
             FROM json_each(?2)",
        )
        .bind(copy.0)
        .bind(json(&rows)?)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }
}

fn row(file: &CopiedFile) -> Result<Value, StoreError> {
    let local = file.local.as_deref().map(|local| transfers::hex_of(&path_bytes(local)));
    Ok(json!([
        file.number,
        file.path,
        file.name,
        file.size.map(crate::columns::bytes).transpose()?,
        file.told,
        word(&file.step)?,
        local,
        i64::from(file.fetched_proven),
        i64::from(file.verified),
        file.download.map(|id| id.0),
        file.upload.map(|id| id.0),
        json_option(file.problem.as_ref())?,
    ]))
}

fn read(row: &SqliteRow) -> Result<StoredCopy, StoreError> {
    let account = |column: &str| -> Result<AccountName, StoreError> {
        from_word(column, row.try_get::<String, _>(column)?)
    };
    Ok(StoredCopy {
        id: CopyId(row.try_get("id")?),
        wish: CopyWish {
            account: account("account")?,
            paths: json_at(row, "paths")?,
            source: row.try_get("source")?,
            to: account("to_account")?,
            place: row.try_get("place")?,
            on_clash: word_at(row, "on_clash")?,
        },
        state: word_at(row, "state")?,
        problem: json_option_at(row, "problem")?,
        turn: row.try_get("turn")?,
        created: Timestamp(row.try_get("created")?),
        changed: Timestamp(row.try_get("changed")?),
    })
}
