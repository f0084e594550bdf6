//! Before anything is queued: which files a drop means, and which local names are safe.

use crate::source_file;
use labferry_model::{Problem, ProblemCode};
use std::path::{Path, PathBuf};

/// Folders inside folders that are followed. Deeper ones are refused rather than walked for ever.
const MOST_DEPTH: usize = 64;
/// Longest name of one file or folder on every common file system, in bytes.
const NAME_LIMIT: usize = 255;
/// Longest path below the chosen folder that is made from a service's name, in bytes. Systems end at 1,024 (macOS) or 4,096
/// (Linux) bytes for the whole path.
const PATH_LIMIT: usize = 700;

/// One file to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceItem {
    /// The file.
    pub local: PathBuf,
    /// Its name on the service: the file's own, or its path inside the folder that was given, with `/`, the folder's name
    /// first.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// The files that these files and folders mean, in order of their names, and what cannot be sent and why. Links are
/// followed to files and not to folders, so that a circle of links ends.
#[must_use]
pub fn expand_sources(sources: &[PathBuf]) -> (Vec<SourceItem>, Vec<Problem>) {
    let mut found = (Vec::new(), Vec::new());
    for source in sources {
        let before = (found.0.len(), found.1.len());
        let name = source
            .canonicalize()
            .ok()
            .and_then(|path| path.file_name().map(std::ffi::OsStr::to_os_string))
            .filter(|_| source.file_name().is_none())
            .or_else(|| source.file_name().map(std::ffi::OsStr::to_os_string))
            .unwrap_or_default();
        match name.to_str() {
            Some(name) => add(source, name, 0, &mut found),
            None => found.1.push(refused(source, "its name is no text in UTF-8")),
        }
        if source.is_dir() && before == (found.0.len(), found.1.len()) {
            found.1.push(
                Problem::new(ProblemCode::SourceNotAFile)
                    .about(source.display().to_string())
                    .because("it is a folder without files"),
            );
        }
    }
    found
}

fn refused(path: &Path, why: &str) -> Problem {
    Problem::new(ProblemCode::NameRefused).about(path.display().to_string()).because(why)
}

fn add(path: &Path, name: &str, depth: usize, found: &mut (Vec<SourceItem>, Vec<Problem>)) {
    let info = match std::fs::metadata(path) {
        Ok(info) => info,
        Err(error) => return found.1.push(source_file::problem(path, &error)),
    };
    if info.is_file() {
        return match std::fs::File::open(path) {
            Ok(_) => {
                found.0.push(SourceItem { local: absolute(path), name: name.to_owned(), size: info.len() });
            }
            Err(error) => found.1.push(source_file::problem(path, &error)),
        };
    }
    let not_a_file =
        |why: &str| Problem::new(ProblemCode::SourceNotAFile).about(path.display().to_string()).because(why);
    if !info.is_dir() {
        return found.1.push(not_a_file("it is a device, pipe or socket"));
    }
    if depth >= MOST_DEPTH {
        return found.1.push(not_a_file("its folders are nested too deeply"));
    }
    let entries = match std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => return found.1.push(source_file::problem(path, &error)),
    };
    let mut entries: Vec<_> = entries.into_iter().map(|entry| (entry.file_name(), entry.path())).collect();
    entries.sort();
    for (entry, path) in entries {
        let is_linked_folder = path.is_symlink() && path.is_dir();
        match entry.to_str() {
            Some(_) if is_linked_folder => found.1.push(
                Problem::new(ProblemCode::SourceNotAFile)
                    .about(path.display().to_string())
                    .because("it is a link to a folder, which is not followed: send that folder itself"),
            ),
            Some(entry) => add(&path, &format!("{name}/{entry}"), depth + 1, found),
            None => found.1.push(refused(&path, "its name is no text in UTF-8")),
        }
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// A local name made from a service's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalName {
    /// A relative path with `/`, without any part that leads out of its folder.
    pub name: String,
    /// Whether it differs from the service's.
    pub changed: bool,
}

/// Makes a name that every desktop system takes from one that a service gave: nothing in it leads out of the chosen
/// folder, and nothing is reserved. Rules of Windows: "Naming Files, Paths, and Namespaces", Microsoft Learn.
#[must_use]
pub fn local_name_for(remote: &str) -> LocalName {
    let pieces: Vec<String> =
        remote.split('/').filter(|piece| !piece.is_empty() && *piece != ".").map(safe_piece).collect();
    let mut name = if pieces.is_empty() { "_".to_owned() } else { pieces.join("/") };
    if name.len() > PATH_LIMIT || pieces.len() > MOST_DEPTH {
        // Folders that deep cannot be made everywhere; one file of a shortened name can.
        name = safe_piece(&pieces.join("_"));
    }
    LocalName { changed: name != remote, name }
}

