// SPDX-License-Identifier: MIT
#include "twitter_v2_url.h"

#include "hashtagd/tweet/tweet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define QUERY                                                                                      \
    "?tweet.fields=entities,created_at,lang,note_tweet,referenced_tweets,edit_history_tweet_ids"   \
    "&expansions=referenced_tweets.id"

static void test_addresses(void **state)
{
    (void)state;
    struct ht_buffer url;
    ht_buffer_init(&url, 1000);
    ht_twitter_v2_url_stream(&url, HT_TWITTER_V2_URL, false, 0);
    assert_string_equal(url.data, "https://api.x.com/2/tweets/search/stream" QUERY);
    ht_buffer_clear(&url);
    ht_twitter_v2_url_stream(&url, "http://127.0.0.1:8000/x", true, 5);
    assert_string_equal(url.data, "http://127.0.0.1:8000/x/2/tweets/sample/stream" QUERY
                                  "&backfill_minutes=5");
    ht_buffer_clear(&url);
    ht_twitter_v2_url_rules(&url, "http://x", "");
    assert_string_equal(url.data, "http://x/2/tweets/search/stream/rules?max_results=1000");
    ht_buffer_clear(&url);
    ht_twitter_v2_url_rules(&url, "http://x", "a&b=");
    assert_string_equal(url.data, "http://x/2/tweets/search/stream/rules?max_results=1000"
                                  "&pagination_token=a%26b%3D");
    ht_buffer_clear(&url);
    ht_twitter_v2_url_post(&url, "http://x", true);
    assert_string_equal(url.data, "http://x/2/tweets/search/stream/rules?dry_run=true");
    ht_buffer_clear(&url);
    ht_twitter_v2_url_post(&url, "http://x", false);
    assert_string_equal(url.data, "http://x/2/tweets/search/stream/rules");
    ht_buffer_clear(&url);
    ht_twitter_v2_url_token(&url, "http://x");
    assert_string_equal(url.data, "http://x/oauth2/token");
    ht_buffer_finish(&url);
}

/* Posts as X sends them for the fields and the expansion that the address asks for. */
static void test_the_fields_asked_for_are_those_that_counting_needs(void **state)
{
    static const struct ht_hash_key key = {0};
    (void)state;
    struct ht_tweet_reader reader;
    struct ht_tweet tweet;
    ht_tweet_reader_init(&reader, &key);

    /* an edit has the identity of the first version, and so counts once */
    assert_int_equal(
        ht_tweet_read(&reader,
                      HT_SLICE("{\"data\":{\"created_at\":\"2026-01-01T00:00:00.000Z\","
                               "\"edit_history_tweet_ids\":[\"101\",\"102\"],\"entities\":"
                               "{\"hashtags\":[{\"start\":0,\"end\":4,\"tag\":\"cat\"}]},"
                               "\"id\":\"102\",\"lang\":\"en\",\"text\":\"#cat\"}}"),
                      NULL, &tweet, NULL),
        0);
    assert_int_equal(tweet.kind, HT_TWEET_KIND_TWEET);
    assert_true(ht_slice_equal(tweet.id, HT_SLICE("101")));

    /* the original of a retweet brings its own entities */
    assert_int_equal(
        ht_tweet_read(
            &reader,
            HT_SLICE("{\"data\":{\"edit_history_tweet_ids\":[\"201\"],\"entities\":{\"hashtags\":"
                     "[]},\"id\":\"201\",\"referenced_tweets\":[{\"type\":\"retweeted\",\"id\":"
                     "\"200\"}],\"text\":\"RT @x: cut\"},\"includes\":{\"tweets\":[{\"id\":\"200\","
                     "\"edit_history_tweet_ids\":[\"200\"],\"entities\":{\"hashtags\":[{\"start\":"
                     "0,\"end\":4,\"tag\":\"dog\"}]},\"text\":\"#dog\"}]}}"),
            NULL, &tweet, NULL),
        0);
    assert_true(tweet.is_retweet);
    assert_false(tweet.is_original_missing);
    assert_int_equal(tweet.hashtag_count, 1);
    assert_true(ht_slice_equal(tweet.hashtags[0], HT_SLICE("dog")));

    /* a long post has all its hashtags in note_tweet */
    assert_int_equal(
        ht_tweet_read(&reader,
                      HT_SLICE("{\"data\":{\"id\":\"301\",\"text\":\"cut\",\"entities\":"
                               "{\"hashtags\":[]},\"note_tweet\":{\"text\":\"#owl\",\"entities\":"
                               "{\"hashtags\":[{\"start\":0,\"end\":4,\"tag\":\"owl\"}]}}}}"),
                      NULL, &tweet, NULL),
        0);
    assert_int_equal(tweet.hashtag_count, 1);
    ht_tweet_reader_finish(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_the_fields_asked_for_are_those_that_counting_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
