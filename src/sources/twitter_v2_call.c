// SPDX-License-Identifier: MIT
#include "twitter_v2_call.h"

#include "hashtagd/base/assert.h"

#include "http_stream_answer.h"

enum {
    TIMEOUT_MS = 30000,
    ANSWER_MAX_BYTES = 16 << 20, /* a page of 1000 rules of 2048 characters, escaped */
};

static int begin(struct ht_twitter_v2_call *call);
static void on_due(struct ht_timer *timer);
static void on_answer(void *user, struct ht_http_result *result);
static void explain(struct ht_twitter_v2_call *call, const struct ht_http_result *result);

void ht_twitter_v2_call_start(struct ht_twitter_v2_call *call)
{
    call->status = 0;
    call->answer = (struct ht_slice){0};
    call->end = HT_SOURCE_END_NETWORK;
    call->at_least_ms = 0;
    call->transfer = NULL;
    ht_error_clear(&call->error);
    ht_timer_init(&call->timer, on_due);
    if (begin(call) != 0) {
        ht_timer_start(call->live->options.timers, &call->timer, 0);
    }
}

static int begin(struct ht_twitter_v2_call *call)
{
    struct ht_http_header headers[2] = {
        {HT_SLICE("Authorization"), ht_slice_text(call->authorization)},
        {HT_SLICE("Content-Type"), ht_slice_text(call->content_type)},
    };
    struct ht_http_transfer_options options = {
        .url = call->url,
        .headers = headers,
        .header_count = call->content_type == NULL ? 1 : 2,
        .body = call->body,
        .timeout_ms = TIMEOUT_MS,
        .max_response_bytes = ANSWER_MAX_BYTES,
        .accepts_compressed = true,
        .on_done = on_answer,
        .user = call,
    };
    return ht_http_transfer_start(call->client, &options, &call->transfer, &call->error);
}

static void on_due(struct ht_timer *timer)
{
    struct ht_twitter_v2_call *call = HT_CONTAINER_OF(timer, struct ht_twitter_v2_call, timer);
    call->done(call);
}

static void on_answer(void *user, struct ht_http_result *result)
{
    struct ht_twitter_v2_call *call = user;
    call->transfer = NULL;
    call->status = result->code == 0 ? result->status : 0;
    call->answer = ht_buffer_slice(&result->body);
    if (call->status < 200 || call->status > 299) {
        explain(call, result);
    }
    call->done(call);
}

static void explain(struct ht_twitter_v2_call *call, const struct ht_http_result *result)
{
    if (call->status == 0) {
        ht_http_stream_explain(call->what, result, &call->end, &call->error);
        return;
    }
    const struct ht_http_stream_answer answer = {
        .what = call->what,
        .status = call->status,
        .body = call->answer,
        .secret = ht_slice_text(call->authorization),
        .cure = ht_twitter_v2_cure(call->status, call->answer, &call->cure_context),
    };
    ht_http_stream_explain_answer(&answer, &call->end, &call->error);
    call->at_least_ms =
        ht_http_stream_note_limits(call->live, call->status, result->headers, result->header_count);
}

void ht_twitter_v2_call_cancel(struct ht_twitter_v2_call *call)
{
    if (call->transfer != NULL) {
        ht_http_transfer_cancel(call->transfer);
    }
    /* Else the timer runs. */
}
