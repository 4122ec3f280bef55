// SPDX-License-Identifier: MIT
/*
 * defaults -> file -> environment -> flags -> what depends on surroundings -> checks
 *
 * Each layer goes on after a mistake, so that one run tells all of them.
 */
#include "config_load.h"

#include "config_value.h"
#include "nearest.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PREFIX "HASHTAGD_"

static int load_defaults(struct ht_config *config);
static int load_files(struct ht_config *config, const struct ht_config_options *options,
                      struct ht_mistakes *mistakes);
static int load_environment(struct ht_config *config, const struct ht_config_options *options,
                            struct ht_mistakes *mistakes);
static int load_sets(struct ht_config *config, const struct ht_config_options *options,
                     struct ht_mistakes *mistakes);
static int load_surroundings(struct ht_config *config, const struct ht_config_options *options,
                             struct ht_mistakes *mistakes);

int ht_config_load(struct ht_config *config, const struct ht_config_options *options,
                   struct ht_mistakes *mistakes)
{
    *config = (struct ht_config){0};
    if (load_defaults(config) != 0 || load_files(config, options, mistakes) != 0 ||
        load_environment(config, options, mistakes) != 0 ||
        load_sets(config, options, mistakes) != 0 ||
        load_surroundings(config, options, mistakes) != 0) {
        ht_mistakes_add(mistakes, "configuration", "Out of memory.");
        return HT_ENOMEM;
    }
    ht_config_check(config, options->purpose, mistakes);
    if (options->purpose == HT_CONFIG_FOR_SERVE) {
        ht_config_load_secrets(config, options->environment, mistakes);
    }
    return mistakes->count == 0 ? 0 : HT_EINVAL;
}

