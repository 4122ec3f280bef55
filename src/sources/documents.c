// SPDX-License-Identifier: MIT
#include "hashtagd/sources/documents.h"

#include "documents_page.h"
#include "json_extents.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/base/gzip.h"
#include "hashtagd/json/base64.h"
#include "hashtagd/json/json.h"

#include <stdlib.h>

/*
 * The window holds the bytes from the beginning of what is being read. ht_documents_next() runs
 * the current mode until it has an event or the window is used up, then fills the window:
 *
 *   BETWEEN --'{' '['--> IN_DOCUMENT --end--> BETWEEN
 *      |                  |  |  ^
 *      |                  |  |  '--its brackets closed-- SKIP_ELEMENT <--broken element of a list
 *      |                  |  '--end of a v2 list--> IN_PAGE --all given--> IN_DOCUMENT or BETWEEN
 *      |                  '--broken--> SKIP_LINES --next line--> BETWEEN
 *      '--anything else--> GARBAGE --next line--> BETWEEN
 *
 * In a document the element is what may become a message: the document itself, or, where it is a
 * list, the list's element that is being read.
 */

enum mode {
    BETWEEN,
    IN_DOCUMENT,
    IN_PAGE,
    SKIP_ELEMENT,
    SKIP_LINES,
    GARBAGE,
    ALL_READ,
    FAILED,
};

enum {
    FILL_BYTES = 65536,
    /* A dead letter of the largest message, in Base64, with its other members. */
    LETTER_BYTES_MAX = HT_DOCUMENTS_MESSAGE_BYTES_MAX / 3 * 4 + 8192,
};

/* What the keys of the element say that it is. */
enum key {
    KEY_OTHER,
    KEY_STATUSES,
    KEY_DATA,
    KEY_INCLUDES,
    KEY_META,
    KEY_COUNT,
};

/* What may become a message. */
struct element {
    bool is_open;     /* one is being read */
    bool is_hollow;   /* it is given up, or it is the answer around a list of statuses */
    bool is_told;     /* it was rejected already */
    size_t begin;     /* in the window */
    uint64_t line;    /* where it begins */
    char first;       /* its first byte */
    bool begins_line; /* only blanks stand before it in its line, `column` of them */
    size_t column;
    enum key last_key; /* of its own members */
    bool has[KEY_COUNT];
    char data_kind; /* first byte of the value of "data" */
};

struct ht_documents {
    struct ht_slice input;          /* what is left of the chunk; not owned */
    bool is_last;                   /* no more chunks come */
    bool knows_format;              /* whether it is gzip was decided */
    char head[HT_GZIP_MAGIC_BYTES]; /* the first bytes, until that is known */
    size_t head_length;
    struct ht_gzip_reader *gzip; /* owned; NULL for plain input */
    enum ht_tweet_refusal gzip_refusal;
    const char *gzip_reason; /* what is to be told of the gzip data at the end; static, or NULL */
    bool is_drained;         /* the window holds the last bytes */
    struct ht_buffer window; /* the bytes from the beginning of the element on */

    enum mode mode;
    enum mode after_page;           /* what comes behind IN_PAGE */
    struct ht_json_extents extents; /* `at` and `line` also serve the modes without document */
    struct element element;
    unsigned element_depth; /* of the element: 0, or that of a list's elements */
    unsigned outer_depth;   /* of the answer around a list of statuses */
    bool in_statuses;
    bool lost_list; /* a list was left early: its commas and brackets may follow */

    bool skip_in_string; /* SKIP_ELEMENT */
    bool skip_in_escape;
    unsigned skip_depth;
    size_t skip_column;
    bool at_line_start; /* of SKIP_ELEMENT (blanks do not end it) and SKIP_LINES */

    struct ht_documents_page page;
    struct ht_buffer letter; /* a dead letter's content */
};

/* Where a mode has nothing to tell yet. */
#define NOTHING (-1)

