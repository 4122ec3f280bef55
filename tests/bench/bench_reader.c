// SPDX-License-Identifier: MIT
/*
 * How fast a tweet is checked and asked for its hashtags, beside jansson and a mere copy, over the
 * corpus of real messages (tests/support/shared.h). Each way runs over the whole corpus again and
 * again; the fastest round counts.
 */
#include "hashtagd/base/clock.h"
#include "hashtagd/json/json.h"
#include "hashtagd/json/reader.h"

#include "../support/shared.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUND_BYTES (64u << 20)

struct corpus {
    struct ht_slice *lines;
    size_t count, bytes;
};

struct way {
    const char *name;
    size_t (*run)(struct ht_slice line, void *state); /* returns something that depends on all */
    void *state;
};

static size_t run_copy(struct ht_slice line, void *state)
{
    memcpy(state, line.data, line.length);
    return ((const unsigned char *)state)[line.length / 2];
}

static size_t run_jansson(struct ht_slice line, void *state)
{
    (void)state;
    struct ht_json *root = ht_json_parse(line, HT_JSON_ROOT_IS_CONTAINER, NULL, NULL);
    size_t count = ht_json_count(ht_json_find(root, "entities.hashtags"));
    ht_json_destroy(root);
    return count;
}

static size_t run_scan(struct ht_slice line, void *state)
{
    return ht_json_reader_scan(state, line, NULL) == HT_JSON_VERDICT_OK;
}

static void load(struct corpus *corpus, const char *pattern)
{
    struct shared_lines lines;
    struct ht_slice line;
    if (!shared_open_pattern(&lines, pattern)) {
        return;
    }
    while (shared_next(&lines, &line)) {
        corpus->lines = realloc(corpus->lines, (corpus->count + 1) * sizeof(*corpus->lines));
        corpus->lines[corpus->count++] = ht_slice_make(ht_slice_to_text(line), line.length);
        corpus->bytes += line.length;
    }
    shared_close(&lines);
}

static double measure(const struct corpus *corpus, const struct way *way, size_t repeats)
{
    struct ht_clock clock;
    double best = 0;
    size_t sum = 0;
    ht_clock_init_system(&clock);
    for (int round = 0; round < 7; round++) {
        uint64_t start = ht_clock_monotonic_ns(&clock);
        for (size_t i = 0; i < repeats; i++) {
            for (size_t k = 0; k < corpus->count; k++) {
                sum += way->run(corpus->lines[k], way->state);
            }
        }
        double ns = (double)(ht_clock_monotonic_ns(&clock) - start);
        double rate = (double)(corpus->count * repeats) / ns * 1e9;
        best = rate > best ? rate : best;
    }
    return sum == (size_t)-1 ? 0 : best;
}

static void compare(const char *name, const struct corpus *corpus, const struct way *ways,
                    size_t count)
{
    if (corpus->count == 0) {
        printf("%s: no data\n", name);
        return;
    }
    printf("%s: %zu messages, %zu bytes on average\n", name, corpus->count,
           corpus->bytes / corpus->count);
    double jansson = 0;
    for (size_t i = 0; i < count; i++) {
        size_t repeats = (i == 0 ? ROUND_BYTES / 16 : ROUND_BYTES) / corpus->bytes + 1;
        double rate = measure(corpus, &ways[i], repeats);
        jansson = i == 0 ? rate : jansson;
        printf("  %-16s %10.0f/s %8.3f GB/s %6.1f x jansson\n", ways[i].name, rate,
               rate * (double)corpus->bytes / (double)corpus->count / 1e9, rate / jansson);
    }
}

int main(void)
{
    static struct ht_json_reader readers[3];
    static char copy[1u << 20];
    struct way ways[] = {
        {"jansson", run_jansson, NULL},
        {"scan, plain C", run_scan, &readers[HT_JSON_LEVEL_PLAIN]},
        {"scan, SSE2", run_scan, &readers[HT_JSON_LEVEL_SSE2]},
        {"scan, AVX2", run_scan, &readers[HT_JSON_LEVEL_AVX2]},
        {"copy", run_copy, copy},
    };
    static const struct {
        const char *name, *pattern;
    } sets[] = {
        {"v1.1 search answer, raw UTF-8", "v11-search/*.json"},
        {"v2 stream", "v2/filtered*.jsonl"},
        {"v2 flat", "v2/twarc-flat.jsonl"},
        {"v2 answers", "v2/twarc-2sets.jsonl"},
    };
    for (enum ht_json_level level = HT_JSON_LEVEL_PLAIN; level <= HT_JSON_LEVEL_AVX2; level++) {
        ht_json_reader_init(&readers[level], sizeof(copy));
        (void)ht_json_reader_use(&readers[level], level);
    }
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        struct corpus corpus = {0};
        load(&corpus, sets[i].pattern);
        compare(sets[i].name, &corpus, ways, sizeof(ways) / sizeof(ways[0]));
    }
    return 0;
}
