// SPDX-License-Identifier: MIT
#include "hashtagd/aws/kpl.h"

#include "hashtagd/base/digest.h"

#include <stdlib.h>

enum {
    MAGIC_BYTES = 4,
    MD5_BYTES = HT_DIGEST_MD5_BYTES,
    MESSAGE_MAX = 64 * 1024 * 1024, /* offsets fit 32 bits with room */
};

/* Protobuf's wire types. */
enum {
    WIRE_VARINT = 0,
    WIRE_64BIT = 1,
    WIRE_BYTES = 2,
    WIRE_32BIT = 5,
};

/* Fields of AggregatedRecord, then of Record and of Tag. */
enum {
    FIELD_PARTITION_KEY = 1,
    FIELD_HASH_KEY = 2,
    FIELD_RECORD = 3,
    RECORD_PARTITION_KEY_INDEX = 1,
    RECORD_HASH_KEY_INDEX = 2,
    RECORD_DATA = 3,
    RECORD_TAG = 4,
    TAG_KEY = 1,
    TAG_VALUE = 2,
};

/* One field of a message. */
struct field {
    uint64_t number;
    unsigned wire;
    uint64_t value;        /* WIRE_VARINT */
    struct ht_slice bytes; /* WIRE_BYTES */
};

/* One Record. */
struct inner {
    uint64_t partition_key_index, hash_key_index;
    bool has_partition_key, has_hash_key, has_data;
    struct ht_slice data;
};

static const unsigned char magic[MAGIC_BYTES] = {0xf3, 0x89, 0x9a, 0xc2};

static bool count_all(struct ht_kpl *kpl);
static bool read_inner(struct ht_slice message, struct inner *inner);
static bool read_field(struct ht_slice message, size_t *at, struct field *field);

bool ht_kpl_is_candidate(struct ht_slice data)
{
    return data.length > MAGIC_BYTES + MD5_BYTES && data.length < MESSAGE_MAX &&
           memcmp(data.data, magic, MAGIC_BYTES) == 0;
}

static bool has_right_sum(struct ht_slice message)
{
    uint8_t sum[MD5_BYTES];
    ht_digest_md5(message, sum);
    return memcmp(sum, message.data + message.length, MD5_BYTES) == 0;
}

static void fill_keys(struct ht_kpl *kpl)
{
    struct ht_kpl_key *partition_keys = kpl->keys;
    struct ht_kpl_key *hash_keys = kpl->keys + kpl->partition_key_count;
    struct field field;
    size_t at = 0;
    while (at < kpl->message.length && read_field(kpl->message, &at, &field)) {
        struct ht_kpl_key key = {
            .offset =
                (uint32_t)(field.bytes.data == NULL ? 0 : field.bytes.data - kpl->message.data),
            .length = (uint32_t)field.bytes.length};
        if (field.number == FIELD_PARTITION_KEY) {
            *partition_keys++ = key;
        } else if (field.number == FIELD_HASH_KEY) {
            *hash_keys++ = key;
        }
    }
}

enum ht_kpl_verdict ht_kpl_open(struct ht_kpl *kpl, struct ht_slice data)
{
    *kpl = (struct ht_kpl){0};
    if (!ht_kpl_is_candidate(data)) {
        return HT_KPL_PLAIN;
    }
    kpl->message = ht_slice_make(data.data + MAGIC_BYTES, data.length - MAGIC_BYTES - MD5_BYTES);
    if (!has_right_sum(kpl->message) || !count_all(kpl)) {
        return HT_KPL_PLAIN;
    }
    size_t keys = kpl->partition_key_count + kpl->hash_key_count;
    kpl->keys = calloc(keys + 1, sizeof(*kpl->keys));
    if (kpl->keys == NULL) {
        return HT_KPL_NO_MEMORY;
    }
    fill_keys(kpl);
    return HT_KPL_AGGREGATED;
}

/* Walks the whole message once; false where any part of it is not well formed. */
static bool count_all(struct ht_kpl *kpl)
{
    struct field field;
    struct inner inner;
    size_t at = 0;
    while (at < kpl->message.length) {
        if (!read_field(kpl->message, &at, &field)) {
            return false;
        }
        if (field.number < FIELD_PARTITION_KEY || field.number > FIELD_RECORD) {
            continue;
        }
        if (field.wire != WIRE_BYTES) {
            return false;
        }
        if (field.number == FIELD_RECORD && !read_inner(field.bytes, &inner)) {
            return false;
        }
        kpl->partition_key_count += field.number == FIELD_PARTITION_KEY;
        kpl->hash_key_count += field.number == FIELD_HASH_KEY;
        kpl->record_count += field.number == FIELD_RECORD;
    }
    return true;
}

