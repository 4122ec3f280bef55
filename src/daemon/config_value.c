// SPDX-License-Identifier: MIT
#include "config_value.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/clock.h"

#include <stdlib.h>

/* Texts */

static bool is_printable(struct ht_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_url(struct ht_slice text)
{
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
    for (size_t i = 0; i < HT_COUNT_OF(schemes); i++) {
        struct ht_slice scheme = ht_slice_text(schemes[i]);
        if (ht_slice_starts_with(text, scheme) && text.length > scheme.length) {
            return memchr(text.data, ' ', text.length) == NULL;
        }
    }
    return text.length == 0;
}

static bool is_fitting(const struct ht_config_row *row, struct ht_slice text)
{
    return text.length >= row->minimum && text.length <= row->maximum && is_printable(text) &&
           (row->type != HT_CONFIG_URL || is_url(text));
}

static int set_string(char **field, const struct ht_config_row *row, struct ht_slice text,
                      struct ht_error *error)
{
    if (!is_fitting(row, text)) {
        return ht_config_refuse(row, text, NULL, error);
    }
    char *copy = ht_slice_to_text(text);
    if (copy == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory.");
    }
    free(*field);
    *field = copy;
    return 0;
}

/* Lists */

static void free_texts(struct ht_config_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        free(texts->items[i]);
    }
    free(texts->items);
    *texts = (struct ht_config_texts){0};
}

static int add_text(struct ht_config_texts *texts, struct ht_slice text)
{
    char **items = realloc(texts->items, (texts->count + 1) * sizeof(*items));
    if (items == NULL) {
        return HT_ENOMEM;
    }
    texts->items = items;
    items[texts->count] = ht_slice_to_text(text);
    if (items[texts->count] == NULL) {
        return HT_ENOMEM;
    }
    texts->count++;
    return 0;
}

static int set_texts_json(struct ht_config_texts *field, const struct ht_config_row *row,
                          const struct ht_json *value, struct ht_error *error)
{
    struct ht_config_texts texts = {0};
    int result = 0;
    for (size_t i = 0; i < ht_json_count(value) && result == 0; i++) {
        const struct ht_json *item = ht_json_element(value, i);
        struct ht_slice text = ht_json_text(item);
        if (ht_json_type(item) != HT_JSON_STRING || !is_fitting(row, text)) {
            result = ht_config_refuse(row, text, item, error);
        } else if (add_text(&texts, text) != 0) {
            result = ht_error_set(error, HT_ENOMEM, "Out of memory.");
        }
    }
    if (result != 0) {
        free_texts(&texts);
        return result;
    }
    free_texts(field);
    *field = texts;
    return 0;
}

static int set_texts_words(struct ht_config_texts *field, const struct ht_config_row *row,
                           struct ht_slice rest, struct ht_error *error)
{
    struct ht_config_texts texts = {0};
    int result = 0;
    while (rest.length > 0 && result == 0) {
        const char *comma = memchr(rest.data, ',', rest.length);
        size_t length = comma == NULL ? rest.length : (size_t)(comma - rest.data);
        struct ht_slice word = ht_slice_trim(ht_slice_make(rest.data, length));
        if (!is_fitting(row, word)) {
            result = ht_config_refuse(row, word, NULL, error);
        } else if (add_text(&texts, word) != 0) {
            result = ht_error_set(error, HT_ENOMEM, "Out of memory.");
        }
        size_t taken = comma == NULL ? length : length + 1;
        rest = ht_slice_make(rest.data + taken, rest.length - taken);
    }
    if (result != 0) {
        free_texts(&texts);
        return result;
    }
    free_texts(field);
    *field = texts;
    return 0;
}

static void free_rules(struct ht_config_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        free(rules->items[i].value);
        free(rules->items[i].tag);
    }
    free(rules->items);
    *rules = (struct ht_config_rules){0};
}

static bool is_rule(const struct ht_config_row *row, const struct ht_json *item)
{
    const struct ht_json *value = ht_json_member(item, "value");
    const struct ht_json *tag = ht_json_member(item, "tag");
    size_t known = (value != NULL) + (size_t)(tag != NULL);
    return value != NULL && ht_json_count(item) == known && ht_json_type(value) == HT_JSON_STRING &&
           is_fitting(row, ht_json_text(value)) &&
           (tag == NULL ||
            (ht_json_type(tag) == HT_JSON_STRING && is_printable(ht_json_text(tag))));
}

