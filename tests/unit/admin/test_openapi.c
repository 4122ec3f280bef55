// SPDX-License-Identifier: MIT
#include "admin/openapi.h"
#include "admin/router.h"

#include "hashtagd/json/json.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct ht_json *parse(void)
{
    struct ht_buffer json;
    ht_buffer_init(&json, 1 << 22);
    ht_openapi_format("1.2.3", &json);
    struct ht_error error;
    struct ht_json *root =
        ht_json_parse(ht_buffer_slice(&json), HT_JSON_REFUSE_DUPLICATES, NULL, &error);
    if (root == NULL) {
        fail_msg("%s", error.text);
    }
    ht_buffer_finish(&json);
    return root;
}

static void test_every_route_is_described(void **state)
{
    (void)state;
    struct ht_json *root = parse();
    assert_true(
        ht_slice_equal(ht_json_text(ht_json_find(root, "info.version")), HT_SLICE("1.2.3")));
    const struct ht_json *paths = ht_json_member(root, "paths");
    size_t count, described = 0;
    const struct ht_route *routes = ht_routes(&count);
    for (size_t i = 0; i < count; i++) {
        if (routes[i].is_page) {
            continue;
        }
        const struct ht_json *path = ht_json_member(paths, routes[i].path);
        const char *method = routes[i].method == HT_HTTP_POST     ? "post"
                             : routes[i].method == HT_HTTP_DELETE ? "delete"
                                                                  : "get";
        const struct ht_json *route = ht_json_member(path, method);
        if (route == NULL) {
            fail_msg("%s %s is missing", method, routes[i].path);
        }
        assert_true(ht_json_count(ht_json_member(route, "responses")) > 0);
        described++;
    }
    size_t found = 0;
    struct ht_json_members members = ht_json_members(paths);
    while (ht_json_members_next(&members)) {
        found += ht_json_count(members.value);
    }
    assert_int_equal(found, described);
    ht_json_destroy(root);
}

static void test_every_schema_is_there_and_used(void **state)
{
    (void)state;
    struct ht_json *root = parse();
    const struct ht_json *schemas = ht_json_find(root, "components.schemas");
    size_t count;
    const struct ht_route *routes = ht_routes(&count);
    for (const struct ht_openapi_schema *schema = ht_openapi_schemas; schema->name != NULL;
         schema++) {
        size_t uses = 0;
        for (size_t i = 0; i < count; i++) {
            for (const struct ht_route_response *at = routes[i].responses; at->status != 0; at++) {
                uses += at->schema != NULL && strcmp(at->schema, schema->name) == 0;
            }
        }
        if (uses == 0) {
            fail_msg("nothing answers with %s", schema->name);
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (const struct ht_route_response *at = routes[i].responses; at->status != 0; at++) {
            if (at->schema != NULL && ht_json_member(schemas, at->schema) == NULL) {
                fail_msg("no schema %s", at->schema);
            }
        }
    }
    ht_json_destroy(root);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--print") == 0) { /* for a validator */
        struct ht_buffer json;
        ht_buffer_init(&json, 1 << 22);
        ht_openapi_format("0.0.0", &json);
        (void)fputs(ht_buffer_slice(&json).data, stdout);
        ht_buffer_finish(&json);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_is_described),
        cmocka_unit_test(test_every_schema_is_there_and_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
