// SPDX-License-Identifier: MIT
#include "sts_assume_role.h"

#include "keys.h"
#include "text_file.h"

#include "hashtagd/aws/failure.h"
#include "hashtagd/aws/xml.h"
#include "hashtagd/base/assert.h"
#include "hashtagd/net/url.h"

#include <stdio.h>
#include <string.h>

/*
 *   format -> endpoint -> sign -> ask, with its repetitions -> keys out of the XML -> done
 *
 * A repetition within some seconds is sent as it was: a signature holds for minutes.
 */

#define TIMEOUT_MS     10000
#define ATTEMPTS       3
#define WAIT_MS        500
#define BODY_BYTES_MAX ((size_t)128 * 1024)
#define VALUE_BYTES    ((size_t)16 * 1024)

static int prepare(struct ht_sts_assume_role *op);
static int sign(struct ht_sts_assume_role *op);
static struct ht_slice host_of(const struct ht_buffer *url);
static struct ht_slice path_of(const struct ht_buffer *url);
static void on_start_failed(struct ht_timer *timer);
static bool is_temporary(const struct ht_aws_ask *ask);
static void on_answer(struct ht_aws_ask *ask);
static void read_failure(const struct ht_aws_ask *ask, struct ht_aws_failure *failure);
static int tell_refusal(struct ht_sts_assume_role *op, const struct ht_aws_failure *failure);
static void finish(struct ht_sts_assume_role *op, int status);
static const char *name_of(const struct ht_sts_assume_role *op);
static void append_field(struct ht_buffer *body, const char *name, struct ht_slice value);

void ht_sts_assume_role_start(struct ht_sts_assume_role *op)
{
    op->new_keys = NULL;
    ht_buffer_init(&op->url, 2048);
    ht_buffer_init(&op->body, BODY_BYTES_MAX);
    memset(&op->signature, 0, sizeof op->signature);
    ht_timer_init(&op->timer, on_start_failed);
    op->ask = (struct ht_aws_ask){.options = op->options,
                                  .method = "POST",
                                  .timeout_ms = TIMEOUT_MS,
                                  .attempts = ATTEMPTS,
                                  .wait_ms = WAIT_MS,
                                  .is_temporary = is_temporary,
                                  .done = on_answer,
                                  .user = op};
    op->status = prepare(op);
    if (op->status != 0) {
        ht_error_prefix(&op->error, "The role %.200s cannot be assumed", op->role->arn);
        ht_timer_start(ht_loop_timers(op->options->loop), &op->timer, 0);
        return;
    }
    ht_aws_ask_start(&op->ask);
}

static int prepare(struct ht_sts_assume_role *op)
{
    int64_t now_s = ht_clock_wall_s(ht_loop_clock(op->options->loop));
    int status = ht_sts_assume_role_format(op, now_s, &op->body);

    if (status != 0) {
        return ht_error_set(&op->error, status, "its request is too long.");
    }
    status = ht_aws_endpoint(op->options->settings, HT_AWS_STS, op->region, &op->url, &op->error);
    if (status != 0) {
        return status;
    }
    if (path_of(&op->url).length == 0 && ht_buffer_append_byte(&op->url, '/') != 0) {
        return ht_error_set(&op->error, HT_ENOMEM, "out of memory.");
    }
    op->ask.url = op->url.data;
    op->ask.body = ht_buffer_slice(&op->body);
    ht_aws_ask_add_header(&op->ask, "Host", host_of(&op->url));
    ht_aws_ask_add_header(&op->ask, "Content-Type",
                          ht_slice_text(ht_aws_service_content_type(HT_AWS_STS)));
    return op->keys == NULL ? 0 : sign(op);
}

