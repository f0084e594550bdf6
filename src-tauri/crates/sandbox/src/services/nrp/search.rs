//! Lists: what is published, what is mine, the versions of one record; with a small part of the query language.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::Uri;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Nrp;
use super::answer::ApiError;
use super::callers::Caller;
use super::world::{Edition, Record, World};
use crate::clock::wire_time;
use crate::signed_links::decoded;

/// Results beyond this many cannot be reached by paging.
const DEEPEST: u64 = 10_000;
const SORTS: [&str; 8] = [
    "bestmatch",
    "newest",
    "oldest",
    "version",
    "updated-desc",
    "updated-asc",
    "mostviewed",
    "mostdownloaded",
];

/// What a list is asked for.
struct Query {
    words: String,
    sort: String,
    size: u64,
    page: u64,
    is_published: Option<bool>,
    all_versions: bool,
}

impl Query {
    fn of(uri: &Uri, usual_sort: &str) -> Result<Self, ApiError> {
        let pairs = decoded(&uri.query().unwrap_or_default().replace('+', "%20"));
        let value =
            |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let wrong = || ApiError::bad_request("Invalid querystring parameters.");
        let number = |name: &str, usual: u64| match value(name) {
            None => Ok(usual),
            Some(text) => text.parse().ok().filter(|number| *number > 0).ok_or_else(wrong),
        };
        let words = value("q").unwrap_or_default().to_owned();
        let usual_sort = if words.is_empty() { usual_sort } else { "bestmatch" };
        let query = Self {
            sort: value("sort").unwrap_or(usual_sort).to_owned(),
            size: number("size", 25)?,
            page: number("page", 1)?,
            is_published: value("is_published").map(|text| text == "true"),
            all_versions: value("allversions") == Some("true"),
            words,
        };
        let is_too_deep = (query.page - 1).saturating_mul(query.size) >= DEEPEST;
        if is_too_deep || !SORTS.contains(&query.sort.as_str()) { Err(wrong()) } else { Ok(query) }
    }
}

/// A record as lists show it.
struct Hit<'a> {
    record: &'a Record,
    edition: &'a Edition,
    is_draft: bool,
}

pub(crate) async fn published(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    uri: Uri,
) -> Result<Json<Value>, ApiError> {
    let query = Query::of(&uri, "newest")?;
    let world = nrp.world();
    let hits = world
        .records()
        .filter_map(|record| Some(Hit { record, edition: record.published.as_ref()?, is_draft: false }))
        .filter(|hit| hit.edition.record_access == "public" || caller == Some(hit.record.owner))
        .filter(|hit| {
            query.all_versions
                || world.latest(&hit.record.parent).is_some_and(|latest| latest.id == hit.record.id)
        })
        .collect();
    Ok(Json(nrp.list(&world, caller, &uri, &query, hits)))
}

pub(crate) async fn mine(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    uri: Uri,
) -> Result<Json<Value>, ApiError> {
    let owner = caller.ok_or_else(ApiError::permission_denied)?;
    let query = Query::of(&uri, "updated-desc")?;
    let world = nrp.world();
    let hits = world
        .records()
        .filter(|record| record.owner == owner)
        .filter_map(|record| match (&record.draft, &record.published) {
            (Some(draft), _) => Some(Hit { record, edition: draft, is_draft: true }),
            (None, Some(edition)) => Some(Hit { record, edition, is_draft: false }),
            (None, None) => None,
        })
        .collect();
    Ok(Json(nrp.list(&world, caller, &uri, &query, hits)))
}

