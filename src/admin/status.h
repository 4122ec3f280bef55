// SPDX-License-Identifier: MIT
#pragma once

/**
 * The state of every part, as GET /status, /readyz and the event `status` tell it: the seven
 * parts in the order of the pipeline, one row each in a table (status.c).
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/rate.h"
#include "hashtagd/pipeline/health.h"

struct ht_admin;
struct ht_admin_context;

/** How many parts there are. */
#define HT_STATUS_PARTS 7

/** The parts, in the order of the pipeline. */
enum ht_status_part {
    HT_PART_SOURCE,
    HT_PART_INGEST,
    HT_PART_STREAM,
    HT_PART_COUNT,
    HT_PART_TABLE,
    HT_PART_CHANGES,
    HT_PART_ARCHIVE,
    HT_PART_NONE, /**< a metric that belongs to no part */
};

/** Rates of the parts, sampled each second. */
struct ht_status_rates {
    struct ht_rate rates[HT_STATUS_PARTS];
    uint64_t totals[HT_STATUS_PARTS]; /**< at the last sample */
};

/** The compiler with its version. */
extern const char ht_compiler[];

/** The name of a part: "source". Static. */
const char *ht_status_part_name(enum ht_status_part part);

/** The health of a part; NULL where it is configured away. */
struct ht_health *ht_status_health(const struct ht_admin_context *context,
                                   enum ht_status_part part);

/** Takes on_change of every part: changes are logged and told to who listens to events. */
void ht_status_watch(struct ht_admin *admin);

/** Gives on_change back. */
void ht_status_unwatch(struct ht_admin *admin);

/** Adds what happened since the last sample to the rates. */
void ht_status_sample(struct ht_admin *admin);

/** Whether every part works and the daemon is not stopping. */
bool ht_status_is_ready(const struct ht_admin *admin);

/** Appends the object of GET /status. */
void ht_status_format(struct ht_admin *admin, struct ht_buffer *out);

/** What the part does a second. */
double ht_status_rate(struct ht_admin *admin, enum ht_status_part part);

struct ht_json_writer;

/** Writes the list of `problems`. */
void ht_status_write_problems(const struct ht_admin *admin, struct ht_json_writer *writer);

/** Appends the list of `problems`: `[{"part","since","text"}]`. */
void ht_status_format_problems(const struct ht_admin *admin, struct ht_buffer *out);

/** Appends a sentence that names each part that doesn't work, and why. */
void ht_status_describe_problems(const struct ht_admin *admin, struct ht_buffer *out);
