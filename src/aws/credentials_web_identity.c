// SPDX-License-Identifier: MIT
#include "credentials_plan.h"
#include "settings_internal.h"

#include <stdio.h>

/* The variables that EKS sets for a service account. */

static int copy(char **text, const char *value, struct ht_error *error);

int ht_aws_plan_web_identity(struct ht_aws_plan *plan, const struct ht_aws_settings *settings,
                             struct ht_error *error)
{
    const char *path = ht_aws_settings_variable(settings, "AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *arn = ht_aws_settings_variable(settings, "AWS_ROLE_ARN");

    if (path == NULL) {
        return HT_ENOTFOUND;
    }
    if (arn == NULL) {
        return ht_error_set(error, HT_EINVAL,
                            "AWS_WEB_IDENTITY_TOKEN_FILE is set in the environment, but "
                            "AWS_ROLE_ARN is not. Set both, or neither.");
    }
    plan->source = HT_AWS_SOURCE_WEB_IDENTITY;
    plan->web_identity.profile = "environment";
    snprintf(plan->origin, sizeof plan->origin, "web identity");
    int status = ht_aws_settings_expand(settings, path, &plan->token_file, error);
    status = status != 0 ? status : copy(&plan->web_identity.arn, arn, error);
    return status != 0 ? status
                       : copy(&plan->web_identity.session_name,
                              ht_aws_settings_variable(settings, "AWS_ROLE_SESSION_NAME"), error);
}

static int copy(char **text, const char *value, struct ht_error *error)
{
    if (value == NULL) {
        return 0;
    }
    *text = ht_slice_to_text(ht_slice_text(value));
    return *text == NULL ? ht_error_set(error, HT_ENOMEM, "Out of memory for the web identity.")
                         : 0;
}
