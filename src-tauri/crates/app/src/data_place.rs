//! Where a Labferry keeps its data when nobody says where.

use std::path::PathBuf;

/// The usual data folder: `labferry` in the system's folder for application data of this user (on Linux
/// `$XDG_DATA_HOME` or `~/.local/share`). Window and command line share it. None where the system tells no such folder,
/// for example for a service user without a home.
#[must_use]
pub fn default_data_folder() -> Option<PathBuf> {
    dirs::data_local_dir().map(|folder| folder.join("labferry"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_named_after_the_program_and_absolute() {
        if let Some(folder) = default_data_folder() {
            assert!(folder.is_absolute() && folder.ends_with("labferry"), "{}", folder.display());
        }
    }
}
