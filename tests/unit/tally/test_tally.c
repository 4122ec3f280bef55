// SPDX-License-Identifier: MIT
#include "hashtagd/tally/tally.h"

#include "model.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include "../../support/effort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define START_MINUTE 29500000

enum action {
    ADD,
    ADD_BATCH,
    ADVANCE,
    REMOVE,
    FLUSH,
    COMPACT,
    RESTART,
    CHECK_ITEM,
    CHECK_TOP,
    CHECK_PAGES,
    CORRECT,
    ACTION_COUNT,
};

/* One run: how many tags, operations, and how often each action comes. */
struct play {
    const char *name;
    uint64_t seed;
    size_t tag_count;
    size_t steps;
    bool hostile; /* names that are long, hold NUL, or share a long beginning */
    unsigned weights[ACTION_COUNT];
};

/* An entry of the log that a store would keep. */
struct log_entry {
    struct ht_tally_part part; /* data owned; NULL in a deletion */
    size_t deleted;            /* the tag */
};

struct world {
    struct ht_tally *tally;
    struct model model;
    struct ht_random random;
    struct log_entry *log;
    size_t log_count, log_capacity;
};

static void act(struct world *world, enum action action);

static const struct play plays[] = {
    {"few tags, all actions", 1, 40, 6000, false, {60, 10, 8, 4, 6, 2, 1, 4, 6, 1, 6}},
    {"hostile names", 2, 60, 4000, true, {60, 10, 8, 8, 6, 2, 1, 4, 6, 1, 6}},
    {"many tags, windows sink", 3, 4000, 2500, false, {200, 600, 40, 20, 20, 4, 1, 2, 12, 1, 300}},
    {"many removals", 4, 3000, 2500, false, {200, 300, 20, 400, 20, 4, 1, 2, 6, 1, 100}},
    {"restarts", 5, 300, 1500, true, {60, 60, 20, 20, 20, 10, 20, 4, 6, 1, 10}},
    {"another seed", 6, 2500, 2000, false, {100, 400, 60, 10, 30, 10, 2, 4, 16, 1, 300}},
};

static struct ht_slice make_name(const struct play *play, size_t number)
{
    static char name[HT_TALLY_TAG_MAX_BYTES];
    if (!play->hostile) {
        /* Two letters in front, so that prefixes match some. */
        int length = snprintf(name, sizeof(name), "%c%ctag%zu", 'a' + (int)(number % 5),
                              'a' + (int)(number % 3), number);
        return ht_slice_make(name, (size_t)length);
    }
    memset(name, 'x', sizeof(name));
    memcpy(name + 1020, &number, 2);
    size_t lengths[] = {1 + number, 1022, 1500, HT_TALLY_TAG_MAX_BYTES};
    name[0] = number % 4 == 0 ? '\0' : 'x';
    return ht_slice_make(name, lengths[number % 4]);
}

static struct ht_tally *make_tally(int64_t minute)
{
    struct ht_tally_options options = {.key = {11, 22}, .minute = minute, .keep_parts = true};
    struct ht_tally *tally = ht_tally_create(&options);
    assert_non_null(tally);
    return tally;
}

static void play_out(void **state)
{
    const struct play *play = *state;
    struct world world = {.tally = make_tally(START_MINUTE)};
    ht_random_init(&world.random, play->seed);
    struct ht_slice *names = calloc(play->tag_count, sizeof(*names));
    assert_non_null(names);
    for (size_t i = 0; i < play->tag_count; i++) {
        struct ht_slice name = make_name(play, i);
        names[i] = ht_slice_make(ht_slice_to_text(name), name.length);
    }
    model_init(&world.model, names, play->tag_count, START_MINUTE);
    unsigned sum = 0;
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        sum += play->weights[i];
    }
    for (size_t step = 0; step < effort(play->steps, play->steps / 4); step++) {
        uint64_t pick = ht_random_below(&world.random, sum);
        enum action action = ADD;
        while (pick >= play->weights[action]) {
            pick -= play->weights[action++];
        }
        act(&world, action);
    }
    for (size_t i = 0; i < world.log_count; i++) {
        free(world.log[i].part.data);
    }
    for (size_t i = 0; i < play->tag_count; i++) {
        free((void *)(uintptr_t)names[i].data);
    }
    free(names);
    free(world.log);
    model_finish(&world.model);
    ht_tally_destroy(world.tally);
}

