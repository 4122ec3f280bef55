// SPDX-License-Identifier: MIT
#include "segment_log_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/hash.h"
#include "hashtagd/pipeline/stream.h"

#include <endian.h>
#include <stdlib.h>

/* The fields of both headers, by their place in the file. All numbers are little endian. */
enum {
    SEGMENT_MAGIC = 0,
    SEGMENT_VERSION = 8,
    SEGMENT_CURSOR_BYTES = 12,
    SEGMENT_SALT = 16,
    SEGMENT_FIRST_SEQUENCE = 24,
    SEGMENT_CREATED_SEQUENCE = 32,
    SEGMENT_CONSUMED = 40,
    SEGMENT_CREATED_MS = 48,
    SEGMENT_CURSOR = 64,
    SEGMENT_CHECKSUM = 508,

    BLOCK_MAGIC = 0,
    BLOCK_CHECKSUM = 4, /* of what follows in the header */
    BLOCK_BODY_CHECKSUM = 8,
    BLOCK_FLAGS = 12,
    BLOCK_STORED_BYTES = 16,
    BLOCK_RAW_BYTES = 20,
    BLOCK_RECORD_COUNT = 24,
    BLOCK_CURSOR_BYTES = 28,
    BLOCK_FIRST_SEQUENCE = 32,
    BLOCK_ARRIVAL_MS = 40,
    BLOCK_CONSUMED = 48,

    VERSION = 1,
    FLAG_PACKED = 1,
    RECORD_HEADER_BYTES = 6,
};

static void put32(char *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
}

static void put64(char *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
}

