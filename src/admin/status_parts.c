// SPDX-License-Identifier: MIT
#include "status_parts.h"

#include "hashtagd/base/assert.h"

static struct ht_health *source_health(const struct ht_admin_context *c)
{
    return &c->source->health;
}

static struct ht_health *ingest_health(const struct ht_admin_context *c)
{
    return ht_ingest_health(c->ingest);
}

static struct ht_health *stream_health(const struct ht_admin_context *c)
{
    return &c->stream->health;
}

static struct ht_health *count_health(const struct ht_admin_context *c)
{
    return ht_count_health(c->count);
}

static struct ht_health *table_health(const struct ht_admin_context *c)
{
    return &c->table->health;
}

static struct ht_health *changes_health(const struct ht_admin_context *c)
{
    return c->changes == NULL ? NULL : &c->changes->health;
}

static struct ht_health *archive_health(const struct ht_admin_context *c)
{
    return c->archive == NULL ? NULL : &c->archive->health;
}

static const char *source_type(const struct ht_admin_context *c)
{
    return c->source->ops->type;
}

static const char *stage_type(const struct ht_admin_context *c)
{
    (void)c;
    return "";
}

static const char *stream_type(const struct ht_admin_context *c)
{
    return c->stream->ops->type;
}

static const char *table_type(const struct ht_admin_context *c)
{
    return c->table->ops->type;
}

static const char *changes_type(const struct ht_admin_context *c)
{
    return c->changes == NULL ? "none" : c->changes->ops->type;
}

static const char *archive_type(const struct ht_admin_context *c)
{
    return c->archive == NULL ? "none" : c->archive->ops->type;
}

static uint64_t source_total(const struct ht_admin_context *c)
{
    return c->source->messages.total;
}

static uint64_t ingest_total(const struct ht_admin_context *c)
{
    return ht_ingest_counters(c->ingest)->accepted;
}

static uint64_t stream_total(const struct ht_admin_context *c)
{
    return c->stream->counters.records_put;
}

static uint64_t count_total(const struct ht_admin_context *c)
{
    return ht_count_counters(c->count)->hashtags;
}

static uint64_t table_total(const struct ht_admin_context *c)
{
    return c->table->counters.items_written;
}

static uint64_t changes_total(const struct ht_admin_context *c)
{
    return c->changes == NULL ? 0 : c->changes->counters.removals_read;
}

static uint64_t archive_total(const struct ht_admin_context *c)
{
    return c->archive == NULL ? 0 : c->archive->counters.lines_delivered;
}

static const struct ht_status_row parts[HT_STATUS_PARTS] = {
    [HT_PART_SOURCE] = {"source", "tweets", source_health, source_type, source_total},
    [HT_PART_INGEST] = {"ingest", "tweets", ingest_health, stage_type, ingest_total},
    [HT_PART_STREAM] = {"stream", "records", stream_health, stream_type, stream_total},
    [HT_PART_COUNT] = {"count", "hashtags", count_health, stage_type, count_total},
    [HT_PART_TABLE] = {"table", "items", table_health, table_type, table_total},
    [HT_PART_CHANGES] = {"changes", "deletions", changes_health, changes_type, changes_total},
    [HT_PART_ARCHIVE] = {"archive", "deletions", archive_health, archive_type, archive_total},
};

const struct ht_status_row *ht_status_row(enum ht_status_part part)
{
    HT_ASSERT(part < HT_STATUS_PARTS);
    return &parts[part];
}

const char *ht_status_part_name(enum ht_status_part part)
{
    return ht_status_row(part)->name;
}
