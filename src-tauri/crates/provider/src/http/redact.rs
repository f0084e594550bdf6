//! Takes secrets out of foreign text before it becomes part of an error.

use labferry_model::Secret;

/// Longest detail that enters an error, in characters. Longer text helps nobody and may be a whole page.
const LONGEST_DETAIL: usize = 400;

/// Shorter values are not looked for: replacing them would garble ordinary words.
const SHORTEST_SECRET: usize = 6;

/// Names whose value is a secret wherever they stand: OAuth, S3 SigV4 and SigV2, Azure and Google signed links.
const SECRET_NAMES: [&str; 13] = [
    "access_token",
    "refresh_token",
    "id_token",
    "token",
    "api_key",
    "apikey",
    "password",
    "secret",
    "signature",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "awsaccesskeyid",
];

/// Words before a credential in an `Authorization` header.
const SCHEMES: [&str; 3] = ["bearer ", "basic ", "aws4-hmac-sha256 "];

/// The secrets known to have been part of one request, so that an answer that repeats them can be cleaned.
#[derive(Clone, Default)]
pub struct Scrub {
    known: Vec<Secret>,
}

impl std::fmt::Debug for Scrub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scrub({})", self.known.len())
    }
}

impl Scrub {
    /// Also removes this text wherever it appears.
    pub fn add(&mut self, secret: &str) {
        if secret.len() >= SHORTEST_SECRET {
            self.known.push(Secret::new(secret));
        }
    }

    /// The text without known secrets, queries of links and values of secret names; one line, at most 400 characters.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.known {
            text = text.replace(secret.reveal(), "…");
        }
        redact(&text)
    }
}

/// The text without queries of links and values of secret names; one line, at most 400 characters.
#[must_use]
pub fn redact(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<String> = line.split_whitespace().map(without_link_query).collect();
    let text = without_named_values(&words.join(" "));
    let mut short: String = text.chars().take(LONGEST_DETAIL).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// A word that holds a link loses everything from `?` on, and whatever stands before `@` in its host.
fn without_link_query(word: &str) -> String {
    let Some(start) = word.find("://") else { return word.to_owned() };
    let (scheme, rest) = word.split_at(start + 3);
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let rest = match rest[..host_end].rfind('@') {
        Some(at) => &rest[at + 1..],
        None => rest,
    };
    match rest.find(['?', '#']) {
        Some(cut) => format!("{scheme}{}?…", &rest[..cut]),
        None => format!("{scheme}{rest}"),
    }
}

/// `name=value`, `name: value`, `"name": "value"` and `Bearer value` keep their name only.
fn without_named_values(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    for name in SECRET_NAMES {
        for (at, _) in lower.match_indices(name) {
            let after = at + name.len();
            let bare = lower[after..].trim_start_matches(['"', '\'', ' ']);
            if let Some(rest) = bare.strip_prefix(['=', ':']) {
                let value = rest.trim_start_matches(['"', '\'', ' ']);
                cuts.push(value_span(&lower, lower.len() - value.len()));
            }
        }
    }
    for scheme in SCHEMES {
        for (at, _) in lower.match_indices(scheme) {
            cuts.push(value_span(&lower, at + scheme.len()));
        }
    }
    cuts.sort_unstable();
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in cuts {
        if start < done || start == end {
            continue;
        }
        clean.push_str(&text[done..start]);
        clean.push('…');
        done = end;
    }
    clean.push_str(&text[done..]);
    clean
}

fn value_span(text: &str, start: usize) -> (usize, usize) {
    let length =
        text[start..].find([' ', '"', '\'', '&', ',', '<', '>', ')', '}', ';']).unwrap_or(text.len() - start);
    (start, start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANTED: &str = "s3cr3t-PLANTED-0123456789";

    #[test]
    fn no_form_of_a_planted_secret_survives() {
        for text in [
            format!("GET https://s3.example/a/b?X-Amz-Signature={PLANTED}&x=1 failed"),
            format!("see <https://user:{PLANTED}@host/path>"),
            format!("Authorization: Bearer {PLANTED}"),
            format!("{{\"access_token\": \"{PLANTED}\", \"a\": 1}}"),
            format!("token={PLANTED}"),
            format!("X-Amz-Credential : {PLANTED}"),
            format!("basic {PLANTED}"),
        ] {
            let clean = redact(&text);
            assert!(!clean.contains("PLANTED"), "{clean}");
        }
    }

    #[test]
    fn a_known_secret_goes_wherever_it_stands() {
        let mut scrub = Scrub::default();
        scrub.add(PLANTED);
        assert_eq!(scrub.clean(&format!("no user for '{PLANTED}' here")), "no user for '…' here");
        assert!(!format!("{scrub:?}").contains("PLANTED"));
    }

    #[test]
    fn ordinary_words_stay() {
        let text = "Bucket quota exceeded. See https://host/docs/quota for the token rules";
        assert_eq!(redact(text), text);
    }

    #[test]
    fn long_and_many_line_text_becomes_one_short_line() {
        let clean = redact(&format!("a\nb\u{0}{}", "ü".repeat(1000)));
        assert!(clean.starts_with("a b") && clean.chars().count() <= 401 && !clean.contains('\n'));
    }
}
