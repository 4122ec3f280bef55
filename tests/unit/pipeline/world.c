// SPDX-License-Identifier: MIT
#include "world.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "world_ports.h"

struct world *world_create(uint64_t seed, size_t shard_count)
{
    struct world *world = calloc(1, sizeof(*world));
    HT_ASSERT(world != NULL && shard_count <= WORLD_SHARDS_MAX);
    ht_manual_clock_init(&world->clock, 1000000000, 1767225600000);
    ht_timer_queue_init(&world->timers, &world->clock.clock);
    ht_random_init(&world->random, seed);
    ht_budget_init(&world->budget, 64 << 20);
    ht_buffer_init(&world->window_log, 64 << 20);
    ht_buffer_init(&world->letters, 1 << 20);
    world->delay_max_ms = 20;
    world->shard_count = shard_count;
    for (size_t i = 0; i < shard_count; i++) {
        (void)snprintf(world->shards[i].id, sizeof(world->shards[i].id), "shardId-%012zu", i);
    }
    world_ports_init(world);
    return world;
}

void world_destroy(struct world *world)
{
    world_crash(world);
    for (size_t i = 0; i < world->record_count; i++) {
        free(world->records[i].data);
    }
    for (size_t i = 0; i < world->line_count; i++) {
        free(world->lines[i]);
    }
    ht_buffer_finish(&world->window_log);
    ht_buffer_finish(&world->letters);
    ht_timer_queue_finish(&world->timers);
    free(world);
}

void world_run(struct world *world, uint64_t ms)
{
    uint64_t end_ns = world->clock.now_ns + ms * 1000000;
    for (;;) {
        (void)ht_timer_queue_run(&world->timers);
        uint64_t next_ns = ht_timer_queue_next_ns(&world->timers);
        uint64_t left_ns = end_ns - world->clock.now_ns;
        if (next_ns > left_ns) {
            ht_manual_clock_advance_ms(&world->clock, left_ns / 1000000);
            return;
        }
        /* at least a little: a stage that starts 0 ms timers for ever must not hold time still */
        ht_manual_clock_advance_ms(&world->clock, (next_ns + 999999) / 1000000);
        world->clock.now_ns += 1000;
        if (world->clock.now_ns >= end_ns) {
            return;
        }
    }
}

bool world_run_until(struct world *world, const bool *done, uint64_t limit_ms)
{
    for (uint64_t ms = 0; ms < limit_ms && !*done; ms += 10) {
        world_run(world, 10);
    }
    return *done;
}

void world_add_record(struct world *world, unsigned shard, const char *data)
{
    HT_ASSERT(world->record_count < WORLD_RECORDS_MAX);
    struct world_record *record = &world->records[world->record_count++];
    record->data = strdup(data);
    HT_ASSERT(record->data != NULL);
    record->length = strlen(data);
    record->shard = shard;
    record->sequence = ++world->last_sequence[shard];
    record->arrival_ms = world->clock.now_wall_ms;
}

void world_add_tweet(struct world *world, unsigned shard, uint64_t id, const char *const *tags,
                     size_t tag_count)
{
    char text[2048];
    int length = snprintf(text, sizeof(text),
                          "{\"id\":%" PRIu64 ",\"id_str\":\"%" PRIu64
                          "\",\"text\":\"t\",\"user\":{\"id\":1},\"entities\":{\"hashtags\":[",
                          id, id);
    for (size_t i = 0; i < tag_count; i++) {
        length += snprintf(text + length, sizeof(text) - (size_t)length,
                           "%s{\"text\":\"%s\",\"indices\":[0,1]}", i > 0 ? "," : "", tags[i]);
    }
    (void)snprintf(text + length, sizeof(text) - (size_t)length, "]}}");
    world_add_record(world, shard, text);
}

void world_add_post(struct world *world, unsigned shard, uint64_t id, bool is_edit,
                    struct world_tags tags)
{
    static const char bluesky[] =
        "{\"did\":\"did:plc:a\",\"kind\":\"commit\",\"commit\":{\"operation\":\"%s\","
        "\"collection\":\"app.bsky.feed.post\",\"rkey\":\"%" PRIu64
        "\",\"record\":{\"facets\":[{\"features\":[";
    static const char mastodon[] =
        "{\"account\":{},\"content\":\"\",\"edited_at\":%s,\"uri\":\"https://a/%" PRIu64
        "\",\"tags\":[";
    char text[4096];
    bool is_bluesky = id % 2 == 0;
    int length = is_bluesky
                     ? snprintf(text, sizeof(text), bluesky, is_edit ? "update" : "create", id)
                     : snprintf(text, sizeof(text), mastodon, is_edit ? "\"t\"" : "null", id);
    for (size_t i = 0; i < tags.count; i++) {
        length += snprintf(
            text + length, sizeof(text) - (size_t)length, "%s{%s\"%s\"}", i > 0 ? "," : "",
            is_bluesky ? "\"$type\":\"app.bsky.richtext.facet#tag\",\"tag\":" : "\"name\":",
            tags.list[i]);
    }
    (void)snprintf(text + length, sizeof(text) - (size_t)length, "%s",
                   is_bluesky ? "]}]}}}" : "]}");
    world_add_record(world, shard, text);
}

unsigned world_add_shard(struct world *world, int parent, int other_parent)
{
    HT_ASSERT(world->shard_count < WORLD_SHARDS_MAX);
    unsigned number = (unsigned)world->shard_count++;
    struct ht_shard *shard = &world->shards[number];
    (void)snprintf(shard->id, sizeof(shard->id), "shardId-%012u", number);
    if (parent >= 0) {
        world->shards[parent].closed = true;
        memcpy(shard->parent_id, world->shards[parent].id, sizeof(shard->parent_id));
    }
    if (other_parent >= 0) {
        world->shards[other_parent].closed = true;
        memcpy(shard->adjacent_parent_id, world->shards[other_parent].id,
               sizeof(shard->adjacent_parent_id));
    }
    return number;
}

uint64_t world_count(const struct world *world, const char *tag)
{
    for (size_t i = 0; i < world->item_count; i++) {
        if (strcmp(world->items[i].tag, tag) == 0) {
            return world->items[i].count;
        }
    }
    return 0;
}

void world_set_true(void *user)
{
    *(bool *)user = true;
}
