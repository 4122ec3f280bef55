// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/ingest.h"

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

static bool deliver(struct world *world, const char *text, const char *cursor)
{
    struct ht_slice message = ht_slice_text(text);
    bool goes_on =
        world->sink->ops->deliver(world->sink, &world->source, &message, 1, ht_slice_text(cursor));
    world->is_source_paused = world->is_source_paused || !goes_on;
    return goes_on;
}

static bool deliver_tweet(struct world *world, uint64_t id)
{
    char text[PLAIN_INGEST_TWEET_BYTES];
    char cursor[32];
    plain_ingest_tweet(id, text);
    (void)snprintf(cursor, sizeof(cursor), "%" PRIu64, id);
    return deliver(world, text, cursor);
}

static void tweets_reach_the_stream_as_they_came(void **state)
{
    (void)state;
    struct world *world = world_create(1, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    static const char *const text =
        "  {\"id_str\" : \"77\", \"id\":77,\"text\":\"\\ud83d\\ude00\",\"entities\":{} }";
    (void)deliver(world, text, "");
    world_run(world, 1000);
    assert_int_equal(world->record_count, 1);
    assert_string_equal(world->records[0].data, text);
    plain_ingest_end(world, ingest);
    world_destroy(world);
}

static void failed_puts_are_repeated_until_durable(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world *world = world_create(seed, 1);
        struct ht_ingest *ingest = plain_ingest_begin(world);
        for (uint64_t id = 1; id <= 300; id++) {
            (void)deliver_tweet(world, id);
            world->fail_puts += ht_random_below(&world->random, 40) == 0;
            world_run(world, ht_random_below(&world->random, 20));
        }
        world->fail_puts = 0;
        plain_ingest_end(world, ingest);
        bool seen[301] = {false};
        for (size_t i = 0; i < world->record_count; i++) {
            seen[strtoul(world->records[i].data + 6, NULL, 10)] = true;
        }
        for (uint64_t id = 1; id <= 300; id++) {
            assert_true(seen[id]);
        }
        world_destroy(world);
    }
}

/* Everything before a durable cursor is on the stream, whenever the process dies. */
static void the_durable_cursor_never_runs_ahead(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world *world = world_create(seed, 1);
        struct ht_ingest *ingest = plain_ingest_begin(world);
        assert_string_equal(world->started_with, "");
        for (uint64_t id = 1; id <= 200; id++) {
            (void)deliver_tweet(world, id);
            world->fail_puts += ht_random_below(&world->random, 15) == 0;
            world_run(world, ht_random_below(&world->random, 8));
            bool seen[201] = {false};
            for (size_t i = 0; i < world->record_count; i++) {
                seen[strtoul(world->records[i].data + 6, NULL, 10)] = true;
            }
            world->cursor[world->cursor_length] = '\0';
            for (uint64_t before = 1; before <= strtoul(world->cursor, NULL, 10); before++) {
                assert_true(seen[before]);
            }
        }
        world->fail_puts = 0;
        plain_ingest_end(world, ingest);
        ingest = plain_ingest_begin(world);
        /* a batch that followed others carries their cursor: at most a few tweets come again */
        assert_in_range(strtoul(world->started_with, NULL, 10), 196, 200);
        plain_ingest_end(world, ingest);
        world_destroy(world);
    }
}

