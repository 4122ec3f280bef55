// SPDX-License-Identifier: MIT
#include "hashtagd/sources/twitter_v2_source.h"

#include "fake_x.h"
#include "hashtagd/base/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define STREAM "GET /2/tweets/search/stream?tweet.fields=entities,"
#define SAMPLE "GET /2/tweets/sample/stream?tweet.fields=entities,"
#define RULES  "GET /2/tweets/search/stream/rules?max_results=1000"
#define TRIAL  "POST /2/tweets/search/stream/rules?dry_run=true"
#define POST   "POST /2/tweets/search/stream/rules"
#define TOKEN  "POST /oauth2/token"

#define BEARER       "Bearer AAAA%2Fsesame"
#define NEW_BEARER   "Bearer BBBB%2Fsesame"
#define BASIC        "Basic c2VzYW1lLWtleTpzZXNhbWUtc2VjcmV0"
#define GIVES(token) "{\"token_type\":\"bearer\",\"access_token\":\"" token "\"}"

#define CAT     "{\"id\":\"11\",\"value\":\"cat\",\"tag\":\"t\"}"
#define HAS_CAT "{\"data\":[" CAT "],\"meta\":{\"result_count\":1}}"
#define EMPTY   "{\"meta\":{\"result_count\":0}}"
#define MADE    "{\"meta\":{\"summary\":{\"created\":1,\"not_created\":0,\"valid\":1,\"invalid\":0}}}"
#define DELETED "{\"meta\":{\"summary\":{\"deleted\":1,\"not_deleted\":0}}}"
#define REFUSED                                                                                    \
    "{\"meta\":{\"summary\":{\"created\":0,\"not_created\":1,\"valid\":0,\"invalid\":1}},"         \
    "\"errors\":[{\"value\":\"cat\",\"details\":[\"it is too common\"],\"type\":"                  \
    "\"https://api.x.com/2/problems/invalid-rules\"}]}"
#define TWEET(id)                                                                                  \
    "{\"data\":{\"created_at\":\"2020-01-01T00:00:00.000Z\",\"id\":\"" id "\",\"text\":\"\"}}"
#define ERRORS(type) "{\"errors\":[{\"disconnect_type\":\"" type "\",\"detail\":\"It ends.\"}]}"

static const struct ht_twitter_v2_rule cat[] = {{"cat", "t"}};

static struct ht_twitter_v2_source_options options_of(struct fake_x *x)
{
    return (struct ht_twitter_v2_source_options){
        .clock = &x->clock,
        .timers = x->timers,
        .random = &x->random,
        .client = x->client,
        .log = &x->log,
        .url = x->url,
        .bearer_token = "AAAA%2Fsesame",
        .rules = cat,
        .rule_count = 1,
    };
}

static struct ht_twitter_v2_source_options keys_of(struct fake_x *x)
{
    struct ht_twitter_v2_source_options options = options_of(x);
    options.bearer_token = NULL;
    options.consumer_key = "sesame-key";
    options.consumer_secret = "sesame-secret";
    options.is_sample = true;
    return options;
}

static void finish(struct fake_x *x)
{
    assert_null(strstr(x->source->health.text, "sesame"));
    assert_null(strstr(x->source->health.last_error, "sesame"));
    assert_null(strstr(fake_x_logged(x), "sesame"));
    fake_x_finish(x);
}

/* Runs a source with the usual options over the steps. */
#define RUN(x_, steps_, options_)                                                                  \
    struct fake_x x_ = {.steps = (steps_), .step_count = HT_COUNT_OF(steps_)};                     \
    fake_x_start(&x_);                                                                             \
    struct ht_twitter_v2_source_options options = options_(&x_);                                   \
    x_.source = ht_twitter_v2_source_create(&options);                                             \
    assert_non_null(x_.source);                                                                    \
    fake_x_run(&x_)

