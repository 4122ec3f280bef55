// SPDX-License-Identifier: MIT
#include "store_fixture.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { NOW_S = 1700000000 };

/* What a load gave, as text: a line a thing. */
struct loaded {
    struct fixture *fixture;
    struct ht_table_load load;
    char *text;
    size_t length;
    size_t items;
    uint64_t expected;
    bool is_done;
};

static void add(struct loaded *loaded, const char *format, ...) HT_PRINTF(2, 3);

static void add(struct loaded *loaded, const char *format, ...)
{
    va_list arguments;
    loaded->text = realloc(loaded->text, loaded->length + 4096);
    assert_non_null(loaded->text);
    va_start(arguments, format);
    loaded->length += (size_t)vsnprintf(loaded->text + loaded->length, 4096, format, arguments);
    va_end(arguments);
}

static void on_expected(struct ht_table_load *load, uint64_t count)
{
    ((struct loaded *)load->user)->expected = count;
}

static void on_items(struct ht_table_load *load, const struct ht_item *items, size_t count)
{
    struct loaded *loaded = load->user;
    for (size_t i = 0; i < count; i++, loaded->items++) {
        if (loaded->items < 50) {
            add(loaded, "%.*s %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
                (int)items[i].hashtag.length, items[i].hashtag.data, items[i].count,
                items[i].first_seen_s, items[i].last_seen_s, items[i].expires_at_s);
        }
        assert_true(items[i].count > 0 && items[i].hashtag.length > 0);
    }
}

static void on_checkpoint(struct ht_table_load *load, const struct ht_checkpoint *checkpoint)
{
    const struct ht_position *position = &checkpoint->position;
    add(load->user, "%s at %d '%s' %" PRIu64 " %" PRIu64 " %" PRId64 "\n", checkpoint->shard_id,
        (int)position->kind, position->sequence_number, position->sub_sequence, position->records,
        position->time_ms);
}

static void on_window_part(struct ht_table_load *load, const struct ht_window_part *part)
{
    if (part->deleted_hashtag.length > 0) {
        assert_int_equal(part->data.length, 0);
        add(load->user, "minute %" PRId64 " deletes %.*s\n", part->minute,
            (int)part->deleted_hashtag.length, part->deleted_hashtag.data);
    } else {
        add(load->user, "minute %" PRId64 " has %.*s\n", part->minute,
            (int)(part->data.length > 100 ? 100 : part->data.length), part->data.data);
    }
}

static void on_loaded(struct ht_table_load *load)
{
    struct loaded *loaded = load->user;
    loaded->is_done = true;
    fixture_stop(loaded->fixture);
}

static void load_into(struct loaded *loaded, struct store *store, int64_t oldest_minute)
{
    *loaded = (struct loaded){
        .fixture = store->fixture,
        .load = {.oldest_minute = oldest_minute,
                 .on_expected = on_expected,
                 .on_items = on_items,
                 .on_checkpoint = on_checkpoint,
                 .on_window_part = on_window_part,
                 .done = on_loaded,
                 .status = 1},
    };
    loaded->load.user = loaded;
    add(loaded, "%s", "");
    store->table->ops->load(store->table, &loaded->load);
    assert_false(loaded->is_done);
    while (!loaded->is_done) {
        fixture_run(store->fixture);
    }
}

/* Opens, loads, compares, closes. */
static void expect_loaded(struct fixture *fixture, uint64_t ttl_s, const char *expected)
{
    struct store store;
    struct loaded loaded;
    store_open(&store, fixture, ttl_s);
    load_into(&loaded, &store, 0);
    assert_int_equal(loaded.load.status, 0);
    assert_string_equal(loaded.text, expected);
    free(loaded.text);
    store_close(&store);
}

static void test_empty(void **state)
{
    expect_loaded(*state, 0, "");
}

