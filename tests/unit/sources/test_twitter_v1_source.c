// SPDX-License-Identifier: MIT
#include "hashtagd/sources/twitter_v1_source.h"

#include "../../support/json_memory.h"
#include "live_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define TWEET_1                                                                                    \
    "{\"created_at\":\"Wed Aug 27 13:08:45 +0000 2008\",\"id_str\":\"1\",\"text\":\"#a\"}"
#define TWEET_2 "{\"id_str\":\"2\",\"text\":\"#b\",\"timestamp_ms\":\"1467998788211\"}"

static const char *const track[] = {"#caf\u00e9,rock & roll"};

/* The options of a filter that follows `track` at the world's server. */
static struct ht_twitter_v1_source_options options_of(struct live_world *world)
{
    return (struct ht_twitter_v1_source_options){
        .clock = world->clock,
        .timers = world->timers,
        .random = &world->random,
        .client = world->http,
        .url = world->url,
        .consumer_key = "the-consumer-key",
        .consumer_secret = "the-consumer-secret",
        .access_token = "the-access-token",
        .access_token_secret = "the-access-token-secret",
        .track = track,
        .track_count = 1,
    };
}

static void run(struct live_world *world, const struct ht_twitter_v1_source_options *options)
{
    live_world_run_source(world, ht_twitter_v1_source_create(options), HT_SLICE(""));
}

/* A world whose source has an answer that stays open behind `body`. */
static void open_with(struct live_world *world, struct ht_slice body)
{
    *world = (struct live_world){0};
    live_world_start(world);
    live_world_expect(world,
                      &(struct live_world_exchange){.body = body, .ending = LIVE_WORLD_STAYS});
    struct ht_twitter_v1_source_options options = options_of(world);
    run(world, &options);
}

static struct ht_source_connection *link_of(struct live_world *world)
{
    return &world->source->connection;
}

/* What a header's field holds in a request: up to the next quote. */
static void get_field(const struct live_world *world, unsigned number, const char *name,
                      char value[128])
{
    struct ht_slice head = world->requests[number].head;
    const char *at = memmem(head.data, head.length, name, strlen(name));
    assert_non_null(at);
    at += strlen(name) + 2;
    size_t length = strcspn(at, "\"");
    assert_true(length < 128);
    memcpy(value, at, length);
    value[length] = '\0';
}

static void test_filter_is_asked_for_as_a_signed_form(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    live_world_expect(
        &world, &(struct live_world_exchange){
                    .head_parts = {"POST /1.1/statuses/filter.json HTTP/1.1",
                                   "Content-Type: application/x-www-form-urlencoded",
                                   "Authorization: OAuth oauth_consumer_key=\"the-consumer-key\"",
                                   "oauth_token=\"the-access-token\"", "oauth_version=\"1.0\""},
                    .missing_part = "secret",
                    .body_part = "stall_warnings=true&filter_level=none&track=%23caf%C3%A9%2C"
                                 "rock%20%26%20roll",
                    .body = HT_SLICE(TWEET_1 "\r\n\r\n" TWEET_2 "\r\n"),
                    .ending = LIVE_WORLD_STAYS});
    struct ht_twitter_v1_source_options options = options_of(&world);
    run(&world, &options);
    live_world_await_messages(&world, 2);
    assert_string_equal(world.sink.bytes.data, TWEET_1 "\n" TWEET_2 "\n");
    assert_int_equal(link_of(&world)->link, HT_SOURCE_LINK_CONNECTED);
    assert_int_equal(world.source->health.state, HT_HEALTH_WORKING);
    assert_false(live_world_request_has(&world, 0, "gzip"));
    live_world_finish(&world);
}

static void test_sample_with_lengths_and_compressed(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    live_world_expect(
        &world, &(struct live_world_exchange){
                    .head_parts = {"GET /1.1/statuses/sample.json?stall_warnings=true&filter_level="
                                   "none&delimited=length HTTP/1.1",
                                   "gzip"},
                    .missing_part = "Content-Type",
                    .body = HT_SLICE("5\r\n{\n}\r\n\r\n59\r\n" TWEET_2 "\r\n"),
                    .is_gzip = true,
                    .piece_bytes = 3,
                    .ending = LIVE_WORLD_STAYS});
    struct ht_twitter_v1_source_options options = options_of(&world);
    options.is_sample = true;
    options.is_delimited = true;
    options.accepts_compressed = true;
    options.track_count = 0;
    run(&world, &options);
    live_world_await_messages(&world, 2);
    assert_non_null(strstr(world.sink.bytes.data, TWEET_2 "\n"));
    live_world_finish(&world);
}