static void test_nothing_is_posted_where_the_rules_are_equal(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = RULES, .authorization = BEARER, .status = 200, .answer = HAS_CAT},
        {.request = STREAM,
         .authorization = BEARER,
         .status = 200,
         .answer = "\r\n" TWEET("1") "\r\n\r\n" TWEET("2") "\r\n"},
    };
    (void)state;
    RUN(x, steps, options_of);
    const struct ht_source_connection *connection = &x.source->connection;
    assert_string_equal(x.sink.bytes.data, TWEET("1") "\n" TWEET("2") "\n");
    assert_int_equal(x.sink.refused, 0);
    assert_int_equal(connection->connects, 1);
    assert_int_equal(connection->ends[HT_SOURCE_END_ENDED], 1);
    assert_true(connection->behind_ms > 1000);
    assert_string_equal(x.source->name, "twitter-v2");
    assert_null(strstr(fake_x_logged(&x), "rules changed"));
    finish(&x);
}

static void test_rules_are_made_equal_once(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = RULES,
         .status = 200,
         .answer = "{\"data\":[{\"id\":\"7\",\"value\":\"owl\"}],\"meta\":{\"next_token\":\"n\"}}"},
        {.request = RULES "&pagination_token=n", .status = 200, .answer = EMPTY},
        {.request = TRIAL,
         .authorization = BEARER,
         .body = "{\"add\":[{\"value\":\"cat\",\"tag\":\"t\"}]}",
         .status = 201,
         .answer = MADE},
        {.request = POST,
         .body = "{\"delete\":{\"ids\":[\"7\"]}}",
         .status = 200,
         .answer = DELETED},
        {.request = POST,
         .body = "{\"add\":[{\"value\":\"cat\",\"tag\":\"t\"}]}",
         .status = 201,
         .answer = MADE},
        {.request = STREAM, .status = 200, .answer = TWEET("1") "\r\n"},
        {.request = STREAM, .status = 200, .answer = TWEET("2") "\r\n"},
    };
    (void)state;
    RUN(x, steps, options_of);
    assert_int_equal(x.sink.count, 2);
    assert_non_null(strstr(fake_x_logged(&x), "added=1 deleted=1"));
    finish(&x);
}

static void test_refused_rules_are_told_and_nothing_changes(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = RULES, .status = 200, .answer = EMPTY},
        {.request = TRIAL, .status = 201, .answer = REFUSED},
        {.request = RULES, .status = 200, .answer = EMPTY},
        {.request = TRIAL, .status = 400, .answer = REFUSED},
    };
    (void)state;
    RUN(x, steps, options_of);
    assert_int_equal(x.source->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(x.source->health.text, "source.rules[0] \"cat\": it is too common"));
    assert_int_equal(x.source->connection.connects, 0);
    assert_int_equal(x.source->connection.ends[HT_SOURCE_END_REFUSED], 2);
    const char *first = strstr(fake_x_logged(&x), "X refuses a rule");
    assert_non_null(first);
    assert_null(strstr(first + 1, "X refuses a rule"));
    finish(&x);
}

static void test_an_account_without_any_rule_is_refused(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = RULES, .status = 200, .answer = EMPTY},
    };
    (void)state;
    struct fake_x x = {.steps = steps, .step_count = 1};
    fake_x_start(&x);
    struct ht_twitter_v2_source_options options = options_of(&x);
    options.rule_count = 0;
    x.source = ht_twitter_v2_source_create(&options);
    fake_x_run(&x);
    assert_int_equal(x.source->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(x.source->health.text, "source.rules"));
    finish(&x);
}

static void test_without_wanted_rules_those_of_the_account_stay(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM, .status = 200, .answer = TWEET("1") "\r\n"},
    };
    (void)state;
    struct fake_x x = {.steps = steps, .step_count = 2};
    fake_x_start(&x);
    struct ht_twitter_v2_source_options options = options_of(&x);
    options.rule_count = 0;
    x.source = ht_twitter_v2_source_create(&options);
    fake_x_run(&x);
    assert_int_equal(x.sink.count, 1);
    finish(&x);
}

