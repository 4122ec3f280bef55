// SPDX-License-Identifier: MIT
#include "kinesis_reader.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void on_read(struct ht_stream_read *read)
{
    struct reader *reader = read->user;
    reader->done++;
    reader->status = read->status;
    reader->error = read->error;
    if (read->status != 0) {
        assert_null(read->batch);
    } else {
        reader->next = read->batch->next;
        reader->behind_ms = read->batch->behind_ms;
        for (size_t i = 0; i < read->batch->count; i++) {
            const struct ht_record *record = &read->batch->records[i];
            assert_true(reader->count < HT_COUNT_OF(reader->texts));
            snprintf(reader->texts[reader->count], sizeof(reader->texts[0]), "%.*s",
                     (int)record->data.length, record->data.data);
            reader->subs[reader->count++] = record->sub_sequence;
        }
        assert_true(read->batch->bytes > 0);
        reader->most_bytes =
            read->batch->bytes > reader->most_bytes ? read->batch->bytes : reader->most_bytes;
        ht_record_batch_release(read->batch);
    }
    if (reader->goes_on && reader->next.kind != HT_POSITION_END) {
        reader_start(reader);
    }
}

void reader_start(struct reader *reader)
{
    struct ht_stream_read read = {.from = reader->next,
                                  .max_bytes =
                                      reader->max_bytes == 0 ? 4u << 20 : reader->max_bytes,
                                  .wait_ms = reader->read.wait_ms,
                                  .done = on_read,
                                  .user = reader};
    memcpy(read.shard_id, reader->read.shard_id, sizeof(read.shard_id));
    reader->read = read;
    reader->world->stream->ops->read(reader->world->stream, &reader->read);
}

void reader_init(struct reader *reader, struct ht_aws_client *world, size_t shard,
                 enum ht_position_kind kind)
{
    memset(reader, 0, sizeof(*reader));
    reader->world = world;
    snprintf(reader->read.shard_id, sizeof(reader->read.shard_id), "%s", world->shards[shard].id);
    reader->read.wait_ms = 1000;
    reader->next.kind = kind;
}

void reader_read_once(struct reader *reader)
{
    unsigned done = reader->done;
    reader_start(reader);
    assert_int_equal(reader->done, done);
    for (int i = 0; i < 120000 && reader->done == done; i++) {
        world_run(reader->world, 1);
    }
    assert_int_equal(reader->done, done + 1);
}

struct ht_slice reader_aggregate(char *out, const char *const *texts, size_t count)
{
    char message[1024] = "\x0a\x01k";
    size_t length = 3;
    for (size_t i = 0; i < count; i++) {
        size_t text = strlen(texts[i]);
        length += (size_t)snprintf(message + length, sizeof(message) - length, "\x1a%c\x08",
                                   (int)(4 + text));
        message[length++] = '\0';
        length += (size_t)snprintf(message + length, sizeof(message) - length, "\x1a%c%s",
                                   (int)text, texts[i]);
    }
    memcpy(out, "\xf3\x89\x9a\xc2", 4);
    memcpy(out + 4, message, length);
    ht_digest_md5(ht_slice_make(message, length), (uint8_t *)out + 4 + length);
    return ht_slice_make(out, length + 20);
}
