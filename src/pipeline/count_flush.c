// SPDX-License-Identifier: MIT
#include "count_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/backoff.h"

/*
 * The life of a flush:
 *
 *     on_interval -> board -> on_board_due -> write_letters -> on_letters -> write_table -> on_flush
 *                              (slices)          ^                             ^            |   |
 *                                                +----------- wait ------------+------------+   |
 *                                                                              (failure)        v
 *                                           finish_landing <- on_land_due (slices) <---------- land
 *
 * What boards is kept until it is durable and tried again as it is; meanwhile the next
 * generation is collected. Only one flight is in the air.
 */

enum { MINUTE_MAX_BYTES = 64 << 20, DELETES_MAX_BYTES = 16 << 20 };

static const struct ht_backoff backoff = {.base_ms = 250, .max_ms = 10000};

static void on_interval(struct ht_timer *timer);
static void on_flush_now(struct ht_timer *timer);
static void on_board_due(struct ht_timer *timer);
static void write_letters(struct ht_count *count);
static void on_letters(struct ht_dead_letters_append *append);
static void write_table(struct ht_count *count);
static void on_flush(struct ht_table_flush *flush);
static void handle_failure(struct ht_count *count, const struct ht_error *error);
static void on_retry_due(struct ht_timer *timer);
static void land(struct ht_count *count);
static void on_land_due(struct ht_timer *timer);
static void finish_landing(struct ht_count *count);

int ht_count_flush_init(struct ht_count *count)
{
    ht_timer_init(&count->flush_timer, on_interval);
    ht_timer_init(&count->flush_now_timer, on_flush_now);
    ht_timer_init(&count->flush_retry_timer, on_retry_due);
    ht_timer_init(&count->answer_timer, ht_count_on_answer_due);
    ht_timer_init(&count->board_timer, on_board_due);
    ht_timer_init(&count->land_timer, on_land_due);
    ht_buffer_init(&count->flight.minute, MINUTE_MAX_BYTES);
    ht_buffer_init(&count->flight.delete_texts, DELETES_MAX_BYTES);
    struct ht_pending_options options = {.key = count->options.hash_key,
                                         .keeps_occurrences = count->options.table->has_marks};
    count->pending = ht_pending_create(&options);
    return count->pending == NULL ? HT_ENOMEM : 0;
}

void ht_count_flush_start(struct ht_count *count)
{
    ht_timer_start(count->options.timers, &count->flush_timer, count->options.flush_interval_ms);
}

bool ht_count_is_dirty(struct ht_count *count)
{
    if (count->flight.is_active || ht_pending_collected_count(count->pending) > 0 ||
        count->letters != NULL || ht_count_has_ready_delete(count) ||
        ht_tag_set_count(count->touched) > 0) {
        return true;
    }
    for (struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        ht_count_shard_note_position(at);
        if (at->is_dirty) {
            return true;
        }
    }
    return false;
}

static void on_interval(struct ht_timer *timer)
{
    struct ht_count *count = HT_CONTAINER_OF(timer, struct ht_count, flush_timer);
    ht_count_move_windows(count);
    ht_count_tell_slow_deletes(count);
    if (!count->flight.is_active && ht_count_is_outdated(count)) {
        ht_count_restart(count);
        return;
    }
    if (count->options.expires || ht_count_is_dirty(count)) {
        ht_count_flush_now(count);
    }
    ht_timer_start(count->options.timers, &count->flush_timer, count->options.flush_interval_ms);
}

static void on_flush_now(struct ht_timer *timer)
{
    struct ht_count *count = HT_CONTAINER_OF(timer, struct ht_count, flush_now_timer);
    if (count->is_stopping) {
        ht_count_look_at_stop(count);
        return;
    }
    ht_count_flush_now(count);
}

/* Half of the budget, less where intake and what was read leave less; but so much that a flush is worth
 * it, or what was read would be counted record by record. */
bool ht_count_is_full(const struct ht_count *count)
{
    size_t limit = count->options.budget->limit_bytes;
    size_t pending = count->pending_reserved_bytes + count->letter_bytes;
    size_t others = count->options.budget->used_bytes - pending;
    size_t room = others < limit ? limit - others : 0;
    size_t most = room > limit / 8 ? room : limit / 8;
    return count->is_running && pending > (most < limit / 2 ? most : limit / 2);
}

