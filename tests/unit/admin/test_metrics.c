// SPDX-License-Identifier: MIT
#include "admin/metrics.h"

#include "hashtagd/base/assert.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t get_large(const struct ht_admin *admin)
{
    (void)admin;
    return UINT64_MAX;
}

static double get_nan(const struct ht_admin *admin)
{
    (void)admin;
    return (double)NAN;
}

static double get_small(const struct ht_admin *admin)
{
    (void)admin;
    return 0.0005;
}

static const struct ht_histogram *get_none(const struct ht_admin *admin)
{
    (void)admin;
    return NULL;
}

static void each_hostile(const struct ht_admin *admin, struct ht_metrics_writer *writer)
{
    (void)admin;
    struct ht_metric_label labels[] = {{"a", "x\\y\"z\nw"}, {"b", ""}, {NULL, NULL}};
    ht_metrics_write_count(writer, labels, 3);
}

static const struct ht_metric_row rows[] = {
    {"t_things", HT_METRIC_COUNTER, "", "Things", "", HT_PART_NONE, .count = get_large},
    {"t_age_seconds", HT_METRIC_GAUGE, "seconds", "An age", "", HT_PART_NONE, .number = get_nan},
    {"t_wait_seconds", HT_METRIC_GAUGE, "seconds", "A wait", "", HT_PART_NONE, .number = get_small},
    {"t_build", HT_METRIC_INFO, "", "A build", "a, b", HT_PART_NONE, .each = each_hostile},
};

static void assert_text(enum ht_metrics_format format, const char *expected)
{
    struct ht_buffer text;
    ht_buffer_init(&text, 1 << 20);
    struct ht_metrics_writer writer = {.out = &text, .format = format};
    ht_metrics_format_rows(NULL, rows, HT_COUNT_OF(rows), &writer);
    assert_string_equal(ht_buffer_slice(&text).data, expected);
    ht_buffer_finish(&text);
}

static void test_prometheus(void **state)
{
    (void)state;
    assert_text(HT_METRICS_PROMETHEUS,
                "# HELP t_things_total Things.\n# TYPE t_things_total counter\n"
                "t_things_total 18446744073709551615\n"
                "# HELP t_age_seconds An age.\n# TYPE t_age_seconds gauge\nt_age_seconds NaN\n"
                "# HELP t_wait_seconds A wait.\n# TYPE t_wait_seconds gauge\n"
                "t_wait_seconds 0.0005\n"
                "# HELP t_build_info A build.\n# TYPE t_build_info gauge\n"
                "t_build_info{a=\"x\\\\y\\\"z\\nw\",b=\"\"} 3\n");
}

static void test_openmetrics(void **state)
{
    (void)state;
    assert_text(HT_METRICS_OPENMETRICS,
                "# HELP t_things Things.\n# TYPE t_things counter\n"
                "t_things_total 18446744073709551615\n"
                "# HELP t_age_seconds An age.\n# TYPE t_age_seconds gauge\n"
                "# UNIT t_age_seconds seconds\nt_age_seconds NaN\n"
                "# HELP t_wait_seconds A wait.\n# TYPE t_wait_seconds gauge\n"
                "# UNIT t_wait_seconds seconds\nt_wait_seconds 0.0005\n"
                "# HELP t_build A build.\n# TYPE t_build info\n"
                "t_build_info{a=\"x\\\\y\\\"z\\nw\",b=\"\"} 3\n");
}

static void test_a_histogram_is_cumulative(void **state)
{
    (void)state;
    struct ht_histogram histogram = {0};
    ht_histogram_add(&histogram, 50000);
    ht_histogram_add(&histogram, 1000000000);
    ht_histogram_add(&histogram, UINT64_C(500000000000));
    struct ht_metric_row row = {"t_d_seconds", HT_METRIC_HISTOGRAM,  "seconds", "D", "",
                                HT_PART_NONE,  .histogram = get_none};
    struct ht_buffer text;
    ht_buffer_init(&text, 1 << 20);
    struct ht_metrics_writer writer = {.out = &text, .row = &row};
    struct ht_metric_label labels[] = {{"r", "x"}, {NULL, NULL}};
    ht_metrics_write_histogram(&writer, labels, &histogram);
    const char *expected[] = {
        "t_d_seconds_bucket{r=\"x\",le=\"0.0001\"} 1\n",
        "t_d_seconds_bucket{r=\"x\",le=\"0.5\"} 1\n",
        "t_d_seconds_bucket{r=\"x\",le=\"1.0\"} 2\n",
        "t_d_seconds_bucket{r=\"x\",le=\"100.0\"} 2\n",
        "t_d_seconds_bucket{r=\"x\",le=\"+Inf\"} 3\n",
        "t_d_seconds_sum{r=\"x\"} 501.00005\n",
        "t_d_seconds_count{r=\"x\"} 3\n",
    };
    for (size_t i = 0; i < HT_COUNT_OF(expected); i++) {
        if (strstr(text.data, expected[i]) == NULL) {
            fail_msg("no %s in:\n%s", expected[i], text.data);
        }
    }
    ht_buffer_finish(&text);
}

static void test_a_missing_histogram_is_empty(void **state)
{
    (void)state;
    struct ht_metric_row row = {"t_d_seconds", HT_METRIC_HISTOGRAM,  "seconds", "D", "",
                                HT_PART_NONE,  .histogram = get_none};
    struct ht_buffer text;
    ht_buffer_init(&text, 1 << 20);
    struct ht_metrics_writer writer = {.out = &text};
    ht_metrics_format_rows(NULL, &row, 1, &writer);
    assert_non_null(strstr(text.data, "t_d_seconds_count 0\n"));
    ht_buffer_finish(&text);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static void test_the_table_is_whole(void **state)
{
    (void)state;
    size_t count;
    const struct ht_metric_row *all = ht_metrics_rows(&count);
    assert_true(count > 60);
    for (size_t i = 0; i < count; i++) {
        const struct ht_metric_row *row = &all[i];
        int getters = (row->count != NULL) + (row->number != NULL) + (row->histogram != NULL) +
                      (row->each != NULL);
        assert_int_equal(getters, 1);
        assert_int_equal(row->each != NULL, row->labels[0] != '\0');
        assert_true(strncmp(row->name, "hashtagd_", 9) == 0 ||
                    strncmp(row->name, "process_", 8) == 0);
        assert_false(ends_with(row->name, "_total"));
        if (row->unit[0] != '\0') {
            assert_true(ends_with(row->name, row->unit));
        }
        assert_false(ends_with(row->help, "."));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(row->name, all[j].name);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--page") == 0) { /* docs/metrics.md, for the test of it */
        struct ht_buffer page;
        ht_buffer_init(&page, 1 << 20);
        ht_metrics_format_page(&page);
        (void)fputs(ht_buffer_slice(&page).data, stdout);
        ht_buffer_finish(&page);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prometheus),
        cmocka_unit_test(test_openmetrics),
        cmocka_unit_test(test_a_histogram_is_cumulative),
        cmocka_unit_test(test_a_missing_histogram_is_empty),
        cmocka_unit_test(test_the_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