static int fill(struct ht_documents *documents, struct ht_document *document);
static void compact(struct ht_documents *documents);
static int detect_format(struct ht_documents *documents);
static int fill_from_gzip(struct ht_documents *documents);
static int run_mode(struct ht_documents *documents, struct ht_document *document);
static int run_between(struct ht_documents *documents);
static int run_document(struct ht_documents *documents, struct ht_document *document);
static void note_key(struct ht_documents *documents);
static void note_value(struct ht_documents *documents);
static int note_end(struct ht_documents *documents, struct ht_document *document);
static int finish_element(struct ht_documents *documents, struct ht_document *document);
static int open_page(struct ht_documents *documents);
static int give_letter(struct ht_documents *documents, struct ht_document *document);
static int run_page(struct ht_documents *documents, struct ht_document *document);
static int check_size(struct ht_documents *documents, struct ht_document *document);
static int break_off(struct ht_documents *documents, struct ht_document *document,
                     enum ht_tweet_refusal refusal);
static bool lacks_comma(const struct ht_documents *documents);
static int reject_open(struct ht_documents *documents, struct ht_document *document,
                       enum ht_tweet_refusal refusal, const char *reason);
static bool resume_in_window(struct ht_documents *documents);
static int run_skip_element(struct ht_documents *documents);
static bool leave_skipped_element(struct ht_documents *documents, char c);
static void go_on_in_list(struct ht_documents *documents);
static int run_skip_lines(struct ht_documents *documents);
static int run_garbage(struct ht_documents *documents, struct ht_document *document);
static int finish_reading(struct ht_documents *documents, struct ht_document *document);
static void go_between(struct ht_documents *documents);
static bool is_filler(char c);
static int reject(struct ht_documents *documents, struct ht_document *document,
                  enum ht_tweet_refusal refusal, const char *reason);

struct ht_documents *ht_documents_create(void)
{
    struct ht_documents *documents = calloc(1, sizeof(*documents));
    if (documents != NULL) {
        ht_buffer_init(&documents->window, HT_DOCUMENTS_PAGE_BYTES_MAX + 2 * FILL_BYTES);
        ht_buffer_init(&documents->letter, HT_DOCUMENTS_MESSAGE_BYTES_MAX);
        ht_documents_page_init(&documents->page);
        ht_json_extents_init(&documents->extents, 0, 1, 0);
    }
    return documents;
}

void ht_documents_destroy(struct ht_documents *documents)
{
    if (documents != NULL) {
        ht_gzip_reader_destroy(documents->gzip);
        ht_buffer_finish(&documents->window);
        ht_buffer_finish(&documents->letter);
        ht_documents_page_finish(&documents->page);
        free(documents);
    }
}

void ht_documents_feed(struct ht_documents *documents, struct ht_slice chunk)
{
    HT_ASSERT(documents->input.length == 0 && !documents->is_last);
    documents->input = chunk;
}

void ht_documents_end(struct ht_documents *documents)
{
    documents->is_last = true;
}

enum ht_documents_event ht_documents_next(struct ht_documents *documents,
                                          struct ht_document *document)
{
    int event = NOTHING;
    while (event == NOTHING) {
        if (documents->mode == ALL_READ) {
            return HT_DOCUMENTS_END;
        }
        if (documents->mode == FAILED) {
            return HT_DOCUMENTS_FAILED;
        }
        if (documents->mode == IN_PAGE || documents->extents.at < documents->window.length) {
            event = run_mode(documents, document);
        } else {
            event = fill(documents, document);
        }
    }
    if (event == HT_DOCUMENTS_FAILED) {
        documents->mode = FAILED;
    }
    return (enum ht_documents_event)event;
}

/* Puts the next bytes into the window. */
static int fill(struct ht_documents *documents, struct ht_document *document)
{
    if (documents->is_drained) {
        return finish_reading(documents, document);
    }
    int event = check_size(documents, document);
    if (event != NOTHING) {
        return event;
    }
    if (!documents->knows_format) {
        return detect_format(documents);
    }
    compact(documents);
    if (documents->gzip != NULL) {
        return fill_from_gzip(documents);
    }
    if (documents->input.length == 0) {
        documents->is_drained = documents->is_last;
        return documents->is_last ? NOTHING : HT_DOCUMENTS_MORE;
    }
    struct ht_slice part = documents->input;
    part.length = part.length < FILL_BYTES ? part.length : FILL_BYTES;
    documents->input.data += part.length;
    documents->input.length -= part.length;
    return ht_buffer_append_slice(&documents->window, part) == 0 ? NOTHING : HT_DOCUMENTS_FAILED;
}

