// SPDX-License-Identifier: MIT
#include "amazon_internal.h"
#include "amazon_world.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What happened in Amazon, in the words of truth.h. */

enum {
    KINESIS_HEAD_DIGITS = 36, /* what stands before the record in a sequence number of Kinesis */
    LEASE_MS = 10000,         /* so long a lease must stand still before another takes it */
};

static void on_shard(void *user, unsigned shard)
{
    struct amazon_world *world = user;
    unsigned number = sim_truth_shard(world->world.truth);
    HT_ASSERT(number == shard);
}

static void on_record(void *user, unsigned shard, size_t number)
{
    struct amazon_world *world = user;
    struct amazon_places *places = &world->places[shard];
    struct amazon_record record;
    amazon_record(world->amazon, shard, number, &record);
    HT_ASSERT(places->count == number);
    places->passed =
        amazon_grow(places->passed, places->count, &places->capacity, sizeof(*places->passed));
    uint64_t before = number == 0 ? 0 : places->passed[number - 1];
    places->passed[places->count++] = before + (world->inner_count == 0 ? 1 : world->inner_count);
    if (world->inner_count == 0) {
        (void)sim_truth_record(world->world.truth, shard, record.data, record.arrival_ms);
    }
    for (size_t i = 0; i < world->inner_count; i++) {
        (void)sim_truth_record(world->world.truth, shard, world->inner[i].data, record.arrival_ms);
    }
}

uint64_t amazon_truth_passed(const struct amazon_world *world, unsigned shard, size_t records)
{
    return records == 0 ? 0 : world->places[shard].passed[records - 1];
}

/* The text of {"S":"..."}; empty where there is none. */
static struct ht_slice text_of(const char *value)
{
    return value == NULL ? HT_SLICE("") : amazon_member(ht_slice_text(value), "S");
}

/* How many user records a position passes: (sequence number, sub-sequence number). */
static uint64_t passed_by(const struct amazon_world *world, unsigned shard,
                          struct ht_slice sequence, uint64_t sub)
{
    const struct amazon_shard_state *state = &world->amazon->shards[shard];
    uint64_t number = 0;
    size_t head = KINESIS_HEAD_DIGITS, at = 0;
    HT_ASSERT(sequence.length == head + 20);
    number = amazon_u64(ht_slice_make(sequence.data + head, 20), number);
    while (at < state->count && state->records[at].sequence < number) {
        at++;
    }
    uint64_t before = amazon_truth_passed(world, shard, at);
    bool is_there = at < state->count && state->records[at].sequence == number;
    return is_there ? before + 1 + sub : before;
}

static void on_lease(struct amazon_world *world, const char *key)
{
    uint64_t shard = 0, sub;
    struct ht_slice place =
        text_of(amazon_attribute(world->amazon, AMAZON_LEASES, key, "checkpoint"));
    sub = amazon_number(world->amazon, AMAZON_LEASES, key, "checkpointSubSequenceNumber");
    shard = amazon_u64(ht_slice_text(key + strlen("shardId-")), shard);
    if (ht_slice_equal(place, HT_SLICE("SHARD_END"))) {
        size_t count = world->places[shard].count;
        sim_truth_checkpoint(world->world.truth, (unsigned)shard,
                             amazon_truth_passed(world, (unsigned)shard, count), true);
    } else if (place.length > 0 && place.data[0] >= '0' && place.data[0] <= '9') {
        sim_truth_checkpoint(world->world.truth, (unsigned)shard,
                             passed_by(world, (unsigned)shard, place, sub), false);
    }
}

static void on_change_lease(struct amazon_world *world, const char *key)
{
    struct amazon_removal removal;
    struct ht_slice place =
        text_of(amazon_attribute(world->amazon, AMAZON_CHANGES, key, "checkpoint"));
    bool is_end = ht_slice_equal(place, HT_SLICE("SHARD_END"));
    if (!is_end && (place.length == 0 || place.data[0] < '0' || place.data[0] > '9')) {
        return;
    }
    /* the truth has the same removals, in the same order */
    struct sim_truth *truth = world->world.truth;
    while (world->removals_passed < truth->removal_count &&
           truth->removals[world->removals_passed].is_committed) {
        world->removals_passed++;
    }
    char id[48];
    for (size_t i = world->removals_passed; i < truth->removal_count; i++) {
        if (truth->removals[i].is_committed) {
            continue;
        }
        amazon_removal(world->amazon, AMAZON_TABLE, i, &removal);
        amazon_change_shard_id(removal.shard, id);
        struct ht_slice sequence = ht_slice_text(removal.sequence_number);
        if (strcmp(id, key) == 0 && (is_end || ht_slice_compare_decimal(sequence, place) <= 0)) {
            sim_truth_commit(truth, ht_slice_text(removal.event_id));
        }
    }
}

/* Each write of a lease counts on from the one before: else two have written, and neither knew. And who
 * keeps it renewed keeps it. */
