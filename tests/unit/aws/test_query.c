// SPDX-License-Identifier: MIT
#include "../../../src/aws/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_values_are_encoded_and_joined(void **state)
{
    (void)state;
    struct ht_buffer query;
    ht_buffer_init(&query, 100);
    assert_int_equal(ht_aws_query_append(&query, "Action", HT_SLICE("GetRole")), 0);
    assert_int_equal(ht_aws_query_append(&query, "a-b", HT_SLICE("c d/&=+~\xc3\xa9")), 0);
    assert_int_equal(ht_aws_query_append(&query, "empty", HT_SLICE("")), 0);
    assert_string_equal(query.data, "Action=GetRole&a-b=c%20d%2F%26%3D%2B~%C3%A9&empty=");
    ht_buffer_finish(&query);
}

static void test_a_space_in_a_form_is_a_plus(void **state)
{
    (void)state;
    struct ht_buffer form;
    ht_buffer_init(&form, 100);
    assert_int_equal(ht_aws_form_append(&form, "Action", HT_SLICE("GetRole")), 0);
    assert_int_equal(ht_aws_form_append(&form, "a", HT_SLICE(" c  d/&=+~\xc3\xa9 ")), 0);
    assert_int_equal(ht_aws_form_append(&form, "empty", HT_SLICE("")), 0);
    assert_string_equal(form.data, "Action=GetRole&a=+c++d%2F%26%3D%2B~%C3%A9+&empty=");
    ht_buffer_finish(&form);
    ht_buffer_init(&form, 8);
    assert_int_equal(ht_aws_form_append(&form, "abcdef", HT_SLICE("g h")), HT_ETOOBIG);
    ht_buffer_finish(&form);
}

static void test_a_full_query_is_an_error(void **state)
{
    (void)state;
    struct ht_buffer query;
    ht_buffer_init(&query, 8);
    assert_int_equal(ht_aws_query_append(&query, "abcdef", HT_SLICE("gh")), HT_ETOOBIG);
    ht_buffer_finish(&query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_encoded_and_joined),
        cmocka_unit_test(test_a_space_in_a_form_is_a_plus),
        cmocka_unit_test(test_a_full_query_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
