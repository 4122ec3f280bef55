// SPDX-License-Identifier: MIT
#include "../../../src/backends/segment_log.h"

#include "fixture.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cmocka.h>

enum { START_MS = 1000, SEGMENT_HEADER = 512, BLOCK_HEADER = 64, NOISE_BYTES = 100000 };
#define FIRST ((uint64_t)START_MS * 1000)

/* Faults of the disk. The program is linked so that the log's calls of these functions come here
 * (--wrap); `fault` says which of them fails, counted from now. */
static struct {
    int countdown;            /* 0: none; 1: the next call fails */
    bool goes_on;             /* all calls after it fail too */
    bool was_failed;          /* it came to that */
    bool interrupts_truncate; /* a signal comes during the next one, which is no failure */
} fault;

int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __real_ftruncate64(int fd, off_t length);
int __wrap_ftruncate64(int fd, off_t length);
ssize_t __real_pwritev64(int fd, const struct iovec *parts, int count, off_t offset);
ssize_t __wrap_pwritev64(int fd, const struct iovec *parts, int count, off_t offset);

static bool fails_now(void)
{
    if (fault.countdown == 0 || (fault.countdown > 1 && fault.countdown--)) {
        return false;
    }
    fault.countdown = fault.goes_on ? 1 : 0;
    fault.was_failed = true;
    errno = EIO;
    return true;
}

/* A sync that succeeds needs no disk: nobody pulls the plug here. */
int __wrap_fdatasync(int fd)
{
    (void)fd;
    return fails_now() ? -1 : 0;
}

int __wrap_fsync(int fd)
{
    (void)fd;
    return fails_now() ? -1 : 0;
}

int __wrap_ftruncate64(int fd, off_t length)
{
    if (fault.interrupts_truncate) {
        fault.interrupts_truncate = false;
        errno = EINTR;
        return -1;
    }
    return fails_now() ? -1 : __real_ftruncate64(fd, length);
}

/* Half of the first part is written. */
ssize_t __wrap_pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
{
    if (!fails_now()) {
        return __real_pwritev64(fd, parts, count, offset);
    }
    struct iovec half = {parts->iov_base, parts->iov_len / 2};
    (void)__real_pwritev64(fd, &half, 1, offset);
    errno = EIO;
    return -1;
}

static int try_open(struct fixture *fixture, struct ht_segment_log **log, uint64_t segment_bytes,
                    struct ht_error *error)
{
    struct ht_segment_log_options options = {
        .directory = fixture_path(fixture, "stream"),
        .segment_bytes = segment_bytes,
        .level = -5,
        .now_ms = START_MS,
        .log = &fixture->log,
    };
    return ht_segment_log_open(log, &options, error);
}

static struct ht_segment_log *open_log(struct fixture *fixture, uint64_t segment_bytes)
{
    struct ht_segment_log *log;
    struct ht_error error = {0};
    int status = try_open(fixture, &log, segment_bytes, &error);
    if (status != 0) {
        print_error("%s\n", error.text);
    }
    assert_int_equal(status, 0);
    return log;
}

/* Appends `count` records "record <n>" with arrival `at_ms`. */
static int try_append(struct ht_segment_log *log, unsigned count, int64_t at_ms, const char *cursor,
                      struct ht_error *error)
{
    struct ht_segment_block *block = ht_segment_block_create((size_t)count * 64);
    assert_non_null(block);
    block->arrival_ms = at_ms;
    uint64_t next = ht_segment_log_figures(log, 0).next_sequence;
    for (unsigned i = 0; i < count; i++) {
        char text[40];
        int length = snprintf(text, sizeof(text), "record %" PRIu64, next + i);
        ht_segment_block_add(block, ht_slice_make(text, (size_t)length), HT_SLICE("key"));
    }
    struct ht_segment_append append = {block, ht_slice_text(cursor), 0};
    int status = ht_segment_log_append(log, &append, error);
    ht_segment_block_release(block);
    return status;
}

static void append(struct ht_segment_log *log, unsigned count, int64_t at_ms, const char *cursor)
{
    struct ht_error error = {0};
    assert_int_equal(try_append(log, count, at_ms, cursor, &error), 0);
}

