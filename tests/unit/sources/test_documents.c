// SPDX-License-Identifier: MIT
#include "hashtagd/sources/documents.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/gzip.h"
#include "hashtagd/base/random.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../support/json_memory.h"
#include "../../support/shared.h"

enum { MIB = 1024 * 1024 };

/* Reads `input` in pieces of `step` bytes and writes what comes, a line each: "1 message" or
 * "1! cut_off". */
static void read_all(struct ht_slice input, size_t step, struct ht_buffer *out)
{
    struct ht_documents *documents = ht_documents_create();
    struct ht_document document;
    enum ht_documents_event event;
    assert_non_null(documents);
    ht_buffer_clear(out);
    while ((event = ht_documents_next(documents, &document)) != HT_DOCUMENTS_END) {
        switch (event) {
        case HT_DOCUMENTS_MESSAGE:
            assert_null(document.reason);
            ht_buffer_append_format(out, "%llu ", (unsigned long long)document.line);
            ht_buffer_append_slice(out, document.bytes);
            ht_buffer_append_text(out, "\n");
            break;
        case HT_DOCUMENTS_REJECT:
            assert_non_null(document.reason);
            ht_buffer_append_format(out, "%llu! %s\n", (unsigned long long)document.line,
                                    ht_tweet_refusal_name(document.refusal));
            break;
        case HT_DOCUMENTS_MORE:
            if (input.length == 0) {
                ht_documents_end(documents);
            } else {
                struct ht_slice part = {input.data, input.length < step ? input.length : step};
                ht_documents_feed(documents, part);
                input.data += part.length;
                input.length -= part.length;
            }
            break;
        case HT_DOCUMENTS_END:
        case HT_DOCUMENTS_FAILED:
            fail();
        }
    }
    assert_int_equal(ht_documents_next(documents, &document), HT_DOCUMENTS_END);
    assert_int_equal(ht_buffer_status(out), 0);
    ht_documents_destroy(documents);
}