static void test_a_token_is_asked_for_and_renewed_once(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = TOKEN,
         .authorization = BASIC,
         .body = "grant_type=client_credentials",
         .status = 200,
         .answer = GIVES("AAAA%2Fsesame")},
        {.request = SAMPLE, .authorization = BEARER, .status = 200, .answer = TWEET("1") "\r\n"},
        {.request = SAMPLE, .authorization = BEARER, .status = 401, .answer = "{}"},
        {.request = TOKEN, .authorization = BASIC, .status = 200, .answer = GIVES("BBBB%2Fsesame")},
        {.request = SAMPLE, .authorization = NEW_BEARER, .status = 401, .answer = "{}"},
        {.request = TOKEN, .authorization = BASIC, .status = 200, .answer = GIVES("AAAA%2Fsesame")},
        {.request = SAMPLE, .authorization = BEARER, .status = 200, .answer = TWEET("2") "\r\n"},
        {.request = SAMPLE, .authorization = BEARER, .status = 401, .answer = "{}"},
        {.request = TOKEN, .authorization = BASIC, .status = 200, .answer = GIVES("BBBB%2Fsesame")},
        {.request = SAMPLE, .authorization = NEW_BEARER, .status = 200, .answer = "\r\n"},
    };
    (void)state;
    RUN(x, steps, keys_of);
    assert_int_equal(x.sink.count, 2);
    /* the second 401 in a row waited and asked for a person, the others were mended at once */
    assert_int_equal(x.source->connection.ends[HT_SOURCE_END_REFUSED], 1);
    finish(&x);
}

static void test_a_401_of_the_rules_renews_the_token(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = TOKEN, .status = 200, .answer = GIVES("AAAA%2Fsesame")},
        {.request = RULES, .authorization = BEARER, .status = 401, .answer = "{}"},
        {.request = TOKEN, .status = 200, .answer = GIVES("BBBB%2Fsesame")},
        {.request = RULES, .authorization = NEW_BEARER, .status = 200, .answer = HAS_CAT},
        {.request = STREAM, .authorization = NEW_BEARER, .status = 200, .answer = "\r\n"},
    };
    (void)state;
    struct fake_x x = {.steps = steps, .step_count = HT_COUNT_OF(steps)};
    fake_x_start(&x);
    struct ht_twitter_v2_source_options options = keys_of(&x);
    options.is_sample = false;
    x.source = ht_twitter_v2_source_create(&options);
    fake_x_run(&x);
    assert_int_equal(x.wait_count, 0);
    finish(&x);
}

static void test_answers_without_memory_are_asked_for_again(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = TOKEN, .status = 200, .answer = GIVES("AAAA%2Fsesame"), .lacks_memory = true},
        {.request = TOKEN, .status = 200, .answer = GIVES("AAAA%2Fsesame")},
        {.request = RULES, .status = 200, .answer = EMPTY, .lacks_memory = true},
        {.request = RULES, .status = 200, .answer = EMPTY},
        {.request = TRIAL, .status = 201, .answer = MADE, .lacks_memory = true},
        {.request = RULES, .status = 200, .answer = EMPTY},
        {.request = TRIAL, .status = 400, .answer = MADE, .lacks_memory = true},
        {.request = RULES, .status = 200, .answer = EMPTY},
        {.request = TRIAL, .status = 201, .answer = MADE},
        {.request = POST, .status = 201, .answer = MADE},
        {.request = STREAM, .status = 200, .answer = "{\"id\":\"1\"}\r\n", .lacks_memory = true},
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM, .status = 200, .answer = TWEET("2") "\r\n"},
    };
    (void)state;
    struct fake_x x = {.steps = steps, .step_count = HT_COUNT_OF(steps)};
    fake_x_start(&x);
    struct ht_twitter_v2_source_options options = keys_of(&x);
    options.is_sample = false;
    x.source = ht_twitter_v2_source_create(&options);
    fake_x_run(&x);
    assert_int_equal(x.source->connection.ends[HT_SOURCE_END_NETWORK], 5);
    assert_int_equal(x.source->connection.ends[HT_SOURCE_END_PROTOCOL], 0);
    assert_int_equal(x.source->connection.ends[HT_SOURCE_END_REFUSED], 0);
    assert_int_equal(x.sink.count, 2);
    finish(&x);
}