static void test_every_attempt_is_signed_anew(void **state)
{
    char first[128], second[128], time_text[128];
    uint64_t time_s;

    (void)state;
    struct live_world world = {.is_hasty = true};
    live_world_start(&world);
    live_world_expect(&world, &(struct live_world_exchange){.status = 503});
    live_world_expect(&world, &(struct live_world_exchange){.ending = LIVE_WORLD_STAYS});
    struct ht_twitter_v1_source_options options = options_of(&world);
    run(&world, &options);
    live_world_await_requests(&world, 2);
    get_field(&world, 0, "oauth_nonce", first);
    get_field(&world, 1, "oauth_nonce", second);
    assert_int_equal(strlen(first), 32);
    assert_string_not_equal(first, second);
    get_field(&world, 0, "oauth_signature", first);
    get_field(&world, 1, "oauth_signature", second);
    assert_string_not_equal(first, second);
    get_field(&world, 1, "oauth_timestamp", time_text);
    assert_int_equal(ht_slice_to_u64(ht_slice_text(time_text), INT64_MAX, &time_s), 0);
    assert_in_range(time_s, ht_clock_wall_s(world.clock) - 5, ht_clock_wall_s(world.clock));
    live_world_finish(&world);
}

static void test_the_query_of_the_address_is_sent(void **state)
{
    char url[128];

    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    live_world_expect(&world, &(struct live_world_exchange){
                                  .head_parts = {"POST /replay/1.1/statuses/filter.json?speed=10"},
                                  .ending = LIVE_WORLD_STAYS});
    struct ht_twitter_v1_source_options options = options_of(&world);
    snprintf(url, sizeof url, "%s/replay/?speed=10", world.url);
    options.url = url;
    run(&world, &options);
    live_world_await_requests(&world, 1);
    live_world_finish(&world);
}

static void test_a_disconnect_that_heals_is_followed_at_once(void **state)
{
    (void)state;
    struct live_world world;
    open_with(&world, HT_SLICE(TWEET_1 "\r\n{\"disconnect\":{\"code\":12,\"stream_name\":\"a\","
                                       "\"reason\":\"load\"}}\r\n" TWEET_2 "\r\n"));
    live_world_expect(&world, &(struct live_world_exchange){.body = HT_SLICE(TWEET_2 "\r\n"),
                                                            .ending = LIVE_WORLD_STAYS});
    live_world_await_messages(&world, 3);
    assert_int_equal(link_of(&world)->ends[HT_SOURCE_END_TOLD], 1);
    assert_int_equal(world.request_count, 2);
    /* the notice is passed on, what stands behind it is not read */
    assert_string_equal(world.sink.bytes.data,
                        TWEET_1 "\n{\"disconnect\":{\"code\":12,\"stream_name\":\"a\",\"reason\":"
                                "\"load\"}}\n" TWEET_2 "\n");
    live_world_finish(&world);
}

static void test_a_disconnect_that_needs_a_person_fails(void **state)
{
    (void)state;
    struct live_world world;
    open_with(&world, HT_SLICE("{\"disconnect\":{\"code\":6,\"reason\":\"token revoked\"}}\r\n"));
    live_world_await_link(&world, HT_SOURCE_LINK_WAITING);
    assert_int_equal(world.source->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world.source->health.text, "the access token was revoked"));
    assert_non_null(strstr(world.source->health.text, "set TWITTER_ACCESS_TOKEN"));
    assert_int_equal(link_of(&world)->ends[HT_SOURCE_END_TOLD_TO_STOP], 1);
    assert_in_range(link_of(&world)->next_try_s - ht_clock_wall_s(world.clock), 50, 80);
    live_world_finish(&world);
}

