// SPDX-License-Identifier: MIT
#include "hashtagd/base/random.h"

#include <errno.h>
#include <sys/random.h>

static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

void ht_random_init(struct ht_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        random->state[i] = split_mix(&seed);
    }
}

uint64_t ht_random_u64(struct ht_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t ht_random_below(struct ht_random *random, uint64_t bound)
{
    if (bound == 0) {
        return 0;
    }
    /* Numbers above the largest multiple of bound would favour the small results. */
    uint64_t reject_below = (0 - bound) % bound;
    for (;;) {
        uint64_t value = ht_random_u64(random);
        if (value >= reject_below) {
            return value % bound;
        }
    }
}

double ht_random_unit(struct ht_random *random)
{
    return (double)(ht_random_u64(random) >> 11) * 0x1.0p-53;
}

int ht_random_secret(void *data, size_t length)
{
    unsigned char *at = data;
    while (length > 0) {
        ssize_t got = getrandom(at, length, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return HT_EIO;
        }
        at += got;
        length -= (size_t)got;
    }
    return 0;
}
