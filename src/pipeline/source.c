// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/source.h"

#include <stdio.h>

const char *ht_source_link_name(enum ht_source_link link)
{
    static const char *const names[] = {
#define X(name, text) [HT_SOURCE_LINK_##name] = text,
        HT_SOURCE_LINK_MAP(X)
#undef X
    };
    return names[link];
}

const char *ht_source_end_name(enum ht_source_end end)
{
    static const char *const names[] = {
#define X(name, label, text) [HT_SOURCE_END_##name] = label,
        HT_SOURCE_END_MAP(X)
#undef X
    };
    return names[end];
}

const char *ht_source_end_text(enum ht_source_end end)
{
    static const char *const texts[] = {
#define X(name, label, text) [HT_SOURCE_END_##name] = text,
        HT_SOURCE_END_MAP(X)
#undef X
    };
    return texts[end];
}

void ht_source_init(struct ht_source *source, const struct ht_source_ops *ops, const char *name,
                    struct ht_clock *clock)
{
    *source = (struct ht_source){
        .ops = ops,
        .connection = {.behind_ms = -1, .undelivered = -1, .rate_limit = -1, .rate_remaining = -1}};
    (void)snprintf(source->name, sizeof(source->name), "%s", name);
    ht_health_init(&source->health, clock, HT_HEALTH_STARTING);
}

uint64_t ht_source_reconnects(const struct ht_source *source)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < source->part_count; i++) {
        sum += ht_source_reconnects(source->parts[i]);
    }
    for (size_t i = 0; i < HT_SOURCE_END_COUNT; i++) {
        sum += source->connection.ends[i];
    }
    return sum;
}
