// SPDX-License-Identifier: MIT
#include "admin/deletion.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_record(const struct ht_archiver_record *record, bool is_event,
                          const char *expected)
{
    struct ht_buffer json;
    ht_buffer_init(&json, 4096);
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, &json);
    ht_deletion_format(record, is_event, &writer);
    assert_string_equal(ht_buffer_slice(&json).data, expected);
    ht_buffer_finish(&json);
}

#define COMMON                                                                                     \
    "{\"event_id\":\"e1\",\"hashtag\":\"foo\",\"count\":3,\"first_seen\":1,\"last_seen\":2,"       \
    "\"deleted_at\":4,\"origin\":\"ttl\""

static void test_forms(void **state)
{
    (void)state;
    struct ht_archiver_record record = {.event_id = HT_SLICE("e1"),
                                        .hashtag = HT_SLICE("foo"),
                                        .count = 3,
                                        .first_seen_s = 1,
                                        .last_seen_s = 2,
                                        .deleted_at_s = 4,
                                        .origin = HT_ORIGIN_TTL,
                                        .object = HT_SLICE("")};
    assert_record(&record, true, COMMON ",\"archived\":false}");
    record.archived = true;
    record.archived_at_s = 5;
    record.object = HT_SLICE("deleted/x.gz");
    assert_record(&record, true,
                  COMMON ",\"archived\":true,\"archived_at\":5,\"object\":\"deleted/x.gz\"}");
    assert_record(&record, false, COMMON ",\"archived_at\":5,\"object\":\"deleted/x.gz\"}");
}

static void test_origins(void **state)
{
    (void)state;
    assert_string_equal(ht_deletion_origin_name(HT_ORIGIN_USER), "user");
    assert_string_equal(ht_deletion_origin_name(HT_ORIGIN_TTL), "ttl");
    assert_string_equal(ht_deletion_origin_name(HT_ORIGIN_UNKNOWN), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
