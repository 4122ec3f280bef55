// SPDX-License-Identifier: MIT

/**
 * Items of DynamoDB, as any bytes: attributes are read exactly or not at all (numbers against a
 * reading by digits), lease rows and marks are what they say, and a record of the change stream gives
 * a removal whose item is JSON, or is refused.
 */

#include "dynamodb_lease_row.h"
#include "dynamodb_mark.h"
#include "dynamodb_removal.h"
#include "fuzz_data.h"
#include "hashtagd/aws/attribute.h"
#include "hashtagd/json/json.h"

/* -- numbers ---------------------------------------------------------------------------- */

/* Digits and an exponent: the number is digits * 10^power. False where it is no decimal number. */
static bool take_apart(struct ht_slice text, bool *is_negative, char digits[512], long *power)
{
    size_t i = 0, count = 0;
    bool has_point = false, has_digit = false;
    *power = 0;
    *is_negative = text.length > 0 && text.data[0] == '-';
    i += *is_negative;
    for (; i < text.length && (text.data[i] == '.' || (text.data[i] >= '0' && text.data[i] <= '9'));
         i++) {
        if (text.data[i] == '.') {
            if (has_point) {
                return false;
            }
            has_point = true;
            continue;
        }
        has_digit = true;
        *power -= has_point;
        if (count < 500) {
            digits[count++] = text.data[i];
        } else {
            return false;
        }
    }
    digits[count] = '\0';
    if (i < text.length && (text.data[i] == 'e' || text.data[i] == 'E')) {
        char *end, exponent[64];
        struct ht_slice rest = ht_slice_make(text.data + i + 1, text.length - i - 1);
        if (rest.length == 0 || rest.length > 18) {
            return false;
        }
        memcpy(exponent, rest.data, rest.length);
        exponent[rest.length] = '\0';
        *power += strtol(exponent, &end, 10);
        return has_digit && *end == '\0' && exponent[0] != ' ';
    }
    return has_digit && i == text.length;
}

/* Where the text is a number with a whole value that fits, that value is read. */
static void check_decimal(struct ht_slice text)
{
    char digits[512];
    long power;
    bool is_negative, is_exact = false;
    int64_t value = 0;
    int status = ht_attribute_read_decimal(text, 0, &value, &is_exact);
    FUZZ_CHECK(status == 0 || status == HT_EPARSE || status == HT_ETOOBIG, "%d", status);
    if (text.length > 100 || !take_apart(text, &is_negative, digits, &power)) {
        return;
    }
    unsigned __int128 sum = 0;
    bool fits = true, whole = true;
    size_t count = strlen(digits), kept = count;
    if (power < 0) {
        kept = (unsigned long)-power > count ? 0 : count - (size_t)-power;
    }
    for (size_t i = 0; i < count; i++) {
        if (i < kept) {
            sum = sum * 10 + (unsigned)(digits[i] - '0');
            fits = fits && sum <= INT64_MAX;
            sum = fits ? sum : 0;
        } else {
            whole = whole && digits[i] == '0';
        }
    }
    for (long i = 0; i < power && sum != 0 && fits; i++) {
        sum *= 10;
        fits = sum <= INT64_MAX;
    }
    if (fits && status == 0) {
        int64_t expected = is_negative ? -(int64_t)sum : (int64_t)sum;
        FUZZ_CHECK(value == expected && is_exact == whole, "%.*s: %lld %d, judge %lld %d",
                   FUZZ_TEXT(text), (long long)value, is_exact, (long long)expected, whole);
    }
    FUZZ_CHECK(fits || status != 0 || value == INT64_MIN, "%.*s fits", FUZZ_TEXT(text));
}

/* -- attributes ------------------------------------------------------------------------- */

static void check_attribute(const struct ht_json_reader *reader, struct ht_json_value value,
                            struct ht_buffer *arena)
{
    struct ht_slice text = {"", 0};
    struct ht_json_value inner;
    uint64_t number = 77;
    int64_t seconds = 77, time_ms = 77;
    enum ht_attribute_type type = ht_attribute_get(reader, value, &inner);
    int status = ht_attribute_text(reader, value, arena, &text);
    FUZZ_CHECK((status == 0) == (type == HT_ATTRIBUTE_S), "%d of type %d", status, (int)type);
    FUZZ_CHECK(status != 0 || fuzz_is_utf8(text), "no UTF-8");
    status = ht_attribute_number(reader, value, &text);
    FUZZ_CHECK(type == HT_ATTRIBUTE_N ? status == 0 || status == HT_EPARSE : status == HT_ENOTFOUND,
               "%d of type %d", status, (int)type);
    FUZZ_CHECK(status != 0 || text.length <= HT_ATTRIBUTE_NUMBER_BYTES, "%zu", text.length);
    if (status == 0) {
        check_decimal(text);
    }
    status = ht_attribute_u64(reader, value, &number);
    FUZZ_CHECK(status == 0 || number == 77, "touched");
    status = ht_attribute_seconds(reader, value, &seconds);
    FUZZ_CHECK(status != 0 || type == HT_ATTRIBUTE_N, "seconds of type %d", (int)type);
    (void)ht_attribute_timestamp_ms(reader, value, &time_ms);
}

