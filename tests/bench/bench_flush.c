// SPDX-License-Identifier: MIT

/**
 * What counting for a flush costs, and how long its start and its landing hold the loop: 100,000
 * distinct hashtags, drawn by Zipf's law, with and without the records that a table without
 * transactions asks for.
 *
 *     bench_flush [THOUSANDS_OF_ADDS]
 */

#include "hashtagd/base/random.h"
#include "hashtagd/tally/pending.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TAG_COUNT    100000u
#define TAG_BYTES    13u
#define TAGS_A_TWEET 2u

static double now(void);
static int measure(uint64_t adds, bool keeps_occurrences);
static int count(struct ht_pending *pending, uint64_t adds);
static int land(struct ht_pending *pending, struct ht_tally *tally);

int main(int argc, char **argv)
{
    uint64_t adds = (argc > 1 ? strtoull(argv[1], NULL, 10) : 300) * 1000u;
    int status = measure(adds, false);
    status = status == 0 ? measure(adds, true) : status;
    if (status != 0) {
        fprintf(stderr, "bench_flush: %s\n", ht_error_meaning(status));
    }
    return status == 0 ? 0 : 1;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int measure(uint64_t adds, bool keeps_occurrences)
{
    struct ht_pending_options options = {.keeps_occurrences = keeps_occurrences};
    struct ht_tally_options tally_options = {.minute = 29500000};
    struct ht_pending *pending = ht_pending_create(&options);
    struct ht_tally *tally = ht_tally_create(&tally_options);
    int status = pending == NULL || tally == NULL ? HT_ENOMEM : 0;
    double start = now();
    status = status == 0 ? count(pending, adds) : status;
    printf("occurrences %s: %6.1f ns an addition, %.1f MiB\n", keeps_occurrences ? "on " : "off",
           (now() - start) * 1e9 / (double)adds,
           status == 0 ? (double)ht_pending_used_bytes(pending) / 1048576 : 0);
    start = now();
    status = status == 0 ? ht_pending_begin_flush(pending) : status;
    size_t shares = status == 0 ? ht_pending_in_flight_count(pending) : 0;
    struct ht_pending_share *all = calloc(shares + 1, sizeof(*all));
    for (size_t i = 0; i < shares && all != NULL; i++) {
        (void)ht_pending_get_in_flight(pending, i, &all[i]);
    }
    printf("  start     %8.2f ms for %zu deltas\n", (now() - start) * 1e3, shares);
    free(all);
    status = status == 0 ? land(pending, tally) : status;
    ht_pending_destroy(pending);
    ht_tally_destroy(tally);
    return status;
}

static int count(struct ht_pending *pending, uint64_t adds)
{
    struct ht_random random;
    ht_random_init(&random, 1);
    struct ht_pending_add add = {.minute = 29500000, .seen_s = 1770000000, .count = 1};
    char tag[TAG_BYTES + 8];
    char sequence[64];
    int status = 0;
    for (uint64_t i = 0; i < adds && status == 0; i++) {
        if (i % TAGS_A_TWEET == 0) {
            (void)snprintf(sequence, sizeof(sequence), "4959033827125749220631%034" PRIu64, i);
            status = ht_pending_note_position(pending, ht_slice_text(sequence), 0, &add.position);
        }
        uint32_t rank = (uint32_t)pow((double)TAG_COUNT, ht_random_unit(&random));
        (void)snprintf(tag, sizeof(tag), "%010" PRIu32 "tag", rank);
        add.tag = ht_slice_make(tag, TAG_BYTES);
        status = status == 0 ? ht_pending_add(pending, &add) : status;
    }
    return status;
}

/* The tally agrees with the totals, as it mostly does: two look-ups each. */
static int land(struct ht_pending *pending, struct ht_tally *tally)
{
    size_t shares = ht_pending_in_flight_count(pending);
    char *texts = malloc((size_t)TAG_BYTES * shares + 1);
    int status = texts == NULL ? HT_ENOMEM : 0;
    for (size_t i = 0; i < shares && status == 0; i++) {
        struct ht_pending_share share;
        (void)ht_pending_get_in_flight(pending, i, &share);
        memcpy(texts + i * TAG_BYTES, share.tag.data, TAG_BYTES);
        status = ht_tally_load(tally, share.tag, share.count, 1, 2);
    }
    double start = now();
    ht_pending_finish_flush(pending);
    printf("  forget    %8.2f ms\n", (now() - start) * 1e3);
    uint64_t sum = 0;
    start = now();
    for (size_t i = 0; i < shares && status == 0; i++) {
        struct ht_slice tag = ht_slice_make(texts + i * TAG_BYTES, TAG_BYTES);
        sum += ht_tally_count(tally, tag) + ht_pending_collected_of(pending, tag);
    }
    printf("  totals    %8.2f ms in slices, %" PRIu64 " occurrences\n", (now() - start) * 1e3, sum);
    free(texts);
    return status;
}
