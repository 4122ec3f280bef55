// SPDX-License-Identifier: MIT
#include "hashtagd/aws/service.h"

#include "hashtagd/base/assert.h"

#include <string.h>

struct service {
    const char *signing_name, *target_prefix, *content_type;
};

static const struct service services[HT_AWS_SERVICE_COUNT] = {
#define X(id, signing, host, target, type)                                                         \
    [HT_AWS_##id] = {.signing_name = (signing), .target_prefix = (target), .content_type = (type)},
    HT_AWS_SERVICE_MAP(X)
#undef X
};

static const char *const names[HT_AWS_SERVICE_COUNT] = {
    [HT_AWS_KINESIS] = "Kinesis",
    [HT_AWS_DYNAMODB] = "DynamoDB",
    [HT_AWS_DYNAMODB_STREAMS] = "DynamoDB Streams",
    [HT_AWS_FIREHOSE] = "Firehose",
    [HT_AWS_S3] = "S3",
    [HT_AWS_STS] = "STS",
    [HT_AWS_IAM] = "IAM",
};

static const struct service *find(enum ht_aws_service service)
{
    HT_ASSERT((unsigned)service < HT_AWS_SERVICE_COUNT);
    return &services[service];
}

const char *ht_aws_service_name(enum ht_aws_service service)
{
    (void)find(service);
    return names[service];
}

const char *ht_aws_service_signing_name(enum ht_aws_service service)
{
    return find(service)->signing_name;
}

const char *ht_aws_service_target_prefix(enum ht_aws_service service)
{
    return find(service)->target_prefix;
}

const char *ht_aws_service_content_type(enum ht_aws_service service)
{
    return find(service)->content_type;
}

bool ht_aws_service_is_json(enum ht_aws_service service)
{
    return strstr(find(service)->content_type, "json") != NULL;
}