/* The first two bytes tell; they may come one by one. A byte order mark is dropped on the way. */
static int detect_format(struct ht_documents *documents)
{
    while (documents->head_length < sizeof(documents->head) && documents->input.length > 0) {
        documents->head[documents->head_length++] = documents->input.data[0];
        documents->input.data++;
        documents->input.length--;
    }
    if (documents->head_length < sizeof(documents->head) && !documents->is_last) {
        return HT_DOCUMENTS_MORE;
    }
    struct ht_slice head = {documents->head, documents->head_length};
    documents->knows_format = true;
    if (!ht_gzip_has_magic(head)) {
        return ht_buffer_append_slice(&documents->window, head) == 0 ? NOTHING
                                                                     : HT_DOCUMENTS_FAILED;
    }
    documents->gzip = ht_gzip_reader_create(0);
    if (documents->gzip == NULL) {
        return HT_DOCUMENTS_FAILED;
    }
    char nothing[1];
    size_t length;
    int status = ht_gzip_reader_read(documents->gzip, &head, nothing, sizeof(nothing), &length);
    return status == 0 ? NOTHING : HT_DOCUMENTS_FAILED;
}

static int fill_from_gzip(struct ht_documents *documents)
{
    struct ht_buffer *window = &documents->window;
    if (ht_buffer_reserve(window, FILL_BYTES) != 0) {
        return HT_DOCUMENTS_FAILED;
    }
    size_t length = 0;
    int status = ht_gzip_reader_read(documents->gzip, &documents->input,
                                     window->data + window->length, FILL_BYTES, &length);
    window->length += length;
    if (status == HT_ENOMEM) {
        return HT_DOCUMENTS_FAILED;
    }
    if (status != 0) {
        documents->gzip_refusal = HT_TWEET_REFUSAL_NOT_JSON;
        documents->gzip_reason = "the gzip data is damaged; what follows is not read";
        documents->is_drained = true;
        documents->input.length = 0;
        return NOTHING;
    }
    if (length > 0 || documents->input.length > 0) {
        return NOTHING;
    }
    if (documents->is_last && !ht_gzip_reader_is_complete(documents->gzip)) {
        documents->gzip_refusal = HT_TWEET_REFUSAL_CUT_OFF;
        documents->gzip_reason = "the gzip data is cut off";
    }
    documents->is_drained = documents->is_last;
    return documents->is_last ? NOTHING : HT_DOCUMENTS_MORE;
}

/* Drops what nobody needs any more. */
static void compact(struct ht_documents *documents)
{
    const struct element *element = &documents->element;
    bool holds = documents->mode == GARBAGE ||
                 (documents->mode == IN_DOCUMENT && element->is_open && !element->is_hollow);
    size_t keep_from = holds ? element->begin : documents->extents.at;
    ht_buffer_drop_front(&documents->window, keep_from);
    documents->extents.at -= keep_from;
    documents->extents.key -= keep_from;
    documents->extents.key_end -= keep_from;
    documents->extents.line_begin -= keep_from; /* may wrap: only differences count */
    documents->element.begin -= keep_from;
}

static int run_mode(struct ht_documents *documents, struct ht_document *document)
{
    switch (documents->mode) {
    case BETWEEN:
        return run_between(documents);
    case IN_DOCUMENT:
        return run_document(documents, document);
    case IN_PAGE:
        return run_page(documents, document);
    case SKIP_ELEMENT:
        return run_skip_element(documents);
    case SKIP_LINES:
        return run_skip_lines(documents);
    case GARBAGE:
        return run_garbage(documents, document);
    case ALL_READ:
    case FAILED:
        break;
    }
    HT_UNREACHABLE();
}

