// SPDX-License-Identifier: MIT
#include "hashtagd/aws/client.h"

#include "hashtagd/base/assert.h"

#include "aws_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define CALLS_MAX 8

struct test;

/* One call and what became of it. */
struct tried {
    struct ht_aws_call call;
    struct test *test;
    unsigned done_count;
    char answer[128];
    char date[64];
};

struct test {
    struct aws_world world;
    struct tried calls[CALLS_MAX];
    unsigned started, done;
    bool is_done, is_inside, was_inside;
};

static void on_done(struct ht_aws_call *call)
{
    struct tried *tried = call->user;
    struct test *test = tried->test;

    test->was_inside |= test->is_inside;
    tried->done_count++;
    snprintf(tried->answer, sizeof tried->answer, "%s",
             call->answer.data == NULL ? "" : call->answer.data);
    struct ht_slice date =
        ht_http_header_find(call->answer_headers, call->answer_header_count, "Date");
    snprintf(tried->date, sizeof tried->date, "%.*s", (int)date.length, date.data);
    assert_false(ht_aws_call_is_running(call));
    test->is_done = ++test->done == test->started;
}

static struct ht_aws_call *start(struct test *test, struct ht_aws_call what)
{
    struct tried *tried = &test->calls[test->started++];

    tried->test = test;
    tried->call = what;
    tried->call.operation = what.operation == NULL ? "UpdateItem" : what.operation;
    tried->call.resource = "table hashtags";
    tried->call.done = on_done;
    tried->call.user = tried;
    test->is_done = false;
    test->is_inside = true;
    ht_aws_call_start(test->world.aws, &tried->call);
    test->is_inside = false;
    assert_true(ht_aws_call_is_running(&tried->call));
    return &tried->call;
}

static struct ht_aws_call *start_update(struct test *test)
{
    return start(test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB, .body = HT_SLICE("{}")});
}

static void run(struct test *test)
{
    assert_true(aws_world_run_until(&test->world, &test->is_done));
}

static int set_up(void **state)
{
    struct test *test = calloc(1, sizeof *test);

    test->world.is_hasty = true;
    aws_world_start(&test->world);
    *state = test;
    return 0;
}

static int tear_down(void **state)
{
    struct test *test = *state;

    aws_world_finish(&test->world);
    for (unsigned i = 0; i < test->started; i++) {
        assert_int_equal(test->calls[i].done_count, 1);
    }
    assert_false(test->was_inside);
    free(test);
    return 0;
}

static void test_answer(void **state)
{
    struct test *test = *state;

    aws_world_expect(&test->world, "UpdateItem", "{}", aws_world_json("{\"a\":1}"));
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->status, 0);
    assert_string_equal(test->calls[0].answer, "{\"a\":1}");
    assert_non_null(strstr(test->calls[0].date, "GMT"));
    assert_string_equal(call->failure.request_id, "request-1");
    assert_int_equal(call->failure.fault, HT_AWS_FAULT_NONE);
    assert_int_equal(call->attempts, 1);
}

static void test_throttle_then_success(void **state)
{
    struct test *test = *state;

    aws_world_expect(&test->world, "UpdateItem", NULL,
                     aws_world_error(400, "ProvisionedThroughputExceededException"));
    aws_world_expect(&test->world, "UpdateItem", NULL, aws_world_json("{}"));
    struct ht_aws_call *call = start_update(test);
    run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(call->attempts, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_throttle_then_success, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
