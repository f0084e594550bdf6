//! What a file's name says: whether the rule takes it, which run it belongs to, whether it ends one.

use globset::{GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use labferry_model::{NotSent, Unit, WatchRule};
use std::path::{Component, Path};
use unicode_normalization::UnicodeNormalization as _;

/// Names that programs give to files they have not finished, or that systems leave about. From the ignore lists of
/// Nextcloud, rclone, WinSCP and Syncthing, and from what office programs and editors write.
pub const TEMPORARY: [&str; 23] = [
    "*.tmp",
    "*.temp",
    "*.part",
    "*.partial",
    "*.filepart",
    "*.crdownload",
    "*.download",
    "*~",
    "~$*",
    ".~lock.*",
    ".*.sw?",
    "*.lock",
    ".syncthing.*.tmp",
    "~syncthing~*",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    "._*",
    ".TemporaryItems",
    ".nfs*",
    ".fuse_hidden*",
    ".rsync*",
    "*.labferry-part",
];

/// Recycle bins at the top of a disk, on Linux (freedesktop.org's trash specification), macOS and Windows: what was put away
/// is not new.
const RECYCLE_BINS: [&str; 4] = [".Trash", ".Trash-*", ".Trashes", "$RECYCLE.BIN"];

/// Names of folders that are one thing in many files: Bruker and Agilent (`.d`), Waters (`.raw`), OME-Zarr.
const FOLDER_FORMATS: [&str; 3] = [".d", ".raw", ".zarr"];

/// Endings that need each other, in lower case.
const PAIRS: [(&str, &str); 2] = [(".imzml", ".ibd"), (".wiff", ".wiff.scan")];

/// Most patterns of one kind in a rule, and the longest of them: more is a mistake.
const MOST_PATTERNS: usize = 200;
const LONGEST_PATTERN: usize = 300;

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPattern {
    /// The pattern.
    pub pattern: String,
    /// Why.
    pub cause: String,
}

/// What a rule says about names.
#[derive(Debug)]
pub struct NameRules {
    temporary: GlobSet,
    include: Option<GlobSet>,
    exclude: GlobSet,
    markers: Vec<GlobMatcher>,
    sidecar: Option<GlobMatcher>,
    unit: Unit,
    subfolders: bool,
}

/// The run a file belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOf {
    /// The run's name: a path inside the folder.
    pub run: String,
    /// The marker that this file is, by its number.
    pub marker: Option<usize>,
    /// The key, in lower case, of a file without which the run is not complete.
    pub partner: Option<String>,
}

impl NameRules {
    /// What that rule says.
    ///
    /// # Errors
    /// [`BadPattern`] naming the pattern that cannot be used.
    pub fn new(rule: &WatchRule) -> Result<Self, BadPattern> {
        let temporary = if rule.ignore_temporary { &TEMPORARY[..] } else { &[] };
        let temporary: Vec<String> =
            RECYCLE_BINS.iter().chain(temporary).map(|&pattern| pattern.to_owned()).collect();
        let markers = checked(&rule.markers)?.iter().map(|pattern| Ok(glob(pattern)?.compile_matcher()));
        Ok(Self {
            temporary: set(&temporary)?,
            include: if rule.include.is_empty() { None } else { Some(set(&rule.include)?) },
            exclude: set(&rule.exclude)?,
            markers: markers.collect::<Result<_, BadPattern>>()?,
            sidecar: sidecar(rule)?,
            unit: rule.unit,
            subfolders: rule.subfolders,
        })
    }

    /// Whether a file of that key is taken.
    ///
    /// # Errors
    /// Why it is not.
    pub fn judge(&self, key: &str) -> Result<(), NotSent> {
        if key.split('/').any(|part| self.temporary.is_match(part)) {
            return Err(NotSent::Temporary);
        }
        if !self.subfolders && key.contains('/') {
            return Err(NotSent::InSubfolder);
        }
        let name = key.rsplit('/').next().unwrap_or(key);
        if self.sidecar.as_ref().is_some_and(|sidecar| sidecar.is_match(name)) {
            return Err(NotSent::Sidecar);
        }
        let taken = self.include.as_ref().is_none_or(|include| fits(include, key));
        if !taken || fits(&self.exclude, key) { Err(NotSent::Filtered) } else { Ok(()) }
    }

    /// Whether nothing inside a folder of that key can be taken.
    #[must_use]
    pub fn skips_folder(&self, key: &str) -> bool {
        !self.subfolders || key.split('/').any(|part| self.temporary.is_match(part))
    }

    /// The run that a file belongs to; none when it is sent alone.
    #[must_use]
    pub fn run_of(&self, key: &str) -> Option<RunOf> {
        let run = match self.unit {
            Unit::Folder => key.split_once('/').map(|(first, _)| first.to_owned()).or_else(|| group(key)),
            Unit::Group => folder_format(key).or_else(|| group(key)),
            Unit::File => folder_format(key),
        }?;
        let inside = key.strip_prefix(run.as_str()).map_or(key, |rest| rest.trim_start_matches('/'));
        let name = key.rsplit('/').next().unwrap_or(key);
        let marker = self.markers.iter().position(|marker| {
            marker.is_match(if marker.glob().glob().contains('/') { inside } else { name })
        });
        let partner = partner(key).filter(|_| self.unit == Unit::Group);
        Some(RunOf { run, marker, partner })
    }

