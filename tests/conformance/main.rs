//! What every service's connector must do, whichever service it speaks to: the same cases for each, driven through
//! `dyn Provider` alone.
//!
//! A service is enrolled with one line below, one file in `services/` that says how it is started and where its faults are
//! set, and what it is known to lack in `known_gaps.toml`. A case looks at the capabilities first; what is lacking has to
//! be on that list, and a gap that has closed fails as well. `elsewhere.rs` says how another server is taken. Which request a fault strikes is asked of the service, so the cases name no service.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod cases;
mod content;
mod elsewhere;
mod known_gaps;
mod lab;
mod target;

use futures_util::FutureExt as _;
use std::panic::{AssertUnwindSafe, resume_unwind};
use target::{Enrolment, NotPossible, Target};

/// Runs one case against a fresh start of a service, or against the server the environment names.
async fn run(name: &'static str, enrolment: Enrolment, case: impl AsyncFn(&Target)) {
    let Some(target) = Target::start(name, enrolment).await else { return };
    let ended = AssertUnwindSafe(case(&target)).catch_unwind().await;
    target.stop().await;
    match ended {
        Ok(()) => {}
        Err(end) => match end.downcast::<NotPossible>() {
            Ok(why) => println!("ended early, what was seen until then holds: {why}"),
            Err(failure) => resume_unwind(failure),
        },
    }
}

macro_rules! enrol {
    ($($file:ident { $($service:ident => $enrolment:ident;)* })*) => {
        /// How each service is started and where its faults strike.
        mod services {
            $( pub(crate) mod $file; )*
        }
        /// The names under which services are enrolled.
        const ENROLLED: &[&str] = &[$($(stringify!($service)),*),*];
        $($( mod $service { crate::every_case!($service, crate::services::$file::$enrolment); } )*)*
    };
}

macro_rules! every_case {
    ($service:ident, $enrolment:path) => { crate::tests_of! { $service, $enrolment;
        sign_in: a_good_token_is_known, a_wrong_token_asks_for_another, no_token_asks_for_one,
            an_unknown_host_is_unreachable, a_web_page_is_not_the_service, noise_is_not_the_service,
            a_failing_service_is_tried_again;
        browse: nothing_is_an_empty_page, one_record_is_listed, many_pages_hold_each_record_once,
            a_page_that_does_not_exist_is_refused, files_are_listed_by_name, what_does_not_exist_is_not_found,
            the_record_of_somebody_else_is_not_mine, words_find_a_record,
            published_records_of_others_are_seen;
        upload: whole_files_of_every_small_size, sizes_around_a_part, many_parts_in_any_order,
            a_part_sent_again_replaces_itself, a_taken_name_is_told, a_source_that_ends_early_is_never_finished,
            multipart_refused_becomes_whole, a_byte_changed_on_the_way_shows, a_yes_that_means_no_is_none,
            many_files_at_once;
        names: names_come_back_as_they_were_given, hostile_names_are_refused_before_anything_is_sent;
        resume: after_a_cut_at_a_part, after_a_restart_of_both, a_cut_whole_file_is_sent_again,
            after_the_finish_answer_was_lost, after_a_part_answer_was_lost, finishing_twice_is_the_same,
            a_missing_part_is_never_taken_for_complete, another_upload_of_the_same_name_is_not_ours,
            a_stored_session_holds_no_secret;
        leave: abandoning_leaves_nothing, leftovers_are_found_and_cleared, a_deleted_file_is_gone,
            a_deleted_container_is_gone;
        links: expired_part_links_are_renewed, part_links_that_outlived_their_time_are_renewed,
            a_download_link_is_asked_for_each_time, a_vanished_upload_begins_anew;
        digests: a_whole_file_has_its_digest_at_once, a_late_digest_comes_and_is_right,
            an_absent_digest_is_not_invented;
        download: whole_and_empty, ranges_are_exact, a_range_past_the_end_is_refused, ignored_ranges_are_seen,
            a_guard_refuses_another_content, a_cut_download_goes_on_where_it_stopped, an_unfinished_file_is_not_given,
            a_missing_file_is_not_found;
        records: a_record_is_made_and_changed, what_is_missing_is_named, a_published_record_is_locked,
            a_pending_file_blocks_publishing, publishing_on_request_is_told, a_new_version_is_a_draft_of_its_own;
        refusals: a_full_quota, too_many_files, a_body_that_is_too_large, an_empty_file_that_is_not_taken,
            too_many_requests, an_internal_error;
        answers: unknown_members_are_passed_over, other_shapes_are_told_and_lose_nothing, an_endless_answer_is_cut_off,
            a_web_page_in_place_of_an_answer_is_told, places_of_other_services_are_refused;
        secrets: the_token_stays_with_the_service, a_redirect_elsewhere_takes_no_token,
            an_upload_link_to_another_host_takes_no_token, errors_repeat_no_secret;
    } };
}

macro_rules! tests_of {
    ($service:ident, $enrolment:path; $($group:ident: $($case:ident),*;)*) => { $( mod $group { $(
        #[tokio::test]
        async fn $case() {
            crate::run(stringify!($service), $enrolment(), crate::cases::$group::$case).await;
        }
    )* } )* };
}

use {every_case, tests_of};

enrol! {
    airalogy { airalogy => enrolment; }
    aruna { aruna => enrolment; }
    aymara { aymara_by_links => by_links; }
    kaleidoscope { kaleidoscope => enrolment; }
    nrp { nrp_with_files_behind_the_api => behind_the_api; nrp_with_signed_links => with_signed_links; }
}
