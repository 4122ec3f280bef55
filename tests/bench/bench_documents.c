// SPDX-License-Identifier: MIT

/* How fast files are taken apart: synthetic tweets as JSON lines, as one array, and as gzip.
 * bench_documents [COUNT] */

#include "hashtagd/base/clock.h"
#include "hashtagd/base/gzip.h"
#include "hashtagd/sources/documents.h"
#include "hashtagd/sources/synthetic_tweets.h"

#include <stdio.h>

enum { CHUNK_BYTES = 128 * 1024 };

static int make_input(struct ht_buffer *input, uint64_t count, bool as_array)
{
    struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(1);
    if (tweets == NULL) {
        return HT_ENOMEM;
    }
    for (uint64_t index = 0; index < count; index++) {
        struct ht_synthetic_message message;
        ht_synthetic_tweets_get(tweets, index, &message);
        ht_buffer_append_text(input, !as_array ? "" : index == 0 ? "[" : ",");
        ht_buffer_append_slice(input, message.bytes);
        ht_buffer_append_text(input, as_array ? "" : "\n");
    }
    ht_buffer_append_text(input, as_array ? "]" : "");
    ht_synthetic_tweets_destroy(tweets);
    return ht_buffer_status(input);
}

static void measure(const char *name, struct ht_slice input, size_t plain_bytes)
{
    struct ht_clock clock;
    struct ht_document document;
    struct ht_documents *documents = ht_documents_create();
    uint64_t messages = 0;
    ht_clock_init_system(&clock);
    uint64_t begun_ns = ht_clock_monotonic_ns(&clock);
    enum ht_documents_event event = HT_DOCUMENTS_MORE;
    while (documents != NULL && event != HT_DOCUMENTS_END && event != HT_DOCUMENTS_FAILED) {
        event = ht_documents_next(documents, &document);
        messages += event == HT_DOCUMENTS_MESSAGE;
        if (event == HT_DOCUMENTS_MORE && input.length == 0) {
            ht_documents_end(documents);
        } else if (event == HT_DOCUMENTS_MORE) {
            struct ht_slice part = {input.data,
                                    input.length < CHUNK_BYTES ? input.length : CHUNK_BYTES};
            ht_documents_feed(documents, part);
            input.data += part.length;
            input.length -= part.length;
        }
    }
    double seconds = (double)(ht_clock_monotonic_ns(&clock) - begun_ns) / 1e9;
    printf("%-6s %llu messages in %.2f s: %.0f/s, %.0f MB/s\n", name, (unsigned long long)messages,
           seconds, (double)messages / seconds, (double)plain_bytes / seconds / 1e6);
    ht_documents_destroy(documents);
}

int main(int argc, char **argv)
{
    uint64_t count = 100000;
    struct ht_buffer lines, array, gzip;
    if (argc > 1 && ht_slice_to_u64(ht_slice_text(argv[1]), 1000000, &count) != 0) {
        fprintf(stderr, "usage: bench_documents [COUNT]\n");
        return 2;
    }
    ht_buffer_init(&lines, (size_t)8 << 30);
    ht_buffer_init(&array, (size_t)8 << 30);
    ht_buffer_init(&gzip, (size_t)8 << 30);
    int status = make_input(&lines, count, false);
    status = status == 0 ? make_input(&array, count, true) : status;
    status = status == 0 ? ht_gzip_format(ht_buffer_slice(&lines), &gzip) : status;
    if (status == 0) {
        measure("lines", ht_buffer_slice(&lines), lines.length);
        measure("array", ht_buffer_slice(&array), array.length);
        measure("gzip", ht_buffer_slice(&gzip), lines.length);
    }
    ht_buffer_finish(&lines);
    ht_buffer_finish(&array);
    ht_buffer_finish(&gzip);
    return status == 0 ? 0 : 1;
}