/* Checks each record of a block; how many are `sequence` and up. */
static uint64_t check_block(const struct ht_segment_block *block, uint64_t sequence)
{
    size_t offset = 0;
    uint64_t records = 0, end = block->first_sequence + block->record_count;
    for (uint64_t i = block->first_sequence; i < end; i++) {
        struct ht_slice data, key;
        char text[40];
        ht_segment_block_get(block, &offset, &data, &key);
        (void)snprintf(text, sizeof(text), "record %" PRIu64, i);
        assert_true(ht_slice_equal(data, ht_slice_text(text)));
        assert_true(ht_slice_equal(key, HT_SLICE("key")));
        records += i >= sequence;
    }
    assert_int_equal(offset, block->length);
    return records;
}

/* Reads from `sequence` to the end; how many records there were. */
static uint64_t read_from(struct ht_segment_log *log, uint64_t sequence)
{
    uint64_t records = 0;
    for (;;) {
        struct ht_segment_block *block;
        struct ht_error error = {0};
        assert_int_equal(ht_segment_log_read(log, sequence, &block, &error), 0);
        if (block == NULL) {
            return records;
        }
        records += check_block(block, sequence);
        sequence = block->first_sequence + block->record_count;
        ht_segment_block_release(block);
    }
}

static const char *segment_path(struct fixture *fixture, size_t index)
{
    char name[64];
    size_t count;
    char **names = fixture_list(fixture_path(fixture, "stream"), &count);
    assert_true(index < count);
    (void)snprintf(name, sizeof(name), "stream/%s", names[index]);
    fixture_free_names(names, count);
    return fixture_path(fixture, name);
}

static size_t segment_count(struct fixture *fixture)
{
    size_t count;
    char **names = fixture_list(fixture_path(fixture, "stream"), &count);
    fixture_free_names(names, count);
    return count;
}

static void test_append_read_reopen(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log = open_log(fixture, 1 << 20);
    struct ht_segment_log_figures figures = ht_segment_log_figures(log, 0);
    assert_int_equal(figures.first_sequence, FIRST);
    assert_int_equal(figures.next_sequence, FIRST);
    assert_int_equal(read_from(log, FIRST), 0);
    append(log, 1, 2000, NULL);
    append(log, 500, 2001, "cursor one");
    append(log, 0, 2002, "cursor two");
    append(log, 7, 2003, NULL);
    assert_int_equal(read_from(log, FIRST), 508);
    ht_segment_log_close(log);
    log = open_log(fixture, 1 << 20);
    figures = ht_segment_log_figures(log, 0);
    assert_int_equal(figures.first_sequence, FIRST);
    assert_int_equal(figures.next_sequence, FIRST + 508);
    assert_int_equal(figures.newest_ms, 2003);
    assert_true(ht_slice_equal(ht_segment_log_cursor(log), HT_SLICE("cursor two")));
    for (uint64_t back = 0; back <= 508; back++) {
        assert_int_equal(read_from(log, FIRST + 508 - back), back);
    }
    ht_segment_log_close(log);
    assert_int_equal(fixture_log_count(fixture, "torn"), 0);
}

static void test_segments_follow_each_other(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log = open_log(fixture, 4096);
    for (int i = 0; i < 200; i++) {
        append(log, 10, 2000 + i, i == 3 ? "the cursor" : NULL);
    }
    size_t segments = segment_count(fixture);
    assert_in_range(segments, 3, 60);
    assert_int_equal(read_from(log, 0), 2000);
    ht_segment_log_close(log);
    log = open_log(fixture, 4096);
    assert_int_equal(segment_count(fixture), segments);
    assert_true(ht_slice_equal(ht_segment_log_cursor(log), HT_SLICE("the cursor")));
    for (uint64_t skip = 0; skip <= 2000; skip += 37) {
        assert_int_equal(read_from(log, FIRST + skip), 2000 - skip);
    }
    append(log, 5, 100, NULL); /* the clock went back: arrival does not */
    assert_int_equal(ht_segment_log_figures(log, 0).newest_ms, 2199);
    assert_int_equal(read_from(log, FIRST + 1990), 15);
    ht_segment_log_close(log);
}

