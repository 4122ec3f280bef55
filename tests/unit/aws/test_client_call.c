// SPDX-License-Identifier: MIT
#include "hashtagd/aws/client.h"

#include "hashtagd/base/assert.h"

#include "../../../src/aws/client_internal.h"
#include "../tally/failing_memory.h"
#include "client_calls.h"

static void test_broken_connection_that_rested_is_tried_at_once(void **state)
{
    struct test *test = *state;

    client_calls_start_update(test);
    client_calls_run(test);
    aws_world_drop_connections(&test->world);
    struct ht_aws_call *call = client_calls_start(
        test, (struct ht_aws_call){.service = HT_AWS_DYNAMODB, .max_attempts = 2});
    client_calls_run(test);
    assert_int_equal(call->status, 0);
    assert_int_equal(test->world.connection_count, 2);
}

static void test_connection_is_kept(void **state)
{
    struct test *test = *state;

    for (unsigned i = 0; i < 5; i++) {
        client_calls_start_update(test);
        client_calls_run(test);
    }
    assert_int_equal(test->world.connection_count, 1);
}

static void test_cancel_at_every_step(void **state)
{
    struct test *test = *state;

    /* at once, with keys and without */
    for (unsigned i = 0; i < 2; i++) {
        test->world.are_keys_late = i == 1;
        struct ht_aws_call *call = client_calls_start_update(test);
        test->is_inside = true;
        ht_aws_call_cancel(call);
        ht_aws_call_cancel(call);
        test->is_inside = false;
        client_calls_run(test);
        assert_int_equal(call->status, HT_ECANCELED);
    }
    test->world.are_keys_late = false;
    /* on the wire */
    aws_world_expect(&test->world, NULL, NULL, (struct aws_world_reply){.is_silent = true});
    struct ht_aws_call *call = client_calls_start_update(test);
    aws_world_run_for(&test->world, 20);
    assert_int_equal(aws_world_expected_count(&test->world), 0);
    ht_aws_call_cancel(call);
    client_calls_run(test);
    assert_int_equal(call->status, HT_ECANCELED);
    assert_string_equal(call->error.text, "DynamoDB UpdateItem on table hashtags: canceled");
    /* while it waits for the next attempt */
    test->world.is_hasty = false;
    aws_world_expect(
        &test->world, NULL, NULL,
        (struct aws_world_reply){.status = 500,
                                 .headers = {HT_HTTP_HEADER("x-amz-retry-after", "4000")},
                                 .header_count = 1});
    call = client_calls_start_update(test);
    while (aws_world_expected_count(&test->world) > 0) {
        aws_world_run_for(&test->world, 10);
    }
    aws_world_run_for(&test->world, 20);
    assert_true(ht_aws_call_is_running(call));
    ht_aws_call_cancel(call);
    client_calls_run(test);
    assert_int_equal(call->status, HT_ECANCELED);
    assert_int_equal(call->attempts, 1);
    ht_aws_call_cancel(call); /* nothing runs: nothing happens */
}

static void test_close_with_calls_running(void **state)
{
    struct test *test = *state;

    test->world.is_hasty = false;
    aws_world_expect(&test->world, NULL, NULL, (struct aws_world_reply){.is_silent = true});
    client_calls_start_update(test);
    while (aws_world_expected_count(&test->world) > 0) {
        aws_world_run_for(&test->world, 5);
    }
    test->world.are_keys_late = true;
    client_calls_start_update(test);
    test->is_inside = true;
    aws_world_close_client(&test->world);
    test->is_inside = false;
    test->was_inside = false; /* running the loop is in there */
    assert_int_equal(test->done, 2);
    assert_int_equal(test->calls[0].call.status, HT_ECANCELED);
    assert_int_equal(test->calls[1].call.status, HT_ECANCELED);
}

/* A call in memory that its `done` frees, as operations do, with the answer taken or not. */
struct freed {
    struct ht_aws_call call;
    struct ht_buffer *taken;
    bool *is_done;
};

static void on_done_freeing(struct ht_aws_call *call)
{
    struct freed *freed = HT_CONTAINER_OF(call, struct freed, call);

    if (freed->taken != NULL) {
        ht_aws_call_take_answer(call, freed->taken);
        assert_null(call->answer.data);
    }
    *freed->is_done = true;
    free(freed);
}

