// SPDX-License-Identifier: MIT

/* The source mastodon and what its server may answer: what it is, the stream, and the pages that fill a
 * gap. */

#include "stream_world.h"

#include "hashtagd/sources/mastodon_source.h"

static struct ht_source *create(struct stream_world *world)
{
    struct ht_mastodon_source_options options = {
        .clock = &world->clock.clock,
        .timers = &world->timers,
        .random = &world->random,
        .client = world->client,
        .url = "https://mastodon.example",
        .access_token = "token-of-a-user",
        .timeline = (enum ht_mastodon_timeline)(world->choice % 3),
        .hashtag = (world->choice & 4) != 0 ? "caf\u00e9" : NULL,
    };
    struct ht_source *source = ht_mastodon_source_create(&options);

    FUZZ_CHECK(source != NULL, "memory");
    return source;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    stream_world_check(data, size, create);
    return 0;
}
