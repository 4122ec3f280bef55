// SPDX-License-Identifier: MIT
#include "hashtagd/sources/documents.h"

#include "documents_input.h"
#include "documents_page.h"
#include "json_extents.h"
#include "json_skip.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"
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
    bool is_open;      /* one is being read */
    bool is_hollow;    /* it is given up: its bytes are dropped */
    bool is_told;      /* it was rejected already */
    bool is_tail;      /* it is what stands behind a list of statuses, and no message */
    size_t begin;      /* in the window */
    uint64_t line;     /* where it begins */
    char first;        /* its first byte */
    enum key last_key; /* of its own members */
    bool has[KEY_COUNT];
    char data_kind; /* first byte of the value of "data" */
};

struct ht_documents {
    struct ht_documents_input input;
    bool is_drained;         /* the window holds the last bytes */
    struct ht_buffer window; /* the bytes from the beginning of the element on */

    enum mode mode;
    enum mode after_page;           /* what comes behind IN_PAGE */
    struct ht_json_extents extents; /* `at` and `line` also serve the modes without document */
    struct element element;
    unsigned element_depth;                  /* of the element: 0, or that of a list's elements */
    unsigned outer_depth;                    /* of the answer around a list of statuses */
    unsigned nested_count;                   /* lists in the list that are open */
    unsigned outer_nested_count;             /* the same of the list that the answer is in */
    struct ht_json_skip_layout layout;       /* of the list */
    struct ht_json_skip_layout outer_layout; /* of the list that the answer is in */
    bool in_statuses;
    bool lost_list; /* a list was left early: its commas and brackets may follow */

    struct ht_json_skip skip; /* SKIP_ELEMENT */
    bool at_line_start;       /* SKIP_LINES: the byte at `at` begins a line */

    struct ht_documents_page page;
    struct ht_buffer letter; /* a dead letter's content */
};

/* Where a mode has nothing to tell yet. */
#define NOTHING (-1)

static int fill(struct ht_documents *documents, struct ht_document *document);
static void compact(struct ht_documents *documents);
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
static void start_skip_element(struct ht_documents *documents);
static int reject_open(struct ht_documents *documents, struct ht_document *document,
                       enum ht_tweet_refusal refusal, const char *reason);
static bool resume_in_window(struct ht_documents *documents);
static int run_skip_element(struct ht_documents *documents);
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
        ht_buffer_init(&documents->window,
                       HT_DOCUMENTS_PAGE_BYTES_MAX + 2 * HT_DOCUMENTS_INPUT_FILL_BYTES);
        ht_buffer_init(&documents->letter, HT_DOCUMENTS_MESSAGE_BYTES_MAX);
        ht_documents_page_init(&documents->page);
        ht_json_extents_init(&documents->extents, 0, 1, 0);
    }
    return documents;
}

void ht_documents_destroy(struct ht_documents *documents)
{
    if (documents != NULL) {
        ht_documents_input_finish(&documents->input);
        ht_buffer_finish(&documents->window);
        ht_buffer_finish(&documents->letter);
        ht_documents_page_finish(&documents->page);
        free(documents);
    }
}

void ht_documents_feed(struct ht_documents *documents, struct ht_slice chunk)
{
    HT_ASSERT(documents->input.chunk.length == 0 && !documents->input.is_last);
    documents->input.chunk = chunk;
}

void ht_documents_end(struct ht_documents *documents)
{
    documents->input.is_last = true;
}

