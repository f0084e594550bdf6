//! The lines of the table.

use serde_json::Value;

/// One service.
pub(crate) struct Column {
    pub(crate) title: String,
    pub(crate) key: String,
    /// Its capabilities.
    pub(crate) facts: Value,
    /// The proof of a file that was sent in one request.
    pub(crate) sent: String,
    /// The proof of a file that was sent in parts.
    pub(crate) in_parts: Option<String>,
    /// The proof of a file that was fetched.
    pub(crate) fetched: String,
}

/// One line.
pub(crate) struct Line {
    pub(crate) label: &'static str,
    /// The capabilities it tells.
    pub(crate) facts: &'static [&'static str],
    pub(crate) cell: fn(&Column) -> String,
}

const NO: &str = "–";

fn yes(column: &Column, fact: &str) -> String {
    if column.facts[fact] == true { "yes" } else { NO }.to_owned()
}

fn bytes(value: &Value) -> Option<String> {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let bytes = value.as_u64()?;
    let even = |unit: usize| bytes != 0 && bytes % (1_u64 << (10 * unit)) == 0;
    let unit = (0..UNITS.len()).rev().find(|unit| even(*unit)).unwrap_or(0);
    // Decimal limits stay what they are.
    if unit < 2 && bytes % 1_000_000 == 0 && bytes != 0 {
        return Some(format!("{} MB", bytes / 1_000_000));
    }
    Some(format!("{} {}", bytes >> (10 * unit), UNITS[unit]))
}

fn limit(column: &Column, fact: &str) -> String {
    bytes(&column.facts[fact]).unwrap_or_else(|| "none known".to_owned())
}

/// Green unless it says otherwise.
fn proof(name: &str) -> String {
    match name {
        "server_digest" => "the service's digest",
        "part_digests" => "the service's digest of the parts",
        "read_back" => "fetched back and compared",
        "size_only" => "**size only, not green**",
        other => other,
    }
    .to_owned()
}

fn parts(column: &Column) -> String {
    let rules = &column.facts["parts"];
    let Some(count) = rules["max_count"].as_u64() else { return NO.to_owned() };
    let sizes = format!("{} to {}", bytes(&rules["min"]).unwrap(), bytes(&rules["max"]).unwrap());
    let order = if rules["any_order"] == true { "any order" } else { "in order" };
    let told = if rules["server_lists_parts"] == true { ", the service lists them" } else { "" };
    let etag = if rules["part_md5"] == true { ", each answered with its MD5" } else { "" };
    let from = bytes(&column.facts["parts_from"]).unwrap();
    format!("{sizes}, at most {count}, {order}{told}{etag}; used from {from}")
}

fn digests(column: &Column) -> String {
    let told: Vec<_> = column.facts["digests"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    if told.is_empty() { NO.to_owned() } else { told.join(", ") }
}

pub(crate) const LINES: &[Line] = &[
    Line { label: "**proof of a file sent whole**", facts: &[], cell: |column| proof(&column.sent) },
    Line {
        label: "**proof of a file sent in parts**",
        facts: &[],
        cell: |column| column.in_parts.as_deref().map_or_else(|| NO.to_owned(), proof),
    },
    Line { label: "**proof of a file fetched**", facts: &[], cell: |column| proof(&column.fetched) },
    Line { label: "digests the service tells", facts: &["digests"], cell: digests },
    Line { label: "parts", facts: &["parts", "parts_from"], cell: parts },
    Line {
        label: "largest file in one request",
        facts: &["whole_limit"],
        cell: |column| limit(column, "whole_limit"),
    },
    Line { label: "largest file", facts: &["largest_file"], cell: |column| limit(column, "largest_file") },
    Line { label: "empty files", facts: &["empty_files"], cell: |column| yes(column, "empty_files") },
    Line {
        label: "fetch a byte range, go on after a cut",
        facts: &["ranges"],
        cell: |column| match column.facts["ranges"].as_bool() {
            Some(true) => "yes".to_owned(),
            Some(false) => NO.to_owned(),
            None => "seen at the first one".to_owned(),
        },
    },
    Line { label: "list what is there", facts: &["listable"], cell: |column| yes(column, "listable") },
    Line { label: "make, edit, publish records", facts: &["records"], cell: |column| yes(column, "records") },
    Line { label: "new versions of records", facts: &["versions"], cell: |column| yes(column, "versions") },
    Line {
        label: "older contents of a file are kept",
        facts: &["file_versions"],
        cell: |column| yes(column, "file_versions"),
    },
    Line { label: "delete", facts: &["delete"], cell: |column| yes(column, "delete") },
    Line {
        label: "metadata of a file",
        facts: &["file_metadata"],
        cell: |column| yes(column, "file_metadata"),
    },
    Line { label: "temporary links", facts: &["links"], cell: |column| yes(column, "links") },
    Line {
        label: "fetch a file from a link by itself",
        facts: &["imports_links"],
        cell: |column| yes(column, "imports_links"),
    },
    Line { label: "`/` in names is kept", facts: &["folders"], cell: |column| yes(column, "folders") },
    Line {
        label: "longest name",
        facts: &["name_limit"],
        cell: |column| bytes(&column.facts["name_limit"]).unwrap(),
    },
    Line {
        label: "a name that is taken is refused",
        facts: &["refuses_taken"],
        cell: |column| yes(column, "refuses_taken"),
    },
    Line {
        label: "files announced at once",
        facts: &["announce_at_once"],
        cell: |column| column.facts["announce_at_once"].to_string(),
    },
    Line {
        label: "files in a record",
        facts: &["files_per_record"],
        cell: |column| match column.facts["files_per_record"].as_u64() {
            Some(count) => count.to_string(),
            None => "none known".to_owned(),
        },
    },
];
