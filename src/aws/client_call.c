// SPDX-License-Identifier: MIT
#include "client_internal.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>

/*
 *   start -> [body hashed, large] -> keys -> sign, send -> answer -+-> end -> done
 *                                     ^                            |
 *                                     +--------- wait <------------+
 *
 * What goes wrong before anything was sent ends on the next turn (end_later), so that `done` is
 * never called from inside start or cancel.
 */

#define CONNECT_TIMEOUT_MS 3000
#define TIMEOUT_MS         30000
#define MAX_IDLE_MS        20000          /* services close connections that rest for longer */
#define MAX_AGE_MS         300000         /* so that new addresses of a service are found */
#define HASH_SLICE_BYTES   (512u * 1024u) /* near a millisecond */
#define ANSWER_MAX_BYTES   (1024u * 1024u)

static void reset_results(struct ht_aws_call *call);
static void lose(struct ht_aws_client *client, struct ht_aws_call *call);
static void begin(struct ht_aws_attempts *attempts);
static void hash_slice(struct ht_aws_attempts *attempts);
static void make_invocation_id(struct ht_random *random, char text[37]);
static void get_keys(struct ht_aws_attempts *attempts);
static void on_keys(struct ht_aws_credentials_request *request);
static void send(struct ht_aws_attempts *attempts);
static int start_transfer(struct ht_aws_attempts *attempts, const struct aws_request *request);
static void on_answer(void *user, struct ht_http_result *result);
static void on_timer(struct ht_timer *timer);
static void end_later(struct ht_aws_attempts *attempts, int status);
static void end(struct ht_aws_attempts *attempts, const struct ht_http_result *result);
static void count_end(struct ht_aws_attempts *attempts);
static void log_end(const struct ht_aws_attempts *attempts);

void ht_aws_call_start(struct ht_aws_client *client, struct ht_aws_call *call)
{
    HT_ASSERT(call->done != NULL && call->operation != NULL && call->state == NULL);
    HT_ASSERT((unsigned)call->service < HT_AWS_SERVICE_COUNT);
    reset_results(call);
    struct ht_aws_attempts *attempts = ht_aws_client_take_attempts(client, call);
    if (attempts == NULL) {
        lose(client, call);
        return;
    }
    call->state = attempts;
    client->services[call->service].counters.in_flight++;
    begin(attempts);
}

static void reset_results(struct ht_aws_call *call)
{
    call->status = 0;
    ht_error_clear(&call->error);
    memset(&call->failure, 0, sizeof call->failure);
    memset(&call->answer, 0, sizeof call->answer);
    call->answer_headers = NULL;
    call->answer_header_count = 0;
    call->attempts = 0;
    call->answer_time_ms = 0;
    call->answer_owner = NULL;
}

/* Without memory for the attempts: the call itself waits for the next turn. */
static void lose(struct ht_aws_client *client, struct ht_aws_call *call)
{
    call->state = client->nobody;
    call->next_lost = client->lost;
    client->lost = call;
    ht_timer_start(client->timers, &client->lost_timer, 0);
}

void ht_aws_call_tell_lost(struct ht_timer *timer)
{
    struct ht_aws_client *client = HT_CONTAINER_OF(timer, struct ht_aws_client, lost_timer);
    struct ht_aws_call *call = client->lost;

    if (call == NULL) {
        return;
    }
    client->lost = call->next_lost;
    ht_timer_start(client->timers, timer, 0);
    call->state = NULL;
    call->status = ht_error_set(&call->error, HT_ENOMEM, "%s %s: out of memory.",
                                ht_aws_service_name(call->service), call->operation);
    call->done(call);
}

static void begin(struct ht_aws_attempts *attempts)
{
    const struct ht_aws_call *call = attempts->call;
    struct ht_aws_client *client = attempts->client;
    unsigned wanted =
        call->max_attempts != 0 ? call->max_attempts : client->options.settings->max_attempts;

    ht_timer_init(&attempts->timer, on_timer);
    attempts->retry.is_dynamodb =
        call->service == HT_AWS_DYNAMODB || call->service == HT_AWS_DYNAMODB_STREAMS;
    attempts->retry.max_attempts =
        wanted != 0 ? wanted : ht_aws_retry_default_attempts(call->service);
    make_invocation_id(client->options.random, attempts->invocation_id);
    if (client->is_closing || call->refusal != 0) {
        end_later(attempts, client->is_closing ? HT_ECANCELED : call->refusal);
    } else if (call->payload_hash.length == 0 && call->body.length > HASH_SLICE_BYTES) {
        ht_digest_sha256_init(&attempts->hashing);
        hash_slice(attempts);
    } else {
        get_keys(attempts);
    }
}

