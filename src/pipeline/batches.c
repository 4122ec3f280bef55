// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/changes.h"
#include "hashtagd/pipeline/stream.h"

void ht_record_batch_release(struct ht_record_batch *batch)
{
    if (batch != NULL) {
        batch->release(batch);
    }
}

void ht_removal_batch_release(struct ht_removal_batch *batch)
{
    if (batch != NULL) {
        batch->release(batch);
    }
}
