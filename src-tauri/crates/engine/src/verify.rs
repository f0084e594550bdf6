//! The proof: whether the service's copy is the same bytes as ours.

use crate::{
    hash_ahead::Hashes,
    read_back::{ReadBack, ReadingBack},
    run::{Run, Stop},
};
use labferry_model::{
    Algorithm, Capabilities, DigestSet, Entry, FileStatus, Problem, ProblemCode, Proof, RemoteDigest,
    RemoteFile, VerifyChoice,
};
use labferry_provider::{Advice, ProviderError};
use md5::{Digest as _, Md5};
use std::time::Duration;

/// First pause between two questions for a digest that is not there yet, and the longest.
const POLL: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// What a comparison of digests showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The same bytes.
    Same(Proof),
    /// Other bytes.
    Different(Problem),
    /// Nothing that can be compared.
    Unknown,
    /// The service has not finished its work on the file; not even its size counts yet.
    Unfinished,
}

/// Compares what a service tells of a file with our size and digests. One digest that differs outweighs any that agree.
pub(crate) fn compare(file: &RemoteFile, size: u64, ours: &Hashes) -> Verdict {
    if let Some(theirs) = file.size.filter(|&theirs| theirs != size) {
        return Verdict::Different(
            Problem::new(ProblemCode::SizeMismatch)
                .about(&file.name)
                .because(format!("the service holds {theirs} bytes, ours has {size}")),
        );
    }
    let mut verdict = Verdict::Unknown;
    for digest in &file.digests {
        let (same, proof) = match digest {
            RemoteDigest::Whole { digest } => {
                let Some(same) = ours.digests.agrees(digest) else { continue };
                (same, Proof::ServerDigest { algorithm: digest.algorithm })
            }
            RemoteDigest::Md5OfParts { hex, parts, part_size: theirs } => {
                if ours.part_size.is_none() || theirs.or(ours.part_size) != ours.part_size {
                    continue;
                }
                let Some(own) = md5_of_parts(ours).filter(|_| ours.parts.len() == *parts as usize) else {
                    continue;
                };
                (own == *hex, Proof::PartDigests { parts: *parts })
            }
        };
        if !same {
            return Verdict::Different(mismatch(file, &ours.digests));
        }
        // A digest of the whole says more than one of the parts.
        if matches!((&verdict, &proof), (Verdict::Unknown, _) | (_, Proof::ServerDigest { .. })) {
            verdict = Verdict::Same(proof);
        }
    }
    verdict
}

fn mismatch(file: &RemoteFile, ours: &DigestSet) -> Problem {
    let theirs: Vec<String> = file
        .digests
        .iter()
        .map(|digest| match digest {
            RemoteDigest::Whole { digest } => digest.to_string(),
            RemoteDigest::Md5OfParts { hex, parts, .. } => format!("md5 of {parts} parts:{hex}"),
        })
        .collect();
    let own: Vec<String> = [Algorithm::Md5, Algorithm::Sha256]
        .into_iter()
        .filter_map(|algorithm| Some(format!("{}:{}", algorithm.name(), ours.get(algorithm)?)))
        .collect();
    Problem::new(ProblemCode::DigestMismatch).about(&file.name).because(format!(
        "the service tells {}, ours is {}",
        theirs.join(", "),
        own.join(", ")
    ))
}

/// `md5(md5(part 1) ‖ md5(part 2) ‖ …)`, where every part's MD5 is known.
fn md5_of_parts(ours: &Hashes) -> Option<String> {
    let mut outer = Md5::new();
    for part in &ours.parts {
        outer.update(part.md5?);
    }
    (!ours.parts.is_empty()).then(|| hex::encode(outer.finalize()))
}

