// SPDX-License-Identifier: MIT
#include "truth.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct ht_hash_key key = {11, 12};

/* Room for one more in an owned array. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 256 : *capacity * 2;
    items = realloc(items, *capacity * size);
    HT_ASSERT(items != NULL);
    return items;
}

typedef struct ht_slice (*text_fn)(const struct sim_truth *truth, uint32_t number);

static struct ht_slice hashtag_text(const struct sim_truth *truth, uint32_t number)
{
    return ht_slice_make(truth->hashtags[number].text, truth->hashtags[number].length);
}

static struct ht_slice event_text(const struct sim_truth *truth, uint32_t number)
{
    return ht_slice_text(truth->removals[number].event_id);
}

/* The slot where `text` is, or the free one where it belongs. */
static uint32_t *find_slot(const struct sim_truth *truth, const struct sim_slots *slots,
                           struct ht_slice text, text_fn text_of)
{
    size_t at = ht_hash_bytes(&key, text) & (slots->capacity - 1);
    while (slots->numbers[at] != 0 &&
           !ht_slice_equal(text_of(truth, slots->numbers[at] - 1), text)) {
        at = (at + 1) & (slots->capacity - 1);
    }
    return &slots->numbers[at];
}

static void make_room(const struct sim_truth *truth, struct sim_slots *slots, text_fn text_of)
{
    if (slots->used * 2 < slots->capacity) {
        return;
    }
    struct sim_slots larger = {.capacity = slots->capacity == 0 ? 512 : slots->capacity * 2,
                               .used = slots->used};
    larger.numbers = calloc(larger.capacity, sizeof(*larger.numbers));
    HT_ASSERT(larger.numbers != NULL);
    for (uint32_t i = 0; i < slots->used; i++) {
        *find_slot(truth, &larger, text_of(truth, i), text_of) = i + 1;
    }
    free(slots->numbers);
    *slots = larger;
}

void sim_truth_init(struct sim_truth *truth, struct sim *sim)
{
    *truth = (struct sim_truth){.sim = sim};
    make_room(truth, &truth->hashtag_slots, hashtag_text);
    make_room(truth, &truth->event_slots, event_text);
}

void sim_truth_finish(struct sim_truth *truth)
{
    for (size_t i = 0; i < truth->hashtag_count; i++) {
        free(truth->hashtags[i].text);
    }
    for (unsigned i = 0; i < truth->shard_count; i++) {
        free(truth->shards[i].numbers);
    }
    free(truth->hashtags);
    free(truth->removals);
    free(truth->records);
    free(truth->hashtag_slots.numbers);
    free(truth->event_slots.numbers);
}

uint32_t sim_truth_number(struct sim_truth *truth, struct ht_slice hashtag)
{
    make_room(truth, &truth->hashtag_slots, hashtag_text);
    uint32_t *slot = find_slot(truth, &truth->hashtag_slots, hashtag, hashtag_text);
    if (*slot == 0) {
        truth->hashtags = grow(truth->hashtags, truth->hashtag_count, &truth->hashtag_capacity,
                               sizeof(*truth->hashtags));
        struct sim_hashtag *made = &truth->hashtags[truth->hashtag_count++];
        *made = (struct sim_hashtag){.text = ht_slice_to_text(hashtag), .length = hashtag.length};
        HT_ASSERT(made->text != NULL);
        truth->hashtag_slots.used++;
        *slot = (uint32_t)truth->hashtag_count;
    }
    return *slot - 1;
}

struct sim_hashtag *sim_truth_find(struct sim_truth *truth, struct ht_slice hashtag)
{
    uint32_t number = sim_truth_number(truth, hashtag); /* may move them */
    return &truth->hashtags[number];
}

struct sim_removal *sim_truth_event(struct sim_truth *truth, struct ht_slice event_id)
{
    uint32_t slot = *find_slot(truth, &truth->event_slots, event_id, event_text);
    return slot == 0 ? NULL : &truth->removals[slot - 1];
}

unsigned sim_truth_shard(struct sim_truth *truth)
{
    HT_ASSERT(truth->shard_count < SIM_SHARDS_MAX);
    return truth->shard_count++;
}

/* The number between the first two '~'. */
static uint32_t message_of(struct ht_slice data)
{
    const char *at = data.length == 0 ? NULL : memchr(data.data, '~', data.length);
    if (at == NULL) {
        return UINT32_MAX;
    }
    uint32_t number = 0;
    for (at++; at < data.data + data.length && *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint32_t)(*at - '0');
    }
    return at < data.data + data.length && *at == '~' ? number : UINT32_MAX;
}

