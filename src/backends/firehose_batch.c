// SPDX-License-Identifier: MIT
#include "firehose_batch.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

/* A place in the record that is being packed. */
struct packing {
    const struct ht_firehose_limits *limits;
    size_t body_bytes; /* of the closed records */
    bool is_open;      /* the last piece takes more lines */
};

static struct ht_firehose_piece *add_piece(struct ht_firehose_batch *batch, size_t index);
static int refuse_piece(struct ht_firehose_batch *batch, size_t index, bool is_proven);

void ht_firehose_batch_take(struct ht_firehose_batch *batch, struct ht_archive_append *list)
{
    HT_ASSERT(batch->first == NULL);
    batch->first = list;
    batch->next = list;
    batch->next_offset = 0;
}

/* The next line of the appends, with its newline where it has one. */
static struct ht_slice peek_line(const struct ht_firehose_batch *batch)
{
    struct ht_slice lines = batch->next->lines;
    const char *begin = lines.data + batch->next_offset;
    size_t left = lines.length - batch->next_offset;
    const char *end = memchr(begin, '\n', left);
    return ht_slice_make(begin, end == NULL ? left : (size_t)(end - begin) + 1);
}

static size_t length_in_record(struct ht_slice line)
{
    return line.length + (line.data[line.length - 1] == '\n' ? 0 : 1);
}

/* Appends that have no line left end with the last piece. */
static void pass_ended(struct ht_firehose_batch *batch)
{
    while (batch->next != NULL && batch->next_offset == batch->next->lines.length) {
        if (batch->count == 0) {
            batch->ended_before++;
        } else {
            batch->pieces[batch->count - 1].ended++;
        }
        batch->next = batch->next->next;
        batch->next_offset = 0;
    }
}

/* Bytes that the rest of the appends needs at most, so that packed lines never move. */
static size_t rest_bytes(const struct ht_firehose_batch *batch, size_t most)
{
    size_t bytes = 0;
    for (const struct ht_archive_append *at = batch->next; at != NULL && bytes < most;
         at = at->next) {
        bytes += at->lines.length + 1;
    }
    return bytes < most ? bytes : most;
}

static int add_letter(struct ht_firehose_batch *batch, struct packing *packing,
                      struct ht_slice line)
{
    struct ht_firehose_piece *piece = add_piece(batch, batch->count);
    if (piece == NULL) {
        return HT_ENOMEM;
    }
    packing->is_open = false;
    *piece =
        (struct ht_firehose_piece){.data = line, .lines = 1, .state = HT_FIREHOSE_PIECE_LETTER};
    return 0;
}

/* HT_ETOOBIG: the line belongs into the next batch. */
static int add_line(struct ht_firehose_batch *batch, struct packing *packing, struct ht_slice line)
{
    const struct ht_firehose_limits *limits = packing->limits;
    size_t length = length_in_record(line);
    struct ht_firehose_piece *piece = packing->is_open ? &batch->pieces[batch->count - 1] : NULL;
    if (piece != NULL && piece->data.length + length > limits->record_bytes) {
        packing->body_bytes += ht_firehose_record_frame_bytes(piece->data.length);
        packing->is_open = false;
        piece = NULL;
    }
    size_t before = piece == NULL ? 0 : piece->data.length;
    if (packing->body_bytes + ht_firehose_record_frame_bytes(before + length) >
            limits->batch_bytes ||
        (piece == NULL && batch->count == limits->batch_records)) {
        return HT_ETOOBIG;
    }
    if (piece == NULL) {
        piece = add_piece(batch, batch->count);
        if (piece == NULL) {
            return HT_ENOMEM;
        }
        *piece = (struct ht_firehose_piece){.data = {batch->bytes.data + batch->bytes.length, 0}};
        packing->is_open = true;
    }
    (void)ht_buffer_append_slice(&batch->bytes, line);
    if (length > line.length) {
        (void)ht_buffer_append_byte(&batch->bytes, '\n');
    }
    piece->data.length += length;
    piece->lines++;
    return ht_buffer_status(&batch->bytes);
}