/* Connected to once more it tells again, where it still holds. */
static void test_a_disconnect_without_memory_ends_the_stream_too(void **state)
{
    (void)state;
    struct live_world world;
    json_memory_take();
    open_with(&world, HT_SLICE("{\"disconnect\":{\"code\":6,\"reason\":\"token revoked\"}}\r\n"));
    live_world_expect(&world, &(struct live_world_exchange){.body = HT_SLICE(TWEET_2 "\r\n"),
                                                            .ending = LIVE_WORLD_STAYS});
    live_world_await_messages(&world, 2);
    json_memory_give_back();
    assert_non_null(strstr(world.source->health.last_error, "out of memory"));
    assert_int_equal(link_of(&world)->ends[HT_SOURCE_END_NETWORK], 1);
    live_world_finish(&world);
}

static void test_limits_are_not_summed(void **state)
{
    (void)state;
    struct live_world world;
    open_with(&world, HT_SLICE("{\"limit\":{\"track\":5}}\r\n{\"limit\":{\"track\":19}}\r\n"
                               "{\"limit\":{\"track\":6,\"timestamp_ms\":\"1482893264899\"}}\r\n"
                               "{\"limit\":{\"track\":null}}\r\n{\"limit\":7}\r\n"));
    assert_int_equal(link_of(&world)->undelivered, -1);
    live_world_await_messages(&world, 5);
    assert_int_equal(link_of(&world)->undelivered, 19);
    live_world_finish(&world);
}

static void test_warnings_are_shown(void **state)
{
    (void)state;
    struct live_world world;
    open_with(&world, HT_SLICE("{\"warning\":{\"code\":\"FALLING_BEHIND\",\"message\":\"behind\","
                               "\"percent_full\":60}}\r\n"));
    live_world_await_messages(&world, 1);
    assert_int_equal(world.source->health.state, HT_HEALTH_WORKING);
    assert_non_null(strstr(world.source->health.last_error, "60 % full"));
    live_world_send(&world, HT_SLICE("{\"warning\":{\"code\":\"FOLLOWS_OVER_LIMIT\",\"message\":"
                                     "\"too many\",\"user_id\":1}}\r\n"));
    live_world_await_messages(&world, 2);
    assert_non_null(strstr(world.source->health.last_error, "(FOLLOWS_OVER_LIMIT): too many"));
    live_world_finish(&world);
}

static void test_other_messages_pass(void **state)
{
    (void)state;
    struct live_world world;
    open_with(&world, HT_SLICE("{\"delete\":{\"status\":{\"id\":1}}}\r\n{\"scrub_geo\":{}}\r\n"
                               "{\"status_withheld\":{}}\r\n{\"friends\":[1]}\r\nno JSON\r\n"));
    live_world_await_messages(&world, 5);
    assert_int_equal(link_of(&world)->link, HT_SOURCE_LINK_CONNECTED);
    live_world_finish(&world);
}

static void test_age_of_messages(void **state)
{
    char tweet[128];

    (void)state;
    struct live_world world;
    open_with(&world, HT_SLICE(TWEET_1 "\r\n"));
    live_world_await_messages(&world, 1);
    assert_true(link_of(&world)->behind_ms > INT64_C(500000000000));
    snprintf(tweet, sizeof tweet, "{\"id\":1,\"timestamp_ms\":\"%lld\"}\r\n",
             (long long)ht_clock_wall_ms(world.clock) - 5000);
    live_world_send(&world, ht_slice_text(tweet));
    live_world_await_messages(&world, 2);
    assert_in_range(link_of(&world)->behind_ms, 5000, 10000);
    live_world_finish(&world);
}

static void test_silence_is_a_stall_and_keep_alives_are_not(void **state)
{
    (void)state;
    struct live_world world;
    open_with(&world, HT_SLICE("\r\n"));
    live_world_await_link(&world, HT_SOURCE_LINK_CONNECTED);
    live_world_skip(&world, 80000);
    live_world_send(&world, HT_SLICE("\r\n"));
    live_world_run_for(&world, 30);
    live_world_skip(&world, 80000);
    live_world_run_for(&world, 10);
    assert_int_equal(link_of(&world)->link, HT_SOURCE_LINK_CONNECTED);
    live_world_expect(&world, &(struct live_world_exchange){.ending = LIVE_WORLD_STAYS});
    live_world_skip(&world, 11000);
    live_world_run_for(&world, 100);
    assert_int_equal(link_of(&world)->ends[HT_SOURCE_END_STALLED], 1);
    live_world_await_requests(&world, 2);
    live_world_finish(&world);
}