static void look_at_lease(struct amazon_world *world, const char *table, const char *key)
{
    const struct amazon_item *item = amazon_find_item(
        amazon_find_table(world->amazon, ht_slice_text(table)), ht_slice_text(key));
    struct sim *sim = world->world.sim;
    if (item->before == NULL) {
        return;
    }
    struct ht_slice before = ht_slice_text(item->before), old_counter, old_owner, owner;
    old_counter = amazon_member(ht_json_parts_find(before, "leaseCounter"), "N");
    old_owner = amazon_member(ht_json_parts_find(before, "leaseOwner"), "S");
    owner = text_of(amazon_attribute(world->amazon, table, key, "leaseOwner"));
    uint64_t counter = amazon_number(world->amazon, table, key, "leaseCounter");
    if (counter != amazon_u64(old_counter, 0) + 1) {
        sim_fail(sim, "the lease of %s in %s, number %.*s, was overwritten with number %" PRIu64,
                 key, table, (int)old_counter.length, old_counter.data, counter);
    }
    if (owner.length > 0 && old_owner.length > 0 && !ht_slice_equal(owner, old_owner) &&
        item->changed_ms - item->before_ms < LEASE_MS) {
        sim_fail(sim, "the lease of %s in %s was taken from %.*s, who wrote it %" PRIu64 " ms ago",
                 key, table, (int)old_owner.length, old_owner.data,
                 item->changed_ms - item->before_ms);
    }
}

static void on_item(void *user, const char *table, const char *key, bool is_removed)
{
    struct amazon_world *world = user;
    struct amazon_removal removal;
    if (strcmp(table, AMAZON_TABLE) != 0) {
        if (!is_removed) {
            look_at_lease(world, table, key);
        }
        if (!is_removed && strcmp(table, AMAZON_LEASES) == 0) {
            on_lease(world, key);
        } else if (!is_removed) {
            on_change_lease(world, key);
        }
        return;
    }
    (void)sim_truth_number(world->world.truth, ht_slice_text(key));
    if (!is_removed) {
        sim_truth_item(world->world.truth, ht_slice_text(key),
                       amazon_number(world->amazon, AMAZON_TABLE, key, "htCount"), world->foreign);
        return;
    }
    size_t last = amazon_removal_count(world->amazon, AMAZON_TABLE) - 1;
    amazon_removal(world->amazon, AMAZON_TABLE, last, &removal);
    struct ht_item item = {.hashtag = ht_slice_text(key),
                           .count = removal.count,
                           .first_seen_s = (int64_t)removal.first_seen_s,
                           .last_seen_s = (int64_t)removal.last_seen_s};
    sim_truth_removal(world->world.truth, &item, removal.deleted_at_s,
                      ht_slice_text(removal.event_id));
}

static void on_lines(void *user, struct ht_slice lines)
{
    struct amazon_world *world = user;
    sim_truth_lines(world->world.truth, lines);
}

bool amazon_truth_is_ahead(const struct amazon_world *world, const char *hashtag)
{
    const struct sim_hashtag *known = sim_truth_find(world->world.truth, ht_slice_text(hashtag));
    uint64_t counted = known->stored + known->removed - known->foreign;
    return counted != known->checkpointed;
}

static bool may_expire(void *user, const char *key)
{
    const struct amazon_world *world = user;
    return world->world.options.is_boundless || !amazon_truth_is_ahead(world, key);
}

struct amazon_watch amazon_truth_watch(struct amazon_world *world)
{
    return (struct amazon_watch){.on_record = on_record,
                                 .on_shard = on_shard,
                                 .on_item = on_item,
                                 .on_lines = on_lines,
                                 .may_expire = may_expire,
                                 .user = world};
}

void amazon_truth_finish(struct amazon_world *world)
{
    for (size_t i = 0; i < SIM_SHARDS_MAX; i++) {
        free(world->places[i].passed);
    }
}

/* --- Amazon's producer library --- */

static void append_number(struct ht_buffer *out, uint64_t number)
{
    for (; number >= 0x80; number >>= 7) {
        (void)ht_buffer_append_byte(out, (char)(number | 0x80));
    }
    (void)ht_buffer_append_byte(out, (char)number);
}

static void append_bytes(struct ht_buffer *out, char tag, struct ht_slice bytes)
{
    (void)ht_buffer_append_byte(out, tag);
    append_number(out, bytes.length);
    (void)ht_buffer_append_slice(out, bytes);
}

static size_t number_bytes(uint64_t number)
{
    size_t bytes = 1;
    for (; number >= 0x80; number >>= 7) {
        bytes++;
    }
    return bytes;
}

struct ht_slice amazon_pack(struct amazon_world *world, const struct sim_put *puts, size_t count)
{
    static const char magic[] = "\xf3\x89\x9a\xc2";
    struct ht_buffer *out = &world->packing;
    uint8_t digest[HT_DIGEST_MD5_BYTES];
    ht_buffer_clear(out);
    (void)ht_buffer_append(out, magic, 4);
    for (size_t i = 0; i < count; i++) {
        append_bytes(out, 0x0a, puts[i].partition_key);
    }
    for (size_t i = 0; i < count; i++) {
        size_t length =
            1 + number_bytes(i) + 1 + number_bytes(puts[i].data.length) + puts[i].data.length;
        (void)ht_buffer_append_byte(out, 0x1a);
        append_number(out, length);
        (void)ht_buffer_append_byte(out, 0x08);
        append_number(out, i);
        append_bytes(out, 0x1a, puts[i].data);
    }
    ht_digest_md5(ht_slice_make(out->data + 4, out->length - 4), digest);
    (void)ht_buffer_append(out, digest, sizeof(digest));
    return ht_buffer_slice(out);
}
