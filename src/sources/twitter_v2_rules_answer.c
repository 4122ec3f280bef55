// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"
#include "twitter_v2_rules.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/*
 * {"data":[...],"meta":{"summary":{"created":1,"not_created":1,"valid":1,"invalid":1}},
 *  "errors":[{"value":"--b","details":["Rules must contain ..."],"title":"UnprocessableEntity",
 *             "type":".../problems/invalid-rules"},
 *            {"value":"cat","id":"12","title":"DuplicateRule",
 *             "type":".../problems/duplicate-rules"},
 *            {"errors":[{"message":"Rule does not exist"}],"title":"Invalid Request",
 *             "type":".../problems/invalid-request"}]}
 */

/* How much of what X says fits into an error for a person. */
enum { WHY_BYTES = 200, VALUE_BYTES = 160, TOLD_MAX = 3, TOLD_VALUE_BYTES = 40, TOLD_BYTES = 330 };

/* The reading of an answer to additions. */
struct reading {
    const struct ht_twitter_v2_asked *asked;
    size_t repeats; /* X has them already */
    size_t refused;
    bool is_over_cap; /* too many rules, and that is no matter yet */
    char told[TOLD_BYTES];
};

static struct ht_json *parse(struct ht_slice body, struct ht_error *error);
static void read_error(struct reading *reading, const struct ht_json *error);
static bool is_problem(const struct ht_json *error, const char *name, const char *title);
static size_t index_of(const struct ht_twitter_v2_asked *asked, struct ht_slice value);
static void tell(struct reading *reading, size_t index, const char *value, const char *why);
static enum ht_twitter_v2_verdict judge(const struct reading *reading, const struct ht_json *root,
                                        struct ht_error *error);
static bool is_gone_already(const struct ht_json *error);
static void copy_reason(const struct ht_json *error, char why[WHY_BYTES]);
static struct ht_slice reason_of(const struct ht_json *error);
static void copy_text(struct ht_slice text, char *out, size_t room);

enum ht_twitter_v2_verdict ht_twitter_v2_additions_judge(struct ht_slice body,
                                                         const struct ht_twitter_v2_asked *asked,
                                                         struct ht_error *error)
{
    struct reading reading = {.asked = asked};
    struct ht_json *root = parse(body, error);
    if (error->code == HT_ENOMEM) {
        return HT_TWITTER_V2_VERDICT_UNCLEAR;
    }
    const struct ht_json *errors = ht_json_find(root, "errors");
    size_t count = ht_json_count(errors);
    for (size_t i = 0; i < count; i++) {
        read_error(&reading, ht_json_element(errors, i));
    }
    enum ht_twitter_v2_verdict verdict = judge(&reading, root, error);
    ht_json_destroy(root);
    return verdict;
}

/* NULL and no error where it is no JSON: who reads it says what is missing. */
static struct ht_json *parse(struct ht_slice body, struct ht_error *error)
{
    struct ht_error problem = {0};
    struct ht_json *root = ht_json_parse(body, HT_JSON_ROOT_IS_CONTAINER, NULL, &problem);
    ht_error_clear(error);
    if (problem.code == HT_ENOMEM) {
        (void)ht_error_set(error, HT_ENOMEM, "out of memory for the answer about the rules");
    }
    return root;
}

static void read_error(struct reading *reading, const struct ht_json *error)
{
    char value[VALUE_BYTES];
    char why[WHY_BYTES];
    if (is_problem(error, "duplicate-rules", "DuplicateRule")) {
        reading->repeats++;
        return;
    }
    bool is_cap = is_problem(error, "rule-cap", "RulesCapExceeded");
    if (is_cap && reading->asked->is_dry_run && reading->asked->has_deletions) {
        reading->is_over_cap = true;
        return;
    }
    struct ht_slice whole = ht_json_text(ht_json_member(error, "value"));
    size_t index = index_of(reading->asked, whole);
    copy_text(whole, value, sizeof value);
    copy_reason(error, why);
    reading->refused++;
    tell(reading, index, value, why);
    if (reading->asked->on_refused != NULL) {
        reading->asked->on_refused(reading->asked->user, index, value, why);
    }
}

/* Problems are named by the end of their type, which is a URL, or by their title. */
static bool is_problem(const struct ht_json *error, const char *name, const char *title)
{
    struct ht_slice type = ht_json_text(ht_json_member(error, "type"));
    struct ht_slice ending = ht_slice_text(name);
    bool is_named = type.length >= ending.length && memcmp(type.data + type.length - ending.length,
                                                           ending.data, ending.length) == 0;
    return is_named ||
           ht_slice_equal(ht_json_text(ht_json_member(error, "title")), ht_slice_text(title));
}

/* X repeats the value as it was posted. */
static size_t index_of(const struct ht_twitter_v2_asked *asked, struct ht_slice value)
{
    for (size_t i = 0; i < asked->count && value.length > 0; i++) {
        size_t index = asked->additions[i];
        if (ht_slice_equal(value, ht_slice_text(asked->wanted[index].value))) {
            return index;
        }
    }
    return SIZE_MAX;
}

