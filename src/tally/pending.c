// SPDX-License-Identifier: MIT
#include "hashtagd/tally/pending.h"

#include "pending_generation.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

struct ht_pending {
    /* fixed */
    struct ht_hash_key key;
    size_t max_bytes;

    /* changing */
    struct ht_pending_generation generations[2];
    int collecting;         /**< which of them */
    bool is_flushing;       /**< the other one is in flight */
    bool is_returning;      /**< a return has begun */
    uint32_t returned_base; /**< what to add to a collected position where it was moved */
    uint32_t moved_count;   /**< collected positions that were moved so far */
};

static struct ht_pending_generation *collecting(const struct ht_pending *pending);
static struct ht_pending_generation *in_flight(const struct ht_pending *pending);
static int move_positions(struct ht_pending *pending);
static int move_shares(struct ht_pending *pending);
static int list_occurrences(struct ht_pending *pending, const struct ht_pending_sum *share,
                            uint32_t **occurrences, size_t *count);
static int move_share(struct ht_pending *pending, struct ht_pending_sum *share);
static int restore_share(const struct ht_pending_generation *generation,
                         const struct ht_pending_sum *share, struct ht_tally *tally);
static int restore_seen(struct ht_tally *tally, struct ht_tally_add *add, uint64_t count);
static uint32_t cut(int64_t value);

struct ht_pending *ht_pending_create(const struct ht_pending_options *options)
{
    struct ht_pending *pending = calloc(1, sizeof(*pending));
    if (pending == NULL) {
        return NULL;
    }
    pending->key = options->key;
    pending->max_bytes = options->max_bytes == 0 ? SIZE_MAX : options->max_bytes;
    for (size_t i = 0; i < HT_COUNT_OF(pending->generations); i++) {
        ht_pending_generation_init(&pending->generations[i], &pending->key,
                                   options->keeps_occurrences);
    }
    return pending;
}

int ht_pending_note_position(struct ht_pending *pending, struct ht_slice sequence,
                             uint64_t sub_sequence, uint32_t *position)
{
    struct ht_pending_generation *generation = collecting(pending);
    if (sequence.length == 0 || sequence.length > HT_PENDING_SEQUENCE_MAX_BYTES) {
        return HT_EINVAL;
    }
    if (generation->positions.count > 0) {
        uint32_t last = (uint32_t)generation->positions.count - 1;
        if (ht_pending_position_at(generation, last)->sub_sequence == sub_sequence &&
            ht_slice_equal(ht_pending_sequence(generation, last), sequence)) {
            *position = last;
            return 0;
        }
    }
    if (ht_pending_used_bytes(pending) >= pending->max_bytes) {
        return HT_EBUSY;
    }
    return ht_pending_generation_note(generation, sequence, sub_sequence, position);
}

int ht_pending_add(struct ht_pending *pending, const struct ht_pending_add *add)
{
    struct ht_pending_generation *generation = collecting(pending);
    if (add->tag.length == 0 || add->tag.length > HT_TALLY_TAG_MAX_BYTES ||
        add->position >= generation->positions.count) {
        return HT_EINVAL;
    }
    if (add->count == 0) {
        return 0;
    }
    if (ht_pending_used_bytes(pending) >= pending->max_bytes) {
        return HT_EBUSY;
    }
    struct ht_pending_sum sum = {.count = add->count,
                                 .shard = add->shard,
                                 .first_seen_s = cut(add->seen_s),
                                 .last_seen_s = cut(add->seen_s),
                                 .first_position = add->position,
                                 .last_position = add->position};
    struct ht_pending_minute minute = {.count = add->count, .minute = cut(add->minute)};
    return ht_pending_generation_add(generation, add->tag, &sum, &minute, 1);
}

int ht_pending_begin_flush(struct ht_pending *pending)
{
    if (pending->is_flushing) {
        return HT_EBUSY;
    }
    pending->collecting = 1 - pending->collecting;
    pending->is_flushing = true;
    return 0;
}

size_t ht_pending_in_flight_count(const struct ht_pending *pending)
{
    return pending->is_flushing ? in_flight(pending)->shares.count : 0;
}

bool ht_pending_get_in_flight(const struct ht_pending *pending, size_t index,
                              struct ht_pending_share *share)
{
    HT_ASSERT(index < ht_pending_in_flight_count(pending) && !pending->is_returning);
    const struct ht_pending_generation *generation = in_flight(pending);
    const struct ht_pending_sum *sum = ht_pending_sum_at(generation, (uint32_t)index);
    if (sum->count == 0) {
        return false;
    }
    *share = (struct ht_pending_share){
        .tag = ht_pending_text(generation, sum->tag),
        .shard = sum->shard,
        .count = sum->count,
        .first_seen_s = sum->first_seen_s,
        .last_seen_s = sum->last_seen_s,
        .first_sequence = ht_pending_sequence(generation, sum->first_position),
        .last_sequence = ht_pending_sequence(generation, sum->last_position),
        .first_sub_sequence = ht_pending_position_at(generation, sum->first_position)->sub_sequence,
        .last_sub_sequence = ht_pending_position_at(generation, sum->last_position)->sub_sequence,
    };
    return true;
}

