// SPDX-License-Identifier: MIT
#pragma once

/**
 * Metrics that have a sample for each kind, shard, window, part or route: the functions behind
 * their rows, and the sums that `GET /status` shows of some.
 */

#include "metrics.h"

void ht_metrics_each_ingest_notices(const struct ht_admin *admin, struct ht_metrics_writer *writer);
void ht_metrics_each_ingest_refused(const struct ht_admin *admin, struct ht_metrics_writer *writer);
uint64_t ht_metrics_sum_ingest_notices(const struct ht_admin *admin);
uint64_t ht_metrics_sum_ingest_refused(const struct ht_admin *admin);
void ht_metrics_each_shard_lag_records(const struct ht_admin *admin,
                                       struct ht_metrics_writer *writer);
void ht_metrics_each_shard_lag_seconds(const struct ht_admin *admin,
                                       struct ht_metrics_writer *writer);
void ht_metrics_each_shard_last_success_age_seconds(const struct ht_admin *admin,
                                                    struct ht_metrics_writer *writer);
void ht_metrics_each_count_notices(const struct ht_admin *admin, struct ht_metrics_writer *writer);
void ht_metrics_each_count_refused(const struct ht_admin *admin, struct ht_metrics_writer *writer);
void ht_metrics_each_distinct_hashtags(const struct ht_admin *admin,
                                       struct ht_metrics_writer *writer);
void ht_metrics_each_counted_hashtags(const struct ht_admin *admin,
                                      struct ht_metrics_writer *writer);
void ht_metrics_each_part_ready(const struct ht_admin *admin, struct ht_metrics_writer *writer);
void ht_metrics_each_part_state(const struct ht_admin *admin, struct ht_metrics_writer *writer);
void ht_metrics_each_part_errors(const struct ht_admin *admin, struct ht_metrics_writer *writer);
void ht_metrics_each_part_last_success_timestamp_seconds(const struct ht_admin *admin,
                                                         struct ht_metrics_writer *writer);
void ht_metrics_each_http_requests(const struct ht_admin *admin, struct ht_metrics_writer *writer);
void ht_metrics_each_http_request_duration_seconds(const struct ht_admin *admin,
                                                   struct ht_metrics_writer *writer);
void ht_metrics_each_build(const struct ht_admin *admin, struct ht_metrics_writer *writer);
void ht_metrics_each_source_connects(const struct ht_admin *admin,
                                     struct ht_metrics_writer *writer);
void ht_metrics_each_source_received_bytes(const struct ht_admin *admin,
                                           struct ht_metrics_writer *writer);
void ht_metrics_each_source_repeats(const struct ht_admin *admin, struct ht_metrics_writer *writer);
void ht_metrics_each_source_skipped(const struct ht_admin *admin, struct ht_metrics_writer *writer);
void ht_metrics_each_source_gaps(const struct ht_admin *admin, struct ht_metrics_writer *writer);
void ht_metrics_each_source_socket_pauses(const struct ht_admin *admin,
                                          struct ht_metrics_writer *writer);
void ht_metrics_each_source_last_byte_timestamp_seconds(const struct ht_admin *admin,
                                                        struct ht_metrics_writer *writer);
void ht_metrics_each_source_last_message_timestamp_seconds(const struct ht_admin *admin,
                                                           struct ht_metrics_writer *writer);
void ht_metrics_each_source_next_try_timestamp_seconds(const struct ht_admin *admin,
                                                       struct ht_metrics_writer *writer);
void ht_metrics_each_source_behind_seconds(const struct ht_admin *admin,
                                           struct ht_metrics_writer *writer);
void ht_metrics_each_source_undelivered(const struct ht_admin *admin,
                                        struct ht_metrics_writer *writer);
void ht_metrics_each_source_rate_limit_remaining(const struct ht_admin *admin,
                                                 struct ht_metrics_writer *writer);
void ht_metrics_each_source_delivered(const struct ht_admin *admin,
                                      struct ht_metrics_writer *writer);
void ht_metrics_each_source_reconnects(const struct ht_admin *admin,
                                       struct ht_metrics_writer *writer);
void ht_metrics_each_source_connection_state(const struct ht_admin *admin,
                                             struct ht_metrics_writer *writer);
void ht_metrics_each_aws_requests(const struct ht_admin *admin, struct ht_metrics_writer *writer);
void ht_metrics_each_aws_throttled_requests(const struct ht_admin *admin,
                                            struct ht_metrics_writer *writer);
void ht_metrics_each_aws_broken_requests(const struct ht_admin *admin,
                                         struct ht_metrics_writer *writer);
void ht_metrics_each_aws_failed_calls(const struct ht_admin *admin,
                                      struct ht_metrics_writer *writer);
void ht_metrics_each_aws_running_calls(const struct ht_admin *admin,
                                       struct ht_metrics_writer *writer);
void ht_metrics_each_aws_clock_skew_seconds(const struct ht_admin *admin,
                                            struct ht_metrics_writer *writer);
