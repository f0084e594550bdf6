//! Links signed the way S3 presigns them (AWS Signature Version 4 in the query), made and checked.
//!
//! Fixed by a signature: method, host, path and every query parameter. A link lives from `X-Amz-Date` for
//! `X-Amz-Expires` seconds by the lab's clock. [`SignedLinks::expire_all`] changes the signing secret and remembers how many
//! there were, so that an older link is known to be expired and not merely wrong.

use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

const REGION: &str = "us-east-1";
const ACCESS_KEY: &str = "PRACTICELAB";

/// Whose links are signed: the pair of keys and the region they are for.
pub(crate) struct Signer<'a> {
    pub(crate) access_key: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) region: &'a str,
}

impl Signer<'_> {
    /// The query of a link that lives for `seconds`, signature included. `path` is signed as it stands.
    pub(crate) fn query(
        &self,
        method: &str,
        host: &str,
        path: &str,
        query: &[(&str, &str)],
        now: Timestamp,
        seconds: i64,
    ) -> String {
        let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let credential = format!("{}/{}", self.access_key, scope(&date, self.region));
        let seconds = seconds.to_string();
        let mut all: Vec<(String, String)> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for (name, value) in [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", &date),
            ("X-Amz-Expires", &seconds),
            ("X-Amz-SignedHeaders", "host"),
        ] {
            all.push((name.to_owned(), value.to_owned()));
        }
        let signature = signature_of(self.secret, self.region, method, host, path, &all, &date);
        format!("{}&X-Amz-Signature={signature}", encoded(&all))
    }
}

/// What stays as it is in a query: RFC 3986 unreserved characters.
const IN_QUERY: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Makes and checks links to one storage host.
pub(crate) struct SignedLinks {
    secret: String,
    /// How often all links were expired.
    epoch: AtomicU64,
    /// `localhost:PORT`
    host: String,
}

/// Why a link is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No signature at all.
    NotSigned,
    /// Something the signature covers was changed.
    Mismatch,
    /// It was right, but is over.
    Expired,
}

impl SignedLinks {
    pub(crate) fn new(secret: String, epoch: u64, host: String) -> Self {
        Self { secret, epoch: AtomicU64::new(epoch), host }
    }

    /// Lets every link given out so far be expired.
    pub(crate) fn expire_all(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// An absolute link that lives for `seconds`. `path` must need no encoding.
    pub(crate) fn sign(
        &self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        now: Timestamp,
        seconds: i64,
    ) -> String {
        let secret = self.secret_of(self.epoch());
        let signer = Signer { access_key: ACCESS_KEY, secret: &secret, region: REGION };
        format!("http://{}{path}?{}", self.host, signer.query(method, &self.host, path, query, now, seconds))
    }

    /// Whether a request came by a link that is good now.
    pub(crate) fn check(
        &self,
        method: &str,
        host: &str,
        path: &str,
        query: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut all = decoded(query);
        let at = all.iter().position(|(name, _)| name == "X-Amz-Signature").ok_or(Refusal::NotSigned)?;
        let (_, signature) = all.remove(at);
        let value =
            |wanted: &str| all.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let date = value("X-Amz-Date").ok_or(Refusal::NotSigned)?;
        let current = self.epoch();
        let epoch = (0..=current)
            .rev()
            .find(|epoch| {
                signature_of(&self.secret_of(*epoch), REGION, method, host, path, &all, &date) == signature
            })
            .ok_or(Refusal::Mismatch)?;
        let seconds: i64 =
            value("X-Amz-Expires").and_then(|text| text.parse().ok()).ok_or(Refusal::Mismatch)?;
        let issued = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &date)
            .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC))
            .map_err(|_| Refusal::Mismatch)?
            .timestamp();
        let is_over = now.duration_since(issued) > SignedDuration::from_secs(seconds);
        if epoch < current || is_over { Err(Refusal::Expired) } else { Ok(()) }
    }

    fn secret_of(&self, epoch: u64) -> String {
        format!("{}{epoch}", self.secret)
    }
}

