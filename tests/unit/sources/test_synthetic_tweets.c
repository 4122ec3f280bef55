// SPDX-License-Identifier: MIT
#include "hashtagd/sources/synthetic_tweets.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { SAMPLE = 10000, MAX_DISTINCT = 1 << 16 };

/* FNV-1a, to pin many bytes in one number. */
static uint64_t hash_on(uint64_t hash, struct ht_slice bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        hash = (hash ^ (unsigned char)bytes.data[i]) * 0x100000001B3u;
    }
    return hash;
}

static uint64_t hash_of_first(uint64_t seed, uint64_t count)
{
    struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(seed);
    struct ht_synthetic_message message;
    uint64_t hash = 0xCBF29CE484222325u;
    assert_non_null(tweets);
    for (uint64_t i = 0; i < count; i++) {
        ht_synthetic_tweets_get(tweets, i, &message);
        hash = hash_on(hash, message.bytes);
    }
    ht_synthetic_tweets_destroy(tweets);
    return hash;
}

/* Changed numbers here mean that the same seed no longer makes the same tweets. */
static void test_bytes_are_pinned(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed, hash;
    } cases[] = {
        {0, 0x717E7D23EDE378B8U}, {1, 0x239875E4E04CA8DCU}, {UINT64_MAX, 0x25B44800C28BBA7BU}};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        uint64_t hash = hash_of_first(cases[i].seed, SAMPLE);
        if (hash != cases[i].hash) {
            print_error("seed %llu: hash is 0x%llX\n", (unsigned long long)cases[i].seed,
                        (unsigned long long)hash);
        }
        assert_true(hash == cases[i].hash);
    }
}

static void test_any_order_gives_the_same(void **state)
{
    (void)state;
    struct ht_synthetic_tweets *forward = ht_synthetic_tweets_create(5);
    struct ht_synthetic_tweets *jumping = ht_synthetic_tweets_create(5);
    struct ht_synthetic_message a, b;
    for (uint64_t i = 0; i < 2000; i++) {
        ht_synthetic_tweets_get(jumping, (i * 7919) % 100000, &b);
        ht_synthetic_tweets_get(jumping, 1999 - i, &b);
        ht_synthetic_tweets_get(forward, 1999 - i, &a);
        assert_true(ht_slice_equal(a.bytes, b.bytes));
        assert_int_equal(a.hashtag_count, b.hashtag_count);
    }
    ht_synthetic_tweets_get(forward, UINT64_MAX / 1000, &a);
    assert_true(a.bytes.length > 0);
    ht_synthetic_tweets_destroy(forward);
    ht_synthetic_tweets_destroy(jumping);
}

static void test_seeds_differ(void **state)
{
    (void)state;
    assert_true(hash_of_first(1, 3) != hash_of_first(2, 3));
}

static const struct ht_json *tags_of(const struct ht_json *tweet)
{
    const struct ht_json *extended = ht_json_find(tweet, "extended_tweet.entities.hashtags");
    return extended != NULL ? extended : ht_json_find(tweet, "entities.hashtags");
}

/* Compares the truth beside a message with what its JSON says by the rule of the format. */
static void check_message(const struct ht_synthetic_message *message)
{
    struct ht_error error = {0};
    struct ht_json *root = ht_json_parse(message->bytes, HT_JSON_REFUSE_DUPLICATES, NULL, &error);
    if (root == NULL) {
        print_error("%s\n%.*s\n", error.text, (int)message->bytes.length, message->bytes.data);
    }
    assert_non_null(root);
    const char *notice = message->kind == HT_SYNTHETIC_DELETE  ? "delete"
                         : message->kind == HT_SYNTHETIC_LIMIT ? "limit"
                                                               : NULL;
    if (notice != NULL) {
        assert_non_null(ht_json_member(root, notice));
        assert_int_equal(ht_json_count(root), 1);
        assert_int_equal(message->hashtag_count, 0);
        assert_true(message->id == 0);
        ht_json_destroy(root);
        return;
    }
    char id[24];
    snprintf(id, sizeof(id), "%llu", (unsigned long long)message->id);
    assert_string_equal(ht_json_text(ht_json_member(root, "id_str")).data, id);
    assert_true((uint64_t)ht_json_i64(ht_json_member(root, "id")) == message->id);
    const struct ht_json *original = ht_json_member(root, "retweeted_status");
    assert_int_equal(original != NULL, message->kind == HT_SYNTHETIC_RETWEET);
    assert_int_equal(ht_json_member(root, "quoted_status") != NULL,
                     message->kind == HT_SYNTHETIC_QUOTE);
    assert_int_equal(ht_json_member(root, "extended_tweet") != NULL,
                     message->kind == HT_SYNTHETIC_EXTENDED);
    const struct ht_json *tags = tags_of(original != NULL ? original : root);
    assert_int_equal(ht_json_count(tags), message->hashtag_count);
    for (size_t i = 0; i < message->hashtag_count; i++) {
        struct ht_slice text = ht_json_text(ht_json_member(ht_json_element(tags, i), "text"));
        assert_true(ht_slice_equal(text, message->hashtags[i]));
        assert_true(text.length > 0);
    }
    ht_json_destroy(root);
}

