// SPDX-License-Identifier: MIT
#include "tweets_body.h"

#include "hashtagd/sources/documents.h"

#include <stdlib.h>

void ht_tweets_body_init(struct ht_tweets_body *body)
{
    *body = (struct ht_tweets_body){0};
    ht_buffer_init(&body->copies, HT_TWEETS_BODY_MAX_BYTES);
}

void ht_tweets_body_finish(struct ht_tweets_body *body)
{
    free(body->messages);
    free(body->lines);
    free(body->rejects);
    ht_buffer_finish(&body->copies);
    ht_tweets_body_init(body);
}

static int grow(struct ht_tweets_body *body)
{
    size_t capacity = body->capacity == 0 ? 64 : body->capacity * 2;
    struct ht_slice *messages = realloc(body->messages, capacity * sizeof(*messages));
    if (messages == NULL) {
        return HT_ENOMEM;
    }
    body->messages = messages;
    uint64_t *lines = realloc(body->lines, capacity * sizeof(*lines));
    if (lines == NULL) {
        return HT_ENOMEM;
    }
    body->lines = lines;
    body->capacity = capacity;
    return 0;
}

static int add(struct ht_tweets_body *body, struct ht_slice message, uint64_t line)
{
    if (body->count + body->reject_count >= HT_TWEETS_BODY_MAX_COUNT) {
        return HT_ETOOBIG;
    }
    if (body->count == body->capacity && grow(body) != 0) {
        return HT_ENOMEM;
    }
    body->messages[body->count] = message;
    body->lines[body->count] = line;
    body->count++;
    return 0;
}

static int add_reject(struct ht_tweets_body *body, uint64_t line, const char *reason)
{
    if (body->count + body->reject_count >= HT_TWEETS_BODY_MAX_COUNT) {
        return HT_ETOOBIG;
    }
    if (body->reject_count == body->reject_capacity) {
        size_t capacity = body->reject_capacity == 0 ? 16 : body->reject_capacity * 2;
        struct ht_tweets_reject *rejects = realloc(body->rejects, capacity * sizeof(*rejects));
        if (rejects == NULL) {
            return HT_ENOMEM;
        }
        body->rejects = rejects;
        body->reject_capacity = capacity;
    }
    body->rejects[body->reject_count++] = (struct ht_tweets_reject){line, reason};
    return 0;
}

static struct ht_slice trim_line(struct ht_slice line)
{
    if (line.length > 0 && line.data[line.length - 1] == '\r') {
        line.length--;
    }
    return ht_slice_trim(line);
}

int ht_tweets_body_split(struct ht_tweets_body *body, struct ht_slice bytes)
{
    int result = 0;
    for (uint64_t line = 1; bytes.length > 0 && result == 0; line++) {
        const char *end = memchr(bytes.data, '\n', bytes.length);
        size_t length = end == NULL ? bytes.length : (size_t)(end - bytes.data);
        struct ht_slice message = trim_line(ht_slice_make(bytes.data, length));
        if (message.length > 0) {
            result = add(body, message, line);
        }
        size_t taken = end == NULL ? length : length + 1;
        bytes = ht_slice_make(bytes.data + taken, bytes.length - taken);
    }
    return result;
}

/* The copies move while they grow, so only the lengths count until all are there. */
static int take(struct ht_tweets_body *body, const struct ht_document *document)
{
    int result = ht_buffer_append_slice(&body->copies, document->bytes);
    return result != 0 ? result : add(body, document->bytes, document->line);
}

static int read_all(struct ht_tweets_body *body, struct ht_documents *documents)
{
    bool is_ended = false;
    for (;;) {
        struct ht_document document;
        int result = 0;
        switch (ht_documents_next(documents, &document)) {
        case HT_DOCUMENTS_MESSAGE:
            result = take(body, &document);
            break;
        case HT_DOCUMENTS_REJECT:
            result = add_reject(body, document.line, document.reason);
            break;
        case HT_DOCUMENTS_MORE:
            if (is_ended) {
                return 0;
            }
            ht_documents_end(documents);
            is_ended = true;
            break;
        case HT_DOCUMENTS_END:
            return 0;
        case HT_DOCUMENTS_FAILED:
            return HT_ENOMEM;
        }
        if (result != 0) {
            return result;
        }
    }
}

int ht_tweets_body_parse(struct ht_tweets_body *body, struct ht_slice bytes)
{
    struct ht_documents *documents = ht_documents_create();
    if (documents == NULL) {
        return HT_ENOMEM;
    }
    ht_documents_feed(documents, bytes);
    int result = read_all(body, documents);
    ht_documents_destroy(documents);
    size_t offset = 0;
    for (size_t i = 0; i < body->count; i++) {
        body->messages[i].data = ht_buffer_slice(&body->copies).data + offset;
        offset += body->messages[i].length;
    }
    return result;
}