static void test_tokens_that_cannot_be_had(void **state)
{
    static const struct {
        int status;
        const char *answer;
        enum ht_source_end end;
        enum ht_health_state health;
        const char *says;
    } cases[] = {
        {403, "{\"errors\":[{\"code\":99,\"message\":\"Unable to verify your credentials\"}]}",
         HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, "TWITTER_CONSUMER_KEY"},
        {401, "{\"title\":\"sesame-key\"}", HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED,
         "TWITTER_CONSUMER_SECRET"},
        {503, "<html>Over capacity</html>", HT_SOURCE_END_HTTP_ERROR, HT_HEALTH_WAITING, "503"},
        {200, "{\"token_type\":\"mac\",\"access_token\":\"sesame\"}", HT_SOURCE_END_PROTOCOL,
         HT_HEALTH_WAITING, "\"mac\""},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct fake_x_step steps[] = {
            {.request = TOKEN, .status = cases[i].status, .answer = cases[i].answer}};
        RUN(x, steps, keys_of);
        assert_int_equal(x.source->connection.ends[cases[i].end], 1);
        assert_int_equal(x.source->health.state, cases[i].health);
        assert_non_null(strstr(x.source->health.text, cases[i].says));
        if (i == 1) { /* what a server sends back of what it got is its own */
            x.source->health.text[0] = '\0';
            fake_x_finish(&x);
        } else {
            finish(&x);
        }
    }
}

static void test_without_any_token_a_person_is_asked(void **state)
{
    (void)state;
    struct fake_x x = {.steps = NULL};
    fake_x_start(&x);
    struct ht_twitter_v2_source_options options = keys_of(&x);
    options.consumer_secret = "";
    x.source = ht_twitter_v2_source_create(&options);
    fake_x_run(&x);
    assert_int_equal(x.source->health.state, HT_HEALTH_FAILED);
    assert_non_null(strstr(x.source->health.text, "TWITTER_BEARER_TOKEN"));
    finish(&x);
}

static void test_errors_in_the_stream_end_it(void **state)
{
    static const struct {
        const char *type;
        enum ht_source_end end;
        enum ht_health_state health;
    } cases[] = {
        {"UpstreamOperationalDisconnect", HT_SOURCE_END_TOLD, HT_HEALTH_WAITING},
        {"ClientApplicationStateDegraded", HT_SOURCE_END_TOLD_TO_STOP, HT_HEALTH_FAILED},
        {"TooManyConnections", HT_SOURCE_END_TOO_MANY, HT_HEALTH_WAITING},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        char error[128], answer[512];
        snprintf(error, sizeof error, ERRORS("%s"), cases[i].type);
        snprintf(answer, sizeof answer, TWEET("1") "\r\n%s\r\n" TWEET("2") "\r\n", error);
        struct fake_x_step steps[] = {
            {.request = RULES, .status = 200, .answer = HAS_CAT},
            {.request = STREAM, .status = 200, .answer = answer},
        };
        RUN(x, steps, options_of);
        assert_int_equal(x.source->connection.ends[cases[i].end], 1);
        if (cases[i].end != HT_SOURCE_END_TOLD) { /* else it connects already */
            assert_int_equal(x.source->health.state, cases[i].health);
        }
        assert_non_null(strstr(x.source->health.last_error, cases[i].type));
        /* what came before and the error itself, nothing after it */
        assert_int_equal(x.sink.count, 2);
        assert_non_null(strstr(x.sink.bytes.data, error));
        finish(&x);
    }
}

static void test_a_token_that_is_sent_back_is_not_told(void **state)
{
    struct fake_x_step steps[] = {
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM,
         .status = 200,
         .answer = "{\"errors\":[{\"title\":\"client-forbidden\",\"detail\":\"Who\\u001b\\nis "
                   "AAAA%2Fsesame?\"}]}\r\n"},
    };
    (void)state;
    RUN(x, steps, options_of);
    assert_non_null(strstr(x.source->health.last_error, "Who  is *************?"));
    assert_null(strstr(x.source->health.text, "sesame"));
    finish(&x);
}

static void test_invalid_rules_are_compared_again(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM, .status = 200, .answer = ERRORS("InvalidRules") "\r\n"},
        {.request = RULES, .status = 200, .answer = EMPTY},
        {.request = TRIAL, .status = 201, .answer = MADE},
        {.request = POST, .status = 201, .answer = MADE},
        {.request = STREAM,
         .status = 409,
         .answer =
             "{\"title\":\"ConnectionException\",\"connection_issue\":\"RulesInvalidIssue\"}"},
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM, .status = 200, .answer = TWEET("1") "\r\n"},
        {.request = STREAM, .status = 200, .answer = TWEET("2") "\r\n"},
    };
    (void)state;
    RUN(x, steps, options_of);
    assert_int_equal(x.source->connection.ends[HT_SOURCE_END_TOLD_TO_STOP], 1);
    finish(&x);
}

