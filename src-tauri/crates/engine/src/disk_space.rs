//! Room on the disk that a download goes to.

use labferry_model::{Problem, ProblemCode};
use std::{io, path::Path};

/// Bytes free where that file is or will be; `None` where the system does not tell.
pub(crate) fn free(path: &Path) -> Option<u64> {
    let mut folder = path.parent();
    while let Some(missing) = folder.filter(|folder| !folder.exists()) {
        folder = missing.parent();
    }
    fs4::available_space(folder?).ok()
}

/// Why `needed` more bytes have no room beside the `reserve` that is kept free; none when they have.
pub(crate) fn short(path: &Path, needed: u64, reserve: u64) -> Option<Problem> {
    let free = free(path)?;
    (free < needed.saturating_add(reserve)).then(|| {
        Problem::new(ProblemCode::DiskFull).about(path.display().to_string()).because(format!(
            "{needed} bytes are still to come and {free} are free, of which {reserve} are kept free"
        ))
    })
}

/// Fails once less than the reserve is free, whoever took the rest.
pub(crate) fn watch(path: &Path, reserve: u64) -> io::Result<()> {
    match free(path) {
        Some(free) if free < reserve => Err(io::Error::new(
            io::ErrorKind::StorageFull,
            format!("only {free} bytes are free, and {reserve} are kept free"),
        )),
        _ => Ok(()),
    }
}
