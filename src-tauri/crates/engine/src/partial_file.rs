//! A download on its way to its name: written beside it as `.NAME.NUMBER.labferry-part`, seen under its own name only when it
//! is whole and proven.

use bytes::Bytes;
use labferry_model::{PartPlan, Problem, ProblemCode, TransferId};
use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Bytes from which on room is taken beforehand; a smaller file lies together anyway, and is spared the call.
const RESERVED_FROM: u64 = 4 << 20;

/// What Linux calls a file system in memory (statfs(2)).
#[cfg(target_os = "linux")]
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

/// A file that grows beside its destination.
#[derive(Clone)]
pub(crate) struct PartialFile {
    path: PathBuf,
    destination: PathBuf,
}

/// A failure to write, with the file's name.
pub(crate) fn problem(path: &Path, error: &io::Error) -> Problem {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ProblemCode::DiskFull,
        io::ErrorKind::AlreadyExists => ProblemCode::DestinationExists,
        _ => ProblemCode::FolderNotWritable,
    };
    Problem::new(code).about(path.display().to_string()).because(error.to_string())
}

impl PartialFile {
    /// Each transfer has its own, so that two with the same destination never write into one file.
    pub(crate) fn beside(destination: &Path, id: TransferId) -> Self {
        let name =
            destination.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A long name leaves no room for the ending: 255 bytes is the limit of every common file system.
        let mut kept = name.len().min(210);
        while !name.is_char_boundary(kept) {
            kept -= 1;
        }
        let path = destination.with_file_name(format!(".{}.{id}.labferry-part", &name[..kept]));
        Self { path, destination: destination.to_path_buf() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder and a new, empty file. One that is there is removed and not emptied, so that a late write of an
    /// earlier run does not land in this one.
    pub(crate) fn prepare(&self) -> Result<(), Problem> {
        if let Some(folder) = self.destination.parent() {
            std::fs::create_dir_all(folder).map_err(|error| problem(folder, &error))?;
        }
        self.remove();
        OpenOptions::new()
            .create_new(true)
            .write(true)
            .open(&self.path)
            .map(drop)
            .map_err(|error| problem(&self.path, &error))
    }

    /// Takes the room for `size` bytes at once, where the file system can: pieces of one file then lie together although they
    /// are written in any order, and nobody else takes the room meanwhile. Its length stays what was written.
    pub(crate) fn reserve(&self, size: u64) -> Result<(), Problem> {
        if size < RESERVED_FROM {
            return Ok(());
        }
        // Elsewhere a reservation changes the file's length or writes zeros.
        #[cfg(target_os = "linux")]
        {
            use rustix::{
                fs::{FallocateFlags, fallocate, fstatfs},
                io::Errno,
            };
            let file = OpenOptions::new()
                .write(true)
                .open(&self.path)
                .map_err(|error| problem(&self.path, &error))?;
            // In memory nothing lies together, and a page taken beforehand is filled with zeros first.
            if fstatfs(&file).is_ok_and(|found| found.f_type == TMPFS_MAGIC) {
                return Ok(());
            }
            if let Err(error @ (Errno::NOSPC | Errno::DQUOT)) =
                fallocate(&file, FallocateFlags::KEEP_SIZE, 0, size)
            {
                return Err(problem(&self.path, &error.into()));
            }
        }
        Ok(())
    }

    /// Bytes it takes on the disk now, as far as the system tells.
    pub(crate) fn allocated(&self) -> u64 {
        let Ok(found) = std::fs::metadata(&self.path) else { return 0 };
        #[cfg(unix)]
        // POSIX leaves the unit of `st_blocks` open; it is 512 bytes on Linux, macOS and the BSDs.
        let allocated = std::os::unix::fs::MetadataExt::blocks(&found).saturating_mul(512);
        #[cfg(not(unix))]
        let allocated = found.len();
        allocated
    }

    /// Whether it is there.
    pub(crate) fn exists(&self) -> bool {
        self.path.is_file()
    }

    /// Opens it for writing.
    pub(crate) fn open(&self) -> Result<Writing, Problem> {
        let file =
            OpenOptions::new().write(true).open(&self.path).map_err(|error| problem(&self.path, &error))?;
        Ok(Writing(Arc::new(file)))
    }

    /// CRC-32C of a part as it is on the disk; `None` when the file ends before it.
    pub(crate) fn sum(&self, part: PartPlan) -> io::Result<Option<u32>> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = File::open(&self.path)?;
        if file.metadata()?.len() < part.end() {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(part.offset))?;
        let mut left = file.take(part.length);
        let mut buffer = vec![0; 1 << 20];
        let mut sum = 0;
        loop {
            let read = left.read(&mut buffer)?;
            if read == 0 {
                return Ok(Some(sum));
            }
            sum = crc32c::crc32c_append(sum, &buffer[..read]);
        }
    }

    /// Gives the whole file its name, safe against a power cut. `replace` decides what happens to a file of that name.
    pub(crate) fn finish(&self, size: u64, replace: bool) -> Result<(), Problem> {
        let failed = |error: &io::Error| problem(&self.destination, error);
        let file = OpenOptions::new().write(true).open(&self.path).map_err(|error| failed(&error))?;
        file.set_len(size).and_then(|()| file.sync_all()).map_err(|error| failed(&error))?;
        drop(file);
        if replace {
            std::fs::rename(&self.path, &self.destination).map_err(|error| failed(&error))?;
        } else {
            // A link fails where the name is taken, a rename would overwrite it. Where the file system has no links,
            // looking first is the best there is.
            match std::fs::hard_link(&self.path, &self.destination) {
                Ok(()) => {
                    let _ = std::fs::remove_file(&self.path);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(failed(&error)),
                Err(_) if self.destination.exists() => {
                    return Err(failed(&io::Error::from(io::ErrorKind::AlreadyExists)));
                }
                Err(_) => std::fs::rename(&self.path, &self.destination).map_err(|error| failed(&error))?,
            }
        }
        #[cfg(unix)]
        if let Some(folder) = self.destination.parent().and_then(|folder| File::open(folder).ok()) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    /// Removes it, when it is there.
    pub(crate) fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The open file, for several writers at once.
#[derive(Clone)]
pub(crate) struct Writing(Arc<File>);

impl Writing {
    /// Writes these pieces one after the other from that byte on. It blocks.
    pub(crate) fn write(&self, mut offset: u64, pieces: &[Bytes]) -> io::Result<()> {
        for piece in pieces {
            self.write_piece(offset, piece)?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    #[cfg(unix)]
    fn write_piece(&self, offset: u64, piece: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&*self.0, piece, offset)
    }

    #[cfg(windows)]
    fn write_piece(&self, mut offset: u64, mut piece: &[u8]) -> io::Result<()> {
        while !piece.is_empty() {
            let written = std::os::windows::fs::FileExt::seek_write(&*self.0, piece, offset)?;
            if written == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero));
            }
            piece = &piece[written..];
            offset += written as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tests::Folder;

    #[test]
    fn a_file_gets_its_name_only_when_it_is_whole() {
        let folder = Folder::new();
        let destination = folder.path("sub/scan.tif");
        let partial = PartialFile::beside(&destination, TransferId(1));
        partial.prepare().unwrap();
        std::fs::write(partial.path(), b"abcdef").unwrap();
        let part = PartPlan { number: 2, offset: 3, length: 3 };
        assert_eq!(partial.sum(part).unwrap(), Some(crc32c::crc32c(b"def")));
        assert_eq!(partial.sum(PartPlan { length: 4, ..part }).unwrap(), None);
        assert!(!destination.exists());
        partial.finish(6, false).unwrap();
        assert_eq!(std::fs::read(&destination).unwrap(), b"abcdef");
        assert!(!partial.path().exists());
    }

    #[test]
    fn a_file_that_is_there_is_not_overwritten() {
        let folder = Folder::new();
        let destination = folder.write("scan.tif", b"old");
        let partial = PartialFile::beside(&destination, TransferId(1));
        partial.prepare().unwrap();
        assert_eq!(partial.finish(0, false).unwrap_err().code, ProblemCode::DestinationExists);
        assert_eq!(std::fs::read(&destination).unwrap(), b"old");
        partial.finish(0, true).unwrap();
        assert_eq!(std::fs::read(&destination).unwrap(), b"");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn room_is_taken_and_the_length_stays() {
        let folder = Folder::new();
        let partial = PartialFile::beside(&folder.path("scan.tif"), TransferId(1));
        partial.prepare().unwrap();
        partial.reserve(RESERVED_FROM).unwrap();
        assert_eq!(std::fs::metadata(partial.path()).unwrap().len(), 0);
        // A file system that cannot reserve takes nothing.
        assert!([0, RESERVED_FROM].contains(&partial.allocated()), "{}", partial.allocated());
        let problem = partial.reserve(u64::MAX >> 1).err().map(|problem| problem.code);
        assert!(matches!(problem, None | Some(ProblemCode::DiskFull)), "{problem:?}");
    }

    #[test]
    fn the_longest_name_has_a_partial_file() {
        let folder = Folder::new();
        let partial = PartialFile::beside(&folder.path(&"ü".repeat(127)), TransferId(i64::MAX));
        partial.prepare().unwrap();
        partial.remove();
        assert!(!partial.path().exists());
    }
}
