// SPDX-License-Identifier: MIT

/**
 * The XML of S3, STS and IAM against expat: what expat takes, and has no document type and no more
 * levels than ours goes, ours takes too, with the same elements and the same texts. What is cut off
 * anywhere is refused. What is written with escapes is read back.
 */

#include "fuzz_data.h"
#include "hashtagd/aws/xml.h"

#include <expat.h>

#define TEXT_MAX_BYTES (1u << 22)

/* What a reading saw: '<name', '>' and texts, one behind the other. */
struct log {
    struct ht_buffer seen;
    unsigned depth, most;
    bool has_doctype;
};

static void on_begin(void *user, const char *name, const char **attributes)
{
    struct log *log = user;
    (void)attributes;
    ht_buffer_append_byte(&log->seen, '\x01');
    ht_buffer_append_text(&log->seen, name);
    ht_buffer_append_byte(&log->seen, '\x02');
    log->depth++;
    log->most = log->depth > log->most ? log->depth : log->most;
}

static void on_end(void *user, const char *name)
{
    struct log *log = user;
    (void)name;
    ht_buffer_append_byte(&log->seen, '\x03');
    log->depth--;
}

static void on_text(void *user, const char *text, int length)
{
    struct log *log = user;
    ht_buffer_append(&log->seen, text, (size_t)length);
}

static void on_doctype(void *user, const char *name, const char *system, const char *public,
                       int has)
{
    struct log *log = user;
    (void)name;
    (void)system;
    (void)public;
    (void)has;
    log->has_doctype = true;
}

/* Whether expat takes it. */
static bool judge(struct ht_slice text, struct log *log)
{
    XML_Parser parser = XML_ParserCreate("UTF-8");
    ht_buffer_init(&log->seen, TEXT_MAX_BYTES);
    XML_SetUserData(parser, log);
    XML_SetElementHandler(parser, on_begin, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    bool is_right = XML_Parse(parser, text.data, (int)text.length, 1) == XML_STATUS_OK;
    XML_ParserFree(parser);
    return is_right;
}

/* Ours, logged the same way: 0, or the error of an event or of a text. */
static int read_all(struct ht_slice text, struct log *log)
{
    struct ht_xml xml;
    int event, status = 0;
    ht_buffer_init(&log->seen, TEXT_MAX_BYTES);
    ht_xml_init(&xml, text);
    while ((event = ht_xml_next(&xml)) > HT_XML_DONE) {
        FUZZ_CHECK(xml.depth > 0 && xml.depth <= HT_XML_DEPTH_MAX && xml.at <= text.length, "%u",
                   xml.depth);
        if (event == HT_XML_BEGIN) {
            ht_buffer_append_byte(&log->seen, '\x01');
            ht_buffer_append_slice(&log->seen, xml.tags[xml.depth - 1]);
            ht_buffer_append_byte(&log->seen, '\x02');
            log->depth++;
            FUZZ_CHECK(log->depth == xml.depth, "%u", xml.depth);
        } else if (event == HT_XML_END) {
            ht_buffer_append_byte(&log->seen, '\x03');
            log->depth--;
        } else if (status == 0) {
            status = ht_xml_append_text(&xml, &log->seen);
        }
    }
    FUZZ_CHECK(event == HT_XML_DONE || event == HT_EPARSE || event == HT_ETOOBIG, "%d", event);
    FUZZ_CHECK(ht_xml_next(&xml) == event, "goes on behind %d", event);
    FUZZ_CHECK(event != HT_XML_DONE || log->depth == 0, "%u open", log->depth);
    return event != HT_XML_DONE ? event : status;
}

static void check_cuts(struct ht_slice text, size_t seed)
{
    size_t end = text.length;
    while (end > 0 && text.data[end - 1] != '>') {
        end--;
    }
    /* a comment behind the root may be gone */
    for (size_t i = 0; i < 8 && end > 1; i++) {
        size_t length = (seed * 31 + i * 977) % (end - 1);
        struct log log = {0};
        struct ht_slice cut = ht_slice_make(text.data, length);
        if (read_all(cut, &log) == 0) {
            struct log rest = {0};
            FUZZ_CHECK(read_all(text, &rest) == 0, "a prefix passes");
            FUZZ_CHECK_SAME(ht_buffer_slice(&log.seen), ht_buffer_slice(&rest.seen), "a prefix");
            ht_buffer_finish(&rest.seen);
        }
        ht_buffer_finish(&log.seen);
    }
}

static void check_read(struct ht_slice text)
{
    struct ht_buffer code, message, any;
    struct ht_error error = {0};
    struct ht_xml_wanted wanted[] = {{.path = "Error/Code", .text = &code},
                                     {.path = "ErrorResponse/Error/Message", .text = &message},
                                     {.path = "*/*/Key", .text = &any}};
    ht_buffer_init(&code, 64);
    ht_buffer_init(&message, 64);
    ht_buffer_init(&any, 64);
    int status = ht_xml_read(text, wanted, 3, &error);
    FUZZ_CHECK(status == 0 || error.code == status, "%d", status);
    ht_buffer_finish(&code);
    ht_buffer_finish(&message);
    ht_buffer_finish(&any);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(ht_slice_make(data, size));
    struct ht_slice text = ht_slice_make(copy, size);
    struct log expected = {0}, found = {0};
    bool is_right = judge(text, &expected);
    int status = read_all(text, &found);
    /* line ends become one kind, and UTF-16 is none of ours */
    bool is_judged = is_right && !expected.has_doctype && expected.most <= HT_XML_DEPTH_MAX &&
                     memchr(copy, '\r', size) == NULL && memchr(copy, '\0', size) == NULL;
    FUZZ_CHECK(!is_judged || status == 0, "%d: %.*s", status, FUZZ_TEXT(text));
    if (is_judged) {
        FUZZ_CHECK_SAME(ht_buffer_slice(&found.seen), ht_buffer_slice(&expected.seen), "events");
    }
    FUZZ_CHECK(!expected.has_doctype || status != 0, "a document type passes");
    check_read(text);
    if (is_judged) {
        check_cuts(text, size);
    }
    ht_buffer_finish(&found.seen);
    ht_buffer_finish(&expected.seen);
    free(copy);
    return 0;
}
