// SPDX-License-Identifier: MIT
#include "check.h"

#include "setup.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <string.h>

/*
 * credentials -> every resource that the configuration names, looked at as `setup` does. What the
 * daemon itself needs (reading, writing) shows when the marked tweet goes the whole way.
 */

static void look_at(struct ht_check *check, struct ht_setup *setup,
                    const struct ht_setup_resource *resource);

void ht_check_aws(struct ht_check *check)
{
    struct ht_error error;
    int status = ht_aws_command_open(&check->aws, check->line, check->config, &error);
    if (status == 0) {
        status = ht_aws_command_account(&check->aws, &check->account, &error);
    }
    if (status != 0) {
        ht_check_fail(check, "credentials", error.text,
                      error.code == HT_ECONNECTION || error.code == HT_ETIMEDOUT
                          ? "see to the network, the region's name and AWS_ENDPOINT_URL"
                          : "docs/aws-credentials.md tells where credentials and region come from");
        return;
    }
    check->has_aws = true;
    ht_check_pass(check, "credentials", "account %s, region %s, as %s", check->account.account,
                  ht_aws_client_region(check->aws.session.client), check->account.arn);
    struct ht_setup setup = {.config = check->config,
                             .aws = &check->aws,
                             .account = check->account,
                             /* it tells its bucket, whatever that is called */
                             .has_delivery =
                                 check->config->archive.type == HT_CONFIG_ARCHIVE_FIREHOSE};
    ht_aws_command_bucket(&check->aws, check->config, check->account.account, setup.bucket);
    (void)snprintf(setup.prefix, sizeof(setup.prefix), "%s", check->config->archive.prefix);
    size_t count;
    const struct ht_setup_resource *const *resources = ht_setup_resources(&count);
    for (size_t i = 0; i < count; i++) {
        if (resources[i]->name(&setup) != NULL) {
            look_at(check, &setup, resources[i]);
        }
    }
    (void)snprintf(check->bucket, sizeof(check->bucket), "%s", setup.bucket);
    (void)snprintf(check->prefix, sizeof(check->prefix), "%s", setup.prefix);
}

/* The kinds are short, to stand in a column. */
static const char *noun_of(const char *kind)
{
    return strcmp(kind, "leases") == 0          ? "table of leases"
           : strcmp(kind, "delivery") == 0      ? "delivery stream"
           : strcmp(kind, "change stream") == 0 ? "change stream of a table"
                                                : kind;
}

static void look_at(struct ht_check *check, struct ht_setup *setup,
                    const struct ht_setup_resource *resource)
{
    struct ht_setup_look look = {0};
    struct ht_error error;
    char text[1200], cure[400];
    ht_error_clear(&error);
    const char *name = resource->name(setup);
    if (resource->is_optional) {
        return;
    }
    if (resource->look(setup, &look, &error) != 0) {
        (void)snprintf(cure, sizeof(cure), "allow %s (docs/aws.md)", resource->permissions);
        ht_check_fail(check, resource->kind, error.text,
                      error.code == HT_EPERMISSION ? cure : NULL);
    } else if (!look.exists) {
        (void)snprintf(text, sizeof(text), "there is no %s %s in %s", noun_of(resource->kind), name,
                       ht_aws_client_region(check->aws.session.client));
        ht_check_fail(check, resource->kind, text,
                      "hashtagd setup makes it; or see to name and region");
    } else if (look.is_wrong) {
        ht_check_fail(check, resource->kind, look.text, NULL);
    } else if (!look.is_usable) {
        (void)snprintf(text, sizeof(text), "%s cannot be used yet: %s", name, look.text);
        ht_check_fail(check, resource->kind, text, "wait, then check again");
    } else {
        ht_check_pass(check, resource->kind, "%s%s%s", name, look.text[0] == '\0' ? "" : ": ",
                      look.text);
    }
}