/* A crash may leave any beginning of the last block. */
static void test_torn_tail_at_every_byte(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log = open_log(fixture, 1 << 20);
    append(log, 3, 2000, "first");
    append(log, 3, 2001, NULL);
    size_t whole_bytes = ht_segment_log_figures(log, 0).stored_bytes;
    append(log, 30, 2002, "second");
    ht_segment_log_close(log);
    char path[512];
    (void)snprintf(path, sizeof(path), "%s", segment_path(fixture, 0));
    size_t length;
    char *file = fixture_read_file(path, &length);
    assert_true(length > whole_bytes + BLOCK_HEADER);
    for (size_t cut = whole_bytes; cut < length; cut++) {
        fixture_write_file(path, file, cut);
        fault.interrupts_truncate = cut % 2 == 0;
        log = open_log(fixture, 1 << 20);
        struct ht_segment_log_figures figures = ht_segment_log_figures(log, 0);
        assert_int_equal(figures.next_sequence, FIRST + 6);
        assert_int_equal(figures.stored_bytes, whole_bytes);
        assert_true(ht_slice_equal(ht_segment_log_cursor(log), HT_SLICE("first")));
        append(log, 2, 2005, NULL);
        assert_int_equal(read_from(log, FIRST), 8);
        ht_segment_log_close(log);
        log = open_log(fixture, 1 << 20);
        assert_int_equal(read_from(log, FIRST), 8);
        ht_segment_log_close(log);
    }
    assert_int_equal(fixture_log_count(fixture, "torn tail cut off"), length - whole_bytes - 1);
    assert_int_equal(fixture_log_count(fixture, " bytes=1 "), 1);
    free(file);
}

/* ... or its length with other bytes in it: zeros here. */
static void test_torn_tail_of_zeros(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log = open_log(fixture, 1 << 20);
    append(log, 3, 2000, NULL);
    size_t whole_bytes = ht_segment_log_figures(log, 0).stored_bytes;
    append(log, 300, 2002, NULL);
    ht_segment_log_close(log);
    char path[512];
    (void)snprintf(path, sizeof(path), "%s", segment_path(fixture, 0));
    size_t length;
    char *file = fixture_read_file(path, &length);
    for (size_t from = whole_bytes; from < length; from += 13) {
        char *torn = calloc(1, length);
        assert_non_null(torn);
        memcpy(torn, file, from);
        fixture_write_file(path, torn, length);
        free(torn);
        log = open_log(fixture, 1 << 20);
        assert_int_equal(read_from(log, FIRST), 3);
        ht_segment_log_close(log);
    }
    free(file);
}

/* A changed byte with whole blocks behind it is no crash: it is told, and nothing is cut. */
static void test_every_changed_byte_is_seen(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log = open_log(fixture, 1 << 20);
    append(log, 3, 2000, "cursor");
    size_t damaged_end = ht_segment_log_figures(log, 0).stored_bytes;
    append(log, 3, 2001, NULL);
    ht_segment_log_close(log);
    char path[512];
    (void)snprintf(path, sizeof(path), "%s", segment_path(fixture, 0));
    size_t length;
    char *file = fixture_read_file(path, &length);
    for (size_t i = 0; i < damaged_end; i++) {
        struct ht_error error = {0};
        file[i] ^= 0x10;
        fixture_write_file(path, file, length);
        assert_int_equal(try_open(fixture, &log, 1 << 20, &error), HT_ECORRUPT);
        assert_null(log);
        assert_non_null(strstr(error.text, path));
        assert_non_null(strstr(error.text, i < SEGMENT_HEADER ? "beginning" : "byte 512"));
        file[i] ^= 0x10;
    }
    fixture_write_file(path, file, length);
    log = open_log(fixture, 1 << 20);
    assert_int_equal(read_from(log, FIRST), 6);
    ht_segment_log_close(log);
    free(file);
}

/* Reads on until an error; the number that could not be read. */
static uint64_t read_to_damage(struct ht_segment_log *log, struct ht_error *error)
{
    for (uint64_t at = FIRST;;) {
        struct ht_segment_block *block;
        int status = ht_segment_log_read(log, at, &block, error);
        if (status != 0) {
            assert_int_equal(status, HT_ECORRUPT);
            return at;
        }
        assert_non_null(block);
        at = block->first_sequence + block->record_count;
        ht_segment_block_release(block);
    }
}

