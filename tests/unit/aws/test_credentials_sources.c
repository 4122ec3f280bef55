// SPDX-License-Identifier: MIT
#include "keys_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct keys_world world;

#define KEYS_BODY(id, expires)                                                                     \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"SECRET\","             \
    "\"Token\":\"SECRETTOKEN\",\"Expiration\":\"" expires "\"}"
#define NAME_60   "a-name-that-is-sixty-bytes-long-as-some-administrators-love"
#define TOKEN_PUT "PUT /latest/api/token"
#define ROLE_GET  "GET /latest/meta-data/iam/security-credentials/|"
#define KEYS_GET  "GET /latest/meta-data/iam/security-credentials/"

static void expect_keys(const char *id)
{
    struct ht_aws_credentials_request request;

    keys_world_get(&world, &request);
    if (request.status != 0) {
        fail_msg("%s", request.error.text);
    }
    assert_string_equal(request.keys->access_key_id, id);
    ht_aws_keys_release(request.keys);
}

static void expect_failure(int status, const char *first, const char *second)
{
    struct ht_aws_credentials_request request;

    keys_world_get(&world, &request);
    if (request.status != status || strstr(request.error.text, first) == NULL ||
        strstr(request.error.text, second) == NULL) {
        fail_msg("status %d, \"%s\"", request.status, request.error.text);
    }
    assert_null(strstr(request.error.text, "SECRET"));
    assert_null(request.keys);
}

/* --- instance metadata --- */

static void begin_instance(void)
{
    keys_world_begin(&world);
    keys_world_set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:PORT/");
}

static void the_instance_gives_keys_and_region(void **state)
{
    (void)state;
    begin_instance();
    keys_world_always(&world, TOKEN_PUT, 200, "IMDSTOKEN");
    keys_world_always(&world, "GET /latest/meta-data/placement/region", 200, "eu-north-1");
    keys_world_always(&world, ROLE_GET, 200, "my+role\r\nother\r\n");
    keys_world_always(&world, KEYS_GET "my%2Brole|", 200,
                      KEYS_BODY("INSTANCE", "2026-01-01T06:00:00Z"));
    keys_world_open(&world);
    assert_null(ht_aws_credentials_region(world.credentials));
    expect_keys("INSTANCE");
    assert_string_equal(ht_aws_credentials_region(world.credentials), "eu-north-1");
    assert_true(ht_aws_credentials_seconds_left(world.credentials) == 6 * 3600);
    assert_non_null(strstr(world.requests[0], "x-aws-ec2-metadata-token-ttl-seconds: 21600"));
    for (size_t i = 1; i < world.request_count; i++) {
        bool is_token = strncmp(world.requests[i], "PUT", 3) == 0;
        assert_true(is_token ||
                    strstr(world.requests[i], "x-aws-ec2-metadata-token: IMDSTOKEN") != NULL);
    }
    keys_world_end(&world);
}

static void an_old_token_is_replaced_once(void **state)
{
    (void)state;
    begin_instance();
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_always(&world, TOKEN_PUT, 200, "IMDSTOKEN");
    keys_world_answer(&world, ROLE_GET, 401, "");
    keys_world_always(&world, ROLE_GET, 200, "r");
    keys_world_always(&world, KEYS_GET "r|", 200, KEYS_BODY("INSTANCE", "2026-01-01T06:00:00Z"));
    keys_world_open(&world);
    expect_keys("INSTANCE");
    assert_int_equal(keys_world_asked(&world, TOKEN_PUT), 2);
    keys_world_end(&world);

    begin_instance();
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_always(&world, TOKEN_PUT, 200, "IMDSTOKEN");
    keys_world_always(&world, ROLE_GET, 401, "");
    keys_world_open(&world);
    expect_failure(HT_ENOTFOUND, "status 401", "AWS_ACCESS_KEY_ID is not set");
    assert_int_equal(keys_world_asked(&world, TOKEN_PUT), 2);
    keys_world_end(&world);
}

