// SPDX-License-Identifier: MIT
#include "config_load.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/slice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Secrets come out of the environment (NAME, or the file that NAME_FILE names) or out of a file
 * that the configuration names; they are one word each. What a source cannot do without is asked
 * for here, so that nothing starts with half of its keys.
 */

enum { MAX_SECRET_BYTES = 4096, MAX_WHAT_BYTES = 96 };

static size_t without_line_end(const char *text, size_t length)
{
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) {
        length--;
    }
    return length;
}

/* What may stand in an Authorization header without quoting. */
static bool is_word(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return length > 0;
}

static void keep(struct ht_slice text, const char *place, char **secret,
                 struct ht_mistakes *mistakes)
{
    ht_config_wipe(*secret);
    *secret = ht_slice_to_text(text);
    if (*secret == NULL) {
        ht_mistakes_add(mistakes, place, "Out of memory.");
    }
}

void ht_config_read_secret(const char *path, const char *place, const char *key, char **secret,
                           struct ht_mistakes *mistakes)
{
    char text[MAX_SECRET_BYTES + 1];
    char what[MAX_WHAT_BYTES] = ""; /* not the name twice where the place is the key */
    if (strcmp(place, key) != 0) {
        (void)snprintf(what, sizeof(what), "%s: ", key);
    }
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        (void)setvbuf(file, NULL, _IONBF, 0); /* no copy of the secret stays behind */
    }
    size_t length = file == NULL ? 0 : fread(text, 1, sizeof(text), file);
    if (file == NULL || ferror(file)) {
        ht_mistakes_add(mistakes, place, "%s%s cannot be read: %s", what, path, strerror(errno));
    } else if (length > MAX_SECRET_BYTES) {
        ht_mistakes_add(mistakes, place, "%s%s is larger than %d bytes", what, path,
                        MAX_SECRET_BYTES);
    } else if (length = without_line_end(text, length), length == 0) {
        ht_mistakes_add(mistakes, place, "%s%s is empty; put a secret into it%s", what, path,
                        strcmp(key, "admin.token_file") == 0 ? ", say with openssl rand -hex 32"
                                                             : "");
    } else if (!is_word(text, length)) {
        ht_mistakes_add(mistakes, place,
                        "%s%s holds more than one word of visible ASCII characters, which no "
                        "token may",
                        what, path);
    } else {
        keep(ht_slice_make(text, length), place, secret, mistakes);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    explicit_bzero(text, sizeof(text));
}

/* The secret NAME, or what is in the file NAME_FILE; NULL stays NULL where neither is set. */
static void read_variable(const char *const *environment, const char *name, char **secret,
                          struct ht_mistakes *mistakes)
{
    char file_name[64];
    (void)snprintf(file_name, sizeof(file_name), "%s_FILE", name);
    const char *value = ht_config_environment(environment, name);
    const char *path = ht_config_environment(environment, file_name);
    if (value != NULL && path != NULL) {
        ht_mistakes_add(mistakes, file_name, "%s is set as well; set one of the two", name);
    } else if (path != NULL) {
        ht_config_read_secret(path, file_name, file_name, secret, mistakes);
    } else if (value != NULL) {
        size_t length = without_line_end(value, strlen(value));
        if (is_word(value, length)) {
            keep(ht_slice_make(value, length), name, secret, mistakes);
        } else {
            ht_mistakes_add(mistakes, name,
                            "found an empty text or more than one word (not shown); accepted: one "
                            "word of visible ASCII characters");
        }
    }
}

/* Whose secrets are asked for. */
struct asking {
    const char *place;    /* of its type */
    const char *file_key; /* "source.2.token_file" */
};

struct wanted {
    const char *name;
    size_t offset; /* in struct ht_config_secrets */
};

#define WANTED(name, member)                                                                       \
    {                                                                                              \
        name, offsetof(struct ht_config_secrets, member)                                           \
    }

static const struct wanted oauth1[] = {
    WANTED("TWITTER_CONSUMER_KEY", consumer_key),
    WANTED("TWITTER_CONSUMER_SECRET", consumer_secret),
    WANTED("TWITTER_ACCESS_TOKEN", access_token),
    WANTED("TWITTER_ACCESS_TOKEN_SECRET", access_token_secret),
};

static char **secret_of(struct ht_config_secrets *secrets, const struct wanted *wanted)
{
    return (char **)(void *)((char *)secrets + wanted->offset);
}

/* Reads `count` of them; those that are not set are told in one mistake where `all_needed`. */
static void read_list(struct ht_config_secrets *secrets, const char *const *environment,
                      size_t count, struct ht_mistakes *mistakes)
{
    for (size_t i = 0; i < count; i++) {
        read_variable(environment, oauth1[i].name, secret_of(secrets, &oauth1[i]), mistakes);
    }
}

