// SPDX-License-Identifier: MIT
#include "setup.h"

#include "hashtagd/aws/firehose_create_delivery_stream.h"
#include "hashtagd/aws/firehose_describe_delivery_stream.h"
#include "hashtagd/aws/iam_put_role_policy.h"

#include <stdio.h>
#include <string.h>

/*
 * The delivery stream. What its role may do is written just before it is made, so that a setup that
 * was cut short in between does not leave a role that may do nothing.
 */

enum { MAX_BUFFER_S = 900, MAX_BUFFER_MIB = 128 }; /* "BufferingHints", Firehose API reference */

static const char *name(struct ht_setup *setup)
{
    const struct ht_config *config = setup->config;
    return config->archive.type == HT_CONFIG_ARCHIVE_FIREHOSE ? config->archive.name : NULL;
}

static void on_described(struct ht_firehose_describe_delivery_stream *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static void judge(const struct ht_firehose_describe_delivery_stream *op, struct ht_setup *setup,
                  struct ht_setup_look *look)
{
    const char *bucket = strstr(op->bucket_arn, ":::");
    look->exists = true;
    look->is_usable = op->state == HT_FIREHOSE_STREAM_ACTIVE;
    look->is_wrong = (op->type[0] != '\0' && strcmp(op->type, "DirectPut") != 0) ||
                     op->state == HT_FIREHOSE_STREAM_CREATING_FAILED;
    if (bucket != NULL) {
        (void)snprintf(setup->bucket, sizeof(setup->bucket), "%.64s", bucket + 3);
        (void)snprintf(setup->prefix, sizeof(setup->prefix), "%s", op->prefix);
    }
    (void)snprintf(look->text, sizeof(look->text), "into bucket %.64s, under %.200s", setup->bucket,
                   op->prefix);
    if (op->state == HT_FIREHOSE_STREAM_CREATING_FAILED) {
        (void)snprintf(look->text, sizeof(look->text),
                       "it could not be made (%.250s); delete it, then run setup again",
                       op->failure);
    } else if (look->is_wrong) {
        (void)snprintf(look->text, sizeof(look->text),
                       "there is such a delivery stream, but of type %.60s: programs cannot put "
                       "records on it; give another name with archive.name",
                       op->type);
    }
}

static int look(struct ht_setup *setup, struct ht_setup_look *look, struct ht_error *error)
{
    char resource[100];
    (void)snprintf(resource, sizeof(resource), "delivery stream %s", name(setup));
    struct ht_firehose_describe_delivery_stream op = {
        .name = name(setup), .resource = resource, .done = on_described, .user = setup};
    ht_firehose_describe_delivery_stream_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    if (op.status != 0) {
        *error = op.call.error;
        return op.status == HT_ENOTFOUND ? 0 : op.status;
    }
    judge(&op, setup, look);
    return 0;
}

static void on_policy(struct ht_iam_put_role_policy *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

/* What a delivery stream into S3 needs: Firehose Developer Guide, "Grant Firehose access to an
 * Amazon S3 destination". */
static int allow(struct ht_setup *setup, struct ht_error *error)
{
    char policy[900];
    const char *partition = setup->account.partition, *bucket = setup->bucket;
    (void)snprintf(policy, sizeof(policy),
                   "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":["
                   "\"s3:AbortMultipartUpload\",\"s3:GetBucketLocation\",\"s3:GetObject\","
                   "\"s3:ListBucket\",\"s3:ListBucketMultipartUploads\",\"s3:PutObject\"],"
                   "\"Resource\":[\"arn:%s:s3:::%s\",\"arn:%s:s3:::%s/*\"]}]}",
                   partition, bucket, partition, bucket);
    struct ht_iam_put_role_policy op = {.role_name = setup->role_name,
                                        .policy_name = "hashtagd-archive",
                                        .policy = policy,
                                        .resource = "the role for Firehose",
                                        .done = on_policy,
                                        .user = setup};
    ht_iam_put_role_policy_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    *error = op.call.error;
    return op.status;
}

static void on_created(struct ht_firehose_create_delivery_stream *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static unsigned clamp(uint64_t value, unsigned least, unsigned most)
{
    return value < least ? least : value > most ? most : (unsigned)value;
}

static int create(struct ht_setup *setup, struct ht_error *error)
{
    char bucket_arn[160], resource[100];
    const struct ht_config *config = setup->config;
    (void)snprintf(bucket_arn, sizeof(bucket_arn), "arn:%s:s3:::%s", setup->account.partition,
                   setup->bucket);
    (void)snprintf(resource, sizeof(resource), "delivery stream %s", name(setup));
    struct ht_firehose_create_delivery_stream op = {
        .name = name(setup),
        .role_arn = setup->role_arn,
        .bucket_arn = bucket_arn,
        .prefix = config->archive.prefix,
        .error_prefix = "undelivered/",
        .buffer_s = clamp(config->archive.buffer_s, 0, MAX_BUFFER_S),
        .buffer_mib = clamp((config->archive.buffer_bytes + 1048575) / 1048576, 1, MAX_BUFFER_MIB),
        .compresses = true,
        .resource = resource,
        .done = on_created,
        .user = setup};
    ht_firehose_create_delivery_stream_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    *error = op.call.error;
    /* a role that was made just now is not known everywhere at once */
    return op.status == HT_EEXIST ? 0 : op.is_role_unknown ? HT_EBUSY : op.status;
}

static int make(struct ht_setup *setup, struct ht_error *error)
{
    /* else it would be there from now on, deliver into nothing, and the bucket never looked at */
    if (!setup->has_private_bucket) {
        return ht_error_set(error, HT_ENOTFOUND,
                            "The bucket of the delivery stream is not ready: see the line before.");
    }
    if (setup->role_arn[0] == '\0') {
        return ht_error_set(error, HT_ENOTFOUND,
                            "There is no role for the delivery stream: see the line before.");
    }
    int status = setup->role_name[0] == '\0' ? 0 : allow(setup, error);
    return status != 0 ? status : create(setup, error);
}

const struct ht_setup_resource ht_setup_delivery = {
    .kind = "delivery",
    .name = name,
    .look = look,
    .make = make,
    .permissions = "firehose:DescribeDeliveryStream, firehose:CreateDeliveryStream, "
                   "iam:PutRolePolicy and iam:PassRole",
};
