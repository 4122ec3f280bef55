// SPDX-License-Identifier: MIT
#include "setup.h"

#include "hashtagd/aws/s3_create_bucket.h"
#include "hashtagd/aws/s3_get_public_access_block.h"
#include "hashtagd/aws/s3_head_bucket.h"
#include "hashtagd/aws/s3_put_public_access_block.h"

#include <stdio.h>

/*
 * The bucket of the archive, and that nobody outside sees it: two steps, for a setup may be cut short
 * in between. A delivery stream that is there already has a bucket of its own.
 */

static const char *name(struct ht_setup *setup)
{
    return setup->bucket[0] == '\0' || setup->has_delivery ? NULL : setup->bucket;
}

static const char *resource_text(struct ht_setup *setup, char text[100])
{
    (void)snprintf(text, 100, "bucket %s", setup->bucket);
    return text;
}

static void on_head(struct ht_s3_head_bucket *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static int look(struct ht_setup *setup, struct ht_setup_look *look, struct ht_error *error)
{
    char resource[100];
    struct ht_s3_head_bucket op = {.bucket = ht_slice_text(setup->bucket),
                                   .resource = resource_text(setup, resource),
                                   .done = on_head,
                                   .user = setup};
    ht_s3_head_bucket_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    if (op.status != 0) {
        *error = op.call.error;
        return op.status == HT_ENOTFOUND ? 0 : op.status;
    }
    look->exists = look->is_usable = setup->has_bucket = true;
    (void)snprintf(look->text, sizeof(look->text), "%s%s", op.region[0] == '\0' ? "" : "in ",
                   op.region);
    return 0;
}

static void on_created(struct ht_s3_create_bucket *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static int make(struct ht_setup *setup, struct ht_error *error)
{
    char resource[100];
    struct ht_s3_create_bucket op = {.bucket = ht_slice_text(setup->bucket),
                                     .resource = resource_text(setup, resource),
                                     .done = on_created,
                                     .user = setup};
    ht_s3_create_bucket_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    if (op.status == HT_EEXIST && !op.is_ours) {
        return ht_error_set(error, HT_EEXIST,
                            "The bucket %s belongs to somebody else: names of buckets are "
                            "everybody's; give another one with %s.",
                            setup->bucket,
                            setup->config->archive.type == HT_CONFIG_ARCHIVE_S3 ? "archive.name"
                                                                                : "archive.bucket");
    }
    if (op.status != 0 && op.status != HT_EEXIST) {
        *error = op.call.error;
        return op.status;
    }
    return 0;
}

const struct ht_setup_resource ht_setup_bucket = {
    .kind = "bucket",
    .name = name,
    .look = look,
    .make = make,
    .permissions = "s3:ListBucket and s3:CreateBucket",
};

/* That its public access is blocked */

static const char *block_name(struct ht_setup *setup)
{
    /* without a bucket there is nothing to look at; that is told already */
    return setup->has_bucket || setup->is_dry_run ? name(setup) : NULL;
}

static void on_block_got(struct ht_s3_get_public_access_block *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static int look_at_block(struct ht_setup *setup, struct ht_setup_look *look, struct ht_error *error)
{
    char resource[100];
    struct ht_s3_get_public_access_block op = {.bucket = ht_slice_text(setup->bucket),
                                               .resource = resource_text(setup, resource),
                                               .done = on_block_got,
                                               .user = setup};
    if (!setup->has_bucket) {
        return 0; /* a dry run */
    }
    ht_s3_get_public_access_block_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    if (op.status != 0) {
        *error = op.call.error;
        return op.status;
    }
    look->exists = look->is_usable = setup->has_private_bucket = op.is_configured;
    (void)snprintf(look->text, sizeof(look->text), "%s",
                   op.is_wholly_blocked ? "public access is blocked"
                                        : "somebody allowed some public access: left as it is");
    return 0;
}

static void on_blocked(struct ht_s3_put_public_access_block *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static int make_block(struct ht_setup *setup, struct ht_error *error)
{
    char resource[100];
    struct ht_s3_put_public_access_block op = {.bucket = ht_slice_text(setup->bucket),
                                               .resource = resource_text(setup, resource),
                                               .done = on_blocked,
                                               .user = setup};
    ht_s3_put_public_access_block_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    *error = op.call.error;
    return op.status;
}

const struct ht_setup_resource ht_setup_bucket_block = {
    .kind = "privacy",
    .name = block_name,
    .look = look_at_block,
    .make = make_block,
    .is_optional = true,
    .permissions = "s3:GetBucketPublicAccessBlock and s3:PutBucketPublicAccessBlock",
};