fn safe_piece(piece: &str) -> String {
    const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
    let mut safe: String = piece
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '\\' | '|' | '?' | '*') {
                '_'
            } else {
                c
            }
        })
        .collect();
    let stem = safe.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            rest.chars().count() == 1 && rest.contains(|c| matches!(c, '0'..='9' | '¹' | '²' | '³'))
        })
    };
    if RESERVED.contains(&stem.as_str()) || numbered("com") || numbered("lpt") {
        safe.insert(0, '_');
    }
    // What is cut off may leave a dot or a blank at the end, so the end is seen to last.
    let mut safe = shorten(safe, NAME_LIMIT);
    let kept = safe.trim_end_matches(['.', ' ']).len();
    safe.replace_range(kept.., &"_".repeat(safe.len() - kept));
    safe
}

/// Cuts a name to so many bytes before its ending.
fn shorten(name: String, limit: usize) -> String {
    if name.len() <= limit {
        return name;
    }
    let (stem, ending) = match name.rfind('.').filter(|&dot| dot > 0 && name.len() - dot <= 32) {
        Some(dot) => name.split_at(dot),
        None => (name.as_str(), ""),
    };
    let mut kept = limit - ending.len();
    while !stem.is_char_boundary(kept) {
        kept -= 1;
    }
    format!("{}{ending}", &stem[..kept])
}

/// `scan.tif` → `scan (2).tif`; the ending stays, so that programs still know the file. A folder's dots are no ending.
#[must_use]
pub fn numbered(name: &str, number: u32) -> String {
    let begin = name.rfind('/').map_or(0, |slash| slash + 1);
    let added = format!(" ({number})");
    let last = shorten(name[begin..].to_owned(), NAME_LIMIT - added.len());
    match last.rfind('.').filter(|&dot| dot > 0) {
        Some(dot) => format!("{}{}{added}{}", &name[..begin], &last[..dot], &last[dot..]),
        None => format!("{}{last}{added}", &name[..begin]),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tests::Folder;

    #[test]
    fn hostile_names_stay_inside_their_folder() {
        for hostile in [
            "../../etc/passwd",
            "/etc/passwd",
            "a/../../b",
            "..",
            ".",
            "",
            "\0",
            "C:\\x",
            "..\\..\\x",
            "con",
            "a/./b",
            "x. ",
        ] {
            let LocalName { name, changed } = local_name_for(hostile);
            assert!(changed, "{hostile:?}");
            assert!(!name.is_empty() && !name.starts_with('/'), "{hostile:?}: {name:?}");
            assert!(name.split('/').all(|piece| !matches!(piece, "" | "." | "..")), "{hostile:?}: {name:?}");
            assert!(!name.contains(['\\', ':', '\0']), "{hostile:?}: {name:?}");
        }
        for fine in ["scan.tif", "run 1/scan.tif", "Größe.csv", ".profile", "a..b", "console.log"] {
            assert_eq!(local_name_for(fine), LocalName { name: fine.into(), changed: false });
        }
        let long = local_name_for(&format!("{}.tif", "ü".repeat(40_000)));
        assert!(long.name.len() <= NAME_LIMIT && long.name.ends_with("ü.tif"));
        let cut = local_name_for(&format!("{} x", "a".repeat(NAME_LIMIT - 1)));
        assert!(cut.name.ends_with("a_"), "cut off at a blank: {}", cut.name);
        for (reserved, name) in [("COM1.txt", "_COM1.txt"), ("lpt²", "_lpt²"), ("CONIN$.a.b", "_CONIN$.a.b")]
        {
            assert_eq!(local_name_for(reserved).name, name);
        }
        let deep = local_name_for(&"a/".repeat(32 << 10));
        assert!(deep.name.len() <= NAME_LIMIT && !deep.name.contains('/'), "{deep:?}");
    }

    #[test]
    fn a_folder_means_its_files_and_every_problem_is_told() {
        let folder = Folder::new();
        std::fs::create_dir_all(folder.path("run/sub")).unwrap();
        folder.write("run/b.csv", b"22");
        folder.write("run/sub/a.csv", b"1");
        std::fs::create_dir(folder.path("empty")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path("run"), folder.path("run/circle")).unwrap();
        let sources = [folder.path("run"), folder.path("missing"), folder.path("empty")];
        let (items, problems) = expand_sources(&sources);
        let names: Vec<(&str, u64)> = items.iter().map(|item| (item.name.as_str(), item.size)).collect();
        assert_eq!(names, [("run/b.csv", 2), ("run/sub/a.csv", 1)]);
        let codes: Vec<ProblemCode> = problems.iter().map(|problem| problem.code).collect();
        let linked = ProblemCode::SourceNotAFile;
        let told = [linked, ProblemCode::SourceMissing, ProblemCode::SourceNotAFile];
        assert_eq!(codes, told[usize::from(!cfg!(unix))..], "a circle is told and not walked");
    }

    #[test]
    fn a_number_goes_before_the_ending() {
        assert_eq!(numbered("scan.tif", 2), "scan (2).tif");
        assert_eq!(numbered("run.1/scan", 3), "run.1/scan (3)");
        assert_eq!(numbered(".profile", 2), ".profile (2)");
        assert_eq!(numbered("a/.x.y", 2), "a/.x (2).y");
        let longest = format!("{}.tif", "n".repeat(NAME_LIMIT - 4));
        let next = numbered(&longest, 12);
        assert!(next.len() == NAME_LIMIT && next.ends_with("n (12).tif"), "{next}");
    }
}
