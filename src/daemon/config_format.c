// SPDX-License-Identifier: MIT
#include "config_value.h"

#include "hashtagd/base/clock.h"
#include "hashtagd/json/writer.h"
#include "nearest.h"

enum { MAX_TEXT_BYTES = 8192, MAX_SHOWN_BYTES = 80 };

/* The value as it was found, cut to a length that can be read. */
static void format_found(const struct ht_config_row *row, struct ht_slice found,
                         const struct ht_json *value, struct ht_buffer *out)
{
    if (row->is_secret) {
        (void)ht_buffer_append_text(out, "a value that is not shown (***)");
        return;
    }
    struct ht_buffer whole;
    ht_buffer_init(&whole, MAX_TEXT_BYTES);
    if (value == NULL) {
        ht_json_append_string(&whole, found);
    } else if (ht_json_dump(value, &whole) != 0) {
        ht_buffer_clear(&whole);
    }
    struct ht_slice text = ht_buffer_slice(&whole);
    bool is_long = text.length > MAX_SHOWN_BYTES || ht_buffer_status(&whole) != 0;
    size_t shown = text.length > MAX_SHOWN_BYTES ? MAX_SHOWN_BYTES : text.length;
    while (is_long && shown > 0 && ((unsigned char)text.data[shown] & 0xc0) == 0x80) {
        shown--;
    }
    (void)ht_buffer_append_format(out, "%.*s%s", (int)shown, text.data, is_long ? "..." : "");
    if (value != NULL) {
        (void)ht_buffer_append_format(out, " (%s)", ht_json_type_name(ht_json_type(value)));
    }
    ht_buffer_finish(&whole);
}

static const char *nearest_choice(const struct ht_config_row *row, struct ht_slice found)
{
    struct ht_nearest nearest = {0};
    for (const struct ht_config_choice *at = row->choices; at != NULL && at->name != NULL; at++) {
        ht_nearest_offer(&nearest, found, at->name);
    }
    return nearest.word;
}

int ht_config_refuse(const struct ht_config_row *row, struct ht_slice found,
                     const struct ht_json *value, struct ht_error *error)
{
    struct ht_buffer text;
    ht_buffer_init(&text, MAX_TEXT_BYTES);
    (void)ht_buffer_append_format(&text, "%s: found ", row->key);
    format_found(row, found, value, &text);
    (void)ht_buffer_append_text(&text, "; accepted: ");
    ht_config_format_accepted(row, &text);
    const char *near = nearest_choice(row, found);
    if (near != NULL) {
        (void)ht_buffer_append_format(&text, "; did you mean %s?", near);
    }
    ht_error_set(error, HT_EINVAL, "%s", ht_buffer_slice(&text).data);
    ht_buffer_finish(&text);
    return HT_EINVAL;
}

static void format_accepted_text(const struct ht_config_row *row, const char *what,
                                 struct ht_buffer *out)
{
    (void)ht_buffer_append_format(out, "%s of ", what);
    if (row->minimum > 0) {
        (void)ht_buffer_append_format(out, "%llu to ", (unsigned long long)row->minimum);
    } else {
        (void)ht_buffer_append_text(out, "at most ");
    }
    (void)ht_buffer_append_format(out, "%llu bytes", (unsigned long long)row->maximum);
}

static void format_choices(const struct ht_config_row *row, struct ht_buffer *out)
{
    for (const struct ht_config_choice *at = row->choices; at->name != NULL; at++) {
        const char *before = at == row->choices ? "" : at[1].name == NULL ? " or " : ", ";
        (void)ht_buffer_append_format(out, "%s%s", before, at->name);
    }
}

void ht_config_format_accepted(const struct ht_config_row *row, struct ht_buffer *out)
{
    switch (row->type) {
    case HT_CONFIG_NUMBER:
        (void)ht_buffer_append_format(out, "a whole number from %llu to %llu",
                                      (unsigned long long)row->minimum,
                                      (unsigned long long)row->maximum);
        if (row->unit[0] != '\0') {
            (void)ht_buffer_append_format(out, " (%s)", row->unit);
        }
        break;
    case HT_CONFIG_BOOLEAN:
        (void)ht_buffer_append_text(out, "true or false");
        break;
    case HT_CONFIG_CHOICE:
        format_choices(row, out);
        break;
    case HT_CONFIG_TEXT:
        format_accepted_text(row, "a text", out);
        break;
    case HT_CONFIG_PATH:
        format_accepted_text(row, "a path", out);
        break;
    case HT_CONFIG_URL:
        format_accepted_text(row, "an http://, https://, ws:// or wss:// URL", out);
        break;
    case HT_CONFIG_TEXTS:
        format_accepted_text(row, "a list of texts, each", out);
        break;
    case HT_CONFIG_PATHS:
        format_accepted_text(row, "a list of paths, each", out);
        break;
    case HT_CONFIG_RULES:
        (void)ht_buffer_append_text(
            out, "a JSON list of {\"value\": \"...\", \"tag\": \"...\"}, the tag optional");
        break;
    case HT_CONFIG_ADDRESS:
        (void)ht_buffer_append_text(
            out, "address:port or [v6]:port, by numbers or localhost, such as 127.0.0.1:8080");
        break;
    case HT_CONFIG_START:
        (void)ht_buffer_append_text(out,
                                    "trim_horizon, latest or a time such as 2026-01-31T12:00:00Z");
        break;
    }
}

