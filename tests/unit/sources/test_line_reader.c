// SPDX-License-Identifier: MIT
#include "line_reader.h"

#include "stream_pieces.h"

#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define KEPT_MAX 64

/* What one reading gave: "L text" and "B reason text" lines, each ended by 0x1e. */
struct bench {
    struct ht_line_reader reader;
    enum ht_line_framing framing;
    size_t max_bytes;
    struct ht_buffer seen;
    struct ht_slice expected;
    const char *name;
    /* lines of the running feed, which must still be there at its end */
    struct ht_slice lines[KEPT_MAX];
    size_t line_at[KEPT_MAX]; /* where they are in `seen` */
    size_t line_count;
};

static void on_line(void *user, struct ht_slice line)
{
    struct bench *bench = user;
    assert_true(line.length > 0);
    ht_buffer_append_text(&bench->seen, "L ");
    if (bench->line_count < KEPT_MAX) {
        bench->line_at[bench->line_count] = bench->seen.length;
        bench->lines[bench->line_count++] = line;
    }
    ht_buffer_append_slice(&bench->seen, line);
    ht_buffer_append_byte(&bench->seen, 0x1e);
}

static void on_bad(void *user, struct ht_slice bytes, const char *reason)
{
    struct bench *bench = user;
    assert_true(bytes.length > 0 && bytes.length <= bench->max_bytes);
    ht_buffer_append_format(&bench->seen, "B %s ", reason);
    ht_buffer_append_slice(&bench->seen, bytes);
    ht_buffer_append_byte(&bench->seen, 0x1e);
}

static const struct ht_line_reader_events events = {on_line, on_bad};

static void begin(void *user)
{
    struct bench *bench = user;
    ht_buffer_init(&bench->seen, 64u << 20);
    ht_line_reader_init(&bench->reader, &events, bench, bench->framing, bench->max_bytes);
}

static void feed(void *user, struct ht_slice piece)
{
    struct bench *bench = user;
    bench->line_count = 0;
    assert_int_equal(ht_line_reader_feed(&bench->reader, piece), 0);
    for (size_t i = 0; i < bench->line_count; i++) {
        assert_memory_equal(bench->lines[i].data, bench->seen.data + bench->line_at[i],
                            bench->lines[i].length);
    }
    assert_true(bench->reader.rest.length <= bench->max_bytes + 1);
}

static void end(void *user)
{
    struct bench *bench = user;
    ht_line_reader_end(&bench->reader);
    struct ht_slice seen = ht_buffer_slice(&bench->seen);
    if (!ht_slice_equal(seen, bench->expected)) {
        fail_msg("%s: got [%.*s], expected [%.*s]", bench->name, (int)seen.length, seen.data,
                 (int)bench->expected.length, bench->expected.data);
    }
    ht_line_reader_finish(&bench->reader);
    ht_buffer_finish(&bench->seen);
}

static void check(struct bench *bench, struct ht_slice stream, struct ht_slice expected)
{
    const struct stream_pieces pieces = {begin, feed, end, bench};
    bench->expected = expected;
    stream_pieces_run(&pieces, stream);
}

struct row {
    const char *name;
    const char *stream;
    const char *expected; /* '|' for 0x1e */
    enum ht_line_framing framing;
    size_t max_bytes; /* 0: 64 */
};

#define LINES     HT_LINE_FRAMING_LINES
#define DELIMITED HT_LINE_FRAMING_DELIMITED

