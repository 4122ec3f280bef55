// SPDX-License-Identifier: MIT

/**
 * Files of tweets, as `put` and replay read them: the same messages and rejects in the same lines
 * however the bytes are cut, plain and as gzip; what jansson takes as one array of plain tweets gives
 * each of them; messages get other ids in later rounds and stay JSON.
 */

#include "fuzz_data.h"
#include "hashtagd/base/gzip.h"
#include "hashtagd/json/json.h"
#include "hashtagd/sources/documents.h"
#include "round_ids.h"

#define LOG_MAX_BYTES (1u << 24)

/* All that a reading said, one behind the other. */
struct reading {
    struct ht_buffer log;
    size_t messages, rejects;
    struct ht_documents *documents;
};

static void note(struct reading *reading, enum ht_documents_event event,
                 const struct ht_document *document)
{
    bool is_message = event == HT_DOCUMENTS_MESSAGE;
    FUZZ_CHECK(document->line > 0, "line");
    FUZZ_CHECK(is_message == (document->refusal == HT_TWEET_REFUSAL_NONE), "refusal %d",
               (int)document->refusal);
    FUZZ_CHECK(is_message == (document->reason == NULL), "reason");
    FUZZ_CHECK(document->bytes.length <= HT_DOCUMENTS_MESSAGE_BYTES_MAX, "%zu",
               document->bytes.length);
    FUZZ_CHECK(!is_message || document->bytes.length > 0, "an empty message");
    reading->messages += is_message;
    reading->rejects += !is_message;
    ht_buffer_append_format(&reading->log, "\n%llu %s %zu ", (unsigned long long)document->line,
                            is_message ? "message" : document->reason,
                            is_message ? document->bytes.length : 0);
    if (is_message) {
        ht_buffer_append_slice(&reading->log, document->bytes);
    }
}

/* Takes all that is there; false where nothing comes any more: gzip that is damaged ends early. */
static bool drain(struct reading *reading, bool is_last)
{
    struct ht_document document;
    enum ht_documents_event event;
    memset(&document, 0, sizeof(document));
    while ((event = ht_documents_next(reading->documents, &document)) <= HT_DOCUMENTS_REJECT) {
        note(reading, event, &document);
        memset(&document, 0, sizeof(document));
    }
    FUZZ_CHECK(event == HT_DOCUMENTS_END || (event == HT_DOCUMENTS_MORE && !is_last), "%d",
               (int)event);
    return event == HT_DOCUMENTS_MORE;
}

static void read_all(struct reading *reading, struct ht_slice bytes, unsigned seed)
{
    struct fuzz_cuts cuts;
    struct ht_slice piece;
    *reading = (struct reading){.documents = ht_documents_create()};
    ht_buffer_init(&reading->log, LOG_MAX_BYTES);
    fuzz_cuts_init(&cuts, bytes, seed);
    bool goes_on = true;
    while (goes_on && fuzz_cuts_next(&cuts, &piece)) {
        ht_documents_feed(reading->documents, piece);
        goes_on = drain(reading, false);
        FUZZ_CHECK(goes_on || ht_gzip_has_magic(bytes), "ends early");
    }
    fuzz_cuts_finish(&cuts);
    if (goes_on) {
        ht_documents_end(reading->documents);
        (void)drain(reading, true);
    }
    ht_documents_destroy(reading->documents);
}

static bool is_plain_tweet(const struct ht_json *value)
{
    static const char *const others[] = {"statuses", "data", "includes",
                                         "errors",   "meta", "sequence_number"};
    bool is_plain = ht_json_type(value) == HT_JSON_OBJECT;
    for (size_t i = 0; is_plain && i < sizeof(others) / sizeof(others[0]); i++) {
        is_plain = ht_json_member(value, others[i]) == NULL;
    }
    return is_plain;
}

/* How many tweets jansson sees in one array of plain tweets; -1 where it is something else. */
static int count_of(struct ht_slice text)
{
    struct ht_json *root = ht_json_parse(text, HT_JSON_ROOT_IS_CONTAINER, NULL, NULL);
    int count = root != NULL && ht_json_type(root) == HT_JSON_ARRAY &&
                        memchr(text.data, '\0', text.length) == NULL
                    ? (int)ht_json_count(root)
                    : -1;
    unsigned depth = 0, most = 0;
    for (size_t i = 0; i < text.length; i++) {
        depth += text.data[i] == '{' || text.data[i] == '[';
        most = depth;
    }
    for (int i = 0; i < count; i++) {
        count = is_plain_tweet(ht_json_element(root, (size_t)i)) ? count : -1;
    }
    ht_json_destroy(root);
    return most < 60 ? count : -1;
}

static void check_rounds(struct ht_slice message)
{
    struct ht_json *root = ht_json_parse(message, HT_JSON_ROOT_IS_CONTAINER, NULL, NULL);
    for (uint64_t round = 0; root != NULL && round < 3; round++) {
        struct ht_buffer out;
        ht_buffer_init(&out, LOG_MAX_BYTES);
        int status = ht_round_ids_append(message, round, &out);
        if (status == 0) {
            struct ht_json *again =
                ht_json_parse(ht_buffer_slice(&out), HT_JSON_ROOT_IS_CONTAINER, NULL, NULL);
            FUZZ_CHECK(again != NULL, "round %d: %.*s", (int)round,
                       FUZZ_TEXT(ht_buffer_slice(&out)));
            FUZZ_CHECK(ht_json_count(again) == ht_json_count(root), "members");
            ht_json_destroy(again);
            if (round == 0) {
                FUZZ_CHECK_SAME(ht_buffer_slice(&out), message, "round 0");
            }
        }
        ht_buffer_finish(&out);
    }
    ht_json_destroy(root);
}

static void check_gzip(struct ht_slice bytes, const struct reading *whole, unsigned seed)
{
    struct ht_buffer packed;
    struct reading unpacked;
    size_t half = bytes.length / 2;
    ht_buffer_init(&packed, LOG_MAX_BYTES);
    /* two members are as good as one */
    FUZZ_CHECK(ht_gzip_format(ht_slice_make(bytes.data, half), &packed) == 0 &&
                   ht_gzip_format(ht_slice_make(bytes.data + half, bytes.length - half), &packed) ==
                       0,
               "gzip");
    read_all(&unpacked, ht_buffer_slice(&packed), seed);
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole->log), ht_buffer_slice(&unpacked.log), "gzip");
    ht_buffer_finish(&unpacked.log);
    ht_buffer_finish(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    unsigned seed = fuzz_take_byte(&input);
    char *copy = fuzz_copy(fuzz_rest(&input));
    struct ht_slice bytes = ht_slice_make(copy, input.length);
    struct reading whole, pieces;
    read_all(&whole, bytes, 0);
    read_all(&pieces, bytes, 1 + seed);
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole.log), ht_buffer_slice(&pieces.log), "cut");
    FUZZ_CHECK(whole.messages + whole.rejects <= bytes.length, "%zu", whole.messages);
    if (!ht_gzip_has_magic(bytes)) {
        check_gzip(bytes, &whole, seed);
    }
    int count = bytes.length == 0 ? -1 : count_of(bytes);
    FUZZ_CHECK(count < 0 || (whole.messages == (size_t)count && whole.rejects == 0),
               "%zu messages, %zu rejects, judge %d", whole.messages, whole.rejects, count);
    check_rounds(bytes);
    ht_buffer_finish(&whole.log);
    ht_buffer_finish(&pieces.log);
    free(copy);
    return 0;
}