static void test_counts_add_up(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    store_open(&store, fixture, 0);
    assert_int_equal(store_count(&store, "b", 3, 500, "10"), 0);
    assert_int_equal(store_count(&store, "a", 2, 400, "11"), 0);
    assert_int_equal(store_count(&store, "b", 4, 300, "12"), 0);
    assert_int_equal(store_count(&store, "b", 1, 700, "13"), 0);
    assert_int_equal(store.table->counters.flushes, 4);
    assert_int_equal(store.table->counters.items_written, 4);
    assert_int_equal(store.table->health.state, HT_HEALTH_WORKING);
    store_close(&store);
    expect_loaded(fixture, 0, "a 2 400 400 0\nb 8 300 700 0\nshard at 3 '13' 0 0 0\n");
    expect_loaded(fixture, 50, "a 2 400 400 450\nb 8 300 700 750\nshard at 3 '13' 0 0 0\n");
}

static void test_positions_come_back_whole(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct ht_checkpoint checkpoints[] = {
        {.shard_id = "a", .position = {.kind = HT_POSITION_AT_TIME, .time_ms = 123}},
        {.shard_id = "b",
         .position = {.kind = HT_POSITION_END, .sequence_number = "7", .sub_sequence = 9}},
        {.shard_id = "c", .position = {.kind = HT_POSITION_BEFORE, .records = 5}},
    };
    struct ht_table_flush flush = {
        .checkpoints = checkpoints, .checkpoint_count = 3, .now_s = NOW_S};
    memset(checkpoints[2].position.sequence_number, '9', 128);
    char expected[512];
    (void)snprintf(expected, sizeof(expected),
                   "a at 2 '' 0 0 123\nb at 5 '7' 9 0 0\nc at 4 '%s' 0 5 0\n",
                   checkpoints[2].position.sequence_number);
    store_open(&store, fixture, 0);
    assert_int_equal(store_flush(&store, &flush), 0);
    store_close(&store);
    expect_loaded(fixture, 0, expected);
}

static void test_window_parts(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    int64_t minute = NOW_S / 60;
    struct ht_window_part first[] = {
        {.minute = minute - 1, .data = HT_SLICE("one")},
        {.minute = minute, .data = HT_SLICE("two")},
        {.minute = minute, .data = HT_SLICE("three")},
        {.minute = minute - 24 * 60 - 2, .data = HT_SLICE("too old, once time went on")},
    };
    struct ht_window_part second[] = {
        {.minute = minute, .replaces = true, .data = HT_SLICE("four")},
        {.minute = minute - 1, .data = HT_SLICE("five")},
    };
    struct ht_slice tag = HT_SLICE("tag");
    struct ht_table_flush flush = {.parts = first, .part_count = 4, .now_s = NOW_S};
    store_open(&store, fixture, 0);
    assert_int_equal(store_flush(&store, &flush), 0);
    assert_int_equal(store_count(&store, "tag", 1, NOW_S, "1"), 0);
    flush = (struct ht_table_flush){.deletes = &tag, .delete_count = 1, .now_s = NOW_S};
    flush.parts = first;
    flush.part_count = 1;
    assert_int_equal(store_flush(&store, &flush), 0);
    flush = (struct ht_table_flush){.parts = second, .part_count = 2, .now_s = NOW_S};
    assert_int_equal(store_flush(&store, &flush), 0);
    store_close(&store);
    char expected[512];
    (void)snprintf(expected, sizeof(expected),
                   "shard at 3 '1' 0 0 0\nminute %" PRId64 " has one\nminute %" PRId64
                   " has one\nminute %" PRId64 " deletes tag\nminute %" PRId64
                   " has four\nminute %" PRId64 " has five\n",
                   minute - 1, minute - 1, minute, minute, minute - 1);
    expect_loaded(fixture, 0, expected);
    struct loaded loaded;
    store_open(&store, fixture, 0);
    load_into(&loaded, &store, minute);
    (void)snprintf(expected, sizeof(expected),
                   "shard at 3 '1' 0 0 0\nminute %" PRId64 " deletes tag\nminute %" PRId64
                   " has four\n",
                   minute, minute);
    assert_string_equal(loaded.text, expected);
    free(loaded.text);
    store_close(&store);
}

/* Copies what was removed while it lives. */
struct removed {
    struct ht_table_flush flush;
    size_t count;
    char text[2048];
    char event_ids[8][64];
};

