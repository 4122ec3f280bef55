// SPDX-License-Identifier: MIT
#include "keys_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct keys_world world;

static void open_with_environment_keys(void)
{
    keys_world_begin(&world);
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_set(&world, "AWS_ACCESS_KEY_ID=ID");
    keys_world_set(&world, "AWS_SECRET_ACCESS_KEY=SECRET");
    keys_world_set(&world, "AWS_SESSION_TOKEN=TOKEN");
    keys_world_open(&world);
}

static void gives_the_keys_of_the_environment(void **state)
{
    struct ht_aws_credentials_request request;

    (void)state;
    open_with_environment_keys();
    assert_null(ht_aws_credentials_now(world.credentials));
    assert_int_equal(ht_aws_credentials_seconds_left(world.credentials), -1);
    keys_world_get(&world, &request);
    assert_int_equal(request.status, 0);
    assert_string_equal(request.keys->access_key_id, "ID");
    assert_string_equal(request.keys->secret_access_key, "SECRET");
    assert_string_equal(request.keys->session_token, "TOKEN");
    assert_string_equal(request.keys->origin, "environment");
    struct ht_aws_keys *now = ht_aws_credentials_now(world.credentials);
    assert_ptr_equal(now, request.keys);
    assert_true(ht_aws_credentials_seconds_left(world.credentials) == INT64_MAX);
    assert_string_equal(ht_aws_credentials_region(world.credentials), "eu-west-1");
    ht_aws_keys_release(now);
    ht_aws_keys_release(request.keys);
    keys_world_end(&world);
}

static void on_counted(struct ht_aws_credentials_request *request)
{
    unsigned *count = request->user;

    (*count)++;
}

static void all_who_wait_get_one_set(void **state)
{
    unsigned count = 0;
    struct ht_aws_credentials_request requests[3];

    (void)state;
    keys_world_begin(&world);
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_set(&world, "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:PORT/");
    keys_world_always(&world, "GET", 200,
                      "{\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"S\",\"Token\":\"T\","
                      "\"Expiration\":\"2026-01-01T06:00:00Z\"}");
    keys_world_open(&world);
    for (size_t i = 0; i < 3; i++) {
        requests[i] = (struct ht_aws_credentials_request){.done = on_counted, .user = &count};
        ht_aws_credentials_get(world.credentials, &requests[i]);
    }
    keys_world_settle(&world);
    assert_int_equal(count, 3);
    assert_int_equal(world.request_count, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(requests[i].status, 0);
        assert_ptr_equal(requests[i].keys, requests[0].keys);
    }
    for (size_t i = 0; i < 3; i++) {
        ht_aws_keys_release(requests[i].keys);
    }
    keys_world_end(&world);
}

/* Asks again from inside the answer, until it was told three times. */
static void on_told_again(struct ht_aws_credentials_request *request)
{
    unsigned *count = request->user;

    ht_aws_keys_release(request->keys);
    request->keys = NULL;
    if (++*count < 3) {
        ht_aws_credentials_get(world.credentials, request);
    }
}

static void one_may_ask_again_from_inside_the_answer(void **state)
{
    unsigned count = 0;
    struct ht_aws_credentials_request request = {.done = on_told_again, .user = &count};

    (void)state;
    open_with_environment_keys();
    ht_aws_credentials_get(world.credentials, &request);
    keys_world_settle(&world);
    assert_int_equal(count, 3);
    keys_world_end(&world);
}

static void a_request_that_is_given_up_is_told_so(void **state)
{
    unsigned count = 0;
    struct ht_aws_credentials_request kept = {.done = on_counted, .user = &count};
    struct ht_aws_credentials_request given_up = {.done = on_counted, .user = &count};

    (void)state;
    open_with_environment_keys();
    ht_aws_credentials_get(world.credentials, &given_up);
    ht_aws_credentials_get(world.credentials, &kept);
    ht_aws_credentials_cancel(world.credentials, &given_up);
    assert_int_equal(count, 0);
    keys_world_settle(&world);
    assert_int_equal(count, 2);
    assert_int_equal(given_up.status, HT_ECANCELED);
    assert_null(given_up.keys);
    assert_int_equal(kept.status, 0);
    ht_aws_keys_release(kept.keys);
    /* one that is about to be told that it has keys gives them back */
    ht_aws_credentials_get(world.credentials, &given_up);
    ht_aws_credentials_cancel(world.credentials, &given_up);
    ht_aws_credentials_cancel(world.credentials, &kept); /* not running: left alone */
    keys_world_settle(&world);
    assert_int_equal(count, 3);
    assert_int_equal(given_up.status, HT_ECANCELED);
    keys_world_end(&world);
}

