//! A handful of files, one of each type.

use std::io;

use super::{Aymara, WORKSPACE};

pub(crate) fn fill(aymara: &Aymara) -> io::Result<()> {
    // A video file's first box and an empty second one: enough to be known as one.
    let video = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08mdat".to_vec();
    let files: [(&str, Option<&str>, Vec<u8>); 5] = [
        ("notes/scoring.md", None, b"# Scoring\n\nTwo readers, blind to each other.\n".to_vec()),
        ("answers.csv", Some(WORKSPACE), b"question,answer\n1,yes\n2,no\n".to_vec()),
        ("protocol.pdf", Some(WORKSPACE), b"%PDF-1.4\n%%EOF\n".to_vec()),
        (
            "plate.svg",
            Some(WORKSPACE),
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"8\" height=\"8\"/>".to_vec(),
        ),
        ("walk.mp4", Some(WORKSPACE), video),
    ];
    for (name, workspace, content) in files {
        let (uuid, mut file) =
            aymara.announce(&aymara.users[0], name, false, None, workspace.map(str::to_owned));
        let piece = aymara.lab.blobs.store(&content)?;
        let md5 = aymara.lab.blobs.md5(std::slice::from_ref(&piece))?;
        file.content = Some((piece, md5));
        file.size_is_known = true;
        file.polls = u32::MAX;
        aymara.world().files.insert(uuid, file);
    }
    aymara.world().save()
}
