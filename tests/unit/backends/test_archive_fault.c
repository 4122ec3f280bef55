// SPDX-License-Identifier: MIT
#include "../../../src/backends/archive_fault.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void fill(struct ht_aws_call *call, enum ht_aws_service service, const char *code)
{
    *call = (struct ht_aws_call){.service = service, .operation = "X", .resource = "bucket bin"};
    call->status = HT_EINVAL;
    call->failure.fault = HT_AWS_FAULT_FINAL;
    (void)snprintf(call->failure.code, sizeof(call->failure.code), "%s", code);
    (void)snprintf(call->failure.message, sizeof(call->failure.message), "Words of the service.");
    (void)snprintf(call->failure.request_id, sizeof(call->failure.request_id), "R-1");
    (void)ht_error_set(&call->error, HT_EINVAL, "The call's own words.");
}

static void test_known_errors_get_resource_request_and_cure(void **state)
{
    (void)state;
    struct ht_aws_call call;
    struct ht_archive_fault fault;
    fill(&call, HT_AWS_S3, "PermanentRedirect");
    ht_archive_fault_read(&fault, &call, "eu-west-1", HT_SLICE("us-east-2"));
    assert_int_equal(fault.state, HT_HEALTH_FAILED);
    assert_int_equal(fault.error.code, HT_EINVAL);
    assert_string_equal(fault.error.text,
                        "The bucket bin is in another region (region eu-west-1, it is in "
                        "us-east-2): set AWS_REGION to the bucket's. S3 said PermanentRedirect, "
                        "request id R-1: Words of the service.");
}

static void test_unknown_errors_keep_the_words_of_the_call(void **state)
{
    (void)state;
    const struct {
        enum ht_aws_fault fault;
        enum ht_health_state state;
    } cases[] = {
        {HT_AWS_FAULT_FINAL, HT_HEALTH_FAILED},      {HT_AWS_FAULT_CREDENTIALS, HT_HEALTH_FAILED},
        {HT_AWS_FAULT_SKEW, HT_HEALTH_FAILED},       {HT_AWS_FAULT_THROTTLED, HT_HEALTH_WAITING},
        {HT_AWS_FAULT_TRANSIENT, HT_HEALTH_WAITING}, {HT_AWS_FAULT_NONE, HT_HEALTH_WAITING},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_aws_call call;
        struct ht_archive_fault fault;
        fill(&call, HT_AWS_FIREHOSE, "NoSuchBucket"); /* S3's, not Firehose's */
        call.failure.fault = cases[i].fault;
        ht_archive_fault_read(&fault, &call, NULL, HT_SLICE(""));
        assert_int_equal(fault.state, cases[i].state);
        assert_string_equal(fault.error.text, "The call's own words.");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_errors_get_resource_request_and_cure),
        cmocka_unit_test(test_unknown_errors_keep_the_words_of_the_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
