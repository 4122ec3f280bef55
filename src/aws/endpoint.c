// SPDX-License-Identifier: MIT
#include "hashtagd/aws/settings.h"

#include <string.h>

/*
 * Where a service listens. The rules are regular but for S3 (dual stack is a label before the
 * region), DynamoDB Streams (a dot or a hyphen), GovCloud (its plain hosts are FIPS hosts) and IAM
 * (one host a partition).
 */

#define REGION_BYTES_MAX 63

/* A group of regions with domains of its own. */
struct partition {
    const char *region_prefix;
    const char *domain;           /* IPv4 */
    const char *dualstack_domain; /* IPv4 and IPv6 */
    const char *iam_region;       /* in the scope of signatures for IAM */
    const char *iam_host, *iam_dualstack_host;
    const char *iam_fips_host, *iam_fips_dualstack_host;
    bool has_fips;
};

/* the first that fits counts, so the one without a prefix stands last */
static const struct partition partitions[] = {
    {"us-gov-", "amazonaws.com", "api.aws", "us-gov-west-1", "iam.us-gov.amazonaws.com",
     "iam.us-gov.api.aws", "iam.us-gov.amazonaws.com", "iam.us-gov.api.aws", true},
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-north-1",
     "iam.cn-north-1.amazonaws.com.cn", "iam.global.api.amazonwebservices.com.cn", NULL, NULL,
     false},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1",
     "iam.eusc-de-east-1.amazonaws.eu", "iam.api.amazonwebservices.eu", "iam-fips.amazonaws.eu",
     "iam-fips.api.amazonwebservices.eu", true},
    {"us-iso-", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1", "iam.us-iso-east-1.c2s.ic.gov",
     "iam.api.aws.ic.gov", "iam-fips.us-iso-east-1.c2s.ic.gov", "iam-fips.api.aws.ic.gov", true},
    {"us-isob-", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1",
     "iam.us-isob-east-1.sc2s.sgov.gov", "iam.api.aws.scloud",
     "iam-fips.us-isob-east-1.sc2s.sgov.gov", "iam-fips.api.aws.scloud", true},
    {"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1",
     "iam.eu-isoe-west-1.cloud.adc-e.uk", "iam.api.cloud-aws.adc-e.uk", "iam-fips.cloud.adc-e.uk",
     "iam-fips.api.cloud-aws.adc-e.uk", true},
    {"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1",
     "iam.us-isof-south-1.csp.hci.ic.gov", "iam.api.aws.hci.ic.gov", "iam-fips.csp.hci.ic.gov",
     "iam-fips.api.aws.hci.ic.gov", true},
    {"", "amazonaws.com", "api.aws", "us-east-1", "iam.amazonaws.com", "iam.global.api.aws",
     "iam-fips.amazonaws.com", "iam-fips.global.api.aws", true},
};

/* The labels before the region, for each way to ask. */
struct host_labels {
    const char *plain, *dualstack, *fips, *fips_dualstack;
};

static const struct host_labels labels[HT_AWS_SERVICE_COUNT] = {
    [HT_AWS_KINESIS] = {"kinesis", "kinesis", "kinesis-fips", "kinesis-fips"},
    [HT_AWS_DYNAMODB] = {"dynamodb", "dynamodb", "dynamodb-fips", "dynamodb-fips"},
    [HT_AWS_DYNAMODB_STREAMS] = {"streams.dynamodb", "streams-dynamodb", "streams.dynamodb-fips",
                                 "streams-dynamodb-fips"},
    [HT_AWS_FIREHOSE] = {"firehose", "firehose", "firehose-fips", "firehose-fips"},
    [HT_AWS_S3] = {"s3", "s3.dualstack", "s3-fips", "s3-fips.dualstack"},
    [HT_AWS_STS] = {"sts", "sts", "sts-fips", "sts-fips"},
};

static int append_by_rule(const struct ht_aws_settings *settings, enum ht_aws_service service,
                          const char *region, struct ht_buffer *url, struct ht_error *error);
static const struct partition *partition_of(const char *region);
static const char *iam_host(const struct partition *partition, bool fips, bool dualstack);
static const char *domain_of(const struct ht_aws_settings *settings, enum ht_aws_service service,
                             const struct partition *partition);
static const char *label_of(const struct ht_aws_settings *settings, enum ht_aws_service service,
                            const struct partition *partition);
