// SPDX-License-Identifier: MIT

/* How many synthetic tweets one core makes a second: bench_synthetic [COUNT [SEED]] */

#include "hashtagd/base/clock.h"
#include "hashtagd/sources/synthetic_tweets.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    uint64_t count = 1000000, seed = 1, bytes = 0, hashtags = 0;
    if ((argc > 1 && ht_slice_to_u64(ht_slice_text(argv[1]), UINT64_MAX, &count) != 0) ||
        (argc > 2 && ht_slice_to_u64(ht_slice_text(argv[2]), UINT64_MAX, &seed) != 0)) {
        fprintf(stderr, "usage: bench_synthetic [COUNT [SEED]]\n");
        return 2;
    }
    struct ht_clock clock;
    ht_clock_init_system(&clock);
    uint64_t begun_ns = ht_clock_monotonic_ns(&clock);
    struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(seed);
    if (tweets == NULL) {
        return 1;
    }
    uint64_t ready_ns = ht_clock_monotonic_ns(&clock);
    for (uint64_t index = 0; index < count; index++) {
        struct ht_synthetic_message message;
        ht_synthetic_tweets_get(tweets, index, &message);
        bytes += message.bytes.length;
        hashtags += message.hashtag_count;
    }
    double seconds = (double)(ht_clock_monotonic_ns(&clock) - ready_ns) / 1e9;
    printf("create %.1f ms; %llu messages in %.2f s: %.0f/s, %.0f MB/s, mean %.0f bytes, "
           "%.3f hashtags a message\n",
           (double)(ready_ns - begun_ns) / 1e6, (unsigned long long)count, seconds,
           (double)count / seconds, (double)bytes / seconds / 1e6, (double)bytes / (double)count,
           (double)hashtags / (double)count);
    ht_synthetic_tweets_destroy(tweets);
    return 0;
}
