// SPDX-License-Identifier: MIT
#include "event_reader.h"

#include "stream_pieces.h"

#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "../../support/shared.h"

/* What one reading gave: "name=data" and "B reason bytes", each ended by 0x1e. */
struct bench {
    struct ht_event_reader reader;
    size_t max_bytes;
    struct ht_buffer seen;
    struct ht_slice expected;
    const char *name;
};

static void on_event(void *user, struct ht_slice name, struct ht_slice data)
{
    struct bench *bench = user;
    ht_buffer_append_slice(&bench->seen, name);
    ht_buffer_append_byte(&bench->seen, '=');
    ht_buffer_append_slice(&bench->seen, data);
    ht_buffer_append_byte(&bench->seen, 0x1e);
}

static void on_bad(void *user, struct ht_slice bytes, const char *reason)
{
    struct bench *bench = user;
    assert_true(bytes.length <= bench->max_bytes);
    ht_buffer_append_format(&bench->seen, "B %s ", reason);
    ht_buffer_append_slice(&bench->seen, bytes);
    ht_buffer_append_byte(&bench->seen, 0x1e);
}

static void begin(void *user)
{
    static const struct ht_event_reader_events events = {on_event, on_bad};
    struct bench *bench = user;
    ht_buffer_init(&bench->seen, 64u << 20);
    ht_event_reader_init(&bench->reader, &events, bench, bench->max_bytes);
}

static void feed(void *user, struct ht_slice piece)
{
    struct bench *bench = user;
    assert_int_equal(ht_event_reader_feed(&bench->reader, piece), 0);
    assert_true(bench->reader.line.length + bench->reader.name.length + bench->reader.data.length <=
                bench->max_bytes + 1);
}

static void end(void *user)
{
    struct bench *bench = user;
    ht_event_reader_end(&bench->reader);
    struct ht_slice seen = ht_buffer_slice(&bench->seen);
    if (!ht_slice_equal(seen, bench->expected)) {
        fail_msg("%s: got [%.*s], expected [%.*s]", bench->name, (int)seen.length, seen.data,
                 (int)bench->expected.length, bench->expected.data);
    }
    ht_event_reader_finish(&bench->reader);
    ht_buffer_finish(&bench->seen);
}

static void check(struct bench *bench, struct ht_slice stream, struct ht_slice expected)
{
    const struct stream_pieces pieces = {begin, feed, end, bench};
    bench->expected = expected;
    stream_pieces_run(&pieces, stream);
}

static const struct {
    const char *name;
    const char *stream;
    const char *expected; /* '|' for 0x1e */
    size_t max_bytes;     /* 0: 64 */
} rows[] = {
    {"nothing", "", "", 0},
    {"one", "event: update\ndata: {}\n\n", "update={}|", 0},
    {"without a name", "data: {}\n\n", "message={}|", 0},
    {"an empty name", "event: update\nevent\ndata: {}\n\n", "message={}|", 0},
    {"no data", "event: update\n\ndata: 1\n\n", "message=1|", 0},
    {"empty data", "data\n\ndata:\n\ndata: \n\n", "message=|message=|message=|", 0},
    {"several data lines", "data: a\ndata:b\ndata\ndata:  c\n\n", "message=a\nb\n\n c|", 0},
    {"the last name counts", "event: a\ndata: 1\nevent: b\n\n", "b=1|", 0},
    {"CR LF", "event: u\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", "u=1|message=2|", 0},
    {"CR", "event: u\rdata: 1\r\rdata: 2\r\r", "u=1|message=2|", 0},
    {"mixed ends", "event: u\rdata: 1\n\r\ndata: 2\r\n\ndata: 3\n\r", "u=1|message=2|message=3|",
     0},
    {"CR, then LF", "data: 1\r\n\rdata: 2\n\r\n", "message=1|message=2|", 0},
    {"comments", ":)\nevent: update\n:thump\ndata: {}\n:\n\n:thump\n\n:x\r\ndata: 1\n\n",
     "update={}|message=1|", 0},
    {"byte order mark",
     "\xEF\xBB\xBF"
     "data: 1\n\n\xEF\xBB\xBF"
     "data: 2\n\ndata: 3\n\n",
     "message=1|message=3|", 0},
    {"byte order mark and comment", "\xEF\xBB\xBF:)\ndata: 1\n\n", "message=1|", 0},
    {"byte order mark alone", "\xEF\xBB\xBF\r\ndata: 1\r\n\r\n", "message=1|", 0},
    {"half a byte order mark",
     "\xEF\xBB"
     "data: 1\n\ndata: 2\n\n",
     "message=2|", 0},
    {"other fields", "id: 7\nretry: 10\nfoo: bar\n data: 0\nDATA: 1\ndata: 2\n\n", "message=2|", 0},
    {"no colon", "foo\nevent\ndata\n\n", "message=|", 0},
    {"colons in the value", "event: a: b\ndata: {\"a\":1}\n\n", "a: b={\"a\":1}|", 0},
    {"UTF-8", "data: \u00fc\u20ac\U0001f600\n\n", "message=\u00fc\u20ac\U0001f600|", 0},
    {"not complete", "data: 1\n\ndata: 2\n", "message=1|", 0},
    {"cut off", "data: 1\n\ndata: 2", "message=1|", 0},
    {"many empty lines", "\n\n\r\n\r\ndata: 1\n\n\n\n", "message=1|", 0},
    {"as large as allowed", "data: 3456\n\ndata: 3456\r\n\r\n", "message=3456|message=3456|", 10},
    {"a line too large", "data: 34567\n\ndata: 1\n\n", "B too_large data: 3456|message=1|", 10},
    {"a line much too large",
     "data: 3456789012345678901234567890\ndata: 2\nevent: x\n:c\n\ndata: 1\n\n",
     "B too_large data: 3456|message=1|", 10},
    {"too large together", "data: 1234\ndata: 67\ndata: 9\n\ndata: 1\n\n",
     "B too_large 1234|message=1|", 10},
    {"too large with the name", "event: ab\ndata: 345\n\ndata: 1\n\n",
     "B too_large data: 34|message=1|", 10},
    {"too large, CR LF", "data: 34567\r\ndata: 9\r\n\r\ndata: 1\r\n\r\n",
     "B too_large data: 3456|message=1|", 10},
    {"too large, the end", "data: 34567890", "B too_large data: 3456|", 10},
    {"long comments do no harm",
     ":23456789012345678901234567890\ndata: 1\n:2345678901234567890\n\n", "message=1|", 10},
};

