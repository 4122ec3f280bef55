// SPDX-License-Identifier: MIT

/*
 * What of a tweet that comes more than once is counted: a repeat not at all, of a later version
 * what is new in it.
 */

#include "life.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TAGS = 6, IDS = 7 };

static const char *const tags[TAGS] = {"a", "b", "c", "d", "e", "f"};

/* Puts a version of a post; `hashtags` are single letters. Even ids are of Bluesky, odd ones of
 * Mastodon. */
static void put(struct life *life, unsigned id, bool is_edit, const char *hashtags)
{
    const char *list[16];
    char texts[16][2];
    size_t count = strlen(hashtags);
    HT_ASSERT(count <= 16);
    for (size_t i = 0; i < count; i++) {
        texts[i][0] = hashtags[i];
        texts[i][1] = '\0';
        list[i] = texts[i];
    }
    world_add_post(life->world, 0, id, is_edit, (struct world_tags){list, count});
}

/* Counts "a3 b1 " of all tags that are there. */
static void assert_counts(struct life *life, const char *expected)
{
    char found[256] = "";
    size_t length = 0;
    world_run(life->world, 3000);
    for (size_t i = 0; i < TAGS; i++) {
        uint64_t stored = world_count(life->world, tags[i]);
        assert_int_equal(stored, life_knows(life, tags[i]));
        if (stored > 0) {
            length += (size_t)snprintf(found + length, sizeof(found) - length, "%s%ju ", tags[i],
                                       (uintmax_t)stored);
        }
    }
    assert_string_equal(found, expected);
}

static void an_edit_counts_what_is_new_in_it(void **state)
{
    (void)state;
    for (unsigned id = 2; id <= 3; id++) {
        struct life *life = life_create(1, 1);
        life_begin(life);
        put(life, id, false, "ab");
        assert_counts(life, "a1 b1 ");
        put(life, id, true, "bc");
        assert_counts(life, "a1 b1 c1 ");
        put(life, id, true, "bc"); /* the same once more */
        put(life, id, false, "ab");
        put(life, id, true, "abcd"); /* takes back what was dropped */
        assert_counts(life, "a1 b1 c1 d1 ");
        assert_int_equal(ht_count_counters(life->count)->tweets, 1);
        assert_int_equal(ht_count_counters(life->count)->edits, 3);
        assert_int_equal(ht_count_counters(life->count)->repeats, 1);
        assert_int_equal(ht_count_counters(life->count)->hashtags, 4);
        life_end(life);
    }
}

static void spellings_are_folded_before(void **state)
{
    (void)state;
    struct life *life = life_create(1, 1);
    life_begin(life);
    put(life, 2, false, "aAb");
    put(life, 2, true, "ABcC");
    assert_counts(life, "a1 b1 c1 ");
    life_end(life);
    life = life_create(1, 1);
    life->options.fold = HT_FOLD_NONE;
    life_begin(life);
    put(life, 2, false, "ab");
    put(life, 2, true, "Ab");
    assert_counts(life, "a1 b1 ");
    assert_int_equal(world_count(life->world, "A"), 1);
    life_end(life);
}

static void an_edit_of_what_nobody_saw_counts_whole(void **state)
{
    (void)state;
    struct life *life = life_create(1, 1);
    life_begin(life);
    put(life, 2, true, "ab");
    put(life, 2, false, "ac"); /* the first version, late */
    put(life, 2, true, "bc");
    assert_counts(life, "a1 b1 c1 ");
    life_end(life);
}

static void a_post_has_each_hashtag_once(void **state)
{
    (void)state;
    for (unsigned once = 0; once < 2; once++) {
        struct life *life = life_create(1, 1);
        life->options.once_per_tweet = once > 0;
        life_begin(life);
        put(life, 2, false, "aab");
        put(life, 3, true, "ccb");
        put(life, 2, true, "abccc");
        world_add_record(
            life->world, 0,
            "{\"did\":\"d\",\"kind\":\"commit\",\"commit\":{\"operation\":\"create\","
            "\"collection\":\"app.bsky.feed.post\",\"rkey\":\"k\",\"record\":{\"tags\":["
            "\"D\",\"e\"],\"facets\":[{\"features\":[{\"$type\":"
            "\"app.bsky.richtext.facet#tag\",\"tag\":\"d\"}]}]}}}");
        world_add_tweet(life->world, 0, 9, (const char *[]){"f", "f"}, 2);
        assert_counts(life, once > 0 ? "a1 b2 c2 d1 e1 f1 " : "a1 b2 c2 d1 e1 f2 ");
        life_end(life);
    }
}

static void without_a_window_every_version_counts_whole(void **state)
{
    (void)state;
    struct life *life = life_create(1, 1);
    life->options.repeat_window = 0;
    life_begin(life);
    put(life, 2, false, "ab");
    put(life, 2, false, "ab");
    put(life, 2, true, "bc");
    assert_counts(life, "a2 b3 c1 ");
    life_end(life);
}

static void ignored_boosts_stay_ignored(void **state)
{
    (void)state;
    static const char boost[] =
        "{\"uri\":\"https://a/9\",\"account\":{},\"content\":\"\",\"edited_at\":%s,\"reblog\":{"
        "\"tags\":[{\"name\":\"%s\"}]}}";
    struct life *life = life_create(1, 1);
    char text[256];
    life->options.retweets = HT_TWEET_RETWEETS_IGNORE;
    life_begin(life);
    snprintf(text, sizeof(text), boost, "null", "a");
    world_add_record(life->world, 0, text);
    snprintf(text, sizeof(text), boost, "\"x\"", "b");
    world_add_record(life->world, 0, text);
    put(life, 2, false, "c");
    assert_counts(life, "c1 ");
    assert_int_equal(ht_count_counters(life->count)->edits, 1);
    life_end(life);
}

