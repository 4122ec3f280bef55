// SPDX-License-Identifier: MIT

/* The line reader of X's streams: the same messages wherever the bytes are cut, none longer than the
 * maximum, and for plain lines what a reader says that has all bytes at once. */

#include "fuzz.h"
#include "line_reader.h"

static void run(struct ht_slice bytes, unsigned cuts, enum ht_line_framing framing,
                size_t max_bytes, struct ht_buffer *journal);
static void on_line(void *user, struct ht_slice line);
static void on_bad(void *user, struct ht_slice bytes, const char *reason);
static void model(struct ht_slice bytes, size_t max_bytes, struct ht_buffer *journal);
static size_t model_end(struct ht_slice rest);
static bool is_whole(struct ht_slice text);
static struct ht_slice trimmed(struct ht_slice text);

static const struct ht_line_reader_events events = {on_line, on_bad};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t maxima[] = {1, 2, 5, 16, 64, 100000};
    struct fuzz_input input = fuzz_input(data, size);
    unsigned cuts = fuzz_take_byte(&input);
    unsigned choice = fuzz_take_byte(&input);
    enum ht_line_framing framing = choice & 1 ? HT_LINE_FRAMING_DELIMITED : HT_LINE_FRAMING_LINES;
    size_t max_bytes = maxima[(choice >> 1) % HT_COUNT_OF(maxima)];
    struct ht_buffer whole, pieces;

    ht_buffer_init(&whole, FUZZ_JOURNAL_MAX_BYTES);
    ht_buffer_init(&pieces, FUZZ_JOURNAL_MAX_BYTES);
    run(fuzz_rest(&input), 0, framing, max_bytes, &whole);
    run(fuzz_rest(&input), cuts, framing, max_bytes, &pieces);
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole), ht_buffer_slice(&pieces), "whole and in pieces");
    ht_buffer_clear(&pieces);
    run(fuzz_rest(&input), 1, framing, max_bytes, &pieces);
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole), ht_buffer_slice(&pieces), "whole and in single bytes");
    if (framing == HT_LINE_FRAMING_LINES) {
        ht_buffer_clear(&pieces);
        model(fuzz_rest(&input), max_bytes, &pieces);
        FUZZ_CHECK_SAME(ht_buffer_slice(&whole), ht_buffer_slice(&pieces), "reader and model");
    }
    ht_buffer_finish(&whole);
    ht_buffer_finish(&pieces);
    return 0;
}

/* What a reader of all bytes is asked for. */
struct run {
    struct ht_buffer *journal;
    size_t max_bytes;
};

static void run(struct ht_slice bytes, unsigned seed, enum ht_line_framing framing,
                size_t max_bytes, struct ht_buffer *journal)
{
    struct run run = {journal, max_bytes};
    struct ht_line_reader reader;
    struct fuzz_cuts cuts;
    struct ht_slice piece;

    ht_line_reader_init(&reader, &events, &run, framing, max_bytes);
    fuzz_cuts_init(&cuts, bytes, seed);
    while (fuzz_cuts_next(&cuts, &piece)) {
        FUZZ_CHECK(ht_line_reader_feed(&reader, piece) == 0, "it can always be fed");
    }
    ht_line_reader_end(&reader);
    ht_line_reader_finish(&reader);
}

static void on_line(void *user, struct ht_slice line)
{
    struct run *run = user;

    FUZZ_CHECK(line.length > 0 && line.length <= run->max_bytes, "a line of %zu bytes of %zu",
               line.length, run->max_bytes);
    fuzz_note(run->journal, "line", 0, line);
}

static void on_bad(void *user, struct ht_slice bytes, const char *reason)
{
    struct run *run = user;

    FUZZ_CHECK(bytes.length <= run->max_bytes + 1, "%s with %zu bytes of %zu", reason, bytes.length,
               run->max_bytes);
    fuzz_note(run->journal, reason, 0, bytes);
}

/* CR LF ends a message; an LF alone too, where what stands before it is no JSON that goes on. */
static void model(struct ht_slice rest, size_t max_bytes, struct ht_buffer *journal)
{
    while (rest.length > 0) {
        if (rest.data[0] == '\r' || rest.data[0] == '\n') {
            rest = ht_slice_make(rest.data + 1, rest.length - 1);
            continue;
        }
        size_t end = model_end(rest);
        bool is_cut_off = end == rest.length;
        struct ht_slice line = ht_slice_make(rest.data, end);
        size_t counted = end - (end > 0 && rest.data[end - 1] == '\r' ? 1 : 0);
        if (counted > max_bytes) {
            fuzz_note(journal, "too_large", 0, ht_slice_make(line.data, max_bytes));
        } else if (trimmed(line).length > 0) {
            fuzz_note(journal, is_cut_off ? "cut_off" : "line", 0, trimmed(line));
        }
        size_t taken = end + (is_cut_off ? 0 : 1);
        rest = ht_slice_make(rest.data + taken, rest.length - taken);
    }
}

/* Where the LF is that ends the first message; the length of `rest` where none does. */
static size_t model_end(struct ht_slice rest)
{
    for (size_t i = 0; i < rest.length; i++) {
        if (rest.data[i] == '\n' &&
            (rest.data[i - 1] == '\r' || is_whole(ht_slice_make(rest.data, i)))) {
            return i;
        }
    }
    return rest.length;
}

static bool is_whole(struct ht_slice text)
{
    struct ht_slice begin = trimmed(text);
    size_t depth = 0;
    bool in_string = false;

    if (begin.length == 0 || (begin.data[0] != '{' && begin.data[0] != '[')) {
        return true;
    }
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        if (in_string && byte == '\\') {
            i++;
        } else if (byte == '"') {
            in_string = !in_string;
        } else if (!in_string && (byte == '{' || byte == '[')) {
            depth++;
        } else if (!in_string && (byte == '}' || byte == ']') && depth > 0) {
            depth--;
        }
    }
    return depth == 0 && !in_string;
}

static struct ht_slice trimmed(struct ht_slice text)
{
    static const char blank[] = " \t\r\n";

    while (text.length > 0 && memchr(blank, text.data[0], 4) != NULL) {
        text = ht_slice_make(text.data + 1, text.length - 1);
    }
    while (text.length > 0 && memchr(blank, text.data[text.length - 1], 4) != NULL) {
        text.length--;
    }
    return text;
}