/// Compares what the service holds with ours by its digests, waiting for late ones when `digest_wanted`. The entry is
/// renewed while waiting.
pub(crate) async fn by_digest(
    run: &Run,
    mut file: RemoteFile,
    ours: &Hashes,
    digest_wanted: bool,
) -> Result<Verdict, Stop> {
    let size = run.transfer.size.unwrap_or(0);
    let clock = &run.engine.clock;
    let begin = clock.monotonic();
    let mut pause = POLL.0;
    loop {
        let verdict = match file.status {
            FileStatus::Ready => compare(&file, size, ours),
            FileStatus::Pending | FileStatus::Processing => Verdict::Unfinished,
            FileStatus::Failed => Verdict::Different(
                Problem::new(ProblemCode::ServiceFailed)
                    .about(&file.name)
                    .because("the service gave up on the file after it had accepted it"),
            ),
        };
        let waiting_helps = verdict == Verdict::Unfinished || (verdict == Verdict::Unknown && digest_wanted);
        if !waiting_helps || clock.monotonic().saturating_sub(begin) >= run.engine.limits.digest_patience {
            return Ok(verdict);
        }
        clock.sleep(pause).await;
        pause = (pause * 2).min(POLL.1);
        file = match run.request(|| run.provider.describe(&file.path)).await {
            Ok(Entry::File { file }) => file,
            Err(error) if !error.is_not_found() => return Err(error.into()),
            Ok(Entry::Container { .. }) | Err(_) => {
                return Err(Stop::Differs(
                    Problem::new(ProblemCode::NotFound)
                        .about(&run.transfer.name)
                        .because("the service lost the file after it had accepted it"),
                ));
            }
        };
    }
}

/// The proof in what the service told when it finished the file, where that is all that is asked for.
pub(crate) fn told_at_once(run: &Run, file: &RemoteFile, size: u64, ours: &Hashes) -> Option<Proof> {
    let by_digest = matches!(run.transfer.verify, VerifyChoice::Auto | VerifyChoice::Digest);
    match compare(file, size, ours) {
        Verdict::Same(proof) if by_digest && file.status == FileStatus::Ready => Some(proof),
        _ => None,
    }
}

/// Proves a finished upload as the transfer asks for it.
pub(crate) async fn prove(
    run: &Run,
    file: RemoteFile,
    ours: &Hashes,
    facts: &Capabilities,
) -> Result<Proof, Stop> {
    let choice = run.transfer.verify;
    let by_digest_first = matches!(choice, VerifyChoice::Auto | VerifyChoice::Digest);
    let (name, path) = (file.name.clone(), file.path.clone());
    let verdict = by_digest(run, file, ours, by_digest_first && facts.proves_by_digest()).await?;
    match (verdict, choice) {
        (Verdict::Different(problem), _) => Err(Stop::Differs(problem)),
        (Verdict::Same(proof), VerifyChoice::Auto | VerifyChoice::Digest) => Ok(proof),
        (Verdict::Unfinished, VerifyChoice::Size | VerifyChoice::Digest) => {
            let error = ProviderError::new("verify", ProblemCode::ServiceFailed, Advice::Again);
            Err(Stop::Service(error.about(name).because("the service is still working on the file")))
        }
        (_, VerifyChoice::Size | VerifyChoice::Digest) => Ok(Proof::SizeOnly),
        (_, VerifyChoice::Auto | VerifyChoice::ReadBack) => {
            let size = run.transfer.size.unwrap_or(0);
            let back = ReadingBack::new(&run.engine, &*run.provider, &run.transfer.account, facts);
            let meter = run.meter.clone();
            let theirs = back.fetch(&path, Some(size), |bytes| meter.verified(bytes)).await?;
            judge_read_back(&name, size, ours.digests.sha256.as_deref(), &theirs).map_err(Stop::Differs)
        }
    }
}

