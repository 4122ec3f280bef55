// SPDX-License-Identifier: MIT

/*
 * The count stage over a table without transactions and a stream that is split and merged, with lost
 * writes, crashes between any two steps, deletions, programs beside it, and sometimes a second
 * process that counts the same shards by mistake. An accountant who knows only the tweets that
 * were put checks every count:
 *
 *     in the table + removed from it = in the stream, each tweet once + added by others
 *
 * A seed that fails prints itself: give it as the argument to see it alone.
 */

#include "hashtagd/pipeline/count.h"

#include "world.h"

#include "hashtagd/base/assert.h"

#include "../../support/effort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    SEEDS = 300,
    FIRST_SEED = 1,
    TAGS = 9,
    LIVES = 4,
    STEPS = 40,
    LAST_STEPS = 20,
    SHARDS_AT_START = 2,
    DELETIONS_MAX = 64,
    REPEATED_MAX = 40, /* tweets back; the window of ids is larger */
    WINDOW = 300,
};

static const char *const tags[TAGS] = {"one", "two",   "three", "four", "five",
                                       "six", "seven", "eight", "nine"};

struct tweet {
    uint64_t id;
    unsigned shard;
    const char *tags[3];
    size_t tag_count;
    bool is_post; /* can be edited */
    bool had[TAGS];
    struct {
        const char *tags[3];
        size_t tag_count;
    } edit; /* its last one */
    bool is_edited;
};

struct process {
    struct ht_tally *tally;
    struct ht_count *count;
};

struct play {
    uint64_t seed;
    struct world *world;
    bool has_twin;    /* a second process on the same shards */
    bool has_deletes; /* with a twin nobody could say what a deletion should take along */
    bool has_outsiders;
    uint64_t truth[TAGS];
    struct tweet tweets[(LIVES * STEPS + LAST_STEPS) * 4];
    size_t tweet_count;
    struct process processes[WORLD_OWNERS_MAX];
    size_t process_count;
    struct ht_count_delete deletions[DELETIONS_MAX];
    size_t deletion_count;
    bool is_fatal;
};

static uint64_t below(struct play *play, uint64_t limit)
{
    return ht_random_below(&play->world->random, limit);
}

static void on_fatal(void *user, const struct ht_error *error)
{
    struct play *play = user;
    print_error("seed %ju: %s\n", (uintmax_t)play->seed, error->text);
    play->is_fatal = true;
}

static int on_touched(void *user, struct ht_slice hashtag, uint64_t count, bool is_removed)
{
    struct play *play = user;
    int status = 0;
    for (size_t i = 0; i < play->process_count && status == 0; i++) {
        status = ht_count_touch(play->processes[i].count, hashtag, count, is_removed);
    }
    return status;
}

static void begin(struct play *play, size_t process_count)
{
    struct world *world = play->world;
    for (size_t i = 0; i < process_count; i++) {
        struct ht_tally_options tally = {
            .key = {3, 4}, .minute = world->clock.now_wall_ms / 60000, .keep_parts = true};
        struct process *process = &play->processes[i];
        process->tally = ht_tally_create(&tally);
        assert_non_null(process->tally);
        struct ht_count_options options = {.stream = &world->stream,
                                           .table = &world->owners[i].table,
                                           .dead_letters = &world->dead_letters,
                                           .tally = process->tally,
                                           .clock = &world->clock.clock,
                                           .timers = &world->timers,
                                           .random = &world->random,
                                           .budget = &world->budget,
                                           .reads = true,
                                           .repeat_window = WINDOW,
                                           .flush_interval_ms = 40 + (uint32_t)below(play, 60),
                                           .start = {.kind = HT_POSITION_TRIM_HORIZON},
                                           .hash_key = {1, 2},
                                           .on_fatal = on_fatal,
                                           .user = play};
        process->count = ht_count_create(&options);
        assert_non_null(process->count);
        ht_count_start(process->count);
    }
    play->process_count = process_count;
    play->deletion_count = 0;
}

/* Gone without a word, as after kill -9. */
static void crash(struct play *play)
{
    for (size_t i = 0; i < play->process_count; i++) {
        ht_count_destroy(play->processes[i].count);
        ht_tally_destroy(play->processes[i].tally);
    }
    play->process_count = 0;
    world_crash(play->world);
    if (play->has_deletes) {
        /* what arrives after the next start looks like a second process: see has_twin */
        world_arrive_late(play->world);
    }
}

static void stop(struct play *play)
{
    bool stopped[WORLD_OWNERS_MAX] = {false};
    for (size_t i = 0; i < play->process_count; i++) {
        ht_count_stop(play->processes[i].count, world_set_true, &stopped[i]);
    }
    for (size_t i = 0; i < play->process_count; i++) {
        (void)world_run_until(play->world, &stopped[i], 20000);
        ht_count_give_up(play->processes[i].count);
        assert_true(world_run_until(play->world, &stopped[i], 20000));
    }
    crash(play);
}

