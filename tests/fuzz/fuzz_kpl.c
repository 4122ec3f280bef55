// SPDX-License-Identifier: MIT

/**
 * Aggregated records against a second reading of the protobuf message that trusts nothing. The sum
 * at the end would keep the fuzzer out, so it is made right for most inputs: the last byte of the
 * input says which.
 */

#include "fuzz_data.h"
#include "hashtagd/aws/kpl.h"
#include "hashtagd/base/digest.h"

enum {
    KEYS_MAX = 4096,
};

/* What the judge read: keys by their place, and the records in order. */
struct judge {
    struct ht_slice keys[2][KEYS_MAX];
    size_t key_counts[2];
    struct ht_slice records[KEYS_MAX];
    size_t record_count;
    bool is_valid;
};

/* One field; a number of 64 bits, or bytes. */
struct part {
    uint64_t number, wire, value;
    struct ht_slice bytes;
};

static bool take_varint(struct ht_slice *rest, uint64_t *value)
{
    unsigned __int128 sum = 0;
    for (unsigned i = 0; i < 10; i++) {
        if (rest->length == 0) {
            return false;
        }
        unsigned char byte = (unsigned char)rest->data[0];
        *rest = ht_slice_make(rest->data + 1, rest->length - 1);
        sum += (unsigned __int128)(byte & 127) << (7 * i);
        if (byte < 128) {
            *value = (uint64_t)sum;
            return sum >> 64 == 0;
        }
    }
    return false;
}

static bool take_part(struct ht_slice *rest, struct part *part)
{
    uint64_t tag, length = 0;
    *part = (struct part){0};
    if (!take_varint(rest, &tag) || tag > UINT32_MAX || tag / 8 == 0) {
        return false;
    }
    part->number = tag / 8;
    part->wire = tag % 8;
    if (part->wire == 0) {
        return take_varint(rest, &part->value);
    }
    if (part->wire == 2 && !take_varint(rest, &length)) {
        return false;
    }
    length = part->wire == 1 ? 8 : part->wire == 5 ? 4 : length;
    if ((part->wire != 1 && part->wire != 2 && part->wire != 5) || length > rest->length) {
        return false;
    }
    part->bytes = ht_slice_make(rest->data, (size_t)length);
    *rest = ht_slice_make(rest->data + length, rest->length - (size_t)length);
    return true;
}

static bool is_tag(struct ht_slice rest)
{
    struct part part;
    bool has_key = false;
    while (rest.length > 0) {
        if (!take_part(&rest, &part) || (part.number <= 2 && part.wire != 2)) {
            return false;
        }
        has_key |= part.number == 1;
    }
    return has_key;
}

/* Key indexes (-1: none), data. */
static bool read_record(struct ht_slice rest, uint64_t indexes[2], bool has[2],
                        struct ht_slice *bytes)
{
    struct part part;
    bool has_data = false;
    has[0] = has[1] = false;
    while (rest.length > 0) {
        if (!take_part(&rest, &part)) {
            return false;
        }
        if (part.number <= 2) {
            indexes[part.number - 1] = part.value;
            has[part.number - 1] = true;
        }
        if (part.number <= 2 ? part.wire != 0 : part.number <= 4 && part.wire != 2) {
            return false;
        }
        if (part.number == 4 && !is_tag(part.bytes)) {
            return false;
        }
        if (part.number == 3) {
            *bytes = part.bytes;
            has_data = true;
        }
    }
    return has[0] && has_data;
}

static void judge_message(struct ht_slice rest, struct judge *judge)
{
    struct part part;
    struct ht_slice bytes;
    uint64_t indexes[2];
    bool has[2];
    judge->is_valid = true;
    while (judge->is_valid && rest.length > 0) {
        judge->is_valid = take_part(&rest, &part) && (part.number > 3 || part.wire == 2);
        if (!judge->is_valid || part.number > 3) {
            continue;
        }
        if (part.number == 3) {
            judge->is_valid = read_record(part.bytes, indexes, has, &bytes);
            judge->records[judge->record_count++ % KEYS_MAX] = part.bytes;
        } else {
            judge->keys[part.number - 1][judge->key_counts[part.number - 1]++ % KEYS_MAX] =
                part.bytes;
        }
    }
}

