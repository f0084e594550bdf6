//! One archive of a folder, for services that keep no folders: a ZIP file whose bytes follow from its members alone, with a
//! manifest of their sizes and digests (adr/0011). It is written to a file first, so that it can be sent in parts, gone on
//! with and proven like any other.

use crate::{disk_space, preflight::SourceItem, source_file};
use labferry_model::{Fingerprint, Problem, ProblemCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// The manifest's name. No member has it: theirs begin with the folder's name.
pub const MANIFEST: &str = "manifest.json";
/// Read at once; whether to stop is looked at as often.
const READ: usize = 1 << 20;
/// A member this large needs the format's 64-bit fields; a margin below 4 GiB as the format counts 32 bits.
const LARGE: u64 = 0xFFFF_0000;
/// What the format adds to a member beside twice its name: 30 + 46 bytes of headers, 20 + 28 of 64-bit fields; and at the end
/// of the archive 22 + 76. APPNOTE.TXT 6.3.10, 4.3.
const PER_MEMBER: u64 = 124;
const AT_THE_END: u64 = 98;
/// What the manifest says of a member beside its name: keys, the size's digits and 64 of the digest.
const PER_LINE: u64 = 140;

/// A member and what its bytes were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its path in the archive, with `/`, the folder's name first.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

#[derive(Serialize)]
struct Manifest<'a> {
    files: &'a [Member],
}

/// What lies beside a finished archive: what its members looked like, and what they were.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seal {
    bytes: u64,
    seen: Vec<(String, Fingerprint)>,
    members: Vec<Member>,
}

/// A finished archive. While this lives, nobody takes its file for a leftover.
#[derive(Debug)]
pub struct Packed {
    /// Its bytes.
    pub bytes: u64,
    /// Its members, in order.
    pub members: Vec<Member>,
    _held: File,
}

/// The most bytes that an archive of these files has: what a service's limit and the room on a disk are compared with.
#[must_use]
pub fn most_bytes(items: &[SourceItem]) -> u64 {
    let member = |item: &SourceItem| {
        // Escapes in the manifest's JSON are at most six bytes for one.
        let name = item.name.len() as u64;
        item.size.saturating_add(PER_MEMBER + PER_LINE + 8 * name)
    };
    items.iter().map(member).fold(AT_THE_END + PER_MEMBER + PER_LINE, u64::saturating_add)
}

/// Writes the archive of what `list` gives to the file `to`, with `reserve` bytes kept free on its disk. Where that file is
/// there already and none of its members changed, it is taken as it is. `list` is asked before and after: what came, went
/// or changed meanwhile is a problem, and so is `stop` being set.
///
/// # Errors
/// A disk without room, a file that cannot be read, a folder that changed; nothing is left then but what was there before.
pub fn pack(
    list: &dyn Fn() -> Vec<SourceItem>,
    to: &Path,
    reserve: u64,
    stop: &AtomicBool,
) -> Result<Packed, Problem> {
    let items = list();
    let seen = seen(&items)?;
    if let Some(packed) = as_it_is(to, &seen) {
        return Ok(packed);
    }
    let writing = |error: io::Error| cannot_write(to, &error);
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(writing)?;
    let part = beside(to, ".labferry-part");
    let open = File::options().create(true).truncate(false).read(true).write(true).open(&part);
    let file = open.map_err(writing)?;
    file.try_lock().map_err(|_| {
        Problem::new(ProblemCode::InvalidRequest).because(format!(
            "{} is being written by another Labferry; try again once it is done",
            to.display()
        ))
    })?;
    file.set_len(0).map_err(writing)?;
    let written =
        room(to, &items, reserve).and_then(|()| write(&file, &items, &seen, to, stop)).and_then(|members| {
            let now = list();
            if now != items || self::seen(&now)? != seen {
                return Err(changed(&items));
            }
            let bytes = file.metadata().map_err(writing)?.len();
            let seal = Seal { bytes, seen, members };
            file.sync_all().map_err(writing)?;
            fs::write(beside(to, ".labferry-seal"), serde_json::to_vec(&seal).unwrap_or_default())
                .and_then(|()| fs::rename(&part, to))
                .map_err(writing)?;
            Ok(seal)
        });
    match written {
        Ok(Seal { bytes, members, .. }) => Ok(Packed { bytes, members, _held: file }),
        Err(problem) => {
            // What cannot be removed is found by the next clean-up.
            let _ = fs::remove_file(&part);
            Err(problem)
        }
    }
}

/// The file of that name with something behind it.
fn beside(to: &Path, ending: &str) -> PathBuf {
    let mut name = to.file_name().map(OsString::from).unwrap_or_default();
    name.push(ending);
    to.with_file_name(name)
}

