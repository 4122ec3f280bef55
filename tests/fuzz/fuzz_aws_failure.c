// SPDX-License-Identifier: MIT

/**
 * What an answer that is no success means, of any service, status, headers and bytes, and what the
 * retry decision makes of it: total, always with a fault, in words that a log takes; retries end,
 * cost tokens that were there, and wait no longer than they may.
 */

#include "fuzz_data.h"
#include "hashtagd/aws/failure.h"
#include "hashtagd/aws/retry.h"

enum {
    HEADERS_MAX = 6,
};

static void check_words(const char *text, size_t room, const char *what)
{
    struct ht_slice slice = ht_slice_make(text, strnlen(text, room));
    FUZZ_CHECK(slice.length < room, "%s has no end", what);
    FUZZ_CHECK(fuzz_is_utf8(slice), "%s is no UTF-8", what);
    for (size_t i = 0; i < slice.length; i++) {
        unsigned char byte = (unsigned char)slice.data[i];
        FUZZ_CHECK(byte >= 0x20 && byte != 0x7f, "%s has a control character", what);
    }
}

static void check_retries(const struct ht_aws_failure *failure, enum ht_aws_service service,
                          struct fuzz_input *input)
{
    struct ht_aws_retry_quota quota;
    struct ht_aws_retry retry = {.max_attempts = 1 + fuzz_take_below(input, 12),
                                 .is_dynamodb = service == HT_AWS_DYNAMODB};
    struct ht_aws_retry_decision next;
    unsigned attempts = 1;
    FUZZ_CHECK(ht_aws_retry_default_attempts(service) > 0, "no attempt");
    ht_aws_retry_quota_init(&quota);
    quota.tokens = fuzz_take_below(input, HT_AWS_RETRY_TOKENS + 1);
    do {
        struct ht_aws_trouble trouble = {.fault = failure->fault,
                                         .hint_ms =
                                             (int64_t)fuzz_take_below(input, 1ull << 32) - 1000,
                                         .unit = fuzz_take_byte(input) / 256.0};
        unsigned before = quota.tokens;
        next = ht_aws_retry_decide(&retry, &quota, &trouble);
        FUZZ_CHECK(quota.tokens <= before, "tokens grew");
        FUZZ_CHECK(next.is_again || (quota.tokens == before && next.delay_ms == 0),
                   "paid for none");
        FUZZ_CHECK(next.delay_ms <= 60000, "waits %llu ms", (unsigned long long)next.delay_ms);
        FUZZ_CHECK(!next.is_again || failure->fault == HT_AWS_FAULT_THROTTLED ||
                       failure->fault == HT_AWS_FAULT_TRANSIENT,
                   "fault %d goes again", (int)failure->fault);
        attempts += next.is_again;
    } while (next.is_again && attempts < 1000);
    FUZZ_CHECK(attempts <= retry.max_attempts, "%u of %u", attempts, retry.max_attempts);
    ht_aws_retry_succeed(&retry, &quota);
    FUZZ_CHECK(quota.tokens <= HT_AWS_RETRY_TOKENS, "%u", quota.tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {
        "x-amzn-errortype", "x-amzn-RequestId",    "x-amz-request-id",   "x-amz-id-2",
        "content-type",     "x-amz-bucket-region", "x-amzn-query-error", "date"};
    struct fuzz_input input = fuzz_input(data, size);
    struct ht_http_header headers[HEADERS_MAX];
    struct ht_aws_failure failure, other;
    char region[HT_AWS_REGION_BYTES];
    struct ht_aws_reply reply = {
        .service = (enum ht_aws_service)fuzz_take_below(&input, HT_AWS_SERVICE_COUNT),
        .http_status = 100 + (int)fuzz_take_below(&input, 500),
        .headers = headers,
        .header_count = fuzz_take_byte(&input) % HEADERS_MAX};
    struct fuzz_input choices = input;
    for (size_t i = 0; i < reply.header_count; i++) {
        headers[i].name = ht_slice_text(names[fuzz_take_byte(&input) % 8]);
        headers[i].value = fuzz_take_part(&input);
    }
    char *copy = fuzz_copy(fuzz_rest(&input));
    reply.body = ht_slice_make(copy, input.length);
    memset(&failure, 0x55, sizeof(failure));
    memset(&other, 0xaa, sizeof(other));
    ht_aws_failure_read(&reply, &failure);
    ht_aws_failure_read(&reply, &other);
    FUZZ_CHECK(failure.fault == other.fault && strcmp(failure.code, other.code) == 0 &&
                   strcmp(failure.message, other.message) == 0 &&
                   strcmp(failure.request_id, other.request_id) == 0,
               "two readings");
    FUZZ_CHECK(failure.http_status == reply.http_status, "%d", failure.http_status);
    check_words(failure.code, sizeof(failure.code), "code");
    check_words(failure.message, sizeof(failure.message), "message");
    check_words(failure.request_id, sizeof(failure.request_id), "request id");
    int status = ht_aws_failure_status(&failure);
    FUZZ_CHECK(status < 0 && strcmp(ht_error_name(status), "HT_E?") != 0, "status %d", status);
    (void)ht_aws_failure_may_be_skew(&failure);
    (void)ht_aws_failure_is_about_keys(&failure);
    (void)ht_aws_failure_classify(reply.service, reply.body);
    if (ht_aws_failure_find_region(&reply, region)) {
        check_words(region, sizeof(region), "region");
        FUZZ_CHECK(region[0] != '\0', "empty region");
    }
    int64_t hint = ht_aws_retry_parse_hint(reply.body);
    FUZZ_CHECK(hint >= -1, "%lld", (long long)hint);
    check_retries(&failure, reply.service, &choices);
    free(copy);
    return 0;
}
