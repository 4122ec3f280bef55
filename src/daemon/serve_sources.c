// SPDX-License-Identifier: MIT
#include "serve.h"

#include "hashtagd/sources/many_source.h"
#include "hashtagd/sources/none_source.h"
#include "hashtagd/sources/replay_source.h"
#include "hashtagd/sources/synthetic_source.h"

#include <stdio.h>

/*
 * The sources, as the configuration says: each by its type, and one source of all where they are
 * several. Live sources share one HTTP client.
 */

/* One source on its way. */
struct made {
    struct ht_daemon *daemon;
    const struct ht_config_source *keys;
    const struct ht_config_secrets *secrets;
    const char *name;
    struct ht_error *error;
};

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
    case HT_CONFIG_SOURCE_TWITTER_V2:
    case HT_CONFIG_SOURCE_JETSTREAM:
    case HT_CONFIG_SOURCE_MASTODON:
        break;
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
            return ht_http_client_create(&daemon->source_client, daemon->loop, error);
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
        daemon->source = count == 1
                             ? sources[0]
                             : ht_many_source_create(sources, count, daemon->clock, daemon->timers);
        status = daemon->source != NULL
                     ? 0
                     : ht_error_set(error, HT_ENOMEM, "Out of memory while making the sources.");
    }
    for (size_t i = 0; status != 0 && i < count; i++) {
        sources[i]->ops->destroy(sources[i]);
    }
    return status;
}
