// SPDX-License-Identifier: MIT
#pragma once

/**
 * A sink that keeps what a source delivers, and says that it is full when the test wants.
 */

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/pipeline/source.h"

#include <stddef.h>

struct fake_sink {
    struct ht_source_sink sink; /* first */
    struct ht_buffer bytes;     /* all messages, a line each */
    size_t count;               /* of messages */
    size_t deliveries;          /* with messages */
    size_t refused;
    struct ht_buffer reasons; /* of the refused ones, a line each */
    char cursor[HT_SOURCE_CURSOR_BYTES];
    size_t cursor_length;
    size_t full_at; /* answers false when that many messages are there; 0: never */
};

static bool fake_deliver(struct ht_source_sink *sink, const struct ht_source *from,
                         const struct ht_slice *messages, size_t count, struct ht_slice cursor)
{
    (void)from;
    struct fake_sink *fake = HT_CONTAINER_OF(sink, struct fake_sink, sink);
    fake->deliveries += count > 0;
    for (size_t i = 0; i < count; i++) {
        ht_buffer_append_slice(&fake->bytes, messages[i]);
        ht_buffer_append_byte(&fake->bytes, '\n');
        fake->count++;
    }
    if (cursor.length > 0) {
        HT_ASSERT(cursor.length <= sizeof(fake->cursor));
        memcpy(fake->cursor, cursor.data, cursor.length);
        fake->cursor_length = cursor.length;
    }
    return fake->full_at == 0 || fake->count < fake->full_at;
}

static void fake_refuse(struct ht_source_sink *sink, const struct ht_source *from,
                        struct ht_slice bytes, const char *reason)
{
    (void)from;
    struct fake_sink *fake = HT_CONTAINER_OF(sink, struct fake_sink, sink);
    ht_buffer_append_format(&fake->reasons, "%zu %s\n", bytes.length, reason);
    fake->refused++;
}

static inline void fake_sink_init(struct fake_sink *fake)
{
    static const struct ht_source_sink_ops ops = {fake_deliver, fake_refuse};
    *fake = (struct fake_sink){.sink = {&ops}};
    ht_buffer_init(&fake->bytes, 256u << 20);
    ht_buffer_init(&fake->reasons, 1u << 20);
}

static inline void fake_sink_finish(struct fake_sink *fake)
{
    ht_buffer_finish(&fake->bytes);
    ht_buffer_finish(&fake->reasons);
}

static inline struct ht_slice fake_sink_cursor(const struct fake_sink *fake)
{
    return ht_slice_make(fake->cursor, fake->cursor_length);
}