static const struct {
    const char *name;
    const char *input;
    const char *wanted;
} cases[] = {
    {"nothing", "", ""},
    {"only blank", " \r\n\n\t", ""},
    {"one", "{\"id\":1}", "1 {\"id\":1}\n"},
    {"lines", "{\"id\":1}\n{\"id\":2}\n", "1 {\"id\":1}\n2 {\"id\":2}\n"},
    {"no line end", "{\"id\":1}\n{\"id\":2}", "1 {\"id\":1}\n2 {\"id\":2}\n"},
    {"CRLF and keep-alives", "\r\n{\"id\":1}\r\n\r\n\r\n{\"id\":2}\r\n",
     "2 {\"id\":1}\n5 {\"id\":2}\n"},
    {"byte order mark", "\xef\xbb\xbf{\"id\":1}\n", "1 {\"id\":1}\n"},
    {"text sequence", "\x1e{\"id\":1}\n\x1e{\"id\":2}\n", "1 {\"id\":1}\n2 {\"id\":2}\n"},
    {"side by side", "{\"id\":1}{\"id\":2} {\"id\":3}",
     "1 {\"id\":1}\n1 {\"id\":2}\n1 {\"id\":3}\n"},
    {"pretty", "{\n  \"id\": 1,\n  \"a\": [\n    {\n    }\n  ]\n}\n{\n\"id\":2\n}",
     "1 {\n  \"id\": 1,\n  \"a\": [\n    {\n    }\n  ]\n}\n8 {\n\"id\":2\n}\n"},
    {"strings with all in them", "{\"a\":\"}]{[\\\"\\\\\",\"\\\\\":\"\\u007b\"}\n{}",
     "1 {\"a\":\"}]{[\\\"\\\\\",\"\\\\\":\"\\u007b\"}\n2 {}\n"},
    {"raw UTF-8", "{\"a\":\"\xf0\x9f\x98\x82\"}\n", "1 {\"a\":\"\xf0\x9f\x98\x82\"}\n"},
    {"huge numbers", "{\"a\":123456789012345678901234567890e+999,\"b\":-0.0}\n{}",
     "1 {\"a\":123456789012345678901234567890e+999,\"b\":-0.0}\n2 {}\n"},

    {"array", "[{\"id\":1},{\"id\":2}]", "1 {\"id\":1}\n1 {\"id\":2}\n"},
    {"empty array", "[]\n[ ]\n{}", "3 {}\n"},
    {"pretty array", "[\n  {\n    \"id\": 1\n  },\n  {\n    \"id\": 2\n  }\n]\n",
     "2 {\n    \"id\": 1\n  }\n5 {\n    \"id\": 2\n  }\n"},
    {"array without indentation", "[\n{\"id\":1},\n{\"id\":2}\n]\n{}",
     "2 {\"id\":1}\n3 {\"id\":2}\n5 {}\n"},
    {"an array a line", "[{\"id\":1}]\n[{\"id\":2}]\n", "1 {\"id\":1}\n2 {\"id\":2}\n"},
    {"array of what are no tweets", "[1,\"a\",null,[{}],{\"id\":1},true]",
     "1! wrong_type\n1! wrong_type\n1! wrong_type\n1 {}\n1 {\"id\":1}\n1! wrong_type\n"},
    {"arrays in an array", "[[{\"id\":1}],[[{\"id\":2},[]]],{\"id\":3},[]]\n{}",
     "1 {\"id\":1}\n1 {\"id\":2}\n1 {\"id\":3}\n2 {}\n"},
    {"arrays in a search answer", "[{\"statuses\":[[{\"id\":1}],{\"id\":2}]},[{\"id\":3}]]{}",
     "1 {\"id\":1}\n1 {\"id\":2}\n1 {\"id\":3}\n1 {}\n"},
    {"comma missing in an array", "[{\"id\":1} {\"id\":2}\n{\"id\":3}]",
     "1 {\"id\":1}\n1 {\"id\":2}\n2 {\"id\":3}\n"},

    {"search answer", "{\"statuses\":[{\"id\":1},{\"id\":2}],\"search_metadata\":{\"count\":2}}",
     "1 {\"id\":1}\n1 {\"id\":2}\n"},
    {"search answer, statuses last", "{\"meta\":{\"a\":[{}]},\"statuses\":[{\"id\":1}]}\n{}",
     "1 {\"id\":1}\n2 {}\n"},
    {"empty search answer", "{\"statuses\":[],\"x\":1}\n{}", "2 {}\n"},
    {"pretty search answer",
     "{\n  \"statuses\": [\n    {\n      \"id\": 1\n    },\n    {}\n  ],\n  \"x\": 0\n}\n{}",
     "3 {\n      \"id\": 1\n    }\n6 {}\n10 {}\n"},
    {"array of search answers",
     "[{\"statuses\":[{\"id\":1}]},{\"statuses\":[{\"id\":2}],\"a\":1}]{}",
     "1 {\"id\":1}\n1 {\"id\":2}\n1 {}\n"},
    {"statuses that are no list", "{\"statuses\":3}\n{\"statuses\":{\"id\":1}}",
     "1 {\"statuses\":3}\n2 {\"statuses\":{\"id\":1}}\n"},
    {"statuses deeper", "{\"a\":{\"statuses\":[{}]}}", "1 {\"a\":{\"statuses\":[{}]}}\n"},
    {"statuses within statuses", "{\"statuses\":[{\"statuses\":[{}]}]}", "1 {\"statuses\":[{}]}\n"},

    {"v2, one tweet", "{\"data\":{\"id\":\"1\"},\"includes\":{\"tweets\":[]}}\n{}",
     "1 {\"data\":{\"id\":\"1\"},\"includes\":{\"tweets\":[]}}\n2 {}\n"},
    {"v2, a list", "{\"data\":[{\"id\":\"1\"},{\"id\":\"2\"}],\"meta\":{\"count\":2}}\n{}",
     "1 {\"data\":{\"id\":\"1\"}}\n1 {\"data\":{\"id\":\"2\"}}\n2 {}\n"},
    {"v2, includes behind",
     "{\"data\":[{\"id\":\"1\",\"referenced_tweets\":[{\"type\":\"retweeted\",\"id\":\"9\"}]},\n"
     "{\"id\":\"2\"}],\"includes\":{\"users\":[{\"id\":\"9\"}],\"tweets\":[{\"id\":\"8\"},"
     "{\"id\":\"9\"}]}}",
     "1 {\"data\":{\"id\":\"1\",\"referenced_tweets\":[{\"type\":\"retweeted\",\"id\":\"9\"}]},"
     "\"includes\":{\"tweets\":[{\"id\":\"9\"}]}}\n2 {\"data\":{\"id\":\"2\"}}\n"},
    {"v2, includes in front",
     "{\"includes\":{\"tweets\":[{\"id\":\"9\"}]},\"data\":[{\"id\":\"1\",\"referenced_tweets\":["
     "{\"id\":\"9\"},{\"id\":\"7\"}]}]}",
     "1 {\"data\":{\"id\":\"1\",\"referenced_tweets\":[{\"id\":\"9\"},{\"id\":\"7\"}]},"
     "\"includes\":{\"tweets\":[{\"id\":\"9\"}]}}\n"},
    {"v2 pages in an array", "[{\"data\":[{\"id\":\"1\"}]},{\"data\":[{\"id\":\"2\"},3]}]\n{}",
     "1 {\"data\":{\"id\":\"1\"}}\n1 {\"data\":{\"id\":\"2\"}}\n1! wrong_type\n2 {}\n"},
    {"v2, nothing found", "{\"meta\":{\"result_count\":0}}\n{\"data\":[]}\n{}", "3 {}\n"},
    {"v2, errors are handed on", "{\"errors\":[{}]}", "1 {\"errors\":[{}]}\n"},

    {"events of Bluesky",
     "{\"did\":\"d\",\"kind\":\"commit\",\"commit\":{\"record\":{\"tags\":[\"a\"]}}}\n"
     "{\"did\":\"d\",\"kind\":\"account\",\"account\":{}}\n"
     "{\"$type\":\"message\",\"payload\":{\"did\":\"d\"}}\n",
     "1 {\"did\":\"d\",\"kind\":\"commit\",\"commit\":{\"record\":{\"tags\":[\"a\"]}}}\n"
     "2 {\"did\":\"d\",\"kind\":\"account\",\"account\":{}}\n"
     "3 {\"$type\":\"message\",\"payload\":{\"did\":\"d\"}}\n"},
    {"statuses of Mastodon",
     "[{\"uri\":\"u\",\"tags\":[{\"name\":\"a\"}],\"reblog\":null},\n{\"uri\":\"v\",\"media_"
     "attachments\":["
     "{\"meta\":{}}]}]\n{\"event\":\"update\",\"payload\":\"{\\\"uri\\\":1}\"}",
     "1 {\"uri\":\"u\",\"tags\":[{\"name\":\"a\"}],\"reblog\":null}\n2 {\"uri\":\"v\","
     "\"media_attachments\":[{\"meta\":{}}]}\n3 {\"event\":\"update\",\"payload\":\"{\\\"uri\\\":1}"
     "\"}\n"},
    {"a search answer of Mastodon",
     "{\"accounts\":[{\"id\":\"1\"}],\"statuses\":[{\"uri\":\"u\"}],\"hashtags\":[{\"name\":\"a\"}]"
     "}",
     "1 {\"uri\":\"u\"}\n"},

    {"dead letter",
     "{\"data\":\"eyJpZCI6MX0=\",\"shard\":\"s\",\"sequence_number\":\"1\","
     "\"reason\":\"refused\",\"at\":1}\n",
     "1 {\"id\":1}\n"},
    {"dead letter without Base64", "{\"data\":\"%%\",\"reason\":\"refused\"}\n{}",
     "1! not_json\n2 {}\n"},
    {"data that is text", "{\"data\":\"eyJpZCI6MX0=\"}\n{}", "1! not_json\n2 {}\n"},

    {"garbage between", "{\"id\":1}\nhello\n{\"id\":2}\n",
     "1 {\"id\":1}\n2! not_json\n3 {\"id\":2}\n"},
    {"garbage lines", "a\nb\n\nc", "1! not_json\n2! not_json\n4! not_json\n"},
    {"garbage behind", "{\"id\":1} hello {\n{\"id\":2}\n",
     "1 {\"id\":1}\n1! not_json\n2 {\"id\":2}\n"},
    {"scalars", "1\n\"a\"\nnull\n{}", "1! not_json\n2! not_json\n3! not_json\n4 {}\n"},
    {"cut in a string", "{\"id\":1,\"a\":\"xy\n{\"id\":2}\n", "1! not_json\n2 {\"id\":2}\n"},
    {"cut in an escape", "{\"id\":1,\"a\":\"xy\\\n{\"id\":2}\n", "1! not_json\n2 {\"id\":2}\n"},
    {"cut behind a comma", "{\"id\":1,\n{\"id\":2}\n{\"id\":3}\n",
     "1! not_json\n2 {\"id\":2}\n3 {\"id\":3}\n"},
    {"cut behind a colon", "{\"id\":\n{\"id\":2}\n{\"id\":3}\n",
     "1! not_json\n2 {\"id\":2}\n3 {\"id\":3}\n"},
    {"cut within a list", "{\"id\":[1,\n{\"id\":2}\n{\"id\":3}\n",
     "1! not_json\n2 {\"id\":2}\n3 {\"id\":3}\n"},
    {"cut, then an array", "{\"id\":[1\n[{\"id\":2}]\n", "1! not_json\n2 {\"id\":2}\n"},
    {"cut, nothing behind", "{\"id\":1}\n{\"id\":", "1 {\"id\":1}\n2! cut_off\n"},
    {"cut, lines behind to the end", "{\"id\":[\n{\"id\":2},\n",
     "1! cut_off\n2 {\"id\":2}\n2! not_json\n"},
    {"pretty and broken is one reject", "{\n  \"id\": 1 2,\n  \"a\": {\n  }\n}\n{\"id\":2}\n",
     "1! not_json\n6 {\"id\":2}\n"},
    {"bracket too many", "{\"id\":1}}\n{\"id\":2}\n", "1 {\"id\":1}\n1! not_json\n2 {\"id\":2}\n"},
    {"wrong bracket", "{\"id\":[1}\n{\"id\":2}\n", "1! not_json\n2 {\"id\":2}\n"},

    {"broken element", "[{\"id\":1},{\"id\":2 3},{\"id\":4}]{}",
     "1 {\"id\":1}\n1! not_json\n1 {\"id\":4}\n1 {}\n"},
    {"broken element with brackets in strings",
     "[{\"id\":1 2,\"a\":\"]}\\\"\",\"b\":[{}]},{\"id\":4}]", "1! not_json\n1 {\"id\":4}\n"},
    {"broken string in an element", "[\n  {\"id\":1,\"a\":\"xy},\n  {\"id\":2}\n]\n",
     "2! not_json\n3 {\"id\":2}\n"},
    {"broken string in the last element", "[\n{\"id\":1},\n{\"id\":2,\"a\":\"xy}\n]\n{\"id\":3}\n",
     "2 {\"id\":1}\n3! not_json\n5 {\"id\":3}\n"},
    {"broken pretty element in a pretty list",
     "{\"statuses\": [\n  {\n    \"id\": 1,\n    \"a\": [\n      {\"b\n    ]\n  },\n  {\n    "
     "\"id\": 2\n"
     "  }\n ]\n}\n{\"id\":3}\n",
     "2! not_json\n8 {\n    \"id\": 2\n  }\n13 {\"id\":3}\n"},
    {"broken status", "{\"statuses\":[{\"id\":1},{\"id\" 2},{\"id\":3}],\"x\":1}\n{}",
     "1 {\"id\":1}\n1! not_json\n1 {\"id\":3}\n2 {}\n"},
    {"cut array, next line", "[{\"id\":1},{\"id\":\n{\"id\":3}\n{\"id\":4}",
     "1 {\"id\":1}\n1! not_json\n2 {\"id\":3}\n3 {\"id\":4}\n"},
    {"an element a line, one cut", "[\n{\"id\":1},\n{\"id\":2,\"a\n{\"id\":3},\n{\"id\":4}\n]\n",
     "2 {\"id\":1}\n3! not_json\n4 {\"id\":3}\n5 {\"id\":4}\n"},
    {"cut array", "[{\"id\":1},{\"id\":2}", "1 {\"id\":1}\n1 {\"id\":2}\n1! cut_off\n"},
    {"cut element", "[{\"id\":1},{\"id\":2", "1 {\"id\":1}\n1! cut_off\n"},
    {"cut search answer", "{\"statuses\":[{\"id\":1}]\n", "1 {\"id\":1}\n1! cut_off\n"},
    {"garbage in a search answer", "{\"statuses\":[{\"id\":1}],!\n{}",
     "1 {\"id\":1}\n1! not_json\n2 {}\n"},
};

