//! Records as JSON.

use serde_json::{Value, json};

use super::Nrp;
use super::entry_json::record_files_json;
use super::world::{Edition, Record, World};
use crate::clock::wire_time;

impl Nrp {
    /// A record as its draft or its published address tells it.
    pub(crate) fn record_json(
        &self,
        world: &World,
        caller: Option<u64>,
        record: &Record,
        edition: &Edition,
        is_draft: bool,
    ) -> Value {
        let versions = world.versions(&record.parent);
        let is_latest = world.latest(&record.parent).is_some_and(|latest| latest.id == record.id);
        let is_latest_draft = versions.last().is_some_and(|last| last.id == record.id);
        let status = match (is_draft, record.is_published(), record.index) {
            (false, ..) => "published",
            (true, false, 2..) => "new_version_draft",
            (true, ..) => "draft",
        };
        let may_see_files = edition.files_access == "public" || caller == Some(record.owner);
        let files = if may_see_files {
            record_files_json(edition)
        } else {
            json!({"enabled": edition.files_enabled})
        };
        let is_open = edition.record_access == "public" && edition.files_access == "public";
        let mut links = self.record_links(record, is_draft);
        links["parent"] = self.api(&format!("/records/{}", record.parent)).into();
        json!({
            "id": record.id,
            "created": wire_time(record.created),
            "updated": wire_time(edition.updated),
            "revision_id": edition.revision,
            "links": links,
            "parent": {
                "id": record.parent,
                "access": {"owned_by": {"user": record.owner.to_string()}},
                "communities": {},
            },
            "versions": {"is_latest": is_latest, "is_latest_draft": is_latest_draft, "index": record.index},
            "is_published": record.is_published(),
            "is_draft": is_draft,
            "status": status,
            "access": {
                "record": edition.record_access,
                "files": edition.files_access,
                "embargo": {"active": false, "reason": null},
                "status": if !edition.files_enabled { "metadata-only" } else if is_open { "open" } else { "restricted" },
            },
            "files": files,
            "media_files": {"enabled": false, "order": [], "count": 0, "total_bytes": 0, "entries": {}},
            "metadata": edition.metadata,
            "pids": {},
            "custom_fields": {},
        })
    }

    fn record_links(&self, record: &Record, is_draft: bool) -> Value {
        let published = self.record_link(record);
        let draft = format!("{published}/draft");
        let files = self.files_link(record, is_draft);
        let by_request = self.switches().publish_by_request;
        let mut links = json!({
            "files": files,
            "archive": format!("{files}-archive"),
            "versions": format!("{published}/versions"),
            "latest": format!("{published}/versions/latest"),
            "access_links": format!("{published}/access/links"),
            "communities": format!("{published}/communities"),
        });
        if is_draft {
            links["self"] = draft.clone().into();
            links["self_html"] = self.site(&format!("/uploads/{}", record.id)).into();
            links["preview_html"] = self.site(&format!("/records/{}?preview=1", record.id)).into();
            links["record"] = published.into();
            links["review"] = format!("{draft}/review").into();
            if !by_request {
                links["publish"] = format!("{draft}/actions/publish").into();
            }
        } else {
            links["self"] = published.into();
            links["self_html"] = self.site(&format!("/records/{}", record.id)).into();
            links["draft"] = draft.into();
        }
        links
    }
}