void ht_pending_count_after(const struct ht_pending *pending, size_t index,
                            struct ht_slice sequence, uint64_t sub_sequence,
                            struct ht_pending_rest *rest)
{
    HT_ASSERT(index < ht_pending_in_flight_count(pending) && !pending->is_returning);
    const struct ht_pending_generation *generation = in_flight(pending);
    const struct ht_pending_sum *sum = ht_pending_sum_at(generation, (uint32_t)index);
    HT_ASSERT(generation->keeps_occurrences && sum->count > 0);
    *rest = (struct ht_pending_rest){.count = 0};
    for (uint32_t at = sum->last_occurrence; at != HT_PENDING_NONE;) {
        const struct ht_pending_occurrence *occurrence = ht_pending_occurrence_at(generation, at);
        const struct ht_pending_position *record =
            ht_pending_position_at(generation, occurrence->position);
        struct ht_slice digits = ht_pending_sequence(generation, occurrence->position);
        int order = ht_slice_compare_decimal(digits, sequence);
        if (order < 0 || (order == 0 && record->sub_sequence <= sub_sequence)) {
            return;
        }
        rest->count += occurrence->count;
        rest->sequence = digits;
        rest->sub_sequence = record->sub_sequence;
        at = occurrence->previous;
    }
}

void ht_pending_settle(struct ht_pending *pending, size_t index)
{
    HT_ASSERT(index < ht_pending_in_flight_count(pending) && !pending->is_returning);
    ht_pending_sum_at(in_flight(pending), (uint32_t)index)->count = 0;
}

void ht_pending_finish_flush(struct ht_pending *pending)
{
    HT_ASSERT(pending->is_flushing && !pending->is_returning);
    ht_pending_generation_clear(in_flight(pending));
    pending->is_flushing = false;
}

int ht_pending_return_flush(struct ht_pending *pending)
{
    HT_ASSERT(pending->is_flushing);
    /* What was collected since goes behind what was in flight, which is older. */
    if (!pending->is_returning) {
        pending->is_returning = true;
        pending->returned_base = (uint32_t)in_flight(pending)->positions.count;
        pending->moved_count = 0;
    }
    int status = move_positions(pending);
    if (status == 0) {
        status = move_shares(pending);
    }
    if (status != 0) {
        return status;
    }
    ht_pending_generation_clear(collecting(pending));
    pending->collecting = 1 - pending->collecting;
    pending->is_flushing = false;
    pending->is_returning = false;
    return 0;
}

uint64_t ht_pending_remove(struct ht_pending *pending, struct ht_slice tag)
{
    return ht_pending_generation_remove(collecting(pending), tag);
}

uint64_t ht_pending_collected_of(const struct ht_pending *pending, struct ht_slice tag)
{
    return ht_pending_generation_count(collecting(pending), tag);
}

uint64_t ht_pending_in_flight_of(const struct ht_pending *pending, struct ht_slice tag)
{
    return pending->is_flushing ? ht_pending_generation_count(in_flight(pending), tag) : 0;
}

int ht_pending_restore(const struct ht_pending *pending, struct ht_slice tag,
                       struct ht_tally *tally)
{
    for (size_t i = 0; i < HT_COUNT_OF(pending->generations); i++) {
        const struct ht_pending_generation *generation = &pending->generations[i];
        uint32_t number = ht_pending_generation_find(generation, tag);
        uint32_t at = number == HT_PENDING_NONE
                          ? HT_PENDING_NONE
                          : ht_pending_tag_at(generation, number)->first_share;
        for (; at != HT_PENDING_NONE; at = ht_pending_sum_at(generation, at)->next) {
            int status = restore_share(generation, ht_pending_sum_at(generation, at), tally);
            if (status != 0) {
                return status;
            }
        }
    }
    return 0;
}

size_t ht_pending_collected_count(const struct ht_pending *pending)
{
    return collecting(pending)->shares.count;
}

size_t ht_pending_used_bytes(const struct ht_pending *pending)
{
    return ht_pending_generation_used_bytes(&pending->generations[0]) +
           ht_pending_generation_used_bytes(&pending->generations[1]);
}

void ht_pending_clear(struct ht_pending *pending)
{
    ht_pending_generation_clear(&pending->generations[0]);
    ht_pending_generation_clear(&pending->generations[1]);
    pending->is_flushing = pending->is_returning = false;
}

void ht_pending_destroy(struct ht_pending *pending)
{
    if (pending == NULL) {
        return;
    }
    ht_pending_generation_finish(&pending->generations[0]);
    ht_pending_generation_finish(&pending->generations[1]);
    free(pending);
}

static struct ht_pending_generation *collecting(const struct ht_pending *pending)
{
    return (struct ht_pending_generation *)(uintptr_t)&pending->generations[pending->collecting];
}

static struct ht_pending_generation *in_flight(const struct ht_pending *pending)
{
    return (struct ht_pending_generation *)(uintptr_t)&pending
        ->generations[1 - pending->collecting];
}

