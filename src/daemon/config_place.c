// SPDX-License-Identifier: MIT
#include "config_place.h"

/* Where a member of an object stands; offsets into the text. */
struct member {
    size_t key, value;
};

static size_t skip_space(struct ht_slice text, size_t at)
{
    while (at < text.length && memchr(" \t\r\n", text.data[at], 4) != NULL) {
        at++;
    }
    return at;
}

/* From an opening quote to behind the closing one. */
static size_t skip_string(struct ht_slice text, size_t at)
{
    for (at++; at < text.length && text.data[at] != '"'; at++) {
        at += text.data[at] == '\\';
    }
    return at + 1;
}

static size_t skip_container(struct ht_slice text, size_t at)
{
    size_t depth = 0;
    do {
        char byte = text.data[at];
        if (byte == '"') {
            at = skip_string(text, at);
            continue;
        }
        depth += byte == '{' || byte == '[';
        depth -= byte == '}' || byte == ']';
        at++;
    } while (depth > 0 && at < text.length);
    return at;
}

static size_t skip_value(struct ht_slice text, size_t at)
{
    if (at < text.length && text.data[at] == '"') {
        return skip_string(text, at);
    }
    if (at < text.length && (text.data[at] == '{' || text.data[at] == '[')) {
        return skip_container(text, at);
    }
    while (at < text.length && memchr(",}] \t\r\n", text.data[at], 7) == NULL) {
        at++;
    }
    return at;
}

static int find_member(struct ht_slice text, size_t object, struct ht_slice name,
                       struct member *member)
{
    size_t at = skip_space(text, object);
    if (at >= text.length || text.data[at] != '{') {
        return HT_ENOTFOUND;
    }
    at = skip_space(text, at + 1);
    while (at < text.length && text.data[at] == '"') {
        member->key = at;
        at = skip_string(text, at);
        struct ht_slice key = {text.data + member->key + 1, at - member->key - 2};
        at = skip_space(text, skip_space(text, at) + 1);
        member->value = at;
        if (ht_slice_equal(key, name)) {
            return 0;
        }
        at = skip_space(text, skip_value(text, at));
        at = skip_space(text, at + 1); /* the comma, or the end */
    }
    return HT_ENOTFOUND;
}

int ht_config_find_place(struct ht_slice text, struct ht_slice section, struct ht_slice key,
                         struct ht_config_place *place)
{
    struct member member = {skip_space(text, 0), skip_space(text, 0)};
    int result = section.length == 0 ? 0 : find_member(text, member.value, section, &member);
    if (result == 0 && key.length > 0) {
        result = find_member(text, member.value, key, &member);
    }
    if (result == 0) {
        place->key = ht_json_place_at(text, member.key);
        place->value = ht_json_place_at(text, member.value);
    }
    return result;
}