static void check_records(struct ht_kpl *kpl, const struct judge *judge)
{
    struct ht_kpl_record record;
    size_t at = 0;
    FUZZ_CHECK(kpl->record_count == judge->record_count, "%zu, %zu", kpl->record_count,
               judge->record_count);
    for (; ht_kpl_next(kpl, &record); at++) {
        struct ht_slice bytes = {"", 0};
        uint64_t indexes[2];
        bool has[2];
        FUZZ_CHECK(at < judge->record_count && record.sub_sequence == at, "%zu", at);
        FUZZ_CHECK(read_record(judge->records[at], indexes, has, &bytes), "record %zu", at);
        FUZZ_CHECK_SAME(record.data, bytes, "data");
        FUZZ_CHECK(indexes[0] < judge->key_counts[0], "key %zu", at);
        FUZZ_CHECK_SAME(record.partition_key, judge->keys[0][indexes[0]], "partition key");
        FUZZ_CHECK(!has[1] || indexes[1] < judge->key_counts[1], "hash key %zu", at);
        FUZZ_CHECK_SAME(record.explicit_hash_key,
                        has[1] ? judge->keys[1][indexes[1]] : ht_slice_make("", 0), "hash key");
    }
    if (kpl->is_damaged) {
        struct ht_slice bytes;
        uint64_t indexes[2];
        bool has[2];
        FUZZ_CHECK(read_record(judge->records[at], indexes, has, &bytes), "record %zu", at);
        FUZZ_CHECK(indexes[0] >= judge->key_counts[0] ||
                       (has[1] && indexes[1] >= judge->key_counts[1]),
                   "%zu is not damaged", at);
    } else {
        FUZZ_CHECK(at == judge->record_count, "%zu of %zu", at, judge->record_count);
    }
    FUZZ_CHECK(!ht_kpl_next(kpl, &record), "goes on behind its end");
}

static void check(struct ht_slice data, bool is_sum_right)
{
    static struct judge judge;
    struct ht_kpl kpl;
    enum ht_kpl_verdict verdict = ht_kpl_open(&kpl, data);
    FUZZ_CHECK(verdict != HT_KPL_NO_MEMORY, "memory");
    memset(&judge, 0, sizeof(judge));
    if (!is_sum_right) {
        if (verdict == HT_KPL_AGGREGATED) {
            ht_kpl_finish(&kpl);
        }
        return;
    }
    struct ht_slice message = ht_slice_make(data.data + 4, data.length - 20);
    judge_message(message, &judge);
    FUZZ_CHECK((verdict == HT_KPL_AGGREGATED) == (judge.is_valid && message.length > 0),
               "%d, judge %d", (int)verdict, judge.is_valid);
    if (verdict == HT_KPL_AGGREGATED) {
        if (judge.key_counts[0] <= KEYS_MAX && judge.key_counts[1] <= KEYS_MAX &&
            judge.record_count <= KEYS_MAX) {
            check_records(&kpl, &judge);
        }
        ht_kpl_finish(&kpl);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    bool is_raw = fuzz_take_byte(&input) == 'r';
    struct ht_slice rest = fuzz_rest(&input);
    if (is_raw) {
        char *copy = fuzz_copy(rest);
        check(ht_slice_make(copy, rest.length), false);
        free(copy);
        return 0;
    }
    char *record = malloc(rest.length + 4 + HT_DIGEST_MD5_BYTES);
    memcpy(record, "\xf3\x89\x9a\xc2", 4);
    if (rest.length > 0) {
        memcpy(record + 4, rest.data, rest.length);
    }
    ht_digest_md5(rest, (uint8_t *)record + 4 + rest.length);
    check(ht_slice_make(record, rest.length + 4 + HT_DIGEST_MD5_BYTES), true);
    free(record);
    return 0;
}