/// What the files look like now.
fn seen(items: &[SourceItem]) -> Result<Vec<(String, Fingerprint)>, Problem> {
    let look = |item: &SourceItem| {
        let found = fs::metadata(&item.local).map_err(|error| source_file::problem(&item.local, &error))?;
        Ok((item.name.clone(), source_file::fingerprint_of(&found)))
    };
    items.iter().map(look).collect()
}

/// The archive that is there, where it is the one of these files.
fn as_it_is(to: &Path, seen: &[(String, Fingerprint)]) -> Option<Packed> {
    let seal: Seal = serde_json::from_slice(&fs::read(beside(to, ".labferry-seal")).ok()?).ok()?;
    let held = File::open(to).ok()?;
    held.try_lock_shared().ok()?;
    let whole = held.metadata().is_ok_and(|found| found.len() == seal.bytes);
    (whole && seal.seen == seen).then_some(Packed { bytes: seal.bytes, members: seal.members, _held: held })
}

fn room(to: &Path, items: &[SourceItem], reserve: u64) -> Result<(), Problem> {
    disk_space::short(to, most_bytes(items), reserve).map_or(Ok(()), Err)
}

fn write(
    file: &File,
    items: &[SourceItem],
    seen: &[(String, Fingerprint)],
    to: &Path,
    stop: &AtomicBool,
) -> Result<Vec<Member>, Problem> {
    let mut zip = ZipWriter::new(BufWriter::with_capacity(READ, file));
    let mut members = Vec::with_capacity(items.len());
    let mut buffer = vec![0; READ];
    for (item, (_, before)) in items.iter().zip(seen) {
        let reading = |error: io::Error| source_file::problem(&item.local, &error);
        let writing = |error: io::Error| cannot_write(to, &error);
        let mut source = File::open(&item.local).map_err(reading)?;
        begin(&mut zip, &item.name, before.size).map_err(writing)?;
        let (mut hash, mut size) = (Sha256::new(), 0_u64);
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(Problem::new(ProblemCode::InvalidRequest)
                    .because(format!("packing {} was stopped", to.display())));
            }
            match source.read(&mut buffer).map_err(reading)? {
                0 => break,
                read => {
                    let bytes = buffer.get(..read).unwrap_or_default();
                    hash.update(bytes);
                    size += read as u64;
                    if size > before.size {
                        return Err(changed(std::slice::from_ref(item)));
                    }
                    zip.write_all(bytes).map_err(writing)?;
                }
            }
        }
        let after = source.metadata().map_err(reading)?;
        if size != before.size || source_file::fingerprint_of(&after) != *before {
            return Err(changed(std::slice::from_ref(item)));
        }
        members.push(Member { path: item.name.clone(), size, sha256: hex::encode(hash.finalize()) });
    }
    let writing = |error: io::Error| cannot_write(to, &error);
    let mut manifest = serde_json::to_vec_pretty(&Manifest { files: &members }).unwrap_or_default();
    manifest.push(b'\n');
    begin(&mut zip, MANIFEST, manifest.len() as u64)
        .and_then(|()| zip.write_all(&manifest))
        .and_then(|()| zip.finish().map_err(io::Error::from))
        .and_then(|mut buffered| buffered.flush())
        .map_err(writing)?;
    Ok(members)
}

/// Begins a member. Nothing in it depends on when and where it is written.
fn begin<W: io::Write + io::Seek>(zip: &mut ZipWriter<W>, name: &str, size: u64) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .large_file(size >= LARGE);
    zip.start_file(name, options).map_err(io::Error::from)
}

fn cannot_write(to: &Path, error: &io::Error) -> Problem {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ProblemCode::DiskFull,
        _ => ProblemCode::FolderNotWritable,
    };
    Problem::new(code).about(to.display().to_string()).because(error.to_string())
}

