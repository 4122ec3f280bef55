// SPDX-License-Identifier: MIT
#include "credentials_plan.h"
#include "keys.h"
#include "settings_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A profile gives keys, or a role and the profile whose keys assume it, and so on:
 *
 *   [profile a] role_arn, source_profile = b -> [profile b] role_arn, source_profile = c -> [c] keys
 *
 * The walk goes from a to c and remembers the roles; they are assumed from c's end.
 */

#define DURATION_MIN_S 900
#define DURATION_MAX_S 43200

struct walk {
    struct ht_aws_plan *plan;
    const struct ht_aws_settings *settings;
    const struct ht_aws_profiles *profiles;
    const char *name; /* the profile looked at */
    struct ht_error *error;
};

static int take_role(struct walk *walk, const char **next);
static int take_credential_source(struct walk *walk, const char *word);
static int add_role(struct walk *walk, const char *arn);
static int fill_role(struct walk *walk, struct ht_aws_role *role, const char *arn);
static int check_duration(struct walk *walk, const char *text);
static int take_leaf(struct walk *walk);
static int take_web_identity(struct walk *walk);
static int take_keys(struct walk *walk, enum ht_aws_profile_file file);
static int take_process(struct walk *walk, const char *command);
static int refuse_what_needs_a_person(struct walk *walk, const char *const *keys);
static const char *get(const struct walk *walk, const char *key);
static bool has_keys(const struct walk *walk);
static bool was_visited(const struct walk *walk, const char *name);
static int set_text(struct walk *walk, char **text, const char *value);

/* sso: a browser is needed; login_session: likewise */
static const char *const sso_keys[] = {"sso_session", "sso_start_url", NULL};
static const char *const login_keys[] = {"login_session", NULL};

int ht_aws_plan_profile(struct ht_aws_plan *plan, const struct ht_aws_settings *settings,
                        const struct ht_aws_profiles *profiles, struct ht_error *error)
{
    struct walk walk = {.plan = plan,
                        .settings = settings,
                        .profiles = profiles,
                        .name = settings->profile,
                        .error = error};

    while (get(&walk, "role_arn") != NULL && get(&walk, "web_identity_token_file") == NULL &&
           (plan->role_count == 0 || !has_keys(&walk))) {
        const char *next = NULL;
        int status = take_role(&walk, &next);
        if (status != 0 || next == NULL) {
            return status;
        }
        walk.name = next;
    }
    int status = take_leaf(&walk);
    if (status == HT_ENOTFOUND && plan->role_count > 0) {
        status = ht_error_set(error, HT_EINVAL,
                              "The profile \"%s\" is the source_profile of the profile \"%s\", but "
                              "has no keys: no aws_access_key_id, credential_process or role_arn.",
                              walk.name, plan->roles[plan->role_count - 1].profile);
    }
    return status;
}

/* Notes the role; `*next` is the profile to go on with, NULL where the source is found. */
static int take_role(struct walk *walk, const char **next)
{
    static const char *const mfa_keys[] = {"mfa_serial", NULL};
    const char *source = get(walk, "source_profile");
    const char *word = get(walk, "credential_source");
    char place[HT_AWS_PLACE_BYTES];

    ht_aws_profiles_place(walk->profiles, walk->name, "role_arn", place);
    if ((source == NULL) == (word == NULL)) {
        return ht_error_set(walk->error, HT_EINVAL,
                            "The profile \"%s\" (%s) has role_arn and %s source_profile %s "
                            "credential_source. It needs exactly one of the two.",
                            walk->name, place, source == NULL ? "neither" : "both",
                            source == NULL ? "nor" : "and");
    }
    int status = refuse_what_needs_a_person(walk, mfa_keys);
    if (status == 0) {
        status = add_role(walk, get(walk, "role_arn"));
    }
    if (status != 0 || word != NULL) {
        return status != 0 ? status : take_credential_source(walk, word);
    }
    if (!ht_aws_profiles_has(walk->profiles, source)) {
        return ht_error_set(walk->error, HT_EINVAL,
                            "The profile \"%s\" (%s) has source_profile = %s, but there is no "
                            "profile of that name.",
                            walk->name, place, source);
    }
    *next = source;
    struct walk at_source = *walk;
    at_source.name = source;
    if (was_visited(walk, source) && !has_keys(&at_source)) {
        return ht_error_set(walk->error, HT_EINVAL,
                            "The profile \"%s\" (%s) has source_profile = %s, which leads back to "
                            "where it began: no profile on the way has keys.",
                            walk->name, place, source);
    }
    return 0;
}

