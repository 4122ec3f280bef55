// SPDX-License-Identifier: MIT
#include "ingest_internal.h"

#include <stdlib.h>

/*
 *     spare, or new -> filling -> (given to the stream) -> end -> spare, or freed
 *
 * A batch is a large piece of memory that lives for a moment, so a few are kept as they are and
 * filled again: they need not grow again, and the system need not give their pages again. What a
 * backlog needs beside these goes back, and most of these when all is on the stream.
 */

enum {
    BATCH_MAX_RECORDS = 4096,
    BATCH_MAX_BYTES = 4 * 1024 * 1024,
    BATCH_FULL_BYTES = 1024 * 1024,
    SPARES_MAX = 8,     /* so many end at once at full speed, until the source goes on */
    SPARES_AT_REST = 4, /* as many as the stream has at once */
    SPARE_MAX_BYTES = 2 * BATCH_FULL_BYTES,
    FIRST_RECORDS = 64,
};

static struct ht_ingest_batch *take_spare(struct ht_ingest *ingest)
{
    struct ht_ingest_batch *batch = ingest->spares;
    if (batch != NULL) {
        ingest->spares = batch->next;
        ingest->spare_count--;
        batch->next = NULL;
    }
    return batch;
}

struct ht_ingest_batch *ht_ingest_batch_open(struct ht_ingest *ingest)
{
    struct ht_ingest_batch *batch = ingest->filling;
    if (batch != NULL && batch->count < BATCH_MAX_RECORDS &&
        batch->bytes.length < BATCH_FULL_BYTES) {
        return batch;
    }
    batch = take_spare(ingest);
    if (batch == NULL) {
        batch = calloc(1, sizeof(*batch));
        if (batch == NULL) {
            return NULL;
        }
        batch->ingest = ingest;
        ht_buffer_init(&batch->bytes, BATCH_MAX_BYTES);
    }
    *(ingest->head == NULL ? &ingest->head : &ingest->tail->next) = batch;
    ingest->tail = ingest->filling = batch;
    return batch;
}

int ht_ingest_batch_grow(struct ht_ingest_batch *batch)
{
    if (batch->count < batch->capacity) {
        return 0;
    }
    size_t capacity = batch->capacity == 0 ? FIRST_RECORDS : batch->capacity * 2;
    struct ht_put_record *records = realloc(batch->records, capacity * sizeof(*records));
    if (records == NULL) {
        return HT_ENOMEM;
    }
    batch->records = records;
    batch->capacity = capacity;
    return 0;
}

static void unlink_batch(struct ht_ingest *ingest, struct ht_ingest_batch *batch)
{
    struct ht_ingest_batch *before = NULL;
    for (struct ht_ingest_batch *at = ingest->head; at != batch; at = at->next) {
        before = at;
    }
    *(before == NULL ? &ingest->head : &before->next) = batch->next;
    ingest->tail = ingest->tail == batch ? before : ingest->tail;
    ingest->filling = ingest->filling == batch ? NULL : ingest->filling;
}

static void free_batch(struct ht_ingest_batch *batch)
{
    ht_buffer_finish(&batch->bytes);
    free(batch->records);
    free(batch);
}

/* As a new one, but for the room that it has. */
static void keep_spare(struct ht_ingest *ingest, struct ht_ingest_batch *batch)
{
    struct ht_buffer bytes = batch->bytes;
    struct ht_put_record *records = batch->records;
    size_t capacity = batch->capacity;
    memset(batch, 0, sizeof(*batch));
    ht_buffer_clear(&bytes);
    batch->ingest = ingest;
    batch->bytes = bytes;
    batch->records = records;
    batch->capacity = capacity;
    batch->next = ingest->spares;
    ingest->spares = batch;
    ingest->spare_count++;
}

/* All but so many. */
static void free_spares(struct ht_ingest *ingest, size_t kept)
{
    while (ingest->spare_count > kept) {
        free_batch(take_spare(ingest));
    }
}

void ht_ingest_batch_end(struct ht_ingest *ingest, struct ht_ingest_batch *batch)
{
    unlink_batch(ingest, batch);
    ingest->waiting_count -= batch->count;
    size_t reserved_bytes = batch->reserved_bytes;
    if (ingest->spare_count < SPARES_MAX && batch->bytes.capacity <= SPARE_MAX_BYTES) {
        keep_spare(ingest, batch);
    } else {
        free_batch(batch);
    }
    if (ingest->head == NULL) {
        free_spares(ingest, SPARES_AT_REST);
    }
    ht_budget_release(ingest->options.budget, reserved_bytes);
}

void ht_ingest_batch_finish_all(struct ht_ingest *ingest)
{
    while (ingest->head != NULL) {
        ht_ingest_batch_end(ingest, ingest->head);
    }
    free_spares(ingest, 0);
}
