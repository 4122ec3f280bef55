// SPDX-License-Identifier: MIT
#include "hashtagd/base/hash.h"
#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void crc32c_gives_the_published_values(void **state)
{
    (void)state;
    /* RFC 3720 appendix B.4, and the usual check value */
    unsigned char zeros[32] = {0};
    unsigned char ones[32];
    unsigned char rising[32];
    memset(ones, 0xff, sizeof(ones));
    for (unsigned i = 0; i < 32; i++) {
        rising[i] = (unsigned char)i;
    }
    assert_int_equal(ht_hash_crc32c(0, zeros, 32), 0x8A9136AAu);
    assert_int_equal(ht_hash_crc32c(0, ones, 32), 0x62A8AB43u);
    assert_int_equal(ht_hash_crc32c(0, rising, 32), 0x46DD794Eu);
    assert_int_equal(ht_hash_crc32c(0, "123456789", 9), 0xE3069283u);
}

static void crc32c_goes_on_where_it_ended(void **state)
{
    (void)state;
    const char *text = "the quick brown fox jumps over the lazy dog";
    size_t length = strlen(text);
    uint32_t whole = ht_hash_crc32c(0, text, length);
    for (size_t cut = 0; cut <= length; cut++) {
        uint32_t first = ht_hash_crc32c(0, text, cut);
        assert_int_equal(ht_hash_crc32c(first, text + cut, length - cut), whole);
    }
}

static void siphash_depends_on_key_and_every_byte(void **state)
{
    (void)state;
    struct ht_hash_key key = {1, 2};
    struct ht_hash_key other = {1, 3};
    char text[40] = "some hashtag that is longer than a word";
    for (size_t length = 1; length < sizeof(text); length++) {
        uint64_t before = ht_hash_bytes(&key, ht_slice_make(text, length));
        assert_int_not_equal(before, ht_hash_bytes(&other, ht_slice_make(text, length)));
        text[length - 1] ^= 1;
        assert_int_not_equal(before, ht_hash_bytes(&key, ht_slice_make(text, length)));
        text[length - 1] ^= 1;
        assert_int_not_equal(before, ht_hash_bytes(&key, ht_slice_make(text, length - 1)));
    }
}

static void siphash_spreads(void **state)
{
    (void)state;
    struct ht_hash_key key = {11, 22};
    unsigned buckets[64] = {0};
    for (uint32_t i = 0; i < 64000; i++) {
        buckets[ht_hash_bytes(&key, ht_slice_make(&i, sizeof(i))) & 63]++;
    }
    for (size_t i = 0; i < HT_COUNT_OF(buckets); i++) {
        assert_in_range(buckets[i], 800, 1200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_gives_the_published_values),
        cmocka_unit_test(crc32c_goes_on_where_it_ended),
        cmocka_unit_test(siphash_depends_on_key_and_every_byte),
        cmocka_unit_test(siphash_spreads),
    };
    return cmocka_run_group_tests_name("base/hash", tests, NULL, NULL);
}
