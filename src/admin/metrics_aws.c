// SPDX-License-Identifier: MIT
#include "metrics_each.h"

#include "admin_internal.h"

#include <stddef.h>

/* How one figure of a service is got. */
typedef uint64_t (*figure_fn)(const struct ht_aws_service_counters *counters);

/* One sample a service that was ever talked to; none where nothing is at Amazon. */
static void write_services(const struct ht_admin *admin, struct ht_metrics_writer *writer,
                           figure_fn figure)
{
    const struct ht_aws_client *aws = admin->context.aws;
    for (int i = 0; aws != NULL && i < HT_AWS_SERVICE_COUNT; i++) {
        enum ht_aws_service service = (enum ht_aws_service)i;
        const struct ht_aws_service_counters *counters = ht_aws_client_counters(aws, service);
        struct ht_metric_label labels[] = {{"service", ht_aws_service_name(service)}, {NULL, NULL}};
        if (counters->attempts > 0) {
            ht_metrics_write_count(writer, labels, figure(counters));
        }
    }
}

static uint64_t get_attempts(const struct ht_aws_service_counters *counters)
{
    return counters->attempts;
}

static uint64_t get_throttled(const struct ht_aws_service_counters *counters)
{
    return counters->throttled;
}

static uint64_t get_transient(const struct ht_aws_service_counters *counters)
{
    return counters->transient;
}

static uint64_t get_failed(const struct ht_aws_service_counters *counters)
{
    return counters->failed;
}

static uint64_t get_in_flight(const struct ht_aws_service_counters *counters)
{
    return counters->in_flight;
}

void ht_metrics_each_aws_requests(const struct ht_admin *admin, struct ht_metrics_writer *writer)
{
    write_services(admin, writer, get_attempts);
}

void ht_metrics_each_aws_throttled_requests(const struct ht_admin *admin,
                                            struct ht_metrics_writer *writer)
{
    write_services(admin, writer, get_throttled);
}

void ht_metrics_each_aws_broken_requests(const struct ht_admin *admin,
                                         struct ht_metrics_writer *writer)
{
    write_services(admin, writer, get_transient);
}

void ht_metrics_each_aws_failed_calls(const struct ht_admin *admin,
                                      struct ht_metrics_writer *writer)
{
    write_services(admin, writer, get_failed);
}

void ht_metrics_each_aws_running_calls(const struct ht_admin *admin,
                                       struct ht_metrics_writer *writer)
{
    write_services(admin, writer, get_in_flight);
}

void ht_metrics_each_aws_clock_skew_seconds(const struct ht_admin *admin,
                                            struct ht_metrics_writer *writer)
{
    const struct ht_aws_client *aws = admin->context.aws;
    for (int i = 0; aws != NULL && i < HT_AWS_SERVICE_COUNT; i++) {
        enum ht_aws_service service = (enum ht_aws_service)i;
        const struct ht_aws_service_counters *counters = ht_aws_client_counters(aws, service);
        struct ht_metric_label labels[] = {{"service", ht_aws_service_name(service)}, {NULL, NULL}};
        if (counters->attempts > 0) {
            ht_metrics_write_number(writer, labels, (double)counters->skew_ms / 1000);
        }
    }
}