/* The same in a segment that is not read at the start: a reader meets it, and what is before it and
 * behind it can be read. */
static void test_damage_in_an_older_segment(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log = open_log(fixture, 1 << 20);
    struct ht_segment_block *block;
    struct ht_error error = {0};
    append(log, 10, 2000, NULL);
    size_t first_block_end = ht_segment_log_figures(log, 0).stored_bytes;
    append(log, 10, 2001, NULL);
    append(log, 100, 2002, NULL);
    ht_segment_log_close(log);
    log = open_log(fixture, 1);
    append(log, 10, 2003, NULL);
    ht_segment_log_close(log);
    assert_int_equal(segment_count(fixture), 2);
    char path[512];
    (void)snprintf(path, sizeof(path), "%s", segment_path(fixture, 0));
    size_t length;
    char *file = fixture_read_file(path, &length);
    for (size_t i = first_block_end; i < length; i++) {
        file[i] ^= 1;
        fixture_write_file(path, file, length);
        log = open_log(fixture, 1 << 20);
        uint64_t damaged = read_to_damage(log, &error);
        assert_true(damaged == FIRST + 10 || damaged == FIRST + 20);
        assert_non_null(strstr(error.text, "truncate -s"));
        assert_int_equal(read_from(log, FIRST + 120), 10);
        ht_segment_log_close(log);
        file[i] ^= 1;
    }
    /* The advice in the text works: what is given up is a gap. */
    assert_int_equal(truncate(path, (off_t)first_block_end), 0);
    log = open_log(fixture, 1 << 20);
    assert_int_equal(ht_segment_log_read(log, FIRST + 10, &block, &error), 0);
    assert_int_equal(block->first_sequence, FIRST + 120);
    ht_segment_block_release(block);
    ht_segment_log_close(log);
    free(file);
}

/* A crash while a segment is being made leaves a file without a whole header. */
static void test_unfinished_segment_is_removed(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log = open_log(fixture, 1 << 20);
    append(log, 3, 2000, NULL);
    ht_segment_log_close(log);
    size_t length;
    char *file = fixture_read_file(segment_path(fixture, 0), &length);
    char name[64];
    (void)snprintf(name, sizeof(name), "stream/%020" PRIu64 ".seg", FIRST + 3);
    for (size_t bytes = 0; bytes < SEGMENT_HEADER; bytes += 73) {
        fixture_write_file(fixture_path(fixture, name), file, bytes);
        log = open_log(fixture, 1 << 20);
        assert_int_equal(segment_count(fixture), 1);
        assert_int_equal(read_from(log, FIRST), 3);
        ht_segment_log_close(log);
    }
    free(file);
}

/* A record that holds a block of another file does not make a torn tail look like damage. */
static void test_no_record_looks_like_a_block(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log = open_log(fixture, 1 << 20);
    struct ht_error error = {0};
    append(log, 3, 2000, NULL);
    ht_segment_log_close(log);
    size_t length;
    char *file = fixture_read_file(segment_path(fixture, 0), &length);
    assert_int_equal(unlink(segment_path(fixture, 0)), 0);
    log = open_log(fixture, 1 << 20);
    append(log, 3, 2000, NULL);
    struct ht_segment_block *block = ht_segment_block_create(2 * NOISE_BYTES);
    struct ht_random random;
    char *noise = malloc(NOISE_BYTES); /* so that packing does not pay */
    assert_true(block != NULL && noise != NULL && length < NOISE_BYTES);
    ht_random_init(&random, 1);
    for (size_t i = 0; i < NOISE_BYTES; i++) {
        noise[i] = (char)ht_random_u64(&random);
    }
    ht_segment_block_add(block, ht_slice_make(file, length), HT_SLICE("key"));
    ht_segment_block_add(block, ht_slice_make(noise, NOISE_BYTES), HT_SLICE("key"));
    free(noise);
    struct ht_segment_append hostile = {block, {0}, 0};
    assert_int_equal(ht_segment_log_append(log, &hostile, &error), 0);
    ht_segment_block_release(block);
    ht_segment_log_close(log);
    free(file);
    const char *path = segment_path(fixture, 0);
    file = fixture_read_file(path, &length);
    fixture_write_file(path, file, length - 1);
    log = open_log(fixture, 1 << 20);
    assert_int_equal(read_from(log, FIRST), 3);
    ht_segment_log_close(log);
    free(file);
}

