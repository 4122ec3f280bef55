// SPDX-License-Identifier: MIT
#include "count_internal.h"

/*
 * Another process had the shards for a while: it has counted what is pending here, and perhaps deleted
 * it again, and nobody can tell. So nothing of it is written; all begins anew, as after a crash:
 *
 *     restart -> (reads and the listing come back) -> forget -> load
 *
 * Dead letters that are not durable yet are forgotten too: their records are read again.
 */

static void stop_timers(struct ht_count *count);
static void forget(struct ht_count *count);
static void forget_pending(struct ht_count *count);

bool ht_count_is_outdated(const struct ht_count *count)
{
    struct ht_table *table = count->options.table;
    return table->ops->is_outdated != NULL && table->ops->is_outdated(table);
}

void ht_count_restart(struct ht_count *count)
{
    struct ht_error error;
    if (count->is_restarting || count->is_fatal) {
        return;
    }
    (void)ht_error_set(
        &error, HT_EBUSY,
        "Another process counted this stream meanwhile: what was not written yet is "
        "forgotten, the table is loaded anew, and counting goes on from there. Nothing "
        "is lost; try again in a moment.");
    count->is_restarting = true;
    count->is_running = count->is_loaded = false;
    count->counters.reloads++;
    ht_health_fail(&count->health, HT_HEALTH_WAITING, &error);
    ht_log_warning(count->options.log, "count", "another process counted meanwhile: loading anew",
                   HT_NUMBER("hashtags_forgotten", ht_count_pending_hashtags(count)));
    stop_timers(count);
    ht_count_shards_stop(count);
    ht_count_tell_restart(count, &error);
    ht_count_look_at_restart(count);
}

static void stop_timers(struct ht_count *count)
{
    struct ht_timer_queue *timers = count->options.timers;
    ht_timer_stop(timers, &count->work_timer);
    ht_timer_stop(timers, &count->flush_timer);
    ht_timer_stop(timers, &count->flush_now_timer);
    ht_timer_stop(timers, &count->flush_retry_timer);
    ht_timer_stop(timers, &count->board_timer);
    ht_timer_stop(timers, &count->land_timer);
}

void ht_count_look_at_restart(struct ht_count *count)
{
    if (!count->is_restarting || ht_count_shards_are_busy(count)) {
        return;
    }
    count->is_restarting = false;
    forget(count);
    if (!count->is_stopping && !count->is_fatal) {
        /* on the next turn: the table may be in the middle of an answer */
        ht_timer_start(count->options.timers, &count->load_timer, 0);
    }
    ht_count_look_at_stop(count);
}

static void forget(struct ht_count *count)
{
    ht_count_lineage_finish(count);
    ht_count_marks_finish(count);
    count->shard_capacity = 0;
    count->next_index = 0;
    count->listing = 0;
    count->loaded_count = count->loaded_capacity = 0;
    count->list_failures = count->load_failures = count->flush_failures = 0;
    count->work_shard = NULL;
    count->is_remembering_logged = false;
    ht_tag_set_clear(count->touched);
    count->touched_bytes = 0;
    count->is_refusing = false;
    forget_pending(count);
    ht_tally_clear(count->options.tally);
    count->durable_version++;
}

static void forget_pending(struct ht_count *count)
{
    ht_count_clear_flight(count);
    count->flight.letters = count->letters;
    ht_count_free_letters(count);
    count->letters = count->last_letter = NULL;
    count->letter_count = 0;
    ht_pending_clear(count->pending);
    ht_count_sync_budget(count);
}