static unsigned some_open_shard(struct play *play)
{
    unsigned shard = (unsigned)below(play, play->world->shard_count);
    while (play->world->shards[shard].closed) {
        shard = (shard + 1) % (unsigned)play->world->shard_count;
    }
    return shard;
}

/* Where records go that went to a shard which may be closed by now. */
static unsigned heir_of(const struct world *world, unsigned shard)
{
    while (world->shards[shard].closed) {
        const char *id = world->shards[shard].id;
        for (unsigned i = 0; i < world->shard_count; i++) {
            if (strcmp(world->shards[i].parent_id, id) == 0 ||
                strcmp(world->shards[i].adjacent_parent_id, id) == 0) {
                shard = i;
                break;
            }
        }
    }
    return shard;
}

static void put_version(struct play *play, const struct tweet *tweet, bool is_edit)
{
    unsigned shard = heir_of(play->world, tweet->shard);
    struct world_tags version = {tweet->tags, tweet->tag_count};
    if (is_edit) {
        version = (struct world_tags){tweet->edit.tags, tweet->edit.tag_count};
    }
    if (tweet->is_post) {
        world_add_post(play->world, shard, tweet->id, is_edit, version);
    } else {
        world_add_tweet(play->world, shard, tweet->id, version.list, version.count);
    }
}

static void put_tweet(struct play *play)
{
    struct tweet *tweet = &play->tweets[play->tweet_count++];
    *tweet = (struct tweet){.id = 1000 + play->tweet_count, .shard = some_open_shard(play)};
    tweet->tag_count = below(play, 4);
    tweet->is_post = below(play, 2) == 0;
    for (size_t i = 0; i < tweet->tag_count; i++) {
        size_t tag = below(play, TAGS);
        tweet->tags[i] = tags[tag];
        play->truth[tag] += !tweet->is_post || !tweet->had[tag];
        tweet->had[tag] = true;
    }
    put_version(play, tweet, false);
}

static struct tweet *some_late_tweet(struct play *play)
{
    size_t most = play->tweet_count < REPEATED_MAX ? play->tweet_count : REPEATED_MAX;
    return &play->tweets[play->tweet_count - 1 - below(play, most)];
}

/* Its user edits a post: what no version before had counts. */
static void edit_post(struct play *play)
{
    if (play->tweet_count == 0) {
        return;
    }
    struct tweet *tweet = some_late_tweet(play);
    if (!tweet->is_post) {
        return;
    }
    tweet->is_edited = true;
    tweet->edit.tag_count = below(play, 4);
    for (size_t i = 0; i < tweet->edit.tag_count; i++) {
        size_t tag = below(play, TAGS);
        tweet->edit.tags[i] = tags[tag];
        play->truth[tag] += !tweet->had[tag];
        tweet->had[tag] = true;
    }
    put_version(play, tweet, true);
}

/* The producer had no answer and puts the tweet again, perhaps after its shard was split or merged. */
static void put_again(struct play *play)
{
    if (play->tweet_count == 0) {
        return;
    }
    const struct tweet *tweet = some_late_tweet(play);
    put_version(play, tweet, tweet->is_edited && below(play, 2) == 0);
}

static void reshard(struct play *play)
{
    struct world *world = play->world;
    if (world->shard_count + 2 > WORLD_SHARDS_MAX) {
        return;
    }
    unsigned shard = some_open_shard(play);
    unsigned other = some_open_shard(play);
    if (shard != other && below(play, 2) == 0) {
        (void)world_add_shard(world, (int)shard, (int)other);
    } else {
        (void)world_add_shard(world, (int)shard, -1);
        (void)world_add_shard(world, (int)shard, -1);
    }
}

static void on_deleted(struct ht_count_delete *request)
{
    (void)request;
}

static void delete_one(struct play *play)
{
    if (play->deletion_count == DELETIONS_MAX) {
        return;
    }
    struct ht_count_delete *request = &play->deletions[play->deletion_count++];
    *request = (struct ht_count_delete){.hashtag = ht_slice_text(tags[below(play, TAGS)]),
                                        .done = on_deleted};
    ht_count_delete(play->processes[0].count, request);
}

static void meddle(struct play *play)
{
    size_t tag = below(play, TAGS);
    if (below(play, 3) > 0) {
        uint64_t count = 1 + below(play, 5);
        play->truth[tag] += count;
        world_add_outside(play->world, tags[tag], count);
    } else if (play->has_deletes) {
        (void)world_delete_outside(play->world, tags[tag]);
    }
}