static void on_removed(struct ht_table_flush *flush)
{
    struct removed *removed = HT_CONTAINER_OF(flush, struct removed, flush);
    struct store *store = flush->user;
    removed->count = flush->removed_count;
    for (size_t i = 0; i < flush->removed_count && i < 8; i++) {
        const struct ht_removed_item *item = &flush->removed[i];
        size_t length = strlen(removed->text);
        (void)snprintf(removed->text + length, sizeof(removed->text) - length,
                       "%.*s %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64 " %s at %" PRId64 "\n",
                       (int)item->item.hashtag.length, item->item.hashtag.data, item->item.count,
                       item->item.first_seen_s, item->item.last_seen_s, item->item.expires_at_s,
                       item->origin == HT_ORIGIN_USER ? "user" : "ttl", item->deleted_at_s);
        (void)snprintf(removed->event_ids[i], 64, "%.*s", (int)item->event_id.length,
                       item->event_id.data);
    }
    fixture_stop(store->fixture);
}

static void test_delete_takes_the_new_counts_along(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct ht_slice tags[] = {HT_SLICE("gone"), HT_SLICE("never there"), HT_SLICE("gone")};
    struct ht_delta deltas[] = {
        {.hashtag = HT_SLICE("gone"), .count = 2, .first_seen_s = 9, .last_seen_s = 9},
        {.hashtag = HT_SLICE("stays"), .count = 5, .first_seen_s = 9, .last_seen_s = 9},
    };
    struct removed removed = {.flush = {.deltas = deltas,
                                        .delta_count = 2,
                                        .deletes = tags,
                                        .delete_count = 3,
                                        .now_s = NOW_S,
                                        .done = on_removed}};
    store_open(&store, fixture, 0);
    assert_int_equal(store_count(&store, "gone", 1, 5, "1"), 0);
    assert_int_equal(store_flush(&store, &removed.flush), 0);
    assert_string_equal(removed.text, "gone 3 5 9 0 user at 1700000000\n");
    assert_true(strlen(removed.event_ids[0]) > 20);
    assert_int_equal(store.table->counters.items_deleted, 1);
    assert_int_equal(store_delete(&store, "gone", NOW_S), 0);
    assert_int_equal(store_count(&store, "gone", 7, 20, "2"), 0);
    store_close(&store);
    assert_int_equal(store_ask(fixture, "SELECT count(*) FROM removals"), 1);
    assert_int_equal(store_ask(fixture, "SELECT count FROM items WHERE hashtag = 'gone'"), 7);
    assert_int_equal(
        store_ask(fixture,
                  "SELECT item = '{\"hashtag\":{\"S\":\"gone\"},\"htCount\":{\"N\":\"3\"},"
                  "\"firstSeen\":{\"N\":\"5\"},\"lastSeen\":{\"N\":\"9\"}}' FROM removals"),
        1);
}

static void test_expiry(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct removed removed = {.flush = {.now_s = 1100, .done = on_removed}};
    store_open(&store, fixture, 100);
    assert_int_equal(store_count(&store, "new", 1, 1001, "1"), 0);
    assert_int_equal(store_count(&store, "old", 4, 1000, "2"), 0);
    assert_int_equal(store_count(&store, "seen again", 1, 900, "3"), 0);
    assert_int_equal(store_count(&store, "seen again", 1, 1050, "4"), 0);
    assert_int_equal(store_flush(&store, &removed.flush), 0);
    assert_string_equal(removed.text, "old 4 1000 1000 1100 ttl at 1100\n");
    assert_int_equal(store.table->counters.items_expired, 1);
    assert_int_equal(store.table->counters.items_deleted, 0);
    store_close(&store);
    assert_int_equal(store_ask(fixture, "SELECT origin FROM removals"), HT_ORIGIN_TTL);
    assert_int_equal(store_ask(fixture, "SELECT instr(item, '\"expiresAt\":{\"N\":\"1100\"}') > 0"
                                        " FROM removals"),
                     1);
    expect_loaded(fixture, 0,
                  "new 1 1001 1001 0\nseen again 2 900 1050 0\nshard at 3 '4' 0 0 0\n"
                  "minute 18 deletes old\n");
}