static void load_v1(struct ht_config_secrets *secrets, const char *const *environment,
                    const char *place, struct ht_mistakes *mistakes)
{
    size_t before = mistakes->count;
    read_list(secrets, environment, HT_COUNT_OF(oauth1), mistakes);
    char missing[256] = "";
    for (size_t i = 0; i < HT_COUNT_OF(oauth1); i++) {
        if (*secret_of(secrets, &oauth1[i]) == NULL) {
            size_t length = strlen(missing);
            (void)snprintf(missing + length, sizeof(missing) - length, "%s%s",
                           length == 0 ? "" : ", ", oauth1[i].name);
        }
    }
    if (missing[0] != '\0' && mistakes->count == before) {
        ht_mistakes_add(mistakes, place,
                        "twitter-v1 signs with four secrets, and these are not set: %s; set each, "
                        "or NAME_FILE to a file that holds it (docs/sources.md)",
                        missing);
    }
}

static void load_v2(struct ht_config_secrets *secrets, const char *const *environment,
                    const struct asking *asking, struct ht_mistakes *mistakes)
{
    size_t before = mistakes->count;
    read_variable(environment, "TWITTER_BEARER_TOKEN", &secrets->bearer_token, mistakes);
    if (secrets->bearer_token == NULL) {
        read_list(secrets, environment, 2, mistakes);
    }
    bool has_key = secrets->consumer_key != NULL;
    bool has_secret = secrets->consumer_secret != NULL;
    if (secrets->bearer_token != NULL || (has_key && has_secret) || mistakes->count != before) {
        return;
    }
    if (has_key || has_secret) {
        ht_mistakes_add(mistakes, asking->place,
                        "twitter-v2 needs key and secret together: set %s too, or in place of "
                        "both TWITTER_BEARER_TOKEN (docs/sources.md)",
                        has_key ? "TWITTER_CONSUMER_SECRET" : "TWITTER_CONSUMER_KEY");
        return;
    }
    ht_mistakes_add(mistakes, asking->place,
                    "twitter-v2 needs a bearer token: set TWITTER_BEARER_TOKEN, or "
                    "TWITTER_CONSUMER_KEY and TWITTER_CONSUMER_SECRET to get one with, each "
                    "also as NAME_FILE, or %s (docs/sources.md)",
                    asking->file_key);
}

static void load_mastodon(struct ht_config_secrets *secrets, const char *const *environment,
                          const struct asking *asking, struct ht_mistakes *mistakes)
{
    size_t before = mistakes->count;
    read_variable(environment, "MASTODON_ACCESS_TOKEN", &secrets->mastodon_token, mistakes);
    if (secrets->mastodon_token == NULL && mistakes->count == before) {
        ht_mistakes_add(mistakes, asking->place,
                        "mastodon needs a user's access token: set MASTODON_ACCESS_TOKEN or "
                        "MASTODON_ACCESS_TOKEN_FILE, or %s (docs/sources.md says where to get one)",
                        asking->file_key);
    }
}

static void load_of_source(struct ht_config *config, size_t index, const char *const *environment,
                           struct ht_mistakes *mistakes)
{
    const struct ht_config_source *source = ht_config_source_at(config, index);
    struct ht_config_secrets *secrets = &config->secrets[index];
    const struct ht_config_row *file_row = ht_config_source_row(index, "token_file");
    const struct asking asking = {ht_config_place(config, ht_config_source_row(index, "type")),
                                  file_row->key};
    bool is_v2 = source->type == HT_CONFIG_SOURCE_TWITTER_V2;
    bool is_mastodon = source->type == HT_CONFIG_SOURCE_MASTODON;
    if ((is_v2 || is_mastodon) && source->token_file[0] != '\0') {
        ht_config_read_secret(source->token_file, ht_config_place(config, file_row), file_row->key,
                              is_v2 ? &secrets->bearer_token : &secrets->mastodon_token, mistakes);
    } else if (is_v2) {
        load_v2(secrets, environment, &asking, mistakes);
    } else if (is_mastodon) {
        load_mastodon(secrets, environment, &asking, mistakes);
    } else if (source->type == HT_CONFIG_SOURCE_TWITTER_V1) {
        load_v1(secrets, environment, asking.place, mistakes);
    }
}

void ht_config_load_secrets(struct ht_config *config, const char *const *environment,
                            struct ht_mistakes *mistakes)
{
    for (size_t i = 0; i < config->source_count; i++) {
        load_of_source(config, i, environment, mistakes);
    }
}

void ht_config_wipe(char *secret)
{
    if (secret != NULL) {
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}

void ht_config_finish_secrets(struct ht_config *config)
{
    for (size_t i = 0; i < HT_COUNT_OF(config->secrets); i++) {
        struct ht_config_secrets *secrets = &config->secrets[i];
        for (size_t k = 0; k < HT_COUNT_OF(oauth1); k++) {
            ht_config_wipe(*secret_of(secrets, &oauth1[k]));
        }
        ht_config_wipe(secrets->bearer_token);
        ht_config_wipe(secrets->mastodon_token);
        *secrets = (struct ht_config_secrets){0};
    }
}
