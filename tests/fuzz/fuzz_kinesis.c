// SPDX-License-Identifier: MIT

/**
 * Answers of GetRecords, decoded in their own place, against a reading of jansson: the same records
 * are there, the same are left out. The batch that is made of them has each user record once, behind
 * the place where the reader stood, in its order, all in the batch's memory.
 */

#include "fuzz_data.h"
#include "hashtagd/aws/kinesis_get_records.h"
#include "hashtagd/aws/kpl.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/json/json.h"
#include "kinesis_batch.h"

#define READER_MAX_BYTES (1u << 22)

static bool is_sequence(struct ht_slice text)
{
    bool is_digits = text.length >= 1 && text.length <= 129;
    for (size_t i = 0; is_digits && i < text.length; i++) {
        is_digits = text.data[i] >= '0' && text.data[i] <= '9';
    }
    return is_digits;
}

/* A record that jansson sees as whole: its data, decoded into `out`. */
static bool judge_record(const struct ht_json *record, struct ht_buffer *out)
{
    const struct ht_json *sequence = ht_json_member(record, "SequenceNumber");
    const struct ht_json *data = ht_json_member(record, "Data");
    const struct ht_json *key = ht_json_member(record, "PartitionKey");
    if (sequence == NULL || data == NULL || key == NULL ||
        ht_json_type(sequence) != HT_JSON_STRING || ht_json_type(data) != HT_JSON_STRING ||
        ht_json_type(key) != HT_JSON_STRING || !is_sequence(ht_json_text(sequence))) {
        return false;
    }
    struct ht_slice text = ht_json_text(data);
    char *bytes = malloc(ht_base64_decoded_max(text.length) + 1);
    size_t length = 0;
    bool is_right = ht_base64_decode(text, bytes, &length) == 0;
    if (is_right) {
        ht_buffer_clear(out);
        ht_buffer_append(out, bytes, length);
    }
    free(bytes);
    return is_right;
}

static void check_page(const struct ht_kinesis_page *page, const struct ht_json *root)
{
    const struct ht_json *list = ht_json_member(root, "Records");
    const struct ht_json *next = ht_json_member(root, "NextShardIterator");
    struct ht_buffer data;
    size_t good = 0;
    ht_buffer_init(&data, READER_MAX_BYTES);
    for (size_t i = 0; i < ht_json_count(list); i++) {
        const struct ht_json *record = ht_json_element(list, i);
        if (!judge_record(record, &data)) {
            continue;
        }
        FUZZ_CHECK(good < page->count, "record %zu is missing: %s", i, page->bad_reason);
        FUZZ_CHECK_SAME(page->records[good].data, ht_buffer_slice(&data), "data");
        FUZZ_CHECK_SAME(page->records[good].partition_key,
                        ht_json_text(ht_json_member(record, "PartitionKey")), "key");
        FUZZ_CHECK_SAME(page->records[good].sequence_number,
                        ht_json_text(ht_json_member(record, "SequenceNumber")), "sequence");
        good++;
    }
    FUZZ_CHECK(good == page->count && page->bad_count == ht_json_count(list) - good, "%zu, %zu",
               page->count, page->bad_count);
    bool has_next = next != NULL && ht_json_type(next) == HT_JSON_STRING;
    FUZZ_CHECK_SAME(ht_slice_text(page->next_iterator),
                    has_next ? ht_json_text(next) : HT_SLICE(""), "iterator");
    FUZZ_CHECK(page->behind_ms >= 0 && page->child_count <= HT_KINESIS_CHILDREN_MAX, "page");
    ht_buffer_finish(&data);
}

/* -- the batch -------------------------------------------------------------------------- */

static size_t user_records(const struct ht_kinesis_page *page)
{
    size_t count = 0;
    for (size_t i = 0; i < page->count; i++) {
        struct ht_kpl kpl;
        struct ht_kpl_record record;
        if (ht_kpl_open(&kpl, page->records[i].data) != HT_KPL_AGGREGATED) {
            count++;
            continue;
        }
        while (ht_kpl_next(&kpl, &record)) {
            count++;
        }
        ht_kpl_finish(&kpl);
    }
    return count;
}

