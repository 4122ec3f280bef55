// SPDX-License-Identifier: MIT
#include "metrics.h"

#include "hashtagd/json/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "hashtagd_"

static const char *const kind_names[][2] = {
    [HT_METRIC_COUNTER] = {"counter", "counter"},
    [HT_METRIC_GAUGE] = {"gauge", "gauge"},
    [HT_METRIC_HISTOGRAM] = {"histogram", "histogram"},
    [HT_METRIC_INFO] = {"gauge", "info"},
};

/* Escapes as both formats want it in a label: backslash, quote and line feed. */
static void write_escaped(struct ht_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            (void)ht_buffer_append_text(out, "\\n");
            continue;
        }
        if (*text == '\\' || *text == '"') {
            (void)ht_buffer_append_byte(out, '\\');
        }
        (void)ht_buffer_append_byte(out, *text);
    }
}

/* {name="value",...}; `le` is the border of a bucket, NULL for none. */
static void write_labels(struct ht_buffer *out, const struct ht_metric_label *labels,
                         const char *le)
{
    const char *before = "{";
    for (; labels != NULL && labels->name != NULL; labels++) {
        (void)ht_buffer_append_format(out, "%s%s=\"", before, labels->name);
        write_escaped(out, labels->value);
        (void)ht_buffer_append_byte(out, '"');
        before = ",";
    }
    if (le != NULL) {
        (void)ht_buffer_append_format(out, "%sle=\"%s\"", before, le);
        before = ",";
    }
    if (before[0] == ',') {
        (void)ht_buffer_append_byte(out, '}');
    }
}

static const char *suffix_of(const struct ht_metric_row *row)
{
    switch (row->kind) {
    case HT_METRIC_COUNTER:
        return "_total";
    case HT_METRIC_INFO:
        return "_info";
    case HT_METRIC_GAUGE:
    case HT_METRIC_HISTOGRAM:
        break;
    }
    return "";
}

static void write_name(struct ht_metrics_writer *writer, const struct ht_metric_label *labels)
{
    (void)ht_buffer_append_format(writer->out, "%s%s", writer->row->name, suffix_of(writer->row));
    write_labels(writer->out, labels, NULL);
}

/* A number as Go's strconv and Python read it; as few digits as tell it. */
static void append_number(struct ht_buffer *out, double value)
{
    if (isnan(value)) {
        (void)ht_buffer_append_text(out, "NaN");
    } else if (isinf(value)) {
        (void)ht_buffer_append_text(out, value > 0 ? "+Inf" : "-Inf");
    } else {
        (void)ht_buffer_append_format(out, "%.12g", value);
    }
}

void ht_metrics_write_count(struct ht_metrics_writer *writer, const struct ht_metric_label *labels,
                            uint64_t value)
{
    write_name(writer, labels);
    (void)ht_buffer_append_byte(writer->out, ' ');
    (void)ht_buffer_append_u64(writer->out, value);
    (void)ht_buffer_append_byte(writer->out, '\n');
}

void ht_metrics_write_number(struct ht_metrics_writer *writer, const struct ht_metric_label *labels,
                             double value)
{
    write_name(writer, labels);
    (void)ht_buffer_append_byte(writer->out, ' ');
    append_number(writer->out, value);
    (void)ht_buffer_append_byte(writer->out, '\n');
}

void ht_metrics_write_histogram(struct ht_metrics_writer *writer,
                                const struct ht_metric_label *labels,
                                const struct ht_histogram *histogram)
{
    struct ht_buffer *out = writer->out;
    const char *name = writer->row->name;
    const uint64_t *borders = ht_histogram_borders();
    uint64_t sum = 0;
    for (size_t i = 0; i <= HT_HISTOGRAM_BORDER_COUNT; i++) {
        char le[32] = "+Inf";
        if (i < HT_HISTOGRAM_BORDER_COUNT) {
            /* OpenMetrics wants a border to look like a float: 1.0, not 1. */
            double border = (double)borders[i] / 1e9;
            (void)snprintf(le, sizeof(le), border == floor(border) ? "%.1f" : "%.12g", border);
        }
        sum += histogram->buckets[i];
        (void)ht_buffer_append_format(out, "%s_bucket", name);
        write_labels(out, labels, le);
        (void)ht_buffer_append_format(out, " %llu\n", (unsigned long long)sum);
    }
    (void)ht_buffer_append_format(out, "%s_sum", name);
    write_labels(out, labels, NULL);
    (void)ht_buffer_append_byte(out, ' ');
    append_number(out, (double)histogram->sum_ns / 1e9);
    (void)ht_buffer_append_format(out, "\n%s_count", name);
    write_labels(out, labels, NULL);
    (void)ht_buffer_append_format(out, " %llu\n", (unsigned long long)sum);
}