static void test_posts_with_partial_errors_are_posts(void **state)
{
#define PARTIAL                                                                                    \
    "{\"data\":{\"id\":\"5\",\"text\":\"\"},\"errors\":[{\"title\":\"Not Found Error\"}]}"
    static const struct fake_x_step steps[] = {
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM, .status = 200, .answer = PARTIAL "\r\n" TWEET("2") "\r\n"},
    };
    (void)state;
    RUN(x, steps, options_of);
    assert_int_equal(x.sink.count, 2);
    assert_int_equal(x.source->connection.ends[HT_SOURCE_END_ENDED], 1);
    finish(&x);
}

static void test_a_cut_line_is_a_dead_letter(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM, .status = 200, .answer = TWEET("1") "\r\n{\"data\":{\"id\":\"2"},
    };
    (void)state;
    RUN(x, steps, options_of);
    assert_int_equal(x.sink.count, 1);
    assert_string_equal(x.sink.reasons.data, "16 cut_off\n");
    finish(&x);
}

#define TOO_MANY                                                                                   \
    "{\"title\":\"ConnectionException\",\"detail\":\"At its limit.\",\"connection_issue\":"        \
    "\"TooManyConnections\"}"

static void test_what_x_refuses(void **state)
{
    static const struct {
        int status;
        const char *answer, *header, *value;
        enum ht_source_end end;
        enum ht_health_state health;
        int64_t least_s;
        const char *says;
    } cases[] = {
        {429, TOO_MANY, NULL, NULL, HT_SOURCE_END_TOO_MANY, HT_HEALTH_WAITING, 60,
         "stop the other program"},
        {429, "{\"title\":\"Too Many Requests\"}", "Retry-After", "200", HT_SOURCE_END_RATE_LIMITED,
         HT_HEALTH_WAITING, 200, "429"},
        {403, "{\"reason\":\"client-not-enrolled\",\"title\":\"Client Forbidden\"}", NULL, NULL,
         HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED, 5, "into a project"},
        {401, "{\"title\":\"Unauthorized\"}", NULL, NULL, HT_SOURCE_END_REFUSED, HT_HEALTH_FAILED,
         5, "TWITTER_BEARER_TOKEN"},
        {503, "<html>", NULL, NULL, HT_SOURCE_END_HTTP_ERROR, HT_HEALTH_WAITING, 5, "503"},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct fake_x_step steps[] = {
            {.request = RULES, .status = 200, .answer = HAS_CAT},
            {.request = STREAM,
             .authorization = BEARER,
             .status = cases[i].status,
             .answer = cases[i].answer,
             .header = cases[i].header,
             .value = cases[i].value},
        };
        RUN(x, steps, options_of);
        int64_t wait_s = x.source->connection.next_try_s - ht_clock_wall_s(&x.clock);
        assert_int_equal(x.source->connection.ends[cases[i].end], 1);
        assert_int_equal(x.source->health.state, cases[i].health);
        assert_non_null(strstr(x.source->health.text, cases[i].says));
        assert_in_range(wait_s, cases[i].least_s - 1, cases[i].least_s * 5 / 4 + 2);
        finish(&x);
    }
}

static void test_rules_that_cannot_be_asked_for(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = RULES, .status = 429, .header = "Retry-After", .value = "100"},
        {.request = RULES, .status = 500},
        {.request = RULES, .status = 200, .answer = "<html>"},
        {.request = RULES, .status = 200, .answer = EMPTY},
        {.request = TRIAL, .status = 200, .answer = "<html>"},
        {.request = RULES, .status = 200, .answer = EMPTY},
        {.request = TRIAL, .status = 201, .answer = MADE},
        {.request = POST, .status = 503},
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM, .status = 200, .answer = "\r\n"},
    };
    (void)state;
    RUN(x, steps, options_of);
    const struct ht_source_connection *connection = &x.source->connection;
    assert_in_range(x.waits_s[0], 99, 127);
    assert_int_equal(connection->ends[HT_SOURCE_END_RATE_LIMITED], 1);
    assert_int_equal(connection->ends[HT_SOURCE_END_HTTP_ERROR], 2);
    assert_int_equal(connection->ends[HT_SOURCE_END_PROTOCOL], 2);
    assert_int_equal(connection->connects, 1);
    finish(&x);
}

