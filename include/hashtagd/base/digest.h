// SPDX-License-Identifier: MIT
#pragma once

/**
 * Digests that protocols ask for: SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104), SHA-1 and
 * HMAC-SHA-1 (for OAuth 1.0a and the WebSocket handshake, which know no other), MD5 (RFC 1321; for
 * checksums that others defined, never for safety) and the CRC-32 of zlib and gzip (RFC 1952).
 * A thin layer over libcrypto and zlib. Nothing here allocates or fails. Any thread.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/slice.h"

#include <stdint.h>

/** Bytes of a SHA-256. */
#define HT_DIGEST_SHA256_BYTES 32

/** Bytes of a SHA-1. */
#define HT_DIGEST_SHA1_BYTES 20

/** Bytes of an MD5. */
#define HT_DIGEST_MD5_BYTES 16

/** A SHA-256 that is fed piece by piece. Plain memory in the caller's hands, nothing to free; the
 * fields are private. */
struct ht_digest_sha256 {
    uint64_t state[16];
};

/** The SHA-256 of `bytes`. */
void ht_digest_sha256(struct ht_slice bytes, uint8_t digest[HT_DIGEST_SHA256_BYTES]);

/** Starts a SHA-256 in pieces. */
void ht_digest_sha256_init(struct ht_digest_sha256 *sha256);

/** Feeds the next piece. */
void ht_digest_sha256_add(struct ht_digest_sha256 *sha256, struct ht_slice bytes);

/** Gives the digest of all pieces; `sha256` is to be started anew afterwards. */
void ht_digest_sha256_end(struct ht_digest_sha256 *sha256, uint8_t digest[HT_DIGEST_SHA256_BYTES]);

/** The HMAC-SHA-256 of `bytes` under `key` (any length). `mac` may be where `key` is. */
void ht_digest_hmac_sha256(struct ht_slice key, struct ht_slice bytes,
                           uint8_t mac[HT_DIGEST_SHA256_BYTES]);

/** The SHA-1 of `bytes`. */
void ht_digest_sha1(struct ht_slice bytes, uint8_t digest[HT_DIGEST_SHA1_BYTES]);

/** The HMAC-SHA-1 of `bytes` under `key` (any length). `mac` may be where `key` is. */
void ht_digest_hmac_sha1(struct ht_slice key, struct ht_slice bytes,
                         uint8_t mac[HT_DIGEST_SHA1_BYTES]);

/** The MD5 of `bytes`. */
void ht_digest_md5(struct ht_slice bytes, uint8_t digest[HT_DIGEST_MD5_BYTES]);

/** CRC-32 (polynomial of zlib) of `bytes`, going on from `crc` (0 to begin). */
uint32_t ht_digest_crc32(uint32_t crc, struct ht_slice bytes);

/** Writes `length` bytes as 2 * length lower-case hex digits and an end mark into `text`. */
void ht_digest_format_hex(const uint8_t *bytes, size_t length, char *text);

/** Reads exactly 2 * length hex digits, of either case. HT_EPARSE where `text` is anything else;
 * `bytes` may then hold a part. */
int ht_digest_parse_hex(struct ht_slice text, uint8_t *bytes, size_t length) HT_MUST_CHECK;

/** Overwrites a secret in a way that no compiler leaves out. */
void ht_digest_wipe(void *memory, size_t length);
