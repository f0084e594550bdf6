//! A project with two collections and a few objects, a project of a colleague, and one that may only be read.

use std::collections::BTreeMap;
use std::io;

use super::Aruna;
use super::asked::KeyValue;
use super::callers::USERS;
use super::ids;
use super::staging::{blank, make_available};
use super::world::{Collection, Content, Project, Right};

impl Aruna {
    /// Adds them.
    pub(super) fn plant(&self) -> io::Result<()> {
        let [robin, kim] = &USERS;
        let own = self.plant_project(
            "zebrafish-heart",
            "Light sheet imaging of the beating heart, 2 to 5 days after fertilisation.",
            &[(robin.id, Right::Admin), (kim.id, Right::Append)],
        )?;
        let frames = self.plant_collection(&own, "raw-frames", "Camera frames as they were recorded.")?;
        self.plant_object(&frames, "2024-03-18", "frame_0001.raw", &[("stage", "3 dpf")], &frame())?;
        self.plant_object(&frames, "2024-03-18", "acquisition.json", &[], ACQUISITION)?;
        self.plant_collection(&own, "analysis", "Nothing here yet: drop the results of the segmentation.")?;
        let shared = self.plant_project(
            "reference-genomes",
            "Kept by a colleague; you may read it.",
            &[(kim.id, Right::Admin), (robin.id, Right::Read)],
        )?;
        let danio = self.plant_collection(&shared, "danio-rerio", "Excerpts for practising.")?;
        self.plant_object(&danio, "", "chr1-excerpt.fa", &[("assembly", "GRCz11")], EXCERPT)?;
        self.plant_project("colleagues-only", "Visible to its members only.", &[(kim.id, Right::Admin)])?;
        Ok(())
    }

    fn plant_project(&self, name: &str, description: &str, rights: &[(&str, Right)]) -> io::Result<String> {
        let id = ids::new_id(self.now());
        let rights: BTreeMap<_, _> =
            rights.iter().map(|(user, right)| ((*user).to_owned(), *right)).collect();
        let project =
            Project { id: id.clone(), name: name.to_owned(), description: description.to_owned(), rights };
        self.world().put_project(project)?;
        Ok(id)
    }

    fn plant_collection(&self, project: &str, name: &str, description: &str) -> io::Result<String> {
        let id = ids::new_id(self.now());
        let collection = Collection {
            id: id.clone(),
            project: project.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            labels: Vec::new(),
            hooks: Vec::new(),
            required_labels: Vec::new(),
            is_public: false,
            version: None,
            created: self.now(),
        };
        self.world().put_collection(collection)?;
        Ok(id)
    }

    fn plant_object(
        &self,
        collection: &str,
        sub_path: &str,
        filename: &str,
        labels: &[(&str, &str)],
        bytes: &[u8],
    ) -> io::Result<()> {
        let mut object = blank(self, collection);
        filename.clone_into(&mut object.filename);
        sub_path.clone_into(&mut object.sub_path);
        let label = |(key, value): &(&str, &str)| KeyValue { key: (*key).into(), value: (*value).into() };
        object.labels = labels.iter().map(label).collect();
        let pieces = vec![self.lab.blobs.store(bytes)?];
        object.content = Some(Content { pieces, digests: None, outside: None });
        make_available(self, &mut self.world(), object)
            .map_err(|error| io::Error::other(format!("{error:?}")))
    }
}

const ACQUISITION: &[u8] =
    b"{\n  \"pixel_um\": 0.65,\n  \"exposure_ms\": 8,\n  \"frames\": 1,\n  \"shape\": [256, 256]\n}\n";
const EXCERPT: &[u8] = b">practice excerpt, not a real sequence\nACGTACGTTAGCATCGATCGATTACGATCGATCGGCTA\n";

/// Noise around a bright spot, 16 bit little endian, the same in every lab.
fn frame() -> Vec<u8> {
    let mut state: u32 = 0x51_f0a1;
    let mut bytes = Vec::with_capacity(256 * 256 * 2);
    for pixel in 0..256 * 256_u32 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (x, y) = (f64::from(pixel % 256) - 128.0, f64::from(pixel / 256) - 128.0);
        let value = 100.0 + 3000.0 * (-(x * x + y * y) / 2000.0).exp() + f64::from(state >> 27);
        bytes.extend_from_slice(&(value as u16).to_le_bytes());
    }
    bytes
}