/* Refused with `status`; the state's text is left in the source. */
static void refuse(struct live_world *world, int status, const char *headers)
{
    *world = (struct live_world){0};
    live_world_start(world);
    live_world_expect(world, &(struct live_world_exchange){.status = status, .headers = headers});
    struct ht_twitter_v1_source_options options = options_of(world);
    run(world, &options);
    live_world_await_link(world, HT_SOURCE_LINK_WAITING);
}

static void test_refusals_come_with_a_cure(void **state)
{
    static const struct {
        int status;
        enum ht_source_end end;
        enum ht_health_state health;
        const char *text;
        unsigned wait_s; /* at least */
    } cases[] = {
        {401, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "check TWITTER_CONSUMER_KEY", 5},
        {403, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "may not read this stream", 5},
        {404, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "check source.url", 5},
        {406, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "check source.track", 5},
        {413, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "shorten source.track", 5},
        {416, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "check source.locations", 5},
        {420, HT_SOURCE_END_RATE_LIMITED, HT_HEALTH_WAITING, "end the other programs", 60},
        {503, HT_SOURCE_END_HTTP_ERROR, HT_HEALTH_WAITING, "503", 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct live_world world;
        refuse(&world, cases[i].status, NULL);
        assert_int_equal(link_of(&world)->ends[cases[i].end], 1);
        assert_int_equal(world.source->health.state, cases[i].health);
        assert_non_null(strstr(world.source->health.text, cases[i].text));
        assert_null(strstr(world.source->health.text, "the-"));
        assert_in_range(link_of(&world)->next_try_s - ht_clock_wall_s(world.clock),
                        cases[i].wait_s - 2, cases[i].wait_s * 5 / 4 + 2);
        live_world_finish(&world);
    }
}

static void test_a_wrong_clock_is_told(void **state)
{
    char header[64];
    time_t then = time(NULL) + 3600;
    struct tm utc;

    (void)state;
    struct live_world world;
    gmtime_r(&then, &utc);
    strftime(header, sizeof header, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    refuse(&world, 401, header);
    assert_non_null(strstr(world.source->health.text, "s behind the server's"));
    assert_non_null(strstr(world.source->health.text, "NTP"));
    live_world_finish(&world);
}

/* Nothing is sent where it cannot be asked for. */
static void expect_no_request(struct live_world *world,
                              const struct ht_twitter_v1_source_options *options, const char *text)
{
    run(world, options);
    live_world_await_link(world, HT_SOURCE_LINK_WAITING);
    assert_int_equal(world->source->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(world->source->health.text, text));
    assert_int_equal(world->connection_count, 0);
    live_world_finish(world);
}

static void test_mistakes_are_told_and_nothing_is_sent(void **state)
{
    static const char *const box[] = {"1,2,3"};

    (void)state;
    for (int i = 0; i < 4; i++) {
        static const char *const texts[] = {"source.endpoint: filter needs something",
                                            "source.locations: 3 numbers are given",
                                            "source.url is no address", "a key is missing"};
        struct live_world world = {0};
        live_world_start(&world);
        struct ht_twitter_v1_source_options options = options_of(&world);
        options.track_count = i == 0 ? 0 : 1;
        options.locations = box;
        options.location_count = i == 1 ? 1 : 0;
        options.url = i == 2 ? "ftp://x" : world.url;
        options.access_token_secret = i == 3 ? "" : "x";
        expect_no_request(&world, &options, texts[i]);
    }
}

/* What will disappoint is said before anything is asked for. */
static void test_what_will_surprise_is_logged(void **state)
{
    static const char *const half[] = {"-90,-90,90,90"};
    struct live_world world = {0};
    char text[4096] = "";
    int ends[2];

    (void)state;
    live_world_start(&world);
    assert_int_equal(pipe(ends), 0);
    struct ht_log log = {.clock = world.clock, .fd = ends[1], .level = HT_LOG_WARNING};
    struct ht_twitter_v1_source_options options = options_of(&world);
    options.log = &log;
    options.url = "http://127.0.0.1:1//stream.twitter.com";
    options.locations = half;
    options.location_count = 1;
    struct ht_source *source = ht_twitter_v1_source_create(&options);
    assert_non_null(source);
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "X has switched API v1.1 streaming off"));
    assert_non_null(strstr(text, "will probably surprise"));
    assert_non_null(strstr(text, "half the globe"));
    source->ops->destroy(source);
    close(ends[0]);
    close(ends[1]);
    live_world_finish(&world);
}