static void test_find_time(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log = open_log(fixture, 2000);
    for (int i = 0; i < 100; i++) {
        append(log, 10, 2000 + i / 2 * 10, NULL); /* two blocks have the same time */
    }
    assert_true(segment_count(fixture) > 3);
    static const struct {
        int64_t time_ms;
        uint64_t skip;
    } cases[] = {{0, 0},      {2000, 0},   {2001, 20},   {2010, 20},        {2011, 40},
                 {2250, 500}, {2490, 980}, {2491, 1000}, {INT64_MAX, 1000}, {INT64_MIN, 0}};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
            uint64_t found;
            struct ht_error error = {0};
            assert_int_equal(ht_segment_log_find_time(log, cases[i].time_ms, &found, &error), 0);
            assert_int_equal(found, FIRST + cases[i].skip);
        }
        ht_segment_log_close(log);
        log = open_log(fixture, 2000);
    }
    ht_segment_log_close(log);
}

static void test_retention(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        struct ht_segment_retention retention;
        bool drops;
    } cases[] = {
        {"nothing consumed, over all limits", {0, 0, 0, INT64_MAX}, false},
        {"consumed, young, small", {UINT64_MAX / 2, 0, UINT64_MAX, 0}, false},
        {"consumed, old, but kept", {UINT64_MAX / 2, UINT64_MAX, UINT64_MAX, INT64_MAX}, false},
        {"consumed, old", {UINT64_MAX / 2, 0, UINT64_MAX, INT64_MAX}, true},
        {"consumed, too large, kept if possible", {UINT64_MAX / 2, UINT64_MAX, 0, 0}, true},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_segment_log *log = open_log(fixture, 2000);
        for (int j = 0; j < 40; j++) {
            append(log, 20, 2000 + j, NULL);
        }
        uint64_t first = ht_segment_log_figures(log, 0).first_sequence;
        uint64_t dropped = ht_segment_log_retain(log, &cases[i].retention);
        struct ht_segment_log_figures figures = ht_segment_log_figures(log, 0);
        if (cases[i].drops != (dropped > 0)) {
            fail_msg("%s: %" PRIu64 " dropped", cases[i].name, dropped);
        }
        assert_int_equal(figures.first_sequence, first + dropped);
        assert_int_equal(segment_count(fixture) == 1, cases[i].drops);
        assert_int_equal(read_from(log, 0), figures.next_sequence - figures.first_sequence);
        ht_segment_log_close(log);
    }
}

/* The oldest segment may be the very one that was read last. */
static void test_a_segment_is_dropped_while_it_is_read(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log = open_log(fixture, 4096);
    for (int i = 0; i < 200; i++) {
        append(log, 10, 2000 + i, NULL);
    }
    struct ht_segment_block *block;
    struct ht_error error = {0};
    assert_int_equal(ht_segment_log_read(log, FIRST, &block, &error), 0);
    ht_segment_block_release(block);
    const struct ht_segment_retention retention = {.bytes = 1, .consumed = FIRST + 2000};
    assert_true(ht_segment_log_retain(log, &retention) > 0);
    struct ht_segment_log_figures figures = ht_segment_log_figures(log, 0);
    assert_true(figures.first_sequence > FIRST);
    assert_int_equal(read_from(log, FIRST), FIRST + 2000 - figures.first_sequence);
    ht_segment_log_close(log);
}