static void check_case(size_t i, struct ht_slice input, size_t step, struct ht_buffer *out)
{
    read_all(input, step, out);
    const char *got = out->length == 0 ? "" : out->data;
    if (strcmp(got, cases[i].wanted) != 0) {
        print_error("%s, in steps of %zu:\ngot:\n%swanted:\n%s", cases[i].name, step, got,
                    cases[i].wanted);
    }
    assert_string_equal(got, cases[i].wanted);
}

static void test_forms_in_any_pieces(void **state)
{
    (void)state;
    struct ht_buffer out;
    ht_buffer_init(&out, MIB);
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_slice input = ht_slice_text(cases[i].input);
        check_case(i, input, input.length + 1, &out);
        for (size_t step = 1; step <= input.length; step++) {
            check_case(i, input, step, &out);
        }
    }
    ht_buffer_finish(&out);
}

static void test_every_single_border(void **state)
{
    (void)state;
    struct ht_buffer out;
    ht_buffer_init(&out, MIB);
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_slice input = ht_slice_text(cases[i].input);
        for (size_t border = 1; border < input.length; border++) {
            struct ht_documents *documents = ht_documents_create();
            struct ht_document document;
            size_t found = 0, parts = 0;
            enum ht_documents_event event;
            read_all(input, input.length, &out);
            size_t wanted = 0;
            for (const char *at = out.data; at != NULL && *at != '\0'; at++) {
                /* lines of the result begin with a digit behind a line end */
                wanted += (at == out.data || at[-1] == '\n') && *at >= '1' && *at <= '9';
            }
            while ((event = ht_documents_next(documents, &document)) != HT_DOCUMENTS_END) {
                assert_int_not_equal(event, HT_DOCUMENTS_FAILED);
                if (event != HT_DOCUMENTS_MORE) {
                    found++;
                } else if (parts == 2) {
                    ht_documents_end(documents);
                } else {
                    ht_documents_feed(documents, parts == 0 ? ht_slice_make(input.data, border)
                                                            : ht_slice_make(input.data + border,
                                                                            input.length - border));
                    parts++;
                }
            }
            assert_int_equal(found, wanted);
            ht_documents_destroy(documents);
        }
    }
    ht_buffer_finish(&out);
}