/// Compares fetched bytes with ours.
pub(crate) fn judge_read_back(
    name: &str,
    size: u64,
    sha256: Option<&str>,
    theirs: &ReadBack,
) -> Result<Proof, Problem> {
    if theirs.size != size {
        return Err(Problem::new(ProblemCode::SizeMismatch)
            .about(name)
            .because(format!("the service gave {} bytes back, ours has {size}", theirs.size)));
    }
    match (sha256, theirs.digests.sha256.as_deref()) {
        (Some(ours), Some(theirs)) if ours == theirs => Ok(Proof::ReadBack { algorithm: Algorithm::Sha256 }),
        (ours, theirs) => Err(Problem::new(ProblemCode::DigestMismatch).about(name).because(format!(
            "what the service gave back has sha256:{}, ours is sha256:{}",
            theirs.unwrap_or("?"),
            ours.unwrap_or("?")
        ))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::hash_ahead::PartSums;
    use labferry_model::Digest;

    fn file(size: u64, digests: Vec<RemoteDigest>) -> RemoteFile {
        RemoteFile {
            path: "r/a".into(),
            name: "a".into(),
            size: Some(size),
            status: FileStatus::Ready,
            digests,
            media_type: None,
            modified: None,
            revision: None,
            metadata: labferry_model::Metadata::new(),
        }
    }

    fn md5_hex(bytes: &[u8]) -> String {
        hex::encode(Md5::digest(bytes))
    }

    fn whole(bytes: &[u8]) -> RemoteDigest {
        RemoteDigest::Whole { digest: Digest::parse(Algorithm::Md5, &md5_hex(bytes)).unwrap() }
    }

    fn ours(part_size: Option<u64>) -> Hashes {
        let sums =
            |bytes: &[u8]| PartSums { crc32c: crc32c::crc32c(bytes), md5: Some(Md5::digest(bytes).into()) };
        Hashes {
            digests: DigestSet { md5: Some(md5_hex(b"abcd")), sha256: None },
            parts: vec![sums(b"ab"), sums(b"cd")],
            part_size,
        }
    }

    fn of_parts(content: [&[u8]; 2], part_size: Option<u64>) -> RemoteDigest {
        let mut outer = Md5::new();
        content.iter().for_each(|part| outer.update(Md5::digest(part)));
        RemoteDigest::Md5OfParts { hex: hex::encode(outer.finalize()), parts: 2, part_size }
    }

    #[test]
    fn only_equal_digests_are_the_same() {
        let md5 = Proof::ServerDigest { algorithm: Algorithm::Md5 };
        assert_eq!(compare(&file(4, vec![whole(b"abcd")]), 4, &ours(None)), Verdict::Same(md5.clone()));
        assert!(matches!(compare(&file(4, vec![whole(b"abce")]), 4, &ours(None)), Verdict::Different(_)));
        assert!(matches!(compare(&file(5, vec![whole(b"abcd")]), 4, &ours(None)), Verdict::Different(_)));
        assert_eq!(compare(&file(4, vec![]), 4, &ours(None)), Verdict::Unknown);
        let mixed = vec![whole(b"abcd"), of_parts([b"ab", b"ce"], Some(2))];
        assert!(matches!(compare(&file(4, mixed), 4, &ours(Some(2))), Verdict::Different(_)));
        let both = vec![of_parts([b"ab", b"cd"], Some(2)), whole(b"abcd")];
        assert_eq!(compare(&file(4, both), 4, &ours(Some(2))), Verdict::Same(md5));
    }

    #[test]
    fn part_digests_count_only_for_the_same_parts() {
        let same = Verdict::Same(Proof::PartDigests { parts: 2 });
        let told = |part_size| file(4, vec![of_parts([b"ab", b"cd"], part_size)]);
        assert_eq!(compare(&told(Some(2)), 4, &ours(Some(2))), same);
        assert_eq!(compare(&told(None), 4, &ours(Some(2))), same);
        assert_eq!(compare(&told(Some(3)), 4, &ours(Some(2))), Verdict::Unknown);
        assert_eq!(compare(&told(None), 4, &ours(None)), Verdict::Unknown);
    }

    #[test]
    fn a_read_back_needs_size_and_digest() {
        let theirs = |size, sha: &str| ReadBack {
            size,
            digests: DigestSet { md5: None, sha256: Some(sha.to_owned()) },
        };
        assert!(judge_read_back("a", 4, Some("x"), &theirs(4, "x")).is_ok());
        assert!(judge_read_back("a", 4, Some("x"), &theirs(3, "x")).is_err());
        assert!(judge_read_back("a", 4, Some("x"), &theirs(4, "y")).is_err());
        assert!(judge_read_back("a", 4, None, &theirs(4, "y")).is_err());
    }
}