static int sign(struct ht_sts_assume_role *op)
{
    char hash[HT_SIGV4_HASH_BYTES];
    struct ht_sigv4_identity identity = {
        .access_key_id = ht_slice_text(op->keys->access_key_id),
        .secret_access_key = ht_slice_text(op->keys->secret_access_key),
        .session_token = ht_slice_text(op->keys->session_token),
    };
    struct ht_sigv4_request request = {
        .method = "POST",
        .path = path_of(&op->url),
        .headers = op->ask.headers,
        .header_count = op->ask.header_count,
        /* an endpoint that is set needs no region, but a signature does */
        .region = ht_aws_signing_region(HT_AWS_STS, op->region == NULL ? "us-east-1" : op->region),
        .signing_name = ht_aws_service_signing_name(HT_AWS_STS),
        .time_s = ht_clock_wall_s(ht_loop_clock(op->options->loop)),
    };

    ht_sigv4_hash_payload(ht_buffer_slice(&op->body), hash);
    request.payload_hash = ht_slice_text(hash);
    int status = ht_sigv4_sign(&request, &identity, NULL, &op->signature, &op->error);
    if (status != 0) {
        return status;
    }
    ht_aws_ask_add_header(&op->ask, "X-Amz-Date", ht_slice_text(op->signature.time_text));
    ht_aws_ask_add_header(&op->ask, "Authorization", ht_buffer_slice(&op->signature.authorization));
    if (op->keys->session_token != NULL) {
        ht_aws_ask_add_header(&op->ask, "X-Amz-Security-Token", identity.session_token);
    }
    return 0;
}

int ht_sts_assume_role_format(const struct ht_sts_assume_role *op, int64_t now_s,
                              struct ht_buffer *body)
{
    char session_name[40];

    snprintf(session_name, sizeof session_name, "hashtagd-%lld", (long long)now_s);
    ht_buffer_append_format(body, "Action=%s&Version=2011-06-15", name_of(op));
    append_field(body, "RoleArn", ht_slice_text(op->role->arn));
    append_field(
        body, "RoleSessionName",
        ht_slice_text(op->role->session_name == NULL ? session_name : op->role->session_name));
    append_field(body, "DurationSeconds", ht_slice_text(op->role->duration_s));
    if (op->keys != NULL) {
        append_field(body, "ExternalId", ht_slice_text(op->role->external_id));
    } else {
        append_field(body, "WebIdentityToken", op->web_identity_token);
    }
    return ht_buffer_status(body);
}

static void append_field(struct ht_buffer *body, const char *name, struct ht_slice value)
{
    if (value.length == 0) {
        return;
    }
    ht_buffer_append_format(body, "&%s=", name);
    int status = ht_url_encode(value, body);
    (void)status; /* the buffer keeps it */
}

static const char *name_of(const struct ht_sts_assume_role *op)
{
    return op->keys != NULL ? "AssumeRole" : "AssumeRoleWithWebIdentity";
}

static void on_start_failed(struct ht_timer *timer)
{
    struct ht_sts_assume_role *op = HT_CONTAINER_OF(timer, struct ht_sts_assume_role, timer);

    finish(op, op->status);
}

/* Throttled, or the identity provider is late. */
static bool is_temporary(const struct ht_aws_ask *ask)
{
    struct ht_aws_failure failure;

    if (ask->http_status == 200) {
        return false;
    }
    read_failure(ask, &failure);
    return failure.fault == HT_AWS_FAULT_THROTTLED ||
           strcmp(failure.code, "IDPCommunicationError") == 0;
}

static void on_answer(struct ht_aws_ask *ask)
{
    struct ht_sts_assume_role *op = ask->user;
    char origin[HT_AWS_ORIGIN_BYTES];
    struct ht_aws_failure failure;
    int status;

    if (ask->status != 0) {
        status = ht_error_set(&op->error, ask->status,
                              "The role %.200s cannot be assumed: STS at %.100s did not answer: "
                              "%s",
                              op->role->arn, op->url.data, ask->error.text);
    } else if (ask->http_status != 200) {
        read_failure(ask, &failure);
        status = tell_refusal(op, &failure);
    } else {
        snprintf(origin, sizeof origin, "role %s", op->role->arn);
        status = ht_sts_assume_role_parse(ht_buffer_slice(&ask->body_of_answer), origin,
                                          &op->new_keys, &op->error);
    }
    finish(op, status);
}

static void read_failure(const struct ht_aws_ask *ask, struct ht_aws_failure *failure)
{
    struct ht_aws_reply reply = {.service = HT_AWS_STS,
                                 .http_status = ask->http_status,
                                 .body = ht_buffer_slice(&ask->body_of_answer)};

    ht_aws_failure_read(&reply, failure);
}