/* Appends to what a person is told, for the first ones. */
static void tell(struct reading *reading, size_t index, const char *value, const char *why)
{
    size_t used = strlen(reading->told);
    char *at = reading->told + used;
    size_t room = sizeof reading->told - used;
    const char *comma = used == 0 ? "" : "; ";
    char short_value[TOLD_VALUE_BYTES];
    if (reading->refused > TOLD_MAX) {
        return;
    }
    copy_text(ht_slice_text(value), short_value, sizeof short_value);
    if (index != SIZE_MAX) {
        snprintf(at, room, "%ssource.rules[%zu] \"%s\": %s", comma, index, short_value, why);
    } else if (short_value[0] != '\0') {
        snprintf(at, room, "%s\"%s\": %s", comma, short_value, why);
    } else {
        snprintf(at, room, "%s%s", comma, why);
    }
}

static enum ht_twitter_v2_verdict judge(const struct reading *reading, const struct ht_json *root,
                                        struct ht_error *error)
{
    const struct ht_twitter_v2_asked *asked = reading->asked;
    const struct ht_json *summary = ht_json_find(root, "meta.summary");
    int64_t told = ht_json_i64(ht_json_member(summary, "created"));
    size_t created = told > 0 ? (size_t)told : 0;
    int64_t invalid = ht_json_i64(ht_json_member(summary, "invalid"));
    if (reading->refused > 0) {
        (void)ht_error_set(error, HT_EINVAL, "refuses %zu of %zu rules: %s%s; mend source.rules",
                           reading->refused, asked->count, reading->told,
                           reading->refused > TOLD_MAX ? "; ..." : "");
        return HT_TWITTER_V2_VERDICT_REFUSED;
    }
    if (summary == NULL) {
        (void)ht_error_set(error, HT_EPARSE,
                           "the answer to the rules cannot be read; check source.url");
        return HT_TWITTER_V2_VERDICT_UNCLEAR;
    }
    if (asked->is_dry_run && invalid > (int64_t)reading->repeats && !reading->is_over_cap) {
        (void)ht_error_set(error, HT_EINVAL,
                           "finds %lld of %zu rules invalid and does not say which; look through "
                           "source.rules",
                           (long long)invalid, asked->count);
        return HT_TWITTER_V2_VERDICT_REFUSED;
    }
    if (!asked->is_dry_run && created + reading->repeats < asked->count) {
        (void)ht_error_set(error, HT_EINVAL,
                           "made %zu of %zu rules and does not say why; look through "
                           "source.rules",
                           created, asked->count);
        return HT_TWITTER_V2_VERDICT_REFUSED;
    }
    return HT_TWITTER_V2_VERDICT_DONE;
}

enum ht_twitter_v2_verdict ht_twitter_v2_deletions_judge(struct ht_slice body, size_t count,
                                                         struct ht_error *error)
{
    struct ht_json *root = parse(body, error);
    if (error->code == HT_ENOMEM) {
        return HT_TWITTER_V2_VERDICT_UNCLEAR;
    }
    const struct ht_json *summary = ht_json_find(root, "meta.summary");
    const struct ht_json *errors = ht_json_find(root, "errors");
    size_t error_count = ht_json_count(errors);
    int64_t deleted = ht_json_i64(ht_json_member(summary, "deleted"));
    enum ht_twitter_v2_verdict verdict = HT_TWITTER_V2_VERDICT_DONE;
    char why[WHY_BYTES] = "no reason";
    bool is_gone = error_count > 0;
    for (size_t i = 0; i < error_count && is_gone; i++) {
        is_gone = is_gone_already(ht_json_element(errors, i));
        copy_reason(ht_json_element(errors, i), why);
    }
    if (!is_gone && summary == NULL && error_count == 0) {
        (void)ht_error_set(error, HT_EPARSE,
                           "the answer to the deletion of rules cannot be read; check source.url");
        verdict = HT_TWITTER_V2_VERDICT_UNCLEAR;
    } else if (!is_gone && (error_count > 0 || deleted < (int64_t)count)) {
        (void)ht_error_set(error, HT_EINVAL,
                           "deleted %lld of %zu rules of the account that source.rules does not "
                           "have, and says: %s",
                           (long long)deleted, count, why);
        verdict = HT_TWITTER_V2_VERDICT_REFUSED;
    }
    ht_json_destroy(root);
    return verdict;
}

static bool is_gone_already(const struct ht_json *error)
{
    char why[WHY_BYTES];
    copy_reason(error, why);
    return strstr(why, "does not exist") != NULL;
}

static void copy_reason(const struct ht_json *error, char why[WHY_BYTES])
{
    struct ht_slice text = reason_of(error);
    while (text.length > 0 && text.data[text.length - 1] == '.') {
        text.length--;
    }
    copy_text(text.length == 0 ? HT_SLICE("no reason") : text, why, WHY_BYTES);
}

/* The most telling words of a problem. */
static struct ht_slice reason_of(const struct ht_json *error)
{
    static const char *const paths[] = {"details[0]", "errors[0].message", "message", "detail",
                                        "title"};
    struct ht_slice text = {0};
    for (size_t i = 0; i < HT_COUNT_OF(paths) && text.length == 0; i++) {
        text = ht_json_text(ht_json_find(error, paths[i]));
    }
    return text;
}

/* Cut where it is too long, but not within a character. */
static void copy_text(struct ht_slice text, char *out, size_t room)
{
    size_t length = text.length;
    if (length >= room) {
        length = room - 1;
        while (length > 0 && ((unsigned char)text.data[length] & 0xC0) == 0x80) {
            length--;
        }
    }
    if (length > 0) {
        memcpy(out, text.data, length);
    }
    out[length] = '\0';
}
