//! What every store has to do, written against the traits alone. A second store adds one line at the end of this file.

mod addresses;
mod corrections;
mod crowds;
mod digests;
mod draining;
mod failover;
pub mod fixture;
mod gates;
mod levels;
mod order;
mod publishing;
mod reach;
mod receipts;
mod retention;
mod returned;
mod settling;
mod together;
mod told;

/// Runs each test on a fresh SQLite store.
macro_rules! on_sqlite {
    ($($module:ident :: $test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let (_dir, store) = super::fixture::sqlite().await;
                super::$module::$test(&store).await;
                assert_eq!(rundruf::store::Board::recount(&store).await.unwrap(), [], "counters differ from the rows");
            })+
        }
    };
}

on_sqlite! {
    publishing::the_same_key_publishes_once,
    publishing::another_content_under_a_key_is_refused,
    publishing::after_names_what_came_between,
    publishing::a_closed_incident_takes_nothing,
    publishing::every_line_of_the_log_follows_from_the_one_before,
    order::an_account_gets_notices_in_order,
    order::a_failing_first_holds_the_second,
    order::an_unknown_holds_its_successor_for_the_order_wait,
    order::whoever_is_held_back_stands_in_nobodys_way,
    order::latest_ends_the_same_scope_only,
    order::every_ends_only_what_is_named,
    order::urgent_incidents_go_first,
    order::one_incidents_bulk_goes_behind_anothers_urgent_notice,
    order::an_audience_opens_in_order_and_by_places,
    order::the_rate_spaces_the_starts,
    digests::nothing_starts_before_the_cut_and_then_each_gets_one,
    digests::a_digest_of_what_does_not_wait_any_more_is_refused,
    digests::what_was_taken_back_is_in_no_later_digest,
    digests::what_is_redacted_is_in_no_frozen_digest,
    digests::where_the_newest_is_taken_back_the_others_wait_again,
    digests::what_has_run_out_is_in_no_digest,
    digests::an_account_posts_one_digest,
    digests::a_correction_of_a_part_leaves_the_post_of_the_whole,
    digests::an_unknown_part_may_be_repeated,
    digests::what_was_taken_back_is_in_no_cut_of_a_cut,
    digests::what_comes_back_is_in_the_next_cut,
    digests::a_digest_that_never_arrived_takes_nothing_with_it,
    digests::a_told_wait_outlives_a_digest,
    told::what_ran_out_by_a_clock_ahead_is_told_after_all,
    told::a_digest_that_is_written_again_leaves_what_has_gone,
    told::whoever_had_only_a_digest_hears_of_every_word_on_it,
    told::what_is_redacted_is_in_no_digest_that_has_gone,
    told::what_was_taken_out_is_kept_for_looking_alone_and_until_it_is_known,
    told::a_notice_is_looked_for_in_the_newest_digest,
    told::why_a_digest_cannot_be_written_is_on_the_board,
    together::what_several_lanes_claim_at_once_each_gets_once,
    together::a_claim_that_fails_fails_alone,
    together::a_claim_after_the_bell_finds_the_publication,
    addresses::another_spelling_is_the_same_recipient,
    addresses::of_two_spellings_the_one_stays_that_has_got_something,
    addresses::what_was_stored_by_an_older_idea_is_compared_by_the_new_one,
    addresses::a_renamed_channel_keeps_whom_it_does_not_write_to,
    addresses::who_was_lifted_after_leaving_the_list_gets_nothing,
    corrections::a_correction_knows_who_got_what,
    corrections::a_retraction_reaches_only_who_got_it,
    corrections::a_correction_reaches_whoever_has_what_it_corrects,
    corrections::a_correction_waits_for_what_is_under_way,
    corrections::a_corrected_notice_is_not_sent_again,
    corrections::what_a_person_wanted_again_is_not_sent_once_it_is_taken_back,
    corrections::a_correction_ends_nothing_newer_than_what_it_corrects,
    corrections::a_retraction_does_not_get_stuck_on_those_who_have_nothing,
    corrections::in_latest_a_correction_reaches_whoever_has_the_wrong_words,
    corrections::an_overtaken_correction_that_began_runs_out,
    corrections::a_retraction_reaches_whoever_may_have_it,
    corrections::what_nobody_needs_passes_nobody,
    corrections::what_a_retraction_came_before_still_goes,
    receipts::a_receipt_may_come_before_the_answer,
    receipts::the_first_final_receipt_wins,
    receipts::a_receipt_resolves_unknown,
    receipts::an_interim_word_before_the_answer_is_no_less_true,
    receipts::a_receipt_of_an_older_attempt_ends_nothing_badly,
    receipts::an_older_id_ends_nothing_badly,
    receipts::an_interim_word_about_an_older_attempt_answers_nothing,
    receipts::an_interim_word_by_an_older_id_answers_nothing,
    receipts::a_retraction_is_not_for_whom_a_report_has_settled_it,
    receipts::a_report_is_no_report_of_the_next_attempt,
    retention::what_ended_long_ago_goes_and_the_numbers_stay,
    retention::nothing_goes_that_a_rule_still_needs,
    retention::a_receipt_that_never_came_holds_nothing,
    retention::what_an_account_posted_stays,
    retention::nothing_goes_by_a_clock_in_doubt,
    retention::a_clock_that_was_ahead_keeps_nothing_longer,
    retention::a_later_correction_goes_to_everybody_as_one,
    retention::a_later_retraction_reaches_nobody,
    retention::whoever_left_long_ago_is_forgotten,
    retention::what_was_removed_does_not_wait_again,
    settling::an_old_attempt_is_only_evidence,
    settling::given_back_rows_lose_nothing,
    settling::a_takeover_repeats_with_a_handle_and_else_asks,
    settling::a_passed_unknown_is_not_sent_again,
    settling::what_was_retracted_is_not_sent_after_its_retraction,
    settling::an_unknown_read_back_as_missing_goes_again_unless_passed,
    settling::a_big_audience_gets_each_notice_once,
    settling::outcomes_that_come_with_a_claim_are_written_before_it,
    settling::what_a_person_sends_again_goes,
    settling::what_was_given_back_goes_once_though_new_chunks_open,
    settling::what_is_out_of_time_ends,
    settling::a_leap_of_the_clock_is_remembered_until_somebody_looked,
    settling::a_clock_that_went_back_moves_what_is_due,
    settling::a_clock_that_went_ahead_moves_what_is_due,
    settling::a_clock_that_went_back_ends_no_hold,
    settling::a_clock_set_back_at_rest_is_not_forgotten,
    settling::two_outcomes_of_one_attempt_are_taken_in_turn,
    settling::what_was_read_back_as_missing_has_not_begun,
    settling::what_was_told_to_wait_has_started,
    gates::a_held_lane_starts_nothing,
    gates::an_old_epoch_gets_nothing_and_conflicts,
    gates::another_account_with_rows_waiting_starts_held,
    gates::another_account_with_unknown_rows_starts_held,
    gates::a_gate_set_to_held_in_the_settings_holds_a_known_lane,
    gates::a_dropped_channel_ends_its_rows,
    gates::a_renamed_channel_hands_everything_to_the_lane_a_running_owner_knows,
    gates::an_audience_that_ran_out_before_it_was_opened_is_not_done,
    gates::whoever_leaves_the_audience_is_gone,
    gates::who_has_unsubscribed_gets_nothing_more,
    gates::the_log_says_when_the_last_backup_was,
    gates::whoever_leaves_may_have_got_it,
    returned::a_mail_that_came_back_ends_its_own_address_once,
    returned::a_person_clears_a_first_word_that_still_counts,
    returned::a_directory_that_is_down_ends_nobody,
    returned::many_domains_at_once_end_nobody,
    returned::a_few_of_a_large_domain_are_no_crowd,
    returned::a_mail_that_arrived_makes_the_count_begin_anew,
    returned::who_is_unknown_at_the_door_is_no_sooner_ended,
    returned::what_comes_back_stops_a_drain,
    returned::what_went_out_before_a_hold_does_not_stop_the_release_after_it,
    draining::a_drain_is_never_faster_than_its_ramp,
    draining::a_ramp_stands_still_while_nothing_is_sent,
    draining::a_domain_gets_its_share_while_others_go,
    draining::a_drain_is_over_when_everybody_had_a_try,
    draining::a_drain_stops_itself_when_too_much_is_refused,
    draining::a_probe_releases_and_holds_in_the_commit_that_notes_it,
    draining::a_probe_counts_on_after_the_clock_went_back,
    draining::what_a_removed_probe_had_found_is_forgotten,
    crowds::a_slow_domain_holds_up_nobody_else,
    crowds::a_domain_has_one_rate_however_it_is_spelled,
    reach::who_is_counted_before_a_release_is_who_gets_it,
    reach::whoever_has_something_wrong_is_counted_with_its_correction,
    crowds::whom_a_crowd_has_left_out_goes_when_the_gate_opens,
    crowds::a_newer_notice_passes_no_older_one_in_a_crowd,
    failover::what_waits_on_a_removed_channel_is_not_sent_by_its_reserve,
    failover::what_a_removed_channel_is_refused_ends,
    failover::a_channel_renamed_to_its_reserve_keeps_what_had_moved_there,
    failover::what_waits_is_counted_where_it_waits,
    failover::a_dropped_channel_leaves_what_has_moved_from_it,
    failover::a_dropped_reserve_ends_what_has_moved_to_it,
    failover::after_a_hold_or_a_restart_a_lane_tries_before_anything_moves,
    failover::a_drain_is_about_what_its_lane_sends,
    failover::a_gate_that_opens_frees_what_has_moved_there,
    levels::one_upload_ends_all_that_waited,
    levels::messages_wait_for_their_link,
}