static void test_every_cut_gives_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char expected[512];
        size_t length = strlen(rows[i].expected);
        assert_true(length < sizeof(expected));
        for (size_t k = 0; k < length; k++) {
            expected[k] = rows[i].expected[k] == '|' ? 0x1e : rows[i].expected[k];
        }
        struct bench bench = {.max_bytes = rows[i].max_bytes == 0 ? 64 : rows[i].max_bytes,
                              .name = rows[i].name};
        check(&bench, ht_slice_text(rows[i].stream), ht_slice_make(expected, length));
    }
}

/* --- another reader, slow and simple: it has the whole stream and knows no limit --- */

static void other_field(struct ht_slice line, struct ht_buffer *name, struct ht_buffer *data)
{
    size_t colon = 0;
    while (colon < line.length && line.data[colon] != ':') {
        colon++;
    }
    size_t from = colon < line.length ? colon + 1 : colon;
    from += from < line.length && line.data[from] == ' ' ? 1 : 0;
    if (colon == 4 && memcmp(line.data, "data", 4) == 0) {
        ht_buffer_append(data, line.data + from, line.length - from);
        ht_buffer_append_byte(data, '\n');
    } else if (colon == 5 && memcmp(line.data, "event", 5) == 0) {
        ht_buffer_clear(name);
        ht_buffer_append(name, line.data + from, line.length - from);
    }
}

