// SPDX-License-Identifier: MIT
#include "config_load.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/sources/twitter_v2_source.h"

#include <stdlib.h>
#include <string.h>

/*
 * What sources are asked to leave out. A filter that a service does not have would bring all that it
 * should keep away, so it is refused rather than forgotten. The same holds for sources that
 * would spoil one another's: filtered streams of one app, and one token for two servers.
 */

struct filters {
    const struct ht_config *config;
    const struct ht_config_source *source;
    size_t index;
    struct ht_mistakes *mistakes;
};

static const char *key_of(const struct filters *filters, const char *name)
{
    return ht_config_source_row(filters->index, name)->key;
}

static const char *place_of(const struct filters *filters, const char *name)
{
    return ht_config_place(filters->config, ht_config_source_row(filters->index, name));
}

/* The types of live sources that take a filter, as bits. */
static void check_taken(const struct filters *filters)
{
    enum {
        V1 = 1u << HT_CONFIG_SOURCE_TWITTER_V1,
        V2 = 1u << HT_CONFIG_SOURCE_TWITTER_V2,
        MASTODON = 1u << HT_CONFIG_SOURCE_MASTODON,
        JETSTREAM = 1u << HT_CONFIG_SOURCE_JETSTREAM,
    };
    const struct ht_config_source *source = filters->source;
    const struct {
        const char *name;
        size_t count;
        unsigned takers;
    } lists[] = {
        {"track", source->track.count, V1 | MASTODON},
        {"locations", source->locations.count, V1},
        {"follow", source->follow.count, V1 | JETSTREAM},
        {"language", source->language.count, V1},
        {"rules", source->rules.count, V2},
    };
    unsigned type = 1u << source->type;
    for (size_t i = 0; i < HT_COUNT_OF(lists); i++) {
        bool is_live = (type & (V1 | V2 | MASTODON | JETSTREAM)) != 0;
        if (is_live && lists[i].count > 0 && (lists[i].takers & type) == 0) {
            ht_mistakes_add(filters->mistakes, place_of(filters, lists[i].name),
                            "%s: a source of this type has no such filter, and would bring what "
                            "it should leave out; leave it empty%s",
                            key_of(filters, lists[i].name),
                            (type & V2) != 0 ? ", and use source.rules" : "");
        }
    }
}

/* -- mastodon ----------------------------------------------------------------------------- */

static void check_hashtag(const struct filters *filters)
{
    const struct ht_config_texts *track = &filters->source->track;
    if (track->count != 1) {
        return; /* none; of several it is told elsewhere */
    }
    const char *hashtag = track->items[0] + (track->items[0][0] == '#' ? 1 : 0);
    if (hashtag[0] == '\0' || strpbrk(hashtag, "# \t\r\n") != NULL) {
        ht_mistakes_add(filters->mistakes, place_of(filters, "track"),
                        "%s: found \"%.80s\"; accepted: one hashtag, a word without '#'",
                        key_of(filters, "track"), track->items[0]);
    }
    if (filters->source->timeline == HT_CONFIG_TIMELINE_REMOTE) {
        ht_mistakes_add(filters->mistakes, place_of(filters, "timeline"),
                        "%s: found remote, and Mastodon has no such stream of a hashtag; accepted "
                        "beside %s: public or local",
                        key_of(filters, "timeline"), key_of(filters, "track"));
    }
}

/* -- twitter-v2 --------------------------------------------------------------------------- */

static void check_rules(const struct filters *filters)
{
    const struct ht_config_rules *rules = &filters->source->rules;
    struct ht_twitter_v2_rule *wanted = calloc(rules->count + 1, sizeof(*wanted));
    struct ht_error error = {0};
    if (filters->source->endpoint == HT_CONFIG_ENDPOINT_SAMPLE && rules->count > 0) {
        ht_mistakes_add(filters->mistakes, place_of(filters, "endpoint"),
                        "%s: sample is a sample of all posts and takes no rules; use filter, or "
                        "leave %s empty",
                        key_of(filters, "endpoint"), key_of(filters, "rules"));
    }
    for (size_t i = 0; wanted != NULL && i < rules->count; i++) {
        wanted[i] = (struct ht_twitter_v2_rule){rules->items[i].value, rules->items[i].tag};
    }
    if (wanted == NULL) {
        (void)ht_error_set(&error, HT_ENOMEM, "Out of memory.");
    }
    if (wanted == NULL || ht_twitter_v2_rules_check(wanted, rules->count, &error) != 0) {
        ht_mistakes_add(filters->mistakes, place_of(filters, "rules"), "%s: %s",
                        key_of(filters, "rules"), error.text);
    }
    free(wanted);
}

