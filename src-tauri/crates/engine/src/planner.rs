//! Which shape an upload takes and where its parts begin and end. Pure: size, facts and limits in, plan out.

use labferry_model::{
    Capabilities, Limits, PartPlan, PartRules, Problem, ProblemCode, ShapeChoice, transfer::StoredPlan,
};
use labferry_provider::{ShapeWish, UploadSession};

/// How long a part should take on one connection: long enough that the round trips around it do not count, and with the
/// doubling below 16 s, so that a connection that breaks costs no more than that.
const PART_SECONDS: u64 = 8;
/// Most bytes of one file in parts on their way, where their size is chosen: what a kill may cost, and what still lies in
/// the page cache between the ordered reader and the parts beside it.
const ON_THE_WAY: u64 = 512 << 20;
/// Parts of a file for each connection, so that all are busy nearly to its end.
const PARTS_A_CONNECTION: u64 = 4;
/// Largest part that is chosen for speed: proxies in front of a store refuse bodies of 100 MB, and so does an InvenioRDM
/// that stores the parts itself. Larger ones are for files that would have too many parts otherwise.
const LARGEST_CHOSEN: u64 = 64 << 20;

/// What parts go over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// Bytes a second that one connection carried lately; none when nobody knows.
    pub(crate) speed: Option<u64>,
    /// Most parts of a file on their way at once.
    pub(crate) at_once: usize,
}

/// The shape to ask the service for.
///
/// # Errors
/// A file that the service cannot take in any shape, or not in the shape that was asked for.
pub(crate) fn wish(
    size: u64,
    facts: &Capabilities,
    choice: ShapeChoice,
    limits: &Limits,
    link: Link,
) -> Result<ShapeWish, Problem> {
    let too_large = |most: u64| {
        Problem::new(ProblemCode::FileTooLarge)
            .because(format!("the file has {size} bytes, the service takes at most {most}"))
    };
    if size == 0 {
        return if facts.empty_files {
            Ok(ShapeWish::whole(0))
        } else {
            Err(Problem::new(ProblemCode::EmptyFileRefused))
        };
    }
    if let Some(most) = facts.largest_file.filter(|&most| size > most) {
        return Err(too_large(most));
    }
    let fits_whole = facts.whole_limit.is_none_or(|most| size <= most);
    let parts = match choice {
        ShapeChoice::Whole => None,
        ShapeChoice::Auto if size < facts.parts_from && fits_whole => None,
        ShapeChoice::Auto | ShapeChoice::Parts => facts.parts.as_ref(),
    };
    if let Some(rules) = parts {
        return in_parts(size, rules, limits, link)
            .ok_or_else(|| too_large(rules.max.saturating_mul(u64::from(rules.max_count))));
    }
    if choice == ShapeChoice::Parts {
        return Err(Problem::new(ProblemCode::Unsupported).because("the service takes no files in parts"));
    }
    if fits_whole { Ok(ShapeWish::whole(size)) } else { Err(too_large(facts.whole_limit.unwrap_or(0))) }
}

/// The size of a part for that link: doubled from `least` while a connection carries one sooner than it should take, and
/// while the file keeps enough of them and not too many bytes are on their way. Memory does not depend on it. The smallest
/// where nothing is known.
fn for_speed(size: u64, least: u64, at_once: usize, speed: Option<u64>) -> u64 {
    let at_once = (at_once as u64).max(1);
    let wanted = speed.unwrap_or(0).saturating_mul(PART_SECONDS);
    let most =
        LARGEST_CHOSEN.min(ON_THE_WAY / at_once).min(size / PARTS_A_CONNECTION.saturating_mul(at_once));
    let mut part_size = least;
    while part_size < wanted && part_size.saturating_mul(2) <= most {
        part_size = part_size.saturating_mul(2);
    }
    part_size
}

fn in_parts(size: u64, rules: &PartRules, limits: &Limits, link: Link) -> Option<ShapeWish> {
    let most_parts = u64::from(limits.part_count_target.min(rules.max_count).max(1));
    let least = limits.part_size.max(rules.min).min(rules.max).max(1);
    let at_once = if rules.any_order { link.at_once } else { 1 };
    let mut part_size = for_speed(size, least, at_once, link.speed).min(rules.max);
    while size.div_ceil(part_size) > most_parts && part_size < rules.max {
        part_size = part_size.saturating_mul(2).min(rules.max);
    }
    let count = size.div_ceil(part_size);
    let part_count = u32::try_from(count).ok().filter(|&count| count <= rules.max_count)?;
    Some(ShapeWish { in_parts: true, part_size, part_count })
}