pub(crate) async fn versions(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Value>, ApiError> {
    let query = Query::of(&uri, "version")?;
    let world = nrp.world();
    let record = world.record(&id).ok_or_else(ApiError::unknown_id)?;
    let hits = world
        .versions(&record.parent)
        .into_iter()
        .filter_map(|record| Some(Hit { record, edition: record.published.as_ref()?, is_draft: false }))
        .filter(|hit| hit.edition.record_access == "public" || caller == Some(hit.record.owner))
        .collect();
    Ok(Json(nrp.list(&world, caller, &uri, &query, hits)))
}

impl Nrp {
    fn list(
        &self,
        world: &World,
        caller: Option<u64>,
        uri: &Uri,
        query: &Query,
        mut hits: Vec<Hit<'_>>,
    ) -> Value {
        let lag =
            SignedDuration::from_millis(i64::try_from(self.switches().index_lag_ms).unwrap_or(i64::MAX));
        let now = self.now();
        hits.retain(|hit| now.duration_since(hit.record.created) >= lag);
        hits.retain(|hit| matches(hit, &query.words));
        let count = |wanted| hits.iter().filter(|hit| hit.record.is_published() == wanted).count();
        let buckets: Vec<_> = [("true", count(true)), ("false", count(false))]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(key, count)| json!({"key": key, "doc_count": count, "label": key, "is_selected": false}))
            .collect();
        if let Some(wanted) = query.is_published {
            hits.retain(|hit| hit.record.is_published() == wanted);
        }
        sort(&mut hits, &query.sort);
        let total = hits.len() as u64;
        let skipped = (query.page - 1).saturating_mul(query.size);
        let page: Vec<_> = hits
            .iter()
            .skip(usize::try_from(skipped).unwrap_or(usize::MAX))
            .take(usize::try_from(query.size).unwrap_or(usize::MAX))
            .map(|hit| self.record_json(world, caller, hit.record, hit.edition, hit.is_draft))
            .collect();
        let link = |page: u64| self.page_link(uri, query, page);
        let mut links = json!({"self": link(query.page)});
        let next_begins = query.page.saturating_mul(query.size);
        if next_begins < total.min(DEEPEST) {
            links["next"] = link(query.page + 1).into();
        }
        if query.page > 1 {
            links["prev"] = link(query.page - 1).into();
        }
        json!({
            "hits": {"hits": page, "total": total},
            "aggregations": {"is_published": {"buckets": buckets, "label": "Published"}},
            "sortBy": query.sort,
            "page": query.page,
            "links": links,
        })
    }

    /// The same list at another page, with everything else that was asked.
    fn page_link(&self, uri: &Uri, query: &Query, page: u64) -> String {
        let asked = decoded(&uri.query().unwrap_or_default().replace('+', "%20"));
        let mut pairs: Vec<_> = asked
            .into_iter()
            .filter(|(name, _)| !matches!(name.as_str(), "page" | "size" | "sort" | "access_token"))
            .collect();
        pairs.push(("page".to_owned(), page.to_string()));
        pairs.push(("size".to_owned(), query.size.to_string()));
        pairs.push(("sort".to_owned(), query.sort.clone()));
        pairs.sort();
        let mut link = url::form_urlencoded::Serializer::new(String::new());
        link.extend_pairs(pairs);
        format!("{}?{}", self.site(uri.path()), link.finish())
    }
}

fn sort(hits: &mut [Hit<'_>], by: &str) {
    hits.sort_by(|one, other| {
        let order = match by {
            "oldest" => one.record.created.cmp(&other.record.created),
            "updated-asc" => one.edition.updated.cmp(&other.edition.updated),
            "updated-desc" => other.edition.updated.cmp(&one.edition.updated),
            "version" => other.record.index.cmp(&one.record.index),
            _ => other.record.created.cmp(&one.record.created),
        };
        order.then_with(|| one.record.id.cmp(&other.record.id))
    });
}

/// All words must be found, whole unless they end with `*`; `is_published:`, `id:` and `created:[A TO B]` (or `}`) are
/// understood, of other fields only the words count, which is also what becomes of a broken query.
fn matches(hit: &Hit<'_>, query: &str) -> bool {
    let text = Value::Object(hit.edition.metadata.clone()).to_string().to_lowercase();
    let known: HashSet<&str> = words(&text).collect();
    let (query, is_in_time) = match query.split_once("created:[") {
        None => (query.to_owned(), true),
        Some((before, rest)) => {
            let (span, after) = rest.split_once([']', '}']).unwrap_or((rest, ""));
            let is_open = rest[span.len()..].starts_with('}');
            (format!("{before} {after}"), is_created_within(hit.record.created, span, is_open))
        }
    };
    let has_words = |asked: &str| {
        let asked = asked.to_lowercase();
        let is_beginning = asked.ends_with('*');
        words(&asked).all(|word| match is_beginning {
            true => known.iter().any(|known| known.starts_with(word)),
            false => known.contains(word),
        })
    };
    is_in_time
        && query.split_whitespace().filter(|word| *word != "AND").all(|word| match word.split_once(':') {
            Some(("is_published", wanted)) => hit.record.is_published() == (wanted == "true"),
            Some(("id", id)) => hit.record.id == id.trim_matches('"'),
            Some((_, value)) => has_words(value),
            None => has_words(word) || hit.record.id == word,
        })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn is_created_within(created: Timestamp, span: &str, is_open: bool) -> bool {
    let Some((from, to)) = span.split_once(" TO ") else { return false };
    let bound = |text: &str| text.trim().trim_matches('"').parse::<Timestamp>().ok();
    let is_after =
        from.trim() == "*" || bound(from).is_some_and(|from| wire_time(created) >= wire_time(from));
    let is_before = to.trim() == "*"
        || bound(to)
            .is_some_and(|to| if is_open { created < to } else { wire_time(created) <= wire_time(to) });
    is_after && is_before
}
