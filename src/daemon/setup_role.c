// SPDX-License-Identifier: MIT
#include "setup.h"

#include "hashtagd/aws/iam_create_role.h"
#include "hashtagd/aws/iam_get_role.h"

#include <stdio.h>

/* The role that Firehose takes on to write to the bucket, unless archive.role names one. What it
 * may do is written when the delivery stream is made (setup_delivery.c). */

enum { ROLE_NAME_CHARACTERS = 64 }; /* IAM and STS quotas: "Role name" */

static const char trust_policy[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":"
    "\"firehose.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";

static const char *name(struct ht_setup *setup)
{
    const struct ht_config *config = setup->config;
    if (config->archive.type != HT_CONFIG_ARCHIVE_FIREHOSE || setup->has_delivery) {
        return NULL;
    }
    if (config->archive.role[0] != '\0') {
        (void)snprintf(setup->role_arn, sizeof(setup->role_arn), "%s", config->archive.role);
        return NULL;
    }
    (void)snprintf(setup->role_name, sizeof(setup->role_name), "hashtagd-%.*s",
                   ROLE_NAME_CHARACTERS - (int)(sizeof("hashtagd-") - 1), config->archive.name);
    return setup->role_name;
}

static void on_got(struct ht_iam_get_role *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static int look(struct ht_setup *setup, struct ht_setup_look *look, struct ht_error *error)
{
    struct ht_iam_get_role op = {.role_name = name(setup),
                                 .resource = "the role for Firehose",
                                 .done = on_got,
                                 .user = setup};
    ht_iam_get_role_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    if (op.status != 0) {
        *error = op.call.error;
        return op.status == HT_ENOTFOUND ? 0 : op.status;
    }
    look->exists = look->is_usable = true;
    (void)snprintf(setup->role_arn, sizeof(setup->role_arn), "%s", op.arn);
    (void)snprintf(look->text, sizeof(look->text), "%.380s", op.arn);
    return 0;
}

static void on_created(struct ht_iam_create_role *op)
{
    ht_loop_stop(((struct ht_setup *)op->user)->aws->loop);
}

static int make(struct ht_setup *setup, struct ht_error *error)
{
    struct ht_iam_create_role op = {.role_name = name(setup),
                                    .trust_policy = trust_policy,
                                    .description = "Lets Firehose write what hashtagd archives",
                                    .resource = "the role for Firehose",
                                    .done = on_created,
                                    .user = setup};
    ht_iam_create_role_start(setup->aws->session.client, &op);
    ht_loop_run(setup->aws->loop);
    *error = op.call.error;
    return op.status == HT_EEXIST ? 0 : op.status;
}

const struct ht_setup_resource ht_setup_role = {
    .kind = "role",
    .name = name,
    .look = look,
    .make = make,
    .is_optional = true,
    .permissions = "iam:GetRole and iam:CreateRole (or name a role with archive.role)",
};
