// SPDX-License-Identifier: MIT
#include "../../../src/backends/dynamodb_lineage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct ht_change_shard *add(struct ht_lineage *lineage, const char *id, const char *parent)
{
    struct ht_change_shard *shard =
        ht_lineage_add(lineage, ht_slice_text(id), ht_slice_text(parent), NULL);
    assert_non_null(shard);
    return shard;
}

static void shards_are_found_whatever_the_order_of_their_coming(void **state)
{
    (void)state;
    struct ht_lineage lineage = {0};
    char id[16];
    for (unsigned i = 0; i < 500; i++) {
        bool is_new = false;
        (void)snprintf(id, sizeof(id), "s%03u", (i * 137) % 500);
        assert_non_null(ht_lineage_add(&lineage, ht_slice_text(id), HT_SLICE(""), &is_new));
        assert_true(is_new);
        assert_non_null(ht_lineage_add(&lineage, ht_slice_text(id), HT_SLICE(""), &is_new));
        assert_false(is_new);
    }
    assert_int_equal(lineage.count, 500);
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(id, sizeof(id), "s%03u", i);
        struct ht_change_shard *shard = ht_lineage_find(&lineage, ht_slice_text(id));
        assert_non_null(shard);
        assert_string_equal(shard->id, id);
        assert_ptr_equal(lineage.shards[i], shard);
    }
    assert_null(ht_lineage_find(&lineage, HT_SLICE("s5000")));
    ht_lineage_remove(&lineage, ht_lineage_find(&lineage, HT_SLICE("s250")));
    assert_null(ht_lineage_find(&lineage, HT_SLICE("s250")));
    assert_non_null(ht_lineage_find(&lineage, HT_SLICE("s251")));
    ht_lineage_finish(&lineage);
}

static void names_that_are_no_ids_are_refused(void **state)
{
    (void)state;
    struct ht_lineage lineage = {0};
    char long_id[HT_SHARD_ID_BYTES + 1];
    memset(long_id, 'x', sizeof(long_id));
    struct ht_slice too_long = {long_id, HT_SHARD_ID_BYTES};
    assert_null(ht_lineage_add(&lineage, HT_SLICE(""), HT_SLICE(""), NULL));
    assert_null(ht_lineage_add(&lineage, too_long, HT_SLICE(""), NULL));
    assert_null(ht_lineage_add(&lineage, HT_SLICE("a"), too_long, NULL));
    assert_int_equal(lineage.count, 0);
    ht_lineage_finish(&lineage);
}

static void a_shard_waits_for_all_its_ancestors(void **state)
{
    (void)state;
    struct ht_lineage lineage = {0};
    struct ht_change_shard *child = add(&lineage, "c", "b");
    assert_false(ht_lineage_is_ready(&lineage, child)); /* the listing may still bring its parent */
    struct ht_change_shard *parent = add(&lineage, "b", "a");
    struct ht_change_shard *grandparent = add(&lineage, "a", "gone");
    ht_lineage_end_listing(&lineage);
    assert_true(ht_lineage_is_ready(&lineage, grandparent));
    assert_false(ht_lineage_is_ready(&lineage, parent));
    parent->state = HT_CHANGE_SHARD_ENDED;
    assert_false(ht_lineage_is_ready(&lineage, child));
    grandparent->state = HT_CHANGE_SHARD_OPEN;
    assert_false(ht_lineage_is_ready(&lineage, child));
    grandparent->state = HT_CHANGE_SHARD_ENDED;
    assert_true(ht_lineage_is_ready(&lineage, child));
    child->state = HT_CHANGE_SHARD_OPEN;
    assert_false(ht_lineage_is_ready(&lineage, child)); /* it is being read */
    assert_true(ht_lineage_has_child(&lineage, parent));
    assert_false(ht_lineage_has_child(&lineage, child));
    ht_lineage_finish(&lineage);
}

static void a_child_of_a_known_shard_needs_no_listing(void **state)
{
    (void)state;
    struct ht_lineage lineage = {0};
    struct ht_change_shard *parent = add(&lineage, "a", "");
    ht_lineage_end_listing(&lineage);
    parent->state = HT_CHANGE_SHARD_ENDED;
    assert_true(ht_lineage_is_ready(&lineage, add(&lineage, "b", "a")));
    assert_false(ht_lineage_is_ready(&lineage, add(&lineage, "d", "c")));
    ht_lineage_finish(&lineage);
}

static void a_row_learns_its_parent_when_it_is_listed(void **state)
{
    (void)state;
    struct ht_lineage lineage = {0};
    struct ht_change_shard *child = add(&lineage, "b", "");
    (void)add(&lineage, "a", "");
    (void)add(&lineage, "b", "a");
    ht_lineage_end_listing(&lineage);
    assert_string_equal(child->parent_id, "a");
    assert_false(ht_lineage_is_ready(&lineage, child));
    ht_lineage_finish(&lineage);
}

static void rings_of_parents_do_no_harm(void **state)
{
    (void)state;
    struct ht_lineage lineage = {0};
    struct ht_change_shard *self = add(&lineage, "a", "a");
    struct ht_change_shard *one = add(&lineage, "b", "c");
    struct ht_change_shard *two = add(&lineage, "c", "b");
    struct ht_change_shard *below = add(&lineage, "d", "b");
    ht_lineage_end_listing(&lineage);
    assert_true(ht_lineage_is_ready(&lineage, self));
    assert_false(ht_lineage_is_ready(&lineage, one));
    one->state = two->state = HT_CHANGE_SHARD_ENDED;
    assert_true(ht_lineage_is_ready(&lineage, below));
    ht_lineage_finish(&lineage);
}

static void what_two_listings_do_not_name_is_gone(void **state)
{
    (void)state;
    struct ht_lineage lineage = {0};
    struct ht_change_shard *old = add(&lineage, "a", "");
    ht_lineage_begin_listing(&lineage);
    struct ht_change_shard *listed = add(&lineage, "b", "");
    ht_lineage_end_listing(&lineage);
    struct ht_change_shard *met_since = add(&lineage, "c", "b");
    assert_false(ht_lineage_is_listed(&lineage, old));
    assert_true(ht_lineage_is_listed(&lineage, listed));
    assert_true(ht_lineage_is_listed(&lineage, met_since));
    assert_false(ht_lineage_is_gone(&lineage, old)); /* one listing may have missed it */
    ht_lineage_begin_listing(&lineage);
    (void)add(&lineage, "b", "");
    ht_lineage_end_listing(&lineage);
    assert_true(ht_lineage_is_gone(&lineage, old));
    assert_false(ht_lineage_is_gone(&lineage, listed));
    assert_false(ht_lineage_is_gone(&lineage, met_since));
    ht_lineage_finish(&lineage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_are_found_whatever_the_order_of_their_coming),
        cmocka_unit_test(names_that_are_no_ids_are_refused),
        cmocka_unit_test(a_shard_waits_for_all_its_ancestors),
        cmocka_unit_test(a_child_of_a_known_shard_needs_no_listing),
        cmocka_unit_test(a_row_learns_its_parent_when_it_is_listed),
        cmocka_unit_test(rings_of_parents_do_no_harm),
        cmocka_unit_test(what_two_listings_do_not_name_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
