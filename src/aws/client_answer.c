// SPDX-License-Identifier: MIT
#include "client_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"
#include "skew.h"

#include <stdio.h>

/*
 *   answer -> skew learned -> fault found -+-> fine ------------------------------> end
 *                                          +-> keys, clock, region: corrected once -> again
 *                                          +-> a rested connection broke: once ----> again
 *                                          +-> throttled, broken: retry decides ---> wait | end
 *                                          +-> final -----------------------------> end
 */

static bool learn_skew(struct ht_aws_attempts *attempts, const struct ht_http_result *result);
static void find_fault(struct ht_aws_attempts *attempts, const struct ht_http_result *result);
static void find_broken(struct ht_aws_attempts *attempts, const struct ht_http_result *result);
static bool has_wrong_checksum(const struct ht_aws_attempts *attempts,
                               const struct ht_http_result *result);
static bool correct(struct ht_aws_attempts *attempts, const struct ht_http_result *result,
                    bool skew_changed);
static bool correct_keys(struct ht_aws_attempts *attempts);
static bool correct_skew(struct ht_aws_attempts *attempts, bool skew_changed);
static bool correct_region(struct ht_aws_attempts *attempts, const struct ht_http_result *result);
static enum aws_verdict decide_retry(struct ht_aws_attempts *attempts,
                                     const struct ht_http_result *result, uint64_t *delay_ms);
static struct ht_aws_reply reply_of(const struct ht_aws_attempts *attempts,
                                    const struct ht_http_result *result);
static void log_correction(const struct ht_aws_attempts *attempts, const char *message,
                           int64_t skew_ms);

enum aws_verdict ht_aws_answer_judge(struct ht_aws_attempts *attempts,
                                     const struct ht_http_result *result, uint64_t *delay_ms)
{
    struct ht_aws_call *call = attempts->call;
    struct aws_service_state *service = aws_service_of(attempts);

    bool skew_changed = learn_skew(attempts, result);
    call->status = 0;
    memset(&call->failure, 0, sizeof call->failure);
    find_fault(attempts, result);
    if (call->status == 0) {
        ht_aws_retry_succeed(&attempts->retry, &service->quota);
        return AWS_VERDICT_END;
    }
    service->counters.throttled += call->failure.fault == HT_AWS_FAULT_THROTTLED;
    service->counters.transient += call->failure.fault == HT_AWS_FAULT_TRANSIENT;
    if (correct(attempts, result, skew_changed)) {
        return AWS_VERDICT_AGAIN;
    }
    return decide_retry(attempts, result, delay_ms);
}

/* Every answer tells the service's time, the good ones too. */
static bool learn_skew(struct ht_aws_attempts *attempts, const struct ht_http_result *result)
{
    struct aws_service_state *service = aws_service_of(attempts);

    return ht_aws_skew_learn(&service->counters.skew_ms,
                             ht_http_header_find(result->headers, result->header_count, "Date"),
                             ht_clock_wall_ms(attempts->client->clock));
}

static void find_fault(struct ht_aws_attempts *attempts, const struct ht_http_result *result)
{
    struct ht_aws_call *call = attempts->call;
    struct ht_aws_reply reply = reply_of(attempts, result);

    if (result->code != 0) {
        find_broken(attempts, result);
    } else if (has_wrong_checksum(attempts, result)) {
        call->failure.fault = HT_AWS_FAULT_TRANSIENT;
        call->failure.http_status = result->status;
        ht_aws_failure_read_request_id(&reply, &call->failure);
        call->status = ht_error_set(&attempts->error, HT_EIO,
                                    "the answer was damaged on its way (x-amz-crc32 differs)");
    } else if (result->status >= 200 && result->status < 300) {
        call->failure.http_status = result->status;
        ht_aws_failure_read_request_id(&reply, &call->failure);
    } else {
        ht_aws_failure_read(&reply, &call->failure);
        call->status = ht_aws_failure_status(&call->failure);
    }
}

