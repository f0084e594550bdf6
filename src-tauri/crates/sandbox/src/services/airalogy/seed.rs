//! A record of two versions that names two files.

use std::io;

use serde_json::json;
use uuid::Uuid;

use super::world::File;
use super::{Airalogy, PROTOCOL};

/// Fixed, so that documents and guides can name them.
const RECORD: &str = "5f0c2c5e-7a51-4d0e-9c5e-2b7a7f6d1001";

pub(crate) fn fill(airalogy: &Airalogy) -> io::Result<()> {
    let mut ids = Vec::new();
    let files = [
        ("titration.csv", "text/csv", "volume_ml,ph\n0.0,2.91\n5.0,4.74\n10.0,8.72\n".as_bytes().to_vec()),
        (
            "burette.svg",
            "image/svg+xml",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"8\" height=\"8\"/>".to_vec(),
        ),
    ];
    for (name, kind, content) in files {
        let uuid = Uuid::new_v4();
        let piece = airalogy.lab.blobs.store(&content)?;
        let md5 = airalogy.lab.blobs.md5(std::slice::from_ref(&piece))?;
        let file =
            File { protocol: PROTOCOL.into(), name: name.into(), content_type: kind.into(), piece, md5 };
        ids.push(file.id(&uuid));
        airalogy.world().files.insert(uuid, file);
    }
    let Ok(uuid) = RECORD.parse::<Uuid>() else { return Ok(()) };
    let version = |number: u32, volume: f64| {
        json!({
            "airalogy_record_id": format!("airalogy.id.record.{RECORD}.v.{number}"),
            "record_id": RECORD,
            "record_version": number,
            "metadata": {
                "airalogy_protocol_id": PROTOCOL, "protocol_id": "titration", "protocol_version": "0.1.0",
                "record_current_version_submission_time": "2026-11-12T09:30:00",
                "record_current_version_submission_user_id": "robin",
                "record_initial_version_submission_time": "2026-11-12T09:00:00",
                "record_initial_version_submission_user_id": "robin",
                "lab_id": "practice_lab", "project_id": "solvents", "record_num": 1,
            },
            "data": {
                "var": { "solvent_name": "H2O", "solvent_volume": volume, "curve": ids[0], "picture": ids[1] },
                "step": {}, "check": {}, "quiz": {},
            },
        })
    };
    let mut world = airalogy.world();
    world.records.insert(uuid, vec![version(1, 1.0), version(2, 1.5)]);
    world.save()
}