static bool was_visited(const struct walk *walk, const char *name)
{
    for (size_t i = 0; i < walk->plan->role_count; i++) {
        if (strcmp(walk->plan->roles[i].profile, name) == 0) {
            return true;
        }
    }
    return false;
}

static int take_credential_source(struct walk *walk, const char *word)
{
    struct ht_aws_plan *plan = walk->plan;
    int status;

    if (strcmp(word, "Environment") == 0) {
        status = ht_aws_plan_environment(plan, walk->settings, walk->error);
    } else if (strcmp(word, "EcsContainer") == 0) {
        status = ht_aws_plan_container(plan, walk->settings, walk->error);
    } else if (strcmp(word, "Ec2InstanceMetadata") == 0) {
        plan->source = HT_AWS_SOURCE_INSTANCE;
        snprintf(plan->origin, sizeof plan->origin, "instance metadata");
        status = 0;
    } else {
        return ht_error_set(walk->error, HT_EINVAL,
                            "The profile \"%s\" has credential_source = %.40s, but must have "
                            "Environment, Ec2InstanceMetadata or EcsContainer.",
                            walk->name, word);
    }
    return status != HT_ENOTFOUND
               ? status
               : ht_error_set(walk->error, HT_EINVAL,
                              "The profile \"%s\" has credential_source = %s, but %s is not set "
                              "in the environment.",
                              walk->name, word,
                              word[1] == 'n'
                                  ? "AWS_ACCESS_KEY_ID"
                                  : "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI");
}

static int add_role(struct walk *walk, const char *arn)
{
    if (walk->plan->role_count == HT_AWS_ROLES_MAX) {
        return ht_error_set(walk->error, HT_EINVAL,
                            "The profile \"%s\" leads through more than %d roles by way of "
                            "source_profile.",
                            walk->settings->profile, HT_AWS_ROLES_MAX);
    }
    return fill_role(walk, &walk->plan->roles[walk->plan->role_count++], arn);
}

static int fill_role(struct walk *walk, struct ht_aws_role *role, const char *arn)
{
    const char *duration = get(walk, "duration_seconds");

    role->profile = walk->name;
    int status = set_text(walk, &role->arn, arn);
    status =
        status != 0 ? status : set_text(walk, &role->session_name, get(walk, "role_session_name"));
    status = status != 0 ? status : set_text(walk, &role->external_id, get(walk, "external_id"));
    status = status != 0 || duration == NULL ? status : check_duration(walk, duration);
    return status != 0 ? status : set_text(walk, &role->duration_s, duration);
}

static int check_duration(struct walk *walk, const char *text)
{
    uint64_t seconds;

    if (ht_slice_to_u64(ht_slice_text(text), DURATION_MAX_S, &seconds) != 0 ||
        seconds < DURATION_MIN_S) {
        return ht_error_set(walk->error, HT_EINVAL,
                            "The profile \"%s\" has duration_seconds = %.40s, but must have a "
                            "whole number from %d to %d.",
                            walk->name, text, DURATION_MIN_S, DURATION_MAX_S);
    }
    return 0;
}

/* A profile that assumes no role with another's keys. */
static int take_leaf(struct walk *walk)
{
    const char *command = get(walk, "credential_process");

    if (get(walk, "web_identity_token_file") != NULL) {
        return take_web_identity(walk);
    }
    int status = refuse_what_needs_a_person(walk, sso_keys);
    status = status != 0 ? status : take_keys(walk, HT_AWS_CREDENTIALS_FILE);
    if (status != HT_ENOTFOUND) {
        return status;
    }
    status = refuse_what_needs_a_person(walk, login_keys);
    if (status != 0) {
        return status;
    }
    return command != NULL ? take_process(walk, command) : take_keys(walk, HT_AWS_CONFIG_FILE);
}

