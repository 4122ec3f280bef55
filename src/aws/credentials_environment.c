// SPDX-License-Identifier: MIT
#include "credentials_plan.h"
#include "keys.h"

#include <stdio.h>

/* AWS_ACCESS_KEY_ID and its companions. */

static int read_expiry(const struct ht_aws_settings *settings, int64_t *expires_s,
                       struct ht_error *error);

int ht_aws_plan_environment(struct ht_aws_plan *plan, const struct ht_aws_settings *settings,
                            struct ht_error *error)
{
    const char *id = ht_aws_settings_variable(settings, "AWS_ACCESS_KEY_ID");
    const char *secret = ht_aws_settings_variable(settings, "AWS_SECRET_ACCESS_KEY");
    const char *token = ht_aws_settings_variable(settings, "AWS_SESSION_TOKEN");

    if (id == NULL && secret == NULL) {
        return HT_ENOTFOUND;
    }
    if (id == NULL || secret == NULL) {
        return ht_error_set(error, HT_EINVAL,
                            "%s is set in the environment, but %s is not. Set both, or neither.",
                            id == NULL ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                            id == NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY");
    }
    if (token == NULL) {
        token = ht_aws_settings_variable(settings, "AWS_SECURITY_TOKEN"); /* its older name */
    }
    struct ht_aws_keys_parts parts = {
        .access_key_id = ht_slice_text(id),
        .secret_access_key = ht_slice_text(secret),
        .session_token = ht_slice_text(token),
        .account_id = ht_slice_text(ht_aws_settings_variable(settings, "AWS_ACCOUNT_ID")),
    };
    plan->source = HT_AWS_SOURCE_KEYS;
    snprintf(plan->origin, sizeof plan->origin, "environment");
    int status = read_expiry(settings, &parts.expires_s, error);
    if (status == 0) {
        status = ht_aws_keys_check(&parts, "the environment", error);
    }
    if (status != 0) {
        return status;
    }
    plan->keys = ht_aws_keys_create(&parts, plan->origin);
    return plan->keys == NULL ? ht_error_set(error, HT_ENOMEM, "Out of memory for AWS keys.") : 0;
}

static int read_expiry(const struct ht_aws_settings *settings, int64_t *expires_s,
                       struct ht_error *error)
{
    const char *text = ht_aws_settings_variable(settings, "AWS_CREDENTIAL_EXPIRATION");
    int64_t wall_ms;

    if (text == NULL) {
        return 0;
    }
    if (ht_time_parse_utc(text, &wall_ms) != 0 || wall_ms < 1000) {
        return ht_error_set(error, HT_EINVAL,
                            "AWS_CREDENTIAL_EXPIRATION is \"%.40s\", but must be a time such as "
                            "2026-01-31T12:00:00Z.",
                            text);
    }
    *expires_s = wall_ms / 1000;
    return 0;
}
