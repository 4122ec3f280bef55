// SPDX-License-Identifier: MIT
#include "twitter_v2_ending.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"

#include <stdio.h>

/* The most errors of one object that are looked at. */
enum { ERRORS_MAX = 16, WORD_BYTES_MAX = 60, DETAIL_BYTES_MAX = 200 };

/* What a word of an error asks for: of its disconnect_type, connection_issue, title, code or the
 * end of its type. Later rows are for words that are less telling. */
struct meaning {
    const char *word;
    enum ht_source_end end;
    bool are_rules_stale;
    const char *cure;
};

static const char rules_cure[] = "the account's rules are compared with source.rules once more";
static const char token_cure[] =
    "check TWITTER_BEARER_TOKEN, or TWITTER_CONSUMER_KEY and TWITTER_CONSUMER_SECRET";
static const char usage_cure[] = "the account has used up what it may have in this period: see "
                                 "Usage in X's developer portal";

static const struct meaning meanings[] = {
    /* X or the way to X had trouble: another connection is as good as a new one */
    {"OperationalDisconnect", HT_SOURCE_END_TOLD, false, ""},
    {"UpstreamOperationalDisconnect", HT_SOURCE_END_TOLD, false, ""},
    {"UpstreamUncleanDisconnect", HT_SOURCE_END_TOLD, false, ""},
    {"InternalError", HT_SOURCE_END_TOLD, false, ""},
    {"ForceDisconnect", HT_SOURCE_END_TOLD, false, ""},
    {"SlowReader", HT_SOURCE_END_TOLD, false,
     "the stream was read too slowly: /status tells which stage holds it back"},
    {"PackageUpgraded", HT_SOURCE_END_TOLD, false, ""},
    {"PackageDowngraded", HT_SOURCE_END_TOLD, false, ""},
    {"ProvisioningSubscription", HT_SOURCE_END_TOLD, false, ""},
    {"client-disconnected", HT_SOURCE_END_TOLD, false, ""},
    /* somebody else holds the one connection, or an end of ours has not been noticed yet */
    {"TooManyConnections", HT_SOURCE_END_TOO_MANY, false,
     "stop the other program that streams with this app"},
    /* a person is needed */
    {"ClientApplicationStateDegraded", HT_SOURCE_END_TOLD_TO_STOP, false,
     "look at the state of the app in X's developer portal"},
    {"InvalidRules", HT_SOURCE_END_TOLD_TO_STOP, true, rules_cure},
    {"RulesInvalidIssue", HT_SOURCE_END_TOLD_TO_STOP, true, rules_cure},
    {"RuleConfigurationIssue", HT_SOURCE_END_TOLD_TO_STOP, true, rules_cure},
    {"invalid-rules", HT_SOURCE_END_TOLD_TO_STOP, true, rules_cure},
    {"noncompliant-rules", HT_SOURCE_END_TOLD_TO_STOP, true, rules_cure},
    {"UsageCapExceeded", HT_SOURCE_END_TOLD_TO_STOP, false, usage_cure},
    {"usage-capped", HT_SOURCE_END_TOLD_TO_STOP, false, usage_cure},
    {"client-forbidden", HT_SOURCE_END_TOLD_TO_STOP, false,
     "look at the access of the app in X's developer portal"},
    {"unsupported-authentication", HT_SOURCE_END_TOLD_TO_STOP, false, token_cure},
    /* v1.1's codes, which v2 still sends */
    {"88", HT_SOURCE_END_RATE_LIMITED, false, ""},
    {"32", HT_SOURCE_END_TOLD_TO_STOP, false, token_cure},
    {"89", HT_SOURCE_END_TOLD_TO_STOP, false, token_cure},
    {"215", HT_SOURCE_END_TOLD_TO_STOP, false, token_cure},
    /* where nothing says more */
    {"ConnectionException", HT_SOURCE_END_TOO_MANY, false, ""},
    {"streaming-connection", HT_SOURCE_END_TOO_MANY, false, ""},
};

static bool begins_with_data(struct ht_slice line);
static size_t skip_space(struct ht_slice line, size_t at);
static bool is_ending(const struct ht_json *root);
static bool is_there(const struct ht_json *value);
static void understand(const struct ht_json *root, struct ht_twitter_v2_ending *ending);
static const struct meaning *meaning_of(const struct ht_json *error);
static const struct meaning *meaning_of_word(struct ht_slice word);
static struct ht_slice last_part(struct ht_slice type);
static void tell(const struct ht_json *error, const struct meaning *meaning,
                 struct ht_twitter_v2_ending *ending);
static struct ht_slice cut(struct ht_slice text, size_t most);

bool ht_twitter_v2_ending_read(struct ht_slice line, struct ht_twitter_v2_ending *ending)
{
    if (begins_with_data(line) || line.length > HT_TWITTER_V2_ENDING_MAX_BYTES) {
        return false;
    }
    struct ht_error problem = {0};
    struct ht_json *root = ht_json_parse(line, HT_JSON_ROOT_IS_CONTAINER, NULL, &problem);
    if (problem.code == HT_ENOMEM) {
        *ending =
            (struct ht_twitter_v2_ending){.end = HT_SOURCE_END_NETWORK, .are_rules_stale = true};
        (void)ht_error_set(&ending->error, HT_ENOMEM, "out of memory for a message of the stream");
        return true;
    }
    bool ends = root != NULL && is_ending(root);
    if (ends) {
        understand(root, ending);
    }
    ht_json_destroy(root);
    return ends;
}