static void test_gzip_in_any_pieces(void **state)
{
    (void)state;
    struct ht_buffer out, gzip;
    ht_buffer_init(&out, MIB);
    ht_buffer_init(&gzip, MIB);
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_slice input = ht_slice_text(cases[i].input);
        size_t half = input.length / 2;
        ht_buffer_clear(&gzip);
        assert_int_equal(ht_gzip_format(ht_slice_make(input.data, half), &gzip), 0);
        assert_int_equal(
            ht_gzip_format(ht_slice_make(input.data + half, input.length - half), &gzip), 0);
        for (size_t step = 1; step <= gzip.length; step += 1 + step / 3) {
            check_case(i, ht_buffer_slice(&gzip), step, &out);
        }
    }
    ht_buffer_finish(&out);
    ht_buffer_finish(&gzip);
}

static void test_cut_off_gzip(void **state)
{
    (void)state;
    struct ht_buffer out, gzip;
    ht_buffer_init(&out, MIB);
    ht_buffer_init(&gzip, MIB);
    assert_int_equal(ht_gzip_format(HT_SLICE("{\"id\":1}\n"), &gzip), 0);
    size_t first = gzip.length;
    assert_int_equal(ht_gzip_format(HT_SLICE("{\"id\":2}\n"), &gzip), 0);
    read_all(ht_slice_make(gzip.data, first + 5), 3, &out);
    assert_string_equal(out.data, "1 {\"id\":1}\n2! cut_off\n");
    read_all(ht_slice_make(gzip.data, 2), 1, &out);
    assert_string_equal(out.data, "1! cut_off\n");
    ht_buffer_finish(&out);
    ht_buffer_finish(&gzip);
}

