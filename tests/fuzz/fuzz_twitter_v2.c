// SPDX-License-Identifier: MIT

/* The source twitter-v2 and what its service may answer: to the question for a token, to those for the
 * rules, and on the stream. */

#include "stream_world.h"

#include "hashtagd/sources/twitter_v2_source.h"

static struct ht_source *create(struct stream_world *world)
{
    static const struct ht_twitter_v2_rule rules[] = {{"#a", "one"}, {"#b", ""}};
    struct ht_twitter_v2_source_options options = {
        .clock = &world->clock.clock,
        .timers = &world->timers,
        .random = &world->random,
        .client = world->client,
        .bearer_token = (world->choice & 1) != 0 ? NULL : "bearer-bearer",
        .consumer_key = "key",
        .consumer_secret = "secret-of-the-app",
        .is_sample = (world->choice & 2) != 0,
        .rules = rules,
        .rule_count = (world->choice & 6) == 0 ? 2 : 0,
    };
    struct ht_source *source = ht_twitter_v2_source_create(&options);

    FUZZ_CHECK(source != NULL, "memory");
    return source;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    stream_world_check(data, size, create);
    return 0;
}