static bool has_hyphen(const struct partition *partition);
static bool is_plain_host_fips(enum ht_aws_service service, const struct partition *partition);

int ht_aws_endpoint(const struct ht_aws_settings *settings, enum ht_aws_service service,
                    const char *region, struct ht_buffer *url, struct ht_error *error)
{
    int status = 0;

    if (settings->endpoints[service] != NULL) {
        ht_buffer_append_text(url, settings->endpoints[service]);
    } else {
        status = append_by_rule(settings, service, region, url, error);
    }
    if (status == 0 && ht_buffer_status(url) != 0) {
        status = ht_error_set(error, ht_buffer_status(url), "No room for the address of %s.",
                              ht_aws_service_name(service));
    }
    return status;
}

static int append_by_rule(const struct ht_aws_settings *settings, enum ht_aws_service service,
                          const char *region, struct ht_buffer *url, struct ht_error *error)
{
    if (region == NULL || !ht_aws_region_is_valid(region)) {
        return ht_error_set(error, HT_EINVAL,
                            "No AWS region is known, so %s cannot be found. Set AWS_REGION, for "
                            "example AWS_REGION=eu-west-1, or region in the profile.",
                            ht_aws_service_name(service));
    }
    const struct partition *partition = partition_of(region);
    if (settings->uses_fips && !partition->has_fips) {
        return ht_error_set(error, HT_EINVAL,
                            "%s has no FIPS endpoint in the region %s. Unset "
                            "AWS_USE_FIPS_ENDPOINT.",
                            ht_aws_service_name(service), region);
    }
    if (service == HT_AWS_IAM) {
        ht_buffer_append_format(url, "https://%s",
                                iam_host(partition, settings->uses_fips, settings->uses_dualstack));
    } else {
        ht_buffer_append_format(url, "https://%s.%s.%s", label_of(settings, service, partition),
                                region, domain_of(settings, service, partition));
    }
    return 0;
}

bool ht_aws_region_is_valid(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return length >= 1 && length <= REGION_BYTES_MAX && text[length] == '\0' && text[0] != '-' &&
           text[length - 1] != '-';
}

const char *ht_aws_signing_region(enum ht_aws_service service, const char *region)
{
    return service == HT_AWS_IAM ? partition_of(region)->iam_region : region;
}

static const struct partition *partition_of(const char *region)
{
    const struct partition *partition = partitions;

    while (strncmp(region, partition->region_prefix, strlen(partition->region_prefix)) != 0) {
        partition++;
    }
    return partition;
}

static const char *iam_host(const struct partition *partition, bool fips, bool dualstack)
{
    if (fips) {
        return dualstack ? partition->iam_fips_dualstack_host : partition->iam_fips_host;
    }
    return dualstack ? partition->iam_dualstack_host : partition->iam_host;
}

static const char *domain_of(const struct ht_aws_settings *settings, enum ht_aws_service service,
                             const struct partition *partition)
{
    return settings->uses_dualstack && service != HT_AWS_S3 ? partition->dualstack_domain
                                                            : partition->domain;
}

static const char *label_of(const struct ht_aws_settings *settings, enum ht_aws_service service,
                            const struct partition *partition)
{
    const struct host_labels *of_service = &labels[service];
    bool dualstack =
        settings->uses_dualstack && (service != HT_AWS_DYNAMODB_STREAMS || has_hyphen(partition));

    if (settings->uses_fips &&
        (settings->uses_dualstack || !is_plain_host_fips(service, partition))) {
        return dualstack ? of_service->fips_dualstack : of_service->fips;
    }
    return dualstack ? of_service->dualstack : of_service->plain;
}

/* Whether DynamoDB Streams' dual-stack hosts are written with a hyphen: all but the newer
 * partitions. */
static bool has_hyphen(const struct partition *partition)
{
    static const char *const prefixes[] = {"", "us-gov-", "cn-"};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strcmp(partition->region_prefix, prefixes[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* GovCloud's plain hosts are FIPS hosts, but for Firehose and S3. */
static bool is_plain_host_fips(enum ht_aws_service service, const struct partition *partition)
{
    return strcmp(partition->region_prefix, "us-gov-") == 0 && service != HT_AWS_FIREHOSE &&
           service != HT_AWS_S3;
}
