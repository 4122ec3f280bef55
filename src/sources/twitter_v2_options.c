// SPDX-License-Identifier: MIT
#include "twitter_v2_options.h"

#include "hashtagd/base/slice.h"

#include "twitter_v2_rules.h"
#include "twitter_v2_url.h"

#include <stdlib.h>
#include <string.h>

static int copy_text(char **copy, const char *text);
static int copy_rules(struct ht_twitter_v2_options *copy,
                      const struct ht_twitter_v2_source_options *options);
static struct ht_slice trim(const char *text);
static void wipe(char *secret);

int ht_twitter_v2_options_copy(struct ht_twitter_v2_options *copy,
                               const struct ht_twitter_v2_source_options *options)
{
    struct ht_slice url = ht_slice_text(options->url == NULL ? HT_TWITTER_V2_URL : options->url);
    while (url.length > 0 && url.data[url.length - 1] == '/') {
        url.length--;
    }
    *copy = (struct ht_twitter_v2_options){
        .url = ht_slice_to_text(url),
        .is_sample = options->is_sample,
        .accepts_compressed = options->accepts_compressed,
        .backfill_minutes = options->backfill_minutes,
    };
    int status = copy->url == NULL ? HT_ENOMEM : 0;
    status = status == 0 ? copy_text(&copy->bearer_token, options->bearer_token) : status;
    status = status == 0 ? copy_text(&copy->consumer_key, options->consumer_key) : status;
    status = status == 0 ? copy_text(&copy->consumer_secret, options->consumer_secret) : status;
    return status == 0 ? copy_rules(copy, options) : status;
}

static int copy_text(char **copy, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return 0;
    }
    *copy = ht_slice_to_text(ht_slice_text(text));
    return *copy == NULL ? HT_ENOMEM : 0;
}

static int copy_rules(struct ht_twitter_v2_options *copy,
                      const struct ht_twitter_v2_source_options *options)
{
    copy->rules = calloc(options->rule_count + 1, sizeof *copy->rules);
    copy->texts = calloc(2 * options->rule_count + 1, sizeof *copy->texts);
    if (copy->rules == NULL || copy->texts == NULL) {
        return HT_ENOMEM;
    }
    for (size_t i = 0; i < options->rule_count; i++) {
        char *value = ht_slice_to_text(trim(options->rules[i].value));
        char *tag = ht_slice_to_text(ht_slice_text(options->rules[i].tag));
        copy->texts[2 * i] = value;
        copy->texts[2 * i + 1] = tag;
        copy->rules[i] = (struct ht_twitter_v2_rule){value, tag};
        copy->rule_count++;
        if (value == NULL || tag == NULL) {
            return HT_ENOMEM;
        }
    }
    return 0;
}

/* White space at the ends says nothing, and a rule that came back without would be changed at each
 * start. */
static struct ht_slice trim(const char *text)
{
    static const char space[] = " \t\r\n";
    struct ht_slice rest = ht_slice_text(text + strspn(text, space));
    while (rest.length > 0 && strchr(space, rest.data[rest.length - 1]) != NULL) {
        rest.length--;
    }
    return rest;
}

int ht_twitter_v2_rules_check(const struct ht_twitter_v2_rule *rules, size_t count,
                              struct ht_error *error)
{
    const struct ht_twitter_v2_source_options options = {.rules = rules, .rule_count = count};
    const struct ht_twitter_v2_held held = {0};
    struct ht_twitter_v2_options copy;
    struct ht_twitter_v2_change change = {0};
    int status = ht_twitter_v2_options_copy(&copy, &options);
    if (status == 0) {
        status = ht_twitter_v2_change_find(&change, copy.rules, copy.rule_count, &held, error);
    } else {
        (void)ht_error_set(error, status, "out of memory for the rules of the stream");
    }
    ht_twitter_v2_change_finish(&change);
    ht_twitter_v2_options_finish(&copy);
    return status;
}

void ht_twitter_v2_options_finish(struct ht_twitter_v2_options *copy)
{
    free(copy->url);
    wipe(copy->bearer_token);
    wipe(copy->consumer_key);
    wipe(copy->consumer_secret);
    for (size_t i = 0; i < 2 * copy->rule_count; i++) {
        free(copy->texts[i]);
    }
    free(copy->texts);
    free(copy->rules);
    *copy = (struct ht_twitter_v2_options){0};
}

static void wipe(char *secret)
{
    if (secret != NULL) {
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}