static void each_way_in_which_the_instance_has_none(void **state)
{
    static const struct {
        int token_status, role_status, keys_status;
        const char *token, *role, *keys, *expected;
    } rows[] = {
        {403, 0, 0, "", "", "", "--http-endpoint enabled"},
        {404, 0, 0, "", "", "", "status 404"},
        {500, 0, 0, "", "", "", "status 500"},
        {200, 0, 0, "", "", "", "gave no token"},
        {200, 404, 0, "t", "", "", "Attach an instance profile"},
        {200, 200, 0, "t", "\n", "", "Attach an instance profile"},
        {200, 200, 404, "t", "r", "", "status 404"},
        {200, 200, 200, "t", "r", "{\"Code\":\"Failed\"}", "\"Failed\""},
        {200, 200, 200, "t", "r", "{\"Code\":\"Success\"}", "no access key id"},
        {200, 200, 200, "t", "r", "<html>SECRET", "not JSON"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin_instance();
        keys_world_set(&world, "AWS_REGION=eu-west-1");
        keys_world_always(&world, TOKEN_PUT, rows[i].token_status, rows[i].token);
        keys_world_always(&world, ROLE_GET, rows[i].role_status, rows[i].role);
        keys_world_always(&world, KEYS_GET "r|", rows[i].keys_status, rows[i].keys);
        keys_world_open(&world);
        expect_failure(HT_ENOTFOUND, "No AWS credentials were found", rows[i].expected);
        keys_world_end(&world);
    }
}

/* The cure is at the end, and has room there for who asked, with a long profile's name too. */
static void expect_whole_cure(const char *cure)
{
    struct ht_aws_credentials_request request;

    keys_world_get(&world, &request);
    size_t length = strlen(request.error.text);
    assert_true(length > strlen(cure) && length <= 420);
    assert_string_equal(request.error.text + length - strlen(cure), cure);
}

static void a_cure_that_is_a_command_is_told_whole(void **state)
{
    (void)state;
    begin_instance();
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_write(&world, "config", "[profile " NAME_60 "]\n");
    keys_world_set(&world, "AWS_PROFILE=" NAME_60);
    keys_world_always(&world, TOKEN_PUT, 403, "");
    keys_world_open(&world);
    expect_whole_cure("aws ec2 modify-instance-metadata-options --instance-id ID --http-endpoint "
                      "enabled");
    keys_world_end(&world);
}

static void a_silent_instance_is_told_with_the_hop_limit(void **state)
{
    (void)state;
    world.uses_system_clock = true;
    begin_instance();
    keys_world_always(&world, TOKEN_PUT, 0, "");
    keys_world_open(&world);
    expect_failure(HT_ENOTFOUND, "--http-put-response-hop-limit 2", "AWS_EC2_METADATA_DISABLED");
    expect_whole_cure("aws ec2 modify-instance-metadata-options --instance-id ID "
                      "--http-put-response-hop-limit 2");
    /* not asked a second time, for the keys */
    assert_int_equal(keys_world_asked(&world, TOKEN_PUT), 1);
    assert_null(ht_aws_credentials_region(world.credentials));
    keys_world_end(&world);
    world.uses_system_clock = false;
}

static void an_instance_that_is_turned_off_is_not_asked(void **state)
{
    (void)state;
    begin_instance();
    keys_world_set(&world, "AWS_EC2_METADATA_DISABLED=True");
    keys_world_open(&world);
    expect_failure(HT_ENOTFOUND, "turned off", "AWS_EC2_METADATA_DISABLED");
    assert_int_equal(world.request_count, 0);
    keys_world_end(&world);
}

static void expired_keys_of_the_instance_are_used_on(void **state)
{
    (void)state;
    begin_instance();
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_always(&world, TOKEN_PUT, 200, "IMDSTOKEN");
    keys_world_always(&world, ROLE_GET, 200, "r");
    keys_world_always(&world, KEYS_GET "r|", 200, KEYS_BODY("LATE", "2025-12-31T23:00:00Z"));
    keys_world_open(&world);
    expect_keys("LATE");
    assert_in_range(ht_aws_credentials_seconds_left(world.credentials), 17 * 60, 25 * 60);
    keys_world_end(&world);
}

static void keys_of_an_instance_outlive_trouble_with_their_renewal(void **state)
{
    (void)state;
    begin_instance();
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_answer(&world, TOKEN_PUT, 200, "IMDSTOKEN");
    keys_world_always(&world, ROLE_GET, 200, "r");
    keys_world_always(&world, KEYS_GET "r|", 200, KEYS_BODY("INSTANCE", "2026-01-01T01:00:00Z"));
    keys_world_open(&world);
    expect_keys("INSTANCE");
    keys_world_always(&world, TOKEN_PUT, 500, "");
    ht_manual_clock_advance_ms(&world.clock, 61 * 60 * 1000);
    expect_keys("INSTANCE");
    assert_in_range(ht_aws_credentials_seconds_left(world.credentials), 17 * 60, 25 * 60);
    keys_world_end(&world);
}

/* --- container endpoint --- */

static void begin_container(void)
{
    keys_world_begin(&world);
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_set(&world, "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:PORT/v1/c?x=y");
    world.is_hasty = true;
}

static void the_token_file_is_read_each_time(void **state)
{
    struct ht_aws_credentials_request request;

    (void)state;
    begin_container();
    keys_world_set(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=FOLDER/token");
    keys_world_write(&world, "token", "first\n");
    keys_world_always(&world, "*Authorization: first|", 200,
                      KEYS_BODY("ONE", "2026-01-01T06:00:00Z"));
    keys_world_always(&world, "*Authorization: second|", 200,
                      KEYS_BODY("TWO", "2026-01-01T06:00:00Z"));
    keys_world_open(&world);
    keys_world_get(&world, &request);
    assert_string_equal(request.keys->access_key_id, "ONE");
    assert_non_null(strstr(world.requests[0], "GET /v1/c?x=y|"));
    assert_non_null(strstr(world.requests[0], "Accept: application/json"));
    keys_world_write(&world, "token", "second");
    ht_manual_clock_advance_ms(&world.clock, 10000);
    ht_aws_credentials_refuse(world.credentials, request.keys);
    ht_aws_keys_release(request.keys);
    expect_keys("TWO");
    keys_world_end(&world);
}

static void the_container_is_asked_three_times(void **state)
{
    (void)state;
    begin_container();
    keys_world_set(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN=plain");
    keys_world_answer(&world, "GET", 500, "");
    keys_world_answer(&world, "GET", 503, "");
    keys_world_answer(&world, "*Authorization: plain|", 200,
                      KEYS_BODY("THIRD", "2026-01-01T06:00:00Z"));
    keys_world_open(&world);
    expect_keys("THIRD");
    keys_world_end(&world);

    begin_container();
    keys_world_always(&world, "GET", 500, "SECRET");
    keys_world_open(&world);
    expect_failure(HT_EIO, "status 500", "/v1/c");
    assert_int_equal(world.request_count, 3);
    keys_world_end(&world);
}

static void the_containers_refusals_are_told(void **state)
{
    (void)state;
    begin_container();
    keys_world_always(&world, "GET", 403, "SECRET");
    keys_world_open(&world);
    expect_failure(HT_EPERMISSION, "status 403", "pod identity");
    assert_int_equal(world.request_count, 1);
    keys_world_end(&world);

    begin_container();
    keys_world_set(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=FOLDER/nothing");
    keys_world_open(&world);
    expect_failure(HT_ENOTFOUND, "container endpoint", "nothing");
    assert_int_equal(world.request_count, 0);
    keys_world_end(&world);

    begin_container();
    keys_world_always(&world, "GET", 200, KEYS_BODY("OLD", "2025-12-31T23:59:59Z"));
    keys_world_open(&world);
    expect_failure(HT_EPERMISSION, "expired at 2025-12-31T23:59:59", "clock");
    keys_world_end(&world);
}

/* --- credential_process --- */

static void begin_process(const char *script, const char *arguments)
{
    char config[400];

    world.uses_system_clock = true;
    keys_world_begin(&world);
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_write(&world, "tool", script);
    snprintf(config, sizeof config, "[default]\ncredential_process = \"FOLDER/tool\" %s\n",
             arguments);
    keys_world_write(&world, "config", config);
    keys_world_open(&world);
}

static void a_program_gives_keys(void **state)
{
    (void)state;
    begin_process("#!/bin/sh\nprintf '{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":"
                  "\"SECRET\"}' \"$1\"\necho SECRET >&2\n",
                  "'ID 1$HOME'");
    expect_failure(HT_EINVAL, "access key id of credential_process of the profile default",
                   "blank"); /* the argument came as it was written */
    keys_world_end(&world);
    begin_process("#!/bin/sh\nprintf '{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":"
                  "\"SECRET\"}' \"$1\"\n",
                  "ID1");
    expect_keys("ID1");
    keys_world_end(&world);
    world.uses_system_clock = false;
}

static void a_program_fails_in_many_ways(void **state)
{
    static const struct {
        int status;
        const char *script, *arguments, *first, *second;
    } rows[] = {
        {HT_EPERMISSION, "#!/bin/sh\necho SECRET; echo no session >&2; exit 3\n", "",
         "exit status 3", "no session"},
        {HT_EPERMISSION, "#!/bin/sh\necho SECRET; exit 1\n", "", "exit status 1", "nothing"},
        {HT_EPERMISSION, "#!/bin/sh\nkill -9 $$\n", "", "signal 9", "profile default"},
        {HT_EPARSE, "#!/bin/sh\n", "", "not JSON", "profile default"},
        {HT_EPARSE, "#!/bin/sh\necho SECRET\n", "", "not JSON", "profile default"},
        {HT_EPARSE, "#!/bin/sh\necho '{\"Version\":2}'\n", "", "Version", "profile default"},
        {HT_EINVAL, "#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"SECRET\"}'\n", "",
         "no secret access key", "profile default"},
        {HT_EPERMISSION,
         "#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"I\",\"SecretAccessKey\":\"SECRET\","
         "\"Expiration\":\"2001-01-01T00:00:00Z\"}'\n",
         "", "expired at 2001", "credential_process"},
        {HT_ETOOBIG, "#!/bin/sh\nwhile :; do echo SECRET; done\n", "", "printed more",
         "profile default"},
        {HT_EINVAL, "#!/nowhere/sh\n", "", "cannot be run", "no such file"},
        {HT_EINVAL, "#!/bin/sh\n", "'SECRET", "quote", "profile default"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin_process(rows[i].script, rows[i].arguments);
        expect_failure(rows[i].status, rows[i].first, rows[i].second);
        keys_world_end(&world);
    }
    world.uses_system_clock = false;
}

static void closing_ends_the_program(void **state)
{
    (void)state;
    begin_process("#!/bin/sh\nsleep 100\n", "");
    assert_null(ht_aws_credentials_now(world.credentials));
    keys_world_settle(&world);
    keys_world_end(&world);
    world.uses_system_clock = false;
}

/* --- refresh --- */

static void begin_hour(void)
{
    begin_container();
    keys_world_answer(&world, "GET", 200, KEYS_BODY("FIRST", "2026-01-01T01:00:00Z"));
    keys_world_open(&world);
    expect_keys("FIRST");
    world.is_hasty = false;
}

static const char *now(void)
{
    struct ht_aws_keys *keys = ht_aws_credentials_now(world.credentials);
    static char id[40];

    if (keys == NULL) {
        return "none";
    }
    snprintf(id, sizeof id, "%s", keys->access_key_id);
    ht_aws_keys_release(keys);
    return id;
}

static void keys_are_fetched_anew_before_they_expire(void **state)
{
    (void)state;
    begin_hour();
    ht_manual_clock_advance_ms(&world.clock, 38 * 60 * 1000);
    keys_world_settle(&world);
    assert_int_equal(world.request_count, 1);
    keys_world_answer(&world, "GET", 200, KEYS_BODY("SECOND", "2026-01-01T02:00:00Z"));
    ht_manual_clock_advance_ms(&world.clock, 8 * 60 * 1000); /* 14 minutes are left */
    assert_string_equal(now(), "FIRST");                     /* nobody waits */
    keys_world_settle(&world);
    assert_string_equal(now(), "SECOND");
    assert_int_equal(world.request_count, 2);
    keys_world_end(&world);
}

static void near_the_end_requests_wait_for_new_keys(void **state)
{
    (void)state;
    begin_hour();
    keys_world_answer(&world, "GET", 200, KEYS_BODY("SECOND", "2026-01-01T02:00:00Z"));
    ht_manual_clock_advance_ms(&world.clock, 55 * 60 * 1000);
    assert_string_equal(now(), "none");
    expect_keys("SECOND");
    keys_world_end(&world);
}

static void old_keys_are_used_until_they_expire(void **state)
{
    (void)state;
    begin_hour();
    keys_world_always(&world, "GET", 403, "");
    ht_manual_clock_advance_ms(&world.clock, 55 * 60 * 1000);
    assert_string_equal(now(), "none"); /* the first of all waits */
    expect_keys("FIRST");               /* the run failed */
    assert_string_equal(now(), "FIRST");
    ht_manual_clock_advance_ms(&world.clock, 5 * 60 * 1000);
    assert_string_equal(now(), "none");
    expect_failure(HT_EPERMISSION, "status 403", "container");
    assert_int_equal(ht_aws_credentials_seconds_left(world.credentials), 0);
    keys_world_end(&world);
}

static void a_background_run_that_failed_is_repeated(void **state)
{
    (void)state;
    begin_hour();
    keys_world_answer(&world, "GET", 403, "");
    keys_world_answer(&world, "GET", 200, KEYS_BODY("SECOND", "2026-01-01T02:00:00Z"));
    ht_manual_clock_advance_ms(&world.clock, 46 * 60 * 1000);
    keys_world_settle(&world);
    assert_int_equal(world.request_count, 2);
    assert_string_equal(now(), "FIRST");
    ht_manual_clock_advance_ms(&world.clock, 1100);
    keys_world_settle(&world);
    assert_int_equal(world.request_count, 3);
    assert_string_equal(now(), "SECOND");
    keys_world_end(&world);
}

static void a_region_that_is_not_known_is_asked_for_again(void **state)
{
    (void)state;
    begin_instance();
    keys_world_set(&world, "AWS_ACCESS_KEY_ID=ID");
    keys_world_set(&world, "AWS_SECRET_ACCESS_KEY=SECRET");
    keys_world_answer(&world, TOKEN_PUT, 503, "");
    keys_world_always(&world, TOKEN_PUT, 200, "IMDSTOKEN");
    keys_world_always(&world, "GET /latest/meta-data/placement/region", 200, "eu-north-1\n");
    keys_world_open(&world);
    expect_keys("ID");
    assert_null(ht_aws_credentials_region(world.credentials));
    ht_manual_clock_advance_ms(&world.clock, 61000);
    keys_world_settle(&world);
    assert_string_equal(ht_aws_credentials_region(world.credentials), "eu-north-1");
    keys_world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_instance_gives_keys_and_region),
        cmocka_unit_test(an_old_token_is_replaced_once),
        cmocka_unit_test(each_way_in_which_the_instance_has_none),
        cmocka_unit_test(a_cure_that_is_a_command_is_told_whole),
        cmocka_unit_test(a_silent_instance_is_told_with_the_hop_limit),
        cmocka_unit_test(an_instance_that_is_turned_off_is_not_asked),
        cmocka_unit_test(expired_keys_of_the_instance_are_used_on),
        cmocka_unit_test(keys_of_an_instance_outlive_trouble_with_their_renewal),
        cmocka_unit_test(the_token_file_is_read_each_time),
        cmocka_unit_test(the_container_is_asked_three_times),
        cmocka_unit_test(the_containers_refusals_are_told),
        cmocka_unit_test(a_program_gives_keys),
        cmocka_unit_test(a_program_fails_in_many_ways),
        cmocka_unit_test(closing_ends_the_program),
        cmocka_unit_test(keys_are_fetched_anew_before_they_expire),
        cmocka_unit_test(near_the_end_requests_wait_for_new_keys),
        cmocka_unit_test(old_keys_are_used_until_they_expire),
        cmocka_unit_test(a_background_run_that_failed_is_repeated),
        cmocka_unit_test(a_region_that_is_not_known_is_asked_for_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
