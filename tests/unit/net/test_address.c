// SPDX-License-Identifier: MIT
#include "hashtagd/net/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct address_case {
    const char *text;
    const char *formatted; /* NULL: refused */
    bool is_loopback;
};

static const struct address_case cases[] = {
    {"127.0.0.1:8080", "127.0.0.1:8080", true},
    {"127.9.9.9:0", "127.9.9.9:0", true},
    {"0.0.0.0:65535", "0.0.0.0:65535", false},
    {"192.0.2.1:80", "192.0.2.1:80", false},
    {"localhost:80", "127.0.0.1:80", true},
    {"LOCALHOST:80", "127.0.0.1:80", true},
    {"[::1]:8080", "[::1]:8080", true},
    {"[::]:8080", "[::]:8080", false},
    {"[2001:db8::1]:1", "[2001:db8::1]:1", false},
    {"[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", false},
    {"", NULL, false},
    {":8080", NULL, false},
    {"8080", NULL, false},
    {"127.0.0.1", NULL, false},
    {"127.0.0.1:", NULL, false},
    {"127.0.0.1:65536", NULL, false},
    {"127.0.0.1:-1", NULL, false},
    {"127.0.0.1:http", NULL, false},
    {"127.0.0.1:80:80", NULL, false},
    {"127.0.0:80", NULL, false},
    {"127.1:80", NULL, false},
    {"::1:80", NULL, false},
    {"[]:80", NULL, false},
    {"[::1:80", NULL, false},
    {"[127.0.0.1]:80", NULL, false},
    {"[localhost]:80", NULL, false},
    {"example.com:80", NULL, false},
    {" 127.0.0.1:80", NULL, false},
    {"0000000000000000000000000000000000000000000000000000000000000000000000.0.0.1:80", NULL,
     false},
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[HT_ADDRESS_TEXT_BYTES];
        struct ht_address address;
        struct ht_error error = {0};
        int status = ht_address_parse(cases[i].text, &address, &error);
        if (status != (cases[i].formatted == NULL ? HT_EPARSE : 0)) {
            fail_msg("\"%s\": %d %s", cases[i].text, status, error.text);
        }
        if (status != 0) {
            assert_int_equal(error.code, HT_EPARSE);
            assert_non_null(strstr(error.text, "127.0.0.1:8080"));
            continue;
        }
        assert_string_equal(ht_address_format(&address, text), cases[i].formatted);
        assert_int_equal(ht_address_is_loopback(&address), cases[i].is_loopback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests_name("net/address", tests, NULL, NULL);
}