uint64_t ht_documents_unpacked_bytes(const struct ht_documents *documents)
{
    return documents->input.unpacked_bytes;
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
    compact(documents);
    switch (ht_documents_input_fill(&documents->input, &documents->window)) {
    case HT_DOCUMENTS_INPUT_FILLED:
        return NOTHING;
    case HT_DOCUMENTS_INPUT_MORE:
        return HT_DOCUMENTS_MORE;
    case HT_DOCUMENTS_INPUT_DRAINED:
        documents->is_drained = true;
        return NOTHING;
    case HT_DOCUMENTS_INPUT_FAILED:
        return HT_DOCUMENTS_FAILED;
    }
    HT_UNREACHABLE();
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
    documents->nested_count = 0;
    documents->layout = (struct ht_json_skip_layout){0};
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
        if (extents->first == '[') {
            /* Lists in lists count as one. */
            documents->nested_count += extents->depth > 0;
            documents->element_depth = extents->watch = extents->depth + 1;
            return;
        }
        *element = (struct element){
            .is_open = true,
            .begin = extents->at,
            .line = extents->line,
            .first = extents->first,
        };
        if (extents->begins_line && extents->first == '{' && !documents->layout.by_line) {
            documents->layout = (struct ht_json_skip_layout){true, extents->column};
        }
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
        documents->outer_nested_count = documents->nested_count;
        documents->nested_count = 0;
        documents->outer_layout = documents->layout;
        documents->layout = (struct ht_json_skip_layout){0};
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
        if (documents->nested_count > 0) {
            documents->nested_count--;
            documents->element_depth = extents->watch = extents->depth;
        } else if (documents->in_statuses) {
            documents->in_statuses = false;
            documents->element_depth = documents->outer_depth;
            documents->layout = documents->outer_layout;
            documents->nested_count = documents->outer_nested_count;
            *element = (struct element){
                .is_open = true,
                .is_tail = true,
                .begin = extents->at,
                .line = extents->line,
                .first = '{',
            };
            extents->watch = extents->depth;
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
    if (element->is_tail) {
        return NOTHING;
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
    struct ht_error problem = {0};
    struct ht_json *root = ht_json_parse(line, 0, NULL, &problem);
    struct ht_slice text = ht_json_text(ht_json_member(root, "data"));
    size_t length = 0;
    ht_buffer_clear(&documents->letter);
    int status = problem.code;
    if (status == 0 && ht_json_member(root, "reason") == NULL) {
        status = HT_EPARSE;
    }
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
    element->is_hollow = true;
    if (element->is_tail) {
        return NOTHING;
    }
    element->is_told = true;
    return reject(documents, document, HT_TWEET_REFUSAL_TOO_LARGE, "larger than a message may be");
}

/* The document is broken at extents.at: says so once, and finds out where to go on. */
static int break_off(struct ht_documents *documents, struct ht_document *document,
                     enum ht_tweet_refusal refusal)
{
    struct element *element = &documents->element;
    bool in_list = documents->element_depth > 0;
    bool is_hollow = element->is_open && element->is_hollow;
    int event = NOTHING;
    if (lacks_comma(documents)) {
        ht_json_extents_expect_value(&documents->extents);
        return NOTHING;
    }
    if (!element->is_open || !element->is_told) {
        event = reject_open(documents, document, refusal, ht_tweet_refusal_text(refusal));
    }
    documents->lost_list = documents->lost_list || in_list;
    if (element->is_open && !is_hollow && !(in_list && documents->layout.by_line) &&
        resume_in_window(documents)) {
        return event;
    }
    if (in_list && !is_hollow && (element->is_open || refusal != HT_TWEET_REFUSAL_TOO_DEEP)) {
        start_skip_element(documents);
    } else {
        documents->mode = SKIP_LINES;
        /* Where the line itself begins with what broke the document it is one of its own. */
        documents->at_line_start = documents->extents.at == documents->extents.line_begin;
    }
    element->is_open = false;
    return event;
}

/* Reads the element once more, its brackets alone. Where none is open something stands between
 * elements: that is taken for the inside of one. */
static void start_skip_element(struct ht_documents *documents)
{
    struct element *element = &documents->element;
    struct ht_json_extents *extents = &documents->extents;
    bool has_brackets = element->is_open && element->first == '{';
    if (has_brackets) {
        extents->at = element->begin;
        extents->line = element->line;
    }
    documents->mode = SKIP_ELEMENT;
    element->is_open = false;
    ht_json_skip_init(&documents->skip, &documents->layout, !has_brackets, extents->at,
                      extents->line);
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

static int run_skip_element(struct ht_documents *documents)
{
    struct ht_json_extents *extents = &documents->extents;
    documents->skip.at = extents->at;
    enum ht_json_skip_event event =
        ht_json_skip_next(&documents->skip, documents->window.data, documents->window.length);
    extents->at = documents->skip.at;
    extents->line = documents->skip.line;
    switch (event) {
    case HT_JSON_SKIP_MORE:
        break;
    case HT_JSON_SKIP_BEHIND:
        go_on_in_list(documents);
        break;
    case HT_JSON_SKIP_ELEMENT:
        go_on_in_list(documents);
        ht_json_extents_expect_value(extents);
        break;
    case HT_JSON_SKIP_DOCUMENT:
        go_between(documents);
        break;
    }
    return NOTHING;
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
                            "the input ends in the middle of it");
        documents->lost_list = documents->lost_list || documents->element_depth > 0;
        if (has_bytes && documents->element_depth > 0 && documents->layout.by_line) {
            start_skip_element(documents);
            return event;
        }
        if (has_bytes && resume_in_window(documents)) {
            return event;
        }
    } else if (documents->mode == GARBAGE) {
        event = reject(documents, document, HT_TWEET_REFUSAL_NOT_JSON, "no JSON object");
    } else if (documents->input.reason != NULL) {
        event = reject_open(documents, document, documents->input.refusal, documents->input.reason);
        document->is_damaged = true;
        documents->input.reason = NULL;
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
