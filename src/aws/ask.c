// SPDX-License-Identifier: MIT
#include "ask.h"

#include "hashtagd/base/assert.h"
#include "text_file.h"

/*
 *   start -> turn -> send -> answer -+-> done
 *                     ^              |
 *                     +--- wait <----+   no answer, 5xx, temporary
 */

#define MAX_ANSWER_BYTES ((size_t)64 * 1024)

static void on_turn(struct ht_timer *timer);
static void send_request(struct ht_aws_ask *ask);
static void on_answer(void *user, struct ht_http_result *result);
static bool is_worth_another(const struct ht_aws_ask *ask);
static void finish(struct ht_aws_ask *ask);

void ht_aws_ask_start(struct ht_aws_ask *ask)
{
    HT_ASSERT(ask->attempts > 0 && ask->done != NULL);
    ask->status = 0;
    ask->attempt = 0;
    ask->transfer = NULL;
    ask->is_canceled = false;
    ht_error_clear(&ask->error);
    ht_buffer_init(&ask->body_of_answer, MAX_ANSWER_BYTES);
    ht_timer_init(&ask->timer, on_turn);
    ht_timer_start(ht_loop_timers(ask->options->loop), &ask->timer, 0);
}

void ht_aws_ask_add_header(struct ht_aws_ask *ask, const char *name, struct ht_slice value)
{
    HT_ASSERT(ask->header_count < HT_AWS_ASK_HEADERS_MAX);
    ask->headers[ask->header_count++] = (struct ht_http_header){ht_slice_text(name), value};
}

static void on_turn(struct ht_timer *timer)
{
    struct ht_aws_ask *ask = HT_CONTAINER_OF(timer, struct ht_aws_ask, timer);

    if (ask->is_canceled || ask->status != 0) {
        finish(ask);
    } else {
        send_request(ask);
    }
}

static void send_request(struct ht_aws_ask *ask)
{
    struct ht_http_transfer_options options = {
        .method = ask->method,
        .url = ask->url,
        .headers = ask->headers,
        .header_count = ask->header_count,
        .body = ask->body,
        .connect_timeout_ms = ask->timeout_ms,
        .timeout_ms = ask->timeout_ms,
        .max_response_bytes = MAX_ANSWER_BYTES,
        .is_without_proxy = ask->is_direct,
        .ca_file = ask->options->settings->ca_file,
        .on_done = on_answer,
        .user = ask,
    };

    ask->attempt++;
    ask->status = ht_http_transfer_start(ask->options->http, &options, &ask->transfer, &ask->error);
    if (ask->status != 0) {
        finish(ask);
    }
}

static void on_answer(void *user, struct ht_http_result *result)
{
    struct ht_aws_ask *ask = user;

    ask->transfer = NULL;
    ask->status = result->code;
    ask->http_status = result->status;
    ht_buffer_clear(&ask->body_of_answer);
    if (result->code != 0) {
        ht_error_set(&ask->error, result->code, "%s", result->error_text);
    } else if (ht_buffer_append_slice(&ask->body_of_answer, ht_buffer_slice(&result->body)) != 0) {
        ask->status = ht_error_set(&ask->error, HT_ENOMEM, "Out of memory for an answer.");
    }
    ht_aws_wipe_buffer(&result->body);
    if (!ask->is_canceled && ask->attempt < ask->attempts && is_worth_another(ask)) {
        ask->status = 0;
        ht_timer_start(ht_loop_timers(ask->options->loop), &ask->timer, ask->wait_ms);
        return;
    }
    finish(ask);
}

static bool is_worth_another(const struct ht_aws_ask *ask)
{
    if (ask->status != 0) {
        return ask->status == HT_ECONNECTION || ask->status == HT_ETIMEDOUT ||
               ask->status == HT_EIO;
    }
    return ask->http_status >= 500 || (ask->is_temporary != NULL && ask->is_temporary(ask));
}

void ht_aws_ask_cancel(struct ht_aws_ask *ask)
{
    ask->is_canceled = true;
    if (ask->transfer != NULL) {
        ht_http_transfer_cancel(ask->transfer);
    } else {
        ht_timer_start(ht_loop_timers(ask->options->loop), &ask->timer, 0);
    }
}

static void finish(struct ht_aws_ask *ask)
{
    if (ask->is_canceled) {
        ask->status = ht_error_set(&ask->error, HT_ECANCELED, "The request was given up.");
    }
    struct ht_buffer body = ask->body_of_answer; /* `done` may start anew in this very struct */
    ask->done(ask);
    ht_aws_wipe_buffer(&body);
}
