//! A few believable records, so that a new practice lab is not empty.

use std::io;

use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use super::Nrp;
use super::world::{Content, Edition, FileEntry, Record, new_id};

/// One record to be.
struct Sketch {
    title: &'static str,
    description: &'static str,
    owner: u64,
    days_ago: i64,
    is_published: bool,
    files: Vec<(&'static str, Vec<u8>)>,
}

impl Nrp {
    /// Adds the records.
    pub(crate) fn seed(&self) -> io::Result<()> {
        let now = self.now();
        for sketch in sketches(self.users[0].id, self.users[1].id) {
            let created = now.checked_sub(SignedDuration::from_hours(24 * sketch.days_ago)).unwrap_or(now);
            let record = self.drawn(sketch, created)?;
            self.world().put(record)?;
        }
        Ok(())
    }

    fn drawn(&self, sketch: Sketch, created: Timestamp) -> io::Result<Record> {
        let creator = self.users.iter().find(|user| user.id == sketch.owner).map_or("", |user| user.name);
        let mut edition = Edition::new(created);
        edition.metadata = described(&sketch, creator, created);
        for (key, bytes) in &sketch.files {
            let mut file = FileEntry::new(key, created);
            file.metadata = Some(Map::new());
            file.content = Some(Content {
                size: bytes.len() as u64,
                checksum: Some(format!("md5:{}", hex::encode(Md5::digest(bytes)))),
                waits_for_job: false,
                storage_tag: None,
                pieces: vec![self.lab.blobs.store(bytes)?],
            });
            edition.files.insert((*key).to_owned(), file);
        }
        edition.is_locked = sketch.is_published;
        let (published, draft) =
            if sketch.is_published { (Some(edition), None) } else { (None, Some(edition)) };
        Ok(Record {
            id: new_id(),
            parent: new_id(),
            owner: sketch.owner,
            index: 1,
            created,
            published,
            draft,
        })
    }
}

fn described(sketch: &Sketch, creator: &str, created: Timestamp) -> Map<String, Value> {
    let (given, family) = creator.split_once(' ').unwrap_or(("", creator));
    let metadata = json!({
        "title": sketch.title,
        "description": sketch.description,
        "publication_date": created.strftime("%Y-%m-%d").to_string(),
        "publisher": "Practice repository",
        "resource_type": {"id": "dataset", "title": {"en": "Dataset"}},
        "creators": [{"person_or_org": {
            "type": "personal", "given_name": given, "family_name": family, "name": format!("{family}, {given}"),
        }}],
    });
    metadata.as_object().cloned().unwrap_or_default()
}

fn sketches(me: u64, colleague: u64) -> Vec<Sketch> {
    let sketch = |title, description, owner, days_ago, is_published, files| Sketch {
        title,
        description,
        owner,
        days_ago,
        is_published,
        files,
    };
    vec![
        sketch(
            "Plate reader growth curves, E. coli K-12, 37 °C",
            "Optical density at 600 nm, 96 wells, every 10 minutes for 24 hours.",
            me,
            410,
            true,
            vec![("growth_od600.csv", growth_curves()), ("README.txt", readme("growth_od600.csv"))],
        ),
        sketch(
            "HPLC of caffeine standards, C18 column",
            "Five concentrations in triplicate, UV detection at 273 nm.",
            me,
            190,
            true,
            vec![
                ("standards/chromatogram.csv", chromatogram()),
                ("standards/README.txt", readme("chromatogram.csv")),
            ],
        ),
        sketch(
            "Light sheet stack, zebrafish heart, 3 dpf",
            "Raw camera frames of one heartbeat, 16 bit.",
            me,
            12,
            false,
            vec![("frames_0001.raw", camera_frame(512 * 512)), ("acquisition.json", acquisition())],
        ),
        sketch(
            "Cryo-EM screening, grid 14",
            "Nothing uploaded yet: drop the session's movies here.",
            me,
            1,
            false,
            Vec::new(),
        ),
        sketch(
            "Soil moisture, station Ore Mountains 7",
            "Hourly volumetric water content at three depths.",
            colleague,
            75,
            true,
            vec![("moisture.csv", moisture())],
        ),
        sketch("Draft of a colleague", "Visible to its owner only.", colleague, 3, false, Vec::new()),
    ]
}

fn growth_curves() -> Vec<u8> {
    let mut text = String::from("minutes");
    for row in 'A'..='H' {
        for column in 1..=12 {
            text.push_str(&format!(",{row}{column}"));
        }
    }
    text.push('\n');
    for step in 0..=144 {
        let minutes = f64::from(step * 10);
        text.push_str(&format!("{minutes}"));
        for well in 0..96 {
            let lag = 120.0 + f64::from(well % 12) * 9.0;
            let density = 0.05 + 1.3 / (1.0 + (-(minutes - lag - 180.0) / 45.0).exp());
            text.push_str(&format!(",{density:.4}"));
        }
        text.push('\n');
    }
    text.into_bytes()
}

fn chromatogram() -> Vec<u8> {
    let mut text = String::from("minute,mAU_5,mAU_10,mAU_25,mAU_50,mAU_100\n");
    for step in 0..1200 {
        let minute = f64::from(step) / 120.0;
        let peak = (-((minute - 4.2) / 0.11).powi(2)).exp();
        text.push_str(&format!("{minute:.4}"));
        for concentration in [5.0, 10.0, 25.0, 50.0, 100.0] {
            text.push_str(&format!(",{:.3}", 0.4 + 8.7 * concentration * peak));
        }
        text.push('\n');
    }
    text.into_bytes()
}

fn moisture() -> Vec<u8> {
    let mut text = String::from("hour,10cm,30cm,60cm\n");
    for hour in 0..720 {
        let wave = (f64::from(hour) / 61.0).sin();
        text.push_str(&format!(
            "{hour},{:.3},{:.3},{:.3}\n",
            0.31 + 0.05 * wave,
            0.28 + 0.03 * wave,
            0.26 + 0.01 * wave
        ));
    }
    text.into_bytes()
}

fn acquisition() -> Vec<u8> {
    b"{\n  \"pixel_um\": 0.65,\n  \"exposure_ms\": 8,\n  \"frames\": 1,\n  \"shape\": [512, 512]\n}\n"
        .to_vec()
}

fn readme(file: &str) -> Vec<u8> {
    format!("Practice data made by Labferry's practice lab.\n\n{file}: one row a time point, the first line names the columns.\n")
        .into_bytes()
}

/// Noise around a bright spot, 16 bit little endian, the same in every lab.
fn camera_frame(pixels: u32) -> Vec<u8> {
    let mut state: u32 = 0x1ab_f34d;
    let mut frame = Vec::with_capacity(pixels as usize * 2);
    for pixel in 0..pixels {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (x, y) = (f64::from(pixel % 512) - 256.0, f64::from(pixel / 512) - 256.0);
        let spot = 3000.0 * (-(x * x + y * y) / 6000.0).exp();
        let value = 100.0 + spot + f64::from(state >> 27);
        frame.extend_from_slice(&(value as u16).to_le_bytes());
    }
    frame
}