/* A large body takes many milliseconds: a part a turn. */
static void hash_slice(struct ht_aws_attempts *attempts)
{
    struct ht_slice body = attempts->call->body;
    size_t left = body.length - attempts->hashed_bytes;
    size_t length = left > HASH_SLICE_BYTES ? HASH_SLICE_BYTES : left;
    uint8_t digest[HT_DIGEST_SHA256_BYTES];

    ht_digest_sha256_add(&attempts->hashing,
                         ht_slice_make(body.data + attempts->hashed_bytes, length));
    attempts->hashed_bytes += length;
    if (attempts->hashed_bytes < body.length) {
        attempts->step = AWS_STEP_HASH;
        ht_timer_start(attempts->client->timers, &attempts->timer, 0);
        return;
    }
    ht_digest_sha256_end(&attempts->hashing, digest);
    ht_digest_format_hex(digest, sizeof digest, attempts->payload_hash);
    attempts->step = AWS_STEP_NONE;
    get_keys(attempts);
}

/* A UUID of version 4 (RFC 9562). */
static void make_invocation_id(struct ht_random *random, char text[37])
{
    uint64_t high = ht_random_u64(random);
    uint64_t low = ht_random_u64(random);

    snprintf(text, 37, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(high >> 32),
             (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff),
             (unsigned)(low >> 48 & 0x3fff) | 0x8000u, (unsigned long long)(low & 0xffffffffffffu));
}

static void get_keys(struct ht_aws_attempts *attempts)
{
    struct ht_aws_credentials *credentials = attempts->client->options.credentials;

    attempts->keys = ht_aws_credentials_now(credentials);
    if (attempts->keys != NULL) {
        send(attempts);
        return;
    }
    attempts->keys_request = (struct ht_aws_credentials_request){
        .done = on_keys,
        .user = attempts,
    };
    attempts->waits_for_keys = true;
    ht_aws_credentials_get(credentials, &attempts->keys_request);
}

static void on_keys(struct ht_aws_credentials_request *request)
{
    struct ht_aws_attempts *attempts = request->user;

    attempts->waits_for_keys = false;
    attempts->keys = request->keys;
    if (attempts->is_canceled) {
        end_later(attempts, HT_ECANCELED);
    } else if (request->status != 0) {
        attempts->error = request->error;
        attempts->call->failure.fault = HT_AWS_FAULT_CREDENTIALS;
        end_later(attempts, request->status == HT_ENOTFOUND ? HT_EPERMISSION : request->status);
    } else {
        send(attempts);
    }
}

static void send(struct ht_aws_attempts *attempts)
{
    struct aws_request request;

    int status = ht_aws_request_make(attempts, &request, &attempts->error);
    status = status == 0 ? start_transfer(attempts, &request) : status;
    if (status != 0) {
        attempts->call->failure.fault = HT_AWS_FAULT_FINAL;
        end_later(attempts, status);
        return;
    }
    attempts->call->attempts++;
    aws_service_of(attempts)->counters.attempts++;
}

static int start_transfer(struct ht_aws_attempts *attempts, const struct aws_request *request)
{
    const struct ht_aws_call *call = attempts->call;
    struct ht_http_transfer_options options = {
        .method = call->method == NULL ? "POST" : call->method,
        .url = attempts->url.data,
        .headers = request->headers,
        .header_count = request->header_count,
        .body = call->body,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = call->timeout_ms == 0 ? TIMEOUT_MS : call->timeout_ms,
        .max_response_bytes =
            call->max_answer_bytes == 0 ? ANSWER_MAX_BYTES : call->max_answer_bytes,
        .max_idle_ms = MAX_IDLE_MS,
        .max_age_ms = MAX_AGE_MS,
        .is_path_as_is = true,
        .is_sent_once = attempts->retry.max_attempts == 1,
        .ca_file = attempts->client->options.settings->ca_file,
        .on_done = on_answer,
        .user = attempts,
    };

    return ht_http_transfer_start(attempts->client->options.http, &options, &attempts->transfer,
                                  &attempts->error);
}

