// SPDX-License-Identifier: MIT
#pragma once

/**
 * Metrics: one table of rows (metrics_table.c) makes GET /metrics in both of Prometheus's text
 * formats, the `details` of GET /status and docs/metrics.md.
 *
 * Names have the prefix hashtagd_ and base units; counters end in _total. No hashtag is ever a
 * label.
 */

#include "status.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/histogram.h"

#include <stddef.h>
#include <stdint.h>

struct ht_admin;

enum ht_metric_kind {
    HT_METRIC_COUNTER, /**< only grows; its samples end in _total */
    HT_METRIC_GAUGE,
    HT_METRIC_HISTOGRAM, /**< seconds */
    HT_METRIC_INFO,      /**< always 1, the labels tell */
};

enum ht_metrics_format {
    HT_METRICS_PROMETHEUS,  /**< text format 0.0.4 */
    HT_METRICS_OPENMETRICS, /**< OpenMetrics 1.0 */
};

struct ht_metrics_writer;

struct ht_metric_row {
    const char *name; /**< without _total; ends in `unit` where there is one */
    enum ht_metric_kind kind;
    const char *unit;         /**< "seconds", "bytes" or "" */
    const char *help;         /**< a sentence without its end */
    const char *labels;       /**< names with commas, for the manual; "" where none */
    enum ht_status_part part; /**< shown in the part's details in GET /status, or NONE */
    /** Of a row with `each`: what its samples make together, for the part's details; else NULL. */
    uint64_t (*sum)(const struct ht_admin *admin);
    /* one of these is not NULL */
    uint64_t (*count)(const struct ht_admin *admin);
    double (*number)(const struct ht_admin *admin);
    const struct ht_histogram *(*histogram)(const struct ht_admin *admin);
    void (*each)(const struct ht_admin *admin, struct ht_metrics_writer *writer);
};

/** All rows; `*count` of them. Static. */
const struct ht_metric_row *ht_metrics_rows(size_t *count);

/** Where samples go; fields are private. */
struct ht_metrics_writer {
    struct ht_buffer *out;           /* not owned */
    const struct ht_metric_row *row; /* whose samples are written */
    enum ht_metrics_format format;
};

/** One label of a sample. */
struct ht_metric_label {
    const char *name;  /**< NULL ends a list */
    const char *value; /**< any text */
};

/** Writes a sample of the row with these labels (ended by a NULL name). */
void ht_metrics_write_count(struct ht_metrics_writer *writer, const struct ht_metric_label *labels,
                            uint64_t value);
/** The same for a number that is not whole. */
void ht_metrics_write_number(struct ht_metrics_writer *writer, const struct ht_metric_label *labels,
                             double value);
/** The same for a histogram. */
void ht_metrics_write_histogram(struct ht_metrics_writer *writer,
                                const struct ht_metric_label *labels,
                                const struct ht_histogram *histogram);

/** Appends everything. */
void ht_metrics_format(const struct ht_admin *admin, enum ht_metrics_format format,
                       struct ht_buffer *out);

/** Appends rows that the caller chose, for tests. */
void ht_metrics_format_rows(const struct ht_admin *admin, const struct ht_metric_row *rows,
                            size_t count, struct ht_metrics_writer *writer);

/** Appends the members of the `details` of a part, without braces. */
struct ht_json_writer;
void ht_metrics_format_details(const struct ht_admin *admin, enum ht_status_part part,
                               struct ht_json_writer *writer);

/** Appends docs/metrics.md. */
void ht_metrics_format_page(struct ht_buffer *out);
