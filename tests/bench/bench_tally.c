// SPDX-License-Identifier: MIT

/**
 * How fast the tally counts: 1,000,000 distinct tags of 13 bytes, drawn by Zipf's law, in batches.
 *
 *     bench_tally [MILLIONS_OF_ADDS]
 */

#include "hashtagd/tally/tally.h"

#include "hashtagd/base/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TAG_COUNT    1000000u
#define TAG_BYTES    13u
#define BATCH        512u
#define DRAWN        (UINT32_C(1) << 23)
#define START_MINUTE INT64_C(29500000)

/* How the adds are spread over the minutes. */
#define ADDS_A_SECOND 143199u
#define ADDS_A_MINUTE (60 * ADDS_A_SECOND)

struct bench {
    struct ht_tally *tally;
    char *texts;          /**< TAG_COUNT times TAG_BYTES */
    uint32_t *drawn;      /**< DRAWN tags */
    uint64_t add_count;   /**< how many so far */
    double longest_batch; /**< seconds */
};

static double now(void);
static int prepare(struct bench *bench);
static int load_all(struct bench *bench);
static int count(struct bench *bench, uint64_t adds, bool with_minutes);
static int pass_minutes(struct bench *bench);
static void ask(struct bench *bench, uint32_t limit, const char *prefix);
static void ask_for_item(struct bench *bench);