/* -- addresses ---------------------------------------------------------------------------- */

static void check_base(const struct filters *filters)
{
    const char *url = filters->source->url;
    const char *scheme_end = strstr(url, "://");
    if (strpbrk(url, "?#") != NULL) {
        ht_mistakes_add(filters->mistakes, place_of(filters, "url"),
                        "%s: found a '?' or '#'; accepted: a base address, to which paths are "
                        "added, like https://host.example",
                        key_of(filters, "url"));
    }
    if (filters->source->type == HT_CONFIG_SOURCE_JETSTREAM && scheme_end != NULL &&
        memchr(scheme_end + 3, '@', strcspn(scheme_end + 3, "/?#")) != NULL) {
        ht_mistakes_add(filters->mistakes, place_of(filters, "url"),
                        "%s: a name and password in it are not sent to a WebSocket; leave them out",
                        key_of(filters, "url"));
    }
}

/* -- among several ------------------------------------------------------------------------ */

static bool are_equal(const struct ht_config_rules *a, const struct ht_config_rules *b)
{
    bool is_equal = a->count == b->count;
    for (size_t i = 0; is_equal && i < a->count; i++) {
        is_equal = strcmp(a->items[i].value, b->items[i].value) == 0 &&
                   strcmp(a->items[i].tag, b->items[i].tag) == 0;
    }
    return is_equal;
}

/* Rules belong to an app, and each source deletes those that it does not know. */
static void check_app(const struct filters *filters, const struct ht_config_source *other,
                      size_t other_index)
{
    const struct ht_config_source *source = filters->source;
    bool are_filtered = source->endpoint == HT_CONFIG_ENDPOINT_FILTER &&
                        other->endpoint == HT_CONFIG_ENDPOINT_FILTER && source->rules.count > 0 &&
                        other->rules.count > 0;
    if (are_filtered && strcmp(source->url, other->url) == 0 &&
        strcmp(source->token_file, other->token_file) == 0 &&
        !are_equal(&source->rules, &other->rules)) {
        ht_mistakes_add(filters->mistakes, place_of(filters, "rules"),
                        "%s and %s belong to one app, where each source would delete the other's; "
                        "write all into one list, or give each its app's token in %s",
                        key_of(filters, "rules"), ht_config_source_row(other_index, "rules")->key,
                        key_of(filters, "token_file"));
    }
}

/* A token is of one server, and no other should see it. */
static void check_server(const struct filters *filters, const struct ht_config_source *other,
                         size_t other_index)
{
    const struct ht_config_source *source = filters->source;
    if (strcmp(source->token_file, other->token_file) == 0 && source->url[0] != '\0' &&
        other->url[0] != '\0' && strcmp(source->url, other->url) != 0) {
        ht_mistakes_add(filters->mistakes, place_of(filters, "url"),
                        "%s and %s are two servers with one token, which would be sent to both; "
                        "name the file with the token of this one in %s",
                        key_of(filters, "url"), ht_config_source_row(other_index, "url")->key,
                        key_of(filters, "token_file"));
    }
}

static void check_among(const struct filters *filters)
{
    for (size_t i = 0; i < filters->index; i++) {
        const struct ht_config_source *other = ht_config_source_at(filters->config, i);
        if (other->type != filters->source->type) {
            continue;
        }
        if (other->type == HT_CONFIG_SOURCE_TWITTER_V2) {
            check_app(filters, other, i);
        } else if (other->type == HT_CONFIG_SOURCE_MASTODON) {
            check_server(filters, other, i);
        }
    }
}

void ht_config_check_filters(const struct ht_config *config, struct ht_mistakes *mistakes)
{
    for (size_t i = 0; i < config->source_count; i++) {
        const struct filters filters = {config, ht_config_source_at(config, i), i, mistakes};
        check_taken(&filters);
        if (filters.source->type == HT_CONFIG_SOURCE_MASTODON) {
            check_hashtag(&filters);
        } else if (filters.source->type == HT_CONFIG_SOURCE_TWITTER_V2) {
            check_rules(&filters);
            check_base(&filters);
        } else if (filters.source->type == HT_CONFIG_SOURCE_JETSTREAM) {
            check_base(&filters);
        }
        check_among(&filters);
    }
}
