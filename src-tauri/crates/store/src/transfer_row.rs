//! A transfer as a row.

use crate::{
    columns::{count_at, json_at, json_option_at, path_from, word_at},
    error::StoreError,
};
use labferry_model::{State, Timestamp, Transfer, TransferId, WaitReason};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::time::Duration;

/// The columns `read` needs.
macro_rules! transfer_columns {
    () => {
        "id, batch, direction, account, place, name, local, size, bytes_done, state_json, on_clash, shape, verify, \
         attempts, failing_since, created, changed, digests, metadata, fingerprint, plan, session"
    };
}
pub(crate) use transfer_columns;

/// How long a source that changed under us is left alone before it is looked at again: long enough that a program
/// which saves a file in several steps is done, short enough that nobody wonders.
const SOURCE_REST: Duration = Duration::from_secs(10);

/// What the queue needs to know of a state, as columns.
pub(crate) struct QueueColumns {
    /// Why it waits.
    pub(crate) reason: Option<&'static str>,
    /// When it may start: 0 for now, nothing for "not by itself".
    pub(crate) ready_at: Option<i64>,
    /// Whether it is not settled.
    pub(crate) live: bool,
}

impl QueueColumns {
    pub(crate) fn of(state: &State, now: Timestamp) -> Self {
        let (reason, ready_at) = match state {
            State::Waiting { why } => match why {
                WaitReason::Turn => (Some("turn"), Some(0)),
                WaitReason::Interrupted => (Some("interrupted"), Some(0)),
                // 0 and below mean "now" here and are no time anybody waits for.
                WaitReason::RetryAt { at, .. } => (Some("retry_at"), Some(at.0.max(1))),
                WaitReason::SourceChanged => (Some("source_changed"), Some(now.plus(SOURCE_REST).0.max(1))),
                WaitReason::Offline { .. } => (Some("offline"), None),
                WaitReason::SignIn { .. } => (Some("sign_in"), None),
                WaitReason::DiskLow => (Some("disk_low"), None),
            },
            _ => (None, None),
        };
        Self { reason, ready_at, live: !state.is_settled() }
    }
}

/// The transfer in a row of `transfer_columns!`.
pub(crate) fn read(row: &SqliteRow) -> Result<Transfer, StoreError> {
    Ok(Transfer {
        id: TransferId(row.try_get("id")?),
        batch: row.try_get("batch")?,
        direction: word_at(row, "direction")?,
        account: row
            .try_get::<&str, _>("account")?
            .parse()
            .map_err(|error| StoreError::unreadable("account", error))?,
        place: row.try_get("place")?,
        name: row.try_get("name")?,
        local: path_from(row.try_get("local")?),
        size: match row.try_get::<Option<i64>, _>("size")? {
            Some(_) => Some(count_at(row, "size")?),
            None => None,
        },
        bytes_done: count_at(row, "bytes_done")?,
        state: json_at(row, "state_json")?,
        on_clash: word_at(row, "on_clash")?,
        shape: word_at(row, "shape")?,
        verify: word_at(row, "verify")?,
        metadata: json_at(row, "metadata")?,
        fingerprint: json_option_at(row, "fingerprint")?,
        digests: json_at(row, "digests")?,
        plan: json_option_at(row, "plan")?,
        session: json_option_at(row, "session")?,
        attempts: count_at(row, "attempts")?,
        failing_since: row.try_get::<Option<i64>, _>("failing_since")?.map(Timestamp),
        created: Timestamp(row.try_get("created")?),
        changed: Timestamp(row.try_get("changed")?),
    })
}

/// The transfer of that number.
pub(crate) async fn fetch(
    connection: &mut SqliteConnection,
    id: TransferId,
) -> Result<Option<Transfer>, StoreError> {
    let row = sqlx::query(concat!("SELECT ", transfer_columns!(), " FROM transfers WHERE id = ?"))
        .bind(id.0)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}
