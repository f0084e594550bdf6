//! What a folder lies on: whether changes there are announced at all, and how many folders the system announces for.

use std::path::Path;

/// The numbers of the disk that a folder is on and of the folder itself, to tell when another one stands in its place.
#[must_use]
pub fn identity(folder: &std::fs::Metadata) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Some((folder.dev(), folder.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// The kind of network file system that the folder is on; none where changes are announced. A FUSE file system counts as
/// one: sshfs and its like announce only what this computer does itself.
#[must_use]
pub fn network(folder: &Path) -> Option<&'static str> {
    #[cfg(target_os = "linux")]
    {
        let found = rustix::fs::statfs(folder).ok()?;
        // Numbers of statfs(2) and of the kernel's magic.h; SMB 2 and 3 have another one than SMB 1.
        #[allow(clippy::unnecessary_cast, reason = "the type of this field differs between systems")]
        match found.f_type as u64 & 0xFFFF_FFFF {
            0x6969 => Some("NFS"),
            0xFF53_4D42 | 0xFE53_4D42 | 0x517B => Some("SMB"),
            0x6573_5546 => Some("FUSE"),
            0x0102_1997 => Some("9P"),
            0x00C3_6400 => Some("Ceph"),
            0x0BD0_0BD0 => Some("Lustre"),
            0x5346_414F | 0x6B41_4653 => Some("AFS"),
            0x4750_4653 => Some("GPFS"),
            0x1983_0326 => Some("BeeGFS"),
            _ => None,
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        // A share named by its server; a drive letter that leads to one is found out by its silence.
        folder.to_string_lossy().starts_with(r"\\").then_some("SMB")
    }
}

/// How many folders the system announces changes for, all programs of this user together; none where there is no limit.
#[must_use]
pub fn announced_folders() -> Option<usize> {
    #[cfg(target_os = "linux")]
    {
        std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok()?.trim().parse().ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        None
    }
}
