// SPDX-License-Identifier: MIT
#include "credentials_plan.h"

#include "keys.h"
#include "text_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* variables -> profile with a role -> web identity -> profile's other sources -> container ->
 * instance. */

#define TOKEN_MAX_BYTES ((size_t)64 * 1024)

static void finish_role(struct ht_aws_role *role);
static bool has_role(const struct ht_aws_settings *settings,
                     const struct ht_aws_profiles *profiles);

int ht_aws_plan_make(struct ht_aws_plan *plan, const struct ht_aws_settings *settings,
                     const struct ht_aws_profiles *profiles, struct ht_error *error)
{
    memset(plan, 0, sizeof *plan);
    ht_buffer_init(&plan->token, TOKEN_MAX_BYTES);
    int status = ht_aws_plan_environment(plan, settings, error);
    if (status == HT_ENOTFOUND && !has_role(settings, profiles)) {
        status = ht_aws_plan_web_identity(plan, settings, error);
    }
    if (status == HT_ENOTFOUND) {
        ht_error_clear(error);
        status = ht_aws_plan_profile(plan, settings, profiles, error);
    }
    if (status == HT_ENOTFOUND) {
        status = ht_aws_plan_container(plan, settings, error);
    }
    if (status == HT_ENOTFOUND) {
        plan->source = HT_AWS_SOURCE_INSTANCE;
        plan->is_last_resort = true;
        snprintf(plan->origin, sizeof plan->origin, "instance metadata");
        status = 0;
    }
    return status;
}

/* A role in the profile comes before a web identity in the variables. */
static bool has_role(const struct ht_aws_settings *settings, const struct ht_aws_profiles *profiles)
{
    const char *name = settings->profile;

    return ht_aws_profiles_get(profiles, HT_AWS_ANY_FILE, name, "role_arn") != NULL &&
           ht_aws_profiles_get(profiles, HT_AWS_ANY_FILE, name, "web_identity_token_file") == NULL;
}

int ht_aws_plan_read_token(struct ht_aws_plan *plan, struct ht_error *error)
{
    if (plan->token_file == NULL) {
        return 0;
    }
    int status = ht_aws_text_file_read(plan->token_file, &plan->token, error);
    if (status != 0) {
        return ht_error_prefix(error, "The token of the %s cannot be used", plan->origin);
    }
    struct ht_slice token = ht_slice_trim(ht_buffer_slice(&plan->token));
    while (token.length > 0 && strchr("\r\n \t", token.data[token.length - 1]) != NULL) {
        token.length--;
    }
    if (token.length == 0 || memchr(token.data, '\n', token.length) != NULL ||
        memchr(token.data, '\r', token.length) != NULL ||
        memchr(token.data, '\0', token.length) != NULL) {
        return ht_error_set(error, HT_EINVAL,
                            "The token file %s of the %s is empty, or holds a line break inside.",
                            plan->token_file, plan->origin);
    }
    ht_buffer_drop_front(&plan->token, (size_t)(token.data - plan->token.data));
    plan->token.length = token.length;
    plan->token.data[token.length] = '\0';
    return 0;
}

void ht_aws_plan_finish(struct ht_aws_plan *plan)
{
    ht_aws_keys_release(plan->keys);
    free(plan->command);
    free(plan->url);
    free(plan->token_file);
    ht_aws_wipe_buffer(&plan->token);
    finish_role(&plan->web_identity);
    for (size_t i = 0; i < plan->role_count; i++) {
        finish_role(&plan->roles[i]);
    }
    memset(plan, 0, sizeof *plan);
}

static void finish_role(struct ht_aws_role *role)
{
    free(role->arn);
    free(role->session_name);
    ht_aws_wipe_text(role->external_id);
    free(role->duration_s);
}