static const struct row rows[] = {
    {"nothing", "", "", LINES, 0},
    {"one", "{\"a\":1}\r\n", "L {\"a\":1}|", LINES, 0},
    {"three", "{\"a\":1}\r\n{\"b\":2}\r\n[3]\r\n", "L {\"a\":1}|L {\"b\":2}|L [3]|", LINES, 0},
    {"keep-alives", "\r\n\r\n{\"a\":1}\r\n\r\n\r\n{}\r\n\r\n", "L {\"a\":1}|L {}|", LINES, 0},
    {"keep-alives of LF and of blanks", "\n \t\r\n\n{}\r\n \n \r\n", "L {}|", LINES, 0},
    {"UTF-8", "{\"t\":\"\u00fc\u20ac\U0001f600\"}\r\n{\"u\":\"\u00fc\"}\r\n",
     "L {\"t\":\"\u00fc\u20ac\U0001f600\"}|L {\"u\":\"\u00fc\"}|", LINES, 0},
    {"LF as white space", "{\n\"a\":\n[1,\n{\"b\":2}\n]\n}\r\n",
     "L {\n\"a\":\n[1,\n{\"b\":2}\n]\n}|", LINES, 0},
    {"LF in a string", "{\"a\":\"{x\ny\"}\r\n{}\r\n", "L {\"a\":\"{x\ny\"}|L {}|", LINES, 0},
    {"two texts and LF", "{\"a\":1}\n{\"b\":2}\r\n{\"c\":3}\n\r\n",
     "L {\"a\":1}|L {\"b\":2}|L {\"c\":3}|", LINES, 0},
    {"brackets and quotes in strings", "{\"a\":\"}\\\"]\\\\\"\n}\n{\"b\":\"{\"}\n[\"\\\\\"]\n",
     "L {\"a\":\"}\\\"]\\\\\"\n}|L {\"b\":\"{\"}|L [\"\\\\\"]|", LINES, 0},
    {"no JSON ends with LF", "Exceeded connection limit {\n{\"a\":1}\r\n",
     "L Exceeded connection limit {|L {\"a\":1}|", LINES, 0},
    {"CR LF ends what is no whole text", "{\"a\":\r\n{\"b\":2}\r\n}\n{}\n",
     "L {\"a\":|L {\"b\":2}|L }|L {}|", LINES, 0},
    {"a CR alone is a byte", "{\"a\":1\r}\r\n\r{}\r\r\n", "L {\"a\":1\r}|L {}|", LINES, 0},
    {"blanks around", " {\"a\":\n1} \t\r\n  {}\n", "L {\"a\":\n1}|L {}|", LINES, 0},
    {"too many brackets close", "}}\n{\"a\":1}\n]\r\n", "L }}|L {\"a\":1}|L ]|", LINES, 0},
    {"cut off", "{\"a\":1}\r\n{\"b\":", "L {\"a\":1}|B cut_off {\"b\":|", LINES, 0},
    {"cut off before LF", "{\"a\":1}\r", "B cut_off {\"a\":1}|", LINES, 0},
    {"cut off in white space", "{}\r\n \r", "L {}|", LINES, 0},
    {"as large as allowed", "{\"a\":12}\r\n{\"a\":12}\n{\"a\":1}\r\n",
     "L {\"a\":12}|L {\"a\":12}|L {\"a\":1}|", LINES, 8},
    {"one byte too large", "{\"a\":123}\r\n{}\r\n{\"a\":123}\n[]\n",
     "B too_large {\"a\":123|L {}|B too_large {\"a\":123|L []|", LINES, 8},
    {"much too large", "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}\r\n{}\r\n",
     "B too_large {\"aaaaaa|L {}|", LINES, 8},
    {"too large, LF within",
     "{\"a\":\n\"aaaaaa}\",\n\n\"b\":\n1}\n{}\r\n{\"a\":\n\"bbbbbbbb\r\n[]\n",
     "B too_large {\"a\":\n\"a|L {}|B too_large {\"a\":\n\"b|L []|", LINES, 8},
    {"too large, cut off", "{\"aaaaaaaaaaaaaa", "B too_large {\"aaaaaa|", LINES, 8},
    {"too large by CRs", "{}\r\r\r\r\r\r\r\r\r\n[]\r\n", "B too_large {}\r\r\r\r\r\r|L []|", LINES,
     8},

    {"delimited", "9\r\n{\"a\":1}\r\n4\r\n{}\r\n", "L {\"a\":1}|L {}|", DELIMITED, 0},
    {"delimited, two digits", "14\r\n{\"a\":\"123\u00fc\"}\r\n4\n{}\r\n",
     "L {\"a\":\"123\u00fc\"}|L {}|", DELIMITED, 0},
    {"delimited, keep-alives", "\r\n\r\n9\r\n\r\n\r\n{\"a\":1}\r\n\r\n4\r\n\n{}\r\n\r\n",
     "L {\"a\":1}|L {}|", DELIMITED, 0},
    {"delimited, LF inside", "16\r\n{}\n{\"a\":\n\"\n\n\"}\r\n4\r\n{}\r\n",
     "L {}\n{\"a\":\n\"\n\n\"}|L {}|", DELIMITED, 0},
    {"length too short", "5\r\n{\"a\":1}\r\n4\r\n{}\r\n", "L {\"a\":1}|L {}|", DELIMITED, 0},
    {"length too long", "11\r\n{\"a\":1}\r\n4\r\n{}\r\n4\r\n[]\r\n", "L {\"a\":1}\r\n4|L {}|L []|",
     DELIMITED, 0},
    {"lengths of nothing", "0\r\n2\r\n\r\n4\r\n{}\r\n1\r\n\n00004\r\n[]\r\n", "L {}|L []|",
     DELIMITED, 0},
    {"no lengths at all", "{\"a\":1}\r\n{\"b\":\n2}\n[]\r\n", "L {\"a\":1}|L {\"b\":\n2}|L []|",
     DELIMITED, 0},
    {"one bad length", "x\r\n9\r\n{\"a\":1}\r\n-4\r\n1 2\r\n4\r\n{}\r\n", "L {\"a\":1}|L {}|",
     DELIMITED, 0},
    {"three bad lengths", "x\r\n4\r\n{}\r\na\r\nb\r\nc\r\nd\r\ne\r\n4\r\n[]\r\nf\r\ng\r\n",
     "L {}|B bad_length c|L []|", DELIMITED, 0},
    {"a length beyond all numbers", "1\r\n99999999999999999999\r\ny\r\nz\r\n4\r\n{}\r\n",
     "B bad_length z|L {}|", DELIMITED, 0},
    {"delimited, as large as allowed", "10\r\n{\"a\":12}\r\n9\r\n{\"a\":12}\n4\r\n{}\r\n",
     "L {\"a\":12}|L {\"a\":12}|L {}|", DELIMITED, 8},
    {"delimited, too large", "11\r\n{\"a\":123}\r\n4\r\n{}\r\n", "B too_large {\"a\":123|L {}|",
     DELIMITED, 8},
    {"delimited, a length that lies", "40000000\r\n{\"a\":1234567}\r\n4\r\n{}\r\n",
     "B too_large {\"a\":123|L {}|", DELIMITED, 8},
    {"delimited, cut off", "4\r\n{}\r\n9\r\n{\"a\":", "L {}|B cut_off {\"a\":|", DELIMITED, 0},
    {"delimited, cut off in a length", "4\r\n{}\r\n12", "L {}|", DELIMITED, 0},
    {"delimited, cut off behind a length", "4\r\n{}\r\n12\r\n", "L {}|", DELIMITED, 0},
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
        struct bench bench = {.framing = rows[i].framing,
                              .max_bytes = rows[i].max_bytes == 0 ? 64 : rows[i].max_bytes,
                              .name = rows[i].name};
        check(&bench, ht_slice_text(rows[i].stream), ht_slice_make(expected, length));
    }
}