static void test_a_full_sink_loses_nothing(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM, .status = 200, .answer = TWEET("1") "\r\n" TWEET("2") "\r\n"},
        {.request = STREAM, .status = 200, .answer = TWEET("3") "\r\n"},
    };
    (void)state;
    struct fake_x x = {.steps = steps, .step_count = 3};
    fake_x_start(&x);
    struct ht_twitter_v2_source_options options = options_of(&x);
    x.source = ht_twitter_v2_source_create(&options);
    x.sink.full_at = 1;
    x.is_started = true;
    x.source->ops->start(x.source, &x.sink.sink, (struct ht_slice){0});
    fake_x_run_for(&x, 100);
    x.sink.full_at = 0;
    x.source->ops->resume(x.source);
    fake_x_run(&x);
    assert_int_equal(x.sink.count, 3);
    assert_true(x.source->connection.pauses >= 1);
    finish(&x);
}

static void test_a_compressed_stream_is_unpacked(void **state)
{
    (void)state;
    struct ht_buffer packed;
    ht_buffer_init(&packed, 4096);
    assert_int_equal(ht_gzip_format(HT_SLICE(TWEET("1") "\r\n" TWEET("2") "\r\n"), &packed), 0);
    const struct fake_x_step steps[] = {
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM,
         .status = 200,
         .answer = packed.data,
         .answer_length = packed.length,
         .header = "Content-Encoding",
         .value = "gzip"},
    };
    struct fake_x x = {.steps = steps, .step_count = 2};
    fake_x_start(&x);
    struct ht_twitter_v2_source_options options = options_of(&x);
    options.accepts_compressed = true;
    x.source = ht_twitter_v2_source_create(&options);
    fake_x_run(&x);
    assert_string_equal(x.sink.bytes.data, TWEET("1") "\n" TWEET("2") "\n");
    finish(&x);
    ht_buffer_finish(&packed);
}

static void test_silence_ends_a_stream(void **state)
{
    static const struct fake_x_step steps[] = {
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM, .status = 200, .stays_open = true},
        {.request = STREAM, .status = 200, .answer = TWEET("1") "\r\n"},
    };
    (void)state;
    struct fake_x x = {.steps = steps, .step_count = 3};
    fake_x_start(&x);
    struct ht_twitter_v2_source_options options = options_of(&x);
    x.source = ht_twitter_v2_source_create(&options);
    x.is_started = true;
    x.source->ops->start(x.source, &x.sink.sink, (struct ht_slice){0});
    for (unsigned turns = 0; turns < 1000 && x.source->connection.received_bytes == 0; turns++) {
        fake_x_run_for(&x, 1);
    }
    fake_x_jump(&x, 24000);
    fake_x_run_for(&x, 20);
    assert_int_equal(x.source->connection.link, HT_SOURCE_LINK_CONNECTED);
    fake_x_jump(&x, 1100);
    fake_x_run(&x);
    assert_int_equal(x.source->connection.ends[HT_SOURCE_END_STALLED], 1);
    assert_int_equal(x.gone_count, 1);
    finish(&x);
}

/* 1500 rules: a trial and an addition in two parts each. */
static void test_many_rules_are_made_in_batches(void **state)
{
    enum { COUNT = 1500 };
#define MADE_MANY(n) "{\"meta\":{\"summary\":{\"created\":" #n ",\"valid\":" #n ",\"invalid\":0}}}"
    static const struct fake_x_step steps[] = {
        {.request = RULES, .status = 200, .answer = EMPTY},
        {.request = TRIAL, .status = 201, .answer = MADE_MANY(1000)},
        {.request = TRIAL, .status = 201, .answer = MADE_MANY(500)},
        {.request = POST, .status = 201, .answer = MADE_MANY(1000)},
        {.request = POST, .status = 201, .answer = MADE_MANY(500)},
        {.request = STREAM, .status = 200, .answer = "\r\n"},
    };
    static char values[COUNT][12];
    static struct ht_twitter_v2_rule rules[COUNT];
    (void)state;
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(values[i], sizeof values[i], "word%u", i);
        rules[i] = (struct ht_twitter_v2_rule){values[i], ""};
    }
    struct fake_x x = {.steps = steps, .step_count = HT_COUNT_OF(steps)};
    fake_x_start(&x);
    struct ht_twitter_v2_source_options options = options_of(&x);
    options.rules = rules;
    options.rule_count = COUNT;
    x.source = ht_twitter_v2_source_create(&options);
    fake_x_run(&x);
    assert_non_null(strstr(fake_x_logged(&x), "added=1500 deleted=0"));
    finish(&x);
}

