// SPDX-License-Identifier: MIT
#include "tweets_body.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/gzip.h"
#include "hashtagd/sources/documents.h"

#include <stdlib.h>

/* What one step takes of the body; packed bytes unfold to a thousand times as many. */
enum { PIECE_BYTES = 4096, PACKED_PIECE_BYTES = 64 };

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
    ht_documents_destroy(body->documents);
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

int ht_tweets_body_begin(struct ht_tweets_body *body, struct ht_slice bytes, bool is_lines)
{
    body->rest = bytes;
    body->line = 1;
    body->piece_bytes = ht_gzip_has_magic(bytes) ? PACKED_PIECE_BYTES : PIECE_BYTES;
    body->documents = is_lines ? NULL : ht_documents_create();
    return is_lines || body->documents != NULL ? 0 : HT_ENOMEM;
}

/* Some lines. */
static int split(struct ht_tweets_body *body)
{
    size_t until = body->rest.length > PIECE_BYTES ? body->rest.length - PIECE_BYTES : 0;
    int result = 0;
    while (body->rest.length > until && result == 0) {
        const char *end = memchr(body->rest.data, '\n', body->rest.length);
        size_t length = end == NULL ? body->rest.length : (size_t)(end - body->rest.data);
        struct ht_slice message = trim_line(ht_slice_make(body->rest.data, length));
        if (message.length > 0) {
            result = add(body, message, body->line);
        }
        size_t taken = end == NULL ? length : length + 1;
        body->rest = ht_slice_make(body->rest.data + taken, body->rest.length - taken);
        body->line++;
    }
    body->is_read = body->rest.length == 0;
    return result;
}

/* The copies move while they grow, so only the lengths count until all are there. */
static int take(struct ht_tweets_body *body, const struct ht_document *document)
{
    int result = ht_buffer_append_slice(&body->copies, document->bytes);
    return result != 0 ? result : add(body, document->bytes, document->line);
}

static void feed(struct ht_tweets_body *body)
{
    size_t length = body->rest.length < body->piece_bytes ? body->rest.length : body->piece_bytes;
    if (length == 0) {
        ht_documents_end(body->documents);
        body->has_ended = true;
        return;
    }
    ht_documents_feed(body->documents, ht_slice_make(body->rest.data, length));
    body->rest = ht_slice_make(body->rest.data + length, body->rest.length - length);
}

static void end_reading(struct ht_tweets_body *body)
{
    size_t offset = 0;
    for (size_t i = 0; i < body->count; i++) {
        body->messages[i].data = ht_buffer_slice(&body->copies).data + offset;
        offset += body->messages[i].length;
    }
    ht_documents_destroy(body->documents);
    body->documents = NULL;
    body->is_read = true;
}

/* The next thing in it. */
static int read_next(struct ht_tweets_body *body)
{
    struct ht_document document;
    switch (ht_documents_next(body->documents, &document)) {
    case HT_DOCUMENTS_MESSAGE:
        return take(body, &document);
    case HT_DOCUMENTS_REJECT:
        return add_reject(body, document.line, document.reason);
    case HT_DOCUMENTS_MORE:
        if (ht_documents_unpacked_bytes(body->documents) > HT_TWEETS_BODY_MAX_BYTES) {
            return HT_ETOOBIG;
        }
        if (!body->has_ended) {
            feed(body);
        }
        return 0;
    case HT_DOCUMENTS_END:
        end_reading(body);
        return 0;
    case HT_DOCUMENTS_FAILED:
        return HT_ENOMEM;
    }
    HT_UNREACHABLE();
}

int ht_tweets_body_go_on(struct ht_tweets_body *body)
{
    HT_ASSERT(!body->is_read);
    return body->documents == NULL ? split(body) : read_next(body);
}