int ht_firehose_batch_pack(struct ht_firehose_batch *batch, const struct ht_firehose_limits *limits)
{
    struct packing packing = {.limits = limits, .body_bytes = limits->frame_bytes};
    HT_ASSERT(batch->count == 0);
    ht_buffer_init(&batch->bytes, limits->batch_bytes);
    batch->has_accepted = false;
    batch->call_records = limits->batch_records;
    int status = ht_buffer_reserve(&batch->bytes, rest_bytes(batch, limits->batch_bytes));
    if (status != 0) {
        return status;
    }
    pass_ended(batch);
    while (status == 0 && batch->next != NULL) {
        struct ht_slice line = peek_line(batch);
        if (length_in_record(line) > limits->line_bytes) {
            status = batch->count == limits->batch_records ? HT_ETOOBIG
                                                           : add_letter(batch, &packing, line);
        } else {
            status = add_line(batch, &packing, line);
        }
        if (status == 0) {
            batch->next_offset += line.length;
            pass_ended(batch);
        }
    }
    /* a full batch is what it should be; without memory the lines so far are one too */
    return status == HT_ETOOBIG || batch->count > 0 ? 0 : status;
}

/* The first record needs no place among the hashtags before there is a second. */
static bool may_come_along(struct ht_firehose_batch *batch, const struct ht_firehose_piece *piece)
{
    if (batch->sent_count == 0) {
        return true;
    }
    if (batch->sent_count == 1) {
        const struct ht_firehose_piece *first = &batch->pieces[batch->sent[0]];
        ht_firehose_order_clear(&batch->order);
        if (!ht_firehose_order_take(&batch->order, first->data, first->lines)) {
            return false;
        }
    }
    return ht_firehose_order_take(&batch->order, piece->data, piece->lines);
}

size_t ht_firehose_batch_select(struct ht_firehose_batch *batch,
                                const struct ht_firehose_limits *limits)
{
    size_t body_bytes = limits->frame_bytes;
    size_t most =
        batch->call_records < limits->batch_records ? batch->call_records : limits->batch_records;
    batch->sent_count = 0;
    batch->repeated_lines = 0;
    for (size_t i = 0; i < batch->count && batch->sent_count < most; i++) {
        struct ht_firehose_piece *piece = &batch->pieces[i];
        size_t bytes = ht_firehose_record_frame_bytes(piece->data.length);
        if (piece->state != HT_FIREHOSE_PIECE_WAITING) {
            continue;
        }
        if (body_bytes + bytes > limits->batch_bytes || !may_come_along(batch, piece)) {
            break;
        }
        body_bytes += bytes;
        batch->repeated_lines += piece->was_sent ? piece->lines : 0;
        piece->was_sent = true;
        batch->records[batch->sent_count] = piece->data;
        batch->sent[batch->sent_count++] = i;
    }
    return batch->sent_count;
}

int ht_firehose_batch_apply(struct ht_firehose_batch *batch, struct ht_firehose_progress *progress)
{
    int status = 0;
    *progress = (struct ht_firehose_progress){0};
    size_t doubled = batch->call_records * 2;
    batch->call_records = doubled < HT_FIREHOSE_BATCH_RECORDS ? doubled : HT_FIREHOSE_BATCH_RECORDS;
    /* from the last one: halving moves those behind */
    for (size_t i = batch->sent_count; i-- > 0;) {
        struct ht_firehose_piece *piece = &batch->pieces[batch->sent[i]];
        if (batch->outcomes[i] == HT_FIREHOSE_ACCEPTED) {
            piece->state = HT_FIREHOSE_PIECE_ACCEPTED;
            batch->has_accepted = true;
            progress->accepted_records++;
            progress->accepted_lines += piece->lines;
            progress->accepted_bytes += piece->data.length;
        } else if (batch->outcomes[i] == HT_FIREHOSE_REFUSED) {
            progress->refused++;
            int refused = refuse_piece(batch, batch->sent[i], true);
            status = status == 0 ? refused : status;
        }
    }
    return status;
}

int ht_firehose_batch_refuse(struct ht_firehose_batch *batch)
{
    if (batch->sent_count > 1) {
        batch->call_records = batch->sent_count / 2;
        return 0;
    }
    return refuse_piece(batch, batch->sent[0], false);
}

