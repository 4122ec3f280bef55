// SPDX-License-Identifier: MIT
/* The functions without EVP_: they cannot fail, allocate nothing and look nothing up, which for the
 * short texts of a signature is most of the cost. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "hashtagd/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <zlib.h>

#include <limits.h>

#define BLOCK_BYTES 64 /* of SHA-1 and of SHA-256 (FIPS 180-4): what HMAC pads a key to */

_Static_assert(BLOCK_BYTES == SHA_CBLOCK, "a block of SHA-1");
_Static_assert(BLOCK_BYTES == SHA256_CBLOCK, "a block of SHA-256");
_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct ht_digest_sha256), "state too small");

static void pad_block(uint8_t block[BLOCK_BYTES], uint8_t pad);
static void hash_behind(const uint8_t block[BLOCK_BYTES], struct ht_slice bytes,
                        uint8_t digest[HT_DIGEST_SHA1_BYTES]);
static int hex_value(char digit);

void ht_digest_sha256(struct ht_slice bytes, uint8_t digest[HT_DIGEST_SHA256_BYTES])
{
    struct ht_digest_sha256 sha256;

    ht_digest_sha256_init(&sha256);
    ht_digest_sha256_add(&sha256, bytes);
    ht_digest_sha256_end(&sha256, digest);
}

void ht_digest_sha256_init(struct ht_digest_sha256 *sha256)
{
    SHA256_Init((SHA256_CTX *)(void *)sha256);
}

void ht_digest_sha256_add(struct ht_digest_sha256 *sha256, struct ht_slice bytes)
{
    if (bytes.length > 0) {
        SHA256_Update((SHA256_CTX *)(void *)sha256, bytes.data, bytes.length);
    }
}

void ht_digest_sha256_end(struct ht_digest_sha256 *sha256, uint8_t digest[HT_DIGEST_SHA256_BYTES])
{
    SHA256_Final(digest, (SHA256_CTX *)(void *)sha256);
}

void ht_digest_hmac_sha256(struct ht_slice key, struct ht_slice bytes,
                           uint8_t mac[HT_DIGEST_SHA256_BYTES])
{
    uint8_t block[BLOCK_BYTES] = {0};
    struct ht_digest_sha256 sha256;

    if (key.length > sizeof block) {
        ht_digest_sha256(key, block);
    } else if (key.length > 0) {
        memcpy(block, key.data, key.length);
    }
    pad_block(block, 0x36u);
    ht_digest_sha256_init(&sha256);
    ht_digest_sha256_add(&sha256, ht_slice_make(block, sizeof block));
    ht_digest_sha256_add(&sha256, bytes);
    ht_digest_sha256_end(&sha256, mac);
    pad_block(block, 0x36u ^ 0x5cu);
    ht_digest_sha256_init(&sha256);
    ht_digest_sha256_add(&sha256, ht_slice_make(block, sizeof block));
    ht_digest_sha256_add(&sha256, ht_slice_make(mac, HT_DIGEST_SHA256_BYTES));
    ht_digest_sha256_end(&sha256, mac);
    ht_digest_wipe(block, sizeof block);
}

static void pad_block(uint8_t block[BLOCK_BYTES], uint8_t pad)
{
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        block[i] ^= pad;
    }
}

void ht_digest_sha1(struct ht_slice bytes, uint8_t digest[HT_DIGEST_SHA1_BYTES])
{
    SHA_CTX sha1;

    SHA1_Init(&sha1);
    if (bytes.length > 0) {
        SHA1_Update(&sha1, bytes.data, bytes.length);
    }
    SHA1_Final(digest, &sha1);
}

void ht_digest_hmac_sha1(struct ht_slice key, struct ht_slice bytes,
                         uint8_t mac[HT_DIGEST_SHA1_BYTES])
{
    uint8_t block[BLOCK_BYTES] = {0};

    if (key.length > sizeof block) {
        ht_digest_sha1(key, block);
    } else if (key.length > 0) {
        memcpy(block, key.data, key.length);
    }
    pad_block(block, 0x36u);
    hash_behind(block, bytes, mac);
    pad_block(block, 0x36u ^ 0x5cu);
    hash_behind(block, ht_slice_make(mac, HT_DIGEST_SHA1_BYTES), mac);
    ht_digest_wipe(block, sizeof block);
}

/* The SHA-1 of a block of the key and what follows it. */
static void hash_behind(const uint8_t block[BLOCK_BYTES], struct ht_slice bytes,
                        uint8_t digest[HT_DIGEST_SHA1_BYTES])
{
    SHA_CTX sha1;

    SHA1_Init(&sha1);
    SHA1_Update(&sha1, block, BLOCK_BYTES);
    if (bytes.length > 0) {
        SHA1_Update(&sha1, bytes.data, bytes.length);
    }
    SHA1_Final(digest, &sha1);
}

void ht_digest_md5(struct ht_slice bytes, uint8_t digest[HT_DIGEST_MD5_BYTES])
{
    MD5_CTX md5;

    MD5_Init(&md5);
    if (bytes.length > 0) {
        MD5_Update(&md5, bytes.data, bytes.length);
    }
    MD5_Final(digest, &md5);
}

uint32_t ht_digest_crc32(uint32_t crc, struct ht_slice bytes)
{
    uLong value = crc;

    for (size_t at = 0; at < bytes.length;) {
        size_t left = bytes.length - at;
        uInt step = left > UINT_MAX ? UINT_MAX : (uInt)left;
        value = crc32(value, (const Bytef *)bytes.data + at, step);
        at += step;
    }
    return (uint32_t)value;
}

void ht_digest_format_hex(const uint8_t *bytes, size_t length, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 0xfu];
    }
    text[2 * length] = '\0';
}

int ht_digest_parse_hex(struct ht_slice text, uint8_t *bytes, size_t length)
{
    if (text.length != 2 * length) {
        return HT_EPARSE;
    }
    for (size_t i = 0; i < length; i++) {
        int high = hex_value(text.data[2 * i]);
        int low = hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return HT_EPARSE;
        }
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    return 0;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

void ht_digest_wipe(void *memory, size_t length)
{
    if (length > 0) {
        OPENSSL_cleanse(memory, length);
    }
}
