//! A small research programme, so that a new practice lab is not empty.

use std::collections::BTreeMap;
use std::io;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::activities::set_property;
use super::world::{Contents, Field, Held, Record, RecordValue, StoredFile, new_id};
use super::{Kaleidoscope, WORKSPACES};
use crate::blobs::Piece;

impl Kaleidoscope {
    /// Adds activities, records and files.
    pub(crate) fn seed(&self) -> io::Result<()> {
        let now = self.now();
        let curve = melting_curve();
        let report =
            b"Practice data made by Labferry's practice lab.\nAll samples within specification.\n".to_vec();
        let stored = [self.lab.blobs.store(&curve)?, self.lab.blobs.store(&report)?];
        self.world().change(|contents| fill(contents, now, stored))
    }

    /// The newest record's place in its activity.
    pub(crate) fn example_place(&self) -> Option<String> {
        let world = self.world();
        let ours = world.contents().records.iter().filter(|record| record.workspace == WORKSPACES[0].0);
        let record = ours.max_by_key(|record| record.created)?;
        let field = world.contents().data_fields.iter().find(|field| field.kind == "file")?;
        let activity = record.activities.keys().next()?;
        Some(format!("activities/{activity}/records/{}/fields/{}", record.id, field.id))
    }
}

fn fill(contents: &mut Contents, now: Timestamp, [curve, report]: [Piece; 2]) {
    let workspace = WORKSPACES[0].0;
    let ago = |days: i64| now.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(now);
    contents.data_fields.push(Field { id: new_id(), name: "Gel image".into(), kind: "image".into() });
    let program = (new_id(), "Thermostable lipases".to_owned());
    let mut project = contents.new_activity(workspace, "Lipase engineering, round 3", "project", ago(60));
    project.programs = vec![program.0.clone()];
    project.status = "in progress".into();
    contents.programs.push(program);
    let mut melting =
        contents.new_activity(workspace, "Melting curves of the variants", "experiment", ago(12));
    melting.parent = Some(project.id.clone());
    melting.status = "in progress".into();
    let mut gels = contents.new_activity(workspace, "Purity by gel", "experiment", ago(3));
    gels.parent = Some(project.id.clone());
    let mut theirs = contents.new_activity(WORKSPACES[1].0, "Somebody else's project", "project", ago(20));
    theirs.status = "done".into();

    let raw = contents.data_fields.iter().find(|field| field.kind == "file").map(|field| field.id.clone());
    let raw = raw.unwrap_or_default();
    for (number, days) in [(1, 11), (2, 10), (3, 2)] {
        let mut record = Record {
            id: new_id(),
            workspace: workspace.to_owned(),
            key: format!("LIP-{number:03}"),
            created: ago(days),
            activities: BTreeMap::from([(melting.id.clone(), ago(days))]),
            values: BTreeMap::new(),
        };
        let concentration = contents.data_fields.iter().find(|field| field.kind == "number");
        if let Some(field) = concentration {
            let content = Held::Plain(Value::String(format!("{}", 100 + 13 * number)));
            record.values.insert(field.id.clone(), vec![value(content, ago(days), &melting.id)]);
        }
        if number == 1 {
            let file =
                file("melting_LIP-001.csv", "text/csv", &record.id, &melting.id, curve.clone(), ago(days));
            let content = Held::File(file.id.clone());
            record.values.insert(raw.clone(), vec![value(content, ago(days), &melting.id)]);
            contents.files.push(file);
        }
        melting.records.push(record.id.clone());
        contents.records.push(record);
    }
    let report_field =
        contents.property_fields.iter().find(|field| field.kind == "file").map(|field| &field.id);
    let property = gels.properties.iter().find(|property| Some(&property.field) == report_field);
    let property = property.map(|property| property.id.clone()).unwrap_or_default();
    let file = file("purity report.txt", "text/plain", &property, &gels.id, report, ago(2));
    let content = Held::File(file.id.clone());
    contents.files.push(file);
    contents.activities.extend([project, melting, gels, theirs]);
    set_property(&mut contents.activities, &property, content, ago(2));
}

fn value(content: Held, created: Timestamp, activity: &str) -> RecordValue {
    RecordValue { id: new_id(), content, created, activity: Some(activity.to_owned()), view: None }
}

fn file(
    name: &str,
    media_type: &str,
    holder: &str,
    activity: &str,
    piece: Piece,
    created: Timestamp,
) -> StoredFile {
    StoredFile {
        id: new_id(),
        workspace: WORKSPACES[0].0.to_owned(),
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        holder: holder.to_owned(),
        activity: Some(activity.to_owned()),
        size: piece.length,
        pieces: vec![piece],
        created,
    }
}

fn melting_curve() -> Vec<u8> {
    let mut text = String::from("celsius,fluorescence\n");
    for step in 0..700 {
        let celsius = 25.0 + f64::from(step) / 10.0;
        let folded = 1.0 / (1.0 + ((celsius - 61.4) / 1.9).exp());
        text.push_str(&format!("{celsius:.1},{:.4}\n", 0.08 + 0.9 * (1.0 - folded)));
    }
    text.into_bytes()
}