static void notices_are_counted_and_garbage_is_kept(void **state)
{
    (void)state;
    struct world *world = world_create(2, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    world->fail_letters = 2;
    (void)deliver(world, "{\"delete\":{\"status\":{\"id\":1,\"id_str\":\"1\"}}}", "1");
    (void)deliver(world, "{\"limit\":{\"track\":19}}", "2");
    (void)deliver(world, "{\"limit\":{\"track\":6}}", "3");
    (void)deliver(world, "{\"cut\":", "4");
    world->sink->ops->refuse(world->sink, &world->source, HT_SLICE("half a line"), "cut_off");
    world->sink->ops->refuse(world->sink, &world->source, HT_SLICE("\xff"), "bad_utf8");
    world->sink->ops->refuse(world->sink, &world->source, HT_SLICE("what"), "odd");
    (void)deliver_tweet(world, 5);
    world_run(world, 10000);
    const struct ht_ingest_counters *counters = ht_ingest_counters(ingest);
    assert_int_equal(counters->notices[HT_TWEET_KIND_DELETE], 1);
    assert_int_equal(counters->notices[HT_TWEET_KIND_LIMIT], 2);
    assert_int_equal(counters->limit_number_last, 6);
    assert_int_equal(counters->limit_number_max, 19);
    assert_int_equal(counters->accepted, 1);
    assert_int_equal(counters->refused[HT_TWEET_REFUSAL_CUT_OFF], 3);
    assert_int_equal(counters->refused[HT_TWEET_REFUSAL_BAD_UTF8], 1);
    assert_int_equal(world->letter_count, 4);
    assert_non_null(strstr(world->letters.data, "bad_utf8 \xff"));
    assert_non_null(strstr(world->letters.data, "cut_off {\"cut\":"));
    assert_non_null(strstr(world->letters.data, "cut_off half a line"));
    plain_ingest_end(world, ingest);
    world_destroy(world);
}

/* No stream takes it; it is kept whole, and the source goes on behind it. */
static void a_tweet_that_no_stream_could_take_is_kept_as_a_letter(void **state)
{
    (void)state;
    static const char head[] = "{\"id\":7,\"id_str\":\"7\",\"text\":\"x\",\"user\":{},"
                               "\"entities\":{},\"more\":\"";
    size_t length = 2 * 1024 * 1024 + 100;
    char *text = malloc(length + 1);
    assert_non_null(text);
    memset(text, 'y', length);
    memcpy(text, head, sizeof(head) - 1);
    memcpy(text + length - 2, "\"}", 3);
    struct world *world = world_create(3, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    (void)deliver(world, text, "1");
    (void)deliver_tweet(world, 8);
    world_run(world, 10000);
    const struct ht_ingest_counters *counters = ht_ingest_counters(ingest);
    assert_int_equal(counters->refused[HT_TWEET_REFUSAL_TOO_LARGE], 1);
    assert_int_equal(counters->accepted, 1);
    assert_int_equal(world->record_count, 1);
    assert_int_equal(world->letter_count, 1);
    plain_ingest_end(world, ingest);
    world_destroy(world);
    free(text);
}

static void a_cursor_that_comes_alone_becomes_durable(void **state)
{
    (void)state;
    struct world *world = world_create(2, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    (void)deliver_tweet(world, 1);
    world_run(world, 1000);
    (void)world->sink->ops->deliver(world->sink, &world->source, NULL, 0, HT_SLICE("7"));
    world_run(world, 1000);
    assert_int_equal(world->record_count, 1);
    assert_int_equal(ht_ingest_counters(ingest)->accepted, 1);
    plain_ingest_end(world, ingest);
    ingest = plain_ingest_begin(world);
    assert_string_equal(world->started_with, "7");
    plain_ingest_end(world, ingest);
    world_destroy(world);
}

/* The source gives the message again after the restart: its letter is still to be written. */
static void a_letter_lost_at_the_stop_holds_the_cursor_back(void **state)
{
    (void)state;
    struct world *world = world_create(2, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    (void)deliver_tweet(world, 1);
    world_run(world, 1000);
    world->fail_letters = 1000;
    (void)deliver(world, "{\"cut\":", "2");
    (void)deliver_tweet(world, 3);
    ht_ingest_give_up(ingest);
    plain_ingest_end(world, ingest);
    world->fail_letters = 0;
    assert_int_equal(world->letter_count, 0);
    assert_int_equal(world->record_count, 2);
    ingest = plain_ingest_begin(world);
    assert_string_equal(world->started_with, "1");
    plain_ingest_end(world, ingest);
    world_destroy(world);
}

/* A stop that could not keep what nobody can read says so. */
static void a_letter_lost_at_the_stop_is_told(void **state)
{
    (void)state;
    struct world *world = world_create(2, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    world->fail_letters = 1000;
    (void)deliver(world, "{\"cut\":", "1");
    bool stopped = false;
    ht_ingest_give_up(ingest);
    ht_ingest_stop(ingest, world_set_true, &stopped);
    assert_true(world_run_until(world, &stopped, 60000));
    assert_int_equal(ht_ingest_waiting(ingest), 1);
    ht_ingest_destroy(ingest);
    world_destroy(world);
}

/* Its dead letter is not written yet: the source has to give it again. */
static void a_refused_record_holds_the_cursor_back(void **state)
{
    (void)state;
    struct world *world = world_create(2, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    (void)deliver_tweet(world, 1);
    world_run(world, 1000);
    world->refuse_records = 1;
    world->fail_letters = 1000;
    (void)deliver_tweet(world, 2);
    world_run(world, 1000);
    (void)deliver_tweet(world, 3);
    ht_ingest_give_up(ingest);
    plain_ingest_end(world, ingest);
    ingest = plain_ingest_begin(world);
    assert_string_equal(world->started_with, "1");
    world->refuse_records = 1;
    world->fail_letters = 1;
    (void)deliver_tweet(world, 2);
    world_run(world, 10000);
    assert_int_equal(world->letter_count, 1);
    (void)deliver_tweet(world, 3);
    world_run(world, 1000);
    assert_int_equal(world->cursor[0], '3');
    plain_ingest_end(world, ingest);
    world_destroy(world);
}

/* The stream reads the cursor of a put when it likes, on another thread even. */
static void the_cursor_of_a_running_put_stands_still(void **state)
{
    (void)state;
    struct world *world = world_create(2, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    (void)deliver_tweet(world, 1);
    for (int turn = 0; world->first_put == NULL && turn < 1000; turn++) {
        world_run(world, 0);
    }
    assert_non_null(world->first_put);
    world->fail_letters = 1000;
    (void)deliver(world, "{\"cut\":", "2");
    world_run(world, 1000);
    assert_int_equal(world->record_count, 1);
    assert_int_equal(world->cursor_length, 1);
    assert_int_equal(world->cursor[0], '1'); /* the letter is not written yet */
    world->fail_letters = 0;
    world_run(world, 60000);
    assert_int_equal(world->letter_count, 1);
    (void)deliver_tweet(world, 3);
    world_run(world, 1000);
    assert_int_equal(world->cursor[0], '3');
    plain_ingest_end(world, ingest);
    world_destroy(world);
}

static void a_full_budget_pauses_the_source(void **state)
{
    (void)state;
    struct world *world = world_create(3, 1);
    ht_budget_init(&world->budget, 20000);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    world->fail_puts = 1000;
    uint64_t id = 0;
    while (deliver_tweet(world, ++id)) {
        assert_true(id < 1000);
    }
    world_run(world, 5000);
    assert_int_equal(world->resume_count, 0);
    assert_int_equal(ht_ingest_counters(ingest)->pauses, 1);
    assert_int_equal(ht_ingest_health(ingest)->state, HT_HEALTH_WAITING);
    world->fail_puts = 0;
    world_run(world, 30000);
    assert_int_equal(world->resume_count, 1);
    assert_int_equal(world->record_count, id);
    plain_ingest_end(world, ingest);
    world_destroy(world);
}

struct posting {
    struct ht_ingest_post post;
    struct ht_ingest_verdict verdicts[8];
    bool is_done;
};

static void on_posted(struct ht_ingest_post *post)
{
    ((struct posting *)post->user)->is_done = true;
}

static void post(struct world *world, struct ht_ingest *ingest, struct posting *posting,
                 const struct ht_slice *messages, size_t count)
{
    *posting = (struct posting){.post = {.messages = messages,
                                         .count = count,
                                         .verdicts = posting->verdicts,
                                         .done = on_posted,
                                         .user = posting}};
    ht_ingest_post(ingest, &posting->post);
    assert_false(posting->is_done);
    assert_true(world_run_until(world, &posting->is_done, 5000));
}

static void a_post_is_judged_message_by_message(void **state)
{
    (void)state;
    struct world *world = world_create(4, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    const struct ht_slice messages[] = {
        HT_SLICE("{\"id\":1,\"text\":\"a\",\"entities\":{}}"), HT_SLICE("nonsense"),
        HT_SLICE("{\"delete\":{\"status\":{\"id\":1,\"id_str\":\"1\"}}}"),
        HT_SLICE("{\"id\":2,\"text\":\"b\",\"entities\":{}}")};
    struct posting posting;
    post(world, ingest, &posting, messages, 4);
    assert_int_equal(posting.post.status, 0);
    assert_int_equal(posting.post.accepted_count, 2);
    assert_true(posting.verdicts[0].is_accepted);
    assert_false(posting.verdicts[1].is_accepted);
    assert_true(strlen(posting.verdicts[1].reason) > 5);
    assert_non_null(strstr(posting.verdicts[2].reason, "delete"));
    assert_true(posting.verdicts[3].is_accepted);
    assert_int_equal(world->record_count, 2);
    assert_int_equal(world->letter_count, 0);
    plain_ingest_end(world, ingest);
    world_destroy(world);
}

/* Time that goes on whenever it is looked at: a turn has room for some messages only. */
static uint64_t later_ns(struct ht_clock *clock)
{
    struct ht_manual_clock *manual = HT_CONTAINER_OF(clock, struct ht_manual_clock, clock);
    return manual->now_ns += 300000;
}

static int64_t same_wall_ms(struct ht_clock *clock)
{
    return HT_CONTAINER_OF(clock, struct ht_manual_clock, clock)->now_wall_ms;
}

static void a_large_post_is_judged_in_several_turns(void **state)
{
    (void)state;
    static const struct ht_clock_ops ops = {.monotonic_ns = later_ns, .wall_ms = same_wall_ms};
    struct world *world = world_create(1, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    struct ht_slice messages[8];
    struct posting posting = {.is_done = false};
    world->clock.clock.ops = &ops;
    for (int i = 0; i < 8; i++) {
        messages[i] = HT_SLICE("{\"id_str\":\"5\",\"id\":5,\"text\":\"x\",\"entities\":{}}");
    }
    posting.post = (struct ht_ingest_post){.messages = messages,
                                           .count = 8,
                                           .verdicts = posting.verdicts,
                                           .done = on_posted,
                                           .user = &posting};
    ht_ingest_post(ingest, &posting.post);
    assert_in_range(ht_ingest_counters(ingest)->received, 1, 4);
    assert_true(world_run_until(world, &posting.is_done, 5000));
    assert_int_equal(posting.post.status, 0);
    assert_int_equal(posting.post.accepted_count, 8);
    assert_int_equal(world->record_count, 8);
    plain_ingest_end(world, ingest);
    world_destroy(world);
}

static void a_post_is_told_at_once_when_it_fails(void **state)
{
    (void)state;
    struct world *world = world_create(5, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    const struct ht_slice message = HT_SLICE("{\"id\":1,\"text\":\"a\",\"entities\":{}}");
    struct posting posting;
    world->fail_puts = 1;
    post(world, ingest, &posting, &message, 1);
    assert_int_equal(posting.post.status, HT_ENOSPC);
    assert_int_equal(posting.post.accepted_count, 0);
    ht_budget_reserve(&world->budget, world->budget.limit_bytes);
    post(world, ingest, &posting, &message, 1);
    assert_int_equal(posting.post.status, HT_EBUSY);
    ht_budget_release(&world->budget, world->budget.limit_bytes);
    post(world, ingest, &posting, &message, 1);
    assert_int_equal(posting.post.status, 0);
    assert_int_equal(world->record_count, 1);
    plain_ingest_end(world, ingest);
    world_destroy(world);
}

static void a_stop_with_a_refusing_stream_ends_and_tells(void **state)
{
    (void)state;
    struct world *world = world_create(6, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    world->fail_puts = 1000;
    (void)deliver_tweet(world, 1);
    (void)deliver_tweet(world, 2);
    bool stopped = false;
    ht_ingest_stop(ingest, world_set_true, &stopped);
    world_run(world, 60000);
    assert_false(stopped);
    assert_true(world->fail_puts < 1000 - 5);
    ht_ingest_give_up(ingest);
    assert_false(stopped);
    assert_true(world_run_until(world, &stopped, 2000));
    assert_int_equal(ht_ingest_waiting(ingest), 2);
    ht_ingest_destroy(ingest);
    assert_int_equal(world->budget.used_bytes, 0);
    world_destroy(world);
}

static void a_stop_tries_again_until_all_is_durable(void **state)
{
    (void)state;
    for (unsigned failures = 1; failures <= 6; failures++) {
        struct world *world = world_create(failures, 1);
        struct ht_ingest *ingest = plain_ingest_begin(world);
        world->fail_puts = world->fail_letters = failures;
        (void)deliver_tweet(world, 1);
        (void)deliver(world, "{", "");
        (void)deliver_tweet(world, 2);
        plain_ingest_end(world, ingest);
        assert_int_equal(world->record_count, 2);
        assert_int_equal(world->letter_count, 1);
        world_destroy(world);
    }
}

/* Servers of strangers choose the identities of their statuses. */
static void a_long_identity_gives_a_key_of_whole_characters(void **state)
{
    (void)state;
    struct world *world = world_create(1, 1);
    struct ht_ingest *ingest = plain_ingest_begin(world);
    for (size_t front = 250; front <= 258; front++) {
        char uri[300] = "", text[400];
        memset(uri, 'u', front);
        (void)snprintf(uri + front, sizeof(uri) - front, "\xf0\x9f\x98\x80");
        (void)snprintf(text, sizeof(text), "{\"account\":{},\"tags\":[],\"uri\":\"%s\"}", uri);
        size_t expected = front <= 252 ? front + 4 : front < 256 ? front : 256;
        struct ht_slice message = ht_slice_text(text);
        struct posting posting;
        (void)deliver(world, text, "");
        world_run(world, 1000);
        assert_int_equal(strlen(world->last_key), expected);
        assert_memory_equal(world->last_key, uri, expected);
        world->last_key[0] = '\0';
        post(world, ingest, &posting, &message, 1);
        assert_true(world_run_until(world, &posting.is_done, 1000));
        assert_int_equal(strlen(world->last_key), expected);
    }
    plain_ingest_end(world, ingest);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tweets_reach_the_stream_as_they_came),
        cmocka_unit_test(failed_puts_are_repeated_until_durable),
        cmocka_unit_test(the_durable_cursor_never_runs_ahead),
        cmocka_unit_test(notices_are_counted_and_garbage_is_kept),
        cmocka_unit_test(a_cursor_that_comes_alone_becomes_durable),
        cmocka_unit_test(a_tweet_that_no_stream_could_take_is_kept_as_a_letter),
        cmocka_unit_test(a_letter_lost_at_the_stop_holds_the_cursor_back),
        cmocka_unit_test(a_letter_lost_at_the_stop_is_told),
        cmocka_unit_test(a_refused_record_holds_the_cursor_back),
        cmocka_unit_test(the_cursor_of_a_running_put_stands_still),
        cmocka_unit_test(a_full_budget_pauses_the_source),
        cmocka_unit_test(a_post_is_judged_message_by_message),
        cmocka_unit_test(a_large_post_is_judged_in_several_turns),
        cmocka_unit_test(a_post_is_told_at_once_when_it_fails),
        cmocka_unit_test(a_stop_with_a_refusing_stream_ends_and_tells),
        cmocka_unit_test(a_stop_tries_again_until_all_is_durable),
        cmocka_unit_test(a_long_identity_gives_a_key_of_whole_characters),
    };
    return cmocka_run_group_tests_name("pipeline/ingest", tests, NULL, NULL);
}
