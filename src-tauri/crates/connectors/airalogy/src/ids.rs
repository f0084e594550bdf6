//! The service's ids: how they look, and where they stand inside records.

use serde_json::Value;
use std::collections::BTreeSet;

/// What every file id begins with.
const FILE: &str = "airalogy.id.file.";
/// What every record id begins with.
const RECORD: &str = "airalogy.id.record.";
/// Characters of a UUID as text.
const UUID: usize = 36;
/// Deepest value of a record that is looked through; deeper ones are somebody's mistake.
const DEEPEST: usize = 64;

/// Whether this is a file's id: prefix, UUID and, where the server gives one, a dot and an extension.
pub(crate) fn is_file(id: &str) -> bool {
    id.strip_prefix(FILE).is_some_and(|rest| {
        rest.get(..UUID).is_some_and(is_uuid) && matches!(rest.as_bytes().get(UUID), None | Some(b'.'))
    })
}

/// Whether this is a record's id with its version.
pub(crate) fn is_record(id: &str) -> bool {
    id.strip_prefix(RECORD).and_then(|rest| rest.split_once(".v.")).is_some_and(|(uuid, version)| {
        is_uuid(uuid) && version.parse::<u32>().is_ok_and(|version| version > 0)
    })
}

/// Whether this is a protocol's id, long with its version or short.
pub(crate) fn is_protocol(id: &str) -> bool {
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let long = id.starts_with("airalogy.id.lab.") && id.split('.').count() >= 12;
    let short = id.strip_prefix("airalogy.id.protocol.").is_some_and(is_uuid);
    plain && (long || short)
}

fn is_uuid(text: &str) -> bool {
    text.len() == UUID
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The extension that a file's id ends in, with the id's UUID cut off; empty where there is none.
pub(crate) fn extension(id: &str) -> &str {
    id.strip_prefix(FILE).and_then(|rest| rest.get(UUID + 1..)).unwrap_or_default()
}

/// The protocol's own name in the long form, for people.
pub(crate) fn protocol_title(id: &str) -> String {
    let pieces: Vec<&str> = id.split('.').collect();
    let after = |word: &str| pieces.iter().position(|piece| *piece == word).and_then(|at| pieces.get(at + 1));
    match (after("protocol"), after("project")) {
        (Some(protocol), Some(project)) => format!("{protocol} ({project})"),
        _ => id.to_owned(),
    }
}

/// Every file id in the texts of a record, Markdown included, each once and in order.
pub(crate) fn files_in(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, 0, &mut found);
    found
}

fn collect(value: &Value, depth: usize, found: &mut BTreeSet<String>) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::String(text) => {
            for (at, _) in text.match_indices(FILE) {
                let id: String = text[at..]
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
                    .collect();
                // A sentence may end right behind an id.
                let id = id.trim_end_matches('.');
                if is_file(id) {
                    found.insert(id.to_owned());
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, depth + 1, found)),
        Value::Object(members) => members.values().for_each(|member| collect(member, depth + 1, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const UUID_TEXT: &str = "0190c7a1-1111-7222-8333-444455556666";

    #[test]
    fn ids_are_told_apart() {
        assert!(is_file(&format!("airalogy.id.file.{UUID_TEXT}.png")));
        assert!(is_file(&format!("airalogy.id.file.{UUID_TEXT}")));
        assert!(is_file(&format!("airalogy.id.file.{UUID_TEXT}.my file")));
        assert_eq!(extension(&format!("airalogy.id.file.{UUID_TEXT}.tar gz")), "tar gz");
        for wrong in
            [UUID_TEXT, "airalogy.id.file.", "airalogy.id.file.x.png", "", "airalogy.id.record.x.v.1"]
        {
            assert!(!is_file(wrong), "{wrong}");
        }
        assert!(is_record(&format!("airalogy.id.record.{UUID_TEXT}.v.2")));
        assert!(!is_record(&format!("airalogy.id.record.{UUID_TEXT}")));
        assert!(!is_record(&format!("airalogy.id.record.{UUID_TEXT}.v.0")));
        let long = "airalogy.id.lab.l.project.p.protocol.q.v.0.0.1";
        assert!(is_protocol(long) && is_protocol(&format!("airalogy.id.protocol.{UUID_TEXT}")));
        assert!(!is_protocol("airalogy.id.lab.l.project.p.protocol.q") && !is_protocol("../x"));
        assert_eq!(protocol_title(long), "q (p)");
    }

    #[test]
    fn files_are_found_wherever_a_record_names_them() {
        let id = |ending: &str| format!("airalogy.id.file.{UUID_TEXT}{ending}");
        let record = json!({ "var": { "a": id(".png"), "b": [{ "c": format!("see ![x]({}) and {}.", id(".csv"), id("")) }] },
            "n": 5, "id": "airalogy.id.file.short" });
        let found: Vec<String> = files_in(&record).into_iter().collect();
        assert_eq!(found, [id(""), id(".csv"), id(".png")]);
    }
}