static int run_between(struct ht_documents *documents)
{
    struct ht_json_extents *extents = &documents->extents;
    char c = documents->window.data[extents->at];
    bool is_rest = documents->lost_list && (c == ',' || c == ']' || c == '}');
    if (is_filler(c) || is_rest) {
        extents->line += c == '\n';
        extents->at++;
        return NOTHING;
    }
    documents->element = (struct element){.begin = extents->at, .line = extents->line};
    documents->element_depth = 0;
    documents->in_statuses = false;
    if (c == '{' || c == '[') {
        documents->mode = IN_DOCUMENT;
        ht_json_extents_init(extents, extents->at, extents->line, 0);
    } else {
        documents->mode = GARBAGE;
    }
    return NOTHING;
}

static int run_document(struct ht_documents *documents, struct ht_document *document)
{
    switch (ht_json_extents_next(&documents->extents, documents->window.data,
                                 documents->window.length)) {
    case HT_JSON_EXTENTS_MORE:
        return NOTHING;
    case HT_JSON_EXTENTS_KEY:
        note_key(documents);
        return NOTHING;
    case HT_JSON_EXTENTS_VALUE:
        note_value(documents);
        return NOTHING;
    case HT_JSON_EXTENTS_END:
        return note_end(documents, document);
    case HT_JSON_EXTENTS_BROKEN:
        return break_off(documents, document, HT_TWEET_REFUSAL_NOT_JSON);
    case HT_JSON_EXTENTS_DEEP:
        return break_off(documents, document, HT_TWEET_REFUSAL_TOO_DEEP);
    }
    HT_UNREACHABLE();
}

static void note_key(struct ht_documents *documents)
{
    static const struct ht_slice names[KEY_COUNT] = {
        [KEY_STATUSES] = {"statuses", 8},
        [KEY_DATA] = {"data", 4},
        [KEY_INCLUDES] = {"includes", 8},
        [KEY_META] = {"meta", 4},
    };
    const struct ht_json_extents *extents = &documents->extents;
    if (!documents->element.is_open || documents->element.is_hollow) {
        return; /* its bytes are gone */
    }
    struct ht_slice key = {documents->window.data + extents->key, extents->key_end - extents->key};
    documents->element.last_key = KEY_OTHER;
    for (int i = KEY_OTHER + 1; i < KEY_COUNT; i++) {
        if (ht_slice_equal(key, names[i])) {
            documents->element.last_key = (enum key)i;
        }
    }
    documents->element.has[documents->element.last_key] = true;
}

static void note_value(struct ht_documents *documents)
{
    struct ht_json_extents *extents = &documents->extents;
    struct element *element = &documents->element;
    if (!element->is_open && extents->depth == documents->element_depth) {
        if (extents->depth == 0 && extents->first == '[') {
            documents->element_depth = extents->watch = 1;
            return;
        }
        *element = (struct element){
            .is_open = true,
            .begin = extents->at,
            .line = extents->line,
            .first = extents->first,
            .begins_line = extents->begins_line,
            .column = extents->column,
        };
        extents->watch = extents->depth + 1;
        return;
    }
    if (element->first != '{' || element->is_hollow ||
        extents->depth != documents->element_depth + 1) {
        return;
    }
    if (element->last_key == KEY_DATA) {
        element->data_kind = extents->first;
    } else if (element->last_key == KEY_STATUSES && extents->first == '[' &&
               !documents->in_statuses) {
        /* From here on the elements of this list are what counts. */
        documents->in_statuses = true;
        documents->outer_depth = documents->element_depth;
        documents->element_depth = extents->watch = extents->depth + 1;
        element->is_open = false;
    }
}

static int note_end(struct ht_documents *documents, struct ht_document *document)
{
    struct ht_json_extents *extents = &documents->extents;
    struct element *element = &documents->element;
    if (element->is_open && extents->depth == documents->element_depth) {
        extents->watch = extents->depth;
        if (extents->depth == 0) {
            documents->mode = BETWEEN;
        }
        int event = element->is_hollow ? NOTHING : finish_element(documents, document);
        element->is_open = false;
        return event;
    }
    if (!element->is_open && extents->depth + 1 == documents->element_depth) {
        /* The list itself is over. */
        if (documents->in_statuses) {
            documents->in_statuses = false;
            documents->element_depth = documents->outer_depth;
            *element = (struct element){.is_open = true, .is_hollow = true};
            extents->watch = documents->outer_depth;
        } else {
            documents->mode = BETWEEN;
        }
    }
    return NOTHING;
}

