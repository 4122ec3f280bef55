// SPDX-License-Identifier: MIT
#include "hashtagd/net/libraries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static void every_library_tells_its_version(void **state)
{
    (void)state;
    const char *const versions[] = {ht_net_libuv_version(), ht_net_libcurl_version(),
                                    ht_net_llhttp_version(), ht_net_openssl_version()};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        unsigned major;
        unsigned minor;
        unsigned patch;
        assert_int_equal(sscanf(versions[i], "%u.%u.%u", &major, &minor, &patch), 3);
        assert_true(major > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_library_tells_its_version),
    };
    return cmocka_run_group_tests_name("net/libraries", tests, NULL, NULL);
}