static void other_read(struct ht_slice stream, struct ht_buffer *out)
{
    struct ht_buffer name, data;
    ht_buffer_init(&name, 1u << 20);
    ht_buffer_init(&data, 1u << 20);
    size_t begin = stream.length >= 3 && memcmp(stream.data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (size_t at = begin; at < stream.length; at++) {
        if (stream.data[at] != '\r' && stream.data[at] != '\n') {
            continue;
        }
        if (at > begin) {
            other_field(ht_slice_make(stream.data + begin, at - begin), &name, &data);
        } else {
            if (data.length > 0) {
                ht_buffer_append_text(out, name.length > 0 ? name.data : "message");
                ht_buffer_append_byte(out, '=');
                ht_buffer_append(out, data.data, data.length - 1);
                ht_buffer_append_byte(out, 0x1e);
            }
            ht_buffer_clear(&name);
            ht_buffer_clear(&data);
        }
        at += stream.data[at] == '\r' && at + 1 < stream.length && stream.data[at + 1] == '\n';
        begin = at + 1;
    }
    ht_buffer_finish(&name);
    ht_buffer_finish(&data);
}

/* Streams of random scraps, cut at random places. */
static void test_it_reads_what_a_simple_reader_reads(void **state)
{
    (void)state;
    static const char *const scraps[] = {
        "\n",      "\n",           "\r\n",   "\r",   "data: ",   "data:",    "data",
        "event: ", "event:",       "event",  ":",    ":thump\n", " ",        "x",
        "{}",      "\xEF\xBB\xBF", "\u20ac", "\n\n", "id: 1\n",  "\r\n\r\n",
    };
    struct ht_random random;
    ht_random_init(&random, 5);
    for (unsigned round = 0; round < 6000; round++) {
        struct ht_buffer stream, expected;
        ht_buffer_init(&stream, 4096);
        ht_buffer_init(&expected, 1u << 20);
        for (uint64_t count = 1 + ht_random_below(&random, 40); count > 0; count--) {
            ht_buffer_append_text(
                &stream, scraps[ht_random_below(&random, sizeof(scraps) / sizeof(scraps[0]))]);
        }
        other_read(ht_buffer_slice(&stream), &expected);
        struct bench bench = {.max_bytes = 4096, .name = stream.data};
        const struct stream_pieces pieces = {begin, feed, end, &bench};
        bench.expected = ht_buffer_slice(&expected);
        stream_pieces_steps(&pieces, ht_buffer_slice(&stream), stream.length);
        stream_pieces_steps(&pieces, ht_buffer_slice(&stream), 1);
        for (unsigned cut = 0; cut < 6; cut++) {
            size_t first = ht_random_below(&random, stream.length + 1);
            size_t second = first + ht_random_below(&random, stream.length - first + 1);
            stream_pieces_cut(&pieces, ht_buffer_slice(&stream), first, second);
        }
        ht_buffer_finish(&stream);
        ht_buffer_finish(&expected);
    }
}

/* A piece with one kind of line ends only is not searched for the other kind line after line. */
static void test_many_short_lines_are_read_once(void **state)
{
    (void)state;
    enum { LINES = 1000000 };
    static const char ends[] = {'\n', '\r'};
    for (size_t i = 0; i < 2; i++) {
        char *stream = malloc(LINES);
        assert_non_null(stream);
        memset(stream, ends[i], LINES);
        struct bench bench = {.max_bytes = 64, .name = "many", .expected = HT_SLICE("")};
        clock_t begun = clock();
        begin(&bench);
        feed(&bench, ht_slice_make(stream, LINES));
        end(&bench);
        assert_true(clock() - begun < 5 * CLOCKS_PER_SEC); /* it takes milliseconds */
        free(stream);
    }
}

static void test_a_reader_can_be_used_again(void **state)
{
    (void)state;
    static const char *const before[] = {
        "data: 1\n", "event: x\n", "da", "\r", "data: 3456789012345678901", ":", "\xEF\xBB"};
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        struct bench bench = {.max_bytes = 12, .name = before[i]};
        begin(&bench);
        feed(&bench, ht_slice_text(before[i]));
        ht_event_reader_end(&bench.reader);
        ht_buffer_clear(&bench.seen);
        feed(&bench, HT_SLICE("\xEF\xBB\xBF"
                              "data: 2\n\n"));
        bench.expected = HT_SLICE("message=2\x1e");
        end(&bench);
    }
}

/* Reads a captured body both ways; how many events it has, -1 where it is not there. */
static long read_capture(const char *name)
{
    char path[512];
    struct ht_buffer stream, expected;
    snprintf(path, sizeof(path), "%s/data/mastodon/%s", shared_root(), name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        print_error("SKIPPED: %s is not there\n", path);
        return -1;
    }
    ht_buffer_init(&stream, 16u << 20);
    ht_buffer_init(&expected, 16u << 20);
    char chunk[4096];
    for (size_t got; (got = fread(chunk, 1, sizeof(chunk), file)) > 0;) {
        assert_int_equal(ht_buffer_append(&stream, chunk, got), 0);
    }
    fclose(file);
    other_read(ht_buffer_slice(&stream), &expected);
    struct bench bench = {.max_bytes = 1u << 20, .name = name};
    const struct stream_pieces pieces = {begin, feed, end, &bench};
    bench.expected = ht_buffer_slice(&expected);
    for (size_t step = 1; step <= stream.length * 2; step = step * 3 / 2 + 1) {
        stream_pieces_steps(&pieces, ht_buffer_slice(&stream), step);
    }
    for (size_t cut = 0; cut < stream.length; cut += 101) {
        stream_pieces_cut(&pieces, ht_buffer_slice(&stream), cut, cut);
    }
    long count = 0;
    for (size_t i = 0; i < expected.length; i++) {
        count += expected.data[i] == 0x1e;
    }
    ht_buffer_finish(&stream);
    ht_buffer_finish(&expected);
    return count;
}

static void test_captured_streams(void **state)
{
    (void)state;
    static const char *const names[] = {
        "docs-examples.sse", "test_stream_direct-1.sse", "test_stream_user_direct-1.sse",
        "test_stream_user_direct-2.sse", "test_stream_user_local-1.sse"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        long count = read_capture(names[i]);
        if (count < 0) {
            skip();
        }
        print_message("%s: %ld events\n", names[i], count);
        assert_true(count > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut_gives_the_same),
        cmocka_unit_test(test_it_reads_what_a_simple_reader_reads),
        cmocka_unit_test(test_many_short_lines_are_read_once),
        cmocka_unit_test(test_a_reader_can_be_used_again),
        cmocka_unit_test(test_captured_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
