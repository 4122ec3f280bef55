// SPDX-License-Identifier: MIT
#include "hashtagd/aws/xml.h"

#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char assume_role_answer[] =
    "<?xml version=\"1.0\"?>\n<!-- from the service -->\n"
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
    "  <AssumeRoleResult>\n    <Credentials>\n      <AccessKeyId>ASIA&amp;1</AccessKeyId>\n"
    "      <SecretAccessKey><![CDATA[a<b&amp;]]>c</SecretAccessKey>\n      <SessionToken/>\n"
    "    </Credentials>\n"
    "  </AssumeRoleResult>\n  <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>\n"
    "</AssumeRoleResponse>\n";

/* The value at `path`, or NULL; `status` of the reading. */
static const char *value_of(struct ht_slice text, const char *path, char value[200], int *status)
{
    struct ht_buffer buffer;
    struct ht_error error;

    ht_buffer_init(&buffer, 150);
    struct ht_xml_wanted wanted = {.path = path, .text = &buffer};
    *status = ht_xml_read(text, &wanted, 1, &error);
    snprintf(value, 200, "%s", buffer.data == NULL ? "" : buffer.data);
    ht_buffer_finish(&buffer);
    return wanted.is_found ? value : NULL;
}

static void finds_values_by_their_path(void **state)
{
    static const struct {
        const char *text, *path, *expected;
    } rows[] = {
        {assume_role_answer, "AssumeRoleResponse/AssumeRoleResult/Credentials/AccessKeyId",
         "ASIA&1"},
        {assume_role_answer, "*/*/Credentials/SecretAccessKey", "a<b&amp;c"},
        {assume_role_answer, "*/*/Credentials/SessionToken", ""},
        {assume_role_answer, "*/ResponseMetadata/RequestId", "r-1"},
        {assume_role_answer, "AssumeRoleResponse/RequestId", NULL},
        {assume_role_answer, "RequestId", NULL},
        {"<a>1</a>", "a", "1"},
        {"<a>1</a>", "a/", "1"},
        {"<a>1</a>", "b", NULL},
        {"<s:a xmlns:s='x'><s:b t=\"1>2\" >2</s:b></s:a>", "a/b", "2"},
        {"<a>&lt;&gt;&amp;&quot;&apos;</a>", "a", "<>&\"'"},
        {"<a>&#65;&#x42;&#xe4;&#x20ac;&#x1F600;</a>", "a",
         "AB\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"<a>x<b>inner</b>y</a>", "a", "xy"},
        {"<a>x<!-- no -->y<?no?>z</a>", "a", "xyz"},
        {"<a><b>1</b><b>2</b></a>", "a/b", "1"},
        {"<a><ab>0</ab><b>2</b></a>", "a/b", "2"},
        {"<a><b/><b>2</b></a>", "a/b", ""},
        {"\xef\xbb\xbf<a>1</a >", "a", "1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char value[200];
        int status;
        const char *found = value_of(ht_slice_text(rows[i].text), rows[i].path, value, &status);
        assert_int_equal(status, 0);
        if (rows[i].expected == NULL) {
            assert_null(found);
        } else {
            assert_non_null(found);
            assert_string_equal(found, rows[i].expected);
        }
    }
}

static void refuses_what_is_no_whole_document(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "text",
        "<a>",
        "<a><b></a></b>",
        "<a></b>",
        "</a>",
        "<a></a><b></b>",
        "<a></a>x",
        "x<a></a>",
        "<a",
        "<a b></a>",
        "<a b=c></a>",
        "<a b=\"c></a>",
        "<a b=\"<\"></a>",
        "<a b=\"1\"c=\"2\"></a>",
        "<a/",
        "< a></a>",
        "<>",
        "<a>&nbsp;</a>",
        "<a>&amp</a>",
        "<a>&;</a>",
        "<a>&#;</a>",
        "<a>&#x;</a>",
        "<a>&#xd800;</a>",
        "<a>&#0;</a>",
        "<a>&#x110000;</a>",
        "<a>&#12a;</a>",
        "<a>&#99999999999;</a>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<a><![CDATA[x</a>",
        "<![CDATA[x]]><a></a>",
        "<a><!-- x</a>",
        "<?xml <a></a>",
        "<html><body>Service unavailable<br></body></html>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char value[200];
        int status;
        value_of(ht_slice_text(texts[i]), "a", value, &status);
        if (status != HT_EPARSE) {
            fail_msg("\"%s\" gives %d", texts[i], status);
        }
    }
}

static void every_cut_is_noticed(void **state)
{
    size_t whole = strlen(assume_role_answer) - 1; /* the line's end may be missing */

    (void)state;
    for (size_t length = 0; length < whole; length++) {
        char value[200];
        int status;
        value_of(ht_slice_make(assume_role_answer, length), "a", value, &status);
        assert_int_equal(status, HT_EPARSE);
    }
}

static void limits_hold(void **state)
{
    struct ht_buffer deep, small;
    struct ht_error error;

    (void)state;
    ht_buffer_init(&deep, 10000);
    ht_buffer_init(&small, 3);
    for (int i = 0; i < HT_XML_DEPTH_MAX; i++) {
        ht_buffer_append_text(&deep, "<a>");
    }
    for (int i = 0; i < HT_XML_DEPTH_MAX; i++) {
        ht_buffer_append_text(&deep, "</a>");
    }
    assert_int_equal(ht_xml_read(ht_buffer_slice(&deep), NULL, 0, &error), 0);
    ht_buffer_clear(&deep);
    for (int i = 0; i <= HT_XML_DEPTH_MAX; i++) {
        ht_buffer_append_text(&deep, "<a>");
    }
    assert_int_equal(ht_xml_read(ht_buffer_slice(&deep), NULL, 0, &error), HT_ETOOBIG);
    struct ht_xml_wanted wanted = {.path = "a", .text = &small};
    assert_int_equal(ht_xml_read(HT_SLICE("<a>SECRET</a>"), &wanted, 1, &error), HT_ETOOBIG);
    assert_null(strstr(error.text, "SECRET"));
    ht_buffer_finish(&deep);
    ht_buffer_finish(&small);
}

static void goes_through_a_list_element_by_element(void **state)
{
    struct ht_xml xml;
    struct ht_buffer seen;
    int event;

    (void)state;
    ht_buffer_init(&seen, 1000);
    ht_xml_init(&xml, HT_SLICE("<l><c><k>1</k></c><c><k>2</k><k/></c></l>"));
    while ((event = ht_xml_next(&xml)) > HT_XML_DONE) {
        if (event == HT_XML_BEGIN && ht_xml_is_at(&xml, "l/c")) {
            ht_buffer_append_text(&seen, "(");
        } else if (event == HT_XML_TEXT && ht_xml_is_at(&xml, "l/c/k")) {
            assert_int_equal(ht_xml_append_text(&xml, &seen), 0);
        } else if (event == HT_XML_END) {
            ht_buffer_append_text(&seen, ht_xml_is_at(&xml, "l/c") ? ")" : ".");
        }
    }
    assert_int_equal(event, HT_XML_DONE);
    assert_int_equal(ht_xml_next(&xml), HT_XML_DONE);
    assert_string_equal(seen.data, "(1.)(2..).");
    ht_buffer_finish(&seen);
}

static void stays_at_an_error(void **state)
{
    static const char *const texts[] = {"<a><!-- x</a>", "<a><![CDATA[x</a>", "<a><? x</a>",
                                        "<a></b></a>", "<a x='></a>"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ht_xml xml;
        int event;
        ht_xml_init(&xml, ht_slice_text(texts[i]));
        while ((event = ht_xml_next(&xml)) > HT_XML_DONE) {
        }
        assert_int_equal(event, HT_EPARSE);
        for (int again = 0; again < 3; again++) {
            assert_int_equal(ht_xml_next(&xml), HT_EPARSE);
        }
    }
}

static void survives_any_bytes(void **state)
{
    static const char alphabet[] = "<<>>//ab:=\"'&#x;!-[]CDATA? \n\0\xff";
    struct ht_random random;

    (void)state;
    ht_random_init(&random, 3);
    for (int round = 0; round < 20000; round++) {
        char text[300], value[200];
        size_t length = sizeof assume_role_answer - 1;
        int status;
        if (round % 2 == 0) { /* noise */
            length = ht_random_below(&random, 60);
            for (size_t i = 0; i < length; i++) {
                text[i] = alphabet[ht_random_below(&random, sizeof alphabet - 1)];
            }
        } else { /* a good answer with some bytes changed */
            length = length < sizeof text ? length : sizeof text;
            memcpy(text, assume_role_answer, length);
            for (int i = 0; i < 3; i++) {
                text[ht_random_below(&random, length)] =
                    alphabet[ht_random_below(&random, sizeof alphabet - 1)];
            }
        }
        value_of(ht_slice_make(text, length), "*/a", value, &status);
        assert_true(status == 0 || status == HT_EPARSE || status == HT_ETOOBIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_values_by_their_path),
        cmocka_unit_test(refuses_what_is_no_whole_document),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(goes_through_a_list_element_by_element),
        cmocka_unit_test(stays_at_an_error),
        cmocka_unit_test(survives_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