static void closing_gives_up_what_waits(void **state)
{
    unsigned count = 0;
    struct ht_aws_credentials_request request = {.done = on_counted, .user = &count};

    (void)state;
    open_with_environment_keys();
    ht_aws_credentials_get(world.credentials, &request);
    keys_world_end(&world);
    assert_int_equal(count, 1);
    assert_int_equal(request.status, HT_ECANCELED);
    ht_aws_credentials_close(NULL, NULL, NULL);
}

static void refused_keys_are_read_anew_from_the_file(void **state)
{
    struct ht_aws_credentials_request before, after;

    (void)state;
    keys_world_begin(&world);
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_write(&world, "credentials",
                     "[default]\naws_access_key_id=OLD\naws_secret_access_key=S1\n");
    keys_world_open(&world);
    keys_world_get(&world, &before);
    assert_string_equal(before.keys->access_key_id, "OLD");
    keys_world_write(&world, "credentials",
                     "[default]\naws_access_key_id=NEW\naws_secret_access_key=S2\n");
    ht_aws_credentials_refuse(world.credentials, before.keys); /* too soon: nothing better */
    struct ht_aws_keys *now = ht_aws_credentials_now(world.credentials);
    assert_ptr_equal(now, before.keys);
    ht_aws_keys_release(now);
    ht_manual_clock_advance_ms(&world.clock, 10000);
    ht_aws_credentials_refuse(world.credentials, before.keys);
    assert_null(ht_aws_credentials_now(world.credentials));
    keys_world_get(&world, &after);
    assert_string_equal(after.keys->access_key_id, "NEW");
    assert_string_equal(after.keys->secret_access_key, "S2");
    ht_manual_clock_advance_ms(&world.clock, 10000);
    ht_aws_credentials_refuse(world.credentials, before.keys); /* a newer set is there already */
    now = ht_aws_credentials_now(world.credentials);
    assert_ptr_equal(now, after.keys);
    ht_aws_keys_release(now);
    ht_aws_keys_release(before.keys);
    ht_aws_keys_release(after.keys);
    keys_world_end(&world);
}

static void after_a_failure_the_same_answer_for_a_moment(void **state)
{
    struct ht_aws_credentials_request request;

    (void)state;
    keys_world_begin(&world);
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_write(&world, "config", "[default]\nsso_session=x\n");
    keys_world_open(&world);
    keys_world_get(&world, &request);
    assert_int_equal(request.status, HT_EUNSUPPORTED);
    assert_non_null(strstr(request.error.text, "export-credentials"));
    keys_world_write(&world, "config",
                     "[default]\naws_access_key_id=ID\naws_secret_access_key=S\n");
    keys_world_get(&world, &request);
    assert_int_equal(request.status, HT_EUNSUPPORTED);
    ht_manual_clock_advance_ms(&world.clock, 600);
    keys_world_get(&world, &request);
    assert_int_equal(request.status, 0);
    ht_aws_keys_release(request.keys);
    keys_world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_keys_of_the_environment),
        cmocka_unit_test(all_who_wait_get_one_set),
        cmocka_unit_test(one_may_ask_again_from_inside_the_answer),
        cmocka_unit_test(a_request_that_is_given_up_is_told_so),
        cmocka_unit_test(closing_gives_up_what_waits),
        cmocka_unit_test(refused_keys_are_read_anew_from_the_file),
        cmocka_unit_test(after_a_failure_the_same_answer_for_a_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
