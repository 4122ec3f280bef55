// SPDX-License-Identifier: MIT
#include "keys.h"

#include "hashtagd/base/assert.h"
#include "text_file.h"

#include <stdlib.h>

#define ARN_ACCOUNT_FIELD 4

static bool copy(char **text, struct ht_slice from);
static bool is_printable(struct ht_slice text);

struct ht_aws_keys *ht_aws_keys_create(const struct ht_aws_keys_parts *parts, const char *origin)
{
    struct ht_aws_keys *keys = calloc(1, sizeof *keys);
    char *origin_copy = NULL;

    if (keys == NULL) {
        return NULL;
    }
    keys->references = 1;
    keys->expires_s = parts->expires_s;
    bool is_whole =
        copy(&keys->access_key_id, parts->access_key_id) &&
        copy(&keys->secret_access_key, parts->secret_access_key) &&
        (parts->session_token.length == 0 || copy(&keys->session_token, parts->session_token)) &&
        (parts->account_id.length == 0 || copy(&keys->account_id, parts->account_id)) &&
        copy(&origin_copy, ht_slice_text(origin));
    keys->origin = origin_copy;
    if (!is_whole) {
        ht_aws_keys_release(keys);
        return NULL;
    }
    return keys;
}

struct ht_aws_keys *ht_aws_keys_extend(const struct ht_aws_keys *keys, int64_t expires_s)
{
    struct ht_aws_keys_parts parts = {
        .access_key_id = ht_slice_text(keys->access_key_id),
        .secret_access_key = ht_slice_text(keys->secret_access_key),
        .session_token = ht_slice_text(keys->session_token),
        .account_id = ht_slice_text(keys->account_id),
        .expires_s = expires_s,
    };

    return ht_aws_keys_create(&parts, keys->origin);
}

struct ht_aws_keys *ht_aws_keys_hold(struct ht_aws_keys *keys)
{
    HT_ASSERT(keys->references > 0);
    keys->references++;
    return keys;
}

void ht_aws_keys_release(struct ht_aws_keys *keys)
{
    if (keys == NULL) {
        return;
    }
    HT_ASSERT(keys->references > 0);
    if (--keys->references > 0) {
        return;
    }
    ht_aws_wipe_text(keys->access_key_id);
    ht_aws_wipe_text(keys->secret_access_key);
    ht_aws_wipe_text(keys->session_token);
    free(keys->account_id);
    free((void *)(uintptr_t)keys->origin);
    free(keys);
}

struct ht_slice ht_aws_account_of_arn(struct ht_slice arn)
{
    unsigned field = 0;
    size_t begin = 0;

    for (size_t i = 0; i < arn.length; i++) {
        if (arn.data[i] != ':') {
            continue;
        }
        if (field == ARN_ACCOUNT_FIELD) {
            return ht_slice_make(arn.data + begin, i - begin);
        }
        field++;
        begin = i + 1;
    }
    return ht_slice_text("");
}

int ht_aws_keys_check(const struct ht_aws_keys_parts *parts, const char *place,
                      struct ht_error *error)
{
    const struct {
        const char *name;
        struct ht_slice text;
        bool is_needed;
    } rows[] = {
        {"access key id", parts->access_key_id, true},
        {"secret access key", parts->secret_access_key, true},
        {"session token", parts->session_token, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].is_needed && rows[i].text.length == 0) {
            return ht_error_set(error, HT_EINVAL, "The keys of %s have no %s.", place,
                                rows[i].name);
        }
        if (!is_printable(rows[i].text)) {
            return ht_error_set(error, HT_EINVAL,
                                "The %s of %s holds a blank, a line break or a character that is "
                                "not ASCII. Copy it again, without quotes or blanks.",
                                rows[i].name, place);
        }
    }
    return 0;
}

static bool copy(char **text, struct ht_slice from)
{
    *text = ht_slice_to_text(from);
    return *text != NULL;
}

static bool is_printable(struct ht_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 127) {
            return false;
        }
    }
    return true;
}
