// SPDX-License-Identifier: MIT
#include "put.h"

#include "client.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"

#include <stdio.h>
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

/* Line n of the body is entry n - 1: each message is one line. */
static int read_answer(const struct daemon_sink *sink, const struct ht_client_answer *answer,
                       struct ht_put_chunk *chunk, struct ht_error *error)
{
    struct ht_json *root = ht_json_parse(ht_buffer_slice(&answer->body), 0, NULL, NULL);
    const struct ht_json *rejected = ht_json_member(root, "rejected");
    if ((answer->status != 202 && answer->status != 400) || rejected == NULL) {
        ht_json_destroy(root);
        return ht_client_explain(&sink->client, answer, error);
    }
    for (size_t i = 0; i < ht_json_count(rejected); i++) {
        const struct ht_json *row = ht_json_element(rejected, i);
        int64_t line = ht_json_i64(ht_json_member(row, "line"));
        struct ht_slice reason = ht_json_text(ht_json_member(row, "reason"));
        if (line < 1 || (uint64_t)line > chunk->count) {
            continue;
        }
        struct ht_put_entry *entry = &chunk->entries[line - 1];
        (void)snprintf(
            entry->reason, sizeof(entry->reason), "%.*s",
            (int)(reason.length < HT_PUT_REASON_BYTES ? reason.length : HT_PUT_REASON_BYTES - 1),
            reason.length == 0 ? "refused" : reason.data);
    }
    ht_json_destroy(root);
    return 0;
}

static void close_sink(struct ht_put_sink *base)
{
    struct daemon_sink *sink = HT_CONTAINER_OF(base, struct daemon_sink, sink);
    ht_client_close(&sink->client);
    free(sink);
}
