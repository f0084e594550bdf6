//! Aruna with its files in a real S3 server, `rclone serve s3`, read back with another S3 client, boto3.
//!
//! `LABFERRY_ARUNA_BYTES=1073741824` sends a file of 1 GiB. Both programs come with `.ci/setup test`; without them the
//! trial says so and does nothing.

use crate::bench::{Bench, act};
use labferry_sandbox::DataProxy;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

const PLACE: &str = "zebrafish-heart/analysis";
const BUCKET: &str = "latest.analysis.zebrafish-heart";
const KEY_ID: &str = "practice-key";
const SECRET: &str = "practice-secret";
/// Two parts of the usual size and a byte.
const USUAL_BYTES: u64 = (32 << 20) + 1;

fn program(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.exists())
}

/// The S3 server on a free port; it ends with this.
struct Server {
    child: Child,
    url: String,
    python: PathBuf,
}

impl Server {
    /// Nothing where a program is missing.
    #[allow(clippy::print_stderr)]
    fn start(folder: &Path) -> Option<Self> {
        let (Some(rclone), Some(python)) = (program("LABFERRY_RCLONE"), program("LABFERRY_S3_PYTHON")) else {
            eprintln!(
                "rclone and boto3 are not here (.ci/setup test brings them): the data proxy was not tried"
            );
            return None;
        };
        std::fs::create_dir_all(folder).unwrap();
        let mut child = Command::new(rclone)
            .args(["serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", &format!("{KEY_ID},{SECRET}")])
            .args(["--config", "/dev/null"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("rclone starts");
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = said.by_ref().find_map(|line| {
            let line = line.ok()?;
            let (_, address) = line.split_once("Starting s3 server on [")?;
            Some(address.split(']').next()?.trim_end_matches('/').to_owned())
        });
        // What it says later must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        Some(Self { child, url: url.expect("rclone tells its address"), python })
    }

    fn proxy(&self) -> DataProxy {
        DataProxy {
            url: self.url.clone(),
            key_id: KEY_ID.into(),
            secret: SECRET.into(),
            region: "us-east-1".into(),
        }
    }

    /// What another S3 client sees.
    fn read(&self, key: &str) -> Value {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/aruna/read_s3.py");
        let output = Command::new(&self.python)
            .args([script, &self.url, KEY_ID, SECRET, BUCKET, key])
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a file of that many bytes and gives its SHA-256; nothing of it is held.
fn write(path: &Path, bytes: u64) -> String {
    let (mut file, mut digest, mut left) = (File::create(path).unwrap(), Sha256::new(), bytes);
    let mut piece = crate::bench::bytes(1 << 20);
    while left > 0 {
        let now = usize::try_from(left.min(1 << 20)).unwrap();
        // No two megabytes are the same, so that swapped parts show.
        piece[..8].copy_from_slice(&left.to_le_bytes());
        file.write_all(&piece[..now]).unwrap();
        digest.update(&piece[..now]);
        left -= now as u64;
    }
    hex::encode(digest.finalize())
}

async fn put(bench: &Bench, file: &Path, more: Value) -> Value {
    let mut request = json!({ "sources": [file], "account": "aruna", "place": PLACE });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let row = bench.run("uploads.add", request).await.remove(0);
    assert_eq!((&row["state"], &row["verified"]), (&json!("done"), &json!(true)), "{row}");
    row
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stdout)]
async fn what_is_sent_through_aruna_is_the_same_for_another_s3_client() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::start(&folder.path().join("s3")) else { return };
    let bench = Bench::with(|options| options.data_proxy = Some(server.proxy())).await;
    let bytes = std::env::var("LABFERRY_ARUNA_BYTES").ok().and_then(|text| text.parse().ok());
    let bytes: u64 = bytes.unwrap_or(USUAL_BYTES);

    let (large, small) = (folder.path().join("large.bin"), folder.path().join("small.bin"));
    let digest = write(&large, bytes);
    let row = put(&bench, &large, json!({ "shape": "parts" })).await;
    assert_eq!(row["digests"]["sha256"], digest);
    let seen = server.read("large.bin");
    assert_eq!((&seen["size"], &seen["sha256"]), (&json!(bytes), &json!(digest)));
    println!("{bytes} bytes through Aruna in parts; boto3 reads SHA-256 {digest}");
    let back = folder.path().join("back.bin");
    let request = json!({ "account": "aruna", "paths": [format!("{PLACE}/large.bin")], "destination": back });
    let row = bench.run("downloads.add", request).await.remove(0);
    assert_eq!((&row["state"], &row["verified"]), (&json!("done"), &json!(true)), "{row}");
    assert!(bench.requests("PUT", "").await.is_empty(), "no byte came to the lab's own data proxy");

    // One request, then other bytes under the same name: the first revision's stay where they are.
    let first = write(&small, 70_000);
    put(&bench, &small, json!({})).await;
    let second = write(&small, 80_000);
    put(&bench, &small, json!({ "on_clash": "version" })).await;
    let seen = server.read("small.bin");
    assert_eq!((&seen["sha256"], seen["keys"].as_array().unwrap().len()), (&json!(first), 3), "{seen}");
    let request = json!({ "account": "aruna", "paths": [format!("{PLACE}/small.bin")],
                          "destination": folder.path().join("small-back.bin") });
    let row = bench.run("downloads.add", request).await.remove(0);
    assert_eq!(row["digests"]["sha256"], second, "a download gives the newest: {row}");

    // What is deleted with all its revisions goes there, too.
    let path = format!("{PLACE}/small.bin");
    act(&*bench.connect(), &path, "delete", &[("with_revisions", "yes")]).await.unwrap();
    for _ in 0..100 {
        if server.read("large.bin")["keys"] == json!(["large.bin"]) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("deleted revisions are still there: {}", server.read("large.bin"));
}
