// SPDX-License-Identifier: MIT
#include "hashtagd/base/histogram.h"

static const uint64_t borders[HT_HISTOGRAM_BORDER_COUNT] = HT_HISTOGRAM_BORDERS;

void ht_histogram_add(struct ht_histogram *histogram, uint64_t ns)
{
    int bucket = 0;
    while (bucket < HT_HISTOGRAM_BORDER_COUNT && ns > borders[bucket]) {
        bucket++;
    }
    histogram->buckets[bucket]++;
    histogram->count++;
    histogram->sum_ns += ns;
    if (ns > histogram->max_ns) {
        histogram->max_ns = ns;
    }
}

uint64_t ht_histogram_quantile_ns(const struct ht_histogram *histogram, double quantile)
{
    uint64_t seen = 0;
    for (int bucket = 0; bucket < HT_HISTOGRAM_BORDER_COUNT; bucket++) {
        seen += histogram->buckets[bucket];
        if (histogram->count > 0 && (double)seen >= quantile * (double)histogram->count) {
            return borders[bucket] < histogram->max_ns ? borders[bucket] : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}

const uint64_t *ht_histogram_borders(void)
{
    return borders;
}
