// SPDX-License-Identifier: MIT
#include "count_internal.h"

#include <stdlib.h>

/*
 * What boards a flight: everything that is to become durable together. It is prepared once and
 * stays as it is through all tries.
 */

enum {
    SLICE_NS = 1000000,
    DELTAS_BETWEEN_LOOKS = 256,
};

static int board_checkpoints(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    size_t most = 0;
    for (struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        most++;
    }
    flight->checkpoints = calloc(most + 1, sizeof(*flight->checkpoints));
    flight->checkpoint_of = calloc((size_t)count->next_index + 1, sizeof(*flight->checkpoint_of));
    if (flight->checkpoints == NULL || flight->checkpoint_of == NULL) {
        return HT_ENOMEM;
    }
    memset(flight->checkpoint_of, 0xff, (size_t)count->next_index * sizeof(uint32_t));
    for (struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        ht_count_shard_note_position(at);
        bool is_at_tip = !at->has_counted && at->start.kind == HT_POSITION_LATEST;
        /* a shard that has deltas has moved; one at the tip does not know yet where that is */
        if (is_at_tip || (!at->is_dirty && at->is_told)) {
            continue;
        }
        flight->checkpoint_of[at->index] = (uint32_t)flight->checkpoint_count;
        ht_count_shard_describe(at, &flight->checkpoints[flight->checkpoint_count++]);
        at->is_dirty = false;
        at->is_told = true;
    }
    ht_count_lineage_settle(count);
    return 0;
}

/* Only room for now: filling it in takes longer than one turn may. */
static int board_deltas(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    int status = ht_pending_begin_flush(count->pending);
    if (status != 0) {
        return status;
    }
    flight->share_count = ht_pending_in_flight_count(count->pending);
    flight->deltas = calloc(flight->share_count + 1, sizeof(*flight->deltas));
    flight->shares = calloc(flight->share_count + 1, sizeof(*flight->shares));
    return flight->deltas == NULL || flight->shares == NULL ? HT_ENOMEM : 0;
}

static void board_delta(struct ht_count *count, size_t number)
{
    struct ht_count_flight *flight = &count->flight;
    struct ht_pending_share share;
    if (!ht_pending_get_in_flight(count->pending, number, &share)) {
        return;
    }
    HT_ASSERT(flight->checkpoint_of[share.shard] < flight->checkpoint_count);
    flight->shares[flight->delta_count] = (uint32_t)number;
    flight->deltas[flight->delta_count++] =
        (struct ht_delta){.hashtag = share.tag,
                          .shard = flight->checkpoint_of[share.shard],
                          .count = share.count,
                          .first_seen_s = share.first_seen_s,
                          .last_seen_s = share.last_seen_s,
                          .first_sequence = share.first_sequence,
                          .last_sequence = share.last_sequence,
                          .first_sub_sequence = share.first_sub_sequence,
                          .last_sub_sequence = share.last_sub_sequence};
}

bool ht_count_board_some(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    uint64_t until_ns = ht_clock_monotonic_ns(count->options.clock) + SLICE_NS;
    while (flight->shares_boarded < flight->share_count) {
        board_delta(count, flight->shares_boarded++);
        if (flight->shares_boarded % DELTAS_BETWEEN_LOOKS == 0 &&
            ht_clock_monotonic_ns(count->options.clock) >= until_ns) {
            break;
        }
    }
    return flight->shares_boarded == flight->share_count;
}

static int board_windows(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    int status = ht_tally_take_parts(count->options.tally, &flight->parts);
    if (status != 0) {
        return status;
    }
    flight->window_parts = calloc(flight->parts.count + 1, sizeof(*flight->window_parts));
    if (flight->window_parts == NULL) {
        return HT_ENOMEM;
    }
    for (size_t i = 0; i < flight->parts.count; i++) {
        const struct ht_tally_part *part = &flight->parts.items[i];
        flight->window_parts[flight->window_part_count++] =
            (struct ht_window_part){.minute = part->minute,
                                    .replaces = part->kind == HT_TALLY_PART_REPLACE,
                                    .data = {part->data, part->length}};
    }
    /* A minute that is over takes as many rows as it had flushes: make one of them. */
    int64_t minute;
    if (ht_tally_find_compactable(count->options.tally, 2, &minute) &&
        ht_tally_export_minute(count->options.tally, minute, &flight->minute) == 0) {
        flight->window_parts[flight->window_part_count++] = (struct ht_window_part){
            .minute = minute, .replaces = true, .data = ht_buffer_slice(&flight->minute)};
    }
    return 0;
}