void ht_count_look_at_memory(struct ht_count *count)
{
    if (!count->flight.is_active && ht_count_is_full(count)) {
        ht_timer_start(count->options.timers, &count->flush_now_timer, 0);
    }
}

void ht_count_flush_now(struct ht_count *count)
{
    if (count->flight.is_active || !count->is_running || count->is_fatal) {
        return;
    }
    if (ht_count_board(count) != 0) {
        struct ht_error error;
        (void)ht_error_set(&error, HT_ENOMEM,
                           "Out of memory while preparing a flush. Nothing is lost: what is not "
                           "written will be counted again after a restart.");
        ht_count_fail(count, &error);
        return;
    }
    on_board_due(&count->board_timer);
}

static void on_board_due(struct ht_timer *timer)
{
    struct ht_count *count = HT_CONTAINER_OF(timer, struct ht_count, board_timer);
    if (ht_count_board_some(count)) {
        write_letters(count);
    } else {
        ht_timer_start(count->options.timers, timer, 0);
    }
}

static void write_letters(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    if (flight->letter_count == 0) {
        write_table(count);
        return;
    }
    flight->append = (struct ht_dead_letters_append){.letters = flight->letter_array,
                                                     .count = flight->letter_count,
                                                     .done = on_letters,
                                                     .user = count};
    count->options.dead_letters->ops->append(count->options.dead_letters, &flight->append);
}

static void on_letters(struct ht_dead_letters_append *append)
{
    struct ht_count *count = append->user;
    if (append->status != 0) {
        handle_failure(count, &append->error);
        return;
    }
    ht_count_free_letters(count);
    write_table(count);
}

/* A table without marks writes all or nothing and has no reason to ask. */
static void count_after(const struct ht_table_flush *flush, size_t delta,
                        struct ht_slice sequence_number, uint64_t sub_sequence,
                        struct ht_delta_rest *rest)
{
    const struct ht_count *count = flush->user;
    HT_ASSERT(delta < count->flight.delta_count && count->options.table->has_marks);
    struct ht_pending_rest found;
    ht_pending_count_after(count->pending, count->flight.shares[delta], sequence_number,
                           sub_sequence, &found);
    *rest = (struct ht_delta_rest){.count = found.count,
                                   .first_sequence = found.sequence,
                                   .first_sub_sequence = found.sub_sequence};
}

static void write_table(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    flight->flush = (struct ht_table_flush){.id = count->flush_id,
                                            .count_after = count_after,
                                            .refreshes = flight->refreshes,
                                            .refresh_count = flight->refresh_count,
                                            .deltas = flight->deltas,
                                            .delta_count = flight->delta_count,
                                            .checkpoints = flight->checkpoints,
                                            .checkpoint_count = flight->checkpoint_count,
                                            .deletes = flight->deletes,
                                            .delete_count = flight->delete_count,
                                            .parts = flight->window_parts,
                                            .part_count = flight->window_part_count,
                                            .now_s = ht_clock_wall_s(count->options.clock),
                                            .done = on_flush,
                                            .user = count};
    count->options.table->ops->flush(count->options.table, &flight->flush);
}

static void on_flush(struct ht_table_flush *flush)
{
    struct ht_count *count = flush->user;
    if (flush->status != 0) {
        handle_failure(count, &flush->error);
        return;
    }
    land(count);
}

/* The flight stays as it is and goes again: whether the failed try had an effect nobody knows. */
static void handle_failure(struct ht_count *count, const struct ht_error *error)
{
    if (ht_count_is_outdated(count) && !count->is_fatal) {
        count->counters.flush_retries++;
        ht_count_restart(count);
        return;
    }
    count->flush_failures++;
    count->counters.flush_retries++;
    ht_health_fail(&count->health, HT_HEALTH_WAITING, error);
    ht_count_tell_failure(count, error);
    if (count->is_stopping && count->is_giving_up) {
        count->has_given_up = true;
        ht_count_look_at_stop(count);
        return;
    }
    uint64_t wait_ms = ht_backoff_ms(&backoff, count->flush_failures, count->options.random);
    ht_log_warning(count->options.log, "count", "counts not written, trying again",
                   HT_TEXT("error", error->text), HT_NUMBER("hashtags", count->flight.delta_count),
                   HT_NUMBER("wait_ms", wait_ms));
    ht_timer_start(count->options.timers, &count->flush_retry_timer, wait_ms);
}

