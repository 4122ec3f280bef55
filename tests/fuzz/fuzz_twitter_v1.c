// SPDX-License-Identifier: MIT

/* The source twitter-v1 and what its service may send, lengths before the messages too. */

#include "stream_world.h"

#include "hashtagd/sources/twitter_v1_source.h"

static struct ht_source *create(struct stream_world *world)
{
    static const char *const track[] = {"#a"};
    struct ht_twitter_v1_source_options options = {
        .clock = &world->clock.clock,
        .timers = &world->timers,
        .random = &world->random,
        .client = world->client,
        .consumer_key = "key",
        .consumer_secret = "secret-of-the-app",
        .access_token = "token",
        .access_token_secret = "secret-of-the-user",
        .is_sample = (world->choice & 1) != 0,
        .is_delimited = (world->choice & 2) != 0,
        .track = track,
        .track_count = (world->choice & 1) != 0 ? 0 : 1,
    };
    struct ht_source *source = ht_twitter_v1_source_create(&options);

    FUZZ_CHECK(source != NULL, "memory");
    return source;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    stream_world_check(data, size, create);
    return 0;
}
