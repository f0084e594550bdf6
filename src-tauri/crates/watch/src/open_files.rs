//! Which files programs have open for writing, as far as the system tells us: on Linux those of our own user's processes.
//! What is found only ever holds a file back.

use std::{collections::HashSet, path::PathBuf};

/// The files at and below `root` that a process has open for writing.
#[must_use]
pub(crate) fn open_for_writing(root: &std::path::Path) -> HashSet<PathBuf> {
    #[cfg(target_os = "linux")]
    {
        linux::open_for_writing(root)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = root;
        HashSet::new()
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        collections::HashSet,
        fs,
        path::{Path, PathBuf},
    };

    pub(super) fn open_for_writing(root: &Path) -> HashSet<PathBuf> {
        // The kernel shows real paths: links on the way to the folder are none there.
        let real = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbered = processes.filter(|entry| {
            entry.file_name().to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        });
        let mut open = HashSet::new();
        for process in numbered {
            // Those of other users are closed to us.
            let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
            for file in files.flatten() {
                let Ok(leads_to) = fs::read_link(file.path()) else { continue };
                let Ok(inside) = leads_to.strip_prefix(&real) else { continue };
                let flags = process.path().join("fdinfo").join(file.file_name());
                if fs::read_to_string(flags).is_ok_and(|info| writes(&info)) {
                    open.insert(root.join(inside));
                }
            }
        }
        open
    }

    /// Whether the flags in `/proc/PID/fdinfo/N`, octal as in open(2), say write-only or read and write.
    fn writes(info: &str) -> bool {
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        flags
            .and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok())
            .is_some_and(|flags| flags & 0o3 != 0)
    }

    #[cfg(test)]
    #[allow(clippy::unwrap_used)]
    mod tests {
        use super::*;

        #[test]
        fn a_file_is_held_while_somebody_writes_it_and_not_while_somebody_reads() {
            let folder = tempfile::tempdir().unwrap();
            let (written, read) = (folder.path().join("written"), folder.path().join("read"));
            fs::write(&read, b"x").unwrap();
            let writer = fs::File::create(&written).unwrap();
            let reader = fs::File::open(&read).unwrap();
            assert_eq!(open_for_writing(folder.path()), HashSet::from([written]));
            drop((writer, reader));
            assert_eq!(open_for_writing(folder.path()), HashSet::new());
        }
    }
}
