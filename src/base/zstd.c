// SPDX-License-Identifier: MIT
#include "hashtagd/base/zstd.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <stdlib.h>

enum { LEVEL_FASTEST = -50, LEVEL_SMALLEST = 19 };

struct ht_zstd {
    ZSTD_CCtx *packer;
    ZSTD_DCtx *unpacker;
};

static int status_of(size_t result);
static int unpack_status_of(size_t result);

struct ht_zstd *ht_zstd_create(int level)
{
    struct ht_zstd *zstd = calloc(1, sizeof(*zstd));
    if (zstd == NULL) {
        return NULL;
    }
    level = level < LEVEL_FASTEST ? LEVEL_FASTEST : level;
    level = level > LEVEL_SMALLEST ? LEVEL_SMALLEST : level;
    zstd->packer = ZSTD_createCCtx();
    zstd->unpacker = ZSTD_createDCtx();
    if (zstd->packer == NULL || zstd->unpacker == NULL ||
        ZSTD_isError(ZSTD_CCtx_setParameter(zstd->packer, ZSTD_c_compressionLevel, level))) {
        ht_zstd_destroy(zstd);
        return NULL;
    }
    return zstd;
}

struct ht_zstd *ht_zstd_create_with(int level, struct ht_slice dictionary)
{
    struct ht_zstd *zstd = ht_zstd_create(level);
    if (zstd == NULL) {
        return NULL;
    }
    /* The packer looks into the dictionary at the first frame only; the unpacker does it now. */
    if (ZSTD_isError(ZSTD_CCtx_loadDictionary(zstd->packer, dictionary.data, dictionary.length)) ||
        ZSTD_isError(
            ZSTD_DCtx_loadDictionary(zstd->unpacker, dictionary.data, dictionary.length))) {
        ht_zstd_destroy(zstd);
        return NULL;
    }
    return zstd;
}

uint32_t ht_zstd_dictionary_id(struct ht_slice dictionary)
{
    return ZSTD_getDictID_fromDict(dictionary.data, dictionary.length);
}

void ht_zstd_destroy(struct ht_zstd *zstd)
{
    if (zstd != NULL) {
        ZSTD_freeCCtx(zstd->packer);
        ZSTD_freeDCtx(zstd->unpacker);
        free(zstd);
    }
}

size_t ht_zstd_bound(size_t length)
{
    return ZSTD_compressBound(length);
}

int ht_zstd_pack(struct ht_zstd *zstd, struct ht_slice bytes, void *out, size_t capacity,
                 size_t *length)
{
    size_t result = ZSTD_compress2(zstd->packer, out, capacity, bytes.data, bytes.length);
    *length = ZSTD_isError(result) ? 0 : result;
    return status_of(result);
}

int ht_zstd_unpack(struct ht_zstd *zstd, struct ht_slice frame, void *out, size_t length)
{
    size_t result = ZSTD_decompressDCtx(zstd->unpacker, out, length, frame.data, frame.length);
    if (ZSTD_isError(result)) {
        return unpack_status_of(result) == HT_ENOMEM ? HT_ENOMEM : HT_EPARSE;
    }
    return result == length ? 0 : HT_EPARSE;
}

int ht_zstd_unpack_some(struct ht_zstd *zstd, struct ht_slice frame, void *out, size_t capacity,
                        size_t *length)
{
    *length = 0;
    size_t frame_length = ZSTD_findFrameCompressedSize(frame.data, frame.length);
    if (ZSTD_isError(frame_length) || frame_length != frame.length) {
        return HT_EPARSE;
    }
    size_t result = ZSTD_decompressDCtx(zstd->unpacker, out, capacity, frame.data, frame.length);
    if (ZSTD_isError(result)) {
        return unpack_status_of(result);
    }
    *length = result;
    return 0;
}

static int status_of(size_t result)
{
    if (!ZSTD_isError(result)) {
        return 0;
    }
    return ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall ? HT_ETOOBIG : HT_ENOMEM;
}

static int unpack_status_of(size_t result)
{
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        return HT_ENOMEM;
    case ZSTD_error_dstSize_tooSmall:
        return HT_ETOOBIG;
    default:
        return HT_EPARSE;
    }
}
