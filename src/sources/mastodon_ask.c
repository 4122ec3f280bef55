// SPDX-License-Identifier: MIT
#include "mastodon_ask.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

/*
 *   start -> (transfer) -> on_answer -> done, freed
 *      |          '-- forget: canceled -> on_answer -> freed
 *      '-- it cannot start: (0 ms) -> on_failed -> done, freed
 */

/* A page of a busy server takes some seconds; the stream's own stall time is longer. */
#define ANSWER_TIMEOUT_MS 30000

struct ht_mastodon_ask {
    struct ht_timer_queue *timers;
    struct ht_http_transfer *transfer; /* NULL: it could not start */
    struct ht_timer failed_timer;
    struct ht_error error;
    void (*done)(void *user, struct ht_http_result *result); /* NULL: forgotten */
    void *user;
};

static void on_answer(void *user, struct ht_http_result *result);
static void on_failed(struct ht_timer *timer);

struct ht_mastodon_ask *ht_mastodon_ask_start(const struct ht_mastodon_ask_options *options)
{
    const struct ht_http_header headers[] = {
        HT_HTTP_HEADER("Accept", "application/json"),
        {HT_SLICE("Authorization"), options->authorization},
    };
    struct ht_mastodon_ask *ask = calloc(1, sizeof(*ask));
    if (ask == NULL) {
        return NULL;
    }
    ask->timers = options->timers;
    ask->done = options->done;
    ask->user = options->user;
    ht_timer_init(&ask->failed_timer, on_failed);
    struct ht_http_transfer_options transfer = {.url = options->url,
                                                .headers = headers,
                                                .header_count = HT_COUNT_OF(headers),
                                                .timeout_ms = ANSWER_TIMEOUT_MS,
                                                .max_response_bytes = options->max_bytes,
                                                .accepts_compressed = options->accepts_compressed,
                                                .on_done = on_answer,
                                                .user = ask};
    if (ht_http_transfer_start(options->client, &transfer, &ask->transfer, &ask->error) != 0) {
        ask->transfer = NULL;
        ht_timer_start(ask->timers, &ask->failed_timer, 0);
    }
    return ask;
}

static void on_answer(void *user, struct ht_http_result *result)
{
    struct ht_mastodon_ask *ask = user;
    if (ask->done != NULL) {
        ask->done(ask->user, result);
    }
    free(ask);
}

static void on_failed(struct ht_timer *timer)
{
    struct ht_mastodon_ask *ask = HT_CONTAINER_OF(timer, struct ht_mastodon_ask, failed_timer);
    struct ht_http_result result = {.code = ask->error.code, .error_text = ask->error.text};
    ask->done(ask->user, &result);
    free(ask);
}

void ht_mastodon_ask_forget(struct ht_mastodon_ask *ask)
{
    if (ask == NULL) {
        return;
    }
    ask->done = NULL;
    if (ask->transfer != NULL) {
        ht_http_transfer_cancel(ask->transfer);
    } else {
        ht_timer_stop(ask->timers, &ask->failed_timer);
        free(ask);
    }
}
