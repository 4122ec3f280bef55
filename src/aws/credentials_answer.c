// SPDX-License-Identifier: MIT
#include "credentials_answer.h"

#include "hashtagd/json/json.h"

#include <string.h>

static int check_head(enum ht_aws_answer_form form, const struct ht_json *root, const char *origin,
                      struct ht_error *error);
static int get(const struct ht_json *root, const char *key, const char *origin,
               struct ht_slice *value, struct ht_error *error);
static int get_expiry(const struct ht_json *root, const char *origin, int64_t *expires_s,
                      struct ht_error *error);

int ht_aws_answer_parse(enum ht_aws_answer_form form, struct ht_slice text, const char *origin,
                        struct ht_aws_keys **keys, struct ht_error *error)
{
    struct ht_error problem = {0};
    struct ht_json *root = ht_json_parse(text, HT_JSON_ROOT_IS_CONTAINER, NULL, &problem);
    const char *token = form == HT_AWS_ANSWER_PROCESS ? "SessionToken" : "Token";
    struct ht_aws_keys_parts parts = {.expires_s = 0};

    *keys = NULL;
    if (problem.code == HT_ENOMEM) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the answer of the %s.", origin);
    }
    if (root == NULL) {
        /* the parser's own words may quote the text */
        return ht_error_set(error, HT_EPARSE, "The answer of the %s is not JSON.", origin);
    }
    int status = check_head(form, root, origin, error);
    status = status != 0 ? status : get(root, "AccessKeyId", origin, &parts.access_key_id, error);
    status = status != 0 ? status
                         : get(root, "SecretAccessKey", origin, &parts.secret_access_key, error);
    status = status != 0 ? status : get(root, token, origin, &parts.session_token, error);
    status = status != 0 ? status : get(root, "AccountId", origin, &parts.account_id, error);
    status = status != 0 ? status : get_expiry(root, origin, &parts.expires_s, error);
    status = status != 0 ? status : ht_aws_keys_check(&parts, origin, error);
    if (status == 0) {
        *keys = ht_aws_keys_create(&parts, origin);
        status = *keys == NULL ? ht_error_set(error, HT_ENOMEM, "Out of memory for AWS keys.") : 0;
    }
    ht_json_destroy(root);
    return status;
}

static int check_head(enum ht_aws_answer_form form, const struct ht_json *root, const char *origin,
                      struct ht_error *error)
{
    struct ht_slice code = ht_json_text(ht_json_member(root, "Code"));

    if (form == HT_AWS_ANSWER_PROCESS && ht_json_i64(ht_json_member(root, "Version")) != 1) {
        return ht_error_set(error, HT_EPARSE,
                            "The answer of the %s has no \"Version\": 1, the only one that is "
                            "understood.",
                            origin);
    }
    if (form == HT_AWS_ANSWER_INSTANCE && !ht_slice_equal(code, HT_SLICE("Success"))) {
        return ht_error_set(error, HT_EPERMISSION,
                            "The %s gives no keys; its code is \"%.*s\". Look at the role of the "
                            "instance.",
                            origin, (int)(code.length < 60 ? code.length : 60), code.data);
    }
    return 0;
}

/* Nothing and null leave the value empty. */
static int get(const struct ht_json *root, const char *key, const char *origin,
               struct ht_slice *value, struct ht_error *error)
{
    const struct ht_json *member = ht_json_member(root, key);

    if (member == NULL || ht_json_type(member) == HT_JSON_NULL) {
        return 0;
    }
    if (ht_json_type(member) != HT_JSON_STRING) {
        return ht_error_set(error, HT_EPARSE, "The answer of the %s has %s, but it is no string.",
                            origin, key);
    }
    *value = ht_json_text(member);
    return 0;
}

static int get_expiry(const struct ht_json *root, const char *origin, int64_t *expires_s,
                      struct ht_error *error)
{
    struct ht_slice text = ht_slice_text("");
    int64_t wall_ms = 0;
    char copy[48];
    int status = get(root, "Expiration", origin, &text, error);

    if (status != 0 || text.length == 0) {
        return status;
    }
    if (text.length >= sizeof copy || memchr(text.data, '\0', text.length) != NULL) {
        text.length = 0;
    }
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    if (ht_time_parse_utc(copy, &wall_ms) != 0 || wall_ms < 1000) {
        return ht_error_set(error, HT_EPARSE,
                            "The answer of the %s has an Expiration that is no time.", origin);
    }
    *expires_s = wall_ms / 1000;
    return 0;
}