static int take_web_identity(struct walk *walk)
{
    struct ht_aws_plan *plan = walk->plan;
    const char *arn = get(walk, "role_arn");

    if (arn == NULL) {
        return ht_error_set(walk->error, HT_EINVAL,
                            "The profile \"%s\" has web_identity_token_file, but no role_arn.",
                            walk->name);
    }
    plan->source = HT_AWS_SOURCE_WEB_IDENTITY;
    snprintf(plan->origin, sizeof plan->origin, "web identity of the profile %s", walk->name);
    int status = fill_role(walk, &plan->web_identity, arn);
    if (status == 0) {
        status = ht_aws_settings_expand(walk->settings, get(walk, "web_identity_token_file"),
                                        &plan->token_file, walk->error);
    }
    return status;
}

static int take_keys(struct walk *walk, enum ht_aws_profile_file file)
{
    struct ht_aws_plan *plan = walk->plan;
    const char *id = ht_aws_profiles_get(walk->profiles, file, walk->name, "aws_access_key_id");
    const char *secret =
        ht_aws_profiles_get(walk->profiles, file, walk->name, "aws_secret_access_key");
    struct ht_aws_keys_parts parts = {
        .access_key_id = ht_slice_text(id),
        .secret_access_key = ht_slice_text(secret),
        .session_token = ht_slice_text(
            ht_aws_profiles_get(walk->profiles, file, walk->name, "aws_session_token")),
        .account_id = ht_slice_text(get(walk, "aws_account_id")),
    };

    if (id == NULL && secret == NULL) {
        return HT_ENOTFOUND;
    }
    if (id == NULL || secret == NULL) {
        return ht_error_set(walk->error, HT_EINVAL,
                            "The profile \"%s\" has %s in the %s file, but no %s beside it.",
                            walk->name, id == NULL ? "aws_secret_access_key" : "aws_access_key_id",
                            file == HT_AWS_CONFIG_FILE ? "config" : "credentials",
                            id == NULL ? "aws_access_key_id" : "aws_secret_access_key");
    }
    plan->source = HT_AWS_SOURCE_KEYS;
    snprintf(plan->origin, sizeof plan->origin, "profile %s", walk->name);
    int status = ht_aws_keys_check(&parts, plan->origin, walk->error);
    if (status != 0) {
        return status;
    }
    plan->keys = ht_aws_keys_create(&parts, plan->origin);
    return plan->keys == NULL ? ht_error_set(walk->error, HT_ENOMEM, "Out of memory for AWS keys.")
                              : 0;
}

static int take_process(struct walk *walk, const char *command)
{
    walk->plan->source = HT_AWS_SOURCE_PROCESS;
    snprintf(walk->plan->origin, sizeof walk->plan->origin, "credential_process of the profile %s",
             walk->name);
    return set_text(walk, &walk->plan->command, command);
}

static int refuse_what_needs_a_person(struct walk *walk, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        if (get(walk, *keys) == NULL) {
            continue;
        }
        char place[HT_AWS_PLACE_BYTES];
        return ht_error_set(
            walk->error, HT_EUNSUPPORTED,
            "The profile \"%s\" has %s (%s), which needs a person to sign in. Let the AWS command "
            "line do that: make a profile with \"credential_process = aws configure "
            "export-credentials --profile %s --format process\" and name it in AWS_PROFILE.",
            walk->name, *keys, ht_aws_profiles_place(walk->profiles, walk->name, *keys, place),
            walk->name);
    }
    return 0;
}

static const char *get(const struct walk *walk, const char *key)
{
    return ht_aws_profiles_get(walk->profiles, HT_AWS_ANY_FILE, walk->name, key);
}

static bool has_keys(const struct walk *walk)
{
    return get(walk, "aws_access_key_id") != NULL || get(walk, "aws_secret_access_key") != NULL;
}

static int set_text(struct walk *walk, char **text, const char *value)
{
    if (value == NULL) {
        return 0;
    }
    *text = ht_slice_to_text(ht_slice_text(value));
    return *text == NULL ? ht_error_set(walk->error, HT_ENOMEM, "Out of memory for the profile.")
                         : 0;
}
