//! The other programs, each told the same part size and concurrency in its own words.

use super::{AT_ONCE, PART};
use crate::{
    Outcome,
    machine::first_line,
    product::{KEY_ID, SECRET},
    report::Row,
    s3::{self, BUCKET},
};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

/// A program that is here.
pub(super) struct Peer {
    kind: Kind,
    program: PathBuf,
    /// Its name and version.
    pub(super) who: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rclone,
    S5cmd,
    Aws,
    Aria2,
}

/// Those that are installed and can do this; the row names the others.
pub(super) fn found(way: Way, row: &mut Row) -> Vec<Peer> {
    let told = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.exists());
    let all = [
        (Kind::S5cmd, "s5cmd", told("LABFERRY_S5CMD").or_else(|| s3::in_path("s5cmd")), "version"),
        (Kind::Rclone, "rclone", s3::rclone(), "version"),
        (Kind::Aws, "aws-cli", s3::in_path("aws"), "--version"),
        (Kind::Aria2, "aria2c", s3::in_path("aria2c"), "--version"),
    ];
    let mut found = Vec::new();
    for (kind, name, program, version) in all {
        if kind == Kind::Aria2 && way == Way::Up {
            continue;
        }
        let Some(program) = program else {
            row.missing.push(format!(
                "{name}: it is not installed; `.ci/setup bench` brings it where the system has it."
            ));
            continue;
        };
        let told = first_line(&program.to_string_lossy(), &[version]).unwrap_or_default();
        let version =
            told.split([' ', '/']).find(|word| word.trim_start_matches('v').starts_with(char::is_numeric));
        let version = version.unwrap_or_default().split('-').next().unwrap_or_default();
        let who = format!("{name} {}", version.trim_start_matches('v'));
        found.push(Peer { kind, program, who });
    }
    row.missing.push(
        "aws-cli's CRT client: it finds no upload id in the answer of rclone's server, whose document has another root \
         element than Amazon's, and 2.9 does not keep to the port of an address; aws-cli is measured with its usual \
         client."
            .to_owned(),
    );
    found
}

impl Peer {
    /// The command that moves one object of that size.
    pub(super) fn command(
        &self,
        way: Way,
        server: &str,
        key: &str,
        file: &Path,
        scratch: &Path,
    ) -> Outcome<Command> {
        let (mib, at_once) = ((PART >> 20).to_string(), AT_ONCE.to_string());
        let object = format!("s3://{BUCKET}/{key}");
        let mut command = Command::new(&self.program);
        match self.kind {
            Kind::S5cmd => {
                command.args(["--endpoint-url", server, "--log", "error", "cp"]);
                command.args(["--part-size", &mib, "--concurrency", &at_once]);
                self.ends(&mut command, way, &object, file);
            }
            Kind::Aws => {
                let configuration = scratch.join("aws.ini");
                let text = format!(
                    "[default]\nregion = us-east-1\ns3 =\n  multipart_chunksize = {mib}MB\n  multipart_threshold = {mib}MB\n  \
                     max_concurrent_requests = {at_once}\n  addressing_style = path\n"
                );
                std::fs::write(&configuration, text)?;
                command.env("AWS_CONFIG_FILE", configuration);
                command.args(["--endpoint-url", server, "s3", "cp", "--only-show-errors"]);
                self.ends(&mut command, way, &object, file);
            }
            Kind::Rclone => {
                let configuration = scratch.join("rclone.conf");
                let text = format!(
                    "[s]\ntype = s3\nprovider = Other\nendpoint = {server}\naccess_key_id = {KEY_ID}\n\
                     secret_access_key = {SECRET}\nforce_path_style = true\n"
                );
                std::fs::write(&configuration, text)?;
                command.arg("--config").arg(configuration).arg("copyto");
                self.ends(&mut command, way, &format!("s:{BUCKET}/{key}"), file);
                let chunk = format!("{mib}Mi");
                command.args([
                    "--s3-chunk-size",
                    &chunk,
                    "--s3-upload-cutoff",
                    &chunk,
                    "--s3-no-check-bucket",
                ]);
                command.args(["--s3-upload-concurrency", &at_once, "--multi-thread-streams", &at_once]);
                command.args(["--multi-thread-chunk-size", &chunk, "--multi-thread-cutoff", &chunk]);
            }
            Kind::Aria2 => {
                let name = file.file_name().ok_or("a file has a name")?;
                command.args(["-q", "--allow-overwrite=true", "--file-allocation=none", "--no-conf"]);
                command.args(["-x", &at_once, "-s", &at_once, "-k", &format!("{mib}M")]);
                command.arg("-d").arg(file.parent().ok_or("a file is in a folder")?).arg("-o").arg(name);
                command.arg(format!("{server}/{BUCKET}/{key}"));
            }
        }
        command
            .env("AWS_ACCESS_KEY_ID", KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("NO_PROXY", "127.0.0.1");
        Ok(command)
    }

    fn ends(&self, command: &mut Command, way: Way, object: &str, file: &Path) {
        match way {
            Way::Up => command.arg(file).arg(object),
            Way::Down => command.arg(object).arg(file),
        };
    }
}
