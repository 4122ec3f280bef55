// SPDX-License-Identifier: MIT
#pragma once

/**
 * Zstandard frames (RFC 8878) of bytes in memory; libzstd stays behind this header.
 * Both directions keep their working memory between calls, so that a caller who packs
 * or unpacks many blocks makes one struct ht_zstd and uses it again and again. One
 * thread at a time.
 *
 *     struct ht_zstd *zstd = ht_zstd_create(-5);
 *     size_t length;
 *     int status = ht_zstd_pack(zstd, bytes, room, sizeof(room), &length);
 *     ...
 *     ht_zstd_destroy(zstd);
 *
 * Small messages that resemble one another pack far better with a dictionary that both
 * sides have: ht_zstd_create_with(). A dictionary in zstd's own format has a number, which
 * its frames carry.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

#include <stddef.h>
#include <stdint.h>

/** Working memory of both directions. */
struct ht_zstd;

/** Makes one that packs at `level`: 1..19 smaller and slower, -1..-50 larger and faster; what is
 * beyond these is taken as the nearest. NULL where memory is out. The caller destroys it. */
struct ht_zstd *ht_zstd_create(int level);

/** The same with a dictionary (copied; at least 8 bytes) for both directions: frames that it packs
 * need it to be unpacked, and it unpacks those that were packed with it, or with none. NULL where
 * memory is out, or where the dictionary is damaged. */
struct ht_zstd *ht_zstd_create_with(int level, struct ht_slice dictionary);

/** The number of a dictionary in zstd's format; 0 where `dictionary` is none of that format. */
uint32_t ht_zstd_dictionary_id(struct ht_slice dictionary);

/** Frees it; NULL is fine. */
void ht_zstd_destroy(struct ht_zstd *zstd);

/** Bytes that are enough for the frame of any `length` bytes. */
size_t ht_zstd_bound(size_t length);

/**
 * Packs `bytes` into one frame at `out`, which has `capacity` bytes, and tells its length.
 * 0, HT_ETOOBIG where it does not fit, HT_ENOMEM.
 */
int ht_zstd_pack(struct ht_zstd *zstd, struct ht_slice bytes, void *out, size_t capacity,
                 size_t *length) HT_MUST_CHECK;

/**
 * Unpacks one whole frame that holds exactly `length` bytes into `out`.
 * 0, HT_EPARSE where it is no frame, damaged, or holds another number of bytes, HT_ENOMEM.
 */
int ht_zstd_unpack(struct ht_zstd *zstd, struct ht_slice frame, void *out,
                   size_t length) HT_MUST_CHECK;

/**
 * Unpacks one whole frame of unknown content into `out`, which has `capacity` bytes, and tells
 * its length. Nothing beyond `capacity` is ever written, whatever the frame claims.
 * 0, HT_ETOOBIG where the content is larger, HT_EPARSE where it is no frame, damaged, more than one
 * frame, or packed with another dictionary, HT_ENOMEM.
 */
int ht_zstd_unpack_some(struct ht_zstd *zstd, struct ht_slice frame, void *out, size_t capacity,
                        size_t *length) HT_MUST_CHECK;
