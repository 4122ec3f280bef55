// SPDX-License-Identifier: MIT
#include "put.h"

#include "client.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

/* How long one chunk may take, and how long a daemon may say that it is busy. */
enum { TIMEOUT_MS = 120000, MAX_BUSY_S = 300 };

struct daemon_sink {
    struct ht_put_sink sink; /* first: callers know only this */
    struct ht_client client;
};

static int send_chunk(struct ht_put_sink *base, struct ht_put_chunk *chunk, struct ht_error *error);
static int read_answer(const struct daemon_sink *sink, const struct ht_client_answer *answer,
                       struct ht_put_chunk *chunk, struct ht_error *error);
static void close_sink(struct ht_put_sink *base);

int ht_put_daemon_open(struct ht_put_sink **sink, const struct ht_config *config,
                       struct ht_error *error)
{
    struct daemon_sink *made = calloc(1, sizeof(*made));
    *sink = NULL;
    if (made == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory.");
    }
    made->sink.send = send_chunk;
    made->sink.close = close_sink;
    int result = ht_client_open(&made->client, config, NULL, error);
    if (result != 0) {
        free(made);
        return result;
    }
    struct ht_client_request request = {.method = "GET", .path = "healthz", .timeout_ms = 10000};
    struct ht_client_answer answer;
    result = ht_client_ask(&made->client, &request, &answer, error);
    if (result == 0 && answer.status != 200) {
        result = ht_client_explain(&made->client, &answer, error);
    }
    ht_client_answer_finish(&answer);
    if (result != 0) {
        close_sink(&made->sink);
        return result;
    }
    *sink = &made->sink;
    return 0;
}

static int send_chunk(struct ht_put_sink *base, struct ht_put_chunk *chunk, struct ht_error *error)
{
    struct daemon_sink *sink = HT_CONTAINER_OF(base, struct daemon_sink, sink);
    struct ht_client_request request = {.method = "POST",
                                        .path = "tweets",
                                        .type = "application/x-ndjson",
                                        .body = ht_buffer_slice(&chunk->bytes),
                                        .timeout_ms = TIMEOUT_MS};
    uint64_t busy_s = 0;
    for (;;) {
        struct ht_client_answer answer;
        int result = ht_client_ask(&sink->client, &request, &answer, error);
        if (result == 0) {
            result = read_answer(sink, &answer, chunk, error);
        }
        uint64_t wait_s = answer.retry_after_s == 0 ? 1 : answer.retry_after_s;
        ht_client_answer_finish(&answer);
        if (result != HT_EBUSY || busy_s >= MAX_BUSY_S) {
            return result;
        }
        busy_s += wait_s;
        (void)ht_client_wait(&sink->client, wait_s * 1000);
    }
}

static int read_answer(const struct daemon_sink *sink, const struct ht_client_answer *answer,
                       struct ht_put_chunk *chunk, struct ht_error *error)
{
    struct ht_put_answer told = {
        .status = answer->status, .body = ht_buffer_slice(&answer->body), .url = sink->client.url};
    int result = ht_put_answer_read(&told, chunk, error);
    return result == HT_ENOTFOUND ? ht_client_explain(&sink->client, answer, error) : result;
}

static void close_sink(struct ht_put_sink *base)
{
    struct daemon_sink *sink = HT_CONTAINER_OF(base, struct daemon_sink, sink);
    ht_client_close(&sink->client);
    free(sink);
}
