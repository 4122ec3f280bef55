// SPDX-License-Identifier: MIT
#include "endpoint_rows.h"

#include "hashtagd/aws/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void finds_every_service_where_botocore_finds_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof endpoint_rows / sizeof endpoint_rows[0]; i++) {
        const struct endpoint_row *row = &endpoint_rows[i];
        struct ht_aws_settings settings = {.uses_fips = row->uses_fips,
                                           .uses_dualstack = row->uses_dualstack};
        struct ht_error error = {0};
        struct ht_buffer url;
        ht_buffer_init(&url, 200);
        int status = ht_aws_endpoint(&settings, row->service, row->region, &url, &error);
        if (row->url == NULL) {
            assert_int_equal(status, HT_EINVAL);
            assert_non_null(strstr(error.text, "FIPS"));
        } else {
            assert_int_equal(status, 0);
            assert_string_equal(url.data, row->url);
        }
        ht_buffer_finish(&url);
    }
}

static void an_override_needs_no_region_and_keeps_no_rule(void **state)
{
    char override[] = "http://127.0.0.1:4567";
    struct ht_aws_settings settings = {.uses_fips = true, .endpoints[HT_AWS_KINESIS] = override};
    struct ht_buffer url;

    (void)state;
    ht_buffer_init(&url, 200);
    assert_int_equal(ht_aws_endpoint(&settings, HT_AWS_KINESIS, "cn-north-1", &url, NULL), 0);
    assert_string_equal(url.data, "http://127.0.0.1:4567");
    ht_buffer_finish(&url);
}

static void refuses_what_cannot_be_a_part_of_a_host(void **state)
{
    static const char *const regions[] = {"",
                                          "eu-west-1.evil.example",
                                          "eu west",
                                          "EU-WEST-1",
                                          "eu-west-1/",
                                          "-eu",
                                          "eu-",
                                          "x@y",
                                          "eu-west-1\n",
                                          "eu_west_1"};
    struct ht_aws_settings settings = {0};
    struct ht_error error;
    struct ht_buffer url;

    (void)state;
    ht_buffer_init(&url, 200);
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        assert_false(ht_aws_region_is_valid(regions[i]));
        assert_int_equal(ht_aws_endpoint(&settings, HT_AWS_STS, regions[i], &url, &error),
                         HT_EINVAL);
        assert_non_null(strstr(error.text, "AWS_REGION"));
        assert_int_equal(url.length, 0);
    }
    ht_buffer_finish(&url);
}

static void says_when_there_is_no_room(void **state)
{
    struct ht_aws_settings settings = {0};
    struct ht_error error;
    struct ht_buffer url;

    (void)state;
    ht_buffer_init(&url, 10);
    assert_int_equal(ht_aws_endpoint(&settings, HT_AWS_STS, "eu-west-1", &url, &error), HT_ETOOBIG);
    ht_buffer_finish(&url);
}

static void signs_for_the_region_but_iam_for_its_partition(void **state)
{
    static const struct {
        enum ht_aws_service service;
        const char *region, *expected;
    } rows[] = {
        {HT_AWS_KINESIS, "eu-west-1", "eu-west-1"},
        {HT_AWS_STS, "cn-north-1", "cn-north-1"},
        {HT_AWS_S3, "us-gov-east-1", "us-gov-east-1"},
        {HT_AWS_IAM, "eu-west-1", "us-east-1"},
        {HT_AWS_IAM, "us-gov-east-1", "us-gov-west-1"},
        {HT_AWS_IAM, "cn-northwest-1", "cn-north-1"},
        {HT_AWS_IAM, "us-isob-west-1", "us-isob-east-1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(ht_aws_signing_region(rows[i].service, rows[i].region),
                            rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_service_where_botocore_finds_it),
        cmocka_unit_test(an_override_needs_no_region_and_keeps_no_rule),
        cmocka_unit_test(refuses_what_cannot_be_a_part_of_a_host),
        cmocka_unit_test(says_when_there_is_no_room),
        cmocka_unit_test(signs_for_the_region_but_iam_for_its_partition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