static bool begins_with_data(struct ht_slice line)
{
    static const char *const tokens[] = {"{", "\"data\"", ":"};
    size_t at = 0;
    for (size_t i = 0; i < HT_COUNT_OF(tokens); i++) {
        struct ht_slice token = ht_slice_text(tokens[i]);
        at = skip_space(line, at);
        if (!ht_slice_starts_with(ht_slice_make(line.data + at, line.length - at), token)) {
            return false;
        }
        at += token.length;
    }
    at = skip_space(line, at);
    return at < line.length && line.data[at] == '{';
}

static size_t skip_space(struct ht_slice line, size_t at)
{
    while (at < line.length && (line.data[at] == ' ' || line.data[at] == '\t' ||
                                line.data[at] == '\r' || line.data[at] == '\n')) {
        at++;
    }
    return at;
}

/* What the tweet layer reads as the notice "errors". */
static bool is_ending(const struct ht_json *root)
{
    if (ht_json_type(root) != HT_JSON_OBJECT || is_there(ht_json_member(root, "data"))) {
        return false;
    }
    bool is_problem = ht_json_text(ht_json_member(root, "title")).length > 0 &&
                      (is_there(ht_json_member(root, "detail")) ||
                       is_there(ht_json_member(root, "connection_issue")));
    return is_problem || is_there(ht_json_member(root, "errors"));
}

static bool is_there(const struct ht_json *value)
{
    return value != NULL && ht_json_type(value) != HT_JSON_NULL;
}

/* Of several errors the first one counts that asks for more than connecting again. */
static void understand(const struct ht_json *root, struct ht_twitter_v2_ending *ending)
{
    const struct ht_json *errors = ht_json_member(root, "errors");
    const struct ht_json *telling = ht_json_element(errors, 0);
    telling = telling == NULL ? root : telling;
    const struct meaning *meaning = meaning_of(telling);
    meaning = meaning == NULL ? meaning_of(root) : meaning;
    for (size_t i = 1; i < ERRORS_MAX && ht_json_element(errors, i) != NULL; i++) {
        const struct meaning *other = meaning_of(ht_json_element(errors, i));
        bool is_stronger = other != NULL && other->end != HT_SOURCE_END_TOLD;
        if (is_stronger && (meaning == NULL || meaning->end == HT_SOURCE_END_TOLD)) {
            meaning = other;
            telling = ht_json_element(errors, i);
        }
    }
    tell(telling, meaning, ending);
}

/* NULL where no word is known. */
static const struct meaning *meaning_of(const struct ht_json *error)
{
    const struct ht_json *code = ht_json_member(error, "code");
    char digits[24] = "";
    if (code != NULL && ht_json_type(code) == HT_JSON_INTEGER) {
        snprintf(digits, sizeof digits, "%lld", (long long)ht_json_i64(code));
    }
    struct ht_slice words[] = {
        ht_json_text(ht_json_member(error, "disconnect_type")),
        ht_json_text(ht_json_member(error, "connection_issue")),
        last_part(ht_json_text(ht_json_member(error, "type"))),
        ht_json_text(ht_json_member(error, "title")),
        ht_slice_text(digits),
    };
    const struct meaning *best = NULL;
    for (size_t i = 0; i < HT_COUNT_OF(words) && best == NULL; i++) {
        best = meaning_of_word(words[i]);
    }
    return best;
}

static const struct meaning *meaning_of_word(struct ht_slice word)
{
    for (size_t i = 0; i < HT_COUNT_OF(meanings); i++) {
        if (ht_slice_equal_ignoring_case(word, ht_slice_text(meanings[i].word))) {
            return &meanings[i];
        }
    }
    return NULL;
}

/* "usage-capped" of "https://api.x.com/2/problems/usage-capped". */
static struct ht_slice last_part(struct ht_slice type)
{
    size_t at = type.length;
    while (at > 0 && type.data[at - 1] != '/') {
        at--;
    }
    return ht_slice_make(type.data + at, type.length - at);
}

static void tell(const struct ht_json *error, const struct meaning *meaning,
                 struct ht_twitter_v2_ending *ending)
{
    static const struct meaning unknown = {"", HT_SOURCE_END_TOLD, false, ""};
    static const char *const names[] = {"disconnect_type", "connection_issue", "title"};
    static const char *const texts[] = {"detail", "message", "reason"};
    struct ht_slice name = {0};
    struct ht_slice text = {0};
    for (size_t i = 0; i < HT_COUNT_OF(names) && name.length == 0; i++) {
        name = cut(ht_json_text(ht_json_member(error, names[i])), WORD_BYTES_MAX);
    }
    for (size_t i = 0; i < HT_COUNT_OF(texts) && text.length == 0; i++) {
        text = cut(ht_json_text(ht_json_member(error, texts[i])), DETAIL_BYTES_MAX);
    }
    meaning = meaning == NULL ? &unknown : meaning;
    ending->end = meaning->end;
    ending->are_rules_stale = meaning->are_rules_stale;
    int code = meaning->end == HT_SOURCE_END_TOLD_TO_STOP ? HT_EPERMISSION : HT_ECONNECTION;
    (void)ht_error_set(&ending->error, code, "ends the stream%s%.*s%s%.*s%s%s",
                       name.length > 0 ? ": " : "", (int)name.length, name.data,
                       text.length > 0 ? ": " : "", (int)text.length, text.data,
                       meaning->cure[0] == '\0' ? "" : "; ", meaning->cure);
}

/* Without the full stop at its end, and of readable length; no character is cut in two. */
static struct ht_slice cut(struct ht_slice text, size_t most)
{
    if (text.length > most) {
        text.length = most;
        while (text.length > 0 && ((unsigned char)text.data[text.length] & 0xC0) == 0x80) {
            text.length--;
        }
    }
    while (text.length > 0 && text.data[text.length - 1] == '.') {
        text.length--;
    }
    return text;
}