static void test_retention_goes_up_to_consumed(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log = open_log(fixture, 2000);
    for (int j = 0; j < 200; j++) {
        append(log, 5, 2000 + j, NULL);
    }
    uint64_t before = ht_segment_log_figures(log, FIRST + 498).unconsumed_bytes;
    uint64_t all = ht_segment_log_figures(log, 0).stored_bytes;
    assert_in_range(before, all * 4 / 10, all * 6 / 10);
    struct ht_segment_retention retention = {FIRST + 498, 0, 0, 0};
    assert_true(ht_segment_log_retain(log, &retention) > 0);
    struct ht_segment_log_figures figures = ht_segment_log_figures(log, FIRST + 498);
    assert_in_range(figures.first_sequence, FIRST + 400, FIRST + 499);
    assert_int_equal(figures.unconsumed_bytes, before);
    assert_int_equal(read_from(log, FIRST + 499), 501);
    assert_int_equal(figures.created_sequence, FIRST);
    ht_segment_log_close(log);
    log = open_log(fixture, 2000);
    assert_int_equal(ht_segment_log_figures(log, 0).first_sequence, figures.first_sequence);
    assert_int_equal(ht_segment_log_figures(log, 0).created_sequence, FIRST);
    ht_segment_log_close(log);
}

static void test_full_disk(void **state)
{
    struct fixture *fixture = *state;
    const char *mounted = fixture_path(fixture, "stream");
    struct ht_error error = {0};
    if (!fixture_mount_small(mounted, 256)) {
        skip();
    }
    struct ht_segment_log *log = open_log(fixture, 16384);
    char *bytes = calloc(1, 120 * 1024);
    assert_non_null(bytes);
    fixture_write_file(fixture_path(fixture, "stream/ballast"), bytes, 120 * 1024);
    free(bytes);
    int status = 0;
    uint64_t records = 0;
    for (int i = 0; i < 10000 && status == 0; i++) {
        status = try_append(log, 100, 2000 + i, "c", &error);
        records += status == 0 ? 100 : 0;
    }
    assert_int_equal(status, HT_ENOSPC);
    assert_non_null(strstr(error.text, fixture_path(fixture, "stream")));
    assert_non_null(strstr(error.text, "Free some space"));
    for (int i = 0; i < 10; i++) { /* what is smaller may still find room */
        status = try_append(log, 1000, 9000, NULL, &error);
        records += status == 0 ? 1000 : 0;
    }
    assert_int_equal(status, HT_ENOSPC);
    assert_int_equal(read_from(log, FIRST), records);
    assert_int_equal(unlink(fixture_path(fixture, "stream/ballast")), 0);
    append(log, 100, 9001, "later");
    assert_int_equal(read_from(log, FIRST), records + 100);
    ht_segment_log_close(log);
    log = open_log(fixture, 16384);
    assert_int_equal(read_from(log, FIRST), records + 100);
    ht_segment_log_close(log);
    assert_int_equal(fixture_log_count(fixture, "torn"), 0);
    fixture_unmount(fixture_path(fixture, "stream"));
}

/* What was acknowledged, by sequence number from FIRST on: which try it came from. */
struct acknowledged {
    unsigned tries[4096];
    size_t count;
};

/* Appends records that name their try. */
static int append_try(struct ht_segment_log *log, unsigned try, struct acknowledged *acknowledged)
{
    unsigned count = 1 + try * 7 % 5;
    struct ht_segment_block *block = ht_segment_block_create(5 * 64);
    struct ht_error error = {0};
    assert_non_null(block);
    block->arrival_ms = 2000 + try;
    for (unsigned i = 0; i < count; i++) {
        char text[40];
        int length = snprintf(text, sizeof(text), "%u", try);
        ht_segment_block_add(block, ht_slice_make(text, (size_t)length), HT_SLICE("key"));
    }
    struct ht_segment_append append = {block, HT_SLICE("cursor"), 0};
    int status = ht_segment_log_append(log, &append, &error);
    ht_segment_block_release(block);
    for (unsigned i = 0; status == 0 && i < count; i++) {
        acknowledged->tries[acknowledged->count++] = try;
    }
    return status;
}

/* All that was acknowledged is there, in its place; behind it at most one try that was not. */
static void expect_acknowledged(struct ht_segment_log *log, const struct acknowledged *acknowledged)
{
    uint64_t sequence = FIRST, rest = 0;
    struct ht_segment_block *block;
    struct ht_error error = {0};
    for (;;) {
        assert_int_equal(ht_segment_log_read(log, sequence, &block, &error), 0);
        if (block == NULL) {
            break;
        }
        assert_int_equal(block->first_sequence, sequence);
        size_t offset = 0;
        for (uint32_t i = 0; i < block->record_count; i++, sequence++) {
            struct ht_slice data, key;
            uint64_t try;
            ht_segment_block_get(block, &offset, &data, &key);
            assert_int_equal(ht_slice_to_u64(data, UINT32_MAX, &try), 0);
            if (sequence - FIRST < acknowledged->count) {
                assert_int_equal(try, acknowledged->tries[sequence - FIRST]);
            } else {
                rest++;
            }
        }
        ht_segment_block_release(block);
    }
    assert_true(sequence - FIRST >= acknowledged->count);
    assert_true(rest <= 5);
}