static void act(struct play *play)
{
    struct world *world = play->world;
    for (size_t i = below(play, 4); i > 0; i--) {
        put_tweet(play);
    }
    if (below(play, 4) == 0) {
        put_again(play);
    }
    if (below(play, 3) == 0) {
        edit_post(play);
    }
    if (play->has_deletes && below(play, 8) == 0) {
        delete_one(play);
    }
    if (play->has_outsiders && below(play, 10) == 0) {
        meddle(play);
    }
    if (below(play, 40) == 0) {
        reshard(play);
    }
    if (below(play, 10) == 0) {
        world_arrive_late(world);
    }
    world->fail_reads += below(play, 30) == 0;
    world->fail_letters += below(play, 30) == 0;
    world_run(world, below(play, 25));
}

static uint64_t removed_of(const struct world *world, const char *tag)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < world->removal_count; i++) {
        sum += strcmp(world->removals[i].item.tag, tag) == 0 ? world->removals[i].item.count : 0;
    }
    return sum;
}

static bool is_exact(struct play *play)
{
    bool is_right = !play->is_fatal;
    for (size_t i = 0; i < TAGS; i++) {
        uint64_t stored = world_count(play->world, tags[i]);
        uint64_t removed = removed_of(play->world, tags[i]);
        if (stored + removed != play->truth[i]) {
            print_error("seed %ju: #%s is %ju in the table and %ju removed, but the truth is %ju\n",
                        (uintmax_t)play->seed, tags[i], (uintmax_t)stored, (uintmax_t)removed,
                        (uintmax_t)play->truth[i]);
            is_right = false;
        }
        for (size_t at = 0; at < play->process_count; at++) {
            uint64_t known = ht_tally_count(play->processes[at].tally, ht_slice_text(tags[i]));
            if (known != stored) {
                print_error("seed %ju: #%s is %ju in tally %zu, but %ju in the table\n",
                            (uintmax_t)play->seed, tags[i], (uintmax_t)known, at,
                            (uintmax_t)stored);
                is_right = false;
            }
        }
    }
    return is_right;
}

static bool play_seed(uint64_t seed)
{
    struct play *play = calloc(1, sizeof(*play));
    HT_ASSERT(play != NULL);
    play->seed = seed;
    play->world = world_create(seed, SHARDS_AT_START);
    struct world *world = play->world;
    world->is_kinesis = seed % 4 != 0;
    world->lost_percent = (unsigned)below(play, 20);
    world->delay_max_ms = 2 + below(play, 20);
    world->on_touched = on_touched;
    world->on_touched_user = play;
    play->has_twin = seed % 5 == 0;
    play->has_deletes = !play->has_twin && seed % 3 != 0;
    play->has_outsiders = seed % 7 < 3;
    for (size_t life = 0; life < LIVES; life++) {
        begin(play, play->has_twin ? 2 : 1);
        for (size_t step = 0; step < STEPS; step++) {
            act(play);
        }
        if (below(play, 4) == 0) {
            stop(play);
        } else {
            crash(play);
        }
    }
    begin(play, play->has_twin ? 2 : 1);
    for (size_t step = 0; step < LAST_STEPS; step++) {
        act(play);
    }
    world->lost_percent = world->fail_reads = world->fail_letters = 0;
    world_arrive_late(world);
    world_run(world, 3000);
    bool is_right = is_exact(play);
    stop(play);
    is_right = is_exact(play) && is_right;
    world_destroy(world);
    free(play);
    return is_right;
}

static void counts_are_exact_whatever_happens(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + effort(SEEDS, SEEDS / 5); seed++) {
        wrong += !play_seed(seed);
    }
    assert_int_equal(wrong, 0);
}

/* They would take memory for ever: the rows of shards that ended are removed in the end. */
static void marks_of_shards_that_never_come_are_dropped(void **state)
{
    (void)state;
    struct play *play = calloc(1, sizeof(*play));
    assert_non_null(play);
    play->world = world_create(1, SHARDS_AT_START);
    struct world *world = play->world;
    static const char *const one[] = {"one"};
    world_add_tweet(world, 1, 1, one, 1);
    world->is_unlisted[1] = true;
    world->items[0] = (struct world_item){.tag = "one", .count = 1, .marks = {[1] = 1}};
    world->item_count = 1;
    begin(play, 1);
    world_run(world, 290000);
    assert_true(world->budget.used_bytes > 0);
    world_run(world, 40000);
    assert_int_equal(world->budget.used_bytes, 0);
    crash(play);
    world_destroy(world);
    free(play);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        uint64_t last = strtoull(argv[argc - 1], NULL, 10);
        bool is_right = true;
        for (uint64_t seed = strtoull(argv[1], NULL, 10); seed <= last; seed++) {
            is_right = play_seed(seed) && is_right;
        }
        return is_right ? 0 : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_exact_whatever_happens),
        cmocka_unit_test(marks_of_shards_that_never_come_are_dropped),
    };
    return cmocka_run_group_tests_name("pipeline/count_marks", tests, NULL, NULL);
}
