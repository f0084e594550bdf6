//! Lists of transfers for people, and the sums of all.

use crate::{
    columns::count_at,
    error::StoreError,
    store::Store,
    transfer_query::{self, COMPARED, NameRange},
    transfer_row::{self, transfer_columns},
};
use labferry_model::{AccountName, Direction, Transfer, TransferId};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use std::collections::BTreeMap;

/// Which transfers a list holds. Every field that is set must fit, of states and reasons one.
#[derive(Debug, Clone)]
pub struct TransferFilter {
    /// One of these states, by name.
    pub states: Option<Vec<&'static str>>,
    /// Or waiting for one of these reasons, by name; any but `turn` and `interrupted`.
    pub reasons: Vec<&'static str>,
    /// Of this batch.
    pub batch: Option<i64>,
    /// Of this account.
    pub account: Option<AccountName>,
    /// This way.
    pub direction: Option<Direction>,
    /// In this container.
    pub place: Option<String>,
    /// Beyond this one in the list's order: the last one of the page before.
    pub after: Option<TransferId>,
    /// With this text in the name, upper and lower case of ASCII letters alike. Texts of three letters and more are
    /// found by an index; shorter ones are looked for row by row.
    pub text: Option<String>,
    /// Most transfers in the answer.
    pub limit: u32,
    /// Descending by number instead of ascending.
    pub newest_first: bool,
}

impl Default for TransferFilter {
    fn default() -> Self {
        Self {
            states: None,
            reasons: Vec::new(),
            batch: None,
            account: None,
            direction: None,
            place: None,
            after: None,
            text: None,
            limit: 100,
            newest_first: false,
        }
    }
}

impl TransferFilter {
    /// The text, if there is one to look for.
    pub(crate) fn wanted_text(&self) -> Option<&str> {
        self.text.as_deref().filter(|text| !text.is_empty())
    }
}

/// Sums over all transfers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Transfers by their state's name; a state without transfers is left out.
    pub by_state: BTreeMap<String, u64>,
    /// Known sizes by state, in bytes.
    pub bytes: BTreeMap<String, u64>,
    /// Bytes in parts whose receipts are stored, by state.
    pub bytes_done: BTreeMap<String, u64>,
}

impl Store {
    /// The transfers that fit the filter, by number.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn transfers(&self, filter: &TransferFilter) -> Result<Vec<Transfer>, StoreError> {
        let mut connection = self.reader().await?;
        let chosen = choose(&mut connection, transfer_columns!(), filter).await;
        let mut query = chosen.map_err(|error| self.failed(error))?;
        let rows = query.build().fetch_all(&mut *connection).await.map_err(|error| self.failed(error))?;
        rows.iter().map(transfer_row::read).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// Cancelled transfers whose session is still stored, those but `skip`: what the service may still hold of them is
    /// to be removed. At most 50, the newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn cancelled_with_session(&self, skip: Vec<TransferId>) -> Result<Vec<Transfer>, StoreError> {
        let skip = crate::columns::json(&skip).map_err(|error| self.failed(error))?;
        let mut connection = self.reader().await?;
        let rows = sqlx::query(concat!(
            "SELECT ",
            transfer_row::transfer_columns!(),
            " FROM transfers WHERE state = 'cancelled' AND session IS NOT NULL
             AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT 50"
        ))
        .bind(skip)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        rows.iter().map(transfer_row::read).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// The sums, which are kept as transfers change: the cost does not grow with their number.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM counts WHERE transfers > 0")
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        let mut counts = Counts::default();
        for row in &rows {
            let mut add = || -> Result<(), StoreError> {
                let state: String = row.try_get("state")?;
                counts.by_state.insert(state.clone(), count_at(row, "transfers")?);
                counts.bytes.insert(state.clone(), count_at(row, "bytes")?);
                counts.bytes_done.insert(state, count_at(row, "bytes_done")?);
                Ok(())
            };
            add().map_err(|error| self.failed(error))?;
        }
        Ok(counts)
    }
}

/// The statement that lists a filter's rows with the least work. A text that few rows can have is compared with each of
/// them; otherwise the index of names is asked, between the first and the last row that fit the rest of the filter.
pub(crate) async fn choose(
    connection: &mut SqliteConnection,
    columns: &'static str,
    filter: &TransferFilter,
) -> Result<QueryBuilder<Sqlite>, StoreError> {
    let Some(mut by_name) = filter.wanted_text().and_then(NameRange::of) else {
        return transfer_query::list(columns, filter, None);
    };
    let [mut count, mut range] = transfer_query::extent(filter)?;
    let count: i64 = count.build_query_scalar().fetch_one(&mut *connection).await?;
    if count <= COMPARED {
        return transfer_query::list(columns, filter, None);
    }
    let (first, last): (Option<i64>, Option<i64>) = range.build_query_as().fetch_one(connection).await?;
    (by_name.first, by_name.last) = (first.unwrap_or(0), last.unwrap_or(i64::MAX));
    transfer_query::list(columns, filter, Some(&by_name))
}