/* No answer, or not a whole one. */
static void find_broken(struct ht_aws_attempts *attempts, const struct ht_http_result *result)
{
    struct ht_aws_call *call = attempts->call;
    struct ht_aws_reply reply = reply_of(attempts, result);

    const char *endpoint = attempts->other_endpoint != NULL ? attempts->other_endpoint
                                                            : aws_service_of(attempts)->endpoint;
    call->failure.http_status = result->status;
    ht_aws_failure_read_request_id(&reply, &call->failure);
    switch (result->code) {
    case HT_ECONNECTION:
    case HT_ETIMEDOUT:
    case HT_EIO:
        call->failure.fault = HT_AWS_FAULT_TRANSIENT;
        break;
    default: /* too large, no memory, a certificate that is not trusted, a bad URL */
        call->failure.fault = HT_AWS_FAULT_FINAL;
        break;
    }
    call->status = ht_error_set(&attempts->error, result->code, "%s, at %.100s%s",
                                result->error_text, endpoint == NULL ? "no address" : endpoint,
                                result->code == HT_EPERMISSION
                                    ? "; where a private authority signs, set AWS_CA_BUNDLE to "
                                      "a file with its certificate"
                                    : "");
}

/* DynamoDB's checksum over the bytes as they came. */
static bool has_wrong_checksum(const struct ht_aws_attempts *attempts,
                               const struct ht_http_result *result)
{
    uint64_t expected;

    if (!attempts->retry.is_dynamodb) {
        return false;
    }
    struct ht_slice text =
        ht_http_header_find(result->headers, result->header_count, "x-amz-crc32");
    if (text.data == NULL || ht_slice_to_u64(text, UINT32_MAX, &expected) != 0) {
        return false;
    }
    return ht_digest_crc32(0, ht_buffer_slice(&attempts->answer)) != expected;
}

/* What the service refused without looking at it, and what can be put right at once. */
static bool correct(struct ht_aws_attempts *attempts, const struct ht_http_result *result,
                    bool skew_changed)
{
    const struct ht_aws_call *call = attempts->call;

    if (call->failure.fault == HT_AWS_FAULT_CREDENTIALS) {
        return correct_keys(attempts);
    }
    if (result->code == 0 && ht_aws_failure_may_be_skew(&call->failure)) {
        return correct_skew(attempts, skew_changed);
    }
    if (result->code == 0 && call->service == HT_AWS_S3) {
        return correct_region(attempts, result);
    }
    return false;
}

static bool correct_keys(struct ht_aws_attempts *attempts)
{
    if (attempts->has_refused_keys) {
        return false;
    }
    attempts->has_refused_keys = true;
    log_correction(attempts, "keys refused, fetching them again", 0);
    ht_aws_credentials_refuse(attempts->client->options.credentials, attempts->keys);
    return true;
}

/* A machine that slept sends an old time although its clock is right: so once in any case. */
static bool correct_skew(struct ht_aws_attempts *attempts, bool skew_changed)
{
    struct ht_aws_failure *failure = &attempts->call->failure;

    if (!skew_changed && failure->fault != HT_AWS_FAULT_SKEW) {
        return false; /* a wrong secret */
    }
    failure->fault = HT_AWS_FAULT_SKEW;
    if (attempts->has_corrected_skew) {
        return false;
    }
    attempts->has_corrected_skew = true;
    log_correction(attempts, "clock differs from the service's, signing with its time",
                   aws_service_of(attempts)->counters.skew_ms);
    return true;
}

static bool correct_region(struct ht_aws_attempts *attempts, const struct ht_http_result *result)
{
    struct ht_aws_call *call = attempts->call;
    struct ht_aws_client *client = attempts->client;
    struct ht_aws_reply reply = reply_of(attempts, result);
    char region[HT_AWS_REGION_BYTES];

    bool is_elsewhere =
        result->status == 301 || result->status == 307 ||
        strcmp(call->failure.code, "AuthorizationHeaderMalformed") == 0 ||
        (result->status == 400 && call->answer.length == 0 && call->failure.code[0] == '\0');
    if (attempts->has_moved || !is_elsewhere || !ht_aws_failure_find_region(&reply, region)) {
        return false;
    }
    attempts->has_moved = true;
    memcpy(attempts->region, region, sizeof region);
    if (call->bucket.length > 0 && call->bucket.length < sizeof client->bucket) {
        memcpy(client->bucket, call->bucket.data, call->bucket.length);
        client->bucket[call->bucket.length] = '\0';
        memcpy(client->bucket_region, region, sizeof region);
    }
    log_correction(attempts, "bucket is in another region, asking there", 0);
    return true;
}