static void check_lease(const struct ht_json_reader *reader, struct ht_json_value item,
                        struct ht_buffer *arena)
{
    struct ht_lease_row row, first = {.counter = 0};
    memset(&row, 0, sizeof(row));
    int status = ht_lease_row_read(reader, item, arena, &row);
    FUZZ_CHECK(status == 0 || status == HT_ENOTFOUND || status == HT_EPARSE, "%d", status);
    if (status != HT_ENOTFOUND) {
        FUZZ_CHECK(row.shard_id[0] != '\0' &&
                       strnlen(row.shard_id, sizeof(row.shard_id)) < sizeof(row.shard_id),
                   "shard id");
    }
    if (status == 0) {
        FUZZ_CHECK(strlen(row.owner) < sizeof(row.owner), "owner");
        FUZZ_CHECK(strlen(ht_lease_checkpoint_text(&row.position)) < HT_LEASE_CHECKPOINT_BYTES,
                   "checkpoint");
        FUZZ_CHECK(ht_lease_compare(&row.position, &row.position) == 0, "compare");
        int order = ht_lease_compare(&row.position, &first.position);
        FUZZ_CHECK((order > 0) == (ht_lease_compare(&first.position, &row.position) < 0), "order");
    }
}

static void check_item(struct ht_slice text)
{
    struct ht_json_reader reader;
    struct ht_buffer arena;
    ht_json_reader_init(&reader, 1u << 22);
    ht_buffer_init(&arena, 1u << 22);
    if (ht_json_reader_scan(&reader, text, NULL) == HT_JSON_VERDICT_OK) {
        struct ht_json_walk walk = ht_json_walk(&reader, ht_json_reader_root(&reader));
        while (ht_json_walk_next(&walk)) {
            check_attribute(&reader, walk.value, &arena);
        }
        check_lease(&reader, ht_json_reader_root(&reader), &arena);
    }
    ht_json_reader_finish(&reader);
    ht_buffer_finish(&arena);
}

/* -- marks ------------------------------------------------------------------------------ */

static void check_marks(struct ht_slice text, struct fuzz_input *input)
{
    char shard[HT_SHARD_ID_BYTES], name[HT_MARK_NAME_BYTES], value[HT_MARK_VALUE_BYTES];
    char again[HT_MARK_VALUE_BYTES], same[HT_SHARD_ID_BYTES];
    struct ht_slice sequence;
    uint64_t sub = 0;
    if (ht_mark_shard(text, shard)) {
        ht_mark_name(shard, name);
        FUZZ_CHECK(ht_mark_shard(ht_slice_text(name), same) && strcmp(same, shard) == 0, "%s",
                   name);
    }
    if (ht_mark_read(text, &sequence, &sub)) {
        FUZZ_CHECK(sequence.length > 0 && sequence.data >= text.data, "sequence");
        ht_mark_value(sequence, sub, value);
        FUZZ_CHECK(ht_mark_read(ht_slice_text(value), &sequence, &sub), "%s", value);
    }
    /* values order as the numbers do */
    struct ht_slice numbers[2];
    char digits[2][140];
    uint64_t subs[2];
    for (size_t i = 0; i < 2; i++) {
        size_t count = 1 + fuzz_take_byte(input) % 129;
        subs[i] = fuzz_take_below(input, HT_MARK_SUB_SEQUENCE_MAX + 1ull);
        for (size_t k = 0; k < count; k++) {
            unsigned byte = fuzz_take_byte(input);
            digits[i][k] = (char)('0' + (k == 0 ? 1 + byte % 9 : byte % 10));
        }
        numbers[i] = ht_slice_make(digits[i], count);
    }
    ht_mark_value(numbers[0], subs[0], value);
    ht_mark_value(numbers[1], subs[1], again);
    int order = ht_sequence_compare_sub(numbers[0], subs[0], numbers[1], subs[1]);
    int texts = strcmp(value, again);
    FUZZ_CHECK((order < 0) == (texts < 0) && (order == 0) == (texts == 0), "%s, %s", value, again);
    FUZZ_CHECK(ht_mark_read(ht_slice_text(value), &sequence, &sub) && sub == subs[0], "%s", value);
    FUZZ_CHECK_SAME(sequence, numbers[0], "sequence number");
}

/* -- the change stream ------------------------------------------------------------------ */

static void check_removal(struct ht_slice text)
{
    struct ht_dynamodb_stream_record record;
    struct ht_removal_reader reader;
    struct ht_counted_removal *removal = NULL;
    struct ht_slice hashtag;
    uint64_t count = 0;
    bool has = false;
    if (ht_dynamodb_stream_record_read(text, &record) != 0) {
        return;
    }
    ht_removal_reader_init(&reader);
    int touched = ht_removal_reader_touch(&reader, &record, &hashtag, &count, &has);
    FUZZ_CHECK(touched == 0 || touched == HT_EPARSE, "%d", touched);
    FUZZ_CHECK(touched != 0 || hashtag.length > 0, "no hashtag");
    int status = ht_removal_reader_make(&reader, &record, "shard", &removal, &has);
    FUZZ_CHECK(status == 0 || status == HT_EPARSE, "%d", status);
    FUZZ_CHECK((status == 0) == (removal != NULL), "%d", status);
    if (removal != NULL) {
        const struct ht_removal *what = &removal->removal;
        struct ht_json *item =
            ht_json_parse(what->item_json, HT_JSON_ROOT_IS_CONTAINER, NULL, NULL);
        FUZZ_CHECK(what->event_id.length > 0 && what->item.hashtag.length > 0, "empty");
        FUZZ_CHECK(item != NULL && ht_json_type(item) == HT_JSON_OBJECT, "%.*s",
                   FUZZ_TEXT(what->item_json));
        ht_json_destroy(item);
    }
    ht_counted_removal_release(removal);
    ht_removal_reader_finish(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    struct fuzz_input choices = input;
    char *copy = fuzz_copy(fuzz_rest(&input));
    struct ht_slice text = ht_slice_make(copy, input.length);
    check_item(text);
    check_decimal(text);
    check_marks(text, &choices);
    check_removal(text);
    free(copy);
    return 0;
}
