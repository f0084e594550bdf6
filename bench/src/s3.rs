//! A real S3 server, `rclone serve s3`, on folders of this run, for everybody alike. It lets everybody in, so that no
//! client pays for what another need not do; who signs all the same is the client's affair.

use crate::{Outcome, http};
use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Where the other programs send to.
pub(crate) const BUCKET: &str = "benchbucket";

/// The server in a process of its own; it ends with this.
pub(crate) struct S3Server {
    child: Child,
    pub(crate) url: String,
    folder: PathBuf,
}

/// rclone, as `.ci/setup bench` installs it, or as the system has it.
pub(crate) fn rclone() -> Option<PathBuf> {
    ["LABFERRY_BENCH_RCLONE", "LABFERRY_RCLONE"]
        .iter()
        .filter_map(|name| std::env::var_os(name).map(PathBuf::from))
        .find(|path| path.exists())
        .or_else(|| in_path("rclone"))
}

/// A program of the system.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

impl S3Server {
    pub(crate) fn start(folder: &Path) -> Outcome<Self> {
        let rclone =
            rclone().ok_or("rclone is not installed, and it is the server; `.ci/setup bench` brings it")?;
        std::fs::create_dir_all(folder)?;
        let mut child = Command::new(rclone)
            .args(["serve", "s3", "--addr", "127.0.0.1:0", "--config", "/dev/null"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(child.stderr.take().ok_or("no output")?).lines();
        let url = said.by_ref().find_map(|line| {
            let line = line.ok()?;
            let (_, address) = line.split_once("Starting s3 server on [")?;
            Some(address.split(']').next()?.trim_end_matches('/').to_owned())
        });
        // What it says later must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        let server = Self { child, url: url.ok_or("rclone told no address")?, folder: folder.to_path_buf() };
        http::ask("PUT", &format!("{}/{BUCKET}", server.url), None)?;
        Ok(server)
    }

    /// Processor seconds it has used so far, where the system tells.
    pub(crate) fn cpu(&self) -> f64 {
        crate::machine::cpu_of(self.child.id())
    }

    /// Deletes an object through the server, so that memory does not fill up.
    pub(crate) fn delete(&self, bucket: &str, key: &str) {
        // One that is not there is as good.
        let _ = http::ask("DELETE", &format!("{}/{bucket}/{key}", self.url), None);
    }

    /// The size of an object on its disk, wherever the server keeps the bucket.
    pub(crate) fn size_of(&self, bucket: &str, key: &str) -> Option<u64> {
        std::fs::metadata(self.folder.join(bucket).join(key)).ok().map(|found| found.len())
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