static void test_a_full_sink_holds_the_stream_back(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    world.sink.full_at = 1;
    live_world_expect(&world, &(struct live_world_exchange){.body = HT_SLICE(TWEET_1 "\r\n"),
                                                            .ending = LIVE_WORLD_STAYS});
    struct ht_twitter_v1_source_options options = options_of(&world);
    run(&world, &options);
    live_world_await_link(&world, HT_SOURCE_LINK_PAUSED);
    live_world_send(&world, HT_SLICE(TWEET_2 "\r\n"));
    live_world_run_for(&world, 30);
    assert_int_equal(world.sink.count, 1);
    world.sink.full_at = 0;
    world.source->ops->resume(world.source);
    live_world_await_messages(&world, 2);
    live_world_finish(&world);
}

static void test_cut_off_messages_are_refused(void **state)
{
    (void)state;
    struct live_world world;
    open_with(&world, HT_SLICE(TWEET_1 "\r\n{\"id_str\":\"2"));
    live_world_await_messages(&world, 1);
    live_world_expect(&world, &(struct live_world_exchange){.ending = LIVE_WORLD_STAYS});
    live_world_cut(&world, LIVE_WORLD_CUT);
    live_world_await_requests(&world, 2);
    assert_string_equal(world.sink.reasons.data, "12 cut_off\n");
    live_world_finish(&world);
}

static void test_stop_before_the_first_try(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    struct ht_twitter_v1_source_options options = options_of(&world);
    run(&world, &options);
    live_world_stop_source(&world);
    live_world_finish(&world);
}

static void test_destroy_without_start(void **state)
{
    (void)state;
    struct live_world world = {0};
    live_world_start(&world);
    struct ht_twitter_v1_source_options options = options_of(&world);
    options.name = "old Twitter";
    struct ht_source *source = ht_twitter_v1_source_create(&options);
    assert_string_equal(source->name, "old Twitter");
    assert_string_equal(source->ops->type, "twitter-v1");
    source->ops->destroy(source);
    live_world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter_is_asked_for_as_a_signed_form),
        cmocka_unit_test(test_sample_with_lengths_and_compressed),
        cmocka_unit_test(test_every_attempt_is_signed_anew),
        cmocka_unit_test(test_the_query_of_the_address_is_sent),
        cmocka_unit_test(test_a_disconnect_that_heals_is_followed_at_once),
        cmocka_unit_test(test_a_disconnect_that_needs_a_person_fails),
        cmocka_unit_test(test_a_disconnect_without_memory_ends_the_stream_too),
        cmocka_unit_test(test_limits_are_not_summed),
        cmocka_unit_test(test_warnings_are_shown),
        cmocka_unit_test(test_other_messages_pass),
        cmocka_unit_test(test_age_of_messages),
        cmocka_unit_test(test_silence_is_a_stall_and_keep_alives_are_not),
        cmocka_unit_test(test_refusals_come_with_a_cure),
        cmocka_unit_test(test_a_wrong_clock_is_told),
        cmocka_unit_test(test_mistakes_are_told_and_nothing_is_sent),
        cmocka_unit_test(test_a_full_sink_holds_the_stream_back),
        cmocka_unit_test(test_what_will_surprise_is_logged),
        cmocka_unit_test(test_cut_off_messages_are_refused),
        cmocka_unit_test(test_stop_before_the_first_try),
        cmocka_unit_test(test_destroy_without_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