static int finish_element(struct ht_documents *documents, struct ht_document *document)
{
    struct element *element = &documents->element;
    int event = check_size(documents, document);
    if (event != NOTHING) {
        return event;
    }
    if (element->first != '{') {
        return reject(documents, document, HT_TWEET_REFUSAL_WRONG_TYPE, "no JSON object");
    }
    if (element->data_kind == '[') {
        return open_page(documents);
    }
    if (element->data_kind == '"') {
        return give_letter(documents, document);
    }
    if (element->has[KEY_META] && !element->has[KEY_DATA]) {
        return NOTHING; /* a search that found nothing */
    }
    *document = (struct ht_document){
        .bytes = ht_slice_make(documents->window.data + element->begin,
                               documents->extents.at - element->begin),
        .line = element->line,
    };
    return HT_DOCUMENTS_MESSAGE;
}

static int open_page(struct ht_documents *documents)
{
    const struct element *element = &documents->element;
    struct ht_slice answer = {documents->window.data + element->begin,
                              documents->extents.at - element->begin};
    documents->after_page = documents->mode;
    documents->mode = IN_PAGE;
    return ht_documents_page_open(&documents->page, answer, element->line) == 0
               ? NOTHING
               : HT_DOCUMENTS_FAILED;
}

static int run_page(struct ht_documents *documents, struct ht_document *document)
{
    enum ht_documents_event event;
    if (ht_documents_page_next(&documents->page, &event, document)) {
        return event;
    }
    documents->mode = documents->after_page;
    return NOTHING;
}

/* {"data":"<Base64>","reason":...}: what the data was when it came. */
static int give_letter(struct ht_documents *documents, struct ht_document *document)
{
    const struct element *element = &documents->element;
    struct ht_slice line = {documents->window.data + element->begin,
                            documents->extents.at - element->begin};
    struct ht_json *root = ht_json_parse(line, 0, NULL, NULL);
    struct ht_slice text = ht_json_text(ht_json_member(root, "data"));
    size_t length = 0;
    ht_buffer_clear(&documents->letter);
    int status = ht_json_member(root, "reason") == NULL ? HT_EPARSE : 0;
    if (status == 0) {
        status = ht_buffer_reserve(&documents->letter, ht_base64_decoded_max(text.length));
    }
    if (status == 0) {
        status = ht_base64_decode(text, documents->letter.data, &length);
    }
    ht_json_destroy(root);
    if (status == HT_ENOMEM) {
        return HT_DOCUMENTS_FAILED;
    }
    if (status != 0 || length == 0) {
        return reject(documents, document, HT_TWEET_REFUSAL_NOT_JSON,
                      "neither a tweet nor a dead letter");
    }
    documents->letter.length = length;
    *document =
        (struct ht_document){.bytes = ht_buffer_slice(&documents->letter), .line = element->line};
    return HT_DOCUMENTS_MESSAGE;
}

/* Gives an element up as soon as it is too large, so that the window stays small. */
static int check_size(struct ht_documents *documents, struct ht_document *document)
{
    struct element *element = &documents->element;
    bool is_garbage = documents->mode == GARBAGE;
    if (!is_garbage && (!element->is_open || element->is_hollow)) {
        return NOTHING;
    }
    size_t max_bytes = HT_DOCUMENTS_MESSAGE_BYTES_MAX;
    if (element->data_kind == '"') {
        max_bytes = LETTER_BYTES_MAX;
    } else if (element->data_kind == '[' ||
               (element->data_kind == '\0' &&
                (element->has[KEY_INCLUDES] || element->has[KEY_META]))) {
        max_bytes = HT_DOCUMENTS_PAGE_BYTES_MAX;
    }
    if (documents->extents.at - element->begin <= max_bytes) {
        return NOTHING;
    }
    if (is_garbage) {
        documents->mode = SKIP_LINES;
        documents->at_line_start = false;
    }
    element->is_hollow = element->is_told = true;
    return reject(documents, document, HT_TWEET_REFUSAL_TOO_LARGE, "larger than a message may be");
}

