// SPDX-License-Identifier: MIT
#include "embedded_stream_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    SPARE_LEAST_BYTES = 1024 * 1024, /* smaller ones cost the C library no call of the system */
    ROUND_BYTES = 512 * 1024,        /* so that one fits the next need, which differs a little */
};

struct ht_embedded_pool *ht_embedded_pool_create(void)
{
    struct ht_embedded_pool *pool = calloc(1, sizeof(*pool));
    if (pool != NULL) {
        pool->holders = 1;
    }
    return pool;
}

static void free_spares(struct ht_embedded_spares *spares)
{
    while (spares->count > 0) {
        ht_segment_block_release(spares->blocks[--spares->count]);
    }
}

void ht_embedded_pool_drop(struct ht_embedded_pool *pool)
{
    if (pool != NULL && --pool->holders == 0) {
        free_spares(&pool->spares);
        free(pool);
    }
}

/* The oldest one makes room: sizes that nobody needs any more do not stay. */
static void keep(struct ht_embedded_spares *spares, struct ht_segment_block *block)
{
    if (spares->count == HT_EMBEDDED_SPARES_MOST) {
        ht_segment_block_release(spares->blocks[0]);
        spares->count--;
        memmove(spares->blocks, spares->blocks + 1, spares->count * sizeof(*spares->blocks));
    }
    spares->blocks[spares->count++] = block;
}

void ht_embedded_pool_release(struct ht_embedded_pool *pool, struct ht_segment_block *block)
{
    if (block != NULL && block->references == 1 && block->capacity >= SPARE_LEAST_BYTES) {
        keep(&pool->spares, block);
    } else {
        ht_segment_block_release(block);
    }
}

void ht_embedded_pool_lend(struct ht_embedded_pool *pool, struct ht_embedded_spares *spares)
{
    *spares = pool->spares;
    pool->spares.count = 0;
}

void ht_embedded_pool_take_back(struct ht_embedded_pool *pool, struct ht_embedded_spares *spares)
{
    pool->is_used = pool->is_used || spares->is_used;
    for (size_t i = 0; i < spares->count; i++) {
        keep(&pool->spares, spares->blocks[i]);
    }
    spares->count = 0;
}

void ht_embedded_pool_age(struct ht_embedded_pool *pool)
{
    if (!pool->is_used) {
        free_spares(&pool->spares);
    }
    pool->is_used = false;
}

/* One is not taken for much less than it holds: the room beside would be lost for long. */
static bool fits(const struct ht_segment_block *block, size_t bytes)
{
    return block->capacity >= bytes && block->capacity - bytes <= bytes / 2;
}

static size_t round_up(size_t bytes)
{
    return bytes < SPARE_LEAST_BYTES ? bytes
                                     : (bytes + ROUND_BYTES - 1) / ROUND_BYTES * ROUND_BYTES;
}

struct ht_segment_block *ht_embedded_spares_take(struct ht_embedded_spares *spares, size_t bytes)
{
    for (size_t i = spares->count; i-- > 0;) {
        if (fits(spares->blocks[i], bytes)) {
            struct ht_segment_block *block = spares->blocks[i];
            spares->count--;
            memmove(spares->blocks + i, spares->blocks + i + 1,
                    (spares->count - i) * sizeof(*spares->blocks));
            spares->is_used = true;
            ht_segment_block_reset(block);
            return block;
        }
    }
    return ht_segment_block_create(round_up(bytes));
}
