// SPDX-License-Identifier: MIT
#include "mastodon_ask.h"

#include "live_world.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* What came of a question. */
struct answer {
    unsigned count;
    int code, status;
    char body[64];
};

static void on_answer(void *user, struct ht_http_result *result)
{
    struct answer *answer = user;
    answer->count++;
    answer->code = result->code;
    answer->status = result->status;
    snprintf(answer->body, sizeof(answer->body), "%.*s", (int)result->body.length,
             result->body.length == 0 ? "" : result->body.data);
}

static struct ht_mastodon_ask *ask(struct live_world *world, struct answer *answer, const char *url)
{
    const struct ht_mastodon_ask_options options = {.client = world->http,
                                                    .timers = world->timers,
                                                    .url = url,
                                                    .authorization = HT_SLICE("Bearer abc"),
                                                    .max_bytes = 16,
                                                    .done = on_answer,
                                                    .user = answer};
    struct ht_mastodon_ask *asked = ht_mastodon_ask_start(&options);
    assert_non_null(asked);
    assert_int_equal(answer->count, 0);
    return asked;
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        int code;
    } cases[] = {
        {200, "[1]", 0},
        {404, "{}", 0},
        {200, "longer than it may be", HT_ETOOBIG},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct live_world world = {0};
        struct answer answer = {0};
        live_world_start(&world);
        live_world_expect(&world, &(struct live_world_exchange){
                                      .head_parts = {"GET / ", "Authorization: Bearer abc",
                                                     "Accept: application/json"},
                                      .status = cases[i].status,
                                      .body = ht_slice_text(cases[i].body)});
        ask(&world, &answer, world.url);
        for (unsigned tries = 0; answer.count == 0 && tries < 2000; tries++) {
            live_world_run_for(&world, 1);
        }
        assert_int_equal(answer.count, 1);
        assert_int_equal(answer.code, cases[i].code);
        if (cases[i].code == 0) {
            assert_int_equal(answer.status, cases[i].status);
            assert_string_equal(answer.body, cases[i].body);
        }
        live_world_finish(&world);
    }
}

static void test_address_that_is_none(void **state)
{
    (void)state;
    struct live_world world = {0};
    struct answer answer = {0};
    live_world_start(&world);
    ask(&world, &answer, "nonsense://");
    for (unsigned tries = 0; answer.count == 0 && tries < 2000; tries++) {
        live_world_run_for(&world, 1);
    }
    assert_int_equal(answer.count, 1);
    assert_int_not_equal(answer.code, 0);
    live_world_finish(&world);
}

static void test_forgotten(void **state)
{
    (void)state;
    struct live_world world = {0};
    struct answer answer = {0};
    live_world_start(&world);
    ht_mastodon_ask_forget(NULL);
    ht_mastodon_ask_forget(ask(&world, &answer, "nonsense://"));
    live_world_expect(&world,
                      &(struct live_world_exchange){.is_silent = true, .ending = LIVE_WORLD_STAYS});
    struct ht_mastodon_ask *asked = ask(&world, &answer, world.url);
    live_world_await_requests(&world, 1);
    ht_mastodon_ask_forget(asked);
    live_world_run_for(&world, 5);
    assert_int_equal(answer.count, 0);
    live_world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_address_that_is_none),
        cmocka_unit_test(test_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