static int set_rules(struct ht_config_rules *field, const struct ht_config_row *row,
                     const struct ht_json *value, struct ht_error *error)
{
    struct ht_config_rules rules = {0};
    size_t count = ht_json_count(value);
    rules.items = calloc(count == 0 ? 1 : count, sizeof(*rules.items));
    int result = rules.items == NULL ? HT_ENOMEM : 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        const struct ht_json *item = ht_json_element(value, i);
        if (!is_rule(row, item)) {
            result = ht_config_refuse(row, HT_SLICE(""), item, error);
            break;
        }
        struct ht_config_rule *rule = &rules.items[rules.count++];
        rule->value = ht_slice_to_text(ht_json_text(ht_json_member(item, "value")));
        rule->tag = ht_slice_to_text(ht_json_text(ht_json_member(item, "tag")));
        result = rule->value == NULL || rule->tag == NULL ? HT_ENOMEM : 0;
    }
    if (result != 0) {
        free_rules(&rules);
        return result == HT_ENOMEM ? ht_error_set(error, HT_ENOMEM, "Out of memory.") : result;
    }
    free_rules(field);
    *field = rules;
    return 0;
}

/* Single values */

static int set_number(uint64_t *field, const struct ht_config_row *row, struct ht_slice text,
                      struct ht_error *error)
{
    uint64_t number;
    if (ht_slice_to_u64(text, row->maximum, &number) != 0 || number < row->minimum) {
        return ht_config_refuse(row, text, NULL, error);
    }
    *field = number;
    return 0;
}

static int set_boolean(bool *field, const struct ht_config_row *row, struct ht_slice text,
                       struct ht_error *error)
{
    bool is_true = ht_slice_equal(text, HT_SLICE("true"));
    if (!is_true && !ht_slice_equal(text, HT_SLICE("false"))) {
        return ht_config_refuse(row, text, NULL, error);
    }
    *field = is_true;
    return 0;
}

static int set_choice(unsigned *field, const struct ht_config_row *row, struct ht_slice text,
                      struct ht_error *error)
{
    for (const struct ht_config_choice *at = row->choices; at->name != NULL; at++) {
        if (ht_slice_equal(ht_slice_text(at->name), text)) {
            *field = at->value;
            return 0;
        }
    }
    return ht_config_refuse(row, text, NULL, error);
}

static int set_address(struct ht_address *field, const struct ht_config_row *row,
                       struct ht_slice text, struct ht_error *error)
{
    char copy[HT_ADDRESS_TEXT_BYTES];
    struct ht_address address;
    if (text.length >= sizeof(copy)) {
        return ht_config_refuse(row, text, NULL, error);
    }
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    if (strlen(copy) != text.length || ht_address_parse(copy, &address, NULL) != 0) {
        return ht_config_refuse(row, text, NULL, error);
    }
    *field = address;
    return 0;
}

static int set_start(struct ht_config_start *field, const struct ht_config_row *row,
                     struct ht_slice text, struct ht_error *error)
{
    struct ht_config_start start = {HT_POSITION_TRIM_HORIZON, 0};
    if (ht_slice_equal(text, HT_SLICE("latest"))) {
        start.kind = HT_POSITION_LATEST;
    } else if (!ht_slice_equal(text, HT_SLICE("trim_horizon"))) {
        char copy[64];
        if (text.length >= sizeof(copy)) {
            return ht_config_refuse(row, text, NULL, error);
        }
        memcpy(copy, text.data, text.length);
        copy[text.length] = '\0';
        if (strlen(copy) != text.length || ht_time_parse_utc(copy, &start.time_ms) != 0) {
            return ht_config_refuse(row, text, NULL, error);
        }
        start.kind = HT_POSITION_AT_TIME;
    }
    *field = start;
    return 0;
}

/* Entries */

