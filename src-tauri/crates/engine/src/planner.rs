//! Which shape an upload takes and where its parts begin and end. Pure: size, facts and limits in, plan out.

use labferry_model::{
    Capabilities, Limits, PartPlan, PartRules, Problem, ProblemCode, ShapeChoice, transfer::StoredPlan,
};
use labferry_provider::{ShapeWish, UploadSession};

/// The shape to ask the service for.
///
/// # Errors
/// A file that the service cannot take in any shape, or not in the shape that was asked for.
pub(crate) fn wish(
    size: u64,
    facts: &Capabilities,
    choice: ShapeChoice,
    limits: &Limits,
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
        return in_parts(size, rules, limits)
            .ok_or_else(|| too_large(rules.max.saturating_mul(u64::from(rules.max_count))));
    }
    if choice == ShapeChoice::Parts {
        return Err(Problem::new(ProblemCode::Unsupported).because("the service takes no files in parts"));
    }
    if fits_whole { Ok(ShapeWish::whole(size)) } else { Err(too_large(facts.whole_limit.unwrap_or(0))) }
}

fn in_parts(size: u64, rules: &PartRules, limits: &Limits) -> Option<ShapeWish> {
    let most_parts = u64::from(limits.part_count_target.min(rules.max_count).max(1));
    let mut part_size = limits.part_size.max(rules.min).min(rules.max).max(1);
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

    #[test]
    fn every_plan_covers_the_file_exactly_once() {
        let limits = Limits::default();
        let facts = facts(Some(rules()), None);
        for size in [1, 16 * MIB - 1, 16 * MIB, 16 * MIB + 1, 64 * MIB, 1 << 30, (1 << 40) + 7] {
            for choice in [ShapeChoice::Auto, ShapeChoice::Whole, ShapeChoice::Parts] {
                let wish = wish(size, &facts, choice, &limits).unwrap();
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
        }
    }

    #[test]
    fn parts_begin_where_they_are_worth_it_and_grow_with_the_file() {
        let limits = Limits::default();
        let facts = facts(Some(rules()), None);
        let shape = |size| wish(size, &facts, ShapeChoice::Auto, &limits).unwrap();
        assert!(!shape(64 * MIB - 1).in_parts);
        assert_eq!(shape(64 * MIB).part_size, 16 * MIB);
        let large = shape(1 << 40);
        assert!(large.part_count <= limits.part_count_target && large.part_size > 16 * MIB, "{large:?}");
    }

    #[test]
    fn what_a_service_cannot_take_is_refused_with_its_reason() {
        let limits = Limits::default();
        let refused =
            |facts: &Capabilities, size, choice| wish(size, facts, choice, &limits).unwrap_err().code;
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
