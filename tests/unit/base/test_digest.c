// SPDX-License-Identifier: MIT
#include "hashtagd/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void assert_hex(const uint8_t *bytes, size_t length, const char *expected)
{
    char text[2 * HT_DIGEST_SHA256_BYTES + 1];

    ht_digest_format_hex(bytes, length, text);
    assert_string_equal(text, expected);
}

/* FIPS 180-4 examples, and nothing at all */
static void test_sha256(void **state)
{
    static const struct {
        const char *text, *digest;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t digest[HT_DIGEST_SHA256_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ht_slice text = ht_slice_text(cases[i].text);
        ht_digest_sha256(text, digest);
        assert_hex(digest, sizeof digest, cases[i].digest);
        struct ht_digest_sha256 sha256;
        ht_digest_sha256_init(&sha256);
        for (size_t at = 0; at < text.length; at++) {
            ht_digest_sha256_add(&sha256, ht_slice_make(text.data + at, 1));
        }
        ht_digest_sha256_end(&sha256, digest);
        assert_hex(digest, sizeof digest, cases[i].digest);
    }
}

/* RFC 4231, cases 1, 2 and 6 (a key longer than a block) */
static void test_hmac_sha256(void **state)
{
    char key[131];
    uint8_t mac[HT_DIGEST_SHA256_BYTES];

    (void)state;
    memset(key, 0x0b, 20);
    ht_digest_hmac_sha256(ht_slice_make(key, 20), HT_SLICE("Hi There"), mac);
    assert_hex(mac, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    ht_digest_hmac_sha256(HT_SLICE("Jefe"), HT_SLICE("what do ya want for nothing?"), mac);
    assert_hex(mac, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    ht_digest_hmac_sha256(ht_slice_make(key, sizeof key),
                          HT_SLICE("Test Using Larger Than Block-Size Key - Hash Key First"), mac);
    assert_hex(mac, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_hmac_may_overwrite_its_key(void **state)
{
    uint8_t apart[HT_DIGEST_SHA256_BYTES], same[HT_DIGEST_SHA256_BYTES];

    (void)state;
    memset(same, 7, sizeof same);
    ht_digest_hmac_sha256(ht_slice_make(same, sizeof same), HT_SLICE("text"), apart);
    ht_digest_hmac_sha256(ht_slice_make(same, sizeof same), HT_SLICE("text"), same);
    assert_memory_equal(apart, same, sizeof same);
}

/* RFC 3174, section 7.3, test 1, and nothing at all */
static void test_sha1(void **state)
{
    uint8_t digest[HT_DIGEST_SHA1_BYTES];

    (void)state;
    ht_digest_sha1(HT_SLICE(""), digest);
    assert_hex(digest, sizeof digest, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    ht_digest_sha1(HT_SLICE("abc"), digest);
    assert_hex(digest, sizeof digest, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

/* RFC 2202, section 3, cases 1, 2 and 6 (a key longer than a block) */
static void test_hmac_sha1(void **state)
{
    char key[80];
    uint8_t mac[HT_DIGEST_SHA1_BYTES];

    (void)state;
    memset(key, 0x0b, 20);
    ht_digest_hmac_sha1(ht_slice_make(key, 20), HT_SLICE("Hi There"), mac);
    assert_hex(mac, sizeof mac, "b617318655057264e28bc0b6fb378c8ef146be00");
    ht_digest_hmac_sha1(HT_SLICE("Jefe"), HT_SLICE("what do ya want for nothing?"), mac);
    assert_hex(mac, sizeof mac, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    memset(key, 0xaa, sizeof key);
    ht_digest_hmac_sha1(ht_slice_make(key, sizeof key),
                        HT_SLICE("Test Using Larger Than Block-Size Key - Hash Key First"), mac);
    assert_hex(mac, sizeof mac, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    memset(key, 0x0b, 20);
    ht_digest_hmac_sha1(ht_slice_make(key, 20), HT_SLICE("Hi There"), (uint8_t *)key);
    assert_hex((uint8_t *)key, 20, "b617318655057264e28bc0b6fb378c8ef146be00");
}

/* RFC 1321, appendix A.5 */
static void test_md5(void **state)
{
    uint8_t digest[HT_DIGEST_MD5_BYTES];

    (void)state;
    ht_digest_md5(HT_SLICE(""), digest);
    assert_hex(digest, sizeof digest, "d41d8cd98f00b204e9800998ecf8427e");
    ht_digest_md5(HT_SLICE("message digest"), digest);
    assert_hex(digest, sizeof digest, "f96b697d7cb7938d525a2f31aaf161d0");
}

static void test_crc32(void **state)
{
    (void)state;
    assert_int_equal(ht_digest_crc32(0, HT_SLICE("")), 0);
    assert_int_equal(ht_digest_crc32(0, HT_SLICE("{}")), 2745614147u);
    assert_int_equal(ht_digest_crc32(0, HT_SLICE("123456789")), 0xcbf43926u);
    assert_int_equal(ht_digest_crc32(ht_digest_crc32(0, HT_SLICE("1234")), HT_SLICE("56789")),
                     0xcbf43926u);
}

static void test_hex(void **state)
{
    uint8_t bytes[3];

    (void)state;
    assert_int_equal(ht_digest_parse_hex(HT_SLICE("00aFf9"), bytes, 3), 0);
    assert_hex(bytes, 3, "00aff9");
    assert_int_equal(ht_digest_parse_hex(HT_SLICE("00aff"), bytes, 3), HT_EPARSE);
    assert_int_equal(ht_digest_parse_hex(HT_SLICE("00aff9a"), bytes, 3), HT_EPARSE);
    assert_int_equal(ht_digest_parse_hex(HT_SLICE("00agf9"), bytes, 3), HT_EPARSE);
    assert_int_equal(ht_digest_parse_hex(HT_SLICE("00a:f9"), bytes, 3), HT_EPARSE);
}

static void test_wiping(void **state)
{
    char secret[] = "secret";

    (void)state;
    ht_digest_wipe(secret, sizeof secret);
    ht_digest_wipe(NULL, 0);
    for (size_t i = 0; i < sizeof secret; i++) {
        assert_int_equal(secret[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_hmac_sha256),
        cmocka_unit_test(test_hmac_may_overwrite_its_key),
        cmocka_unit_test(test_sha1),
        cmocka_unit_test(test_hmac_sha1),
        cmocka_unit_test(test_md5),
        cmocka_unit_test(test_crc32),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_wiping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
