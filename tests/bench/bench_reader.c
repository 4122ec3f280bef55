// SPDX-License-Identifier: MIT
/*
 * How fast a tweet is checked and asked for its hashtags, beside jansson and a mere copy, over the
 * corpus of real messages (tests/support/shared.h). Each way runs over the whole corpus again and
 * again; the fastest round counts.
 */
#include "hashtagd/json/json.h"
#include "hashtagd/json/reader.h"
#include "hashtagd/tweet/tweet.h"

#include "../support/shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

static size_t run_tweet(struct ht_slice line, void *state)
{
    struct ht_tweet tweet;
    return ht_tweet_read(state, line, NULL, &tweet, NULL) == 0 ? tweet.hashtag_count : 1000;
}

/* Writes the line as Twitter's streams do: ASCII alone, the rest escaped, slashes too. */
static struct ht_slice to_wire(struct ht_slice line)
{
    const unsigned char *in = (const unsigned char *)line.data, *end = in + line.length;
    char *out = malloc(line.length * 6 + 16);
    size_t length = 0;
    while (out != NULL && in < end) {
        if (*in < 0x80) {
            length += (size_t)sprintf(out + length, *in == '/' ? "\\/" : "%c", *in);
            in++;
            continue;
        }
        unsigned size = *in < 0xe0 ? 2 : *in < 0xf0 ? 3 : 4;
        unsigned point = *in++ & (0x7fu >> size);
        for (unsigned i = 1; i < size; i++) {
            point = point << 6 | (*in++ & 0x3fu);
        }
        if (point >= 0x10000) {
            length += (size_t)sprintf(out + length, "\\u%04x", 0xd7c0 + (point >> 10));
            point = 0xdc00 + (point & 0x3ff);
        }
        length += (size_t)sprintf(out + length, "\\u%04x", point);
    }
    return ht_slice_make(out, length);
}

static void load(struct corpus *corpus, const char *pattern, bool as_wire)
{
    struct shared_lines lines;
    struct ht_slice line;
    if (!shared_open_pattern(&lines, pattern)) {
        return;
    }
    while (shared_next(&lines, &line)) {
        corpus->lines = realloc(corpus->lines, (corpus->count + 1) * sizeof(*corpus->lines));
        struct ht_slice copy = ht_slice_make(ht_slice_to_text(line), line.length);
        corpus->lines[corpus->count] = as_wire ? to_wire(line) : copy;
        corpus->bytes += corpus->lines[corpus->count++].length;
    }
    shared_close(&lines);
}

/* What this thread alone used: other programs on the machine disturb less. */
static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double measure(const struct corpus *corpus, const struct way *way, size_t repeats)
{
    double best = 0;
    size_t sum = 0;
    for (int round = 0; round < 7; round++) {
        double start = cpu_ns();
        for (size_t i = 0; i < repeats; i++) {
            for (size_t k = 0; k < corpus->count; k++) {
                sum += way->run(corpus->lines[k], way->state);
            }
        }
        double ns = cpu_ns() - start;
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
    static struct ht_tweet_reader tweets;
    static char copy[1u << 20];
    const struct ht_hash_key key = {1, 2};
    struct way ways[] = {
        {"jansson", run_jansson, NULL},
        {"scan, plain C", run_scan, &readers[HT_JSON_LEVEL_PLAIN]},
        {"scan, SSE2", run_scan, &readers[HT_JSON_LEVEL_SSE2]},
        {"scan, AVX2", run_scan, &readers[HT_JSON_LEVEL_AVX2]},
        {"tweet, AVX2", run_tweet, &tweets},
        {"copy", run_copy, copy},
    };
    static const struct {
        const char *name, *pattern;
        bool as_wire;
    } sets[] = {
        {"v1.1, as the stream writes it", "v11-search/*.json", true},
        {"v1.1, raw UTF-8", "v11-search/*.json", false},
        {"v2 stream", "v2/filtered*.jsonl", false},
        {"v2 flat", "v2/twarc-flat.jsonl", false},
        {"v2 answers", "v2/twarc-2sets.jsonl", false},
        {"Jetstream", "bluesky/*.jsonl", false},
    };
    ht_tweet_reader_init(&tweets, &key);
    for (enum ht_json_level level = HT_JSON_LEVEL_PLAIN; level <= HT_JSON_LEVEL_AVX2; level++) {
        ht_json_reader_init(&readers[level], sizeof(copy));
        (void)ht_json_reader_use(&readers[level], level);
    }
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        struct corpus corpus = {0};
        load(&corpus, sets[i].pattern, sets[i].as_wire);
        compare(sets[i].name, &corpus, ways, sizeof(ways) / sizeof(ways[0]));
    }
    return 0;
}
