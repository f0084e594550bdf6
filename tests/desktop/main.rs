//! The real window: the built app on a display of its own, driven as a person would, with WebKit's own driver.
//!
//! Each test has its own display, session bus, home and data folder. They run one after another, because each of them
//! moves tens of megabytes while a browser engine draws.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod border;
mod closing;
mod crossing;
mod desk;
mod drop;
mod first_run;
mod frames;
mod held;
mod interrupted;
mod keys;
mod lab;
mod power;
mod power_cut;
mod tools;
mod tray;
mod watched;
mod webdriver;

use sha2::Digest as _;
use std::{io::Write as _, path::Path};
use tokio::sync::{Mutex, MutexGuard};

/// Held by the test whose turn it is.
async fn one_at_a_time() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// A client for servers on this machine.
fn http() -> reqwest::Client {
    // Fails where another test has done it, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A file of that many MiB whose bytes are all different enough that a part in the wrong place shows; and its SHA-256.
fn write_file(path: &Path, mebibytes: u32) -> String {
    let mut file = std::fs::File::create(path).unwrap();
    let mut digest = sha2::Sha256::new();
    let mut block = vec![0_u8; 1 << 20];
    for number in 0..mebibytes {
        let mut state = u64::from(number) + 1;
        for word in block.chunks_exact_mut(8) {
            // xorshift: quick, and no two blocks alike.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block).unwrap();
        digest.update(&block);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