static void test_every_message_is_json_and_tells_the_truth(void **state)
{
    (void)state;
    struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(42);
    struct ht_synthetic_message message;
    for (uint64_t i = 0; i < SAMPLE; i++) {
        ht_synthetic_tweets_get(tweets, i, &message);
        check_message(&message);
        for (size_t at = 0; at < message.bytes.length; at++) {
            unsigned char c = (unsigned char)message.bytes.data[at];
            assert_true(c >= 0x20 && c < 0x7F);
        }
    }
    ht_synthetic_tweets_destroy(tweets);
}

/* Whether the code points from `start` to `end` of a UTF-8 text are '#' and `tag`. */
static bool stands_at(struct ht_slice text, int64_t start, int64_t end, struct ht_slice tag)
{
    size_t at = 0, begin = 0;
    for (int64_t point = 0; point < end && at < text.length; point++) {
        begin = point == start ? at : begin;
        do {
            at++;
        } while (at < text.length && ((unsigned char)text.data[at] & 0xC0) == 0x80);
    }
    return at - begin == tag.length + 1 && text.data[begin] == '#' &&
           memcmp(text.data + begin + 1, tag.data, tag.length) == 0;
}

static void check_indices(const struct ht_json *tweet, const char *text_key, size_t *checked)
{
    struct ht_slice text = ht_json_text(ht_json_member(tweet, text_key));
    const struct ht_json *tags = ht_json_find(tweet, "entities.hashtags");
    for (size_t i = 0; i < ht_json_count(tags); i++) {
        const struct ht_json *tag = ht_json_element(tags, i);
        assert_true(stands_at(text, ht_json_i64(ht_json_find(tag, "indices[0]")),
                              ht_json_i64(ht_json_find(tag, "indices[1]")),
                              ht_json_text(ht_json_member(tag, "text"))));
        (*checked)++;
    }
}

static void test_indices_count_code_points(void **state)
{
    (void)state;
    struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(3);
    struct ht_synthetic_message message;
    size_t checked = 0, cut = 0;
    for (uint64_t i = 0; i < SAMPLE; i++) {
        ht_synthetic_tweets_get(tweets, i, &message);
        struct ht_json *root = ht_json_parse(message.bytes, 0, NULL, NULL);
        const struct ht_json *original = ht_json_member(root, "retweeted_status");
        check_indices(root, "text", &checked);
        check_indices(ht_json_member(root, "extended_tweet"), "full_text", &checked);
        check_indices(original, "text", &checked);
        check_indices(ht_json_member(original, "extended_tweet"), "full_text", &checked);
        check_indices(ht_json_member(root, "quoted_status"), "text", &checked);
        cut += ht_json_count(ht_json_find(root, "entities.hashtags")) < message.hashtag_count;
        ht_json_destroy(root);
    }
    assert_true(checked > SAMPLE);
    assert_true(cut > 100); /* the top level alone would miss hashtags */
    ht_synthetic_tweets_destroy(tweets);
}

static void test_what_comes_how_often(void **state)
{
    (void)state;
    struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(11);
    struct ht_synthetic_message message;
    size_t kinds[HT_SYNTHETIC_LIMIT + 1] = {0};
    size_t bytes = 0, typical = 0, hashtags = 0, tagged = 0, repeats = 0;
    const size_t count = 10 * SAMPLE;
    for (size_t i = 0; i < count; i++) {
        ht_synthetic_tweets_get(tweets, i, &message);
        kinds[message.kind]++;
        repeats += message.is_repeat;
        hashtags += message.hashtag_count;
        tagged += message.hashtag_count > 0;
        bytes += message.bytes.length;
        typical += message.bytes.length >= 2000 && message.bytes.length <= 5500;
    }
    assert_in_range(kinds[HT_SYNTHETIC_RETWEET] * 100 / count, 24, 26);
    assert_in_range(kinds[HT_SYNTHETIC_EXTENDED] * 100 / count, 5, 10);
    assert_in_range(kinds[HT_SYNTHETIC_QUOTE] * 100 / count, 4, 6);
    assert_in_range(kinds[HT_SYNTHETIC_DELETE] * 100 / count, 4, 6);
    assert_in_range(kinds[HT_SYNTHETIC_LIMIT], 50, 150);
    assert_in_range(repeats, 400, 600);
    assert_in_range(hashtags * 100 / count, 80, 100);
    assert_in_range(tagged * 100 / count, 35, 42);
    assert_in_range(bytes / count, 2700, 3400);
    assert_true(typical * 100 / count >= 85);
    ht_synthetic_tweets_destroy(tweets);
}