/* More than one flush may remove, and more than one sweep is needed: all go in the end. */
static void test_expiry_of_many(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    enum { ITEMS = 50000 };
    struct ht_delta *deltas = calloc(ITEMS, sizeof(*deltas));
    char(*names)[16] = calloc(ITEMS, sizeof(*names));
    assert_true(deltas != NULL && names != NULL);
    for (int i = 0; i < ITEMS; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "tag%06d", i);
        int64_t at_s = i % 25 == 7 ? 1000 : 2000;
        deltas[i] = (struct ht_delta){.hashtag = ht_slice_text(names[i]), .count = 1};
        deltas[i].first_seen_s = at_s;
        deltas[i].last_seen_s = at_s;
    }
    struct ht_table_flush flush = {.deltas = deltas, .delta_count = ITEMS, .now_s = 1000};
    store_open(&store, fixture, 100);
    assert_int_equal(store_flush(&store, &flush), 0);
    size_t most = 0;
    for (int i = 0; i < 8; i++) {
        flush = (struct ht_table_flush){.now_s = 1100};
        assert_int_equal(store_flush(&store, &flush), 0);
        most = flush.removed_count > most ? flush.removed_count : most;
    }
    assert_int_equal(most, 800); /* one in 25 of the 20,000 that a flush looks at */
    assert_int_equal(store.table->counters.items_expired, ITEMS / 25);
    flush = (struct ht_table_flush){.now_s = 2100};
    assert_int_equal(store_flush(&store, &flush), 0);
    assert_int_equal(flush.removed_count, 1000);
    store_close(&store);
    assert_int_equal(store_ask(fixture, "SELECT count(*) FROM items"), ITEMS - ITEMS / 25 - 1000);
    free(deltas);
    free(names);
}

/* Fails at each step of a flush in turn: nothing of it is there, and the same flush succeeds once
 * the fault is gone. */
static void test_flush_is_all_or_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const char *const faults[] = {
        "BEFORE INSERT ON items WHEN new.hashtag = 'last'",
        "BEFORE UPDATE ON items",
        "BEFORE INSERT ON checkpoints",
        "BEFORE INSERT ON window_parts WHEN new.kind = 0",
        "BEFORE DELETE ON items",
        "BEFORE INSERT ON removals",
        "BEFORE INSERT ON window_parts WHEN new.kind = 1",
    };
    struct ht_delta deltas[] = {
        {.hashtag = HT_SLICE("a"), .count = 10, .first_seen_s = 9, .last_seen_s = NOW_S},
        {.hashtag = HT_SLICE("gone"), .count = 10, .first_seen_s = 9, .last_seen_s = NOW_S},
        {.hashtag = HT_SLICE("last"), .count = 10, .first_seen_s = 9, .last_seen_s = NOW_S},
    };
    struct ht_checkpoint checkpoint = {.shard_id = "shard"};
    struct ht_window_part part = {.minute = NOW_S / 60, .data = HT_SLICE("part")};
    struct ht_slice tag = HT_SLICE("gone");
    struct store store;
    ht_position_after(&checkpoint.position, HT_SLICE("999"), 0);
    store_open(&store, fixture, 0);
    assert_int_equal(store_count(&store, "a", 1, NOW_S, "1"), 0);
    assert_int_equal(store_count(&store, "gone", 1, NOW_S, "1"), 0);
    struct ht_table_flush flush = {.deltas = deltas, .delta_count = 3, .now_s = NOW_S};
    flush.checkpoints = &checkpoint;
    flush.checkpoint_count = 1;
    flush.parts = &part;
    flush.part_count = 1;
    flush.deletes = &tag;
    flush.delete_count = 1;
    for (size_t i = 0; i < HT_COUNT_OF(faults); i++) {
        char sql[256];
        (void)snprintf(sql, sizeof(sql),
                       "CREATE TRIGGER fault %s BEGIN SELECT RAISE(ABORT, 'a fault'); END",
                       faults[i]);
        store_sql(fixture, sql);
        assert_int_not_equal(store_flush(&store, &flush), 0);
        assert_non_null(strstr(flush.error.text, "a fault"));
        assert_int_equal(flush.removed_count, 0);
        assert_int_equal(store_ask(fixture, "SELECT sum(count) FROM items"), 2);
        assert_int_equal(store_ask(fixture, "SELECT sequence FROM checkpoints"), 1);
        assert_int_equal(store_ask(fixture, "SELECT count(*) FROM window_parts"), 0);
        assert_int_equal(store_ask(fixture, "SELECT count(*) FROM removals"), 0);
        assert_int_equal(store.table->health.state, HT_HEALTH_WAITING);
        store_sql(fixture, "DROP TRIGGER fault");
    }
    assert_int_equal(store_flush(&store, &flush), 0);
    assert_int_equal(store.table->health.state, HT_HEALTH_WORKING);
    assert_int_equal(flush.removed_count, 1);
    store_close(&store);
    char expected[256];
    (void)snprintf(expected, sizeof(expected),
                   "a 11 9 %d %d\nlast 10 9 %d %d\nshard at 3 '999' 0 0 0\nminute %d has part\n"
                   "minute %d deletes gone\n",
                   NOW_S, 0, NOW_S, 0, NOW_S / 60, NOW_S / 60);
    expect_loaded(fixture, 0, expected);
}

