// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/ingest.h"

#include "../tally/failing_memory.h"
#include "plain_ingest.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

enum { TWEETS = 3 };

/* Tweets first, first + 1, ... in one delivery, one of whose allocations may fail; whether one did.
 * Where it is the first one, half a line stands among them: it waits with them, and does not reach
 * the world, which needs memory of its own. */
static bool deliver_without_memory(struct world *world, uint64_t first, size_t allocations)
{
    char texts[TWEETS][PLAIN_INGEST_TWEET_BYTES], cursor[32];
    struct ht_slice messages[TWEETS + 1];
    size_t count = 0;
    for (size_t i = 0; i < TWEETS; i++) {
        plain_ingest_tweet(first + i, texts[i]);
        messages[count++] = ht_slice_text(texts[i]);
        if (i == 0 && allocations == 0) {
            messages[count++] = HT_SLICE("{\"cut\":");
        }
    }
    (void)snprintf(cursor, sizeof(cursor), "%" PRIu64, first + TWEETS - 1);
    (void)failing_memory_set(allocations);
    bool goes_on = world->sink->ops->deliver(world->sink, &world->source, messages, count,
                                             ht_slice_text(cursor));
    bool has_failed = failing_memory_set(SIZE_MAX);
    world->is_source_paused = world->is_source_paused || !goes_on;
    assert_true(goes_on == !has_failed);
    return has_failed;
}

static void assert_has_all(const struct world *world, const struct ht_ingest *ingest, uint64_t last)
{
    char text[32];
    assert_int_equal(world->record_count, last);
    for (uint64_t i = 0; i < last; i++) {
        int length = snprintf(text, sizeof(text), "{\"id\":%" PRIu64 ",", i + 1);
        assert_memory_equal(world->records[i].data, text, (size_t)length);
    }
    int length = snprintf(text, sizeof(text), "%" PRIu64, last);
    assert_int_equal(world->cursor_length, length);
    assert_memory_equal(world->cursor, text, (size_t)length);
    assert_int_equal(world->letter_count, 1);
    const struct ht_ingest_counters *counters = ht_ingest_counters(ingest);
    assert_int_equal(counters->received, last + 1);
    assert_int_equal(counters->accepted, last);
    assert_int_equal(counters->refused[HT_TWEET_REFUSAL_CUT_OFF], 1);
}

/* Whichever allocation of a new stage fails, and the first one behind: nothing is lost, doubled or out
 * of order, and the cursor waits. */
static void what_memory_is_out_for_is_taken_later(void **state)
{
    (void)state;
    size_t allocations = 0;
    bool has_failed = true;
    while (has_failed) {
        struct world *world = world_create(1, 1);
        struct ht_ingest *ingest = plain_ingest_begin(world);
        has_failed = deliver_without_memory(world, 1, ++allocations);
        world_run(world, 1000);
        assert_true(deliver_without_memory(world, TWEETS + 1, 0));
        world_run(world, 1000);
        assert_has_all(world, ingest, 2 * TWEETS);
        assert_false(world->is_source_paused);
        assert_int_equal(ht_ingest_health(ingest)->state, HT_HEALTH_WORKING);
        plain_ingest_end(world, ingest);
        world_destroy(world);
    }
    assert_true(allocations > 3);
}

/* Sources that share the sink may deliver before they hear of it. */
static void what_comes_meanwhile_waits_behind_it(void **state)
{
    (void)state;
    struct world *world = world_create(1, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    assert_true(deliver_without_memory(world, 1, 0));
    (void)failing_memory_set(SIZE_MAX);
    struct ht_slice late = HT_SLICE("{\"id\":4,\"id_str\":\"4\",\"text\":\"x\",\"user\":{},"
                                    "\"entities\":{}}");
    assert_false(world->sink->ops->deliver(world->sink, &world->source, &late, 1, HT_SLICE("4")));
    assert_int_equal(world->record_count, 0);
    world_run(world, 1000);
    assert_int_equal(world->record_count, TWEETS + 1);
    assert_memory_equal(world->cursor, "4", 1);
    plain_ingest_end(world, ingest);
    world_destroy(world);
}

static void a_stop_waits_for_it(void **state)
{
    (void)state;
    struct world *world = world_create(1, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    assert_true(deliver_without_memory(world, 1, 0));
    plain_ingest_end(world, ingest);
    assert_int_equal(world->record_count, TWEETS);
    assert_memory_equal(world->cursor, "3", 1);
    world_destroy(world);
}

/* More than one delivery holds: it is gone, and no cursor may pass it. */
static void what_has_no_room_at_all_holds_the_cursor_back(void **state)
{
    (void)state;
    struct world *world = world_create(1, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    assert_false(deliver_without_memory(world, 1, 1000));
    world_run(world, 1000);
    enum { LONG_BYTES = 9 * 1024 * 1024 };
    char *text = malloc(LONG_BYTES);
    assert_non_null(text);
    memset(text, ' ', LONG_BYTES);
    struct ht_slice message = {text, LONG_BYTES};
    (void)failing_memory_set(0);
    (void)world->sink->ops->deliver(world->sink, &world->source, &message, 1, HT_SLICE("9"));
    assert_true(failing_memory_set(SIZE_MAX));
    free(text);
    assert_int_equal(ht_ingest_health(ingest)->state, HT_HEALTH_FAILED);
    (void)deliver_without_memory(world, 4, 1000);
    world_run(world, 1000);
    assert_int_equal(world->record_count, 2 * TWEETS);
    assert_int_equal(ht_ingest_health(ingest)->state, HT_HEALTH_FAILED);
    plain_ingest_end(world, ingest);
    assert_memory_equal(world->cursor, "3", 1);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_memory_is_out_for_is_taken_later),
        cmocka_unit_test(what_comes_meanwhile_waits_behind_it),
        cmocka_unit_test(a_stop_waits_for_it),
        cmocka_unit_test(what_has_no_room_at_all_holds_the_cursor_back),
    };
    return cmocka_run_group_tests_name("pipeline/ingest_rescue", tests, NULL, NULL);
}