uint64_t sim_truth_record(struct sim_truth *truth, unsigned shard, struct ht_slice data,
                          int64_t arrival_ms)
{
    struct sim_shard_truth *at = &truth->shards[shard];
    truth->records =
        grow(truth->records, truth->record_count, &truth->record_capacity, sizeof(*truth->records));
    at->numbers = grow(at->numbers, at->records, &at->capacity, sizeof(*at->numbers));
    at->numbers[at->records++] = (uint32_t)truth->record_count;
    struct sim_record *record = &truth->records[truth->record_count++];
    *record = (struct sim_record){.shard = shard,
                                  .place = at->records,
                                  .message = message_of(data),
                                  .arrival_ms = arrival_ms};
    SIM_NOTE(truth->sim, "stream: shard %u record %" PRIu64 " message ~%u~", shard, record->place,
             record->message);
    if (truth->listener.on_record != NULL) {
        truth->listener.on_record(truth->listener.user, record);
    }
    return record->place;
}

void sim_truth_item(struct sim_truth *truth, struct ht_slice hashtag, uint64_t count,
                    uint64_t foreign)
{
    struct sim_hashtag *at = sim_truth_find(truth, hashtag);
    SIM_NOTE(truth->sim, "table: %s counts %" PRIu64 ", before %" PRIu64 "%s", at->text, count,
             at->stored, foreign > 0 ? " (another program)" : "");
    at->stored = count;
    at->foreign += foreign;
    at->version++;
    truth->table_writes++;
    if (truth->listener.on_item != NULL) {
        truth->listener.on_item(truth->listener.user, at);
    }
}

void sim_truth_removal(struct sim_truth *truth, const struct ht_item *item, int64_t deleted_at_s,
                       struct ht_slice event_id)
{
    make_room(truth, &truth->event_slots, event_text);
    truth->removals = grow(truth->removals, truth->removal_count, &truth->removal_capacity,
                           sizeof(*truth->removals));
    uint32_t number = sim_truth_number(truth, item->hashtag);
    struct sim_hashtag *at = &truth->hashtags[number];
    uint32_t *slot = find_slot(truth, &truth->event_slots, event_id, event_text);
    HT_ASSERT(*slot == 0 && event_id.length < sizeof(truth->removals->event_id));
    struct sim_removal *removal = &truth->removals[truth->removal_count++];
    *removal = (struct sim_removal){.hashtag = number,
                                    .count = item->count,
                                    .first_seen_s = item->first_seen_s,
                                    .last_seen_s = item->last_seen_s,
                                    .deleted_at_s = deleted_at_s};
    memcpy(removal->event_id, event_id.data, event_id.length);
    truth->event_slots.used++;
    *slot = (uint32_t)truth->removal_count;
    SIM_NOTE(truth->sim, "table: %s removed with %" PRIu64 ", event %s", at->text, item->count,
             removal->event_id);
    at->stored = 0;
    at->removed += item->count;
    at->removals++;
    at->version++;
    truth->table_writes++;
    if (truth->listener.on_removal != NULL) {
        truth->listener.on_removal(truth->listener.user, removal);
    }
}

void sim_truth_checkpoint(struct sim_truth *truth, unsigned shard, uint64_t records,
                          bool is_finished)
{
    struct sim_shard_truth *at = &truth->shards[shard];
    uint64_t before = at->checkpointed;
    SIM_NOTE(truth->sim, "table: checkpoint of shard %u passes %" PRIu64 " of %" PRIu64 "%s", shard,
             records, at->records, is_finished ? ", its end" : "");
    at->is_finished = at->is_finished || is_finished;
    at->checkpointed = records;
    truth->table_writes++;
    if (truth->listener.on_checkpoint != NULL) {
        truth->listener.on_checkpoint(truth->listener.user, shard, before);
    }
}

void sim_truth_commit(struct sim_truth *truth, struct ht_slice event_id)
{
    struct sim_removal *removal = sim_truth_event(truth, event_id);
    HT_ASSERT(removal != NULL);
    SIM_NOTE(truth->sim, "feed: %s is passed", removal->event_id);
    removal->is_committed = true;
    if (truth->listener.on_commit != NULL) {
        truth->listener.on_commit(truth->listener.user, removal);
    }
}

void sim_truth_lines(struct sim_truth *truth, struct ht_slice lines)
{
    const char *end = lines.data + lines.length;
    for (const char *at = lines.data; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        HT_ASSERT(stop != NULL);
        truth->line_count++;
        SIM_NOTE(truth->sim, "archive: %.*s", (int)(stop - at), at);
        if (truth->listener.on_line != NULL) {
            truth->listener.on_line(truth->listener.user, ht_slice_make(at, (size_t)(stop - at)));
        }
        at = stop + 1;
    }
}

void sim_truth_letter(struct sim_truth *truth, struct ht_slice data, struct ht_slice reason)
{
    truth->letter_count++;
    SIM_NOTE(truth->sim, "dead letter: %.*s, %.*s", (int)reason.length, reason.data,
             (int)(data.length < 60 ? data.length : 60), data.data == NULL ? "" : data.data);
    if (truth->listener.on_letter != NULL) {
        truth->listener.on_letter(truth->listener.user, data, reason);
    }
}