/// The plan that a session agreed on, for a file of `size` bytes.
///
/// # Errors
/// A session whose part size makes no plan.
pub(crate) fn agreed(session: &UploadSession, size: u64) -> Result<StoredPlan, Problem> {
    if !session.in_parts {
        return Ok(StoredPlan { in_parts: false, part_size: size, part_count: 1 });
    }
    let bad = || {
        Problem::new(ProblemCode::BadAnswer)
            .because(format!("a part size of {} bytes is no plan for {size} bytes", session.part_size))
    };
    if session.part_size == 0 {
        return Err(bad());
    }
    let part_count = u32::try_from(size.div_ceil(session.part_size).max(1)).map_err(|_| bad())?;
    Ok(StoredPlan { in_parts: true, part_size: session.part_size, part_count })
}

/// The parts of a plan, in file order. They cover the file exactly once.
pub(crate) fn parts(plan: &StoredPlan, size: u64) -> impl Iterator<Item = PartPlan> + use<> {
    let StoredPlan { part_size, part_count, .. } = plan.clone();
    (0..part_count).map(move |index| {
        let offset = u64::from(index) * part_size;
        PartPlan { number: index + 1, offset, length: part_size.min(size.saturating_sub(offset)) }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const UNKNOWN: Link = Link { speed: None, at_once: 8 };

    fn facts(parts: Option<PartRules>, whole_limit: Option<u64>) -> Capabilities {
        Capabilities {
            whole_limit,
            parts,
            parts_from: 64 * MIB,
            largest_file: None,
            empty_files: false,
            digests: Vec::new(),
            listable: true,
            records: true,
            versions: false,
            ranges: None,
            delete: true,
            file_metadata: false,
            links: false,
            imports_links: false,
            folders: false,
            name_limit: 255,
            file_versions: false,
            announce_at_once: 1,
            refuses_taken: false,
            files_per_record: None,
        }
    }

    fn rules() -> PartRules {
        PartRules {
            min: 5 * MIB,
            max: 5 << 30,
            max_count: 10_000,
            any_order: true,
            server_lists_parts: true,
            part_md5: true,
        }
    }

    /// The plan for that wish covers the file exactly once.
    fn covers(wish: ShapeWish, size: u64) {
        let session = UploadSession {
            in_parts: wish.in_parts,
            part_size: wish.part_size,
            memory: serde_json::Value::Null,
        };
        let plan = agreed(&session, size).unwrap();
        assert_eq!(plan.part_count, wish.part_count);
        let mut next = 0;
        for (part, number) in parts(&plan, size).zip(1..) {
            assert_eq!((part.offset, part.number), (next, number), "{size}");
            assert!(part.length > 0);
            next = part.end();
        }
        assert_eq!(next, size);
    }

    #[test]
    fn every_plan_covers_the_file_exactly_once() {
        let limits = Limits::default();
        let facts = facts(Some(rules()), None);
        for size in [1, 16 * MIB - 1, 16 * MIB, 16 * MIB + 1, 64 * MIB, 1 << 30, (1 << 40) + 7] {
            for choice in [ShapeChoice::Auto, ShapeChoice::Whole, ShapeChoice::Parts] {
                covers(wish(size, &facts, choice, &limits, UNKNOWN).unwrap(), size);
            }
        }
    }

    /// `LABFERRY_CASES` asks for more.
    #[test]
    fn any_link_gives_a_plan_that_covers_the_file_within_every_bound() {
        let cases = std::env::var("LABFERRY_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
        let mut random = fastrand::Rng::with_seed(1);
        let mut chosen = 0;
        for case in 0..cases {
            let max = 1_u64 << random.u32(20..34);
            let rules = PartRules {
                min: (1_u64 << random.u32(0..24)).min(max),
                max: max - random.u64(0..max / 2),
                max_count: random.u32(1..10_001),
                any_order: random.bool(),
                ..rules()
            };
            let rules = PartRules { min: rules.min.min(rules.max), ..rules };
            let limits = Limits { part_size: 1 << random.u32(12..26), ..Limits::default() };
            let bits = random.u32(1..43);
            let size = random.u64(1..1 << bits);
            let bits = random.u32(1..64);
            let speed = (random.u8(0..8) > 0).then(|| random.u64(0..1 << bits));
            let link = Link { speed, at_once: random.usize(0..64) };
            let what =
                format!("case {case}: {size} bytes, {rules:?}, {link:?}, at least {}", limits.part_size);
            let facts = facts(Some(rules), None);
            let ask = |link| wish(size, &facts, ShapeChoice::Parts, &limits, link);
            let (slow, wish) = match (ask(Link { speed: None, ..link }), ask(link)) {
                (Ok(slow), Ok(wish)) => (slow, wish),
                (Err(_), Err(_)) => continue,
                answers => panic!("{what}: {answers:?}"),
            };
            covers(wish, size);
            assert!(wish.part_count <= rules.max_count && wish.part_size <= rules.max, "{what}: {wish:?}");
            assert!(wish.part_size >= slow.part_size, "{what}: smaller than without a measure");
            if wish.part_size > slow.part_size {
                chosen += 1;
                let at_once = if rules.any_order { link.at_once.max(1) as u64 } else { 1 };
                assert!(wish.part_size <= LARGEST_CHOSEN, "{what}: {wish:?}");
                assert!(wish.part_size * at_once <= ON_THE_WAY, "{what}: {wish:?}");
                assert!(u64::from(wish.part_count) >= PARTS_A_CONNECTION * at_once, "{what}: {wish:?}");
                assert!(wish.part_size / 2 < speed.unwrap().saturating_mul(PART_SECONDS), "{what}: {wish:?}");
            }
        }
        assert!(chosen * 20 > cases, "sizes were chosen: {chosen} of {cases}");
    }

    #[test]
    fn parts_grow_with_the_link_and_no_further_than_they_may() {
        let limits = Limits::default();
        let facts = facts(Some(rules()), None);
        let mib = |size, speed, at_once| {
            let link = Link { speed, at_once };
            wish(size, &facts, ShapeChoice::Auto, &limits, link).unwrap().part_size / MIB
        };
        const LARGE: u64 = 100 << 30;
        assert_eq!(mib(LARGE, None, 8), 16);
        assert_eq!(mib(LARGE, Some(0), 8), 16);
        assert_eq!(mib(LARGE, Some(2 * MIB), 8), 16, "8 s already");
        assert_eq!(mib(LARGE, Some(3 * MIB), 8), 32);
        assert_eq!(mib(LARGE, Some(u64::MAX), 8), 64, "never above what proxies take");
        assert_eq!(mib(LARGE, Some(100 * MIB), 16), 32, "many at once have less each");
        assert_eq!(mib(LARGE, Some(100 * MIB), 100), 16);
        assert_eq!(mib(1 << 30, Some(100 * MIB), 8), 32, "enough parts for every connection");
        assert_eq!(mib(1 << 29, Some(100 * MIB), 8), 16);
        // A file that needs larger parts anyway gets those.
        assert_eq!(mib(1 << 40, Some(100 * MIB), 8), mib(1 << 40, None, 8));
    }

    #[test]
    fn parts_begin_where_they_are_worth_it_and_grow_with_the_file() {
        let limits = Limits::default();
        let facts = facts(Some(rules()), None);
        let shape = |size| wish(size, &facts, ShapeChoice::Auto, &limits, UNKNOWN).unwrap();
        assert!(!shape(64 * MIB - 1).in_parts);
        assert_eq!(shape(64 * MIB).part_size, 16 * MIB);
        let large = shape(1 << 40);
        assert!(large.part_count <= limits.part_count_target && large.part_size > 16 * MIB, "{large:?}");
    }

    #[test]
    fn what_a_service_cannot_take_is_refused_with_its_reason() {
        let limits = Limits::default();
        let refused = |facts: &Capabilities, size, choice| {
            wish(size, facts, choice, &limits, UNKNOWN).unwrap_err().code
        };
        assert_eq!(refused(&facts(None, None), 0, ShapeChoice::Auto), ProblemCode::EmptyFileRefused);
        assert_eq!(refused(&facts(None, Some(10)), 11, ShapeChoice::Auto), ProblemCode::FileTooLarge);
        assert_eq!(refused(&facts(None, None), 11, ShapeChoice::Parts), ProblemCode::Unsupported);
        let small = PartRules { max: 5 * MIB, max_count: 2, ..rules() };
        assert_eq!(
            refused(&facts(Some(small), None), 100 * MIB, ShapeChoice::Auto),
            ProblemCode::FileTooLarge
        );
    }

    #[test]
    fn a_session_without_a_part_size_makes_no_plan() {
        let session = UploadSession { in_parts: true, part_size: 0, memory: serde_json::Value::Null };
        assert_eq!(agreed(&session, 5).unwrap_err().code, ProblemCode::BadAnswer);
    }
}
