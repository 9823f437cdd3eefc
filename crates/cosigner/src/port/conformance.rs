//! What every [`Store`](super::store::Store) must do, as functions that each take a fresh one. A store's crate names them
//! all at once with [`store_conformance!`](crate::store_conformance).

pub mod chain;
pub mod people;
pub mod sample;
pub mod spend;
pub mod wallet;

/// Makes a test of every function of the suite, each with a store from `$fresh`, an expression that dereferences to a
/// store and may keep its directory alive. `$run` runs a future to its end.
#[macro_export]
macro_rules! store_conformance {
    ($fresh:expr, $run:path) => {
        $crate::store_conformance!(@ $fresh, $run, people:
            a_new_store_is_empty
            a_server_secret_is_replaced
            a_counter_only_rises
            an_invitation_is_used_once
            users_are_unique_by_issuer_and_subject
            a_device_is_added_once
            a_device_is_removed_and_nothing_with_it
            a_user_has_no_more_devices_than_there_is_room_for
            a_user_has_no_more_new_devices_than_there_is_room_for
            users_and_devices_page_in_order_of_their_ids
            everything_is_counted
            a_reply_is_recorded_once
            purging_drops_what_is_past_its_time_and_nothing_else
        );
        $crate::store_conformance!(@ $fresh, $run, wallet:
            a_wallet_reads_back_whole
            chains_are_put_and_replaced
            an_update_replaces_all_but_the_version
            a_batch_raises_the_version_it_expects
            a_batch_that_expects_another_version_changes_nothing
            an_update_without_an_expected_version_is_a_conflict
            a_batch_that_fails_at_its_end_changes_nothing
            wallets_list_in_the_order_they_were_made
            wallets_are_counted_past_what_a_list_shows
            wallets_of_all_users_page_in_order_of_their_ids
            wallets_of_one_user_page_past_what_their_list_shows
            a_batch_with_a_mark_changes_nothing
            shares_of_two_epochs_are_there_together
            a_share_is_sealed_anew_where_it_is_there
            charges_page_in_order_of_their_outpoints
            ceremonies_page_in_order_of_their_ids
            a_ceremony_replaces_that_of_its_wallet
            one_user_cannot_replace_the_ceremony_of_another
            open_ceremonies_are_counted_by_user_and_in_all
            the_audit_chain_reads_in_order_and_pages
            a_charge_is_put_and_raised
            issued_transactions_wait_until_settled
            what_waits_is_counted_up_to_a_bound
            a_conflict_on_chain_settles_what_it_conflicts_with
            a_roll_back_makes_settled_signatures_wait_again
            settled_signatures_are_forgotten_when_deep
        );
        $crate::store_conformance!(@ $fresh, $run, chain:
            scripts_are_found_by_output_key
            scripts_of_all_wallets_page_in_order_of_their_keys
            watched_and_used_count_from_the_highest_index
            a_coin_stays_as_it_was_first_put
            transactions_come_in_the_order_they_changed
            a_transaction_that_says_nothing_new_changes_nothing
            only_a_roll_back_unmines
            a_roll_back_unmines_what_was_above_and_forgets_the_blocks
            an_unconfirmed_transaction_can_leave_and_come_back
            unconfirmed_transactions_of_all_wallets_page
            the_tip_is_the_highest_block
            a_rescan_is_kept_until_it_ends
            a_rescan_that_was_asked_for_anew_is_not_moved
            a_roll_back_ends_rescans_below_it
        );
        $crate::store_conformance!(@ $fresh, $run, spend:
            what_is_read_at_once_is_what_each_read_says
        );
    };
    (@ $fresh:expr, $run:path, $module:ident: $($name:ident)+) => {
        $(
            #[test]
            fn $name() {
                let fresh = $fresh;
                $run($crate::port::conformance::$module::$name(&*fresh));
            }
        )+
    };
}
