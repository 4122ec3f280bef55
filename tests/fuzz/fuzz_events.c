// SPDX-License-Identifier: MIT

/* The reader of server-sent events: the same events wherever the bytes are cut, and those that the
 * standard's own words give. */

#include "event_reader.h"
#include "fuzz.h"

#define NO_LIMIT_BYTES (1u << 20)

static void run(struct ht_slice bytes, unsigned seed, size_t max_bytes, struct ht_buffer *journal);
static void on_event(void *user, struct ht_slice name, struct ht_slice data);
static void on_bad(void *user, struct ht_slice bytes, const char *reason);
static void model(struct ht_slice rest, struct ht_buffer *journal);
static bool next_line(struct ht_slice *rest, struct ht_slice *line);

static const struct ht_event_reader_events events = {on_event, on_bad};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t maxima[] = {1, 8, 20, 64, 300, NO_LIMIT_BYTES};
    struct fuzz_input input = fuzz_input(data, size);
    unsigned cuts = fuzz_take_byte(&input);
    size_t max_bytes = maxima[fuzz_take_byte(&input) % HT_COUNT_OF(maxima)];
    struct ht_buffer whole, pieces;

    ht_buffer_init(&whole, FUZZ_JOURNAL_MAX_BYTES);
    ht_buffer_init(&pieces, FUZZ_JOURNAL_MAX_BYTES);
    run(fuzz_rest(&input), 0, max_bytes, &whole);
    run(fuzz_rest(&input), cuts, max_bytes, &pieces);
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole), ht_buffer_slice(&pieces), "whole and in pieces");
    ht_buffer_clear(&pieces);
    run(fuzz_rest(&input), 1, max_bytes, &pieces);
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole), ht_buffer_slice(&pieces), "whole and in single bytes");
    if (max_bytes == NO_LIMIT_BYTES) {
        ht_buffer_clear(&pieces);
        model(fuzz_rest(&input), &pieces);
        FUZZ_CHECK_SAME(ht_buffer_slice(&whole), ht_buffer_slice(&pieces), "reader and model");
    }
    ht_buffer_finish(&whole);
    ht_buffer_finish(&pieces);
    return 0;
}

struct run {
    struct ht_buffer *journal;
    size_t max_bytes;
};

static void run(struct ht_slice bytes, unsigned seed, size_t max_bytes, struct ht_buffer *journal)
{
    struct run run = {journal, max_bytes};
    struct ht_event_reader reader;
    struct fuzz_cuts cuts;
    struct ht_slice piece;

    ht_event_reader_init(&reader, &events, &run, max_bytes);
    fuzz_cuts_init(&cuts, bytes, seed);
    while (fuzz_cuts_next(&cuts, &piece)) {
        FUZZ_CHECK(ht_event_reader_feed(&reader, piece) == 0, "it can always be fed");
    }
    ht_event_reader_end(&reader);
    ht_event_reader_finish(&reader);
}

static void on_event(void *user, struct ht_slice name, struct ht_slice data)
{
    struct run *run = user;

    /* the field names and colons of its lines are not in it, the LFs between them are */
    FUZZ_CHECK(name.length + data.length <= run->max_bytes + sizeof("message"),
               "an event of %zu and %zu bytes of %zu", name.length, data.length, run->max_bytes);
    fuzz_note(run->journal, "event", 0, name);
    fuzz_note(run->journal, "data", 0, data);
}

static void on_bad(void *user, struct ht_slice bytes, const char *reason)
{
    struct run *run = user;

    FUZZ_CHECK(bytes.length <= run->max_bytes + 1, "%s with %zu bytes", reason, bytes.length);
    fuzz_note(run->journal, reason, 0, bytes);
}

/* WHATWG HTML, 9.2.6, line by line. */
static void model(struct ht_slice rest, struct ht_buffer *journal)
{
    struct ht_slice line;
    struct ht_buffer data;
    struct ht_slice name = HT_SLICE("");

    ht_buffer_init(&data, NO_LIMIT_BYTES);
    if (ht_slice_starts_with(rest, HT_SLICE("\xEF\xBB\xBF"))) {
        rest = ht_slice_make(rest.data + 3, rest.length - 3);
    }
    while (next_line(&rest, &line)) {
        const char *colon = line.length == 0 ? NULL : memchr(line.data, ':', line.length);
        size_t field = colon == NULL ? line.length : (size_t)(colon - line.data);
        size_t behind =
            field + (colon != NULL) + (colon != NULL && field + 1 < line.length && colon[1] == ' ');
        struct ht_slice value = ht_slice_make(line.data + behind, line.length - behind);
        struct ht_slice kind = ht_slice_make(line.data, field);
        if (line.length == 0) {
            if (data.length > 0) {
                fuzz_note(journal, "event", 0, name.length == 0 ? HT_SLICE("message") : name);
                fuzz_note(journal, "data", 0, ht_slice_make(data.data, data.length - 1));
            }
            ht_buffer_clear(&data);
            name = HT_SLICE("");
        } else if (ht_slice_equal(kind, HT_SLICE("data"))) {
            ht_buffer_append_slice(&data, value);
            ht_buffer_append_byte(&data, '\n');
        } else if (ht_slice_equal(kind, HT_SLICE("event"))) {
            name = value;
        }
    }
    ht_buffer_finish(&data);
}

/* A line that is ended; what has no end is no line yet. */
static bool next_line(struct ht_slice *rest, struct ht_slice *line)
{
    for (size_t i = 0; i < rest->length; i++) {
        if (rest->data[i] == '\r' || rest->data[i] == '\n') {
            size_t taken = i + 1;
            taken += rest->data[i] == '\r' && taken < rest->length && rest->data[taken] == '\n';
            *line = ht_slice_make(rest->data, i);
            *rest = ht_slice_make(rest->data + taken, rest->length - taken);
            return true;
        }
    }
    return false;
}