static int board_letters(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    flight->letters = count->letters;
    flight->letter_count = count->letter_count;
    count->letters = count->last_letter = NULL;
    count->letter_count = 0;
    if (flight->letter_count == 0) {
        return 0;
    }
    flight->letter_array = calloc(flight->letter_count, sizeof(*flight->letter_array));
    if (flight->letter_array == NULL) {
        return HT_ENOMEM;
    }
    size_t i = 0;
    for (struct ht_count_letter *at = flight->letters; at != NULL; at = at->next) {
        flight->letter_array[i++] = at->letter;
    }
    return 0;
}

/* The tags are copied: a request is answered at the first failure, but its delete stays aboard. */
static int board_deletes(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    ht_count_take_deletes(count);
    size_t most = 0;
    for (struct ht_count_delete *at = flight->delete_requests; at != NULL; at = at->next) {
        most++;
        (void)ht_buffer_append_slice(&flight->delete_texts, at->hashtag);
    }
    if (most == 0) {
        return 0;
    }
    flight->deletes = calloc(most, sizeof(*flight->deletes));
    if (flight->deletes == NULL || ht_buffer_status(&flight->delete_texts) != 0) {
        return HT_ENOMEM;
    }
    const char *text = flight->delete_texts.data;
    for (struct ht_count_delete *at = flight->delete_requests; at != NULL; at = at->next) {
        flight->deletes[flight->delete_count++] = ht_slice_make(text, at->hashtag.length);
        text += at->hashtag.length;
    }
    return 0;
}

int ht_count_board(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    flight->is_active = true;
    count->flush_id++;
    flight->started_ns = ht_clock_monotonic_ns(count->options.clock);
    ht_count_board_flush_requests(count);
    int status = board_checkpoints(count);
    if (status == 0) {
        status = board_deltas(count);
    }
    if (status == 0) {
        status = ht_count_board_refreshes(count);
    }
    if (status == 0) {
        status = board_windows(count);
    }
    if (status == 0) {
        status = board_letters(count);
    }
    if (status == 0) {
        status = board_deletes(count);
    }
    ht_count_sync_budget(count);
    return status;
}

/* What writing takes beside what is pending. It counts from the moment that something is counted, so
 * that a flush finds the room, whatever was read meanwhile. */
static size_t flight_bytes(const struct ht_count *count)
{
    size_t shares = ht_pending_collected_count(count->pending) + count->flight.share_count;
    return shares *
           (sizeof(struct ht_delta) + sizeof(uint32_t) + count->options.table->delta_bytes);
}

/* The memory of both generations counts against the budget. */
void ht_count_sync_budget(struct ht_count *count)
{
    size_t bytes = ht_pending_used_bytes(count->pending) + flight_bytes(count);
    if (bytes > count->pending_reserved_bytes) {
        ht_budget_reserve(count->options.budget, bytes - count->pending_reserved_bytes);
    } else {
        ht_budget_release(count->options.budget, count->pending_reserved_bytes - bytes);
    }
    count->pending_reserved_bytes = bytes;
}

void ht_count_free_letters(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    while (flight->letters != NULL) {
        struct ht_count_letter *letter = flight->letters;
        flight->letters = letter->next;
        ht_budget_release(count->options.budget, letter->bytes);
        count->letter_bytes -= letter->bytes;
        free(letter);
    }
    free(flight->letter_array);
    flight->letter_array = NULL;
    flight->letter_count = 0;
}

void ht_count_clear_flight(struct ht_count *count)
{
    struct ht_count_flight *flight = &count->flight;
    free(flight->deltas);
    free(flight->shares);
    free(flight->checkpoint_of);
    ht_count_clear_refreshes(count);
    free(flight->checkpoints);
    free(flight->deletes);
    free(flight->window_parts);
    ht_tally_parts_finish(&flight->parts);
    ht_count_free_letters(count);
    ht_buffer_finish(&flight->minute);
    ht_buffer_finish(&flight->delete_texts);
    *flight = (struct ht_count_flight){.minute = flight->minute,
                                       .delete_texts = flight->delete_texts,
                                       .refreshing = flight->refreshing};
}