/* In their order; a second attempt moves what was noted since the first. */
static int move_positions(struct ht_pending *pending)
{
    const struct ht_pending_generation *newer = collecting(pending);
    for (; pending->moved_count < newer->positions.count; pending->moved_count++) {
        uint32_t from = pending->moved_count;
        uint32_t to;
        int status =
            ht_pending_generation_note(in_flight(pending), ht_pending_sequence(newer, from),
                                       ht_pending_position_at(newer, from)->sub_sequence, &to);
        if (status != 0) {
            return status;
        }
        HT_ASSERT(to == pending->returned_base + from);
    }
    return 0;
}

static int move_shares(struct ht_pending *pending)
{
    const struct ht_pending_generation *newer = collecting(pending);
    for (size_t i = 0; i < newer->shares.count; i++) {
        int status = move_share(pending, ht_pending_sum_at(newer, i));
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

/* The records of a share, newest first, with room for them in flight. A share of one record needs
 * none: adding it says it all. */
static int list_occurrences(struct ht_pending *pending, const struct ht_pending_sum *share,
                            uint32_t **occurrences, size_t *count)
{
    const struct ht_pending_generation *newer = collecting(pending);
    size_t most = 0;
    uint32_t first =
        share->first_position == share->last_position ? HT_PENDING_NONE : share->last_occurrence;
    for (uint32_t at = first; at != HT_PENDING_NONE;
         at = ht_pending_occurrence_at(newer, at)->previous) {
        most++;
    }
    if (most == 0) {
        return 0;
    }
    *occurrences = calloc(most, sizeof(**occurrences));
    if (*occurrences == NULL ||
        ht_pending_array_reserve(&in_flight(pending)->occurrences, most) != 0) {
        return HT_ENOMEM;
    }
    for (uint32_t at = first; at != HT_PENDING_NONE;
         at = ht_pending_occurrence_at(newer, at)->previous) {
        (*occurrences)[(*count)++] = at;
    }
    return 0;
}

/* A share that was moved has count 0, so a second attempt goes on where the first one ended. */
static int move_share(struct ht_pending *pending, struct ht_pending_sum *share)
{
    const struct ht_pending_generation *newer = collecting(pending);
    size_t count = 0;
    for (uint32_t at = share->first_minute; at != HT_PENDING_NONE;
         at = ht_pending_minute_at(newer, at)->next) {
        count++;
    }
    if (share->count == 0) {
        return 0;
    }
    struct ht_pending_minute *minutes = calloc(count, sizeof(*minutes));
    if (minutes == NULL) {
        return HT_ENOMEM;
    }
    uint32_t at = share->first_minute;
    for (size_t i = 0; i < count; i++) {
        minutes[i] = *ht_pending_minute_at(newer, at);
        at = minutes[i].next;
    }
    struct ht_pending_sum sum = *share;
    sum.first_position += pending->returned_base;
    sum.last_position += pending->returned_base;
    uint32_t *occurrences = NULL;
    size_t occurrence_count = 0;
    int status = list_occurrences(pending, share, &occurrences, &occurrence_count);
    if (status == 0) {
        status = ht_pending_generation_add(in_flight(pending), ht_pending_text(newer, share->tag),
                                           &sum, minutes, count);
    }
    for (size_t i = 0; i < occurrence_count && status == 0; i++) {
        struct ht_pending_occurrence occurrence =
            *ht_pending_occurrence_at(newer, occurrences[occurrence_count - 1 - i]);
        occurrence.position += pending->returned_base;
        ht_pending_generation_occur(in_flight(pending), ht_pending_text(newer, share->tag),
                                    share->shard, occurrence);
    }
    free(occurrences);
    free(minutes);
    share->count = status == 0 ? 0 : share->count;
    return status;
}

/* First and last seen go to the first and the last occurrence; where in between the others were does
 * not show. */
static int restore_share(const struct ht_pending_generation *generation,
                         const struct ht_pending_sum *share, struct ht_tally *tally)
{
    struct ht_tally_add add = {.tag = ht_pending_text(generation, share->tag),
                               .seen_s = share->first_seen_s};
    int status = 0;
    uint32_t at = share->count == 0 ? HT_PENDING_NONE : share->first_minute;
    for (; at != HT_PENDING_NONE && status == 0;) {
        const struct ht_pending_minute *minute = ht_pending_minute_at(generation, at);
        uint64_t last = minute->next == HT_PENDING_NONE ? 1 : 0;
        add.minute = minute->minute;
        status = restore_seen(tally, &add, minute->count - last);
        if (status == 0 && last == 1) {
            add.seen_s = share->last_seen_s;
            status = restore_seen(tally, &add, 1);
        }
        at = minute->next;
    }
    return status;
}

/* A single addition has 32 bits. */
static int restore_seen(struct ht_tally *tally, struct ht_tally_add *add, uint64_t count)
{
    int status = 0;
    while (count > 0 && status == 0) {
        add->count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
        count -= add->count;
        status = ht_tally_add(tally, add);
    }
    return status;
}

static uint32_t cut(int64_t value)
{
    return value < 0 ? 0 : value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}
