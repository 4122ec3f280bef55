// SPDX-License-Identifier: MIT
#include "documents_page.h"

#include "json_extents.h"

#include <stdlib.h>

/* Where the tweets are: {"data":[HERE],"includes":{"tweets":[HERE]}}. */
enum {
    ROOT_DEPTH = 1,
    DATA_DEPTH = 2,
    INCLUDES_DEPTH = 2,
    INCLUDED_DEPTH = 3,
};

enum key { KEY_ID, KEY_REFERENCED, KEY_COUNT };

/* The walk over the answer. */
struct survey {
    struct ht_json_extents extents;
    struct ht_documents_page_tweets *list; /* the one that the walk is in, or NULL */
    unsigned list_depth;                   /* of its elements */
    size_t begin;                          /* of the element that is being read */
    uint64_t begin_line;
    bool at_data, at_includes, at_tweets; /* the last key was this one */
};

static int survey_event(struct ht_documents_page *page, struct survey *survey,
                        enum ht_json_extents_event event, const char *data);
static void survey_key(struct survey *survey, const char *data);
static void survey_value(struct ht_documents_page *page, struct survey *survey);
static int survey_end(struct survey *survey, const char *data);
static int add_tweet(struct ht_documents_page_tweets *list, struct ht_slice bytes, uint64_t line);
static void find_ids(struct ht_documents_page *page);
static enum ht_documents_event make_message(struct ht_documents_page *page,
                                            const struct ht_documents_page_tweet *tweet,
                                            struct ht_document *document);
static void append_referenced(struct ht_documents_page *page,
                              const struct ht_documents_page_tweet *tweet);
static const struct ht_documents_page_tweet *find_included(const struct ht_documents_page *page,
                                                           struct ht_slice id);
static bool scan(struct ht_documents_page *page, struct ht_slice tweet,
                 struct ht_json_value found[KEY_COUNT]);
static struct ht_slice text_of(const struct ht_json_reader *reader, struct ht_json_value value);
static int compare_ids(const void *a, const void *b);
static bool key_is(struct ht_slice key, const char *name);

void ht_documents_page_init(struct ht_documents_page *page)
{
    static const char *const names[KEY_COUNT] = {
        [KEY_ID] = "id",
        [KEY_REFERENCED] = "referenced_tweets",
    };
    *page = (struct ht_documents_page){0};
    ht_json_reader_init(&page->reader, HT_DOCUMENTS_MESSAGE_BYTES_MAX);
    ht_json_keys_init(&page->keys, names, KEY_COUNT);
    ht_buffer_init(&page->envelope, HT_DOCUMENTS_MESSAGE_BYTES_MAX);
}

void ht_documents_page_finish(struct ht_documents_page *page)
{
    free(page->data.items);
    free(page->included.items);
    ht_json_reader_finish(&page->reader);
    ht_buffer_finish(&page->envelope);
    *page = (struct ht_documents_page){0};
}

int ht_documents_page_open(struct ht_documents_page *page, struct ht_slice answer, uint64_t line)
{
    struct survey survey = {0};
    ht_json_extents_init(&survey.extents, 0, line, ROOT_DEPTH);
    page->data.count = page->included.count = page->next = 0;
    int status = 0;
    for (;;) {
        enum ht_json_extents_event event =
            ht_json_extents_next(&survey.extents, answer.data, answer.length);
        status = survey_event(page, &survey, event, answer.data);
        bool is_over = event == HT_JSON_EXTENTS_MORE || event == HT_JSON_EXTENTS_BROKEN ||
                       event == HT_JSON_EXTENTS_DEEP ||
                       (event == HT_JSON_EXTENTS_END && survey.extents.depth == 0);
        if (status != 0 || is_over) {
            break;
        }
    }
    find_ids(page);
    return status;
}

