// SPDX-License-Identifier: MIT
#include "config_load.h"

#include "hashtagd/sources/twitter_v1_parameters.h"

#include <stdio.h>
#include <string.h>

/*
 * What must hold for the sources: for each one what its type needs, then among them that each has
 * a type and a name of its own.
 */

/* One source while it is checked. */
struct checked {
    const struct ht_config *config;
    const struct ht_config_source *source;
    size_t index;
    struct ht_mistakes *mistakes;
};

static const struct ht_config_row *row_of(const struct checked *checked, const char *name)
{
    return ht_config_source_row(checked->index, name);
}

static const char *place_of(const struct checked *checked, const char *name)
{
    return ht_config_place(checked->config, row_of(checked, name));
}

static const char *type_name(const struct checked *checked)
{
    const struct ht_config_choice *at = row_of(checked, "type")->choices;
    while (at->value != checked->source->type) {
        at++;
    }
    return at->name;
}

/* Whether a value was given for `name` and refused: then it is told already, and what follows from
 * its default is no mistake of the person. */
static bool was_refused(const struct checked *checked, const char *name)
{
    char text[80];
    (void)snprintf(text, sizeof(text), " %s: found ", row_of(checked, name)->key);
    return checked->mistakes->count > 0 &&
           strstr(ht_buffer_slice(&checked->mistakes->lines).data, text) != NULL;
}

static void check_replay(const struct checked *checked)
{
    const struct ht_config_source *source = checked->source;
    const char *files = row_of(checked, "files")->key;
    if (source->files.count == 0) {
        ht_mistakes_add(checked->mistakes, place_of(checked, "type"),
                        "%s is replay, but %s names no file; say --set %s=FILE",
                        row_of(checked, "type")->key, files, files);
    }
    for (size_t i = 0; i < source->files.count; i++) {
        ht_config_check_readable(source->files.items[i], place_of(checked, "files"), files,
                                 checked->mistakes);
    }
}

/* The services over plain HTTP requests take http and https, the other one is a WebSocket too. */
static void check_url(const struct checked *checked, bool takes_websocket)
{
    const char *url = checked->source->url;
    if (!takes_websocket && strncmp(url, "ws", 2) == 0) {
        ht_mistakes_add(checked->mistakes, place_of(checked, "url"),
                        "%s: %s is not read over a WebSocket; accepted: an address with http:// or "
                        "https://",
                        row_of(checked, "url")->key, type_name(checked));
    }
}

static void check_mastodon(const struct checked *checked)
{
    const struct ht_config_source *source = checked->source;
    const char *url = row_of(checked, "url")->key;
    check_url(checked, false);
    if (source->url[0] == '\0' && !was_refused(checked, "url")) {
        ht_mistakes_add(checked->mistakes, place_of(checked, "type"),
                        "%s is mastodon, but %s names no server; say --set "
                        "%s=https://mastodon.social, or the server where you have an account",
                        row_of(checked, "type")->key, url, url);
    }
    if (source->track.count > 1) {
        ht_mistakes_add(checked->mistakes, place_of(checked, "track"),
                        "%s: found %zu hashtags; a Mastodon server streams one at a time: leave it "
                        "empty for all posts, or make `source` a list with one hashtag each",
                        row_of(checked, "track")->key, source->track.count);
    }
}

static void check_jetstream(const struct checked *checked)
{
    const struct ht_config_source *source = checked->source;
    const struct ht_config_texts *follow = &source->follow;
    check_url(checked, true);
    for (size_t i = 0; i < follow->count; i++) {
        if (strncmp(follow->items[i], "did:", 4) != 0) {
            ht_mistakes_add(checked->mistakes, place_of(checked, "follow"),
                            "%s: found \"%.80s\"; accepted: DIDs of accounts, like "
                            "did:plc:z72i7hdynmk6r22z27h6tvur (not handles)",
                            row_of(checked, "follow")->key, follow->items[i]);
        }
    }
    if (source->dictionary[0] != '\0') {
        ht_config_check_readable(source->dictionary, place_of(checked, "dictionary"),
                                 row_of(checked, "dictionary")->key, checked->mistakes);
    }
}

