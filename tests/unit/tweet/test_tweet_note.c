// SPDX-License-Identifier: MIT
#include "hashtagd/tweet/tweet_note.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct ht_hash_key key = {1, 2};

static const struct {
    const char *name, *json;
    bool has_note;
} cases[] = {
    {"no hashtags", "{\"id_str\":\"7\",\"text\":\"\"}", true},
    {"two hashtags",
     "{\"id_str\":\"18446744073709551615\",\"entities\":{\"hashtags\":[{\"text\":\"a\"},"
     "{\"text\":\"\\u00e9t\\u00e9\"},{\"text\":\"#\"}]}}",
     true},
    {"a retweet",
     "{\"id_str\":\"8\",\"text\":\"\",\"retweeted_status\":{\"entities\":{\"hashtags\":"
     "[{\"text\":\"b\"},{\"text\":\"\"}]}}}",
     true},
    {"an original that is missing",
     "{\"id\":\"9\",\"text\":\"\",\"entities\":{\"hashtags\":[{\"tag\":\"c\"}]},"
     "\"referenced_tweets\":[{\"type\":\"retweeted\",\"id\":\"5\"}]}",
     true},
    {"an id that is no number", "{\"id_str\":\"x7\",\"text\":\"\"}", true},
    {"an id with a zero in front", "{\"id_str\":\"07\",\"text\":\"\"}", true},
    {"an edit of a post",
     "{\"did\":\"d\",\"kind\":\"commit\",\"commit\":{\"operation\":\"update\",\"collection\":"
     "\"app.bsky.feed.post\",\"rkey\":\"k\",\"record\":{\"tags\":[\"a\",5]}}}",
     true},
    {"a boost",
     "{\"uri\":\"u\",\"account\":{},\"content\":\"\",\"reblog\":{\"tags\":[{\"name\":"
     "\"a\"}]}}",
     true},
    {"a notice", "{\"delete\":{\"status\":{\"id_str\":\"7\"}}}", false},
};

static void assert_same(const struct ht_tweet *found, const struct ht_tweet *expected)
{
    assert_int_equal(found->kind, expected->kind);
    assert_true(found->key == expected->key);
    assert_int_equal(found->network, expected->network);
    assert_int_equal(found->is_editable, expected->is_editable);
    assert_int_equal(found->is_edit, expected->is_edit);
    assert_int_equal(found->is_retweet, expected->is_retweet);
    assert_int_equal(found->is_original_missing, expected->is_original_missing);
    assert_int_equal(found->empty_hashtag_count, expected->empty_hashtag_count);
    assert_int_equal(found->hashtag_count, expected->hashtag_count);
    for (size_t i = 0; i < found->hashtag_count; i++) {
        assert_true(ht_slice_equal(found->hashtags[i], expected->hashtags[i]));
    }
}

static void compare(const char *json, bool has_note, const struct ht_tweet_options *options)
{
    struct ht_tweet_reader writer, reader;
    struct ht_tweet made, expected, found;
    char note[HT_TWEET_NOTE_MAX_BYTES];
    ht_tweet_reader_init(&writer, &key);
    ht_tweet_reader_init(&reader, &key);
    assert_int_equal(ht_tweet_read(&writer, ht_slice_text(json), NULL, &made, NULL), 0);
    size_t bytes = ht_tweet_note_bytes(&made);
    assert_int_equal(bytes > 0, has_note);
    if (has_note) {
        ht_tweet_note_put(&made, note);
        assert_int_equal(ht_tweet_read(&writer, ht_slice_text(json), options, &expected, NULL), 0);
        assert_int_equal(ht_tweet_note_read(&reader, ht_slice_make(note, bytes), options, &found),
                         0);
        assert_same(&found, &expected);
        /* cut off anywhere it is no note */
        for (size_t length = 0; length < bytes; length++) {
            assert_int_equal(
                ht_tweet_note_read(&reader, ht_slice_make(note, length), options, &found),
                HT_EPARSE);
        }
    }
    ht_tweet_reader_finish(&writer);
    ht_tweet_reader_finish(&reader);
}

static void says_what_the_tweet_says(void **state)
{
    (void)state;
    const struct ht_tweet_options ignoring = {.retweets = HT_TWEET_RETWEETS_IGNORE};
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        print_message("%s\n", cases[i].name);
        compare(cases[i].json, cases[i].has_note, NULL);
        compare(cases[i].json, cases[i].has_note, &ignoring);
    }
}

static void has_no_note_where_it_were_long(void **state)
{
    (void)state;
    struct ht_slice tags[65];
    char text[200];
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < HT_COUNT_OF(tags); i++) {
        tags[i] = ht_slice_make(text, 1);
    }
    struct ht_tweet tweet = {.kind = HT_TWEET_KIND_TWEET,
                             .id = HT_SLICE("7"),
                             .key = 7,
                             .hashtags = tags,
                             .hashtag_count = 64};
    assert_true(ht_tweet_note_bytes(&tweet) > 0);
    tweet.hashtag_count = 65;
    assert_int_equal(ht_tweet_note_bytes(&tweet), 0);
    tweet.hashtag_count = 6;
    for (size_t i = 0; i < 6; i++) {
        tags[i] = ht_slice_make(text, sizeof(text));
    }
    assert_int_equal(ht_tweet_note_bytes(&tweet), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_the_tweet_says),
        cmocka_unit_test(has_no_note_where_it_were_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
