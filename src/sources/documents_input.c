// SPDX-License-Identifier: MIT
#include "documents_input.h"

static enum ht_documents_input_result detect_format(struct ht_documents_input *input,
                                                    struct ht_buffer *window);
static enum ht_documents_input_result fill_plain(struct ht_documents_input *input,
                                                 struct ht_buffer *window);
static enum ht_documents_input_result fill_from_gzip(struct ht_documents_input *input,
                                                     struct ht_buffer *window);
static enum ht_documents_input_result end_badly(struct ht_documents_input *input,
                                                enum ht_tweet_refusal refusal, const char *reason);
static struct ht_slice take(struct ht_slice *chunk, size_t max_bytes);

void ht_documents_input_finish(struct ht_documents_input *input)
{
    ht_gzip_reader_destroy(input->gzip);
    *input = (struct ht_documents_input){0};
}

enum ht_documents_input_result ht_documents_input_fill(struct ht_documents_input *input,
                                                       struct ht_buffer *window)
{
    size_t before = window->length;
    enum ht_documents_input_result result = HT_DOCUMENTS_INPUT_DRAINED;
    if (!input->knows_format) {
        result = detect_format(input, window);
    } else if (input->reason == NULL) {
        result = input->gzip != NULL ? fill_from_gzip(input, window) : fill_plain(input, window);
    }
    input->unpacked_bytes += window->length - before;
    return result;
}

/* The first two bytes tell; they may come one by one. */
static enum ht_documents_input_result detect_format(struct ht_documents_input *input,
                                                    struct ht_buffer *window)
{
    struct ht_slice part = take(&input->chunk, sizeof(input->head) - input->head_length);
    if (part.length > 0) {
        memcpy(input->head + input->head_length, part.data, part.length);
    }
    input->head_length += part.length;
    if (input->head_length < sizeof(input->head) && !input->is_last) {
        return HT_DOCUMENTS_INPUT_MORE;
    }
    struct ht_slice head = {input->head, input->head_length};
    input->knows_format = true;
    if (!ht_gzip_has_magic(head)) {
        return ht_buffer_append_slice(window, head) == 0 ? HT_DOCUMENTS_INPUT_FILLED
                                                         : HT_DOCUMENTS_INPUT_FAILED;
    }
    input->gzip = ht_gzip_reader_create(0);
    if (input->gzip == NULL) {
        return HT_DOCUMENTS_INPUT_FAILED;
    }
    char nothing[1];
    size_t length;
    int status = ht_gzip_reader_read(input->gzip, &head, nothing, sizeof(nothing), &length);
    return status == 0 ? HT_DOCUMENTS_INPUT_FILLED : HT_DOCUMENTS_INPUT_FAILED;
}

static enum ht_documents_input_result fill_plain(struct ht_documents_input *input,
                                                 struct ht_buffer *window)
{
    struct ht_slice part = take(&input->chunk, HT_DOCUMENTS_INPUT_FILL_BYTES);
    if (part.length == 0) {
        return input->is_last ? HT_DOCUMENTS_INPUT_DRAINED : HT_DOCUMENTS_INPUT_MORE;
    }
    return ht_buffer_append_slice(window, part) == 0 ? HT_DOCUMENTS_INPUT_FILLED
                                                     : HT_DOCUMENTS_INPUT_FAILED;
}

static enum ht_documents_input_result fill_from_gzip(struct ht_documents_input *input,
                                                     struct ht_buffer *window)
{
    size_t length = 0;
    if (ht_buffer_reserve(window, HT_DOCUMENTS_INPUT_FILL_BYTES) != 0) {
        return HT_DOCUMENTS_INPUT_FAILED;
    }
    int status = ht_gzip_reader_read(input->gzip, &input->chunk, window->data + window->length,
                                     HT_DOCUMENTS_INPUT_FILL_BYTES, &length);
    window->length += length;
    window->data[window->length] = '\0'; /* as buffer.h promises */
    if (status == HT_ENOMEM) {
        return HT_DOCUMENTS_INPUT_FAILED;
    }
    if (status != 0) {
        return end_badly(input, HT_TWEET_REFUSAL_NOT_JSON,
                         "the gzip data is damaged; what follows is not read");
    }
    if (length > 0 || input->chunk.length > 0) {
        return HT_DOCUMENTS_INPUT_FILLED;
    }
    if (!input->is_last) {
        return HT_DOCUMENTS_INPUT_MORE;
    }
    return ht_gzip_reader_is_complete(input->gzip)
               ? HT_DOCUMENTS_INPUT_DRAINED
               : end_badly(input, HT_TWEET_REFUSAL_CUT_OFF, "the gzip data is cut off");
}

static enum ht_documents_input_result end_badly(struct ht_documents_input *input,
                                                enum ht_tweet_refusal refusal, const char *reason)
{
    input->refusal = refusal;
    input->reason = reason;
    input->chunk.length = 0;
    return HT_DOCUMENTS_INPUT_DRAINED;
}

static struct ht_slice take(struct ht_slice *chunk, size_t max_bytes)
{
    struct ht_slice part = {chunk->data, chunk->length < max_bytes ? chunk->length : max_bytes};
    if (part.length > 0) {
        chunk->data += part.length;
        chunk->length -= part.length;
    }
    return part;
}