static void on_answer(void *user, struct ht_http_result *result)
{
    struct ht_aws_attempts *attempts = user;
    struct ht_aws_call *call = attempts->call;
    uint64_t delay_ms = 0;

    attempts->transfer = NULL;
    ht_buffer_finish(&attempts->answer);
    attempts->answer = result->body;
    result->body = (struct ht_buffer){0};
    call->answer_time_ms = result->total_ns / 1000000u;
    aws_service_of(attempts)->counters.sent_bytes += result->sent_bytes;
    aws_service_of(attempts)->counters.received_bytes += attempts->answer.length;
    if (attempts->is_canceled || result->code == HT_ECANCELED) {
        call->status = HT_ECANCELED;
        end(attempts, NULL);
        return;
    }
    enum aws_verdict verdict = ht_aws_answer_judge(attempts, result, &delay_ms);
    if (verdict == AWS_VERDICT_END) {
        end(attempts, result);
        return;
    }
    ht_aws_keys_release(attempts->keys);
    attempts->keys = NULL;
    attempts->step = AWS_STEP_TRY;
    ht_timer_start(attempts->client->timers, &attempts->timer, delay_ms);
}

static void on_timer(struct ht_timer *timer)
{
    struct ht_aws_attempts *attempts = HT_CONTAINER_OF(timer, struct ht_aws_attempts, timer);

    if (attempts->step == AWS_STEP_END) {
        end(attempts, NULL);
    } else if (attempts->step == AWS_STEP_HASH) {
        hash_slice(attempts);
    } else {
        attempts->step = AWS_STEP_NONE;
        get_keys(attempts);
    }
}

void ht_aws_call_cancel(struct ht_aws_call *call)
{
    if (call->state != NULL && call->state->client != NULL) {
        ht_aws_attempts_cancel(call->state);
    }
}

void ht_aws_attempts_cancel(struct ht_aws_attempts *attempts)
{
    if (attempts->is_canceled) {
        return;
    }
    attempts->is_canceled = true;
    if (attempts->transfer != NULL) {
        ht_http_transfer_cancel(attempts->transfer);
    } else if (attempts->waits_for_keys) {
        ht_aws_credentials_cancel(attempts->client->options.credentials, &attempts->keys_request);
    } else {
        end_later(attempts, HT_ECANCELED);
    }
}

static void end_later(struct ht_aws_attempts *attempts, int status)
{
    attempts->call->status = status;
    attempts->step = AWS_STEP_END;
    ht_timer_start(attempts->client->timers, &attempts->timer, 0);
}

/* The call may be freed or started anew by `done`: nothing of it is touched afterwards. */
static void end(struct ht_aws_attempts *attempts, const struct ht_http_result *result)
{
    struct ht_aws_call *call = attempts->call;
    struct ht_buffer answer = attempts->answer;

    attempts->answer = (struct ht_buffer){0};
    if (call->status != 0) {
        ht_aws_answer_tell(attempts);
    }
    count_end(attempts);
    log_end(attempts);
    ht_aws_keys_release(attempts->keys);
    attempts->keys = NULL;
    call->state = NULL;
    ht_aws_client_give_attempts(attempts);
    call->answer = answer;
    call->answer_owner = &answer;
    call->answer_headers = result == NULL ? NULL : result->headers;
    call->answer_header_count = result == NULL ? 0 : result->header_count;
    call->done(call);
    ht_buffer_finish(&answer);
}

void ht_aws_call_take_answer(struct ht_aws_call *call, struct ht_buffer *answer)
{
    HT_ASSERT(call->answer_owner != NULL);
    *answer = *call->answer_owner;
    memset(call->answer_owner, 0, sizeof *call->answer_owner);
    memset(&call->answer, 0, sizeof call->answer);
}

static void count_end(struct ht_aws_attempts *attempts)
{
    struct ht_aws_service_counters *counters = &aws_service_of(attempts)->counters;

    counters->calls++;
    counters->in_flight--;
    if (attempts->call->status != 0 && attempts->call->status != HT_ECANCELED) {
        counters->failed++;
    }
}

static void log_end(const struct ht_aws_attempts *attempts)
{
    const struct ht_aws_call *call = attempts->call;
    const struct ht_log *log = attempts->client->options.log;

    if (log == NULL || log->level < HT_LOG_DEBUG) {
        return;
    }
    ht_log_debug(
        log, "aws", call->status == 0 ? "call answered" : "call failed",
        HT_TEXT("service", ht_aws_service_name(call->service)),
        HT_TEXT("operation", call->operation), HT_TEXT("resource", call->resource),
        HT_NUMBER("http_status", call->failure.http_status), HT_TEXT("code", call->failure.code),
        HT_TEXT("request_id", call->failure.request_id), HT_NUMBER("attempts", call->attempts),
        HT_NUMBER("ms", call->answer_time_ms), HT_TEXT("error", call->error.text));
}