static int survey_event(struct ht_documents_page *page, struct survey *survey,
                        enum ht_json_extents_event event, const char *data)
{
    switch (event) {
    case HT_JSON_EXTENTS_KEY:
        survey_key(survey, data);
        return 0;
    case HT_JSON_EXTENTS_VALUE:
        survey_value(page, survey);
        return 0;
    case HT_JSON_EXTENTS_END:
        return survey_end(survey, data);
    case HT_JSON_EXTENTS_MORE:
    case HT_JSON_EXTENTS_BROKEN:
    case HT_JSON_EXTENTS_DEEP:
        break;
    }
    return 0;
}

static void survey_key(struct survey *survey, const char *data)
{
    struct ht_slice key = {data + survey->extents.key,
                           survey->extents.key_end - survey->extents.key};
    bool at_root = survey->extents.depth == ROOT_DEPTH;
    survey->at_data = at_root && key_is(key, "data");
    survey->at_includes = at_root && key_is(key, "includes");
    survey->at_tweets = !at_root && key_is(key, "tweets");
}

static void survey_value(struct ht_documents_page *page, struct survey *survey)
{
    struct ht_json_extents *extents = &survey->extents;
    if (survey->list != NULL && extents->depth == survey->list_depth) {
        survey->begin = extents->at;
        survey->begin_line = extents->line;
    } else if (extents->depth == ROOT_DEPTH && survey->at_data && extents->first == '[') {
        survey->list = &page->data;
        survey->list_depth = extents->watch = DATA_DEPTH;
    } else if (extents->depth == ROOT_DEPTH && survey->at_includes && extents->first == '{') {
        extents->watch = INCLUDES_DEPTH;
    } else if (extents->depth == INCLUDES_DEPTH && survey->list == NULL && survey->at_tweets &&
               extents->first == '[') {
        survey->list = &page->included;
        survey->list_depth = extents->watch = INCLUDED_DEPTH;
    }
}

static int survey_end(struct survey *survey, const char *data)
{
    struct ht_json_extents *extents = &survey->extents;
    if (survey->list != NULL && extents->depth == survey->list_depth) {
        return add_tweet(survey->list,
                         ht_slice_make(data + survey->begin, extents->at - survey->begin),
                         survey->begin_line);
    }
    if (survey->list != NULL && extents->depth == survey->list_depth - 1) {
        survey->list = NULL;
        survey->at_tweets = false;
        extents->watch = extents->depth;
    }
    if (extents->depth == ROOT_DEPTH) {
        extents->watch = ROOT_DEPTH;
        survey->at_data = survey->at_includes = false;
    }
    return 0;
}

static int add_tweet(struct ht_documents_page_tweets *list, struct ht_slice bytes, uint64_t line)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 128 : 2 * list->capacity;
        struct ht_documents_page_tweet *items = realloc(list->items, capacity * sizeof(*items));
        if (items == NULL) {
            return HT_ENOMEM;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = (struct ht_documents_page_tweet){.bytes = bytes, .line = line};
    return 0;
}

static void find_ids(struct ht_documents_page *page)
{
    struct ht_documents_page_tweets *included = &page->included;
    for (size_t i = 0; i < included->count; i++) {
        struct ht_json_value found[KEY_COUNT];
        included->items[i].id = scan(page, included->items[i].bytes, found)
                                    ? text_of(&page->reader, found[KEY_ID])
                                    : HT_SLICE("");
    }
    if (included->count > 1) {
        qsort(included->items, included->count, sizeof(included->items[0]), compare_ids);
    }
}

bool ht_documents_page_next(struct ht_documents_page *page, enum ht_documents_event *event,
                            struct ht_document *document)
{
    if (page->next >= page->data.count) {
        return false;
    }
    const struct ht_documents_page_tweet *tweet = &page->data.items[page->next++];
    *document = (struct ht_document){.bytes = tweet->bytes, .line = tweet->line};
    *event = HT_DOCUMENTS_REJECT;
    if (tweet->bytes.data[0] != '{') {
        document->refusal = HT_TWEET_REFUSAL_WRONG_TYPE;
        document->reason = "no JSON object";
    } else {
        *event = make_message(page, tweet, document);
    }
    return true;
}

