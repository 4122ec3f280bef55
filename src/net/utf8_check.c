// SPDX-License-Identifier: MIT
#include "utf8_check.h"

#define WORD_BYTES sizeof(uint64_t)
#define HIGH_BITS  0x8080808080808080u

static bool begin(struct ht_utf8_check *check, unsigned char byte);

bool ht_utf8_check_add(struct ht_utf8_check *check, struct ht_slice piece)
{
    size_t at = 0;

    while (at < piece.length) {
        unsigned char byte = (unsigned char)piece.data[at];
        if (check->left > 0) {
            if (byte < check->low || byte > check->high) {
                return false;
            }
            check->left--;
            check->low = 0x80;
            check->high = 0xbf;
            at++;
            continue;
        }
        /* most text is ASCII */
        uint64_t word = HIGH_BITS;
        while (piece.length - at >= WORD_BYTES &&
               (memcpy(&word, piece.data + at, WORD_BYTES), (word & HIGH_BITS) == 0)) {
            at += WORD_BYTES;
        }
        if (at < piece.length && !begin(check, (unsigned char)piece.data[at++])) {
            return false;
        }
    }
    return true;
}

/* The first byte of a character says how many follow and, for some, narrows the second (RFC 3629
 * section 4). */
static bool begin(struct ht_utf8_check *check, unsigned char byte)
{
    check->low = 0x80;
    check->high = 0xbf;
    if (byte < 0x80) {
        return true;
    }
    if (byte < 0xc2 || byte > 0xf4) {
        return false;
    }
    if (byte < 0xe0) {
        check->left = 1;
    } else if (byte < 0xf0) {
        check->left = 2;
        check->low = byte == 0xe0 ? 0xa0 : 0x80;
        check->high = byte == 0xed ? 0x9f : 0xbf;
    } else {
        check->left = 3;
        check->low = byte == 0xf0 ? 0x90 : 0x80;
        check->high = byte == 0xf4 ? 0x8f : 0xbf;
    }
    return true;
}