void ht_count_flush_retry_now(struct ht_count *count)
{
    if (ht_timer_is_running(&count->flush_retry_timer)) {
        ht_timer_stop(count->options.timers, &count->flush_retry_timer);
        count->flush_failures = 0;
        write_letters(count);
    }
}

static void on_retry_due(struct ht_timer *timer)
{
    struct ht_count *count = HT_CONTAINER_OF(timer, struct ht_count, flush_retry_timer);
    write_letters(count);
}

static void tell_consumed(struct ht_count *count)
{
    struct ht_stream *stream = count->options.stream;
    for (size_t i = 0; i < count->flight.checkpoint_count; i++) {
        const struct ht_checkpoint *checkpoint = &count->flight.checkpoints[i];
        if (checkpoint->position.kind == HT_POSITION_AFTER ||
            checkpoint->position.kind == HT_POSITION_END) {
            stream->ops->consumed(stream, checkpoint->shard_id, &checkpoint->position);
        }
    }
}

static void fail_landing(struct ht_count *count, int status)
{
    struct ht_error error;
    (void)ht_error_set(&error, status, "Out of memory after a flush.");
    ht_count_fail(count, &error);
}

/* The items are gone, but what came since the flight began is not: the tally has both, so it starts
 * again from what is pending. */
static void land(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    int status = 0;
    ht_pending_finish_flush(count->pending);
    for (size_t i = 0; i < flight->flush.removed_count && status == 0; i++) {
        ht_count_answer_delete(count, &flight->flush.removed[i]);
        status = ht_count_forget(count, flight->flush.removed[i].item.hashtag);
    }
    for (size_t i = 0; i < flight->delete_count && status == 0; i++) {
        status = ht_count_complete_delete(count, flight->deletes[i]);
    }
    if (status != 0) {
        fail_landing(count, status);
    }
    on_land_due(&count->land_timer);
}

/* Hundreds of thousands of totals take longer than one turn may. */
static void on_land_due(struct ht_timer *timer)
{
    struct ht_count *count = HT_CONTAINER_OF(timer, struct ht_count, land_timer);
    bool is_done = true;
    int status = count->is_fatal ? 0 : ht_count_apply_totals(count, &is_done);
    if (status != 0) {
        fail_landing(count, status);
        is_done = true;
    }
    if (is_done) {
        finish_landing(count);
    } else {
        ht_timer_start(count->options.timers, timer, 0);
    }
}

static void finish_landing(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    uint64_t now_ns = ht_clock_monotonic_ns(count->options.clock);
    ht_histogram_add(&count->flush_durations, now_ns - flight->started_ns);
    tell_consumed(count);
    count->durable_version++;
    count->flush_failures = 0;
    struct ht_count_delete *deletes = flight->delete_requests;
    struct ht_count_flush *flushes = flight->flush_requests;
    uint64_t hashtags = flight->delta_count;
    ht_count_clear_flight(count);
    ht_count_sync_budget(count);
    ht_count_note_success(count);
    while (deletes != NULL) {
        struct ht_count_delete *request = deletes;
        deletes = request->next;
        ht_histogram_add(&count->delete_durations, now_ns - request->started_ns);
        request->done(request);
    }
    while (flushes != NULL) {
        struct ht_count_flush *request = flushes;
        flushes = request->next;
        ht_count_answer_flush(request, hashtags);
    }
    if (count->is_fatal) {
        return;
    }
    ht_count_work(count);
    ht_count_shards_read(count);
    if (ht_count_has_ready_delete(count)) {
        ht_timer_start(count->options.timers, &count->flush_now_timer, 0);
    }
    ht_count_look_at_touches(count);
    ht_count_look_at_flushes(count);
    ht_count_look_at_stop(count);
}

void ht_count_flush_finish(struct ht_count *count)
{
    struct ht_timer_queue *timers = count->options.timers;
    ht_timer_stop(timers, &count->flush_timer);
    ht_timer_stop(timers, &count->flush_now_timer);
    ht_timer_stop(timers, &count->flush_retry_timer);
    ht_timer_stop(timers, &count->answer_timer);
    ht_timer_stop(timers, &count->board_timer);
    ht_timer_stop(timers, &count->land_timer);
    ht_count_clear_flight(count);
    count->flight.letters = count->letters;
    ht_count_free_letters(count);
    ht_pending_destroy(count->pending);
    ht_budget_release(count->options.budget, count->pending_reserved_bytes);
}