    /// How many markers end a run.
    #[must_use]
    pub fn markers(&self) -> usize {
        self.markers.len()
    }
}

/// The key of a path inside the folder: with `/`, in Unicode's normal form C; none when a part of it is no text.
#[must_use]
pub fn key_of(inside: &Path) -> Option<String> {
    let mut key = String::new();
    for part in inside.components() {
        let Component::Normal(part) = part else { return None };
        if !key.is_empty() {
            key.push('/');
        }
        key.extend(part.to_str()?.nfc());
    }
    (!key.is_empty()).then_some(key)
}

/// What keys have in common that a file system without case takes for one.
#[must_use]
pub fn folded(key: &str) -> String {
    key.chars().flat_map(char::to_lowercase).nfc().collect()
}

fn fits(patterns: &GlobSet, key: &str) -> bool {
    // A pattern without "/" is about names, as in every ignore list; one with it about the path.
    patterns.is_match(key)
}

/// The outermost folder on the way to a file that is one thing in many files.
fn folder_format(key: &str) -> Option<String> {
    let mut end = 0;
    for part in key.split_inclusive('/') {
        let folder = part.strip_suffix('/')?.to_lowercase();
        end += part.len();
        if FOLDER_FORMATS.iter().any(|ending| folder.len() > ending.len() && folder.ends_with(ending)) {
            return Some(key[..end - 1].to_owned());
        }
    }
    None
}

/// The path without the ending of its last part, with both halves of a double ending.
fn group(key: &str) -> Option<String> {
    let start = key.rfind('/').map_or(0, |at| at + 1);
    let name = &key[start..];
    let lower = name.to_lowercase();
    let double = PAIRS.iter().flat_map(|pair| [pair.0, pair.1]).filter(|ending| lower.ends_with(ending));
    let cut = double.map(str::len).max().map(|length| name.len().saturating_sub(length));
    let cut =
        cut.filter(|cut| name.is_char_boundary(*cut)).or_else(|| name.rfind('.')).filter(|cut| *cut > 0);
    Some(key[..start + cut.unwrap_or(name.len())].to_owned())
}

/// The file, in lower case, that this one is nothing without.
fn partner(key: &str) -> Option<String> {
    let lower = folded(key);
    let mut endings: Vec<(&str, &str)> = PAIRS.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).collect();
    endings.sort_by_key(|(own, _)| std::cmp::Reverse(own.len()));
    endings.into_iter().find_map(|(own, other)| Some(format!("{}{other}", lower.strip_suffix(own)?)))
}

fn checked(patterns: &[String]) -> Result<&[String], BadPattern> {
    let bad = |pattern: &str, cause: String| BadPattern { pattern: pattern.to_owned(), cause };
    if patterns.len() > MOST_PATTERNS {
        return Err(bad(&patterns[MOST_PATTERNS], format!("a rule takes at most {MOST_PATTERNS} patterns")));
    }
    match patterns.iter().find(|pattern| pattern.trim().is_empty() || pattern.len() > LONGEST_PATTERN) {
        Some(pattern) if pattern.trim().is_empty() => Err(bad(pattern, "it is empty".to_owned())),
        Some(pattern) => Err(bad(pattern, format!("it is longer than {LONGEST_PATTERN} bytes"))),
        None => Ok(patterns),
    }
}

fn glob(pattern: &str) -> Result<globset::Glob, BadPattern> {
    GlobBuilder::new(pattern)
        .case_insensitive(true)
        .literal_separator(true)
        .build()
        .map_err(|error| BadPattern { pattern: pattern.to_owned(), cause: error.kind().to_string() })
}

/// What the names of sidecars fit, where those are not sent.
fn sidecar(rule: &WatchRule) -> Result<Option<GlobMatcher>, BadPattern> {
    let Some(sidecar) = rule.sidecar.as_ref().filter(|sidecar| !sidecar.send) else { return Ok(None) };
    let fixed = sidecar.pattern.split("{stem}").flat_map(|part| part.split("{name}")).map(globset::escape);
    Ok(Some(glob(&fixed.collect::<Vec<_>>().join("*"))?.compile_matcher()))
}