static void write_head(struct ht_metrics_writer *writer)
{
    const struct ht_metric_row *row = writer->row;
    bool is_open = writer->format == HT_METRICS_OPENMETRICS;
    /* The text format names samples, OpenMetrics the family. */
    const char *suffix = is_open ? "" : suffix_of(row);
    (void)ht_buffer_append_format(writer->out, "# HELP %s%s %s.\n# TYPE %s%s %s\n", row->name,
                                  suffix, row->help, row->name, suffix,
                                  kind_names[row->kind][is_open]);
    if (is_open && row->unit[0] != '\0') {
        (void)ht_buffer_append_format(writer->out, "# UNIT %s %s\n", row->name, row->unit);
    }
}

void ht_metrics_format_rows(const struct ht_admin *admin, const struct ht_metric_row *rows,
                            size_t count, struct ht_metrics_writer *writer)
{
    for (size_t i = 0; i < count; i++) {
        const struct ht_metric_row *row = &rows[i];
        writer->row = row;
        write_head(writer);
        if (row->count != NULL) {
            ht_metrics_write_count(writer, NULL, row->count(admin));
        } else if (row->number != NULL) {
            ht_metrics_write_number(writer, NULL, row->number(admin));
        } else if (row->histogram != NULL) {
            static const struct ht_histogram empty;
            const struct ht_histogram *histogram = row->histogram(admin);
            ht_metrics_write_histogram(writer, NULL, histogram == NULL ? &empty : histogram);
        } else {
            row->each(admin, writer);
        }
    }
}

void ht_metrics_format(const struct ht_admin *admin, enum ht_metrics_format format,
                       struct ht_buffer *out)
{
    size_t count;
    const struct ht_metric_row *rows = ht_metrics_rows(&count);
    struct ht_metrics_writer writer = {.out = out, .format = format};
    ht_metrics_format_rows(admin, rows, count, &writer);
    if (format == HT_METRICS_OPENMETRICS) {
        (void)ht_buffer_append_text(out, "# EOF\n");
    }
}

/* "hashtagd_stream_put_errors" of the part stream is "put_errors". */
static const char *detail_name(const struct ht_metric_row *row)
{
    const char *name = row->name + strlen(PREFIX);
    const char *part = ht_status_part_name(row->part);
    size_t length = strlen(part);
    return strncmp(name, part, length) == 0 && name[length] == '_' ? name + length + 1 : name;
}

void ht_metrics_format_details(const struct ht_admin *admin, enum ht_status_part part,
                               struct ht_json_writer *writer)
{
    size_t count;
    const struct ht_metric_row *rows = ht_metrics_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].part != part) {
            continue;
        }
        if (rows[i].count != NULL) {
            ht_json_write_key(writer, detail_name(&rows[i]));
            ht_json_write_u64(writer, rows[i].count(admin));
        } else if (rows[i].number != NULL) {
            ht_json_write_key(writer, detail_name(&rows[i]));
            ht_json_write_real(writer, rows[i].number(admin));
        } else if (rows[i].sum != NULL) {
            ht_json_write_key(writer, detail_name(&rows[i]));
            ht_json_write_u64(writer, rows[i].sum(admin));
        }
    }
}

static const char page_head[] =
    "# Metrics\n"
    "\n"
    "This page is made from the table that the program itself uses; a test compares them.\n"
    "\n"
    "`GET /metrics` answers in the Prometheus text format 0.0.4, or in OpenMetrics 1.0 where\n"
    "`Accept` asks for `application/openmetrics-text`. No hashtag is ever a label. Histograms are\n"
    "of seconds, with borders from 100 microseconds to 100 seconds.\n"
    "\n"
    "| name | kind | labels | meaning |\n"
    "|---|---|---|---|\n";

void ht_metrics_format_page(struct ht_buffer *out)
{
    (void)ht_buffer_append_text(out, page_head);
    size_t count;
    const struct ht_metric_row *rows = ht_metrics_rows(&count);
    for (size_t i = 0; i < count; i++) {
        (void)ht_buffer_append_format(out, "| `%s%s` | %s | %s | %s |\n", rows[i].name,
                                      suffix_of(&rows[i]), kind_names[rows[i].kind][1],
                                      rows[i].labels, rows[i].help);
    }
}