static void format_string(const struct ht_config_row *row, struct ht_slice text,
                          struct ht_json_writer *writer)
{
    if (!row->is_secret || text.length == 0) {
        ht_json_write_slice(writer, text);
        return;
    }
    /* The scheme and what follows the credentials help to see what is set. */
    const char *slashes = row->type == HT_CONFIG_URL ? strstr(text.data, "//") : NULL;
    if (slashes == NULL) {
        ht_json_write_text(writer, "***");
        return;
    }
    size_t authority = strcspn(slashes + 2, "/?#");
    const char *at = memrchr(slashes + 2, '@', authority);
    if (at == NULL) {
        ht_json_write_slice(writer, text);
        return;
    }
    struct ht_buffer masked;
    ht_buffer_init(&masked, MAX_TEXT_BYTES);
    (void)ht_buffer_append(&masked, text.data, (size_t)(slashes + 2 - text.data));
    (void)ht_buffer_append_format(&masked, "***%s", at);
    ht_json_write_slice(writer, ht_buffer_slice(&masked));
    ht_buffer_finish(&masked);
}

static void format_rules(const struct ht_config_rules *rules, struct ht_json_writer *writer)
{
    ht_json_write_array_begin(writer);
    for (size_t i = 0; i < rules->count; i++) {
        ht_json_write_object_begin(writer);
        ht_json_write_key(writer, "value");
        ht_json_write_text(writer, rules->items[i].value);
        ht_json_write_key(writer, "tag");
        ht_json_write_text(writer, rules->items[i].tag);
        ht_json_write_object_end(writer);
    }
    ht_json_write_array_end(writer);
}

static void format_texts(const struct ht_config_texts *texts, struct ht_json_writer *writer)
{
    ht_json_write_array_begin(writer);
    for (size_t i = 0; i < texts->count; i++) {
        ht_json_write_text(writer, texts->items[i]);
    }
    ht_json_write_array_end(writer);
}

static void format_start(const struct ht_config_start *start, struct ht_json_writer *writer)
{
    char time[HT_TIME_UTC_BYTES];
    ht_json_write_text(writer, start->kind == HT_POSITION_LATEST ? "latest"
                               : start->kind == HT_POSITION_AT_TIME
                                   ? ht_time_format_utc(start->time_ms, time)
                                   : "trim_horizon");
}

static const char *choice_name(const struct ht_config_row *row, unsigned value)
{
    const struct ht_config_choice *at = row->choices;
    while (at->name != NULL && at->value != value) {
        at++;
    }
    return at->name;
}

void ht_config_format_value(struct ht_config *config, const struct ht_config_row *row,
                            struct ht_buffer *out)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, out);
    void *field = ht_config_field(config, row);
    char address[HT_ADDRESS_TEXT_BYTES];
    switch (row->type) {
    case HT_CONFIG_TEXT:
    case HT_CONFIG_PATH:
    case HT_CONFIG_URL:
        format_string(row, ht_slice_text(*(char **)field), &writer);
        break;
    case HT_CONFIG_NUMBER:
        ht_json_write_u64(&writer, *(uint64_t *)field);
        break;
    case HT_CONFIG_BOOLEAN:
        ht_json_write_bool(&writer, *(bool *)field);
        break;
    case HT_CONFIG_CHOICE:
        ht_json_write_text(&writer, choice_name(row, *(unsigned *)field));
        break;
    case HT_CONFIG_TEXTS:
    case HT_CONFIG_PATHS:
        format_texts(field, &writer);
        break;
    case HT_CONFIG_RULES:
        format_rules(field, &writer);
        break;
    case HT_CONFIG_ADDRESS:
        ht_json_write_text(&writer, ht_address_format(field, address));
        break;
    case HT_CONFIG_START:
        format_start(field, &writer);
        break;
    }
}