/* --- another reader, slow and simple: it has the whole stream --- */

static bool other_blank(char byte)
{
    return strchr(" \t\r\n", byte) != NULL && byte != '\0';
}

/* Whether what is at `data` may end with an LF. */
static bool other_is_whole(const char *data, size_t length)
{
    size_t at = 0, depth = 0;
    while (at < length && other_blank(data[at])) {
        at++;
    }
    if (at == length || (data[at] != '{' && data[at] != '[')) {
        return true;
    }
    for (; at < length; at++) {
        if (data[at] == '"') {
            for (at++; at < length && data[at] != '"'; at++) {
                at += data[at] == '\\';
            }
            if (at >= length) {
                return false;
            }
        } else if (data[at] == '{' || data[at] == '[') {
            depth++;
        } else if ((data[at] == '}' || data[at] == ']') && depth > 0) {
            depth--;
        }
    }
    return depth == 0;
}

static size_t other_end(struct ht_slice stream, size_t begin, uint64_t counted)
{
    for (size_t at = begin; at < stream.length; at++) {
        if (stream.data[at] != '\n') {
            continue;
        }
        if (counted > 0
                ? at + 1 - begin >= counted
                : stream.data[at - 1] == '\r' || other_is_whole(stream.data + begin, at - begin)) {
            return at;
        }
    }
    return stream.length;
}

