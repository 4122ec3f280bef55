// SPDX-License-Identifier: MIT
#include "twitter_v2_token.h"

#include "hashtagd/json/base64.h"
#include "hashtagd/json/json.h"
#include "hashtagd/net/url.h"

#include <string.h>

enum { KEYS_MAX_BYTES = 4096 };

static int read_token(const struct ht_json *root, struct ht_slice *token, struct ht_error *error);
static bool is_token(struct ht_slice token);

int ht_twitter_v2_token_ask(struct ht_slice key, struct ht_slice secret,
                            struct ht_buffer *authorization)
{
    struct ht_buffer pair;
    ht_buffer_init(&pair, KEYS_MAX_BYTES);
    int status = ht_url_encode(key, &pair);
    status = status == 0 ? ht_buffer_append_byte(&pair, ':') : status;
    status = status == 0 ? ht_url_encode(secret, &pair) : status;
    status = status == 0 ? ht_buffer_append_text(authorization, "Basic ") : status;
    status = status == 0 ? ht_base64_append(authorization, ht_buffer_slice(&pair)) : status;
    if (pair.data != NULL) {
        explicit_bzero(pair.data, pair.length);
    }
    ht_buffer_finish(&pair);
    return status;
}

int ht_twitter_v2_token_read(struct ht_slice body, struct ht_buffer *authorization,
                             struct ht_error *error)
{
    struct ht_slice token = {0};
    /* The parser's own words may quote what it stumbled over. */
    struct ht_error problem = {0};
    struct ht_json *root = ht_json_parse(body, HT_JSON_ROOT_IS_CONTAINER, NULL, &problem);
    if (problem.code == HT_ENOMEM) {
        return ht_error_set(error, HT_ENOMEM, "out of memory for a bearer token");
    }
    if (root == NULL) {
        return ht_error_set(error, HT_EPARSE,
                            "the answer to the request for a bearer token is no JSON; check "
                            "source.url");
    }
    int status = read_token(root, &token, error);
    if (status == 0) {
        ht_buffer_append_text(authorization, "Bearer ");
        ht_buffer_append_slice(authorization, token);
        status = ht_buffer_status(authorization);
        if (status != 0) {
            (void)ht_error_set(error, status, "out of memory for a bearer token");
        }
    }
    ht_json_destroy(root);
    return status;
}

static int read_token(const struct ht_json *root, struct ht_slice *token, struct ht_error *error)
{
    struct ht_slice type = ht_json_text(ht_json_find(root, "token_type"));
    *token = ht_json_text(ht_json_find(root, "access_token"));
    if (token->length == 0) {
        return ht_error_set(error, HT_EPARSE,
                            "the answer to the request for a bearer token has no access_token; "
                            "check source.url");
    }
    if (!ht_slice_equal_ignoring_case(type, HT_SLICE("bearer"))) {
        return ht_error_set(error, HT_EPERMISSION,
                            "gave a token of the type \"%.*s\" where a bearer token is needed",
                            (int)(type.length < 40 ? type.length : 40), type.data);
    }
    if (!is_token(*token)) {
        return ht_error_set(error, HT_EPARSE,
                            "gave a bearer token that no header may hold; check source.url");
    }
    return 0;
}

/* What a header may hold: it is not looked at any closer. */
static bool is_token(struct ht_slice token)
{
    for (size_t i = 0; i < token.length; i++) {
        if (token.data[i] <= ' ' || token.data[i] > '~') {
            return false;
        }
    }
    return token.length <= HT_TWITTER_V2_TOKEN_MAX_BYTES;
}
