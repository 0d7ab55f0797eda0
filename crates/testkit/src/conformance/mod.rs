//! The conformance suite of [`Backend`](upnext_core::Backend): one module a verb or noun, one function a case.
//!
//! Each case opens an empty backend through a [`Harness`](crate::Harness) and panics with a sentence that says what is
//! wrong. Cases know nothing of how a backend works; where the text of the trait leaves a choice, they accept each.

pub mod apis;
pub mod artifact_changes;
pub mod artifact_listing;
pub mod artifact_order;
pub mod artifact_search;
pub mod artifacts;
pub mod attempts;
pub mod blobs;
pub mod caching;
pub mod cancel;
pub mod changes;
pub mod claim;
pub mod clock_steps;
pub mod concurrency;
pub mod damage;
pub mod enqueue;
pub mod expiry;
pub mod finish;
pub mod followers;
pub mod functions;
pub mod gates;
pub mod insights;
pub mod job_search;
pub mod labels;
pub mod limits;
pub mod lineage;
pub mod listing;
pub mod live;
pub mod reclaim;
pub mod release;
pub mod renew;
pub mod report;
pub mod retry;
pub mod schedules;
pub mod signals;
pub mod totals;
pub mod uploads;
pub mod walk;
pub mod workers;

/// Makes one `#[tokio::test]` of each case: `backend_conformance!(SqliteHarness)`. The expression makes the
/// [`Harness`](crate::Harness) anew for each case. Needs `tokio` as a dependency of the crate that calls it.
#[macro_export]
macro_rules! backend_conformance {
    ($harness:expr) => {
        $crate::conformance_cases! { $harness;
            enqueue {
                accepted_jobs_are_there_after_reopening,
                every_field_reads_back,
                answers_come_in_the_order_of_the_request,
                a_statement_for_transactions_accepts_nothing_itself,
                an_empty_batch_answers_empty,
                an_unfinished_key_stands_for_its_job,
                a_finished_key_makes_a_new_job,
                a_key_belongs_to_its_function,
                jobs_without_a_key_are_never_merged,
                a_key_twice_in_one_batch_makes_one_job,
                a_repeated_call_makes_no_second_job,
                a_key_raced_for_by_two_handles_makes_one_job,
                unicode_reads_back_exactly,
                large_arguments_read_back_exactly,
                a_large_batch_is_accepted_whole,
                a_delayed_job_is_pending_until_its_time,
                a_child_keeps_its_parent_and_root,
            }
            claim {
                higher_priority_comes_first,
                earlier_due_time_comes_first,
                many_jobs_due_at_once_keep_their_order,
                submission_order_breaks_ties,
                order_holds_across_functions,
                only_offered_functions_are_claimed,
                a_function_offered_twice_gives_each_job_once,
                the_limit_is_respected,
                a_limit_of_zero_claims_nothing,
                paused_functions_give_no_jobs,
                delayed_jobs_wait_for_their_time,
                retrying_jobs_wait_for_their_time,
                next_due_is_none_when_nothing_waits_for_a_time,
                a_claim_fills_the_lease_and_the_job,
                a_leased_job_is_not_given_again,
                every_lease_has_its_own_token,
                the_job_names_its_last_worker,
            }
            limits {
                no_more_run_at_once_than_allowed,
                what_no_longer_runs_makes_room,
                a_new_limit_counts_what_runs_already,
                a_limit_can_be_taken_back,
                a_group_shares_its_limit,
                no_more_begin_than_the_rate_allows,
                a_rate_counts_starts_not_running_jobs,
                a_clock_put_back_does_not_stop_a_rate,
            }
            gates {
                jobs_of_one_key_wait_for_each_other,
                the_most_urgent_waits_least,
                every_way_out_gives_the_place_up,
                a_lost_job_keeps_its_place,
                a_place_is_taken_when_a_job_is_due,
                keys_belong_to_their_function,
            }
            caching {
                a_result_is_shared_for_its_time,
                only_results_of_the_same_key_are_shared,
                a_result_without_a_time_stays,
                the_first_result_stays,
                a_shared_result_uses_up_no_limit,
            }
            schedules {
                a_schedule_begins_when_it_is_registered,
                every_run_is_made_once,
                a_run_raced_for_is_made_once,
                paused_and_ended_schedules_say_so,
            }
            renew {
                a_renewed_lease_holds_longer,
                a_lease_is_renewed_again_and_again,
                a_request_to_cancel_reaches_the_worker,
                lost_leases_are_told_one_by_one,
                an_empty_renewal_is_a_sign_of_life,
                an_unregistered_worker_may_renew,
            }
            finish {
                a_complete_job_shows_its_result,
                a_null_result_is_a_result,
                a_failed_job_shows_its_error,
                retries_wait_by_delay_and_backoff,
                jitter_stays_within_its_part,
                an_unretryable_failure_ends_the_job,
                a_timeout_is_retried_then_fails,
                a_cancelled_attempt_cancels_the_job,
                every_outcome_follows_the_rules,
                a_second_finish_is_stale,
                a_forged_lease_is_stale,
                a_queued_job_cannot_be_finished,
                a_finish_after_reclaim_is_stale,
                a_mixed_batch_is_answered_one_by_one,
                an_empty_batch_answers_empty,
                an_acknowledged_end_survives_reopening,
            }
            attempts {
                a_running_attempt_is_listed,
                failed_then_complete,
                lost_then_complete,
                timeouts_and_cancellations_have_their_words,
                history_goes_on_after_a_retry_by_hand,
                an_unknown_job_has_none,
            }
            release {
                a_released_job_is_as_if_never_claimed,
                a_released_job_keeps_its_place,
                earlier_attempts_stay,
                the_attempt_before_shows_again,
                a_released_lease_is_worth_nothing,
                a_finished_job_is_not_released,
                a_mixed_batch_releases_what_it_can,
                a_cancelled_job_does_not_escape_through_release,
            }
            reclaim {
                only_expired_leases_are_taken_back,
                the_limit_is_respected,
                other_leases_are_left_alone,
                a_cancelled_job_does_not_come_back,
                a_poison_job_fails_for_good,
                jobs_on_their_last_worker_come_one_at_a_time,
                losses_cost_no_retries,
                the_checkpoint_survives_a_loss,
                leases_survive_reopening,
            }
            cancel {
                a_queued_job_is_cancelled_at_once,
                a_pending_job_is_cancelled_at_once,
                a_retrying_job_is_cancelled_at_once,
                a_cancelled_job_never_turns_complete,
                a_cancelled_job_is_not_retried,
                an_ended_job_is_too_late,
                an_unknown_job_is_unknown,
                cancelling_frees_the_key,
            }
            retry {
                a_failed_job_is_queued_again,
                only_failed_jobs_are_retried,
                an_unknown_job_is_unknown,
                a_second_retry_is_refused,
                retries_are_fresh,
                losses_are_forgiven,
                losses_stay_among_the_attempts,
                a_retried_job_holds_its_key_again,
                a_retry_beside_a_newer_job_with_its_key,
            }
            report {
                progress_is_visible,
                the_last_checkpoint_is_handed_on,
                logs_are_listed_in_order,
                logs_are_read_page_by_page,
                logs_are_filtered,
                stale_reports_are_ignored,
                a_failed_batch_leaves_nothing,
                nothing_to_report_is_fine,
                a_lost_attempt_reports_no_more,
            }
            artifacts {
                a_recorded_artifact_is_listed_at_once,
                an_artifact_from_outside_needs_no_lease,
                a_stale_lease_records_nothing,
                one_refusal_does_not_spoil_the_batch,
                the_same_name_makes_a_new_version,
                versions_within_one_batch,
                versions_belong_to_their_job,
                deleting_the_latest_version_shows_the_one_before,
                a_deleted_artifact_is_gone,
                nothing_asked_nothing_answered,
                records_survive_reopening,
            }
            artifact_listing {
                newest_first,
                filters_narrow_the_list,
                names_are_searched_literally,
                names_are_searched_in_any_script,
                pages_cover_everything_once,
                the_total_counts_all_pages,
            }
            live {
                a_live_artifact_is_seen_at_once,
                parts_are_read_while_it_grows,
                a_mixed_batch_is_answered_one_by_one,
                a_part_elsewhere_is_refused,
                another_lease_writes_nothing,
                an_ended_attempt_leaves_it_incomplete,
                the_next_attempt_begins_the_next_version,
                sealing_makes_it_whole,
                a_single_part_may_be_the_whole,
                a_repeated_seal_is_answered,
                a_whole_artifact_is_closed,
                stored_parts_are_given_back,
                a_deleted_live_artifact_is_gone,
                a_stale_lease_begins_nothing,
                one_from_outside_needs_no_lease,
                writing_goes_on_after_reopening,
                racing_parts_are_taken_once,
            }
            uploads {
                an_upload_is_not_seen_before_it_is_whole,
                sealing_makes_the_next_version,
                uploads_of_one_name_stand_side_by_side,
                an_upload_knows_no_lease,
                a_repeated_key_answers_the_same_record,
                a_key_for_another_artifact_is_refused,
                a_key_belongs_to_its_job,
                a_key_finds_what_is_being_written,
                a_repeated_call_makes_no_second_artifact,
            }
            labels {
                labels_read_back_exactly,
                any_media_type_is_kept,
                a_patch_changes_only_what_it_names,
                a_bad_patch_changes_nothing,
                several_tags_must_all_be_there,
                tags_follow_their_artifact,
                labels_belong_to_their_version,
            }
            artifact_search {
                words_are_found_wherever_they_are,
                letter_case_is_put_aside_in_any_script,
                everything_is_literal_text,
                short_texts_are_found,
                a_search_sees_what_was_just_done,
                searches_end_while_artifacts_come_and_go,
                globs_match_whole_names,
                a_search_goes_with_other_filters,
            }
            artifact_order {
                every_order_covers_everything_once,
                pages_stand_still_while_others_write,
                sizes_and_times_narrow_the_list,
                a_clock_that_runs_backwards_confuses_nobody,
                a_tree_is_listed_by_its_root,
                totals_beyond_the_cap_say_so,
            }
            artifact_changes {
                a_change_is_seen_from_the_cursor,
                closing_is_an_update,
                jobs_and_artifacts_share_one_order,
                the_limit_cuts_without_gaps,
                the_feed_of_jobs_knows_no_artifacts,
                what_retention_removes_is_told,
                followers_end_with_the_true_picture,
            }
            expiry {
                artifacts_go_when_their_time_has_come,
                the_time_can_be_changed,
                the_limit_is_respected,
                ended_jobs_go_with_all_they_have,
                a_pinned_artifact_keeps_its_job,
                shared_bytes_stay,
                forgotten_uploads_are_given_up,
                a_job_is_deleted_once_it_ended,
                nothing_is_inherited_from_a_deleted_job,
            }
            lineage {
                reads_are_known_in_both_directions,
                reads_of_the_unknown_note_nothing,
                a_read_is_of_one_version,
                deletion_forgets_its_reads,
                an_upload_shows_no_lineage,
            }
            damage {
                damage_shows_on_all_that_share_the_bytes,
                damage_of_the_unknown_is_refused,
                fresh_bytes_heal_all_that_share_them,
                blobs_are_listed_by_digest,
            }
            totals {
                an_empty_backend_counts_nothing,
                sharing_shows_in_the_totals,
                totals_equal_a_recount_after_every_step,
            }
            blobs {
                inline_bytes_read_back,
                shared_bytes_live_until_the_last_record,
                shared_bytes_within_one_batch,
                stored_blobs_are_elsewhere,
                only_unneeded_blobs_are_condemned,
                a_condemned_blob_is_refused_until_forgotten,
                a_blob_recorded_again_in_time_stays,
                orphans_are_condemned_unless_needed,
                the_limit_is_respected,
                a_dead_sweepers_blobs_are_offered_again,
                two_sweepers_share_no_blob,
                an_orphan_beside_inline_bytes_stays_fenced,
                inline_and_stored_bytes_do_not_disturb_each_other,
                forgetting_the_unknown_is_harmless,
            }
            listing {
                unknown_ids_are_left_out,
                newest_first,
                function_and_status_narrow_the_list,
                the_worker_narrows_the_list,
                times_narrow_the_list,
                a_tree_is_listed_by_its_root,
                pages_cover_everything_once,
                filters_hold_on_every_page,
            }
            job_search {
                tags_narrow_the_list,
                tags_hold_on_every_page,
                the_tags_of_a_job_go_with_it,
                a_job_that_stands_for_another_keeps_its_tags,
                a_text_is_found_wherever_it_may_be,
                a_text_is_found_nowhere_else,
                letter_case_is_put_aside,
                a_text_works_with_other_filters,
                pages_of_a_search_cover_everything_once,
                a_page_of_a_search_ends_early,
            }
            changes {
                changes_after_the_cursor_are_told_in_order,
                a_job_that_changed_twice_is_told_once,
                every_step_is_a_change,
                becoming_due_is_a_change,
                the_cursor_resumes_where_the_limit_cut,
                changes_of_other_handles_are_told,
                a_cursor_survives_reopening,
                followers_miss_nothing_while_others_write,
            }
            followers {
                a_new_cursor_begins_at_the_present,
                a_cursor_moves_only_forward,
                a_held_cursor_is_refused_to_others,
                a_cursor_that_was_let_go_is_taken_over,
                a_cursor_and_its_place_survive_reopening,
                one_of_many_takes_a_cursor,
                the_first_secret_stays,
                artifacts_are_told_by_what_happened_since,
                pages_pass_over_no_creation,
            }
            signals {
                finished_jobs_are_named_locally,
                unfinished_jobs_are_not_named,
                claimers_are_woken,
                commits_of_other_handles_are_signalled,
                ends_in_other_handles_are_signalled,
                no_commit_of_another_handle_is_slept_over,
            }
            workers {
                a_registered_worker_is_listed,
                a_silent_worker_is_not_alive,
                memory_comes_with_signs_of_life,
                a_stopped_worker_is_listed_as_stopped,
                registering_again_replaces,
                workers_are_listed_for_a_day,
                active_jobs_are_counted,
                instances_share_their_functions,
            }
            functions {
                the_last_definition_counts,
                functions_outlive_their_workers,
                an_unknown_function_is_not_found,
                a_function_that_nobody_offers_is_forgotten,
                pausing_is_remembered,
                a_function_without_jobs_has_no_figures,
                the_backlog_counts_what_waits,
                the_backlog_counts_jobs_that_became_due,
                rates_and_times_come_from_finished_jobs,
                figures_are_about_one_day,
                list_and_find_agree,
            }
            insights {
                an_empty_backend_has_empty_figures,
                ends_are_counted_in_their_hour,
                what_is_taken_back_is_not_counted,
                figures_equal_a_count_in_any_window,
                depth_is_what_waits_and_runs,
                notable_jobs_are_found,
            }
            apis {
                a_reported_api_is_listed,
                a_silent_api_is_not_alive,
                requests_are_listed_newest_first,
                requests_are_found_by_what_they_are,
                the_newest_of_each_class_stay_listed,
                figures_are_by_hour_and_route,
                figures_of_many_reporters_add_up,
                what_is_too_old_is_forgotten,
            }
            concurrency {
                claimers_never_share_a_job,
                a_busy_queue_completes_each_job_once,
                one_of_many_finishes_counts,
                cancel_and_finish_agree,
                cancel_and_claim_agree,
                reclaim_and_finish_agree,
                readers_see_no_gap_in_the_history,
                one_of_many_retries_counts,
                racing_versions_are_numbered_apart,
                many_small_callers_each_get_their_own_answer,
            }
            clock_steps {
                a_step_forward_ends_leases_and_loses_nothing,
                a_worker_that_renews_first_keeps_its_lease,
                a_step_forward_makes_waiting_jobs_due,
                a_step_back_touches_neither_running_nor_queued_jobs,
                a_step_back_puts_off_what_waits_for_a_moment_by_the_step,
                after_a_step_back_a_vanished_workers_job_comes_back,
            }
            walk {
                no_walk_leaves_the_rules,
            }
        }
    };
}

/// The loop of [`backend_conformance!`].
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($harness:expr; $($noun:ident { $($case:ident,)+ })+) => {
        $(
            mod $noun {
                #[allow(unused_imports, reason = "the harness may be named by its full path")]
                use super::*;

                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        let harness = $harness;
                        $crate::conformance::$noun::$case(&harness).await;
                    }
                )+
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// A case that is written but not listed would never run.
    #[test]
    fn every_case_is_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conformance");
        let list = include_str!("mod.rs");
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let noun = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if noun == "mod" {
                continue;
            }
            let listed =
                list.split_once(&format!(" {noun} {{\n")).map(|(_, rest)| rest.split_once('}').unwrap().0);
            let listed = listed.unwrap_or_else(|| panic!("the module {noun} is not listed"));
            for line in std::fs::read_to_string(&path).unwrap().lines() {
                let Some(case) = line.strip_prefix("pub async fn ").and_then(|rest| rest.split('(').next())
                else {
                    continue;
                };
                assert!(listed.contains(&format!(" {case},\n")), "the case {noun}::{case} is not listed");
            }
        }
    }
}