/* The document is broken at extents.at: says so once, and finds out where to go on. */
static int break_off(struct ht_documents *documents, struct ht_document *document,
                     enum ht_tweet_refusal refusal)
{
    struct element *element = &documents->element;
    bool in_list = documents->element_depth > 0;
    bool has_bytes = element->is_open && !element->is_hollow;
    int event = NOTHING;
    if (lacks_comma(documents)) {
        ht_json_extents_expect_value(&documents->extents);
        return NOTHING;
    }
    if (!element->is_open || !element->is_told) {
        event = reject_open(documents, document, refusal, ht_tweet_refusal_text(refusal));
    }
    documents->lost_list = documents->lost_list || in_list;
    if (has_bytes && !(in_list && element->begins_line) && resume_in_window(documents)) {
        return event;
    }
    documents->mode = in_list && has_bytes ? SKIP_ELEMENT : SKIP_LINES;
    documents->at_line_start = false;
    if (documents->mode == SKIP_ELEMENT) {
        documents->extents.at = element->begin;
        documents->extents.line = element->line;
        documents->skip_depth = 0;
        documents->skip_in_string = documents->skip_in_escape = false;
    }
    element->is_open = false;
    return event;
}

/* Whether only the comma between two elements of a list is missing. */
static bool lacks_comma(const struct ht_documents *documents)
{
    char c = documents->window.data[documents->extents.at];
    return documents->element_depth > 0 && !documents->element.is_open && (c == '{' || c == '[') &&
           documents->extents.depth == documents->element_depth;
}

/* Rejects the element that is open, or, where there is none, the place where reading stands. */
static int reject_open(struct ht_documents *documents, struct ht_document *document,
                       enum ht_tweet_refusal refusal, const char *reason)
{
    struct element *element = &documents->element;
    if (!element->is_open || element->is_hollow) {
        element->begin = documents->extents.at;
        element->line = documents->extents.line;
    }
    return reject(documents, document, refusal, reason);
}

/* Looks between the element's beginning and where reading stands for a line that begins a new
 * document; goes there, or returns false. */
static bool resume_in_window(struct ht_documents *documents)
{
    const struct element *element = &documents->element;
    const char *data = documents->window.data;
    uint64_t line = element->line;
    for (size_t at = element->begin + 1; at <= documents->extents.at; at++) {
        if (at >= documents->window.length) {
            return false;
        }
        if (data[at - 1] != '\n') {
            continue;
        }
        line++;
        if (data[at] == '{' || data[at] == '[') {
            documents->extents.at = at;
            documents->extents.line = line;
            go_between(documents);
            return true;
        }
    }
    return false;
}

/* Counts brackets of the broken element until they are closed. A string ends with its line. Where
 * the elements of the list begin their lines, the next line that looks like that is better. */
static int run_skip_element(struct ht_documents *documents)
{
    struct ht_json_extents *extents = &documents->extents;
    char c = documents->window.data[extents->at];
    if (documents->at_line_start && leave_skipped_element(documents, c)) {
        return NOTHING;
    }
    bool is_blank = c == ' ' || c == '\t' || c == '\r';
    documents->at_line_start = c == '\n' || (documents->at_line_start && is_blank);
    documents->skip_column = c == '\n' ? 0 : documents->skip_column + 1;
    extents->at++;
    if (c == '\n') {
        extents->line++;
        documents->skip_in_string = documents->skip_in_escape = false;
    } else if (documents->skip_in_escape) {
        documents->skip_in_escape = false;
    } else if (documents->skip_in_string) {
        documents->skip_in_string = c != '"';
        documents->skip_in_escape = c == '\\';
    } else if (c == '"') {
        documents->skip_in_string = true;
    } else if (c == '{' || c == '[') {
        documents->skip_depth++;
    } else if ((c == '}' || c == ']') && --documents->skip_depth == 0) {
        go_on_in_list(documents);
    }
    return NOTHING;
}