bool ht_kpl_next(struct ht_kpl *kpl, struct ht_kpl_record *record)
{
    struct field field;
    struct inner inner;
    while (!kpl->is_damaged && kpl->at < kpl->message.length &&
           read_field(kpl->message, &kpl->at, &field)) {
        if (field.number != FIELD_RECORD || !read_inner(field.bytes, &inner)) {
            continue;
        }
        if (inner.partition_key_index >= kpl->partition_key_count ||
            (inner.has_hash_key && inner.hash_key_index >= kpl->hash_key_count)) {
            kpl->is_damaged = true;
            return false;
        }
        const struct ht_kpl_key *key = &kpl->keys[inner.partition_key_index];
        *record = (struct ht_kpl_record){
            .data = inner.data,
            .partition_key = ht_slice_make(kpl->message.data + key->offset, key->length),
            .sub_sequence = kpl->next_sub++};
        if (inner.has_hash_key) {
            key = &kpl->keys[kpl->partition_key_count + inner.hash_key_index];
            record->explicit_hash_key = ht_slice_make(kpl->message.data + key->offset, key->length);
        }
        return true;
    }
    return false;
}

void ht_kpl_finish(struct ht_kpl *kpl)
{
    free(kpl->keys);
    kpl->keys = NULL;
}

static bool is_tag(struct ht_slice message)
{
    struct field field;
    bool has_key = false;
    size_t at = 0;
    while (at < message.length) {
        if (!read_field(message, &at, &field) ||
            ((field.number == TAG_KEY || field.number == TAG_VALUE) && field.wire != WIRE_BYTES)) {
            return false;
        }
        has_key = has_key || field.number == TAG_KEY;
    }
    return has_key;
}

/* Of a field that is there twice the last one counts, as protobuf says. */
static bool take_inner_field(const struct field *field, struct inner *inner)
{
    switch (field->number) {
    case RECORD_PARTITION_KEY_INDEX:
        inner->partition_key_index = field->value;
        inner->has_partition_key = true;
        return field->wire == WIRE_VARINT;
    case RECORD_HASH_KEY_INDEX:
        inner->hash_key_index = field->value;
        inner->has_hash_key = true;
        return field->wire == WIRE_VARINT;
    case RECORD_DATA:
        inner->data = field->bytes;
        inner->has_data = true;
        return field->wire == WIRE_BYTES;
    case RECORD_TAG:
        return field->wire == WIRE_BYTES && is_tag(field->bytes);
    default:
        return true;
    }
}

static bool read_inner(struct ht_slice message, struct inner *inner)
{
    struct field field;
    size_t at = 0;
    *inner = (struct inner){0};
    while (at < message.length) {
        if (!read_field(message, &at, &field) || !take_inner_field(&field, inner)) {
            return false;
        }
    }
    return inner->has_partition_key && inner->has_data;
}

/* At most ten bytes, and no bits beyond the 64th. */
static bool read_varint(struct ht_slice message, size_t *at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 70 && *at < message.length; shift += 7) {
        uint64_t byte = (unsigned char)message.data[(*at)++];
        if (shift == 63 && byte > 1) {
            return false;
        }
        *value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

static bool skip(struct ht_slice message, size_t *at, uint64_t length)
{
    if (length > message.length - *at) {
        return false;
    }
    *at += (size_t)length;
    return true;
}

static bool read_field(struct ht_slice message, size_t *at, struct field *field)
{
    uint64_t tag;
    uint64_t length;
    *field = (struct field){0};
    if (!read_varint(message, at, &tag) || tag >> 32 != 0) {
        return false;
    }
    field->number = tag >> 3;
    field->wire = tag & 7;
    if (field->number == 0) {
        return false;
    }
    switch (field->wire) {
    case WIRE_VARINT:
        return read_varint(message, at, &field->value);
    case WIRE_64BIT:
        return skip(message, at, 8);
    case WIRE_32BIT:
        return skip(message, at, 4);
    case WIRE_BYTES:
        if (!read_varint(message, at, &length) || length > message.length - *at) {
            return false;
        }
        field->bytes = ht_slice_make(message.data + *at, (size_t)length);
        return skip(message, at, length);
    default:
        return false;
    }
}
