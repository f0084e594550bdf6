//! The statements of a filter. Every list is read in order of number from an index and stops at its limit, so that its
//! cost does not grow with the queue.

use crate::{columns::word, error::StoreError, transfer_list::TransferFilter};
use sqlx::{QueryBuilder, Sqlite};

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

/// Up to so many rows are compared with a text one by one, about 20 ms; above, the index of names is asked.
pub(crate) const COMPARED: i64 = 20_000;

/// Most groups of three letters that are looked up for a text. More would cost more than they leave out.
const TRIGRAMS: usize = 12;

/// The rows of a filter in its order, at most its limit. With `by_name` the index of names is asked first.
pub(crate) fn list(
    columns: &'static str,
    filter: &TransferFilter,
    by_name: Option<&NameRange>,
) -> Result<QueryBuilder<Sqlite>, StoreError> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(columns).push(" FROM transfers AS t WHERE ");
    match by_name {
        Some(range) => {
            query.push("id IN (SELECT t.id FROM names CROSS JOIN transfers AS t ON t.id = names.rowid WHERE names MATCH ");
            query.push_bind(range.text.clone());
            query.push(" AND names.rowid BETWEEN ").push_bind(range.first);
            query.push(" AND ").push_bind(range.last);
            one_of(&mut query, filter);
            conditions(&mut query, filter)?;
            text(&mut query, filter);
            query.push(if filter.newest_first {
                " ORDER BY names.rowid DESC LIMIT "
            } else {
                " ORDER BY names.rowid LIMIT "
            });
            query.push_bind(i64::from(filter.limit)).push(")");
        }
        None if merges(filter) => {
            query.push("id IN (");
            heads(&mut query, filter, "id", |query| {
                text(query, filter);
                order(query, filter, i64::from(filter.limit));
            })?;
            query.push(")");
        }
        None => {
            query.push("true");
            one_of(&mut query, filter);
            conditions(&mut query, filter)?;
            text(&mut query, filter);
        }
    }
    order(&mut query, filter, i64::from(filter.limit));
    Ok(query)
}

/// How many rows fit the filter without its text, counted up to a little more than [`COMPARED`], and between which
/// numbers they lie.
pub(crate) fn extent(filter: &TransferFilter) -> Result<[QueryBuilder<Sqlite>; 2], StoreError> {
    let mut count = QueryBuilder::new("SELECT count(*) FROM (SELECT id FROM (");
    let mut range = QueryBuilder::new("SELECT min(first), max(last) FROM (");
    if merges(filter) {
        heads(&mut count, filter, "id", |query| {
            query.push(" LIMIT ").push_bind(COMPARED + 1);
        })?;
        // One end a statement: only then SQLite goes straight to it.
        heads(&mut range, filter, "min(id) AS first, NULL AS last", |_| ())?;
        range.push(" UNION ALL ");
        heads(&mut range, filter, "NULL AS first, max(id) AS last", |_| ())?;
    } else {
        count.push("SELECT id FROM transfers AS t WHERE true");
        conditions(&mut count, filter)?;
        range.push("SELECT min(id) AS first, NULL AS last FROM transfers AS t WHERE true");
        conditions(&mut range, filter)?;
        range.push(" UNION ALL SELECT NULL, max(id) FROM transfers AS t WHERE true");
        conditions(&mut range, filter)?;
    }
    count.push(") LIMIT ").push_bind(COMPARED + 1).push(")");
    range.push(")");
    Ok([count, range])
}

/// What the index of names is asked.
#[derive(Debug)]
pub(crate) struct NameRange {
    text: String,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl NameRange {
    /// The index finds texts of three letters and more.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let letters: Vec<char> = text.chars().collect();
        let mut groups: Vec<String> =
            letters.windows(3).map(|three| three.iter().collect::<String>().replace('"', "\"\"")).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.truncate(TRIGRAMS);
        let usable = !groups.is_empty() && !text.contains('\0');
        let text = groups.iter().map(|group| format!("\"{group}\"")).collect::<Vec<_>>().join(" AND ");
        usable.then_some(Self { text, first: 0, last: i64::MAX })
    }
}

/// Whether the rows are read state by state: an index gives those of one state, batch and account in order of number;
/// the first `limit` of each are taken and merged, so that no list sorts more than a few pages.
fn merges(filter: &TransferFilter) -> bool {
    let by_state = filter.states.is_some() || !filter.reasons.is_empty();
    (by_state || filter.account.is_some() || filter.batch.is_some()) && filter.place.is_none()
}

fn heads(
    query: &mut QueryBuilder<Sqlite>,
    filter: &TransferFilter,
    columns: &'static str,
    rest: impl Fn(&mut QueryBuilder<Sqlite>),
) -> Result<(), StoreError> {
    let every: &[&str] = if filter.reasons.is_empty() { STATES } else { &[] };
    let states = filter.states.as_deref().unwrap_or(every);
    let by_reason = "t.reason NOT IN ('turn', 'interrupted') AND t.reason = ";
    let states = states.iter().map(|state| ("t.state = ", *state));
    let mut between = "";
    for (column, value) in states.chain(filter.reasons.iter().map(|reason| (by_reason, *reason))) {
        query.push(between).push("SELECT * FROM (SELECT ").push(columns);
        query.push(" FROM transfers AS t WHERE ").push(column).push_bind(value);
        conditions(query, filter)?;
        rest(query);
        query.push(")");
        between = " UNION ALL ";
    }
    if between.is_empty() {
        query.push("SELECT ").push(columns).push(" FROM transfers AS t WHERE false");
    }
    Ok(())
}

/// One of the states or reasons, where another index leads.
fn one_of(query: &mut QueryBuilder<Sqlite>, filter: &TransferFilter) {
    if filter.states.is_none() && filter.reasons.is_empty() {
        return;
    }
    query.push(" AND (false");
    for (column, values) in
        [(" OR +t.state = ", filter.states.as_deref().unwrap_or(&[])), (" OR +t.reason = ", &filter.reasons)]
    {
        for value in values {
            query.push(column).push_bind(*value);
        }
    }
    query.push(")");
}

fn conditions(query: &mut QueryBuilder<Sqlite>, filter: &TransferFilter) -> Result<(), StoreError> {
    if let Some(batch) = filter.batch {
        query.push(" AND t.batch = ").push_bind(batch);
    }
    if let Some(account) = &filter.account {
        query.push(" AND t.account = ").push_bind(account.as_str().to_owned());
    }
    if let Some(direction) = filter.direction {
        query.push(" AND +t.direction = ").push_bind(word(&direction)?);
    }
    if let Some(place) = &filter.place {
        query.push(" AND t.place = ").push_bind(place.clone());
    }
    if let Some(after) = filter.after {
        query.push(if filter.newest_first { " AND t.id < " } else { " AND t.id > " }).push_bind(after.0);
    }
    Ok(())
}

fn text(query: &mut QueryBuilder<Sqlite>, filter: &TransferFilter) {
    if let Some(text) = filter.wanted_text() {
        let pattern = format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        query.push(" AND t.name LIKE ").push_bind(pattern).push(" ESCAPE '\\'");
    }
}

fn order(query: &mut QueryBuilder<Sqlite>, filter: &TransferFilter, limit: i64) {
    query.push(if filter.newest_first { " ORDER BY t.id DESC LIMIT " } else { " ORDER BY t.id LIMIT " });
    query.push_bind(limit);
}