static void test_damaged_gzip(void **state)
{
    (void)state;
    struct ht_buffer out, gzip;
    ht_buffer_init(&out, MIB);
    ht_buffer_init(&gzip, MIB);
    assert_int_equal(ht_gzip_format(HT_SLICE("{\"id\":1}\n"), &gzip), 0);
    assert_int_equal(ht_buffer_append_text(&gzip, "no gzip"), 0);
    read_all(ht_buffer_slice(&gzip), 4, &out);
    assert_string_equal(out.data, "1 {\"id\":1}\n2! not_json\n");
    ht_buffer_finish(&out);
    ht_buffer_finish(&gzip);
}

/* A message of `length` bytes. */
static void append_message(struct ht_buffer *input, size_t length)
{
    char *room = malloc(length);
    assert_non_null(room);
    memset(room, 'x', length);
    memcpy(room, "{\"a\":\"", 6);
    memcpy(room + length - 2, "\"}", 2);
    assert_int_equal(ht_buffer_append(input, room, length), 0);
    free(room);
}

static void test_size_limit_of_messages(void **state)
{
    (void)state;
    static const char *const around[][2] = {{"", "\n"}, {"[", "]\n"}, {"{\"statuses\":[", "]}\n"}};
    static const size_t steps[] = {1000, 65536, 100000, 8 * MIB};
    struct ht_buffer input, out;
    ht_buffer_init(&input, 8 * MIB);
    ht_buffer_init(&out, 8 * MIB);
    for (size_t i = 0; i < HT_COUNT_OF(around); i++) {
        ht_buffer_clear(&input);
        for (size_t extra = 0; extra < 2; extra++) {
            ht_buffer_append_text(&input, around[i][0]);
            append_message(&input, HT_DOCUMENTS_MESSAGE_BYTES_MAX + extra);
            ht_buffer_append_text(&input, around[i][1]);
        }
        ht_buffer_append_text(&input, "{\"id\":3}\n");
        for (size_t s = 0; s < HT_COUNT_OF(steps); s++) {
            read_all(ht_buffer_slice(&input), steps[s], &out);
            assert_true(out.length > MIB && out.length < MIB + 100);
            assert_string_equal(out.data + HT_DOCUMENTS_MESSAGE_BYTES_MAX + 2,
                                "\n2! too_large\n3 {\"id\":3}\n");
        }
    }
    ht_buffer_finish(&input);
    ht_buffer_finish(&out);
}