static void test_ids_rise_and_repeats_repeat(void **state)
{
    (void)state;
    struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(9);
    struct ht_synthetic_tweets *earlier = ht_synthetic_tweets_create(9);
    struct ht_synthetic_message message, before;
    uint64_t last_id = 0;
    size_t repeats = 0;
    for (uint64_t i = 0; i < SAMPLE; i++) {
        ht_synthetic_tweets_get(tweets, i, &message);
        if (message.id == 0) {
            continue;
        }
        if (!message.is_repeat) {
            assert_true(message.id > last_id);
            last_id = message.id;
            continue;
        }
        bool found = false;
        for (uint64_t back = 1; !found && back <= 600 && back <= i; back++) {
            ht_synthetic_tweets_get(earlier, i - back, &before);
            found = !before.is_repeat && ht_slice_equal(before.bytes, message.bytes);
        }
        assert_true(found);
        repeats++;
    }
    assert_true(repeats > 20);
    ht_synthetic_tweets_destroy(tweets);
    ht_synthetic_tweets_destroy(earlier);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int compare_counts_falling(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x > y ? -1 : x < y;
}

/* A few hashtags often, most once: what Zipf's law with exponent 1 looks like. */
static void test_hashtags_follow_zipf(void **state)
{
    (void)state;
    struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(1);
    struct ht_synthetic_message message;
    uint64_t *hashes = calloc(MAX_DISTINCT, sizeof(*hashes));
    uint64_t *counts = calloc(MAX_DISTINCT, sizeof(*counts));
    size_t uses = 0, distinct = 0, once = 0;
    assert_true(hashes != NULL && counts != NULL);
    for (uint64_t i = 0; uses < MAX_DISTINCT - HT_SYNTHETIC_MAX_HASHTAGS; i++) {
        ht_synthetic_tweets_get(tweets, i, &message);
        for (size_t tag = 0; tag < message.hashtag_count; tag++) {
            hashes[uses++] = hash_on(0xCBF29CE484222325u, message.hashtags[tag]);
        }
    }
    qsort(hashes, uses, sizeof(*hashes), compare_hashes);
    for (size_t i = 0; i < uses; i++) {
        distinct += i == 0 || hashes[i] != hashes[i - 1];
        counts[distinct - 1]++;
    }
    for (size_t i = 0; i < distinct; i++) {
        once += counts[i] == 1;
    }
    qsort(counts, distinct, sizeof(*counts), compare_counts_falling);
    assert_true(once * 100 / distinct >= 60);
    assert_in_range(distinct * 100 / uses, 20, 45);
    assert_in_range(counts[0] * 100 / uses, 2, 9);
    assert_true(counts[0] >= 5 * counts[9]);
    assert_true(counts[9] >= 3 * counts[99]);
    free(hashes);
    free(counts);
    ht_synthetic_tweets_destroy(tweets);
}

static void test_many_scripts_and_spellings(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "\xd8\xa7",     /* Arabic */
        "\xd7\x9c",     /* Hebrew */
        "\xe0\xa4",     /* Devanagari */
        "\xe0\xb8",     /* Thai */
        "\xd0\xbe",     /* Cyrillic */
        "\xce\xb1",     /* Greek */
        "\xe3\x82",     /* kana */
        "\xec",         /* Hangul */
        "\xe7\xbe\x8e", /* Han */
        "\xef\xbd",     /* full-width, from the spelling */
        "\xf0\x9d\x90", /* mathematical bold, beyond the basic plane */
        "e\xcc\x81",    /* decomposed accent */
        "\xc3\x9f",     "SS", "_", "2013",
    };
    bool seen[HT_COUNT_OF(wanted)] = {false};
    struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(1);
    struct ht_synthetic_message message;
    for (uint64_t i = 0; i < 10 * SAMPLE; i++) {
        ht_synthetic_tweets_get(tweets, i, &message);
        for (size_t tag = 0; tag < message.hashtag_count; tag++) {
            struct ht_slice text = message.hashtags[tag];
            for (size_t w = 0; w < HT_COUNT_OF(wanted); w++) {
                seen[w] =
                    seen[w] || memmem(text.data, text.length, wanted[w], strlen(wanted[w])) != NULL;
            }
        }
    }
    for (size_t w = 0; w < HT_COUNT_OF(wanted); w++) {
        if (!seen[w]) {
            print_error("no hashtag with %s\n", wanted[w]);
        }
        assert_true(seen[w]);
    }
    ht_synthetic_tweets_destroy(tweets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_are_pinned),
        cmocka_unit_test(test_any_order_gives_the_same),
        cmocka_unit_test(test_seeds_differ),
        cmocka_unit_test(test_every_message_is_json_and_tells_the_truth),
        cmocka_unit_test(test_indices_count_code_points),
        cmocka_unit_test(test_what_comes_how_often),
        cmocka_unit_test(test_ids_rise_and_repeats_repeat),
        cmocka_unit_test(test_hashtags_follow_zipf),
        cmocka_unit_test(test_many_scripts_and_spellings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