static void check_batch(struct ht_kinesis_page *page, struct fuzz_input *input)
{
    struct ht_position from = {.kind = HT_POSITION_TRIM_HORIZON};
    struct ht_kinesis_stand stand;
    char floor[24] = "";
    unsigned choice = fuzz_take_byte(input);
    const char *begin = page->body, *end = page->body + page->body_bytes;
    size_t expected = user_records(page);
    if (choice & 1) {
        (void)snprintf(floor, sizeof(floor), "%u", choice);
        ht_position_after(&from, ht_slice_text(floor), choice & 2 ? 3 : 0);
    }
    ht_kinesis_stand_at(&stand, &from);
    struct ht_kinesis_batch_making making = {.page = page,
                                             .stand = &stand,
                                             .max_records_bytes = choice & 4 ? 4096 : 1u << 20,
                                             .now_ms = 5};
    int status = ht_kinesis_batch_make(&making);
    FUZZ_CHECK(status == 0 || status == HT_ETOOBIG, "%d", status);
    FUZZ_CHECK((status == 0) == (making.batch != NULL), "%d", status);
    if (status != 0) {
        FUZZ_CHECK(expected * sizeof(struct ht_record) > making.max_records_bytes, "%zu fit",
                   expected);
        return;
    }
    const struct ht_record_batch *batch = making.batch;
    FUZZ_CHECK(choice & 1 ? batch->count <= expected : batch->count == expected, "%zu of %zu",
               batch->count, expected);
    for (size_t i = 0; i < batch->count; i++) {
        const struct ht_record *record = &batch->records[i];
        FUZZ_CHECK(record->data.length == 0 || (record->data.data >= begin &&
                                                record->data.data + record->data.length <= end),
                   "data outside");
        FUZZ_CHECK(record->partition_key.length <= 256 && record->sequence_number.length > 0 &&
                       record->arrival_ms != 0,
                   "record %zu", i);
        FUZZ_CHECK(i > 0 || from.kind != HT_POSITION_AFTER ||
                       ht_sequence_compare_sub(record->sequence_number, record->sub_sequence,
                                               ht_slice_text(floor), from.sub_sequence) > 0,
                   "before the floor");
    }
    ht_record_batch_release(making.batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    struct ht_json_reader reader;
    struct ht_kinesis_page page;
    struct ht_error error = {0};
    struct fuzz_input choices = input;
    (void)fuzz_take_byte(&input);
    struct ht_slice text = fuzz_rest(&input);
    bool has_nul = text.length > 0 && memchr(text.data, '\0', text.length) != NULL;
    struct ht_json *root =
        has_nul ? NULL : ht_json_parse(text, HT_JSON_ROOT_IS_CONTAINER, NULL, NULL);
    unsigned brackets = 0;
    for (size_t i = 0; i < text.length; i++) {
        brackets += text.data[i] == '{' || text.data[i] == '[';
    }
    memset(&page, 0, sizeof(page));
    ht_json_reader_init(&reader, READER_MAX_BYTES);
    int status = ht_kinesis_page_read(&page, &reader, fuzz_copy(text), text.length, &error);
    const struct ht_json *next = ht_json_member(root, "NextShardIterator");
    const struct ht_json *list = ht_json_member(root, "Records");
    struct ht_slice iterator = ht_json_text(next);
    bool is_end = next == NULL || ht_json_type(next) == HT_JSON_NULL;
    bool is_right =
        list != NULL && ht_json_type(list) == HT_JSON_ARRAY &&
        (is_end || (iterator.length > 0 && iterator.length < HT_KINESIS_ITERATOR_BYTES &&
                    memchr(iterator.data, '\0', iterator.length) == NULL));
    if (brackets <= HT_JSON_DEPTH_MAX) {
        FUZZ_CHECK((status == 0) == is_right, "%d %s, judge %d: %.*s", status, error.text, is_right,
                   FUZZ_TEXT(text));
        if (status == 0) {
            check_page(&page, root);
        }
    }
    if (status == 0) {
        check_batch(&page, &choices);
    }
    ht_kinesis_page_finish(&page);
    ht_json_reader_finish(&reader);
    ht_json_destroy(root);
    return 0;
}
