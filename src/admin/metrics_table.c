// SPDX-License-Identifier: MIT
/*
 * The table of all metrics. A row says everything about a metric and how to get its value; to add
 * one, write a getter and a row, and write docs/metrics.md anew: a test compares it with this
 * table and prints how.
 */
#include "metrics.h"

#include "admin_internal.h"
#include "metrics_each.h"
#include "process.h"

#include "hashtagd/base/assert.h"

#include <math.h>

/* Getters: `c` is the context. */
#define COUNT(name, expression)                                                                    \
    static uint64_t name(const struct ht_admin *admin)                                             \
    {                                                                                              \
        const struct ht_admin_context *c = &admin->context;                                        \
        (void)c;                                                                                   \
        return (uint64_t)(expression);                                                             \
    }
#define NUMBER(name, expression)                                                                   \
    static double name(const struct ht_admin *admin)                                               \
    {                                                                                              \
        (void)admin;                                                                               \
        return (expression);                                                                       \
    }
#define HISTOGRAM(name, expression)                                                                \
    static const struct ht_histogram *name(const struct ht_admin *admin)                           \
    {                                                                                              \
        const struct ht_admin_context *c = &admin->context;                                        \
        return (expression);                                                                       \
    }

COUNT(get_source_messages, c->source->messages.total)
COUNT(get_source_position, c->source->position)
COUNT(get_ingest_received, ht_ingest_counters(c->ingest)->received)
COUNT(get_ingest_accepted, ht_ingest_counters(c->ingest)->accepted)
COUNT(get_ingest_put_retries, ht_ingest_counters(c->ingest)->put_retries)
COUNT(get_ingest_pauses, ht_ingest_counters(c->ingest)->pauses)
COUNT(get_ingest_waiting_messages, ht_ingest_waiting(c->ingest))
COUNT(get_ingest_undelivered_tweets, ht_ingest_counters(c->ingest)->limit_number_max < 0
                                         ? 0
                                         : ht_ingest_counters(c->ingest)->limit_number_max)
HISTOGRAM(get_ingest_put_duration_seconds, ht_ingest_put_durations(c->ingest))
COUNT(get_stream_put_records, c->stream->counters.records_put)
COUNT(get_stream_put_bytes, c->stream->counters.bytes_put)
COUNT(get_stream_put_errors, c->stream->counters.put_errors)
COUNT(get_stream_refused_records, c->stream->counters.records_refused)
COUNT(get_stream_read_records, c->stream->counters.records_read)
COUNT(get_stream_read_bytes, c->stream->counters.bytes_read)
COUNT(get_stream_read_errors, c->stream->counters.read_errors)
COUNT(get_stream_dropped_records, c->stream->counters.dropped_records)
COUNT(get_stream_gap_records, c->stream->counters.gap_records)
COUNT(get_stream_stored_records, c->stream->counters.stored_records)
COUNT(get_stream_stored_bytes, c->stream->counters.stored_bytes)
COUNT(get_count_records, ht_count_counters(c->count)->records)
COUNT(get_count_tweets, ht_count_counters(c->count)->tweets)
COUNT(get_count_repeats, ht_count_counters(c->count)->repeats)
COUNT(get_count_edits, ht_count_counters(c->count)->edits)
COUNT(get_count_hashtags, ht_count_counters(c->count)->hashtags)
COUNT(get_count_hashtags_skipped, ht_count_counters(c->count)->hashtags_skipped)
COUNT(get_count_remembered_records, ht_count_counters(c->count)->remembered)
COUNT(get_count_marked, ht_count_counters(c->count)->marked)
COUNT(get_count_corrections, ht_count_counters(c->count)->corrections)
COUNT(get_count_refreshes, ht_count_counters(c->count)->refreshes)
COUNT(get_count_touches_held, ht_count_counters(c->count)->touches_held)
COUNT(get_count_reloads, ht_count_counters(c->count)->reloads)
COUNT(get_count_flush_retries, ht_count_counters(c->count)->flush_retries)
COUNT(get_count_deletes, ht_count_counters(c->count)->deletes)
COUNT(get_count_shard_restarts, ht_count_counters(c->count)->shard_restarts)
COUNT(get_count_damaged_window_parts, ht_count_counters(c->count)->window_parts_damaged)
COUNT(get_count_pending_hashtags, ht_count_pending_hashtags(c->count))
HISTOGRAM(get_count_flush_duration_seconds, ht_count_flush_durations(c->count))
HISTOGRAM(get_count_delete_duration_seconds, ht_count_delete_durations(c->count))
HISTOGRAM(get_count_latency_seconds, ht_count_latencies(c->count))
COUNT(get_table_flushes, c->table->counters.flushes)
COUNT(get_table_flush_errors, c->table->counters.flush_errors)
COUNT(get_table_written_items, c->table->counters.items_written)
COUNT(get_table_deleted_items, c->table->counters.items_deleted)
COUNT(get_table_expired_items, c->table->counters.items_expired)
COUNT(get_changes_read_removals, c->changes == NULL ? 0 : c->changes->counters.removals_read)
COUNT(get_changes_committed_removals,
      c->changes == NULL ? 0 : c->changes->counters.removals_committed)
