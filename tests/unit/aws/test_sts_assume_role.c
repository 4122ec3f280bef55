// SPDX-License-Identifier: MIT
#include "../../../src/aws/sts_assume_role.h"

#include "keys_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct keys_world world;

#define ANSWER(action, id, expires)                                                                \
    "<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" action             \
    "Result><Credentials><AccessKeyId>" id "</AccessKeyId><SecretAccessKey>SECRET&amp;2"           \
    "</SecretAccessKey><SessionToken>SECRETTOKEN==</SessionToken><Expiration>" expires             \
    "</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId>"               \
    "<Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn></AssumedRoleUser></" action             \
    "Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></" action "Response>"
#define REFUSAL(code)                                                                              \
    "<ErrorResponse><Error><Type>Sender</Type><Code>" code "</Code><Message>No.</Message></Error>" \
    "<RequestId>r-9</RequestId></ErrorResponse>"

static char arn[] = "arn:aws:iam::123456789012:role/r";
static char session_name[] = "me+you";
static char external_id[] = "a b&c";
static char duration_s[] = "900";

static void formats_the_form(void **state)
{
    struct ht_aws_role plain = {.arn = arn};
    struct ht_aws_role full = {.arn = arn,
                               .session_name = session_name,
                               .external_id = external_id,
                               .duration_s = duration_s};
    struct ht_aws_keys keys = {.references = 1};
    struct ht_buffer body;

    (void)state;
    ht_buffer_init(&body, 1000);
    struct ht_sts_assume_role op = {.role = &full, .keys = &keys};
    assert_int_equal(ht_sts_assume_role_format(&op, 5, &body), 0);
    assert_string_equal(body.data, "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A"
                                   "%3A123456789012%3Arole%2Fr&RoleSessionName=me%2Byou&"
                                   "DurationSeconds=900&ExternalId=a%20b%26c");
    ht_buffer_clear(&body);
    op = (struct ht_sts_assume_role){.role = &plain, .web_identity_token = HT_SLICE("a.b/c")};
    assert_int_equal(ht_sts_assume_role_format(&op, 1767225600, &body), 0);
    assert_string_equal(body.data, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn="
                                   "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName="
                                   "hashtagd-1767225600&WebIdentityToken=a.b%2Fc");
    ht_buffer_finish(&body);
    ht_buffer_init(&body, 50);
    assert_int_equal(ht_sts_assume_role_format(&op, 5, &body), HT_ETOOBIG);
    ht_buffer_finish(&body);
}

static void reads_the_answer_and_refuses_half_of_it(void **state)
{
    static const char answer[] = ANSWER("AssumeRole", "ASIA1", "2026-03-01T13:00:00Z");
    struct ht_aws_keys *keys;
    struct ht_error error;

    (void)state;
    assert_int_equal(ht_sts_assume_role_parse(ht_slice_text(answer), "role", &keys, &error), 0);
    assert_string_equal(keys->access_key_id, "ASIA1");
    assert_string_equal(keys->secret_access_key, "SECRET&2");
    assert_string_equal(keys->session_token, "SECRETTOKEN==");
    assert_string_equal(keys->account_id, "123456789012");
    assert_int_equal(keys->expires_s, 1772370000);
    ht_aws_keys_release(keys);
    for (size_t length = 0; length < sizeof answer - 1; length++) {
        int status = ht_sts_assume_role_parse(ht_slice_make(answer, length), "role", &keys, &error);
        assert_int_equal(status, HT_EPARSE);
        assert_null(strstr(error.text, "SECRET"));
    }
    assert_int_equal(ht_sts_assume_role_parse(HT_SLICE("<a/>"), "role", &keys, &error), HT_EPARSE);
    assert_int_equal(
        ht_sts_assume_role_parse(HT_SLICE("<a><b><Credentials><Expiration>2026-03-01T13:00:00Z"
                                          "</Expiration></Credentials></b></a>"),
                                 "role", &keys, &error),
        HT_EINVAL);
}

static void begin(const char *config)
{
    keys_world_begin(&world);
    keys_world_set(&world, "AWS_REGION=eu-west-1");
    keys_world_set(&world, "AWS_ENDPOINT_URL_STS=http://127.0.0.1:PORT");
    keys_world_write(&world, "config", config);
    world.is_hasty = true;
}

static void roles_are_assumed_one_with_the_others_keys(void **state)
{
    struct ht_aws_credentials_request request;

    (void)state;
    begin("[default]\nrole_arn=arn:outer\nsource_profile=b\nexternal_id=E\n"
          "[profile b]\nrole_arn=arn:inner\nsource_profile=c\n"
          "[profile c]\naws_access_key_id=AKID\naws_secret_access_key=SECRET\n");
    keys_world_answer(&world, "*RoleArn=arn%3Ainner", 200,
                      ANSWER("AssumeRole", "INNER", "2026-01-01T01:00:00Z"));
    keys_world_answer(&world, "*RoleArn=arn%3Aouter", 200,
                      ANSWER("AssumeRole", "OUTER", "2026-01-01T01:00:00Z"));
    keys_world_open(&world);
    keys_world_get(&world, &request);
    assert_int_equal(request.status, 0);
    assert_string_equal(request.keys->access_key_id, "OUTER");
    assert_string_equal(request.keys->origin, "role arn:outer");
    assert_int_equal(world.request_count, 2);
    assert_non_null(strstr(world.requests[0], "Credential=AKID/20260101/eu-west-1/sts/"));
    assert_null(strstr(world.requests[0], "X-Amz-Security-Token"));
    assert_non_null(strstr(world.requests[1], "Credential=INNER/20260101/eu-west-1/sts/"));
    assert_non_null(strstr(world.requests[1], "X-Amz-Security-Token: SECRETTOKEN=="));
    assert_non_null(strstr(world.requests[1], "ExternalId=E"));
    assert_non_null(strstr(world.requests[1], "Content-Type: application/x-www-form-urlencoded"));
    ht_aws_keys_release(request.keys);
    keys_world_end(&world);
}