/* Behind the line in which the middle is, and before the last line at the latest. */
static size_t middle_of(struct ht_slice data, size_t *lines)
{
    size_t at = 0;
    *lines = 0;
    while (at < data.length / 2) {
        const char *end = memchr(data.data + at, '\n', data.length - at);
        size_t next = (size_t)(end - data.data) + 1;
        if (next == data.length) {
            break;
        }
        at = next;
        ++*lines;
    }
    return at;
}

/* One line is given up, more are halved. */
static int refuse_piece(struct ht_firehose_batch *batch, size_t index, bool is_proven)
{
    struct ht_firehose_piece *piece = &batch->pieces[index];
    if (piece->lines == 1) {
        piece->state = is_proven ? HT_FIREHOSE_PIECE_LETTER : HT_FIREHOSE_PIECE_SUSPECT;
        return 0;
    }
    struct ht_firehose_piece *second = add_piece(batch, index + 1);
    if (second == NULL) {
        return HT_ENOMEM;
    }
    piece = &batch->pieces[index];
    size_t lines;
    size_t at = middle_of(piece->data, &lines);
    *second = (struct ht_firehose_piece){
        .data = {piece->data.data + at, piece->data.length - at},
        .lines = piece->lines - lines,
        .ended = piece->ended, /* those that end in the first half wait a little longer */
        .was_sent = piece->was_sent,
    };
    piece->data.length = at;
    piece->lines = lines;
    piece->ended = 0;
    return 0;
}

/* Makes a place before the piece `index`; NULL where memory is out. */
static struct ht_firehose_piece *add_piece(struct ht_firehose_batch *batch, size_t index)
{
    if (batch->count == batch->capacity) {
        size_t capacity = batch->capacity == 0 ? 8 : batch->capacity * 2;
        struct ht_firehose_piece *pieces =
            realloc(batch->pieces, capacity * sizeof(*batch->pieces));
        if (pieces == NULL) {
            return NULL;
        }
        batch->pieces = pieces;
        batch->capacity = capacity;
    }
    struct ht_firehose_piece *place = &batch->pieces[index];
    if (index < batch->count) {
        memmove(place + 1, place, (batch->count - index) * sizeof(*place));
    }
    batch->count++;
    return place;
}

bool ht_firehose_batch_judge(struct ht_firehose_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->pieces[i].state == HT_FIREHOSE_PIECE_SUSPECT) {
            if (!batch->has_accepted) {
                return false;
            }
            batch->pieces[i].state = HT_FIREHOSE_PIECE_LETTER;
        }
    }
    return true;
}

size_t ht_firehose_batch_count(const struct ht_firehose_batch *batch,
                               enum ht_firehose_piece_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        count += batch->pieces[i].state == state ? 1 : 0;
    }
    return count;
}

struct ht_archive_append *ht_firehose_batch_take_done(struct ht_firehose_batch *batch)
{
    size_t ended = batch->ended_before;
    batch->ended_before = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct ht_firehose_piece *piece = &batch->pieces[i];
        if (piece->state != HT_FIREHOSE_PIECE_ACCEPTED &&
            piece->state != HT_FIREHOSE_PIECE_LETTERED) {
            break;
        }
        ended += piece->ended;
        piece->ended = 0;
    }
    struct ht_archive_append *list = ended == 0 ? NULL : batch->first;
    for (struct ht_archive_append *at = list; ended > 0; ended--) {
        struct ht_archive_append *next = at->next;
        if (ended == 1) {
            batch->first = next;
            at->next = NULL;
        }
        at = next;
    }
    return list;
}

void ht_firehose_batch_clear(struct ht_firehose_batch *batch)
{
    ht_buffer_finish(&batch->bytes);
    batch->count = 0;
    batch->sent_count = 0;
    batch->ended_before = 0;
}

struct ht_archive_append *ht_firehose_batch_take_rest(struct ht_firehose_batch *batch)
{
    struct ht_archive_append *list = batch->first;
    ht_firehose_batch_clear(batch);
    batch->first = NULL;
    batch->next = NULL;
    batch->next_offset = 0;
    return list;
}

void ht_firehose_batch_finish(struct ht_firehose_batch *batch)
{
    HT_ASSERT(batch->first == NULL);
    ht_firehose_batch_clear(batch);
    ht_firehose_order_finish(&batch->order);
    free(batch->pieces);
    batch->pieces = NULL;
    batch->capacity = 0;
}
