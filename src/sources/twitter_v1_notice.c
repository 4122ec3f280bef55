// SPDX-License-Identifier: MIT
#include "twitter_v1_notice.h"

#include "hashtagd/base/clock.h"
#include "hashtagd/json/json.h"

#include <stdio.h>

/* Where `timestamp_ms` is looked for: it is the last member, of the message or of what is in it. */
#define TAIL_BYTES 64

#define CREATED_AT_BYTES 30 /* "Wed Aug 27 13:08:45 +0000 2008" */

/* The codes of a disconnect notice. */
struct disconnect {
    int64_t code;
    enum ht_source_end end;
    const char *text, *cure;
};

static bool take_first_key(struct ht_slice message, struct ht_slice *key, struct ht_slice *rest);
static struct ht_slice skip_space(struct ht_slice text);
static void copy_cut(struct ht_slice text, char out[HT_TWITTER_V1_NOTICE_TEXT_BYTES]);
static const struct disconnect *find_disconnect(int64_t code);
static int64_t read_timestamp(struct ht_slice message);
static int64_t read_created_at(struct ht_slice message);

enum ht_twitter_v1_notice_kind ht_twitter_v1_notice_kind(struct ht_slice message)
{
    static const struct {
        struct ht_slice key;
        enum ht_twitter_v1_notice_kind kind;
    } rows[] = {
        {{"disconnect", 10}, HT_TWITTER_V1_NOTICE_DISCONNECT},
        {{"warning", 7}, HT_TWITTER_V1_NOTICE_WARNING},
        {{"limit", 5}, HT_TWITTER_V1_NOTICE_LIMIT},
    };
    struct ht_slice key, rest;

    if (message.length <= HT_TWITTER_V1_NOTICE_MAX_BYTES && take_first_key(message, &key, &rest)) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            if (ht_slice_equal(key, rows[i].key)) {
                return rows[i].kind;
            }
        }
    }
    return HT_TWITTER_V1_NOTICE_NONE;
}

/* The first key of an object, without its quotes, and what follows the colon. */
static bool take_first_key(struct ht_slice message, struct ht_slice *key, struct ht_slice *rest)
{
    struct ht_slice text = skip_space(message);

    if (text.length == 0 || text.data[0] != '{') {
        return false;
    }
    text = skip_space(ht_slice_make(text.data + 1, text.length - 1));
    if (text.length == 0 || text.data[0] != '"') {
        return false;
    }
    const char *end = memchr(text.data + 1, '"', text.length - 1);
    if (end == NULL) {
        return false;
    }
    *key = ht_slice_make(text.data + 1, (size_t)(end - text.data) - 1);
    text = skip_space(ht_slice_make(end + 1, text.length - key->length - 2));
    *rest = text.length == 0 ? text : skip_space(ht_slice_make(text.data + 1, text.length - 1));
    return text.length > 0 && text.data[0] == ':';
}

static struct ht_slice skip_space(struct ht_slice text)
{
    while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t' ||
                               text.data[0] == '\n' || text.data[0] == '\r')) {
        text = ht_slice_make(text.data + 1, text.length - 1);
    }
    return text;
}

int ht_twitter_v1_notice_parse(enum ht_twitter_v1_notice_kind kind, struct ht_slice message,
                               struct ht_twitter_v1_notice *notice)
{
    static const struct {
        const char *member, *number, *code, *text;
    } shapes[] = {
        [HT_TWITTER_V1_NOTICE_DISCONNECT] = {"disconnect", "code", NULL, "reason"},
        [HT_TWITTER_V1_NOTICE_WARNING] = {"warning", "percent_full", "code", "message"},
        [HT_TWITTER_V1_NOTICE_LIMIT] = {"limit", "track", NULL, NULL},
    };
    struct ht_error error;

    *notice = (struct ht_twitter_v1_notice){.number = -1};
    if (kind == HT_TWITTER_V1_NOTICE_NONE) {
        return HT_EPARSE;
    }
    struct ht_json *root = ht_json_parse(message, 0, NULL, &error);
    if (root == NULL) {
        return error.code;
    }
    const struct ht_json *value = ht_json_member(root, shapes[kind].member);
    const struct ht_json *number = ht_json_member(value, shapes[kind].number);
    if (number != NULL && ht_json_type(number) == HT_JSON_INTEGER && ht_json_i64(number) >= 0) {
        notice->number = ht_json_i64(number);
    }
    if (shapes[kind].code != NULL) {
        copy_cut(ht_json_text(ht_json_member(value, shapes[kind].code)), notice->code);
    }
    if (shapes[kind].text != NULL) {
        copy_cut(ht_json_text(ht_json_member(value, shapes[kind].text)), notice->text);
    }
    int status = value != NULL && ht_json_type(value) == HT_JSON_OBJECT ? 0 : HT_EPARSE;
    ht_json_destroy(root);
    return status;
}