/* Low numbers far more often. */
static size_t some_tag(struct world *world)
{
    double unit = ht_random_unit(&world->random);
    return (size_t)((double)world->model.tag_count * unit * unit * unit);
}

static int64_t some_minute(struct world *world)
{
    uint64_t kind = ht_random_below(&world->random, 20);
    int64_t running = world->model.minute;
    if (kind == 0) {
        return running - (int64_t)ht_random_below(&world->random, 2000);
    }
    if (kind == 1) {
        return running + (int64_t)ht_random_below(&world->random, 3);
    }
    return kind < 6 ? running - (int64_t)ht_random_below(&world->random, 8) : running;
}

static struct ht_tally_add some_add(struct world *world, size_t *tag)
{
    *tag = some_tag(world);
    int64_t minute = some_minute(world);
    uint32_t count = 1;
    if (ht_random_below(&world->random, 10) == 0) {
        count += (uint32_t)ht_random_below(&world->random, 100000);
    }
    return (struct ht_tally_add){.tag = world->model.tags[*tag].name,
                                 .minute = minute,
                                 .count = count,
                                 .seen_s =
                                     minute * 60 + (int64_t)ht_random_below(&world->random, 60)};
}

static void add_batch(struct world *world)
{
    struct ht_tally_add adds[100];
    size_t count = ht_random_below(&world->random, HT_COUNT_OF(adds) + 1);
    for (size_t i = 0; i < count; i++) {
        size_t tag;
        adds[i] = some_add(world, &tag);
        model_add(&world->model, tag, adds[i].minute, adds[i].count, adds[i].seen_s);
    }
    size_t done;
    assert_int_equal(ht_tally_add_batch(world->tally, adds, count, &done), 0);
    assert_int_equal(done, count);
}

static void advance(struct world *world)
{
    uint64_t kind = ht_random_below(&world->random, 100);
    int64_t minutes = kind == 0 ? 1500 : kind < 4 ? 1439 : kind < 20 ? 20 : 1;
    minutes = kind > 95 ? -3 : minutes;
    int64_t minute = world->model.minute + minutes;
    assert_int_equal(ht_tally_advance(world->tally, minute), 0);
    model_advance(&world->model, minute);
    assert_int_equal(ht_tally_minute(world->tally), world->model.minute);
}

static void append_log(struct world *world, const struct log_entry *entry)
{
    if (world->log_count == world->log_capacity) {
        world->log_capacity = world->log_capacity * 2 + 16;
        world->log = realloc(world->log, world->log_capacity * sizeof(*world->log));
        assert_non_null(world->log);
    }
    world->log[world->log_count++] = *entry;
}

static void remove_one(struct world *world)
{
    size_t tag = some_tag(world);
    struct ht_tally_item item;
    const struct model_tag *known = &world->model.tags[tag];
    int status = ht_tally_remove(world->tally, known->name, &item);
    assert_int_equal(status, known->exists ? 0 : HT_ENOTFOUND);
    if (status == 0) {
        assert_int_equal(item.counts[HT_TALLY_ALL], known->all);
        assert_int_equal(item.first_seen_s, known->first_seen_s);
        assert_int_equal(item.last_seen_s, known->last_seen_s);
        append_log(world, &(struct log_entry){.deleted = tag});
    }
    model_remove(&world->model, tag);
}

/* Others counted, or took counts away. */
static void correct_one(struct world *world)
{
    size_t tag = ht_random_below(&world->random, world->model.tag_count);
    struct model_tag *model = &world->model.tags[tag];
    uint64_t count = 1 + ht_random_below(&world->random, 2 * model->all + 3);
    int64_t seen_s = world->model.minute * 60 + (int64_t)ht_random_below(&world->random, 60);
    assert_int_equal(ht_tally_correct(world->tally, model->name, count, seen_s, seen_s), 0);
    assert_int_equal(ht_tally_count(world->tally, model->name), count);
    if (!model->exists || seen_s < model->first_seen_s) {
        model->first_seen_s = seen_s;
    }
    if (!model->exists || seen_s > model->last_seen_s) {
        model->last_seen_s = seen_s;
    }
    model->exists = true;
    model->all = count;
}

static void flush(struct world *world)
{
    struct ht_tally_parts parts;
    assert_int_equal(ht_tally_take_parts(world->tally, &parts), 0);
    for (size_t i = 0; i < parts.count; i++) {
        assert_int_equal(parts.items[i].kind, HT_TALLY_PART_ADD);
        append_log(world, &(struct log_entry){.part = parts.items[i]});
        parts.items[i].data = NULL;
    }
    ht_tally_parts_finish(&parts);
    assert_int_equal(ht_tally_take_parts(world->tally, &parts), 0);
    assert_int_equal(parts.count, 0);
}