static int set_list_text(struct ht_config *config, const struct ht_config_row *row,
                         struct ht_slice text, struct ht_error *error)
{
    struct ht_slice trimmed = ht_slice_trim(text);
    bool is_json = trimmed.length > 0 && trimmed.data[0] == '[';
    if (!is_json && row->type != HT_CONFIG_RULES) {
        return set_texts_words(ht_config_field(config, row), row, trimmed, error);
    }
    struct ht_error broken;
    ht_error_clear(&broken);
    struct ht_json *value = is_json ? ht_json_parse(trimmed, 0, NULL, &broken) : NULL;
    int result = broken.code == HT_ENOMEM ? HT_ENOMEM
                 : value == NULL          ? ht_config_refuse(row, text, NULL, error)
                                          : ht_config_set_json(config, row, value, error);
    ht_json_destroy(value);
    return result;
}

int ht_config_set_text(struct ht_config *config, const struct ht_config_row *row,
                       struct ht_slice text, struct ht_error *error)
{
    void *field = ht_config_field(config, row);
    text = text.data == NULL ? HT_SLICE("") : text;
    switch (row->type) {
    case HT_CONFIG_TEXT:
    case HT_CONFIG_PATH:
    case HT_CONFIG_URL:
        return set_string(field, row, text, error);
    case HT_CONFIG_NUMBER:
        return set_number(field, row, text, error);
    case HT_CONFIG_BOOLEAN:
        return set_boolean(field, row, text, error);
    case HT_CONFIG_CHOICE:
        return set_choice(field, row, text, error);
    case HT_CONFIG_ADDRESS:
        return set_address(field, row, text, error);
    case HT_CONFIG_START:
        return set_start(field, row, text, error);
    case HT_CONFIG_TEXTS:
    case HT_CONFIG_PATHS:
    case HT_CONFIG_RULES:
        return set_list_text(config, row, text, error);
    }
    HT_UNREACHABLE();
}

static int set_list_json(struct ht_config *config, const struct ht_config_row *row,
                         const struct ht_json *value, struct ht_error *error)
{
    if (ht_json_type(value) != HT_JSON_ARRAY) {
        return ht_config_refuse(row, HT_SLICE(""), value, error);
    }
    void *field = ht_config_field(config, row);
    return row->type == HT_CONFIG_RULES ? set_rules(field, row, value, error)
                                        : set_texts_json(field, row, value, error);
}

int ht_config_set_json(struct ht_config *config, const struct ht_config_row *row,
                       const struct ht_json *value, struct ht_error *error)
{
    void *field = ht_config_field(config, row);
    enum ht_json_type type = ht_json_type(value);
    switch (row->type) {
    case HT_CONFIG_NUMBER: {
        int64_t number = ht_json_i64(value);
        if (type != HT_JSON_INTEGER || number < 0 || (uint64_t)number < row->minimum ||
            (uint64_t)number > row->maximum) {
            return ht_config_refuse(row, HT_SLICE(""), value, error);
        }
        *(uint64_t *)field = (uint64_t)number;
        return 0;
    }
    case HT_CONFIG_BOOLEAN:
        if (type != HT_JSON_BOOLEAN) {
            return ht_config_refuse(row, HT_SLICE(""), value, error);
        }
        *(bool *)field = ht_json_bool(value);
        return 0;
    case HT_CONFIG_TEXTS:
    case HT_CONFIG_PATHS:
    case HT_CONFIG_RULES:
        return set_list_json(config, row, value, error);
    case HT_CONFIG_TEXT:
    case HT_CONFIG_PATH:
    case HT_CONFIG_URL:
    case HT_CONFIG_CHOICE:
    case HT_CONFIG_ADDRESS:
    case HT_CONFIG_START:
        if (type != HT_JSON_STRING) {
            return ht_config_refuse(row, HT_SLICE(""), value, error);
        }
        return ht_config_set_text(config, row, ht_json_text(value), error);
    }
    HT_UNREACHABLE();
}

void ht_config_clear_field(struct ht_config *config, const struct ht_config_row *row)
{
    void *field = ht_config_field(config, row);
    switch (row->type) {
    case HT_CONFIG_TEXT:
    case HT_CONFIG_PATH:
    case HT_CONFIG_URL:
        free(*(char **)field);
        *(char **)field = NULL;
        break;
    case HT_CONFIG_TEXTS:
    case HT_CONFIG_PATHS:
        free_texts(field);
        break;
    case HT_CONFIG_RULES:
        free_rules(field);
        break;
    case HT_CONFIG_NUMBER:
    case HT_CONFIG_BOOLEAN:
    case HT_CONFIG_CHOICE:
    case HT_CONFIG_ADDRESS:
    case HT_CONFIG_START:
        break;
    }
}
