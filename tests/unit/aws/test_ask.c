// SPDX-License-Identifier: MIT
#include "../../../src/aws/ask.h"

#include "keys_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct keys_world world;

struct outcome {
    unsigned count;
    int status, http_status;
    char body[100];
};

static void on_done(struct ht_aws_ask *ask)
{
    struct outcome *outcome = ask->user;

    outcome->count++;
    outcome->status = ask->status;
    outcome->http_status = ask->http_status;
    snprintf(outcome->body, sizeof outcome->body, "%.*s", (int)ask->body_of_answer.length,
             ask->body_of_answer.data == NULL ? "" : ask->body_of_answer.data);
}

static bool is_bad_request(const struct ht_aws_ask *ask)
{
    return ask->http_status == 400;
}

/* Starts a request to /x, which waits a second between attempts. */
static void start(struct ht_aws_ask *ask, struct outcome *outcome, unsigned attempts)
{
    static char url[100];

    snprintf(url, sizeof url, "http://127.0.0.1:%u/x", world.port);
    *outcome = (struct outcome){.count = 0};
    *ask = (struct ht_aws_ask){.options = &world.options,
                               .method = "GET",
                               .url = url,
                               .timeout_ms = 5000,
                               .attempts = attempts,
                               .wait_ms = 1000,
                               .is_direct = true,
                               .is_temporary = is_bad_request,
                               .done = on_done,
                               .user = outcome};
    ht_aws_ask_start(ask);
    assert_int_equal(outcome->count, 0);
}

static void begin(void)
{
    keys_world_begin(&world);
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_open(&world);
}

static void asks_again_after_what_may_pass(void **state)
{
    struct ht_aws_ask ask;
    struct outcome outcome;

    (void)state;
    begin();
    keys_world_answer(&world, "GET /x", 500, "broken");
    keys_world_answer(&world, "GET /x", 400, "busy");
    keys_world_answer(&world, "GET /x", 404, "no");
    start(&ask, &outcome, 5);
    keys_world_settle(&world);
    assert_int_equal(world.request_count, 1); /* it waits */
    ht_manual_clock_advance_ms(&world.clock, 1000);
    keys_world_settle(&world);
    ht_manual_clock_advance_ms(&world.clock, 1000);
    keys_world_settle(&world);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.http_status, 404);
    assert_string_equal(outcome.body, "no");
    keys_world_end(&world);
}

static void the_last_attempt_counts(void **state)
{
    struct ht_aws_ask ask;
    struct outcome outcome;

    (void)state;
    begin();
    keys_world_always(&world, "GET /x", 503, "broken");
    start(&ask, &outcome, 2);
    keys_world_settle(&world);
    ht_manual_clock_advance_ms(&world.clock, 1000);
    keys_world_settle(&world);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.http_status, 503);
    assert_int_equal(world.request_count, 2);
    keys_world_end(&world);
}

static void can_be_given_up_at_any_moment(void **state)
{
    struct ht_aws_ask ask;
    struct outcome outcome;

    (void)state;
    begin();
    keys_world_answer(&world, "GET /x", 500, "broken");
    keys_world_always(&world, "GET /x", 0, "");
    start(&ask, &outcome, 3); /* before it is sent */
    ht_aws_ask_cancel(&ask);
    assert_int_equal(outcome.count, 0);
    keys_world_settle(&world);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.status, HT_ECANCELED);
    assert_int_equal(world.request_count, 0);
    start(&ask, &outcome, 3); /* while it waits */
    keys_world_settle(&world);
    ht_aws_ask_cancel(&ask);
    keys_world_settle(&world);
    assert_int_equal(outcome.status, HT_ECANCELED);
    start(&ask, &outcome, 3); /* while it is on the way */
    keys_world_settle(&world);
    ht_aws_ask_cancel(&ask);
    keys_world_settle(&world);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.status, HT_ECANCELED);
    keys_world_end(&world);
}

static void what_cannot_be_sent_is_told_too(void **state)
{
    struct ht_aws_ask ask;
    struct outcome outcome;

    (void)state;
    begin();
    start(&ask, &outcome, 2);
    ask.url = "nonsense://x";
    keys_world_settle(&world);
    assert_int_equal(outcome.count, 1);
    assert_true(outcome.status < 0);
    keys_world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_again_after_what_may_pass),
        cmocka_unit_test(the_last_attempt_counts),
        cmocka_unit_test(can_be_given_up_at_any_moment),
        cmocka_unit_test(what_cannot_be_sent_is_told_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