COUNT(get_changes_read_errors, c->changes == NULL ? 0 : c->changes->counters.read_errors)
COUNT(get_changes_waiting_removals, c->changes == NULL ? 0 : c->changes->counters.waiting)
COUNT(get_changes_read_records, c->changes == NULL ? 0 : c->changes->counters.records_read)
COUNT(get_changes_unreadable_records,
      c->changes == NULL ? 0 : c->changes->counters.records_unreadable)
COUNT(get_changes_touches_dropped, c->changes == NULL ? 0 : c->changes->counters.touches_dropped)
COUNT(get_changes_gaps, c->changes == NULL ? 0 : c->changes->counters.gaps)
COUNT(get_changes_open_shards, c->changes == NULL ? 0 : c->changes->counters.open_shards)
COUNT(get_archive_delivered_lines, c->archive == NULL ? 0 : c->archive->counters.lines_delivered)
COUNT(get_archive_retried_lines, c->archive == NULL ? 0 : c->archive->counters.lines_retried)
COUNT(get_archive_dead_lettered_lines,
      c->archive == NULL ? 0 : c->archive->counters.lines_dead_lettered)
COUNT(get_archive_objects, c->archive == NULL ? 0 : c->archive->counters.objects)
COUNT(get_archive_bytes, c->archive == NULL ? 0 : c->archive->counters.bytes)
COUNT(get_archive_errors, c->archive == NULL ? 0 : c->archive->counters.errors)
COUNT(get_archive_waiting_lines, c->archive == NULL ? 0 : c->archive->counters.lines_waiting)
COUNT(get_archive_archived_deletions,
      c->archiver == NULL ? 0 : ht_archiver_counters(c->archiver)->archived)
COUNT(get_archive_retried_deliveries,
      c->archiver == NULL ? 0 : ht_archiver_counters(c->archiver)->deliveries_retried)
HISTOGRAM(get_archive_delivery_duration_seconds,
          c->archiver == NULL ? NULL : ht_archiver_durations(c->archiver))
COUNT(get_dead_letters, c->dead_letters->letters)
COUNT(get_dead_letter_errors, c->dead_letters->errors)
COUNT(get_memory_budget_bytes, c->budget->limit_bytes)
COUNT(get_memory_used_bytes, c->budget->used_bytes)
COUNT(get_memory_peak_bytes, c->budget->peak_bytes)
COUNT(get_tally_memory_bytes, ht_tally_memory_bytes(c->tally))
HISTOGRAM(get_loop_lag_seconds, ht_loop_lag(c->loop))
HISTOGRAM(get_loop_busy_seconds, ht_loop_busy(c->loop))
COUNT(get_http_open_connections,
      admin->server == NULL ? 0 : ht_http_server_stats(admin->server)->connections_open)
COUNT(get_http_connections,
      admin->server == NULL ? 0 : ht_http_server_stats(admin->server)->connections_total)
COUNT(get_http_dropped_connections,
      admin->server == NULL ? 0 : ht_http_server_stats(admin->server)->connections_dropped_total)
COUNT(get_http_refused_connections,
      admin->server == NULL ? 0 : ht_http_server_stats(admin->server)->connections_refused_total)
COUNT(get_http_received_bytes,
      admin->server == NULL ? 0 : ht_http_server_stats(admin->server)->received_bytes_total)
COUNT(get_http_sent_bytes,
      admin->server == NULL ? 0 : ht_http_server_stats(admin->server)->sent_bytes_total)
COUNT(get_http_held_body_bytes,
      admin->server == NULL ? 0 : ht_http_server_stats(admin->server)->body_bytes_held)