/* Wherever it is: nobody answers, and it stops at once all the same. */
static void test_it_stops_in_every_step(void **state)
{
    static const struct fake_x_step token[] = {{.request = TOKEN}};
    static const struct fake_x_step rules[] = {
        {.request = TOKEN, .status = 200, .answer = GIVES("AAAA%2Fsesame")}, {.request = RULES}};
    static const struct fake_x_step trial[] = {
        {.request = TOKEN, .status = 200, .answer = GIVES("AAAA%2Fsesame")},
        {.request = RULES, .status = 200, .answer = EMPTY},
        {.request = TRIAL}};
    static const struct fake_x_step stream[] = {
        {.request = TOKEN, .status = 200, .answer = GIVES("AAAA%2Fsesame")},
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM}};
    static const struct fake_x_step streaming[] = {
        {.request = TOKEN, .status = 200, .answer = GIVES("AAAA%2Fsesame")},
        {.request = RULES, .status = 200, .answer = HAS_CAT},
        {.request = STREAM, .status = 200, .stays_open = true}};
    static const struct {
        const struct fake_x_step *steps;
        size_t count;
    } cases[] = {{token, 1}, {rules, 2}, {trial, 3}, {stream, 3}, {streaming, 3}};
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct fake_x x = {.steps = cases[i].steps, .step_count = cases[i].count};
        fake_x_start(&x);
        struct ht_twitter_v2_source_options options = keys_of(&x);
        options.is_sample = false;
        x.source = ht_twitter_v2_source_create(&options);
        x.is_started = true;
        x.source->ops->start(x.source, &x.sink.sink, (struct ht_slice){0});
        for (unsigned turns = 0; turns < 1000 && x.at < cases[i].count; turns++) {
            fake_x_run_for(&x, 1);
        }
        assert_int_equal(x.at, cases[i].count);
        finish(&x);
    }
}

static void test_never_started_it_goes_away(void **state)
{
    (void)state;
    struct fake_x x = {.steps = NULL};
    fake_x_start(&x);
    struct ht_twitter_v2_source_options options = options_of(&x);
    options.name = "x";
    options.url = NULL;
    x.source = ht_twitter_v2_source_create(&options);
    assert_string_equal(x.source->name, "x");
    assert_string_equal(x.source->ops->type, "twitter-v2");
    finish(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_posted_where_the_rules_are_equal),
        cmocka_unit_test(test_rules_are_made_equal_once),
        cmocka_unit_test(test_refused_rules_are_told_and_nothing_changes),
        cmocka_unit_test(test_an_account_without_any_rule_is_refused),
        cmocka_unit_test(test_without_wanted_rules_those_of_the_account_stay),
        cmocka_unit_test(test_a_token_is_asked_for_and_renewed_once),
        cmocka_unit_test(test_a_401_of_the_rules_renews_the_token),
        cmocka_unit_test(test_answers_without_memory_are_asked_for_again),
        cmocka_unit_test(test_tokens_that_cannot_be_had),
        cmocka_unit_test(test_without_any_token_a_person_is_asked),
        cmocka_unit_test(test_errors_in_the_stream_end_it),
        cmocka_unit_test(test_a_token_that_is_sent_back_is_not_told),
        cmocka_unit_test(test_invalid_rules_are_compared_again),
        cmocka_unit_test(test_posts_with_partial_errors_are_posts),
        cmocka_unit_test(test_a_cut_line_is_a_dead_letter),
        cmocka_unit_test(test_what_x_refuses),
        cmocka_unit_test(test_rules_that_cannot_be_asked_for),
        cmocka_unit_test(test_a_full_sink_loses_nothing),
        cmocka_unit_test(test_a_compressed_stream_is_unpacked),
        cmocka_unit_test(test_silence_ends_a_stream),
        cmocka_unit_test(test_many_rules_are_made_in_batches),
        cmocka_unit_test(test_it_stops_in_every_step),
        cmocka_unit_test(test_never_started_it_goes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