static void drop_minute(struct world *world, int64_t minute)
{
    size_t kept = 0;
    for (size_t i = 0; i < world->log_count; i++) {
        struct log_entry *entry = &world->log[i];
        if (entry->part.data != NULL && entry->part.minute == minute) {
            free(entry->part.data);
        } else {
            world->log[kept++] = *entry;
        }
    }
    world->log_count = kept;
}

static void compact(struct world *world)
{
    int64_t minute;
    while (ht_tally_find_compactable(world->tally, 2, &minute)) {
        struct ht_buffer data;
        ht_buffer_init(&data, 1 << 30);
        assert_int_equal(ht_tally_export_minute(world->tally, minute, &data), 0);
        struct ht_tally_part part = {
            .minute = minute, .kind = HT_TALLY_PART_REPLACE, .length = data.length};
        part.data = ht_buffer_take(&data);
        assert_non_null(part.data);
        drop_minute(world, minute);
        append_log(world, &(struct log_entry){.part = part});
    }
}

static void restart(struct world *world)
{
    flush(world);
    ht_tally_destroy(world->tally);
    world->tally = make_tally(world->model.minute);
    assert_int_equal(ht_tally_reserve(world->tally, world->model.tag_count), 0);
    for (size_t i = 0; i < world->model.tag_count; i++) {
        const struct model_tag *tag = &world->model.tags[i];
        if (tag->exists) {
            assert_int_equal(ht_tally_load(world->tally, tag->name, tag->all, tag->first_seen_s,
                                           tag->last_seen_s),
                             0);
        }
    }
    for (size_t i = 0; i < world->log_count; i++) {
        const struct log_entry *entry = &world->log[i];
        struct ht_slice deleted = world->model.tags[entry->deleted].name;
        int status = entry->part.data == NULL
                         ? ht_tally_apply_deletion(world->tally, deleted)
                         : ht_tally_apply_part(world->tally, &entry->part, NULL);
        assert_int_equal(status, 0);
    }
}

static void check_top(struct world *world)
{
    static const uint32_t limits[] = {1, 2, 20, 100, 999, 1000};
    model_sum(&world->model);
    for (int w = 0; w < HT_TALLY_WINDOW_COUNT; w++) {
        struct ht_tally_query query = {.window = (enum ht_tally_window)w};
        query.limit = limits[ht_random_below(&world->random, HT_COUNT_OF(limits))];
        model_check_top(&world->model, world->tally, &query);
        struct ht_slice name = world->model.tags[some_tag(world)].name;
        query.prefix = ht_slice_make(name.data, ht_random_below(&world->random, name.length));
        model_check_top(&world->model, world->tally, &query);
        query.has_after = true;
        query.after_tag = world->model.tags[some_tag(world)].name;
        query.after_count = ht_random_below(&world->random, 1000);
        model_check_top(&world->model, world->tally, &query);
        query.prefix = HT_SLICE("");
        model_check_top(&world->model, world->tally, &query);
    }
}

/* Pages through a whole window: every item comes once, in order. */
static void check_pages(struct world *world)
{
    model_sum(&world->model);
    struct ht_tally_query query = {
        .window = (enum ht_tally_window)ht_random_below(&world->random, HT_TALLY_WINDOW_COUNT),
        .limit = 1 + (uint32_t)ht_random_below(&world->random, HT_TALLY_TOP_MAX)};
    static struct ht_tally_row rows[HT_TALLY_TOP_MAX];
    uint64_t seen = 0;
    for (bool more = true; more;) {
        model_check_top(&world->model, world->tally, &query);
        size_t count = ht_tally_top(world->tally, &query, rows, &more);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(rows[i].rank, ++seen);
        }
        if (more) {
            query.has_after = true;
            query.after_tag = rows[count - 1].tag;
            query.after_count = rows[count - 1].count;
        }
    }
    assert_int_equal(seen, world->model.distinct[query.window]);
}