/// Something in the folder is not as it was when packing began.
fn changed(items: &[SourceItem]) -> Problem {
    let what = match items {
        [one] => one.local.display().to_string(),
        _ => items.first().and_then(|item| item.name.split('/').next()).unwrap_or_default().to_owned(),
    };
    Problem::new(ProblemCode::SourceChanged)
        .about(what)
        .because("it changed while it was put into an archive")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{preflight::expand_sources, tests::Folder};
    use std::cell::Cell;

    static GO: AtomicBool = AtomicBool::new(false);

    fn listing(folder: PathBuf) -> impl Fn() -> Vec<SourceItem> {
        move || expand_sources(std::slice::from_ref(&folder)).0
    }

    fn run(folder: &Folder) -> PathBuf {
        fs::create_dir_all(folder.path("run.d/deep")).unwrap();
        folder.write("run.d/b.bin", b"22");
        folder.write("run.d/a \u{fc}.bin", b"");
        folder.write("run.d/deep/c.bin", &[7; 3 << 20]);
        folder.path("run.d")
    }

    #[test]
    fn the_bytes_follow_from_the_members_and_the_manifest_lists_them() {
        let (one, two) = (Folder::new(), Folder::new());
        let mut archives = Vec::new();
        for folder in [&one, &two] {
            let list = listing(run(folder));
            // Other times, the same bytes.
            let file = File::options().write(true).open(folder.path("run.d/b.bin")).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(archives.len() as u64))
                .unwrap();
            let to = folder.path("out/run.d.zip");
            let packed = pack(&list, &to, 0, &GO).unwrap();
            let bytes = fs::read(&to).unwrap();
            assert_eq!(packed.bytes, bytes.len() as u64);
            assert!(packed.bytes <= most_bytes(&list()), "{} {}", packed.bytes, most_bytes(&list()));
            archives.push(bytes);
        }
        assert!(archives[0] == archives[1], "the same members, other bytes");
        let mut read = zip::ZipArchive::new(io::Cursor::new(&archives[0])).unwrap();
        let names: Vec<String> = read.file_names().map(|name| name.unwrap().into_owned()).collect();
        assert_eq!(names, ["run.d/a \u{fc}.bin", "run.d/b.bin", "run.d/deep/c.bin", MANIFEST]);
        let manifest: serde_json::Value = serde_json::from_reader(read.by_name(MANIFEST).unwrap()).unwrap();
        let files = manifest["files"].as_array().unwrap();
        assert_eq!(files.len(), 3);
        for line in files {
            let mut bytes = Vec::new();
            read.by_name(line["path"].as_str().unwrap()).unwrap().read_to_end(&mut bytes).unwrap();
            assert_eq!(line["size"], bytes.len());
            assert_eq!(line["sha256"], hex::encode(Sha256::digest(&bytes)));
        }
    }

    #[test]
    fn an_archive_of_files_that_are_as_they_were_is_taken_as_it_is() {
        let folder = Folder::new();
        let list = listing(run(&folder));
        let to = folder.path("out/run.d.zip");
        let first = pack(&list, &to, 0, &GO).unwrap().members;
        let number = source_file::fingerprint_of(&fs::metadata(&to).unwrap());
        assert_eq!(pack(&list, &to, 0, &GO).unwrap().members, first);
        assert_eq!(source_file::fingerprint_of(&fs::metadata(&to).unwrap()), number, "written again");
        folder.write("run.d/b.bin", b"333");
        let second = pack(&list, &to, 0, &GO).unwrap();
        assert_ne!(second.members, first);
        drop(second);
        // One that was cut short is no archive.
        File::options().write(true).open(&to).unwrap().set_len(10).unwrap();
        assert!(pack(&list, &to, 0, &GO).unwrap().bytes > 10);
    }

    #[test]
    fn what_changes_meanwhile_what_has_no_room_and_what_is_stopped_leaves_nothing() {
        let folder = Folder::new();
        let list = listing(run(&folder));
        let to = folder.path("out/run.d.zip");
        let code = |result: Result<Packed, Problem>| result.err().map(|problem| problem.code);
        let asked = Cell::new(0);
        let comes = || {
            asked.set(asked.get() + 1);
            if asked.get() == 2 {
                folder.write("run.d/late.bin", b"late");
            }
            list()
        };
        assert_eq!(code(pack(&comes, &to, 0, &GO)), Some(ProblemCode::SourceChanged));
        let grows = || {
            let items = list();
            folder.write("run.d/b.bin", b"longer than before");
            items
        };
        folder.write("run.d/b.bin", b"22");
        assert_eq!(code(pack(&grows, &to, 0, &GO)), Some(ProblemCode::SourceChanged));
        assert_eq!(code(pack(&list, &to, u64::MAX, &GO)), Some(ProblemCode::DiskFull));
        assert_eq!(code(pack(&list, &to, 0, &AtomicBool::new(true))), Some(ProblemCode::InvalidRequest));
        assert_eq!(fs::read_dir(folder.path("out")).unwrap().count(), 0);
        // Killed on the way: what it left is written over.
        folder.write("out/run.d.zip.labferry-part", &[1; 100]);
        pack(&list, &to, 0, &GO).unwrap();
        assert!(zip::ZipArchive::new(File::open(&to).unwrap()).is_ok());
    }
}