fn signature_of(
    secret: &str,
    region: &str,
    method: &str,
    host: &str,
    path: &str,
    query: &[(String, String)],
    date: &str,
) -> String {
    let mut sorted = query.to_vec();
    sorted.sort();
    let canonical = format!("{method}\n{path}\n{}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD", encoded(&sorted));
    let digest = hex::encode(Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{}\n{digest}", scope(date, region));
    let mut key = format!("AWS4{secret}").into_bytes();
    for step in [day(date), region, "s3", "aws4_request", &to_sign] {
        key = authenticated(&key, step);
    }
    hex::encode(key)
}

fn authenticated(key: &[u8], text: &str) -> Vec<u8> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut code) => {
            code.update(text.as_bytes());
            code.finalize().into_bytes().to_vec()
        }
        // HMAC takes keys of every length.
        Err(_) => Vec::new(),
    }
}

fn day(date: &str) -> &str {
    date.split('T').next().unwrap_or(date)
}

fn scope(date: &str, region: &str) -> String {
    format!("{}/{region}/s3/aws4_request", day(date))
}

fn encoded(query: &[(String, String)]) -> String {
    let pairs: Vec<_> = query
        .iter()
        .map(|(name, value)| {
            format!("{}={}", utf8_percent_encode(name, &IN_QUERY), utf8_percent_encode(value, &IN_QUERY))
        })
        .collect();
    pairs.join("&")
}

/// The parameters of a query string, percent-decoded.
pub(crate) fn decoded(query: &str) -> Vec<(String, String)> {
    let text = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const HOST: &str = "localhost:9";

    fn links() -> SignedLinks {
        SignedLinks::new("secret".to_owned(), 0, HOST.to_owned())
    }

    fn check(links: &SignedLinks, method: &str, link: &str, later: i64) -> Result<(), Refusal> {
        let rest = link.strip_prefix("http://localhost:9").unwrap();
        let (path, query) = rest.split_once('?').unwrap();
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + later);
        links.check(method, HOST, path, query, now)
    }

    fn link(links: &SignedLinks) -> String {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000);
        links.sign("PUT", "/default/a/data", &[("uploadId", "x/y z"), ("partNumber", "2")], now, 60)
    }

    #[test]
    fn a_link_is_good_for_its_time_and_only_as_it_was_given() {
        let links = links();
        let good = link(&links);
        assert_eq!(check(&links, "PUT", &good, 60), Ok(()));
        assert_eq!(check(&links, "PUT", &good, 61), Err(Refusal::Expired));
        assert_eq!(check(&links, "GET", &good, 0), Err(Refusal::Mismatch));
        assert_eq!(
            check(&links, "PUT", &good.replace("partNumber=2", "partNumber=3"), 0),
            Err(Refusal::Mismatch)
        );
        assert_eq!(
            check(&links, "PUT", "http://localhost:9/default/a/data?partNumber=2", 0),
            Err(Refusal::NotSigned)
        );
    }

    #[test]
    fn expiring_all_leaves_new_links_good() {
        let links = links();
        let old = link(&links);
        links.expire_all();
        assert_eq!(check(&links, "PUT", &old, 0), Err(Refusal::Expired));
        assert_eq!(check(&links, "PUT", &link(&links), 0), Ok(()));
    }

    /// The worked example of the S3 documentation, "Authenticating Requests: Using Query Parameters".
    #[test]
    fn signatures_follow_the_published_algorithm() {
        let query: Vec<(String, String)> = [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"),
            ("X-Amz-Date", "20130524T000000Z"),
            ("X-Amz-Expires", "86400"),
            ("X-Amz-SignedHeaders", "host"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let host = "examplebucket.s3.amazonaws.com";
        let signature = signature_of(secret, REGION, "GET", host, "/test.txt", &query, "20130524T000000Z");
        assert_eq!(signature, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    }
}