static enum aws_verdict decide_retry(struct ht_aws_attempts *attempts,
                                     const struct ht_http_result *result, uint64_t *delay_ms)
{
    struct ht_aws_call *call = attempts->call;
    struct ht_aws_trouble trouble = {
        .fault = call->failure.fault,
        .hint_ms = ht_aws_retry_parse_hint(
            ht_http_header_find(result->headers, result->header_count, "x-amz-retry-after")),
        .unit = ht_random_unit(attempts->client->options.random),
    };

    if (result->code == HT_ECONNECTION && result->is_connection_reused && !attempts->has_resent &&
        attempts->retry.max_attempts > 1) {
        attempts->has_resent = true;
        return AWS_VERDICT_AGAIN;
    }
    struct ht_aws_retry_decision decision =
        ht_aws_retry_decide(&attempts->retry, &aws_service_of(attempts)->quota, &trouble);
    *delay_ms = decision.delay_ms;
    if (!decision.is_again) {
        return AWS_VERDICT_END;
    }
    ht_log_debug(
        attempts->client->options.log, "aws", "call is tried again",
        HT_TEXT("service", ht_aws_service_name(call->service)),
        HT_TEXT("operation", call->operation), HT_NUMBER("http_status", call->failure.http_status),
        HT_TEXT("code", call->failure.code), HT_TEXT("request_id", call->failure.request_id),
        HT_NUMBER("delay_ms", decision.delay_ms));
    return AWS_VERDICT_WAIT;
}

static struct ht_aws_reply reply_of(const struct ht_aws_attempts *attempts,
                                    const struct ht_http_result *result)
{
    return (struct ht_aws_reply){
        .service = attempts->call->service,
        .http_status = result->status,
        .headers = result->headers,
        .header_count = result->header_count,
        .body = ht_buffer_slice(&attempts->answer),
    };
}

static void log_correction(const struct ht_aws_attempts *attempts, const char *message,
                           int64_t skew_ms)
{
    const struct ht_aws_call *call = attempts->call;

    ht_log_warning(attempts->client->options.log, "aws", message,
                   HT_TEXT("service", ht_aws_service_name(call->service)),
                   HT_TEXT("operation", call->operation), HT_TEXT("resource", call->resource),
                   HT_TEXT("code", call->failure.code),
                   HT_TEXT("request_id", call->failure.request_id),
                   HT_TEXT("region", attempts->region), HT_NUMBER("skew_ms", skew_ms));
}

void ht_aws_answer_tell(struct ht_aws_attempts *attempts)
{
    struct ht_aws_call *call = attempts->call;
    const struct ht_aws_failure *failure = &call->failure;
    char who[160], what[HT_ERROR_TEXT_BYTES], where[240] = "";

    snprintf(who, sizeof who, "%s %s%s%s", ht_aws_service_name(call->service), call->operation,
             call->resource == NULL ? "" : " on ", call->resource == NULL ? "" : call->resource);
    if (call->status == HT_ECANCELED) {
        snprintf(what, sizeof what, "canceled");
    } else if (failure->code[0] != '\0') {
        snprintf(what, sizeof what, "%s: %.200s", failure->code, failure->message);
    } else if (failure->http_status >= 300) {
        /* no code: HEAD has no body, and a proxy or load balancer none of the service's */
        snprintf(what, sizeof what, "%s%.200s",
                 failure->http_status == 407
                     ? "the proxy wants a user name and password, as in HTTPS_PROXY: "
                     : "",
                 failure->message[0] != '\0' ? failure->message
                                             : ht_http_status_text(failure->http_status));
    } else {
        /* whole: the cure stands at its end */
        snprintf(what, sizeof what, "%s",
                 attempts->error.text[0] != '\0' ? attempts->error.text
                                                 : ht_error_meaning(call->status));
    }
    if (failure->http_status != 0) {
        snprintf(where, sizeof where, " (HTTP %d%s%s)", failure->http_status,
                 failure->request_id[0] == '\0' ? "" : ", request ", failure->request_id);
    }
    bool is_unsigned = call->status == HT_EPERMISSION && failure->code[0] != '\0' &&
                       failure->fault == HT_AWS_FAULT_FINAL &&
                       ht_aws_failure_is_about_keys(failure);
    ht_error_set(&call->error, call->status, "%s: %s%s%s", who, what, where,
                 is_unsigned ? ": look at the secret key and at AWS_REGION" : "");
}