static void other_say(struct ht_buffer *out, const char *what, const char *data, size_t length)
{
    ht_buffer_append_text(out, what);
    ht_buffer_append(out, data, length);
    ht_buffer_append_byte(out, 0x1e);
}

static void other_read(struct ht_slice stream, enum ht_line_framing framing, size_t max_bytes,
                       struct ht_buffer *out)
{
    uint64_t counted = 0;
    unsigned bad = 0;
    size_t begin = 0;
    while (begin < stream.length) {
        if (stream.data[begin] == '\r' || stream.data[begin] == '\n') {
            begin++;
            continue;
        }
        size_t at = other_end(stream, begin, counted), length = at - begin;
        size_t net = length - (stream.data[at - 1] == '\r');
        if (net > max_bytes) {
            other_say(out, "B too_large ", stream.data + begin, max_bytes);
            begin = at + 1;
            counted = 0;
            continue;
        }
        struct ht_slice line = {stream.data + begin, length};
        while (line.length > 0 && other_blank(line.data[0])) {
            line = ht_slice_make(line.data + 1, line.length - 1);
        }
        while (line.length > 0 && other_blank(line.data[line.length - 1])) {
            line.length--;
        }
        uint64_t number;
        bool is_number = ht_slice_to_u64(line, SIZE_MAX / 2, &number) == 0;
        bool is_length = framing == DELIMITED && counted == 0 && line.length > 0 &&
                         line.data[0] != '{' && line.data[0] != '[';
        counted = 0;
        if (line.length == 0) {
            ;
        } else if (at == stream.length) {
            if (!(is_length && is_number)) {
                other_say(out, "B cut_off ", line.data, line.length);
            }
        } else if (!is_length) {
            other_say(out, "L ", line.data, line.length);
            bad = 0;
        } else if (is_number) {
            counted = number > 2 && number <= max_bytes + 2 ? number : 0;
        } else if (++bad == 3) {
            other_say(out, "B bad_length ", line.data, line.length);
            bad = 0;
        }
        begin = at + 1;
    }
}

