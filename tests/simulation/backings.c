// SPDX-License-Identifier: MIT
#include "amazon_world.h"
#include "plain.h"

#include "hashtagd/base/assert.h"

/* The two backings in memory, and the list of all. */

static struct plain_world *plain_of(struct sim_world *world)
{
    return HT_CONTAINER_OF(world, struct plain_world, world);
}

static struct sim_world *create_transactional(struct sim *sim, struct sim_truth *truth,
                                              const struct sim_world_options *options)
{
    return plain_create(sim, truth, options, false);
}

static struct sim_world *create_marks(struct sim *sim, struct sim_truth *truth,
                                      const struct sim_world_options *options)
{
    return plain_create(sim, truth, options, true);
}

static void put(struct sim_world *world, const struct sim_put *puts, size_t count,
                bool is_aggregated)
{
    plain_stream_put(plain_of(world), puts, count, is_aggregated);
}

static bool no_reshard(struct sim_world *world)
{
    (void)world;
    return false;
}

static void no_time(struct sim_world *world)
{
    (void)world;
}

static void add_nothing(struct sim_world *world, struct ht_slice hashtag, uint64_t count)
{
    (void)world;
    (void)hashtag;
    (void)count;
}

static bool delete_nothing(struct sim_world *world, struct ht_slice hashtag)
{
    (void)world;
    (void)hashtag;
    return false;
}

static void add_foreign(struct sim_world *world, struct ht_slice hashtag, uint64_t count)
{
    struct plain_item *item = plain_item(plain_of(world), hashtag);
    int64_t now_s = sim_wall_ms(world->sim) / 1000;
    item->first_seen_s = item->count == 0 ? now_s : item->first_seen_s;
    item->last_seen_s = now_s;
    item->count += count;
    item->version++;
    sim_truth_item(world->truth, hashtag, item->count, count);
    plain_marks_touch(plain_of(world), hashtag);
}

/* Whether the item has counts that no checkpoint covers. */
static bool is_ahead(const struct plain_world *world, const struct plain_item *item)
{
    for (unsigned i = 0; item->marks != NULL && i < world->shard_count; i++) {
        if (item->marks[i] > world->world.truth->shards[i].checkpointed) {
            return true;
        }
    }
    return false;
}

static bool remove_foreign(struct sim_world *world, struct ht_slice hashtag, enum ht_origin origin)
{
    struct plain_world *plain = plain_of(world);
    bool may = world->options.is_boundless || !is_ahead(plain, plain_item(plain, hashtag));
    if (!may || !plain_remove(plain, hashtag, sim_wall_ms(world->sim) / 1000, origin)) {
        return false;
    }
    plain_marks_touch(plain, hashtag);
    return true;
}

static bool delete_foreign(struct sim_world *world, struct ht_slice hashtag)
{
    return remove_foreign(world, hashtag, HT_ORIGIN_UNKNOWN);
}

static void expire(struct sim_world *world)
{
    struct plain_world *plain = plain_of(world);
    int64_t now_s = sim_wall_ms(world->sim) / 1000;
    for (uint32_t i = 0; i < plain->item_capacity && i < world->truth->hashtag_count; i++) {
        const struct plain_item *item = &plain->items[i];
        if (item->count > 0 && item->expires_at_s > 0 && item->expires_at_s <= now_s) {
            const struct sim_hashtag *hashtag = &world->truth->hashtags[i];
            (void)remove_foreign(world, ht_slice_make(hashtag->text, hashtag->length),
                                 HT_ORIGIN_TTL);
        }
    }
}

const struct sim_backing sim_backing_transactional = {.name = "transactional",
                                                      .create = create_transactional,
                                                      .destroy = plain_destroy,
                                                      .open = plain_open,
                                                      .close = plain_close,
                                                      .drop = plain_drop_process,
                                                      .take_down = plain_take_down,
                                                      .set_faults = plain_set_faults,
                                                      .put = put,
                                                      .split = no_reshard,
                                                      .merge = no_reshard,
                                                      .trim = plain_stream_trim,
                                                      .roll_feed = no_time,
                                                      .add_foreign = add_nothing,
                                                      .delete_foreign = delete_nothing,
                                                      .expire = no_time};

const struct sim_backing sim_backing_marks = {.name = "marks",
                                              .has_shards = true,
                                              .has_foreign = true,
                                              .has_second = true,
                                              .has_aggregates = true,
                                              .create = create_marks,
                                              .destroy = plain_destroy,
                                              .open = plain_open,
                                              .close = plain_close,
                                              .drop = plain_drop_process,
                                              .take_down = plain_take_down,
                                              .set_faults = plain_set_faults,
                                              .put = put,
                                              .split = plain_stream_split,
                                              .merge = plain_stream_merge,
                                              .trim = plain_stream_trim,
                                              .roll_feed = no_time,
                                              .add_foreign = add_foreign,
                                              .delete_foreign = delete_foreign,
                                              .expire = expire};

const struct sim_backing *const sim_backings[] = {&sim_backing_transactional, &sim_backing_marks,
                                                  &sim_backing_amazon, NULL};