static void test_done_may_free_the_call(void **state)
{
    struct test *test = *state;
    struct ht_buffer answer = {0};

    for (unsigned i = 0; i < 2; i++) {
        struct freed *freed = calloc(1, sizeof *freed);
        bool is_done = false;
        freed->call = (struct ht_aws_call){
            .service = HT_AWS_DYNAMODB, .operation = "GetItem", .done = on_done_freeing};
        freed->taken = i == 1 ? &answer : NULL;
        freed->is_done = &is_done;
        aws_world_expect(&test->world, "GetItem", NULL, aws_world_json("{\"Item\":{}}"));
        ht_aws_call_start(test->world.aws, &freed->call);
        assert_true(aws_world_run_until(&test->world, &is_done));
    }
    assert_string_equal(answer.data, "{\"Item\":{}}");
    ht_buffer_finish(&answer);
}

static unsigned rounds;

static void on_done_again(struct ht_aws_call *call)
{
    struct test *test = call->user;

    assert_int_equal(call->status, 0);
    if (++rounds < 3) {
        ht_aws_call_start(test->world.aws, call);
    } else {
        test->is_done = true;
    }
}

static void test_done_may_start_the_call_anew(void **state)
{
    struct test *test = *state;
    struct ht_aws_call call = {
        .service = HT_AWS_KINESIS, .operation = "PutRecords", .done = on_done_again, .user = test};

    rounds = 0;
    ht_aws_call_start(test->world.aws, &call);
    client_calls_run(test);
    assert_int_equal(test->world.request_count, 3);
}

/* Hashed over several turns; the server makes the hash anew. */
static void test_large_body(void **state)
{
    struct test *test = *state;
    size_t length = 3u * 1024u * 1024u + 7;
    char *body = malloc(length);

    assert_non_null(body);
    for (size_t i = 0; i < length; i++) {
        body[i] = (char)(i * 31 + (i >> 8));
    }
    test->world.on_request = client_calls_check_signature;
    struct ht_aws_call *call = client_calls_start(
        test, (struct ht_aws_call){.service = HT_AWS_KINESIS, .body = {body, length}});
    client_calls_run(test);
    assert_int_equal(call->status, 0);
    call = client_calls_start(
        test, (struct ht_aws_call){.service = HT_AWS_KINESIS, .body = {body, length}});
    ht_aws_call_cancel(call); /* while it is hashed */
    client_calls_run(test);
    assert_int_equal(call->status, HT_ECANCELED);
    free(body);
}

/* Each allocation of a start fails once: the call ends all the same, on a later turn. */
static void test_start_without_memory(void **state)
{
    struct test *test = *state;
    bool has_failed = true;
    unsigned refused = 0;

    client_calls_start_update(test);
    client_calls_run(test);
    for (size_t allocations = 0; has_failed; allocations++) {
        test->started = test->done = 0;
        memset(test->calls, 0, sizeof test->calls);
        client_calls_start_update(test); /* so that no attempts of an earlier call are at hand */
        failing_memory_set(allocations);
        struct ht_aws_call *call = client_calls_start_update(test);
        has_failed = failing_memory_set(SIZE_MAX);
        client_calls_run(test);
        refused += call->status == HT_ENOMEM;
        assert_true(call->status == 0 || call->status == HT_ENOMEM);
        assert_true((call->status == 0) == (call->error.text[0] == '\0'));
    }
    assert_true(refused >= 5);
    assert_int_equal(ht_aws_client_counters(test->world.aws, HT_AWS_DYNAMODB)->in_flight, 0);
}

static void test_many_at_once(void **state)
{
    struct test *test = *state;

    for (unsigned i = 0; i < CALLS_MAX; i++) {
        aws_world_expect(&test->world, NULL, NULL,
                         (struct aws_world_reply){.body = HT_SLICE("{}"), .delay_ms = 5});
    }
    for (unsigned i = 0; i < CALLS_MAX; i++) {
        client_calls_start_update(test);
    }
    assert_int_equal(ht_aws_client_counters(test->world.aws, HT_AWS_DYNAMODB)->in_flight,
                     CALLS_MAX);
    client_calls_run(test);
    for (unsigned i = 0; i < CALLS_MAX; i++) {
        assert_int_equal(test->calls[i].call.status, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_broken_connection_that_rested_is_tried_at_once),
        TEST(test_connection_is_kept),
        TEST(test_cancel_at_every_step),
        TEST(test_close_with_calls_running),
        TEST(test_done_may_free_the_call),
        TEST(test_done_may_start_the_call_anew),
        TEST(test_large_body),
        TEST(test_start_without_memory),
        TEST(test_many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
