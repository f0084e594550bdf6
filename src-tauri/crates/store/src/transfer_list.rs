//! Lists of transfers for people, and the sums of all.

use crate::{
    columns::{count_at, word},
    error::StoreError,
    store::Store,
    transfer_row::{self, transfer_columns},
};
use labferry_model::{AccountName, Direction, Transfer, TransferId};
use sqlx::{QueryBuilder, Row, Sqlite};
use std::collections::BTreeMap;

/// The name of every state, in the order of a transfer's life.
const STATES: &[&str] = &[
    "waiting",
    "checking",
    "planned",
    "moving",
    "finishing",
    "verifying",
    "done",
    "skipped",
    "failed",
    "paused",
    "cancelled",
];

/// Which transfers a list holds. Every field that is set must fit.
#[derive(Debug, Clone)]
pub struct TransferFilter {
    /// One of these states, by name.
    pub states: Option<Vec<&'static str>>,
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
    /// With this text in the name or the container's path, upper and lower case of ASCII letters alike.
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
        let mut query = query(filter).map_err(|error| self.failed(error))?;
        let mut connection = self.reader().await?;
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

/// The statement of a filter. An index gives the rows of one state in order of number; for several states the first
/// `limit` of each are taken and merged, so that no list sorts more than a few pages.
pub(crate) fn query(filter: &TransferFilter) -> Result<QueryBuilder<Sqlite>, StoreError> {
    let mut query = QueryBuilder::new(concat!("SELECT ", transfer_columns!(), " FROM transfers WHERE "));
    let by_other_index = filter.batch.is_some() || filter.place.is_some();
    match (filter.states.as_deref(), &filter.account) {
        (states @ Some(_), _) | (states @ None, Some(_)) if !by_other_index => {
            query.push("id IN (SELECT NULL");
            for state in states.unwrap_or(STATES) {
                query.push(" UNION ALL SELECT id FROM (SELECT id FROM transfers WHERE state = ");
                query.push_bind(*state);
                conditions(&mut query, filter)?;
                order(&mut query, filter);
                query.push(")");
            }
            query.push(")");
        }
        (states, _) => {
            query.push("true");
            if let Some(states) = states {
                query.push(" AND +state IN (");
                let mut list = query.separated(", ");
                for state in states {
                    list.push_bind(*state);
                }
                query.push(")");
            }
            conditions(&mut query, filter)?;
        }
    }
    order(&mut query, filter);
    Ok(query)
}

fn conditions(query: &mut QueryBuilder<Sqlite>, filter: &TransferFilter) -> Result<(), StoreError> {
    if let Some(batch) = filter.batch {
        query.push(" AND batch = ").push_bind(batch);
    }
    if let Some(account) = &filter.account {
        query.push(" AND account = ").push_bind(account.as_str().to_owned());
    }
    if let Some(direction) = filter.direction {
        query.push(" AND +direction = ").push_bind(word(&direction)?);
    }
    if let Some(place) = &filter.place {
        query.push(" AND place = ").push_bind(place.clone());
    }
    if let Some(after) = filter.after {
        query.push(if filter.newest_first { " AND id < " } else { " AND id > " }).push_bind(after.0);
    }
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        let pattern = format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        query.push(" AND (name LIKE ").push_bind(pattern.clone()).push(" ESCAPE '\\' OR place LIKE ");
        query.push_bind(pattern).push(" ESCAPE '\\')");
    }
    Ok(())
}

fn order(query: &mut QueryBuilder<Sqlite>, filter: &TransferFilter) {
    query.push(if filter.newest_first { " ORDER BY id DESC LIMIT " } else { " ORDER BY id LIMIT " });
    query.push_bind(i64::from(filter.limit));
}
