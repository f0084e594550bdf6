//! Names, ids and digests as others write them.

use crate::{cases, text};
use labferry_engine::preflight::{local_name_for, numbered};
use labferry_model::{AccountName, Algorithm, Digest, Place};
use labferry_provider::http::{
    SignedUrl,
    classify::{storage_error_code, storage_words},
    redact::redact,
};

#[test]
fn a_foreign_name_becomes_a_local_one_that_stays_inside_its_folder() {
    let mut random = fastrand::Rng::with_seed(2);
    for _ in 0..cases(3_000) {
        let remote = text(&mut random);
        let local = local_name_for(&remote).name;
        assert!(!local.is_empty() && !local.starts_with('/'), "{remote:?}: {local:?}");
        assert!(local.split('/').all(|piece| !matches!(piece, "" | "." | "..")), "{remote:?}: {local:?}");
        assert!(local.split('/').all(|piece| piece.len() <= 255), "{remote:?}: {local:?}");
        let is_bad = |c: char| c.is_control() || matches!(c, '\\' | ':' | '<' | '>' | '"' | '|' | '?' | '*');
        assert!(!local.contains(is_bad), "{remote:?}: {local:?}");
        // What is safe stays as it is.
        let again = local_name_for(&local);
        assert!(again.name == local && !again.changed, "{remote:?}: {local:?} and {again:?}");
        assert_ne!(numbered(&local, 2), local);
    }
}

#[test]
fn no_foreign_text_makes_a_parser_panic() {
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..cases(3_000) {
        let text = text(&mut random);
        let _ = (text.parse::<Place>(), text.parse::<AccountName>(), SignedUrl::parse(&text));
        let _ = (storage_error_code(&text), redact(&text));
        let _ = storage_words(http_status(&mut random), &format!("<Error><Code>{text}</Code>{text}"));
        for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
            if let Some(digest) = Digest::parse(algorithm, &text) {
                assert!(digest.to_string().is_ascii(), "{text:?}");
            }
        }
    }
}

fn http_status(random: &mut fastrand::Rng) -> reqwest::StatusCode {
    reqwest::StatusCode::from_u16(random.u16(200..600)).unwrap()
}