/* One run with the fault at call `at`; false once there are no so many calls. */
static bool run_with_fault(struct fixture *fixture, int at, bool goes_on, bool ends_there)
{
    struct acknowledged acknowledged = {.count = 0};
    struct ht_segment_log *log = open_log(fixture, 1000);
    unsigned try = 1;
    fault.countdown = at;
    fault.goes_on = goes_on;
    fault.was_failed = false;
    for (; try < 40; try++) {
        int status = append_try(log, try, &acknowledged);
        assert_true(status == 0 || fault.was_failed);
        if (status != 0 && ends_there) {
            break;
        }
        if (status != 0 && try % 3 == 0) {
            fault.countdown = 0; /* the disk is well again */
        }
    }
    bool was_failed = fault.was_failed;
    fault.countdown = 0;
    if (!ends_there) {
        assert_int_equal(append_try(log, try, &acknowledged), 0);
        expect_acknowledged(log, &acknowledged);
    }
    ht_segment_log_close(log);
    log = open_log(fixture, 1000);
    expect_acknowledged(log, &acknowledged);
    ht_segment_log_close(log);
    while (segment_count(fixture) > 0) {
        assert_int_equal(unlink(segment_path(fixture, 0)), 0);
    }
    return was_failed;
}

/* Every write, sync and cut fails in turn, once or for a while; the process goes on, or ends there
 * as in a crash. */
static void test_disk_faults_at_every_call(void **state)
{
    for (int mode = 0; mode < 4; mode++) {
        int at = 1;
        while (run_with_fault(*state, at, (mode & 1) != 0, (mode & 2) != 0)) {
            at++;
        }
        assert_in_range(at, 80, 400);
    }
}

/* After a failed sync the kernel may have dropped pages: nothing more goes into that file. */
static void test_failed_sync_ends_the_segment(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log = open_log(fixture, 1 << 20);
    struct ht_error error = {0};
    append(log, 3, 2000, NULL);
    fault.countdown = 2; /* the write, then its sync */
    fault.goes_on = false;
    assert_int_equal(try_append(log, 3, 2001, NULL, &error), HT_EIO);
    assert_int_equal(segment_count(fixture), 1);
    size_t length;
    free(fixture_read_file(segment_path(fixture, 0), &length));
    assert_int_equal(length, ht_segment_log_figures(log, 0).stored_bytes); /* nothing of it stays */
    append(log, 3, 2002, NULL);
    append(log, 3, 2003, NULL);
    assert_int_equal(segment_count(fixture), 2);
    assert_int_equal(read_from(log, FIRST), 9);
    ht_segment_log_close(log);
}

static void test_directory_that_cannot_be(void **state)
{
    struct fixture *fixture = *state;
    struct ht_segment_log *log;
    struct ht_error error = {0};
    fixture_write_file(fixture_path(fixture, "stream"), "x", 1);
    assert_int_not_equal(try_open(fixture, &log, 4096, &error), 0);
    assert_non_null(strstr(error.text, fixture_path(fixture, "stream")));
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_append_read_reopen),
        CASE(test_segments_follow_each_other),
        CASE(test_torn_tail_at_every_byte),
        CASE(test_torn_tail_of_zeros),
        CASE(test_every_changed_byte_is_seen),
        CASE(test_damage_in_an_older_segment),
        CASE(test_unfinished_segment_is_removed),
        CASE(test_no_record_looks_like_a_block),
        CASE(test_find_time),
        CASE(test_retention),
        CASE(test_retention_goes_up_to_consumed),
        CASE(test_a_segment_is_dropped_while_it_is_read),
        CASE(test_full_disk),
        CASE(test_disk_faults_at_every_call),
        CASE(test_failed_sync_ends_the_segment),
        CASE(test_directory_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
