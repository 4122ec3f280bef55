// SPDX-License-Identifier: MIT
#include "serve.h"

#include "hashtagd/sources/jetstream_source.h"
#include "hashtagd/sources/many_source.h"
#include "hashtagd/sources/mastodon_source.h"
#include "hashtagd/sources/none_source.h"
#include "hashtagd/sources/replay_source.h"
#include "hashtagd/sources/synthetic_source.h"
#include "hashtagd/sources/twitter_v1_source.h"
#include "hashtagd/sources/twitter_v2_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The sources, as the configuration says: each by its type, and one source of all where they are
 * several. Live sources share one HTTP client.
 */

/* The largest dictionary of a Jetstream; the published ones have about 110 kB. */
#define DICTIONARY_MAX_BYTES (4u * 1024u * 1024u)

/* One source on its way. */
struct made {
    struct ht_daemon *daemon;
    const struct ht_config_source *keys;
    const struct ht_config_secrets *secrets;
    const char *name;
    struct ht_error *error;
};

static int read_dictionary(struct ht_buffer *dictionary, const char *path, struct ht_error *error)
{
    char piece[16384];
    size_t length;
    int status = 0;
    FILE *file = fopen(path, "re");
    while (file != NULL && status == 0 && (length = fread(piece, 1, sizeof(piece), file)) > 0) {
        status = ht_buffer_append(dictionary, piece, length);
    }
    if (file == NULL || ferror(file)) {
        status = ht_error_set(error, HT_EIO, "The dictionary %s cannot be read: %s", path,
                              strerror(errno));
    } else if (status != 0) {
        (void)ht_error_set(error, status, "The dictionary %s does not fit into %u bytes.", path,
                           DICTIONARY_MAX_BYTES);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return status;
}

/* A text of the configuration, NULL where it is empty. */
static const char *text_or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static const char *const *texts_of(const struct ht_config_texts *texts)
{
    return (const char *const *)(void *)texts->items;
}

static struct ht_source *make_synthetic(const struct made *made)
{
    struct ht_synthetic_source_options options = {.clock = made->daemon->clock,
                                                  .timers = made->daemon->timers,
                                                  .worker = made->daemon->source_worker,
                                                  .seed = made->keys->seed,
                                                  .rate = made->keys->rate,
                                                  .limit = made->keys->limit};
    return ht_synthetic_source_create(&options);
}

static struct ht_source *make_replay(const struct made *made)
{
    struct ht_replay_source_options options = {.clock = made->daemon->clock,
                                               .timers = made->daemon->timers,
                                               .worker = made->daemon->source_worker,
                                               .files = texts_of(&made->keys->files),
                                               .file_count = made->keys->files.count,
                                               .rate = made->keys->rate,
                                               .limit = made->keys->limit,
                                               .loops = made->keys->loop};
    return ht_replay_source_create(&options);
}

/* What every live source's options have. */
#define COMMON(made)                                                                               \
    .name = (made)->name, .clock = (made)->daemon->clock, .timers = (made)->daemon->timers,        \
    .random = &(made)->daemon->random, .client = (made)->daemon->source_client,                    \
    .log = &(made)->daemon->log, .url = text_or_null((made)->keys->url)

static struct ht_source *make_twitter_v1(const struct made *made)
{
    const struct ht_config_source *keys = made->keys;
    struct ht_twitter_v1_source_options options = {
        COMMON(made),
        .consumer_key = made->secrets->consumer_key,
        .consumer_secret = made->secrets->consumer_secret,
        .access_token = made->secrets->access_token,
        .access_token_secret = made->secrets->access_token_secret,
        .is_sample = keys->endpoint == HT_CONFIG_ENDPOINT_SAMPLE,
        .accepts_compressed = keys->compression,
        .is_delimited = keys->delimited,
        .track = texts_of(&keys->track),
        .track_count = keys->track.count,
        .locations = texts_of(&keys->locations),
        .location_count = keys->locations.count,
        .follow = texts_of(&keys->follow),
        .follow_count = keys->follow.count,
        .languages = texts_of(&keys->language),
        .language_count = keys->language.count};
    return ht_twitter_v1_source_create(&options);
}

static struct ht_source *make_twitter_v2(const struct made *made)
{
    const struct ht_config_source *keys = made->keys;
    struct ht_twitter_v2_rule *rules = calloc(keys->rules.count + 1, sizeof(*rules));
    if (rules == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < keys->rules.count; i++) {
        rules[i] =
            (struct ht_twitter_v2_rule){keys->rules.items[i].value, keys->rules.items[i].tag};
    }
    struct ht_twitter_v2_source_options options = {
        COMMON(made),
        .bearer_token = made->secrets->bearer_token,
        .consumer_key = made->secrets->consumer_key,
        .consumer_secret = made->secrets->consumer_secret,
        .is_sample = keys->endpoint == HT_CONFIG_ENDPOINT_SAMPLE,
        .accepts_compressed = keys->compression,
        .backfill_minutes = (unsigned)keys->backfill_minutes,
        .rules = rules,
        .rule_count = keys->rules.count};
    struct ht_source *source = ht_twitter_v2_source_create(&options);
    free(rules);
    return source;
}

static struct ht_source *make_jetstream(const struct made *made)
{
    const struct ht_config_source *keys = made->keys;
    struct ht_buffer dictionary;
    struct ht_source *source = NULL;
    ht_buffer_init(&dictionary, DICTIONARY_MAX_BYTES);
    if (keys->dictionary[0] != '\0' &&
        read_dictionary(&dictionary, keys->dictionary, made->error) != 0) {
        goto out;
    }
    struct ht_jetstream_source_options options = {
        COMMON(made), .follow = texts_of(&keys->follow), .follow_count = keys->follow.count,
        .accepts_compressed = keys->compression && keys->dictionary[0] != '\0',
        .dictionary = ht_buffer_slice(&dictionary)};
    source = ht_jetstream_source_create(&options);
out:
    ht_buffer_finish(&dictionary);
    return source;
}

static struct ht_source *make_mastodon(const struct made *made)
{
    const struct ht_config_source *keys = made->keys;
    struct ht_mastodon_source_options options = {
        COMMON(made), .access_token = made->secrets->mastodon_token,
        .timeline = (enum ht_mastodon_timeline)keys->timeline,
        .hashtag = keys->track.count > 0 ? keys->track.items[0] : NULL,
        .accepts_compressed = keys->compression};
    return ht_mastodon_source_create(&options);
}

static struct ht_source *make_source(const struct made *made)
{
    switch ((enum ht_config_source_type)made->keys->type) {
    case HT_CONFIG_SOURCE_NONE:
        return ht_none_source_create(made->daemon->clock, made->daemon->timers);
    case HT_CONFIG_SOURCE_SYNTHETIC:
        return make_synthetic(made);
    case HT_CONFIG_SOURCE_REPLAY:
        return make_replay(made);
    case HT_CONFIG_SOURCE_TWITTER_V1:
        return make_twitter_v1(made);
    case HT_CONFIG_SOURCE_TWITTER_V2:
        return make_twitter_v2(made);
    case HT_CONFIG_SOURCE_JETSTREAM:
        return make_jetstream(made);
    case HT_CONFIG_SOURCE_MASTODON:
        return make_mastodon(made);
    }
    return NULL;
}

static bool is_live(const struct ht_config_source *keys)
{
    return keys->type != HT_CONFIG_SOURCE_NONE && keys->type != HT_CONFIG_SOURCE_SYNTHETIC &&
           keys->type != HT_CONFIG_SOURCE_REPLAY;
}

static int build_client(struct ht_daemon *daemon, struct ht_error *error)
{
    for (size_t i = 0; i < daemon->config->source_count; i++) {
        if (is_live(ht_config_source_at(daemon->config, i))) {
            int status = ht_http_client_create(&daemon->source_client, daemon->loop, error);
            if (status == 0) {
                ht_http_client_trust(daemon->source_client, daemon->config->ca_file);
            }
            return status;
        }
    }
    return 0;
}

int ht_daemon_build_sources(struct ht_daemon *daemon, struct ht_error *error)
{
    struct ht_source *sources[HT_SOURCE_COUNT_MAX] = {NULL};
    const struct ht_config *config = daemon->config;
    size_t count = 0;
    int status = build_client(daemon, error);
    while (status == 0 && count < config->source_count) {
        struct made made = {daemon, ht_config_source_at(config, count), &config->secrets[count],
                            ht_config_source_name(config, count), error};
        sources[count] = make_source(&made);
        if (sources[count] == NULL) {
            status = error->code != 0
                         ? error->code
                         : ht_error_set(error, HT_ENOMEM, "Out of memory while making the source.");
            break;
        }
        (void)snprintf(sources[count]->name, sizeof(sources[count]->name), "%s", made.name);
        count++;
    }
    if (status == 0) {
        daemon->source = count == 1 ? sources[0]
                                    : ht_many_source_create(sources, count, daemon->clock,
                                                            daemon->timers, &daemon->log);
        status = daemon->source != NULL
                     ? 0
                     : ht_error_set(error, HT_ENOMEM, "Out of memory while making the sources.");
    }
    for (size_t i = 0; status != 0 && i < count; i++) {
        sources[i]->ops->destroy(sources[i]);
    }
    return status;
}