static int load_defaults(struct ht_config *config)
{
    size_t count;
    const struct ht_config_row *rows = ht_config_all_rows(&count);
    config->source_count = 1;
    for (size_t i = 0; i < count; i++) {
        /* An empty data directory is refused, but it is what stands there before it is found. */
        struct ht_config_row row = rows[i];
        row.minimum = row.fallback[0] == '\0' ? 0 : row.minimum;
        struct ht_error error;
        int result = ht_config_set_text(config, &row, ht_slice_text(row.fallback), &error);
        HT_ASSERT(result == 0 || result == HT_ENOMEM);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static int load_files(struct ht_config *config, const struct ht_config_options *options,
                      struct ht_mistakes *mistakes)
{
    const char *file = options->file;
    if (file == NULL) {
        file = ht_config_environment(options->environment, "HASHTAGD_CONFIG");
    }
    if (file != NULL) {
        return ht_config_load_file(config, file, mistakes);
    }
    bool exists = options->system_file != NULL && access(options->system_file, F_OK) == 0;
    return exists ? ht_config_load_file(config, options->system_file, mistakes) : 0;
}

/* Sets one value from text; a mistake is noted under `place`. */
static int set_value(struct ht_config *config, const struct ht_config_row *row,
                     struct ht_slice text, const char *place, struct ht_mistakes *mistakes)
{
    struct ht_error error;
    int result = ht_config_set_text(config, row, text, &error);
    if (result == HT_ENOMEM) {
        return result;
    }
    if (result != 0) {
        ht_mistakes_add(mistakes, place, "%s", error.text);
        return 0;
    }
    return ht_config_set_origin(config, row, place);
}

/* Names that others set: Kubernetes makes variables of a service's name for every pod beside it. */
static bool is_reserved(struct ht_slice name)
{
    return ht_slice_equal(name, HT_SLICE(PREFIX "CONFIG")) ||
           ht_slice_equal(name, HT_SLICE(PREFIX "PORT")) ||
           ht_slice_starts_with(name, HT_SLICE(PREFIX "PORT_")) ||
           ht_slice_starts_with(name, HT_SLICE(PREFIX "SERVICE_"));
}

static const struct ht_config_row *row_of_variable(struct ht_slice name)
{
    size_t count;
    const struct ht_config_row *rows = ht_config_all_rows(&count);
    for (size_t i = 0; i < count; i++) {
        char variable[64];
        if (ht_slice_equal(ht_slice_text(ht_config_variable(&rows[i], variable)), name)) {
            return &rows[i];
        }
    }
    return NULL;
}

static void refuse_variable(struct ht_slice name, struct ht_mistakes *mistakes)
{
    size_t count;
    const struct ht_config_row *rows = ht_config_rows(&count);
    struct ht_nearest nearest = {0};
    char near[64] = "";
    const char *near_key = "";
    for (size_t i = 0; i < count; i++) {
        char variable[64];
        const char *before = nearest.word;
        size_t distance = nearest.distance;
        ht_nearest_offer(&nearest, name, ht_config_variable(&rows[i], variable));
        if (nearest.word != before || nearest.distance != distance) {
            (void)snprintf(near, sizeof(near), "%s", variable);
            near_key = rows[i].key;
        }
    }
    char place[128];
    (void)snprintf(place, sizeof(place), "%.*s", (int)(name.length < 120 ? name.length : 120),
                   name.data);
    if (near[0] != '\0') {
        ht_mistakes_add(mistakes, place, "no such variable; did you mean %s (%s)?", near, near_key);
    } else {
        ht_mistakes_add(mistakes, place,
                        "no such variable; hashtagd config --defaults lists all keys");
    }
}

static int load_environment(struct ht_config *config, const struct ht_config_options *options,
                            struct ht_mistakes *mistakes)
{
    for (const char *const *at = options->environment; at != NULL && *at != NULL; at++) {
        const char *equals = strchr(*at, '=');
        if (strncmp(*at, PREFIX, strlen(PREFIX)) != 0 || equals == NULL) {
            continue;
        }
        struct ht_slice name = ht_slice_make(*at, (size_t)(equals - *at));
        if (is_reserved(name)) {
            continue;
        }
        const struct ht_config_row *row = row_of_variable(name);
        if (row == NULL) {
            refuse_variable(name, mistakes);
            continue;
        }
        char place[64];
        ht_config_variable(row, place);
        if (set_value(config, row, ht_slice_text(equals + 1), place, mistakes) != 0) {
            return HT_ENOMEM;
        }
    }
    return 0;
}

static void refuse_set(struct ht_slice key, bool has_value, struct ht_mistakes *mistakes)
{
    size_t count;
    const struct ht_config_row *rows = ht_config_rows(&count);
    struct ht_nearest nearest = {0};
    for (size_t i = 0; i < count; i++) {
        ht_nearest_offer(&nearest, key, rows[i].key);
    }
    int length = (int)(key.length < 120 ? key.length : 120);
    if (!has_value && ht_config_find_row(key) != NULL) {
        ht_mistakes_add(mistakes, "--set", "%.*s has no value; write --set %.*s=VALUE", length,
                        key.data, length, key.data);
    } else if (nearest.word != NULL && has_value) {
        ht_mistakes_add(mistakes, "--set", "unknown key %.*s; did you mean %s?", length, key.data,
                        nearest.word);
    } else {
        ht_mistakes_add(mistakes, "--set",
                        "unknown key %.*s; accepted: section.key=value, and hashtagd config "
                        "--defaults lists all keys",
                        length, key.data);
    }
}

static int load_sets(struct ht_config *config, const struct ht_config_options *options,
                     struct ht_mistakes *mistakes)
{
    for (size_t i = 0; i < options->set_count; i++) {
        const char *set = options->sets[i];
        const char *equals = strchr(set, '=');
        struct ht_slice key =
            ht_slice_make(set, equals == NULL ? strlen(set) : (size_t)(equals - set));
        const struct ht_config_row *row = ht_config_find_row(key);
        if (row == NULL || equals == NULL) {
            refuse_set(key, equals != NULL, mistakes);
        } else if (set_value(config, row, ht_slice_text(equals + 1), "--set", mistakes) != 0) {
            return HT_ENOMEM;
        }
    }
    return 0;
}

/* systemd gives several directories with ':' between them; the first is ours. */
static int find_data_dir(const struct ht_config_options *options, char *path, size_t size,
                         const char **origin)
{
    const char *state = ht_config_environment(options->environment, "STATE_DIRECTORY");
    const char *xdg = ht_config_environment(options->environment, "XDG_STATE_HOME");
    const char *home = ht_config_environment(options->environment, "HOME");
    int length = -1;
    if (state != NULL && state[0] != '\0') {
        *origin = "default, from STATE_DIRECTORY";
        length = snprintf(path, size, "%.*s", (int)strcspn(state, ":"), state);
    } else if (xdg != NULL && xdg[0] == '/') { /* a relative one is to be ignored (XDG) */
        *origin = "default, from XDG_STATE_HOME";
        length = snprintf(path, size, "%s/hashtagd", xdg);
    } else if (home != NULL && home[0] != '\0') {
        *origin = "default, from HOME";
        length = snprintf(path, size, "%s/.local/state/hashtagd", home);
    }
    return length <= 0 || (size_t)length >= size ? HT_ENOTFOUND : 0;
}

/* One table of leases a table and stream: a position means nothing for another pair. */
static int name_leases(struct ht_config *config, struct ht_mistakes *mistakes)
{
    if (config->table.leases[0] != '\0') {
        return 0;
    }
    char name[512];
    (void)snprintf(name, sizeof(name), "%s-%s-leases", config->table.name, config->stream.name);
    return set_value(config, ht_config_find_row(HT_SLICE("table.leases")), ht_slice_text(name),
                     "default, from table.name and stream.name", mistakes);
}

/* As OpenSSL's own programs take it; an empty one is none. */
static int find_issuers(struct ht_config *config, const struct ht_config_options *options)
{
    const char *file = ht_config_environment(options->environment, "SSL_CERT_FILE");
    if (file == NULL || file[0] == '\0') {
        return 0;
    }
    config->ca_file = strdup(file);
    return config->ca_file == NULL ? HT_ENOMEM : 0;
}

static int load_surroundings(struct ht_config *config, const struct ht_config_options *options,
                             struct ht_mistakes *mistakes)
{
    if (find_issuers(config, options) != 0 || name_leases(config, mistakes) != 0) {
        return HT_ENOMEM;
    }
    const struct ht_config_row *format = ht_config_find_row(HT_SLICE("log.format"));
    if (config->origins[ht_config_row_index(format)] == NULL && options->is_terminal) {
        config->log.format = HT_LOG_FORMAT_TEXT;
    }
    if (config->data.dir[0] != '\0') {
        return 0;
    }
    const struct ht_config_row *dir = ht_config_find_row(HT_SLICE("data.dir"));
    char path[3500];
    const char *origin;
    if (find_data_dir(options, path, sizeof(path), &origin) == 0) {
        return set_value(config, dir, ht_slice_text(path), origin, mistakes);
    }
    if (options->purpose == HT_CONFIG_FOR_SERVE) {
        ht_mistakes_add(mistakes, "data.dir",
                        "there is no place for the data: none of STATE_DIRECTORY, XDG_STATE_HOME "
                        "and HOME is set; set data.dir, say --set data.dir=/var/lib/hashtagd");
    }
    return 0;
}

/* Helpers */

int ht_config_set_origin(struct ht_config *config, const struct ht_config_row *row,
                         const char *place)
{
    char *copy = strdup(place);
    if (copy == NULL) {
        return HT_ENOMEM;
    }
    size_t index = ht_config_row_index(row);
    free(config->origins[index]);
    config->origins[index] = copy;
    size_t source = ht_config_row_source(row);
    config->source_count = source < config->source_count ? config->source_count : source + 1;
    return 0;
}

const char *ht_config_environment(const char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (const char *const *at = environment; at != NULL && *at != NULL; at++) {
        if (strncmp(*at, name, length) == 0 && (*at)[length] == '=') {
            return *at + length + 1;
        }
    }
    return NULL;
}

const struct ht_config_source *ht_config_source_at(const struct ht_config *config, size_t index)
{
    return index == 0 ? &config->source : &config->more_sources[index - 1];
}

bool ht_config_needs_aws(const struct ht_config *config)
{
    return config->stream.type == HT_CONFIG_STREAM_KINESIS ||
           config->table.type == HT_CONFIG_TABLE_DYNAMODB ||
           config->archive.type == HT_CONFIG_ARCHIVE_FIREHOSE ||
           config->archive.type == HT_CONFIG_ARCHIVE_S3;
}

void ht_config_finish(struct ht_config *config)
{
    if (config == NULL) {
        return;
    }
    size_t count;
    const struct ht_config_row *rows = ht_config_all_rows(&count);
    for (size_t i = 0; i < count; i++) {
        ht_config_clear_field(config, &rows[i]);
        free(config->origins[i]);
    }
    free(config->ca_file);
    ht_config_wipe(config->token);
    ht_config_finish_secrets(config);
    *config = (struct ht_config){0};
}