static void act(struct world *world, enum action action)
{
    size_t tag;
    struct ht_tally_add add;
    uint64_t version = ht_tally_version(world->tally);
    switch (action) {
    case ADD:
        add = some_add(world, &tag);
        assert_int_equal(ht_tally_add(world->tally, &add), 0);
        assert_true(ht_tally_version(world->tally) > version);
        model_add(&world->model, tag, add.minute, add.count, add.seen_s);
        return;
    case ADD_BATCH:
        add_batch(world);
        return;
    case ADVANCE:
        advance(world);
        return;
    case REMOVE:
        remove_one(world);
        return;
    case FLUSH:
        flush(world);
        return;
    case COMPACT:
        compact(world);
        return;
    case RESTART:
        restart(world);
        return;
    case CHECK_ITEM:
        model_sum(&world->model);
        model_check_item(&world->model, world->tally, some_tag(world));
        assert_int_equal(ht_tally_version(world->tally), version);
        return;
    case CHECK_TOP:
        check_top(world);
        assert_int_equal(ht_tally_version(world->tally), version);
        return;
    case CHECK_PAGES:
        check_pages(world);
        return;
    case CORRECT:
        correct_one(world);
        return;
    case ACTION_COUNT:
        break;
    }
    HT_UNREACHABLE();
}

/* A table may tell of anything; only what can be counted is taken over. */
static void what_is_no_hashtag_corrects_nothing(void **state)
{
    (void)state;
    const struct ht_tally_options options = {.key = {1, 2}, .minute = START_MINUTE};
    struct ht_tally *tally = ht_tally_create(&options);
    assert_non_null(tally);
    assert_int_equal(ht_tally_correct(tally, HT_SLICE("tag"), 0, 1, 2), HT_EINVAL);
    assert_int_equal(ht_tally_correct(tally, HT_SLICE(""), 5, 1, 2), HT_EINVAL);
    assert_int_equal(ht_tally_distinct(tally, HT_TALLY_ALL), 0);
    assert_int_equal(ht_tally_correct(tally, HT_SLICE("tag"), 5, 1, 2), 0);
    assert_int_equal(ht_tally_total(tally, HT_TALLY_ALL), 5);
    ht_tally_destroy(tally);
}

static void a_tally_that_was_cleared_is_as_new(void **state)
{
    (void)state;
    const struct ht_tally_options options = {
        .key = {1, 2}, .minute = START_MINUTE, .keep_parts = true};
    struct ht_tally *tally = ht_tally_create(&options);
    assert_non_null(tally);
    for (int round = 0; round < 3; round++) {
        char text[16];
        for (int i = 0; i < 10000; i++) {
            (void)snprintf(text, sizeof(text), "tag%d", i);
            struct ht_tally_add add = {.tag = ht_slice_text(text),
                                       .minute = START_MINUTE - i % 3,
                                       .seen_s = START_MINUTE * INT64_C(60),
                                       .count = 1};
            assert_int_equal(ht_tally_add(tally, &add), 0);
        }
        assert_int_equal(ht_tally_total(tally, HT_TALLY_ALL), 10000);
        assert_int_equal(ht_tally_distinct(tally, HT_TALLY_5M), 10000);
        assert_int_equal(ht_tally_advance(tally, START_MINUTE + round), 0);
        uint64_t version = ht_tally_version(tally);
        ht_tally_clear(tally);
        assert_true(ht_tally_version(tally) > version);
        assert_int_equal(ht_tally_minute(tally), START_MINUTE + round);
        struct ht_tally_row row;
        struct ht_tally_parts parts;
        for (int window = 0; window < HT_TALLY_WINDOW_COUNT; window++) {
            struct ht_tally_query query = {.window = (enum ht_tally_window)window, .limit = 1};
            assert_int_equal(ht_tally_total(tally, query.window), 0);
            assert_int_equal(ht_tally_top(tally, &query, &row, NULL), 0);
        }
        assert_int_equal(ht_tally_take_parts(tally, &parts), 0);
        assert_int_equal(parts.count, 0);
    }
    ht_tally_destroy(tally);
}

int main(void)
{
    struct CMUnitTest tests[HT_COUNT_OF(plays) + 2];
    for (size_t i = 0; i < HT_COUNT_OF(plays); i++) {
        tests[i] = (struct CMUnitTest){.name = plays[i].name,
                                       .test_func = play_out,
                                       .initial_state = (void *)(uintptr_t)&plays[i]};
    }
    tests[HT_COUNT_OF(plays)] =
        (struct CMUnitTest)cmocka_unit_test(a_tally_that_was_cleared_is_as_new);
    tests[HT_COUNT_OF(plays) + 1] =
        (struct CMUnitTest)cmocka_unit_test(what_is_no_hashtag_corrects_nothing);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