static void test_keeping_windows_only(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct loaded loaded;
    const struct ht_slice gone[] = {HT_SLICE("never-here"), HT_SLICE("a")};
    struct ht_window_part part = {.minute = NOW_S / 60, .data = HT_SLICE("part")};
    store_open(&store, fixture, 0);
    assert_int_equal(store_count(&store, "a", 5, NOW_S, "10"), 0);
    store_close(&store);
    store_open(&store, fixture, 0);
    ht_embedded_table_keep_windows(store.table);
    load_into(&loaded, &store, 0);
    assert_string_equal(loaded.text == NULL ? "" : loaded.text, "");
    free(loaded.text);
    struct ht_table_flush flush = {
        .parts = &part, .part_count = 1, .deletes = gone, .delete_count = 2, .now_s = NOW_S};
    assert_int_equal(store_flush(&store, &flush), 0);
    assert_int_equal(flush.removed_count, 0);
    assert_int_equal(store_ask(fixture, "SELECT count(*) FROM items"), 1);
    assert_int_equal(store_ask(fixture, "SELECT count(*) FROM window_parts WHERE kind = 1"), 2);
    store_close(&store);
}

static void test_full_disk_and_room_again(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    if (!fixture_mount_small(fixture_path(fixture, "small"), 2048)) {
        skip();
    }
    struct fixture small = *fixture;
    (void)snprintf(small.directory, sizeof(small.directory), "%s", fixture_path(fixture, "small"));
    char *bytes = calloc(1, 1 << 20);
    assert_non_null(bytes);
    fixture_write_file(fixture_path(&small, "ballast"), bytes, 1 << 20);
    free(bytes);
    store_open(&store, &small, 0);
    assert_int_equal(store.open_status, 0);
    int status = 0;
    uint64_t counted = 0;
    while (status == 0) {
        char name[64];
        (void)snprintf(name, sizeof(name), "a tag to fill the disk with, number %" PRIu64, counted);
        status = store_count(&store, name, 1, NOW_S, "1");
        counted += status == 0;
    }
    assert_int_equal(status, HT_ENOSPC);
    assert_int_equal(store.table->health.state, HT_HEALTH_WAITING);
    assert_non_null(strstr(store.table->health.text, "Free some space"));
    assert_int_equal(remove(fixture_path(&small, "ballast")), 0);
    assert_int_equal(store_count(&store, "again", 1, NOW_S, "2"), 0);
    store_close(&store);
    assert_int_equal(store_ask(&small, "SELECT sum(count) FROM items"), counted + 1);
    fixture_unmount(fixture_path(fixture, "small"));
}