/* A window that holds just the id and the hashtags of one post. */
static void what_an_edit_brings_does_not_hide_what_it_had(void **state)
{
    (void)state;
    struct life *life = life_create(1, 1);
    life->options.repeat_window = 3;
    life_begin(life);
    put(life, 2, false, "ab");
    put(life, 2, true, "cdeab");
    assert_counts(life, "a1 b1 c1 d1 e1 ");
    life_end(life);
}

static void tweets_that_cannot_be_edited_take_one_place(void **state)
{
    (void)state;
    struct life *life = life_create(1, 1);
    life->options.repeat_window = 3;
    life_begin(life);
    for (int round = 0; round < 2; round++) {
        for (uint64_t id = 1; id <= 3; id++) {
            world_add_tweet(life->world, 0, id, tags, 3);
        }
    }
    assert_counts(life, "a3 b3 c3 ");
    life_end(life);
}

static void versions_are_known_after_a_crash(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 2; at++) {
        struct life *life = life_create(1, 1);
        life->world->is_kinesis = at == 0;
        life_begin(life);
        put(life, 2, false, "a");
        put(life, 3, false, "ab");
        put(life, 2, true, "ab");
        put(life, 5, true, "d");
        assert_counts(life, "a2 b2 d1 ");
        life_crash(life);
        life_begin(life);
        world_run(life->world, 3000);
        assert_int_equal(ht_count_counters(life->count)->remembered, 4);
        assert_int_equal(ht_count_counters(life->count)->hashtags_skipped, 0);
        put(life, 2, true, "abc");
        put(life, 3, true, "bc");
        put(life, 5, true, "de");
        assert_counts(life, "a2 b2 c2 d1 e1 ");
        life_end(life);
    }
}

/* -- the rule, word by word ----------------------------------------------------------------- */

/* The last so many different names, in the order in which they came. */
struct model {
    char names[64][16];
    size_t count, capacity;
    uint64_t counts[TAGS];
};

static bool model_has(const struct model *model, const char *name)
{
    for (size_t i = 0; i < model->count; i++) {
        if (strcmp(model->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void model_note(struct model *model, const char *name)
{
    if (model_has(model, name)) {
        return;
    }
    if (model->count == model->capacity) {
        memmove(model->names[0], model->names[1], sizeof(model->names) - sizeof(model->names[0]));
        model->count--;
    }
    snprintf(model->names[model->count++], sizeof(model->names[0]), "%s", name);
}

static void model_put(struct model *model, unsigned id, bool is_edit, const char *hashtags)
{
    char name[16], key[16], fresh[16] = "";
    size_t fresh_count = 0;
    snprintf(name, sizeof(name), "%u", id);
    bool is_known = model_has(model, name);
    if (is_known && !is_edit) {
        return;
    }
    for (const char *at = hashtags; *at != '\0'; at++) {
        snprintf(key, sizeof(key), "%u#%c", id, *at);
        if ((!is_known || !model_has(model, key)) && strchr(fresh, *at) == NULL) {
            fresh[fresh_count++] = *at;
        }
    }
    model_note(model, name);
    for (const char *at = fresh; *at != '\0'; at++) {
        model->counts[*at - 'a']++;
        snprintf(key, sizeof(key), "%u#%c", id, *at);
        model_note(model, key);
    }
}

static void holds_to_the_rule_at_every_size_of_the_window(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct life *life = life_create(seed, 1);
        struct ht_random *random = &life->world->random;
        struct model model = {.capacity = 1 + seed};
        life->options.repeat_window = model.capacity;
        life_begin(life);
        for (int step = 0; step < 150; step++) {
            char hashtags[5] = "";
            unsigned id = 1 + (unsigned)ht_random_below(random, IDS);
            bool is_edit = ht_random_below(random, 3) > 0;
            size_t count = ht_random_below(random, 5);
            for (size_t i = 0; i < count; i++) {
                hashtags[i] = (char)('a' + ht_random_below(random, TAGS));
            }
            put(life, id, is_edit, hashtags);
            model_put(&model, id, is_edit, hashtags);
        }
        world_run(life->world, 3000);
        for (size_t i = 0; i < TAGS; i++) {
            if (world_count(life->world, tags[i]) != model.counts[i]) {
                fail_msg("seed %ju: #%s is %ju, by the rule %ju", (uintmax_t)seed, tags[i],
                         (uintmax_t)world_count(life->world, tags[i]), (uintmax_t)model.counts[i]);
            }
        }
        life_end(life);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_edit_counts_what_is_new_in_it),
        cmocka_unit_test(spellings_are_folded_before),
        cmocka_unit_test(an_edit_of_what_nobody_saw_counts_whole),
        cmocka_unit_test(a_post_has_each_hashtag_once),
        cmocka_unit_test(without_a_window_every_version_counts_whole),
        cmocka_unit_test(ignored_boosts_stay_ignored),
        cmocka_unit_test(what_an_edit_brings_does_not_hide_what_it_had),
        cmocka_unit_test(tweets_that_cannot_be_edited_take_one_place),
        cmocka_unit_test(versions_are_known_after_a_crash),
        cmocka_unit_test(holds_to_the_rule_at_every_size_of_the_window),
    };
    return cmocka_run_group_tests_name("pipeline/count_window", tests, NULL, NULL);
}