static int tell_refusal(struct ht_sts_assume_role *op, const struct ht_aws_failure *failure)
{
    int status = failure->http_status >= 500 ? HT_EIO : HT_EPERMISSION;
    const char *cure = "";

    if (strcmp(failure->code, "AccessDenied") == 0) {
        cure = " Let the role's trust policy name who asks, and allow them sts:AssumeRole.";
    } else if (strcmp(failure->code, "ExpiredTokenException") == 0) {
        cure = " The token file is stale: whoever writes it has stopped.";
    } else if (failure->fault == HT_AWS_FAULT_SKEW) {
        cure = " Set this machine's clock.";
    } else if (strcmp(failure->code, "RegionDisabledException") == 0) {
        cure = " Turn STS on for this region in the account, or set another region.";
    }
    return ht_error_set(
        &op->error, status,
        "STS refuses to assume the role %.120s: %s (status %d, request id %.60s). "
        "%.140s%s",
        op->role->arn, failure->code[0] == '\0' ? "no code" : failure->code, failure->http_status,
        failure->request_id[0] == '\0' ? "none" : failure->request_id, failure->message, cure);
}

int ht_sts_assume_role_parse(struct ht_slice answer, const char *origin, struct ht_aws_keys **keys,
                             struct ht_error *error)
{
    static const char *const paths[] = {
        "*/*/Credentials/AccessKeyId", "*/*/Credentials/SecretAccessKey",
        "*/*/Credentials/SessionToken", "*/*/Credentials/Expiration", "*/*/AssumedRoleUser/Arn"};
    enum { COUNT = sizeof paths / sizeof paths[0] };
    struct ht_buffer texts[COUNT];
    struct ht_xml_wanted wanted[COUNT];
    struct ht_aws_keys_parts parts = {.expires_s = 0};
    int64_t wall_ms = 0;

    *keys = NULL;
    for (size_t i = 0; i < COUNT; i++) {
        ht_buffer_init(&texts[i], VALUE_BYTES);
        wanted[i] = (struct ht_xml_wanted){.path = paths[i], .text = &texts[i]};
    }
    int status = ht_xml_read(answer, wanted, COUNT, error);
    if (status == 0 && (texts[3].data == NULL || ht_time_parse_utc(texts[3].data, &wall_ms) != 0)) {
        status = ht_error_set(error, HT_EPARSE, "The answer of STS has no time of expiry.");
    }
    if (status == 0) {
        parts.access_key_id = ht_buffer_slice(&texts[0]);
        parts.secret_access_key = ht_buffer_slice(&texts[1]);
        parts.session_token = ht_buffer_slice(&texts[2]);
        parts.account_id = ht_aws_account_of_arn(ht_buffer_slice(&texts[4]));
        parts.expires_s = wall_ms / 1000;
        status = ht_aws_keys_check(&parts, "the answer of STS", error);
    }
    if (status == 0) {
        *keys = ht_aws_keys_create(&parts, origin);
        status = *keys == NULL ? ht_error_set(error, HT_ENOMEM, "Out of memory for AWS keys.") : 0;
    }
    for (size_t i = 0; i < COUNT; i++) {
        ht_aws_wipe_buffer(&texts[i]);
    }
    return status;
}

void ht_sts_assume_role_cancel(struct ht_sts_assume_role *op)
{
    if (ht_timer_is_running(&op->timer)) {
        op->status = HT_ECANCELED;
    } else {
        ht_aws_ask_cancel(&op->ask);
    }
}

static void finish(struct ht_sts_assume_role *op, int status)
{
    op->status = status;
    ht_buffer_finish(&op->url);
    ht_aws_wipe_buffer(&op->body);
    ht_sigv4_result_finish(&op->signature);
    op->done(op);
}

/* "host:port" of "https://host:port/path". */
static struct ht_slice host_of(const struct ht_buffer *url)
{
    const char *host = strstr(url->data, "://") + 3;

    return ht_slice_make(host, strcspn(host, "/"));
}

/* "/path"; empty where there is none. */
static struct ht_slice path_of(const struct ht_buffer *url)
{
    const char *host = strstr(url->data, "://") + 3;

    return ht_slice_text(host + strcspn(host, "/"));
}