static void a_web_identity_is_not_signed(void **state)
{
    struct ht_aws_credentials_request request;

    (void)state;
    begin("");
    keys_world_set(&world, "AWS_ROLE_ARN=arn:pod");
    keys_world_set(&world, "AWS_ROLE_SESSION_NAME=pod-1");
    keys_world_set(&world, "AWS_WEB_IDENTITY_TOKEN_FILE=FOLDER/jwt");
    keys_world_write(&world, "jwt", "ey.J.wt\n");
    keys_world_answer(&world, "POST", 400, REFUSAL("IDPCommunicationError")); /* once more */
    keys_world_answer(&world, "*WebIdentityToken=ey.J.wt", 200,
                      ANSWER("AssumeRoleWithWebIdentity", "POD", "2026-01-01T01:00:00Z"));
    keys_world_open(&world);
    keys_world_get(&world, &request);
    assert_int_equal(request.status, 0);
    assert_string_equal(request.keys->access_key_id, "POD");
    assert_string_equal(request.keys->account_id, "123456789012");
    assert_null(strstr(world.requests[1], "Authorization"));
    assert_non_null(strstr(world.requests[1], "RoleSessionName=pod-1"));
    ht_aws_keys_release(request.keys);
    keys_world_end(&world);
}

static void refusals_name_role_code_request_and_cure(void **state)
{
    static const struct {
        int http_status;
        const char *answer;
        int status;
        const char *expected[3];
    } rows[] = {
        {403,
         REFUSAL("AccessDenied"),
         HT_EPERMISSION,
         {"AccessDenied", "request id r-9", "trust policy"}},
        {400,
         REFUSAL("ExpiredTokenException"),
         HT_EPERMISSION,
         {"ExpiredTokenException", "arn:x", "stale"}},
        {403,
         REFUSAL("RegionDisabledException"),
         HT_EPERMISSION,
         {"RegionDisabledException", "arn:x", "another region"}},
        {403,
         REFUSAL("RequestExpired"),
         HT_EPERMISSION,
         {"RequestExpired", "arn:x", "this machine's clock"}},
        {403, "<html>SECRET", HT_EPERMISSION, {"status 403", "arn:x", ""}},
        {500, "", HT_EIO, {"status 500", "arn:x", ""}},
        {200, "<half>", HT_EPARSE, {"cut off", "", ""}},
        {200,
         ANSWER("AssumeRole", "I", "2025-01-01T01:00:00Z"),
         HT_EPERMISSION,
         {"expired at 2025", "arn:x", ""}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ht_aws_credentials_request request;
        begin("[default]\nrole_arn=arn:x\nsource_profile=default\naws_access_key_id=AKID\n"
              "aws_secret_access_key=SECRET\n");
        keys_world_always(&world, "POST", rows[i].http_status, rows[i].answer);
        keys_world_open(&world);
        keys_world_get(&world, &request);
        if (request.status != rows[i].status) {
            fail_msg("row %zu: status %d, \"%s\"", i, request.status, request.error.text);
        }
        for (size_t word = 0; word < 3; word++) {
            if (strstr(request.error.text, rows[i].expected[word]) == NULL) {
                fail_msg("row %zu: \"%s\" does not say \"%s\"", i, request.error.text,
                         rows[i].expected[word]);
            }
        }
        assert_null(strstr(request.error.text, "SECRETTOKEN"));
        assert_null(strstr(request.error.text, "AKID"));
        keys_world_end(&world);
    }
}

static void without_a_region_there_is_no_sts(void **state)
{
    struct ht_aws_credentials_request request;

    (void)state;
    keys_world_begin(&world);
    keys_world_set(&world, "AWS_EC2_METADATA_DISABLED=true");
    keys_world_write(&world, "config",
                     "[default]\nrole_arn=arn:x\nsource_profile=default\naws_access_key_id=AKID\n"
                     "aws_secret_access_key=SECRET\n");
    keys_world_open(&world);
    keys_world_get(&world, &request);
    assert_int_equal(request.status, HT_EINVAL);
    assert_non_null(strstr(request.error.text, "AWS_REGION"));
    assert_non_null(strstr(request.error.text, "arn:x"));
    keys_world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_the_form),
        cmocka_unit_test(reads_the_answer_and_refuses_half_of_it),
        cmocka_unit_test(roles_are_assumed_one_with_the_others_keys),
        cmocka_unit_test(a_web_identity_is_not_signed),
        cmocka_unit_test(refusals_name_role_code_request_and_cure),
        cmocka_unit_test(without_a_region_there_is_no_sts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