static void test_large_garbage_and_neighbours(void **state)
{
    (void)state;
    struct ht_buffer input, out;
    ht_buffer_init(&input, 8 * MIB);
    ht_buffer_init(&out, MIB);
    ht_buffer_append_text(&input, "{\"id\":1}\n");
    for (size_t i = 0; i < 3 * MIB; i += 8) {
        ht_buffer_append_text(&input, "garbage ");
    }
    ht_buffer_append_text(&input, "\n{\"id\":3}\n");
    for (size_t step = 4096; step <= 4 * MIB; step *= 4) {
        read_all(ht_buffer_slice(&input), step, &out);
        assert_string_equal(out.data, "1 {\"id\":1}\n2! too_large\n3 {\"id\":3}\n");
    }
    ht_buffer_finish(&input);
    ht_buffer_finish(&out);
}

static void test_page_limit(void **state)
{
    (void)state;
    struct ht_buffer input, out;
    ht_buffer_init(&input, 40 * MIB);
    ht_buffer_init(&out, 20 * MIB);
    for (size_t pages = 0; pages < 2; pages++) {
        ht_buffer_append_text(&input, "{\"data\":[");
        for (size_t i = 0; i < 15 + 2 * pages; i++) {
            append_message(&input, MIB - 100);
            ht_buffer_append_text(&input, ",");
        }
        ht_buffer_append_text(&input, "{\"id\":\"1\"}]}\n");
    }
    ht_buffer_append_text(&input, "{\"id\":3}\n");
    read_all(ht_buffer_slice(&input), 1000000, &out);
    assert_true(out.length > 14 * MIB);
    assert_string_equal(out.data + out.length - 46,
                        "1 {\"data\":{\"id\":\"1\"}}\n2! too_large\n3 {\"id\":3}\n");
    ht_buffer_finish(&input);
    ht_buffer_finish(&out);
}

static void test_depth_bombs(void **state)
{
    (void)state;
    static const char *const bombs[] = {"[", "{\"a\":", "{\"statuses\":[", "{\"data\":["};
    struct ht_buffer input, out;
    ht_buffer_init(&input, 8 * MIB);
    ht_buffer_init(&out, MIB);
    for (size_t i = 0; i < HT_COUNT_OF(bombs); i++) {
        ht_buffer_clear(&input);
        for (size_t n = 0; n < 100000; n++) {
            ht_buffer_append_text(&input, bombs[i]);
        }
        ht_buffer_append_text(&input, "\n{\"id\":3}\n");
        read_all(ht_buffer_slice(&input), 5000, &out);
        assert_string_equal(out.data, "1! too_deep\n2 {\"id\":3}\n");
    }
    ht_buffer_finish(&input);
    ht_buffer_finish(&out);
}

static void test_deepest_message_passes(void **state)
{
    (void)state;
    struct ht_buffer input, out;
    ht_buffer_init(&input, MIB);
    ht_buffer_init(&out, MIB);
    ht_buffer_append_text(&input, "{\"statuses\":[{\"a\":");
    for (size_t n = 1; n < 64; n++) {
        ht_buffer_append_text(&input, "[");
    }
    for (size_t n = 1; n < 64; n++) {
        ht_buffer_append_text(&input, "]");
    }
    ht_buffer_append_text(&input, "}]}");
    read_all(ht_buffer_slice(&input), 7, &out);
    assert_int_equal(out.data[1], ' ');
    assert_null(strchr(out.data, '!'));
    ht_buffer_finish(&input);
    ht_buffer_finish(&out);
}

