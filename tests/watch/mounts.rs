//! File systems of a test's own: an image on a loop device, one in memory, and one that a program serves (FUSE). They need
//! root and the machine's leave; where they cannot be had, a test says that it was skipped.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longest wait for a file system to come or go.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is mounted.
enum Kind {
    Memory { size: &'static str },
    Image { file: PathBuf },
    Served { source: PathBuf },
}

/// A file system that can go and come back.
pub(crate) struct Mount {
    kind: Kind,
    /// What serves it.
    server: Option<Child>,
    point: PathBuf,
    folder: TempDir,
}

impl Mount {
    /// In memory, of that size.
    pub(crate) fn memory(size: &'static str) -> Option<Self> {
        Self::new(|_| Some(Kind::Memory { size }))
    }

    /// An ext4 image of a few MiB on a loop device. What is in it stays when it goes.
    pub(crate) fn image() -> Option<Self> {
        Self::new(|folder| {
            let file = folder.join("disk.img");
            fs::File::create(&file).unwrap().set_len(32 << 20).unwrap();
            runs("mkfs.ext4", [OsStr::new("-q"), OsStr::new("-F"), file.as_os_str()])
                .then_some(Kind::Image { file })
        })
    }

    /// A folder that a program serves, as sshfs and its like do.
    pub(crate) fn served() -> Option<Self> {
        Self::new(|folder| {
            let source = folder.join("served");
            fs::create_dir(&source).unwrap();
            Some(Kind::Served { source })
        })
    }

    fn new(kind: impl FnOnce(&Path) -> Option<Kind>) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let point = folder.path().join("disk");
        fs::create_dir(&point).unwrap();
        let mounted = kind(folder.path()).and_then(|kind| {
            let mut mount = Self { kind, server: None, point, folder };
            mount.come().then_some(mount)
        });
        if mounted.is_none() {
            println!("skipped: this machine lets no test mount a file system of that kind");
        }
        mounted
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.point
    }

    /// The folder it shows, for those who write there without going through it.
    pub(crate) fn source(&self) -> &Path {
        match &self.kind {
            Kind::Served { source } => source,
            _ => &self.point,
        }
    }

    fn is_there(&self) -> bool {
        let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
        let here = device(&self.point);
        here.is_some() && here != device(self.folder.path())
    }

    /// Mounts it; false where that is not allowed.
    pub(crate) fn come(&mut self) -> bool {
        let point = self.point.as_os_str();
        match &self.kind {
            Kind::Memory { size } => {
                let options = format!("size={size},mode=0777");
                let words = ["-t", "tmpfs", "-o", &options, "labferry-suite"].map(OsStr::new);
                runs("mount", words.into_iter().chain([point]))
            }
            Kind::Image { file } => {
                runs("mount", [OsStr::new("-o"), OsStr::new("loop"), file.as_os_str(), point])
            }
            Kind::Served { source } => {
                let mut command = Command::new("bindfs");
                command.arg("-f").arg(source).arg(point).stdin(Stdio::null()).stderr(Stdio::null());
                let Ok(mut server) = command.spawn() else { return false };
                let began = Instant::now();
                while !self.is_there() {
                    if server.try_wait().unwrap().is_some() || began.elapsed() > PATIENCE {
                        let _ = server.kill();
                        let _ = server.wait();
                        return false;
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
                self.server = Some(server);
                true
            }
        }
    }

    /// Its server dies: every question to the file system fails from now on.
    pub(crate) fn die(&mut self) {
        let mut server = self.server.take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }

    /// Takes it away, as when somebody pulls a plug: the empty folder it was mounted on is left.
    pub(crate) fn go(&mut self) {
        // A program may be looking at it just now.
        let began = Instant::now();
        while !runs("umount", [self.point.as_os_str()]) {
            assert!(began.elapsed() < PATIENCE, "{} cannot be unmounted", self.point.display());
            std::thread::sleep(Duration::from_millis(20));
        }
        if let Some(mut server) = self.server.take() {
            server.wait().unwrap();
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = runs("umount", [OsStr::new("-l"), self.point.as_os_str()]);
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// Whether a program ended well; one that is not installed did not.
fn runs<'a>(program: &str, arguments: impl IntoIterator<Item = &'a OsStr>) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}