COUNT(get_http_list_cache_hits, admin->lists.hits)
COUNT(get_http_list_cache_misses, admin->lists.misses)
COUNT(get_event_clients, admin->events.client_count)
NUMBER(process_cpu_seconds, ht_process_cpu_seconds())
COUNT(process_resident_memory_bytes, ht_process_resident_bytes())
COUNT(process_virtual_memory_bytes, ht_process_virtual_bytes())
COUNT(process_open_fds, ht_process_open_files())
COUNT(process_max_fds, ht_process_max_files())
COUNT(process_start_time_seconds, c->started_at_s)

static double get_aws_credentials_remaining_seconds(const struct ht_admin *admin)
{
    int64_t left_s = admin->context.aws == NULL
                         ? -1
                         : ht_aws_client_credentials_seconds_left(admin->context.aws);
    return left_s == INT64_MAX ? INFINITY : (double)left_s;
}

static const struct ht_metric_row rows[] = {
    {"hashtagd_source_messages", HT_METRIC_COUNTER, "", "Messages that the source delivered", "",
     HT_PART_SOURCE, .count = get_source_messages},
    {"hashtagd_source_delivered", HT_METRIC_COUNTER, "", "Messages that each source delivered",
     "source, type", HT_PART_NONE, .each = ht_metrics_each_source_delivered},
    {"hashtagd_source_reconnects", HT_METRIC_COUNTER, "",
     "Connections of a live source, and attempts at one, that ended, by reason", "source, reason",
     HT_PART_NONE, .each = ht_metrics_each_source_reconnects},
    {"hashtagd_source_connection_state", HT_METRIC_GAUGE, "",
     "1 for the state in which the connection of a live source is", "source, state", HT_PART_NONE,
     .each = ht_metrics_each_source_connection_state},
    {"hashtagd_source_connects", HT_METRIC_COUNTER, "",
     "Times that the service of a live source agreed to stream", "source", HT_PART_NONE,
     .each = ht_metrics_each_source_connects},
    {"hashtagd_source_received_bytes", HT_METRIC_COUNTER, "bytes",
     "Bytes that a live source received, decoded", "source", HT_PART_NONE,
     .each = ht_metrics_each_source_received_bytes},
    {"hashtagd_source_repeats", HT_METRIC_COUNTER, "",
     "Messages of a live source that had come before and were dropped by it", "source",
     HT_PART_NONE, .each = ht_metrics_each_source_repeats},
    {"hashtagd_source_skipped", HT_METRIC_COUNTER, "",
     "Events of a live source of kinds that say nothing of hashtags", "source", HT_PART_NONE,
     .each = ht_metrics_each_source_skipped},
    {"hashtagd_source_gaps", HT_METRIC_COUNTER, "",
     "Times that a live source may have missed something that could not be had any more", "source",
     HT_PART_NONE, .each = ht_metrics_each_source_gaps},
    {"hashtagd_source_socket_pauses", HT_METRIC_COUNTER, "",
     "Times that the socket of a live source was not read because the pipeline was full", "source",
     HT_PART_NONE, .each = ht_metrics_each_source_socket_pauses},
    {"hashtagd_source_last_byte_timestamp_seconds", HT_METRIC_GAUGE, "seconds",
     "Wall time of the last byte of a live source, keep-alives too, 0 before the first", "source",
     HT_PART_NONE, .each = ht_metrics_each_source_last_byte_timestamp_seconds},
    {"hashtagd_source_last_message_timestamp_seconds", HT_METRIC_GAUGE, "seconds",
     "Wall time of the last message of a live source, 0 before the first", "source", HT_PART_NONE,
     .each = ht_metrics_each_source_last_message_timestamp_seconds},
    {"hashtagd_source_next_try_timestamp_seconds", HT_METRIC_GAUGE, "seconds",
     "Wall time at which a live source that waits connects again, else 0", "source", HT_PART_NONE,
     .each = ht_metrics_each_source_next_try_timestamp_seconds},
    {"hashtagd_source_behind_seconds", HT_METRIC_GAUGE, "seconds",
     "Age of the last message of a live source when it came, by its own time", "source",
     HT_PART_NONE, .each = ht_metrics_each_source_behind_seconds},
    {"hashtagd_source_undelivered", HT_METRIC_GAUGE, "",
     "Messages that the service held back, as it reports", "source", HT_PART_NONE,
     .each = ht_metrics_each_source_undelivered},
    {"hashtagd_source_rate_limit_remaining", HT_METRIC_GAUGE, "",
     "Connections that the service still allows before its limit starts anew, as it reports",
     "source", HT_PART_NONE, .each = ht_metrics_each_source_rate_limit_remaining},
    {"hashtagd_source_position", HT_METRIC_GAUGE, "",
     "Place in the source: messages since its beginning", "", HT_PART_SOURCE,
     .count = get_source_position},
    {"hashtagd_ingest_received", HT_METRIC_COUNTER, "",
     "Messages taken from the source and from POST /tweets", "", HT_PART_INGEST,
     .count = get_ingest_received},
    {"hashtagd_ingest_accepted", HT_METRIC_COUNTER, "", "Tweets made durable on the stream", "",
     HT_PART_INGEST, .count = get_ingest_accepted},
    {"hashtagd_ingest_notices", HT_METRIC_COUNTER, "",
     "Messages that are no tweets and were dropped", "kind", HT_PART_INGEST,
     .each = ht_metrics_each_ingest_notices, .sum = ht_metrics_sum_ingest_notices},
    {"hashtagd_ingest_refused", HT_METRIC_COUNTER, "",
     "Messages that cannot be read: dead letters and rejected tweets of POST", "reason",
     HT_PART_INGEST, .each = ht_metrics_each_ingest_refused, .sum = ht_metrics_sum_ingest_refused},
    {"hashtagd_ingest_put_retries", HT_METRIC_COUNTER, "", "Batches that had to be put again", "",
     HT_PART_INGEST, .count = get_ingest_put_retries},
    {"hashtagd_ingest_pauses", HT_METRIC_COUNTER, "",
     "How often the source was paused because the stages behind are slower", "", HT_PART_INGEST,
     .count = get_ingest_pauses},
    {"hashtagd_ingest_waiting_messages", HT_METRIC_GAUGE, "",
     "Messages from the source that are not durable yet", "", HT_PART_INGEST,
     .count = get_ingest_waiting_messages},
    {"hashtagd_ingest_undelivered_tweets", HT_METRIC_GAUGE, "",
     "Tweets that the service did not deliver, as its limit notices say", "", HT_PART_INGEST,
     .count = get_ingest_undelivered_tweets},
    {"hashtagd_ingest_put_duration_seconds", HT_METRIC_HISTOGRAM, "seconds",
     "How long a put took until it was durable", "", HT_PART_NONE,
     .histogram = get_ingest_put_duration_seconds},
    {"hashtagd_stream_put_records", HT_METRIC_COUNTER, "", "Records made durable on the stream", "",
     HT_PART_STREAM, .count = get_stream_put_records},
    {"hashtagd_stream_put_bytes", HT_METRIC_COUNTER, "bytes", "Bytes of these records", "",
     HT_PART_STREAM, .count = get_stream_put_bytes},
    {"hashtagd_stream_put_errors", HT_METRIC_COUNTER, "", "Put requests that failed", "",
     HT_PART_STREAM, .count = get_stream_put_errors},
    {"hashtagd_stream_refused_records", HT_METRIC_COUNTER, "",
     "Records that the stream refused for good", "", HT_PART_STREAM,
     .count = get_stream_refused_records},
    {"hashtagd_stream_read_records", HT_METRIC_COUNTER, "", "Records read from the stream", "",
     HT_PART_STREAM, .count = get_stream_read_records},
    {"hashtagd_stream_read_bytes", HT_METRIC_COUNTER, "bytes", "Bytes of these records", "",
     HT_PART_STREAM, .count = get_stream_read_bytes},
    {"hashtagd_stream_read_errors", HT_METRIC_COUNTER, "", "Read requests that failed", "",
     HT_PART_STREAM, .count = get_stream_read_errors},
    {"hashtagd_stream_dropped_records", HT_METRIC_COUNTER, "",
     "Records dropped by retention after they were counted", "", HT_PART_STREAM,
     .count = get_stream_dropped_records},
    {"hashtagd_stream_gap_records", HT_METRIC_COUNTER, "",
     "Records that were gone before they could be read", "", HT_PART_STREAM,
     .count = get_stream_gap_records},
    {"hashtagd_stream_stored_records", HT_METRIC_GAUGE, "", "Records in the stream, where known",
     "", HT_PART_STREAM, .count = get_stream_stored_records},
    {"hashtagd_stream_stored_bytes", HT_METRIC_GAUGE, "bytes",
     "Disk that the stream takes, where known", "", HT_PART_STREAM,
     .count = get_stream_stored_bytes},
    {"hashtagd_shard_lag_records", HT_METRIC_GAUGE, "",
     "Records of a shard that wait to be counted, where known", "shard", HT_PART_NONE,
     .each = ht_metrics_each_shard_lag_records},
    {"hashtagd_shard_lag_seconds", HT_METRIC_GAUGE, "seconds",
     "How far the last counted record of a shard is behind the newest", "shard", HT_PART_NONE,
     .each = ht_metrics_each_shard_lag_seconds},
    {"hashtagd_shard_last_success_age_seconds", HT_METRIC_GAUGE, "seconds",
     "Time since the last successful read of a shard", "shard", HT_PART_NONE,
     .each = ht_metrics_each_shard_last_success_age_seconds},
    {"hashtagd_count_records", HT_METRIC_COUNTER, "", "Records read and dealt with", "",
     HT_PART_COUNT, .count = get_count_records},
    {"hashtagd_count_tweets", HT_METRIC_COUNTER, "", "Tweets counted", "", HT_PART_COUNT,
     .count = get_count_tweets},
    {"hashtagd_count_repeats", HT_METRIC_COUNTER, "",
     "Tweets that were counted before and not again", "", HT_PART_COUNT,
     .count = get_count_repeats},
    {"hashtagd_count_edits", HT_METRIC_COUNTER, "",
     "Edits of tweets that were counted before, of which only new hashtags count", "",
     HT_PART_COUNT, .count = get_count_edits},
    {"hashtagd_count_notices", HT_METRIC_COUNTER, "", "Records that are no tweets and were skipped",
     "kind", HT_PART_NONE, .each = ht_metrics_each_count_notices},
    {"hashtagd_count_refused", HT_METRIC_COUNTER, "",
     "Records that cannot be read and became dead letters", "reason", HT_PART_NONE,
     .each = ht_metrics_each_count_refused},
    {"hashtagd_count_hashtags", HT_METRIC_COUNTER, "", "Occurrences of hashtags counted", "",
     HT_PART_COUNT, .count = get_count_hashtags},
    {"hashtagd_count_hashtags_skipped", HT_METRIC_COUNTER, "",
     "Hashtags that are empty, too long or not valid after folding", "", HT_PART_COUNT,
     .count = get_count_hashtags_skipped},
    {"hashtagd_count_remembered_records", HT_METRIC_COUNTER, "",
     "Records read again only to know their ids", "", HT_PART_COUNT,
     .count = get_count_remembered_records},
    {"hashtagd_count_marked_hashtags", HT_METRIC_COUNTER, "",
     "Occurrences that the table had counted before this start", "", HT_PART_COUNT,
     .count = get_count_marked},
    {"hashtagd_count_corrections", HT_METRIC_COUNTER, "",
     "Counts set to what the table told, because others write it too", "", HT_PART_COUNT,
     .count = get_count_corrections},
    {"hashtagd_count_refreshes", HT_METRIC_COUNTER, "",
     "Hashtags asked for because others changed them", "", HT_PART_COUNT,
     .count = get_count_refreshes},
    {"hashtagd_count_touches_held", HT_METRIC_COUNTER, "",
     "Times that the change feed was held because others changed many hashtags at once", "",
     HT_PART_COUNT, .count = get_count_touches_held},
    {"hashtagd_count_reloads", HT_METRIC_COUNTER, "",
     "Times that the table was loaded anew because another process had counted meanwhile", "",
     HT_PART_COUNT, .count = get_count_reloads},
    {"hashtagd_count_flush_retries", HT_METRIC_COUNTER, "", "Flushes that had to be tried again",
     "", HT_PART_COUNT, .count = get_count_flush_retries},
    {"hashtagd_count_deletes", HT_METRIC_COUNTER, "", "Hashtags deleted by a user", "",
     HT_PART_COUNT, .count = get_count_deletes},
    {"hashtagd_count_shard_restarts", HT_METRIC_COUNTER, "",
     "Shards that the watchdog started afresh", "", HT_PART_COUNT,
     .count = get_count_shard_restarts},
    {"hashtagd_count_damaged_window_parts", HT_METRIC_COUNTER, "",
     "Stored parts of the time windows that were damaged and left out", "", HT_PART_COUNT,
     .count = get_count_damaged_window_parts},
    {"hashtagd_count_pending_hashtags", HT_METRIC_GAUGE, "",
     "Hashtags whose newest counts are not written yet", "", HT_PART_COUNT,
     .count = get_count_pending_hashtags},
    {"hashtagd_count_flush_duration_seconds", HT_METRIC_HISTOGRAM, "seconds",
     "How long a flush took until it was durable", "", HT_PART_NONE,
     .histogram = get_count_flush_duration_seconds},
    {"hashtagd_count_delete_duration_seconds", HT_METRIC_HISTOGRAM, "seconds",
     "How long a deletion took until it was durable", "", HT_PART_NONE,
     .histogram = get_count_delete_duration_seconds},
    {"hashtagd_count_latency_seconds", HT_METRIC_HISTOGRAM, "seconds",
     "From the arrival of a tweet on the stream to its being counted", "", HT_PART_NONE,
     .histogram = get_count_latency_seconds},
    {"hashtagd_distinct_hashtags", HT_METRIC_GAUGE, "", "Different hashtags in a window", "window",
     HT_PART_NONE, .each = ht_metrics_each_distinct_hashtags},
    {"hashtagd_counted_hashtags", HT_METRIC_GAUGE, "", "Sum of all counts in a window", "window",
     HT_PART_NONE, .each = ht_metrics_each_counted_hashtags},
    {"hashtagd_table_flushes", HT_METRIC_COUNTER, "", "Flushes made durable", "", HT_PART_TABLE,
     .count = get_table_flushes},
    {"hashtagd_table_flush_errors", HT_METRIC_COUNTER, "", "Flushes that failed", "", HT_PART_TABLE,
     .count = get_table_flush_errors},
    {"hashtagd_table_written_items", HT_METRIC_COUNTER, "",
     "Counts made durable, a hashtag and shard each", "", HT_PART_TABLE,
     .count = get_table_written_items},
    {"hashtagd_table_deleted_items", HT_METRIC_COUNTER, "", "Items that a user deleted", "",
     HT_PART_TABLE, .count = get_table_deleted_items},
    {"hashtagd_table_expired_items", HT_METRIC_COUNTER, "", "Items whose time was up", "",
     HT_PART_TABLE, .count = get_table_expired_items},
    {"hashtagd_changes_read_removals", HT_METRIC_COUNTER, "",
     "Removed items read from the change feed", "", HT_PART_CHANGES,
     .count = get_changes_read_removals},
    {"hashtagd_changes_committed_removals", HT_METRIC_COUNTER, "",
     "Removed items whose archiving is made durable", "", HT_PART_CHANGES,
     .count = get_changes_committed_removals},
    {"hashtagd_changes_read_errors", HT_METRIC_COUNTER, "", "Reads of the change feed that failed",
     "", HT_PART_CHANGES, .count = get_changes_read_errors},
    {"hashtagd_changes_waiting_removals", HT_METRIC_GAUGE, "",
     "Removed items that are not archived yet, where known", "", HT_PART_CHANGES,
     .count = get_changes_waiting_removals},
    {"hashtagd_changes_read_records", HT_METRIC_COUNTER, "",
     "Changes of any kind read from the table's change stream", "", HT_PART_CHANGES,
     .count = get_changes_read_records},
    {"hashtagd_changes_unreadable_records", HT_METRIC_COUNTER, "",
     "Records of the change stream that could not be read and were passed over", "",
     HT_PART_CHANGES, .count = get_changes_unreadable_records},
    {"hashtagd_changes_touches_dropped", HT_METRIC_COUNTER, "",
     "Changes by others that were held until they were 6 hours old: seen when the hashtag is "
     "written next",
     "", HT_PART_CHANGES, .count = get_changes_touches_dropped},
    {"hashtagd_changes_gaps", HT_METRIC_COUNTER, "",
     "Times that records of the change stream were gone before they were read", "", HT_PART_CHANGES,
     .count = get_changes_gaps},
    {"hashtagd_changes_open_shards", HT_METRIC_GAUGE, "",
     "Shards of the change stream that are being read", "", HT_PART_CHANGES,
     .count = get_changes_open_shards},
    {"hashtagd_archive_delivered_lines", HT_METRIC_COUNTER, "", "Lines made durable in the archive",
     "", HT_PART_ARCHIVE, .count = get_archive_delivered_lines},
    {"hashtagd_archive_retried_lines", HT_METRIC_COUNTER, "", "Lines that had to be sent again", "",
     HT_PART_ARCHIVE, .count = get_archive_retried_lines},
    {"hashtagd_archive_dead_lettered_lines", HT_METRIC_COUNTER, "",
     "Lines that the archive refused for good and that were kept as dead letters", "",
     HT_PART_ARCHIVE, .count = get_archive_dead_lettered_lines},
    {"hashtagd_archive_objects", HT_METRIC_COUNTER, "", "Objects written", "", HT_PART_ARCHIVE,
     .count = get_archive_objects},
    {"hashtagd_archive_bytes", HT_METRIC_COUNTER, "bytes", "Bytes of these objects, as stored", "",
     HT_PART_ARCHIVE, .count = get_archive_bytes},
    {"hashtagd_archive_errors", HT_METRIC_COUNTER, "", "Writes to the archive that failed", "",
     HT_PART_ARCHIVE, .count = get_archive_errors},
    {"hashtagd_archive_waiting_lines", HT_METRIC_GAUGE, "", "Lines in the open buffer", "",
     HT_PART_ARCHIVE, .count = get_archive_waiting_lines},
    {"hashtagd_archive_archived_deletions", HT_METRIC_COUNTER, "",
     "Deletions archived and committed", "", HT_PART_ARCHIVE,
     .count = get_archive_archived_deletions},
    {"hashtagd_archive_retried_deliveries", HT_METRIC_COUNTER, "",
     "Shipments to the archive that had to be tried again", "", HT_PART_ARCHIVE,
     .count = get_archive_retried_deliveries},
    {"hashtagd_archive_delivery_duration_seconds", HT_METRIC_HISTOGRAM, "seconds",
     "From reading a removal to its being archived and committed", "", HT_PART_NONE,
     .histogram = get_archive_delivery_duration_seconds},
    {"hashtagd_dead_letters", HT_METRIC_COUNTER, "", "Dead letters made durable", "", HT_PART_NONE,
     .count = get_dead_letters},
    {"hashtagd_dead_letter_errors", HT_METRIC_COUNTER, "", "Writes of dead letters that failed", "",
     HT_PART_NONE, .count = get_dead_letter_errors},
    {"hashtagd_aws_requests", HT_METRIC_COUNTER, "",
     "Requests sent to a service of Amazon, repeated ones included", "service", HT_PART_NONE,
     .each = ht_metrics_each_aws_requests},
    {"hashtagd_aws_throttled_requests", HT_METRIC_COUNTER, "",
     "Requests that a service refused because there were too many", "service", HT_PART_NONE,
     .each = ht_metrics_each_aws_throttled_requests},
    {"hashtagd_aws_broken_requests", HT_METRIC_COUNTER, "",
     "Requests without a whole answer, or answered with a fault of the service", "service",
     HT_PART_NONE, .each = ht_metrics_each_aws_broken_requests},
    {"hashtagd_aws_failed_calls", HT_METRIC_COUNTER, "",
     "Calls that failed after all their requests", "service", HT_PART_NONE,
     .each = ht_metrics_each_aws_failed_calls},
    {"hashtagd_aws_running_calls", HT_METRIC_GAUGE, "", "Calls that wait for their answer",
     "service", HT_PART_NONE, .each = ht_metrics_each_aws_running_calls},
    {"hashtagd_aws_clock_skew_seconds", HT_METRIC_GAUGE, "seconds",
     "How far a service's clock is before ours", "service", HT_PART_NONE,
     .each = ht_metrics_each_aws_clock_skew_seconds},
    {"hashtagd_aws_credentials_remaining_seconds", HT_METRIC_GAUGE, "seconds",
     "Until the present credentials expire; +Inf where they never do, -1 where there are none", "",
     HT_PART_NONE, .number = get_aws_credentials_remaining_seconds},
    {"hashtagd_part_ready", HT_METRIC_GAUGE, "",
     "Whether a part of the pipeline works (1) or not (0)", "part", HT_PART_NONE,
     .each = ht_metrics_each_part_ready},
    {"hashtagd_part_state", HT_METRIC_GAUGE, "", "1 for the state in which a part is",
     "part, state", HT_PART_NONE, .each = ht_metrics_each_part_state},
    {"hashtagd_part_errors", HT_METRIC_COUNTER, "", "Errors of a part", "part", HT_PART_NONE,
     .each = ht_metrics_each_part_errors},
    {"hashtagd_part_last_success_timestamp_seconds", HT_METRIC_GAUGE, "seconds",
     "Wall time of the last success of a part, 0 before the first", "part", HT_PART_NONE,
     .each = ht_metrics_each_part_last_success_timestamp_seconds},
    {"hashtagd_memory_budget_bytes", HT_METRIC_GAUGE, "bytes",
     "What the pipeline may hold in flight", "", HT_PART_NONE, .count = get_memory_budget_bytes},
    {"hashtagd_memory_used_bytes", HT_METRIC_GAUGE, "bytes", "What the pipeline holds in flight",
     "", HT_PART_NONE, .count = get_memory_used_bytes},
    {"hashtagd_memory_peak_bytes", HT_METRIC_GAUGE, "bytes",
     "The most that the pipeline held in flight", "", HT_PART_NONE, .count = get_memory_peak_bytes},
    {"hashtagd_tally_memory_bytes", HT_METRIC_GAUGE, "bytes",
     "Memory of the counts, the ranking and the windows", "", HT_PART_NONE,
     .count = get_tally_memory_bytes},
    {"hashtagd_loop_lag_seconds", HT_METRIC_HISTOGRAM, "seconds",
     "How long events waited because the event loop was busy", "", HT_PART_NONE,
     .histogram = get_loop_lag_seconds},
    {"hashtagd_loop_busy_seconds", HT_METRIC_HISTOGRAM, "seconds",
     "Processor time that a turn of the event loop took", "", HT_PART_NONE,
     .histogram = get_loop_busy_seconds},
    {"hashtagd_http_open_connections", HT_METRIC_GAUGE, "", "Connections that are open", "",
     HT_PART_NONE, .count = get_http_open_connections},
    {"hashtagd_http_connections", HT_METRIC_COUNTER, "", "Connections taken", "", HT_PART_NONE,
     .count = get_http_connections},
    {"hashtagd_http_refused_connections", HT_METRIC_COUNTER, "",
     "Connections refused because there were too many", "", HT_PART_NONE,
     .count = get_http_refused_connections},
    {"hashtagd_http_dropped_connections", HT_METRIC_COUNTER, "",
     "Slow connections closed to make room for others", "", HT_PART_NONE,
     .count = get_http_dropped_connections},
    {"hashtagd_http_received_bytes", HT_METRIC_COUNTER, "bytes", "Bytes received", "", HT_PART_NONE,
     .count = get_http_received_bytes},
    {"hashtagd_http_sent_bytes", HT_METRIC_COUNTER, "bytes", "Bytes sent", "", HT_PART_NONE,
     .count = get_http_sent_bytes},
    {"hashtagd_http_held_body_bytes", HT_METRIC_GAUGE, "bytes", "Bodies of requests in memory", "",
     HT_PART_NONE, .count = get_http_held_body_bytes},
    {"hashtagd_http_requests", HT_METRIC_COUNTER, "", "Requests answered", "route, method, code",
     HT_PART_NONE, .each = ht_metrics_each_http_requests},
    {"hashtagd_http_request_duration_seconds", HT_METRIC_HISTOGRAM, "seconds",
     "From the head of a request to its answer", "route, method", HT_PART_NONE,
     .each = ht_metrics_each_http_request_duration_seconds},
    {"hashtagd_http_list_cache_hits", HT_METRIC_COUNTER, "",
     "Lists of hashtags answered from the cache", "", HT_PART_NONE,
     .count = get_http_list_cache_hits},
    {"hashtagd_http_list_cache_misses", HT_METRIC_COUNTER, "",
     "Lists of hashtags that had to be built", "", HT_PART_NONE,
     .count = get_http_list_cache_misses},
    {"hashtagd_event_clients", HT_METRIC_GAUGE, "", "Clients that listen to GET /events", "",
     HT_PART_NONE, .count = get_event_clients},
    {"hashtagd_build", HT_METRIC_INFO, "", "Versions of the program and of what it is built with",
     "version, compiler and one for each library", HT_PART_NONE, .each = ht_metrics_each_build},
    {"process_cpu_seconds", HT_METRIC_COUNTER, "seconds", "Processor time of user and system", "",
     HT_PART_NONE, .number = process_cpu_seconds},
    {"process_resident_memory_bytes", HT_METRIC_GAUGE, "bytes", "Memory that is in RAM", "",
     HT_PART_NONE, .count = process_resident_memory_bytes},
    {"process_virtual_memory_bytes", HT_METRIC_GAUGE, "bytes", "Address space", "", HT_PART_NONE,
     .count = process_virtual_memory_bytes},
    {"process_open_fds", HT_METRIC_GAUGE, "", "Open file descriptors", "", HT_PART_NONE,
     .count = process_open_fds},
    {"process_max_fds", HT_METRIC_GAUGE, "", "How many file descriptors may be open", "",
     HT_PART_NONE, .count = process_max_fds},
    {"process_start_time_seconds", HT_METRIC_GAUGE, "seconds",
     "Wall time of the start of the process", "", HT_PART_NONE,
     .count = process_start_time_seconds},
};

const struct ht_metric_row *ht_metrics_rows(size_t *count)
{
    *count = HT_COUNT_OF(rows);
    return rows;
}