static void on_finding(void *user, const struct ht_twitter_v1_finding *finding)
{
    const struct checked *checked = user;
    if (!finding->is_warning) {
        ht_mistakes_add(checked->mistakes, place_of(checked, finding->key), "%s: %s",
                        row_of(checked, finding->key)->key, finding->text);
    }
}

static const char *const *texts_of(const struct ht_config_texts *texts)
{
    return (const char *const *)(void *)texts->items;
}

static void check_twitter_v1(struct checked *checked)
{
    const struct ht_config_source *source = checked->source;
    struct ht_twitter_v1_parameters parameters = {.is_sample =
                                                      source->endpoint == HT_CONFIG_ENDPOINT_SAMPLE,
                                                  .track = texts_of(&source->track),
                                                  .track_count = source->track.count,
                                                  .locations = texts_of(&source->locations),
                                                  .location_count = source->locations.count,
                                                  .follow = texts_of(&source->follow),
                                                  .follow_count = source->follow.count,
                                                  .languages = texts_of(&source->language),
                                                  .language_count = source->language.count};
    check_url(checked, false);
    (void)ht_twitter_v1_parameters_check(&parameters, on_finding, checked);
}

static void check_of_type(struct checked *checked)
{
    switch ((enum ht_config_source_type)checked->source->type) {
    case HT_CONFIG_SOURCE_REPLAY:
        check_replay(checked);
        break;
    case HT_CONFIG_SOURCE_TWITTER_V1:
        check_twitter_v1(checked);
        break;
    case HT_CONFIG_SOURCE_TWITTER_V2:
        check_url(checked, false);
        break;
    case HT_CONFIG_SOURCE_MASTODON:
        check_mastodon(checked);
        break;
    case HT_CONFIG_SOURCE_JETSTREAM:
        check_jetstream(checked);
        break;
    case HT_CONFIG_SOURCE_NONE:
    case HT_CONFIG_SOURCE_SYNTHETIC:
        break;
    }
}

static void check_name(const struct checked *checked)
{
    static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "._-";
    const char *name = checked->source->name;
    if (name[strspn(name, accepted)] != '\0') {
        ht_mistakes_add(checked->mistakes, place_of(checked, "name"),
                        "%s: found \"%s\"; accepted: letters, digits and ._-",
                        row_of(checked, "name")->key, name);
    }
}

const char *ht_config_source_name(const struct ht_config *config, size_t index)
{
    const struct checked checked = {config, ht_config_source_at(config, index), index, NULL};
    return checked.source->name[0] != '\0' ? checked.source->name : type_name(&checked);
}

/* Among several each needs a type, and a name that no other has. */
static void check_among(const struct checked *checked)
{
    if (checked->source->type == HT_CONFIG_SOURCE_NONE) {
        if (was_refused(checked, "type")) {
            return;
        }
        const char *key = row_of(checked, "type")->key;
        ht_mistakes_add(checked->mistakes, place_of(checked, "type"),
                        "%s is not set, but there are %zu sources; number them without a gap and "
                        "give each a type",
                        key, checked->config->source_count);
        return;
    }
    const char *name = ht_config_source_name(checked->config, checked->index);
    for (size_t i = 0; i < checked->index; i++) {
        if (strcmp(ht_config_source_name(checked->config, i), name) == 0) {
            const char *key = row_of(checked, "name")->key;
            ht_mistakes_add(checked->mistakes, place_of(checked, "type"),
                            "two sources are called %s; give one a name of its own, say --set "
                            "%s=%s-2",
                            name, key, name);
            return;
        }
    }
}

void ht_config_check_sources(const struct ht_config *config, struct ht_mistakes *mistakes)
{
    for (size_t i = 0; i < config->source_count; i++) {
        struct checked checked = {config, ht_config_source_at(config, i), i, mistakes};
        check_of_type(&checked);
        check_name(&checked);
        if (config->source_count > 1) {
            check_among(&checked);
        }
    }
}