fn set(patterns: &[String]) -> Result<GlobSet, BadPattern> {
    let mut set = GlobSetBuilder::new();
    for pattern in checked(patterns)? {
        set.add(glob(pattern)?);
        if !pattern.contains('/') {
            set.add(glob(&format!("**/{pattern}"))?);
        }
    }
    set.build().map_err(|error| BadPattern {
        pattern: error.glob().unwrap_or_default().to_owned(),
        cause: error.kind().to_string(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn rule(set: impl FnOnce(&mut WatchRule)) -> WatchRule {
        let mut rule = WatchRule {
            folder: "/data".into(),
            account: "lab".parse().unwrap(),
            place: "abcd".into(),
            unit: Unit::File,
            subfolders: true,
            include: Vec::new(),
            exclude: Vec::new(),
            ignore_temporary: true,
            quiet: None,
            markers: Vec::new(),
            backlog: labferry_model::Backlog::All,
            on_clash: labferry_model::ClashPolicy::Ask,
            after: labferry_model::AfterUpload::Keep,
            put_away_after: None,
            duplicates: labferry_model::Duplicates::Send,
            path_pattern: None,
            metadata: serde_json_map(),
            record_template: None,
            archive_runs: false,
            poll: None,
            sidecar: None,
            hours: Vec::new(),
            paused: false,
        };
        set(&mut rule);
        rule
    }

    fn serde_json_map() -> labferry_model::Metadata {
        labferry_model::Metadata::new()
    }

    #[test]
    fn names_of_unfinished_files_are_left_out_wherever_they_are() {
        let rules = NameRules::new(&rule(|_| {})).unwrap();
        for name in [
            "a.tmp",
            "A.TMP",
            "run/b.part",
            "~$report.docx",
            ".~lock.x#",
            ".x.swp",
            "x.csv~",
            ".DS_Store",
            "._x",
            ".Trashes/x.tif",
            "deep/er/Thumbs.db",
            "x.crdownload",
        ] {
            assert_eq!(rules.judge(name), Err(NotSent::Temporary), "{name}");
        }
        for name in ["a.tif", "template.txt", "part.csv", "x.tmp.tif", "lockstep"] {
            assert_eq!(rules.judge(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn patterns_without_a_slash_are_about_names_and_others_about_paths() {
        let rules = NameRules::new(&rule(|rule| {
            rule.include = vec!["*.tif".into(), "raw/**/*.csv".into()];
            rule.exclude = vec!["*_preview.tif".into()];
        }))
        .unwrap();
        for name in ["a.tif", "x/y/A.TIF", "raw/a.csv", "raw/x/y.csv"] {
            assert_eq!(rules.judge(name), Ok(()), "{name}");
        }
        for name in ["a.csv", "other/raw/a.csv", "x/a_preview.tif"] {
            assert_eq!(rules.judge(name), Err(NotSent::Filtered), "{name}");
        }
        let flat = NameRules::new(&rule(|rule| rule.subfolders = false)).unwrap();
        assert_eq!(flat.judge("x/a.tif"), Err(NotSent::InSubfolder));
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_named() {
        for pattern in ["[a", "{a,b", " ", &"x".repeat(301)] {
            let bad = NameRules::new(&rule(|rule| rule.exclude = vec![pattern.to_owned()])).unwrap_err();
            assert_eq!(bad.pattern, pattern);
        }
    }

    #[test]
    fn files_know_their_run() {
        let run = |unit: Unit, key: &str| {
            let rules = NameRules::new(&rule(|rule| rule.unit = unit)).unwrap();
            rules.run_of(key).map(|of| (of.run, of.partner))
        };
        let alone = |name: &str| Some((name.to_owned(), None));
        assert_eq!(run(Unit::File, "a/b.tif"), None);
        assert_eq!(run(Unit::File, "x/S1.d/AcqData/MSScan.bin"), alone("x/S1.d"));
        assert_eq!(run(Unit::File, "notes.d"), None, "a file is no folder format");
        assert_eq!(run(Unit::Folder, "run7/sub/a.tif"), alone("run7"));
        assert_eq!(run(Unit::Group, "x/scan.imzML"), Some(("x/scan".into(), Some("x/scan.ibd".into()))));
        assert_eq!(run(Unit::Group, "x/scan.ibd"), Some(("x/scan".into(), Some("x/scan.imzml".into()))));
        assert_eq!(run(Unit::Group, "a.wiff.scan"), Some(("a".into(), Some("a.wiff".into()))));
        assert_eq!(run(Unit::Group, "a.tar.gz"), alone("a.tar"));
        assert_eq!(run(Unit::Group, ".hidden"), alone(".hidden"));
    }

    #[test]
    fn markers_are_found_in_their_run() {
        let rules = NameRules::new(&rule(|rule| {
            rule.unit = Unit::Folder;
            rule.markers = vec!["RTAComplete.txt".into(), "final_summary*.txt".into()];
        }))
        .unwrap();
        assert_eq!(rules.run_of("r1/RTAComplete.txt").unwrap().marker, Some(0));
        assert_eq!(rules.run_of("r1/x/final_summary_7.txt").unwrap().marker, Some(1));
        assert_eq!(rules.run_of("r1/a.bcl").unwrap().marker, None);
    }

    #[test]
    fn ways_to_write_an_accent_are_one_key() {
        assert_eq!(key_of(Path::new("cafe\u{301}/x.csv")), key_of(Path::new("caf\u{e9}/x.csv")));
        assert_eq!(key_of(Path::new("../x")), None);
        assert_eq!(folded("CAFE\u{301}"), folded("caf\u{e9}"));
    }
}