/* `c` is the first byte of a line, or stands behind its first blanks. */
static bool leave_skipped_element(struct ht_documents *documents, char c)
{
    const struct element *element = &documents->element;
    bool opens = c == '{' || c == '[';
    if (element->begins_line && opens && documents->skip_column == element->column) {
        go_on_in_list(documents);
        ht_json_extents_expect_value(&documents->extents);
        return true;
    }
    if (element->begins_line && c == ']' && documents->skip_column <= element->column) {
        go_on_in_list(documents);
        return true;
    }
    if (opens && documents->skip_column == 0) {
        go_between(documents);
        return true;
    }
    return false;
}

/* What is at extents.at stands behind an element of the list. */
static void go_on_in_list(struct ht_documents *documents)
{
    struct ht_json_extents *extents = &documents->extents;
    documents->mode = IN_DOCUMENT;
    extents->watch = documents->element_depth;
    ht_json_extents_skip_to(extents, extents->at, extents->line, documents->element_depth);
}

/* The rest of the line, and lines that only continue something: indented ones and such that begin
 * with what cannot begin a document. */
static int run_skip_lines(struct ht_documents *documents)
{
    struct ht_json_extents *extents = &documents->extents;
    char c = documents->window.data[extents->at];
    bool continues = c == ' ' || c == '\t' || c == '}' || c == ']' || c == '"' || c == ',';
    if (documents->at_line_start && c != '\n' && c != '\r' && !continues) {
        go_between(documents);
        return NOTHING;
    }
    documents->at_line_start = c == '\n';
    extents->line += c == '\n';
    extents->at++;
    return NOTHING;
}

/* A line, or its rest, that begins with neither bracket. */
static int run_garbage(struct ht_documents *documents, struct ht_document *document)
{
    struct ht_json_extents *extents = &documents->extents;
    const char *begin = documents->window.data + extents->at;
    const char *end = memchr(begin, '\n', documents->window.length - extents->at);
    extents->at = end == NULL ? documents->window.length : (size_t)(end - documents->window.data);
    if (end == NULL) {
        return NOTHING;
    }
    int event = check_size(documents, document);
    if (event == NOTHING) {
        event = reject(documents, document, HT_TWEET_REFUSAL_NOT_JSON, "no JSON object");
        go_between(documents);
    }
    return event;
}

/* Nothing more comes and the window is used up: what is still open was cut off. */
static int finish_reading(struct ht_documents *documents, struct ht_document *document)
{
    struct element *element = &documents->element;
    int event = NOTHING;
    if (documents->mode == IN_DOCUMENT && !(element->is_open && element->is_told)) {
        bool has_bytes = element->is_open && !element->is_hollow;
        event = reject_open(documents, document, HT_TWEET_REFUSAL_CUT_OFF,
                            "the file ends in the middle of it");
        documents->lost_list = documents->lost_list || documents->element_depth > 0;
        if (has_bytes && resume_in_window(documents)) {
            return event;
        }
    } else if (documents->mode == GARBAGE) {
        event = reject(documents, document, HT_TWEET_REFUSAL_NOT_JSON, "no JSON object");
    } else if (documents->gzip_reason != NULL) {
        event = reject_open(documents, document, documents->gzip_refusal, documents->gzip_reason);
        document->is_damaged = true;
        documents->gzip_reason = NULL;
    } else {
        documents->mode = ALL_READ;
        return NOTHING;
    }
    go_between(documents);
    return event;
}

static void go_between(struct ht_documents *documents)
{
    documents->mode = BETWEEN;
    documents->element = (struct element){.begin = documents->extents.at};
}

/* White space, the separator of JSON text sequences (RFC 7464), a byte order mark. */
static bool is_filler(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\x1e' || c == '\xef' ||
           c == '\xbb' || c == '\xbf';
}

/* Rejects the bytes from the element's beginning to where reading stands. */
static int reject(struct ht_documents *documents, struct ht_document *document,
                  enum ht_tweet_refusal refusal, const char *reason)
{
    const struct element *element = &documents->element;
    size_t length = documents->extents.at - element->begin;
    *document = (struct ht_document){
        .bytes = ht_slice_make(
            documents->window.data + element->begin,
            length < HT_DOCUMENTS_MESSAGE_BYTES_MAX ? length : HT_DOCUMENTS_MESSAGE_BYTES_MAX),
        .line = element->line,
        .refusal = refusal,
        .reason = reason,
    };
    return HT_DOCUMENTS_REJECT;
}
