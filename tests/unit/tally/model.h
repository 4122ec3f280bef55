// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the tally promises, done the slow way: an array of tags with a count for each minute, and
 * sorting for each question. The tests do the same to both and compare.
 */

#include "hashtagd/tally/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_MINUTES 1440

struct model_tag {
    struct ht_slice name; /**< owned by the model */
    bool exists;
    uint64_t all;
    int64_t first_seen_s, last_seen_s;
    uint32_t minutes[MODEL_MINUTES];        /**< by minute % MODEL_MINUTES */
    uint64_t counts[HT_TALLY_WINDOW_COUNT]; /**< filled by model_sum */
};

struct model {
    struct model_tag *tags;
    size_t tag_count;
    int64_t minute;
    uint64_t totals[HT_TALLY_WINDOW_COUNT];
    uint64_t distinct[HT_TALLY_WINDOW_COUNT];
};

/** A model that knows `count` tags, none of which exists; the names are copied. */
void model_init(struct model *model, const struct ht_slice *names, size_t count, int64_t minute);

void model_finish(struct model *model);

void model_add(struct model *model, size_t tag, int64_t minute, uint32_t count, int64_t seen_s);

void model_remove(struct model *model, size_t tag);

void model_advance(struct model *model, int64_t minute);

/** Computes counts, totals and distinct. */
void model_sum(struct model *model);

/** Answers as ht_tally_top does; needs model_sum. */
size_t model_top(const struct model *model, const struct ht_tally_query *query,
                 struct ht_tally_row *rows, bool *more);

/** Asserts that the tally tells of this tag what the model does; needs model_sum. */
void model_check_item(const struct model *model, struct ht_tally *tally, size_t tag);

/** Asserts totals and distinct, and that the answer to the query is the same; needs model_sum. */
void model_check_top(const struct model *model, struct ht_tally *tally,
                     const struct ht_tally_query *query);
