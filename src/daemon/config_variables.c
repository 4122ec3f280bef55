// SPDX-License-Identifier: MIT
#include "config_variables.h"

#include "config_load.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/writer.h"

struct variable {
    const char *name;
    bool is_secret;
};

static const struct variable variables[] = {
    {"AWS_ACCESS_KEY_ID", false},
    {"AWS_CA_BUNDLE", false},
    {"AWS_ENDPOINT_URL", false},
    {"AWS_PROFILE", false},
    {"AWS_REGION", false},
    {"AWS_SECRET_ACCESS_KEY", true},
    {"AWS_SESSION_TOKEN", true},
    {"HTTPS_PROXY", true},
    {"MASTODON_ACCESS_TOKEN", true},
    {"MASTODON_ACCESS_TOKEN_FILE", false},
    {"NO_PROXY", false},
    {"SSL_CERT_FILE", false},
    {"TWITTER_ACCESS_TOKEN", true},
    {"TWITTER_ACCESS_TOKEN_FILE", false},
    {"TWITTER_ACCESS_TOKEN_SECRET", true},
    {"TWITTER_ACCESS_TOKEN_SECRET_FILE", false},
    {"TWITTER_BEARER_TOKEN", true},
    {"TWITTER_BEARER_TOKEN_FILE", false},
    {"TWITTER_CONSUMER_KEY", true},
    {"TWITTER_CONSUMER_KEY_FILE", false},
    {"TWITTER_CONSUMER_SECRET", true},
    {"TWITTER_CONSUMER_SECRET_FILE", false},
};

void ht_config_show_variables(const char *const *environment, struct ht_buffer *out)
{
    for (size_t i = 0; i < HT_COUNT_OF(variables); i++) {
        const char *value = ht_config_environment(environment, variables[i].name);
        if (value == NULL) {
            continue;
        }
        struct ht_buffer shown;
        ht_buffer_init(&shown, 65536);
        ht_json_append_string(&shown, ht_slice_text(variables[i].is_secret ? "***" : value));
        (void)ht_buffer_append_format(out, "%-24s = %-24s # environment\n", variables[i].name,
                                      ht_buffer_slice(&shown).data);
        ht_buffer_finish(&shown);
    }
}