int main(int argc, char **argv)
{
    uint64_t adds = (argc > 1 ? strtoull(argv[1], NULL, 10) : 30) * 1000000u;
    struct bench bench = {0};
    int status = prepare(&bench);
    status = status == 0 ? load_all(&bench) : status;
    status = status == 0 ? count(&bench, adds, false) : status;
    status = status == 0 ? count(&bench, adds, true) : status;
    status = status == 0 ? pass_minutes(&bench) : status;
    if (status == 0) {
        ask(&bench, 20, "");
        ask(&bench, 1000, "");
        ask(&bench, 20, "00001");
        ask_for_item(&bench);
    }
    ht_tally_destroy(bench.tally);
    free(bench.texts);
    free(bench.drawn);
    if (status != 0) {
        fprintf(stderr, "bench_tally: %s\n", ht_error_meaning(status));
    }
    return status == 0 ? 0 : 1;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Zipf with exponent 1 by turning its sum around: rank = N^u is close enough, and cheap. */
static int prepare(struct bench *bench)
{
    struct ht_random random;
    ht_random_init(&random, 1);
    struct ht_tally_options options = {.minute = START_MINUTE, .keep_parts = true};
    int status = ht_random_secret(&options.key, sizeof(options.key));
    bench->tally = ht_tally_create(&options);
    bench->texts = malloc((size_t)TAG_COUNT * TAG_BYTES + 1);
    bench->drawn = malloc((size_t)DRAWN * sizeof(bench->drawn[0]));
    if (status != 0 || bench->tally == NULL || bench->texts == NULL || bench->drawn == NULL) {
        return HT_ENOMEM;
    }
    for (uint32_t i = 0; i < TAG_COUNT; i++) {
        /* Scattered, so that neighbours in rank are no neighbours in text. */
        uint64_t number = (i * UINT64_C(2654435761)) % 9999999967u;
        (void)snprintf(bench->texts + (size_t)i * TAG_BYTES, TAG_BYTES + 1, "%010" PRIu64 "tag",
                       number);
    }
    for (uint32_t i = 0; i < DRAWN; i++) {
        double rank = pow((double)TAG_COUNT, ht_random_unit(&random));
        bench->drawn[i] = (uint32_t)rank - 1;
    }
    return 0;
}

static int load_all(struct bench *bench)
{
    double start = now();
    int status = ht_tally_reserve(bench->tally, TAG_COUNT);
    for (uint32_t i = 0; i < TAG_COUNT && status == 0; i++) {
        struct ht_slice tag = {bench->texts + (size_t)i * TAG_BYTES, TAG_BYTES};
        status = ht_tally_load(bench->tally, tag, 1 + TAG_COUNT / (i + 1), 1, 2);
    }
    printf("load         %8.0f ms for %u tags, %.1f bytes a tag\n", (now() - start) * 1e3,
           TAG_COUNT, (double)ht_tally_memory_bytes(bench->tally) / TAG_COUNT);
    return status;
}

static int one_batch(struct bench *bench, int64_t minute)
{
    struct ht_tally_add adds[BATCH];
    for (uint32_t i = 0; i < BATCH; i++) {
        uint32_t tag = bench->drawn[(bench->add_count + i) % DRAWN];
        adds[i] = (struct ht_tally_add){
            .tag = {bench->texts + (size_t)tag * TAG_BYTES, TAG_BYTES},
            .minute = minute,
            .seen_s = minute * 60,
            .count = 1,
        };
    }
    size_t done;
    double start = now();
    int status = ht_tally_add_batch(bench->tally, adds, BATCH, &done);
    double took = now() - start;
    bench->longest_batch = took > bench->longest_batch ? took : bench->longest_batch;
    bench->add_count += done;
    return status;
}

/* With minutes: as if the adds came at Twitter's record rate, with a flush each second. */
static int count(struct bench *bench, uint64_t adds, bool with_minutes)
{
    bench->add_count = 0;
    bench->longest_batch = 0;
    double in_flush = 0;
    double in_advance = 0;
    uint64_t next_flush = ADDS_A_SECOND;
    int status = 0;
    double start = now();
    while (bench->add_count < adds && status == 0) {
        int64_t minute =
            START_MINUTE + (with_minutes ? (int64_t)(bench->add_count / ADDS_A_MINUTE) : 0);
        double at = now();
        status = ht_tally_advance(bench->tally, minute);
        in_advance += now() - at;
        status = status == 0 ? one_batch(bench, minute) : status;
        if (with_minutes && bench->add_count >= next_flush && status == 0) {
            struct ht_tally_parts parts;
            at = now();
            status = ht_tally_take_parts(bench->tally, &parts);
            ht_tally_parts_finish(&parts);
            in_flush += now() - at;
            next_flush += ADDS_A_SECOND;
        }
    }
    double took = now() - start;
    printf("%s %8.2f M adds/s, longest batch %.2f ms, %.1f bytes a tag\n",
           with_minutes ? "and flushes " : "count       ", (double)adds / took / 1e6,
           bench->longest_batch * 1e3, (double)ht_tally_memory_bytes(bench->tally) / TAG_COUNT);
    if (with_minutes) {
        printf("             %8.2f ms a flush, %.2f ms a minute\n",
               in_flush * 1e3 / ((double)adds / ADDS_A_SECOND),
               in_advance * 1e3 / ((double)adds / ADDS_A_MINUTE));
    }
    return status;
}

/* Nothing comes any more: each minute only loses. */
static int pass_minutes(struct bench *bench)
{
    int64_t minute = ht_tally_minute(bench->tally);
    double longest = 0;
    int status = 0;
    for (int i = 0; i < 70 && status == 0; i++) {
        double start = now();
        status = ht_tally_advance(bench->tally, ++minute);
        double took = now() - start;
        longest = took > longest ? took : longest;
    }
    printf("advance      %8.2f ms at most\n", longest * 1e3);
    return status;
}

static void ask(struct bench *bench, uint32_t limit, const char *prefix)
{
    static struct ht_tally_row rows[HT_TALLY_TOP_MAX];
    struct ht_tally_query query = {.limit = limit, .prefix = ht_slice_text(prefix)};
    size_t found = 0;
    int rounds = *prefix == '\0' ? 1000 : 20;
    double start = now();
    for (int i = 0; i < rounds; i++) {
        query.window = i % 2 == 0 ? HT_TALLY_ALL : HT_TALLY_24H;
        found = ht_tally_top(bench->tally, &query, rows, NULL);
    }
    printf("top(%u)%s%s %8.1f us, %zu rows\n", limit, *prefix == '\0' ? "" : " prefix ", prefix,
           (now() - start) * 1e6 / rounds, found);
}

static void ask_for_item(struct bench *bench)
{
    int rounds = 1000;
    uint64_t series[HT_TALLY_SERIES_COUNT];
    double start = now();
    for (int i = 0; i < rounds; i++) {
        struct ht_tally_item item;
        struct ht_slice tag = {bench->texts + (size_t)i * TAG_BYTES, TAG_BYTES};
        (void)ht_tally_get(bench->tally, tag, &item);
    }
    printf("get          %8.1f us\n", (now() - start) * 1e6 / rounds);
    start = now();
    for (int i = 0; i < rounds; i++) {
        struct ht_slice tag = {bench->texts + (size_t)i * TAG_BYTES, TAG_BYTES};
        (void)ht_tally_get_series(bench->tally, tag, series);
    }
    printf("get series   %8.1f us\n", (now() - start) * 1e6 / rounds);
}