/* Streams of random scraps, cut at random places. */
static void test_it_reads_what_a_simple_reader_reads(void **state)
{
    (void)state;
    static const char *const scraps[] = {
        "\r\n",        "\r\n",  "\n",
        "\r",          " ",     "{}",
        "{\"a\":1}",   "{",     "}",
        "[",           "]",     "\"",
        "\\\"",        "\\\\",  "abc",
        "4",           "9",     "12",
        "4\r\n{}\r\n", "9\r\n", "{\"a\":1}\r\n",
        "\u20ac",      "x\r\n", "99999999999999999999\r\n",
        ",",
    };
    struct ht_random random;
    ht_random_init(&random, 4);
    for (unsigned round = 0; round < 6000; round++) {
        struct ht_buffer stream, expected;
        ht_buffer_init(&stream, 4096);
        ht_buffer_init(&expected, 1u << 20);
        for (uint64_t count = 1 + ht_random_below(&random, 30); count > 0; count--) {
            ht_buffer_append_text(
                &stream, scraps[ht_random_below(&random, sizeof(scraps) / sizeof(scraps[0]))]);
        }
        struct bench bench = {.framing = round % 2 == 0 ? LINES : DELIMITED,
                              .max_bytes = 4 + ht_random_below(&random, 30),
                              .name = stream.data};
        other_read(ht_buffer_slice(&stream), bench.framing, bench.max_bytes, &expected);
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

static void count_line(void *user, struct ht_slice line)
{
    struct ht_slice *piece = user;
    assert_true(line.data >= piece->data && line.data < piece->data + piece->length);
    piece[1].length++;
}

static void test_whole_messages_are_not_copied(void **state)
{
    (void)state;
    static const struct ht_line_reader_events counting = {count_line, on_bad};
    struct ht_line_reader reader;
    struct ht_slice piece[2] = {HT_SLICE("{\"a\":1}\r\n\r\n{\"b\":2}\n{\"c\":\n3}\r\n"), {0}};
    ht_line_reader_init(&reader, &counting, piece, LINES, 64);
    assert_int_equal(ht_line_reader_feed(&reader, piece[0]), 0);
    assert_int_equal(piece[1].length, 3);
    assert_null(reader.rest.data);
    assert_null(reader.given.data);
    ht_line_reader_finish(&reader);
}

static void test_a_reader_can_be_used_again(void **state)
{
    (void)state;
    struct bench bench = {.framing = DELIMITED, .max_bytes = 8};
    static const char *const before[] = {"4\r\n",      "4",      "99\r\n{\"aaaaaaaaaaa",
                                         "x\r\ny\r\n", "{\"a\n", "\r"};
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        begin(&bench);
        feed(&bench, ht_slice_text(before[i]));
        ht_line_reader_end(&bench.reader);
        ht_buffer_clear(&bench.seen);
        feed(&bench, HT_SLICE("4\r\n{}\r\nz\r\n9\r\n{\"a\":1}\r\n"));
        bench.name = before[i];
        bench.expected = HT_SLICE("L {}\x1eL {\"a\":1}\x1e");
        end(&bench);
    }
}

/* Nothing may be read again and again: LFs inside of a large message, in pieces of one byte. */
static void test_many_line_ends_inside_are_read_once(void **state)
{
    (void)state;
    enum { BYTES = 400000 };
    struct ht_buffer stream, expected;
    ht_buffer_init(&stream, BYTES + 16);
    ht_buffer_init(&expected, BYTES + 16);
    ht_buffer_append_byte(&stream, '[');
    for (size_t i = 0; i < BYTES; i++) {
        ht_buffer_append_byte(&stream, '\n');
    }
    ht_buffer_append_text(&stream, "]\r\n");
    other_say(&expected, "L ", stream.data, stream.length - 2);
    struct bench bench = {.framing = LINES, .max_bytes = BYTES + 2, .name = "many"};
    const struct stream_pieces pieces = {begin, feed, end, &bench};
    bench.expected = ht_buffer_slice(&expected);
    stream_pieces_steps(&pieces, ht_buffer_slice(&stream), stream.length);
    stream_pieces_steps(&pieces, ht_buffer_slice(&stream), 1);
    ht_buffer_finish(&stream);
    ht_buffer_finish(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut_gives_the_same),
        cmocka_unit_test(test_it_reads_what_a_simple_reader_reads),
        cmocka_unit_test(test_whole_messages_are_not_copied),
        cmocka_unit_test(test_a_reader_can_be_used_again),
        cmocka_unit_test(test_many_line_ends_inside_are_read_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