/* `shape` with `number` in the place of %u. */
static void append_shape(struct ht_buffer *input, const char *shape, unsigned number)
{
    const char *place = strstr(shape, "%u");
    ht_buffer_append(input, shape, (size_t)(place - shape));
    ht_buffer_append_u64(input, number);
    ht_buffer_append_text(input, place + 2);
}

/* Puts bytes that matter in random places behind `begin`, and cuts the end off at times. */
static void spoil(struct ht_buffer *input, size_t begin, const char *spoilers,
                  struct ht_random *random)
{
    for (size_t hits = 1 + ht_random_below(random, 3); hits > 0; hits--) {
        size_t at = begin + ht_random_below(random, input->length - begin);
        input->data[at] = spoilers[ht_random_below(random, strlen(spoilers))];
    }
    if (ht_random_below(random, 2) == 0) {
        input->length -= ht_random_below(random, input->length - begin);
    }
}

/* How a list of lines may stand in a file. */
struct frame {
    const char *begin, *line, *between, *end, *spoilers;
};

enum { SPOILED_LINES = 6 };

/* Fills `input` with lines of which one is spoiled. */
static unsigned make_spoiled(struct ht_buffer *input, const struct frame *frame,
                             struct ht_random *random)
{
    static const char *const shapes[] = {
        "{\"data\":{\"id\":\"%u\"},\"b\":{}}",
        "{\"id\":%u,\"a\":[1,{\"b\":\"x\\\"y\"}]}",
        "{\"statuses\":[],\"x\":%u}",
        "{\"data\":[{\"id\":\"%u\"}]}",
        "[{\"id\":%u}]",
    };
    size_t shape_count = frame->line[0] == '\0' ? HT_COUNT_OF(shapes) : 1;
    /* The first line of an indented list shows how the others stand: it stays. */
    unsigned first = frame->line[0] == '\0' ? 0 : 1;
    unsigned spoiled = first + (unsigned)ht_random_below(random, SPOILED_LINES - first);
    ht_buffer_clear(input);
    ht_buffer_append_text(input, frame->begin);
    for (unsigned i = 0; i < SPOILED_LINES; i++) {
        ht_buffer_append_text(input, frame->line);
        size_t begin = input->length;
        append_shape(input,
                     i == spoiled ? shapes[ht_random_below(random, shape_count)]
                                  : "{\"id\":%u,\"whole\":[]}",
                     i);
        if (i == spoiled) {
            spoil(input, begin, frame->spoilers, random);
        }
        ht_buffer_append_text(input, i + 1 < SPOILED_LINES ? frame->between : "\n");
    }
    ht_buffer_append_text(input, frame->end);
    return spoiled;
}

/* Whatever happens to one line, the others come out whole, and pieces make no difference. */
static void test_one_spoiled_line(void **state)
{
    (void)state;
    static const struct frame frames[] = {
        {"", "", "\n", "", "{}[]\",:\\ 1a\t\xff"},
        {"[\n", "", ",\n", "]\n", "{}[]\",:\\ 1a\t\xff"},
        /* A ']' that ends an indented list early takes the rest along. */
        {"[\n", "  ", ",\n", "]\n", "{[\",:\\ 1a\t\xff"},
        {"{\n  \"statuses\": [\n", "    ", ",\n", "  ],\n  \"search_metadata\": {}\n}\n",
         "{[\",:\\ 1a\t\xff"},
    };
    enum { ROUNDS = 40000 };
    struct ht_random random;
    struct ht_buffer input, whole, pieces;
    ht_random_init(&random, 2013);
    ht_buffer_init(&input, MIB);
    ht_buffer_init(&whole, MIB);
    ht_buffer_init(&pieces, MIB);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned spoiled = make_spoiled(&input, &frames[round % HT_COUNT_OF(frames)], &random);
        read_all(ht_buffer_slice(&input), input.length, &whole);
        read_all(ht_buffer_slice(&input), 1 + ht_random_below(&random, 40), &pieces);
        assert_string_equal(whole.data, pieces.data);
        for (unsigned i = 0; i < SPOILED_LINES; i++) {
            char wanted[64];
            snprintf(wanted, sizeof(wanted), "{\"id\":%u,\"whole\":[]}", i);
            if (i != spoiled && strstr(whole.data, wanted) == NULL) {
                print_error("in:\n%sout:\n%s", input.data, whole.data);
                fail();
            }
        }
    }
    ht_buffer_finish(&input);
    ht_buffer_finish(&whole);
    ht_buffer_finish(&pieces);
}