static enum ht_documents_event make_message(struct ht_documents_page *page,
                                            const struct ht_documents_page_tweet *tweet,
                                            struct ht_document *document)
{
    struct ht_buffer *envelope = &page->envelope;
    ht_buffer_clear(envelope);
    ht_buffer_append_text(envelope, "{\"data\":");
    ht_buffer_append_slice(envelope, tweet->bytes);
    append_referenced(page, tweet);
    ht_buffer_append_byte(envelope, '}');
    switch (ht_buffer_status(envelope)) {
    case 0:
        document->bytes = ht_buffer_slice(envelope);
        return HT_DOCUMENTS_MESSAGE;
    case HT_ETOOBIG:
        document->refusal = HT_TWEET_REFUSAL_TOO_LARGE;
        document->reason = "larger than a message may be, with the tweets it refers to";
        document->bytes.length = document->bytes.length < HT_DOCUMENTS_MESSAGE_BYTES_MAX
                                     ? document->bytes.length
                                     : HT_DOCUMENTS_MESSAGE_BYTES_MAX;
        return HT_DOCUMENTS_REJECT;
    default:
        return HT_DOCUMENTS_FAILED;
    }
}

/* A tweet that cannot be read gets nothing: whoever reads the message will say why. */
static void append_referenced(struct ht_documents_page *page,
                              const struct ht_documents_page_tweet *tweet)
{
    static const char *const opening = ",\"includes\":{\"tweets\":[";
    struct ht_json_value found[KEY_COUNT];
    if (page->included.count == 0 || !scan(page, tweet->bytes, found) ||
        found[KEY_REFERENCED].kind != '[') {
        return;
    }
    bool is_first = true;
    struct ht_json_walk walk = ht_json_walk(&page->reader, found[KEY_REFERENCED]);
    while (ht_json_walk_next(&walk)) {
        struct ht_json_value reference[KEY_COUNT];
        ht_json_reader_find(&page->reader, walk.value, &page->keys, reference);
        const struct ht_documents_page_tweet *included =
            find_included(page, text_of(&page->reader, reference[KEY_ID]));
        if (included != NULL) {
            ht_buffer_append_text(&page->envelope, is_first ? opening : ",");
            ht_buffer_append_slice(&page->envelope, included->bytes);
            is_first = false;
        }
    }
    if (!is_first) {
        ht_buffer_append_text(&page->envelope, "]}");
    }
}

static const struct ht_documents_page_tweet *find_included(const struct ht_documents_page *page,
                                                           struct ht_slice id)
{
    struct ht_documents_page_tweet wanted = {.id = id};
    if (id.length == 0) {
        return NULL;
    }
    return bsearch(&wanted, page->included.items, page->included.count,
                   sizeof(page->included.items[0]), compare_ids);
}

static bool scan(struct ht_documents_page *page, struct ht_slice tweet,
                 struct ht_json_value found[KEY_COUNT])
{
    if (ht_json_reader_scan(&page->reader, tweet, NULL) != HT_JSON_VERDICT_OK) {
        return false;
    }
    ht_json_reader_find(&page->reader, ht_json_reader_root(&page->reader), &page->keys, found);
    return true;
}

/* Ids are digits: there is nothing to resolve in them. */
static struct ht_slice text_of(const struct ht_json_reader *reader, struct ht_json_value value)
{
    struct ht_slice raw = value.kind == '"' ? ht_json_reader_raw(reader, value) : HT_SLICE("");
    return raw.length < 2 ? HT_SLICE("") : ht_slice_make(raw.data + 1, raw.length - 2);
}

static int compare_ids(const void *a, const void *b)
{
    const struct ht_documents_page_tweet *left = a, *right = b;
    return ht_slice_compare(left->id, right->id);
}

static bool key_is(struct ht_slice key, const char *name)
{
    return ht_slice_equal(key, ht_slice_text(name));
}
