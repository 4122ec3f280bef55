// SPDX-License-Identifier: MIT

/* Bodies and files of tweets: the same messages and rejects wherever the bytes are cut, packed or not,
 * with rising lines, and JSON lines split as a simple loop splits them. */

#include "fuzz.h"
#include "tweets_body.h"

#include "hashtagd/base/gzip.h"
#include "hashtagd/sources/documents.h"

static void read_documents(struct ht_slice bytes, unsigned seed, struct ht_buffer *journal);
static bool note_all(struct ht_documents *documents, struct ht_buffer *journal);
static void check_parse(struct ht_slice bytes, struct ht_slice documents);
static void check_split(struct ht_slice bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    unsigned cuts = fuzz_take_byte(&input);
    struct ht_slice bytes = fuzz_rest(&input);
    struct ht_buffer whole, pieces, packed;

    ht_buffer_init(&whole, FUZZ_JOURNAL_MAX_BYTES);
    ht_buffer_init(&pieces, FUZZ_JOURNAL_MAX_BYTES);
    ht_buffer_init(&packed, 1u << 20);
    read_documents(bytes, 0, &whole);
    read_documents(bytes, cuts, &pieces);
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole), ht_buffer_slice(&pieces), "whole and in pieces");
    check_parse(bytes, ht_buffer_slice(&whole));
    if (!ht_gzip_has_magic(bytes)) {
        ht_buffer_clear(&pieces);
        FUZZ_CHECK(ht_gzip_format(bytes, &packed) == 0, "packed");
        read_documents(ht_buffer_slice(&packed), cuts, &pieces);
        FUZZ_CHECK_SAME(ht_buffer_slice(&whole), ht_buffer_slice(&pieces), "plain and packed");
    }
    check_split(bytes);
    ht_buffer_finish(&whole);
    ht_buffer_finish(&pieces);
    ht_buffer_finish(&packed);
    return 0;
}

static void read_documents(struct ht_slice bytes, unsigned seed, struct ht_buffer *journal)
{
    struct ht_documents *documents = ht_documents_create();
    struct fuzz_cuts cuts;
    struct ht_slice piece;
    bool is_over = false;

    FUZZ_CHECK(documents != NULL, "memory");
    fuzz_cuts_init(&cuts, bytes, seed);
    while (!is_over && fuzz_cuts_next(&cuts, &piece)) {
        ht_documents_feed(documents, piece);
        is_over = note_all(documents, journal);
    }
    fuzz_cuts_finish(&cuts);
    if (!is_over) {
        ht_documents_end(documents);
        FUZZ_CHECK(note_all(documents, journal), "it comes to an end");
    }
    ht_documents_destroy(documents);
}

/* Whether nothing comes any more. */
static bool note_all(struct ht_documents *documents, struct ht_buffer *journal)
{
    struct ht_document document;

    for (;;) {
        switch (ht_documents_next(documents, &document)) {
        case HT_DOCUMENTS_MESSAGE:
            FUZZ_CHECK(document.bytes.length > 0 && document.line > 0, "an empty message");
            fuzz_note(journal, "message", document.line, document.bytes);
            break;
        case HT_DOCUMENTS_REJECT:
            FUZZ_CHECK(document.reason != NULL && document.line > 0, "a reject without a reason");
            fuzz_note(journal, "reject", document.line, ht_slice_text(document.reason));
            fuzz_note(journal, "refusal", document.refusal, document.bytes);
            break;
        case HT_DOCUMENTS_MORE:
            return false;
        case HT_DOCUMENTS_END:
            return true;
        case HT_DOCUMENTS_FAILED:
            FUZZ_CHECK(false, "memory");
        }
    }
}

static void read_body(struct ht_tweets_body *body, struct ht_slice bytes, bool is_lines)
{
    ht_tweets_body_init(body);
    int status = ht_tweets_body_begin(body, bytes, is_lines);
    for (size_t steps = 0; status == 0 && !body->is_read; steps++) {
        FUZZ_CHECK(steps <= bytes.length + 8, "it comes to an end");
        status = ht_tweets_body_go_on(body);
    }
    FUZZ_CHECK(status == 0, "there is room");
}

/* The body of a request says the same as the file. */
static void check_parse(struct ht_slice bytes, struct ht_slice documents)
{
    struct ht_tweets_body body;
    size_t message = 0, reject = 0;
    size_t at = 0;

    read_body(&body, bytes, false);
    while (at < documents.length) {
        struct ht_slice rest = ht_slice_make(documents.data + at, documents.length - at);
        unsigned long long line = 0;
        size_t length = 0;
        int head = 0;
        char word[16] = "";
        FUZZ_CHECK(sscanf(rest.data, "%15s %llu %zu:%n", word, &line, &length, &head) == 3, "read");
        struct ht_slice text = ht_slice_make(rest.data + head, length);
        if (strcmp(word, "message") == 0) {
            FUZZ_CHECK(message < body.count && body.lines[message] == line, "line %llu", line);
            FUZZ_CHECK_SAME(body.messages[message], text, "message");
            message++;
        } else if (strcmp(word, "reject") == 0) {
            FUZZ_CHECK(reject < body.reject_count && body.rejects[reject].line == line, "reject");
            FUZZ_CHECK_SAME(ht_slice_text(body.rejects[reject].reason), text, "reason");
            reject++;
        }
        at += (size_t)head + length + 1;
    }
    FUZZ_CHECK(body.count == message && body.reject_count == reject, "%zu messages", body.count);
    ht_tweets_body_finish(&body);
}

static void check_split(struct ht_slice bytes)
{
    struct ht_tweets_body body;
    size_t found = 0, begin = 0;
    uint64_t line = 1;

    read_body(&body, bytes, true);
    for (size_t at = 0; at <= bytes.length; at++) {
        if (at < bytes.length && bytes.data[at] != '\n') {
            continue;
        }
        size_t length = at - begin;
        length -= length > 0 && bytes.data[at - 1] == '\r' ? 1 : 0;
        struct ht_slice text = ht_slice_trim(ht_slice_make(bytes.data + begin, length));
        if (text.length > 0) {
            FUZZ_CHECK(found < body.count && body.lines[found] == line, "line %zu", found);
            FUZZ_CHECK_SAME(body.messages[found], text, "line");
            found++;
        }
        begin = at + 1;
        line++;
    }
    FUZZ_CHECK(found == body.count && body.reject_count == 0, "%zu lines", body.count);
    ht_tweets_body_finish(&body);
}