static void copy_cut(struct ht_slice text, char out[HT_TWITTER_V1_NOTICE_TEXT_BYTES])
{
    size_t length = text.length;

    if (length >= HT_TWITTER_V1_NOTICE_TEXT_BYTES) {
        length = HT_TWITTER_V1_NOTICE_TEXT_BYTES - 1;
        while (length > 0 && ((unsigned char)text.data[length] & 0xc0u) == 0x80u) {
            length--;
        }
    }
    memcpy(out, text.data, length);
    out[length] = '\0';
}

enum ht_source_end ht_twitter_v1_notice_explain(const struct ht_twitter_v1_notice *disconnect,
                                                struct ht_error *error)
{
    const struct disconnect *row = find_disconnect(disconnect->number);
    char code[32];

    snprintf(code, sizeof code, disconnect->number < 0 ? "no code" : "code %lld",
             (long long)disconnect->number);
    ht_error_set(error, HT_ECONNECTION, "the stream was ended (%s): %s%s%s%s%s%s", code, row->text,
                 disconnect->text[0] != '\0' ? " (\"" : "", disconnect->text,
                 disconnect->text[0] != '\0' ? "\")" : "", row->cure[0] != '\0' ? "; " : "",
                 row->cure);
    return row->end;
}

/* "Streaming message types", disconnect messages; 8 is not used. */
static const struct disconnect *find_disconnect(int64_t code)
{
    static const struct disconnect rows[] = {
        {1, HT_SOURCE_END_TOLD, "the feed was shut down, perhaps for a restart", ""},
        {2, HT_SOURCE_END_TOLD_TO_STOP, "the same account opened this stream once more",
         "end the other program, or restart this one with an account of its own"},
        {3, HT_SOURCE_END_TOLD, "an operator asked for it", ""},
        {4, HT_SOURCE_END_TOLD, "this program took the tweets too slowly", ""},
        {5, HT_SOURCE_END_TOLD_TO_STOP, "as if this program had asked for it",
         "look whether another program uses the same account"},
        {6, HT_SOURCE_END_TOLD_TO_STOP, "the access token was revoked",
         "make a new one, set TWITTER_ACCESS_TOKEN and TWITTER_ACCESS_TOKEN_SECRET, then restart"},
        {7, HT_SOURCE_END_TOLD_TO_STOP, "the same credentials logged in elsewhere",
         "end the other program, or restart this one with credentials of its own"},
        {9, HT_SOURCE_END_TOLD, "the most messages of one connection were sent", ""},
        {10, HT_SOURCE_END_TOLD, "something went wrong inside", ""},
        {11, HT_SOURCE_END_TOLD, "a part inside did not answer", ""},
        {12, HT_SOURCE_END_TOLD, "a machine was too busy", ""},
        {-1, HT_SOURCE_END_TOLD, "the reason is not known", ""},
    };
    const struct disconnect *row = rows;

    while (row->code != code && row->code != -1) {
        row++;
    }
    return row;
}

int64_t ht_twitter_v1_notice_time_ms(struct ht_slice message)
{
    int64_t time_ms = read_timestamp(message);
    return time_ms > 0 ? time_ms : read_created_at(message);
}

/* `"timestamp_ms":"1467998788211"}`. Inside of a text its quotes would stand behind backslashes. */
static int64_t read_timestamp(struct ht_slice message)
{
    static const char key[] = "\"timestamp_ms\":\"";
    size_t begin = message.length > TAIL_BYTES ? message.length - TAIL_BYTES : 0;
    uint64_t time_ms;

    const char *found = message.length == 0 ? NULL
                                            : memmem(message.data + begin, message.length - begin,
                                                     key, sizeof key - 1);
    if (found == NULL) {
        return 0;
    }
    const char *digits = found + sizeof key - 1;
    size_t left = message.length - (size_t)(digits - message.data);
    const char *end = left == 0 ? NULL : memchr(digits, '"', left);
    bool is_number = end != NULL && ht_slice_to_u64(ht_slice_make(digits, (size_t)(end - digits)),
                                                    INT64_MAX, &time_ms) == 0;
    return is_number ? (int64_t)time_ms : 0;
}

/* "Wed Aug 27 13:08:45 +0000 2008" as the value of the first key, written anew as RFC 3339. */
static int64_t read_created_at(struct ht_slice message)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct ht_slice key, value;
    char text[40];
    int64_t time_ms;

    if (!take_first_key(message, &key, &value) || !ht_slice_equal(key, HT_SLICE("created_at")) ||
        value.length < CREATED_AT_BYTES + 2 || value.data[0] != '"' ||
        value.data[CREATED_AT_BYTES + 1] != '"') {
        return 0;
    }
    const char *at = value.data + 1;
    const char *month = memmem(months, sizeof months - 1, at + 4, 3);
    if (month == NULL || (month - months) % 3 != 0 || memcmp(at + 20, "+0000", 5) != 0) {
        return 0;
    }
    snprintf(text, sizeof text, "%.4s-%02d-%.2sT%.8sZ", at + 26, (int)(month - months) / 3 + 1,
             at + 8, at + 11);
    return ht_time_parse_utc(text, &time_ms) == 0 ? time_ms : 0;
}
