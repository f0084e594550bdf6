//! ULIDs: 26 characters of Crockford's base 32, the time first.

use jiff::Timestamp;
use uuid::Uuid;

use super::answer::ApiError;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A new id of that moment.
pub(crate) fn new_id(now: Timestamp) -> String {
    let milliseconds = u128::try_from(now.as_millisecond()).unwrap_or_default() & 0xffff_ffff_ffff;
    let random = Uuid::new_v4().as_u128();
    // The fixed bits of a random UUID lie in its upper half; sixteen more from below fill up.
    let random = (random & 0x3fff_ffff_ffff_ffff) | (random >> 112 << 62);
    let bits = milliseconds << 80 | random & ((1 << 80) - 1);
    (0..26).rev().map(|place| char::from(ALPHABET[(bits >> (place * 5) & 31) as usize])).collect()
}

/// Whether a text is an id at all.
pub(crate) fn checked(text: &str) -> Result<&str, ApiError> {
    let fits = text.len() == 26
        && text.bytes().all(|byte| ALPHABET.contains(&byte.to_ascii_uppercase()))
        && text.as_bytes()[0] <= b'7';
    if fits { Ok(text) } else { Err(ApiError::invalid("Typeconversion for ULID failed")) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_parse() {
        let early = new_id(Timestamp::from_second(1_687_353_388).unwrap());
        let late = new_id(Timestamp::from_second(1_687_353_389).unwrap());
        assert!(early < late && checked(&early).is_ok(), "{early} {late}");
        for bad in ["", "01h", &"U".repeat(26), &"8".repeat(26)] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