/* Counts what comes out of a file of ../shared/data; false, said loudly, where it is not there. */
static bool count_file(const char *name, size_t *messages, size_t *rejects)
{
    char path[512], chunk[1000];
    snprintf(path, sizeof(path), "%s/data/%s", shared_root(), name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        print_error("SKIPPED: %s is not there\n", path);
        return false;
    }
    struct ht_documents *documents = ht_documents_create();
    struct ht_document document;
    enum ht_documents_event event;
    *messages = *rejects = 0;
    while ((event = ht_documents_next(documents, &document)) != HT_DOCUMENTS_END) {
        assert_int_not_equal(event, HT_DOCUMENTS_FAILED);
        if (event == HT_DOCUMENTS_MORE) {
            size_t length = fread(chunk, 1, sizeof(chunk), file);
            ht_documents_feed(documents, ht_slice_make(chunk, length));
            if (length == 0) {
                ht_documents_end(documents);
            }
            continue;
        }
        *messages += event == HT_DOCUMENTS_MESSAGE;
        *rejects += event == HT_DOCUMENTS_REJECT;
        if (event == HT_DOCUMENTS_MESSAGE) {
            struct ht_json *root = ht_json_parse(document.bytes, 0, NULL, NULL);
            assert_non_null(root);
            ht_json_destroy(root);
        }
    }
    ht_documents_destroy(documents);
    fclose(file);
    return true;
}

static void test_real_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t messages, rejects;
    } files[] = {
        {"v11-search/twitter.json", 100, 0},
        {"v2/filtered-stream-with-truncated-tail.jsonl", 7, 1},
        {"v2/twarc-2sets.jsonl", 200, 0},
        {"v2/twarc-edits.jsonl", 4, 0},
        {"v2/twarc-flat.jsonl", 100, 0},
        {"v2/twarc-kpop.jsonl", 100, 0},
        {"v2/twarc-withheld.jsonl", 215, 0},
        {"messages/v11-control-examples.jsonl", 9, 0},
        {"messages/v2-control-examples.jsonl", 7, 0},
        {"messages/hbc-status.json", 1, 0},
        {"bluesky/jetstream-v1-2026-07-04.jsonl", 152, 0},
        {"bluesky/jetstream-v1-golden.jsonl", 10, 0},
    };
    bool skipped = false;
    for (size_t i = 0; i < HT_COUNT_OF(files); i++) {
        size_t messages, rejects;
        if (!count_file(files[i].name, &messages, &rejects)) {
            skipped = true;
            continue;
        }
        if (messages != files[i].messages || rejects != files[i].rejects) {
            print_error("%s: %zu messages, %zu rejects\n", files[i].name, messages, rejects);
        }
        assert_int_equal(messages, files[i].messages);
        assert_int_equal(rejects, files[i].rejects);
    }
    if (skipped) {
        skip();
    }
}

/* A letter is not refused as one that nobody can read. */
static void test_a_letter_without_memory_is_no_reject(void **state)
{
    (void)state;
    struct ht_document document;
    struct ht_documents *documents = ht_documents_create();
    assert_non_null(documents);
    ht_documents_feed(documents, HT_SLICE("{\"data\":\"e30=\",\"reason\":\"refused\"}\n"));
    json_memory_take();
    enum ht_documents_event event = ht_documents_next(documents, &document);
    json_memory_give_back();
    assert_int_equal(event, HT_DOCUMENTS_FAILED);
    assert_int_equal(ht_documents_next(documents, &document), HT_DOCUMENTS_FAILED); /* for good */
    ht_documents_destroy(documents);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_in_any_pieces),
        cmocka_unit_test(test_every_single_border),
        cmocka_unit_test(test_gzip_in_any_pieces),
        cmocka_unit_test(test_cut_off_gzip),
        cmocka_unit_test(test_damaged_gzip),
        cmocka_unit_test(test_size_limit_of_messages),
        cmocka_unit_test(test_large_garbage_and_neighbours),
        cmocka_unit_test(test_page_limit),
        cmocka_unit_test(test_depth_bombs),
        cmocka_unit_test(test_deepest_message_passes),
        cmocka_unit_test(test_one_spoiled_line),
        cmocka_unit_test(test_real_files),
        cmocka_unit_test(test_a_letter_without_memory_is_no_reject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