static void test_load_of_many(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct loaded loaded;
    enum { ITEMS = 100000 };
    store_open(&store, fixture, 0);
    store_close(&store);
    store_sql(fixture,
              "INSERT INTO items WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
              " LIMIT 100000) SELECT 'tag' || i, i, 1, 2 FROM n");
    store_sql(fixture, "INSERT INTO items VALUES (printf('%.*c', 2048, 'x'), 1, 1, 1)");
    store_sql(fixture, "INSERT INTO window_parts (minute, kind, data) WITH RECURSIVE n (i) AS"
                       " (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000)"
                       " SELECT i, 0, zeroblob(5000) FROM n");
    store_sql(fixture, "INSERT INTO window_parts (minute, kind, data)"
                       " VALUES (1, 0, zeroblob(3000000))");
    store_open(&store, fixture, 0);
    load_into(&loaded, &store, 2001);
    assert_int_equal(loaded.load.status, 0);
    assert_int_equal(loaded.items, ITEMS + 1);
    assert_int_equal(loaded.expected, ITEMS + 1);
    free(loaded.text);
    store_close(&store);
    store_open(&store, fixture, 0);
    load_into(&loaded, &store, 0);
    assert_int_equal(loaded.load.status, 0);
    size_t lines = 0;
    for (const char *at = loaded.text; (at = strstr(at, "minute ")) != NULL; at++) {
        lines++;
    }
    assert_int_equal(lines, 2001);
    free(loaded.text);
    store_close(&store);
}

/* A day of minutes is more than one turn takes along, and so are the shards of a long life. */
static void test_load_of_many_small_parts_and_positions(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct loaded loaded;
    enum { MINUTES = 1440, SHARDS = 200 };
    store_open(&store, fixture, 0);
    store_close(&store);
    store_sql(fixture, "INSERT INTO window_parts (minute, kind, data) WITH RECURSIVE n (i) AS"
                       " (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1440)"
                       " SELECT i, 0, 'part' || i FROM n");
    store_sql(fixture, "INSERT INTO checkpoints WITH RECURSIVE n (i) AS"
                       " (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200)"
                       " SELECT 'shard' || i, 3, i, 0, i, 0 FROM n");
    store_open(&store, fixture, 0);
    load_into(&loaded, &store, 0);
    assert_int_equal(loaded.load.status, 0);
    size_t lines = 0;
    for (const char *at = loaded.text; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    assert_int_equal(lines, MINUTES + SHARDS);
    const char *at = loaded.text;
    for (int i = 1; i <= MINUTES; i++) { /* each once, and in their order */
        char line[64];
        (void)snprintf(line, sizeof(line), "minute %d has part%d\n", i, i);
        assert_non_null(at = strstr(at, line));
    }
    for (int i = 1; i <= SHARDS; i++) {
        char line[64];
        (void)snprintf(line, sizeof(line), "shard%d at 3 '%d' 0 %d 0\n", i, i, i);
        assert_non_null(strstr(loaded.text, line));
    }
    free(loaded.text);
    store_close(&store);
}

static void test_close_ends_a_load(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct loaded loaded = {.fixture = fixture};
    store_open(&store, fixture, 0);
    loaded.load = (struct ht_table_load){.on_items = on_items,
                                         .on_checkpoint = on_checkpoint,
                                         .on_window_part = on_window_part,
                                         .done = on_loaded,
                                         .user = &loaded};
    store.table->ops->load(store.table, &loaded.load);
    store_close(&store);
    assert_true(loaded.is_done);
    assert_int_equal(loaded.load.status, HT_ECANCELED);
}

static void test_load_without_a_database(void **state)
{
    struct fixture *fixture = *state;
    struct store store;
    struct loaded loaded;
    fixture_write_file(fixture_path(fixture, "hashtagd.db"), "this is no database at all", 26);
    store_open(&store, fixture, 0);
    load_into(&loaded, &store, 0);
    assert_int_equal(loaded.load.status, HT_ECORRUPT);
    assert_string_equal(loaded.load.error.text, store.open_error.text);
    assert_int_equal(store.table->health.state, HT_HEALTH_FAILED);
    free(loaded.text);
    store_close(&store);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_empty),
        CASE(test_counts_add_up),
        CASE(test_positions_come_back_whole),
        CASE(test_window_parts),
        CASE(test_keeping_windows_only),
        CASE(test_delete_takes_the_new_counts_along),
        CASE(test_expiry),
        CASE(test_expiry_of_many),
        CASE(test_flush_is_all_or_nothing),
        CASE(test_full_disk_and_room_again),
        CASE(test_load_of_many),
        CASE(test_load_of_many_small_parts_and_positions),
        CASE(test_close_ends_a_load),
        CASE(test_load_without_a_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