static uint32_t get32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static uint64_t get64(const char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

struct ht_segment_block *ht_segment_block_create(size_t capacity)
{
    struct ht_segment_block *block = malloc(sizeof(*block) + capacity);
    if (block != NULL) {
        *block = (struct ht_segment_block){.references = 1, .capacity = capacity};
    }
    return block;
}

void ht_segment_block_reset(struct ht_segment_block *block)
{
    HT_ASSERT(block->references == 1);
    free(block->notes);
    *block = (struct ht_segment_block){.references = 1, .capacity = block->capacity};
}

void ht_segment_block_release(struct ht_segment_block *block)
{
    if (block != NULL && --block->references == 0) {
        free(block->notes);
        free(block);
    }
}

size_t ht_segment_record_bytes(struct ht_slice data, struct ht_slice key)
{
    return RECORD_HEADER_BYTES + data.length + key.length;
}

void ht_segment_block_add(struct ht_segment_block *block, struct ht_slice data, struct ht_slice key)
{
    char *at = block->data + block->length;
    uint16_t key_bytes = htole16((uint16_t)key.length);
    HT_ASSERT(block->capacity - block->length >= ht_segment_record_bytes(data, key));
    put32(at, (uint32_t)data.length);
    memcpy(at + 4, &key_bytes, sizeof(key_bytes));
    memcpy(at + RECORD_HEADER_BYTES, data.data, data.length);
    memcpy(at + RECORD_HEADER_BYTES + data.length, key.data, key.length);
    block->length += ht_segment_record_bytes(data, key);
    block->record_count++;
}

void ht_segment_block_get(const struct ht_segment_block *block, size_t *offset,
                          struct ht_slice *data, struct ht_slice *key)
{
    const char *at = block->data + *offset;
    uint16_t key_bytes;
    memcpy(&key_bytes, at + 4, sizeof(key_bytes));
    *data = ht_slice_make(at + RECORD_HEADER_BYTES, get32(at));
    *key = ht_slice_make(data->data + data->length, le16toh(key_bytes));
    *offset += ht_segment_record_bytes(*data, *key);
}

void ht_segment_header_format(const struct ht_segment_header *header,
                              char out[HT_SEGMENT_HEADER_BYTES])
{
    memset(out, 0, HT_SEGMENT_HEADER_BYTES);
    put64(out + SEGMENT_MAGIC, HT_SEGMENT_MAGIC);
    put32(out + SEGMENT_VERSION, VERSION);
    put32(out + SEGMENT_CURSOR_BYTES, (uint32_t)header->cursor_bytes);
    put64(out + SEGMENT_SALT, header->salt);
    put64(out + SEGMENT_FIRST_SEQUENCE, header->first_sequence);
    put64(out + SEGMENT_CREATED_SEQUENCE, header->created_sequence);
    put64(out + SEGMENT_CONSUMED, header->consumed);
    put64(out + SEGMENT_CREATED_MS, (uint64_t)header->created_ms);
    memcpy(out + SEGMENT_CURSOR, header->cursor, header->cursor_bytes);
    put32(out + SEGMENT_CHECKSUM, ht_hash_crc32c(0, out, SEGMENT_CHECKSUM));
}

bool ht_segment_header_parse(const char in[HT_SEGMENT_HEADER_BYTES],
                             struct ht_segment_header *header)
{
    *header = (struct ht_segment_header){
        .salt = get64(in + SEGMENT_SALT),
        .first_sequence = get64(in + SEGMENT_FIRST_SEQUENCE),
        .created_sequence = get64(in + SEGMENT_CREATED_SEQUENCE),
        .consumed = get64(in + SEGMENT_CONSUMED),
        .created_ms = (int64_t)get64(in + SEGMENT_CREATED_MS),
        .cursor_bytes = get32(in + SEGMENT_CURSOR_BYTES),
    };
    if (get64(in + SEGMENT_MAGIC) != HT_SEGMENT_MAGIC || get32(in + SEGMENT_VERSION) != VERSION ||
        get32(in + SEGMENT_CHECKSUM) != ht_hash_crc32c(0, in, SEGMENT_CHECKSUM) ||
        header->cursor_bytes > sizeof(header->cursor)) {
        return false;
    }
    memcpy(header->cursor, in + SEGMENT_CURSOR, header->cursor_bytes);
    return true;
}

static uint32_t block_checksum(const char *bytes, uint64_t salt)
{
    uint64_t salt_bytes = htole64(salt);
    uint32_t checksum = ht_hash_crc32c(0, &salt_bytes, sizeof(salt_bytes));
    return ht_hash_crc32c(checksum, bytes + BLOCK_BODY_CHECKSUM,
                          HT_SEGMENT_BLOCK_HEADER_BYTES - BLOCK_BODY_CHECKSUM);
}

void ht_segment_block_header_format(const struct ht_segment_block_header *header, uint64_t salt,
                                    char out[HT_SEGMENT_BLOCK_HEADER_BYTES])
{
    memset(out, 0, HT_SEGMENT_BLOCK_HEADER_BYTES);
    put32(out + BLOCK_MAGIC, HT_SEGMENT_BLOCK_MAGIC);
    put32(out + BLOCK_BODY_CHECKSUM, header->body_checksum);
    put32(out + BLOCK_FLAGS, header->is_packed ? FLAG_PACKED : 0);
    put32(out + BLOCK_STORED_BYTES, header->stored_bytes);
    put32(out + BLOCK_RAW_BYTES, header->raw_bytes);
    put32(out + BLOCK_RECORD_COUNT, header->record_count);
    put32(out + BLOCK_CURSOR_BYTES, header->cursor_bytes);
    put64(out + BLOCK_FIRST_SEQUENCE, header->first_sequence);
    put64(out + BLOCK_ARRIVAL_MS, (uint64_t)header->arrival_ms);
    put64(out + BLOCK_CONSUMED, header->consumed);
    put32(out + BLOCK_CHECKSUM, block_checksum(out, salt));
}

bool ht_segment_block_header_parse(const char in[HT_SEGMENT_BLOCK_HEADER_BYTES], uint64_t salt,
                                   struct ht_segment_block_header *header)
{
    if (get32(in + BLOCK_MAGIC) != HT_SEGMENT_BLOCK_MAGIC ||
        get32(in + BLOCK_CHECKSUM) != block_checksum(in, salt)) {
        return false;
    }
    *header = (struct ht_segment_block_header){
        .body_checksum = get32(in + BLOCK_BODY_CHECKSUM),
        .is_packed = (get32(in + BLOCK_FLAGS) & FLAG_PACKED) != 0,
        .stored_bytes = get32(in + BLOCK_STORED_BYTES),
        .raw_bytes = get32(in + BLOCK_RAW_BYTES),
        .record_count = get32(in + BLOCK_RECORD_COUNT),
        .cursor_bytes = get32(in + BLOCK_CURSOR_BYTES),
        .first_sequence = get64(in + BLOCK_FIRST_SEQUENCE),
        .arrival_ms = (int64_t)get64(in + BLOCK_ARRIVAL_MS),
        .consumed = get64(in + BLOCK_CONSUMED),
    };
    return header->raw_bytes <= HT_SEGMENT_MOST_BLOCK_BYTES &&
           header->stored_bytes <= HT_SEGMENT_MOST_BLOCK_BYTES &&
           header->cursor_bytes <= HT_SOURCE_CURSOR_BYTES &&
           (header->is_packed || header->stored_bytes == header->raw_bytes);
}

int64_t ht_segment_block_file_bytes(const struct ht_segment_block_header *header)
{
    return (int64_t)(HT_SEGMENT_BLOCK_HEADER_BYTES + header->cursor_bytes + header->stored_bytes);
}

/* The checksum has been right; this is for a writer with a fault. */
static bool records_fit(const struct ht_segment_block *block)
{
    size_t left = block->length;
    const char *at = block->data;
    for (uint32_t i = 0; i < block->record_count; i++) {
        uint16_t key_bytes;
        if (left < RECORD_HEADER_BYTES) {
            return false;
        }
        memcpy(&key_bytes, at + 4, sizeof(key_bytes));
        size_t bytes = (size_t)RECORD_HEADER_BYTES + get32(at) + le16toh(key_bytes);
        if (left < bytes) {
            return false;
        }
        at += bytes;
        left -= bytes;
    }
    return left == 0;
}

int ht_segment_block_unpack(struct ht_segment_log *log,
                            const struct ht_segment_block_header *header, const char *stored,
                            struct ht_segment_block **out)
{
    struct ht_segment_block *block = ht_segment_block_create(header->raw_bytes);
    int status = 0;
    *out = NULL;
    if (block == NULL) {
        return HT_ENOMEM;
    }
    block->first_sequence = header->first_sequence;
    block->arrival_ms = header->arrival_ms;
    block->record_count = header->record_count;
    block->length = header->raw_bytes;
    if (header->is_packed) {
        status = ht_zstd_unpack(log->zstd, ht_slice_make(stored, header->stored_bytes), block->data,
                                header->raw_bytes);
    } else {
        memcpy(block->data, stored, header->raw_bytes);
    }
    if (status == 0 && !records_fit(block)) {
        status = HT_EPARSE;
    }
    if (status != 0) {
        ht_segment_block_release(block);
        return status;
    }
    *out = block;
    return 0;
}
