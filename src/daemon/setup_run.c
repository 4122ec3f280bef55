// SPDX-License-Identifier: MIT
#include "setup.h"

#include "command.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>

enum {
    POLL_MS = 1000,
    USABLE_TIMEOUT_MS = 600000, /* a delivery stream may take minutes */
    MAKE_TIMEOUT_MS = 120000,   /* a role that was made just now is not known everywhere at once */
};

static bool run_resource(struct ht_setup *setup, const struct ht_setup_resource *resource);
static int make(struct ht_setup *setup, const struct ht_setup_resource *resource,
                struct ht_error *error);
static bool wait_until_usable(struct ht_setup *setup, const struct ht_setup_resource *resource,
                              struct ht_setup_look *look, bool is_made);

const struct ht_setup_resource *const *ht_setup_resources(size_t *count)
{
    static const struct ht_setup_resource *const resources[] = {
        &ht_setup_stream, &ht_setup_table,          &ht_setup_change_stream, &ht_setup_time_to_live,
        &ht_setup_leases, &ht_setup_changes_leases, &ht_setup_bucket,        &ht_setup_bucket_block,
        &ht_setup_role,   &ht_setup_delivery};
    *count = HT_COUNT_OF(resources);
    return resources;
}

int ht_setup_run(struct ht_setup *setup)
{
    size_t count;
    const struct ht_setup_resource *const *resources = ht_setup_resources(&count);
    for (size_t i = 0; i < count; i++) {
        if (resources[i]->name(setup) != NULL && !run_resource(setup, resources[i])) {
            setup->failed_count++;
        }
    }
    (void)printf("%u %s, %u there already, %u failed\n", setup->made_count,
                 setup->is_dry_run ? "to be made" : "made", setup->present_count,
                 setup->failed_count);
    return setup->failed_count == 0 ? HT_EXIT_DONE : HT_EXIT_FAILED;
}

static void print(struct ht_setup *setup, const struct ht_setup_resource *resource,
                  const char *word, const char *text)
{
    (void)printf("%-12s %-14s %s%s%s\n", word, resource->kind, resource->name(setup),
                 text[0] == '\0' ? "" : ": ", text);
    (void)fflush(stdout);
}

static bool fail(struct ht_setup *setup, const struct ht_setup_resource *resource,
                 const struct ht_error *error)
{
    print(setup, resource, "FAILED", error->text);
    if (error->code == HT_EPERMISSION) {
        (void)printf("%-12s %-14s cure: allow %s (docs/aws.md), or use other credentials\n", "", "",
                     resource->permissions);
        (void)fflush(stdout);
    }
    return false;
}

static bool run_resource(struct ht_setup *setup, const struct ht_setup_resource *resource)
{
    struct ht_setup_look look = {0};
    struct ht_error error;
    ht_error_clear(&error);
    if (resource->look(setup, &look, &error) != 0) {
        return fail(setup, resource, &error);
    }
    if (look.is_wrong) {
        print(setup, resource, "FAILED", look.text);
        return false;
    }
    if (look.exists) {
        return wait_until_usable(setup, resource, &look, false);
    }
    if (setup->is_dry_run) {
        setup->made_count++;
        print(setup, resource, "would make", "");
        return true;
    }
    if (make(setup, resource, &error) != 0) {
        return fail(setup, resource, &error);
    }
    look = (struct ht_setup_look){0};
    return wait_until_usable(setup, resource, &look, true);
}

static int make(struct ht_setup *setup, const struct ht_setup_resource *resource,
                struct ht_error *error)
{
    int status = HT_EBUSY;
    for (unsigned waited_ms = 0; status == HT_EBUSY; waited_ms += POLL_MS) {
        status = resource->make(setup, error);
        if (status == HT_EBUSY && waited_ms >= MAKE_TIMEOUT_MS) {
            return status;
        }
        if (status == HT_EBUSY) {
            ht_aws_command_wait(setup->aws, POLL_MS);
        }
    }
    return status;
}

static void show_progress(struct ht_setup *setup, const struct ht_setup_resource *resource,
                          uint64_t seconds)
{
    if (setup->is_terminal) {
        (void)fprintf(stderr, "\r%-12s %-14s %s: %llu s ", "waiting", resource->kind,
                      resource->name(setup), (unsigned long long)seconds);
    }
}

static bool is_settled(const struct ht_setup_look *look)
{
    return (look->exists && look->is_usable) || look->is_wrong;
}

/* Looks until it is usable, or wrong, or its time is over. */
static int look_again(struct ht_setup *setup, const struct ht_setup_resource *resource,
                      struct ht_setup_look *look, struct ht_error *error)
{
    uint64_t began_ms = ht_clock_monotonic_ms(&setup->aws->clock), waited_ms = 0;
    int status = 0;
    while (status == 0 && !is_settled(look) && waited_ms < USABLE_TIMEOUT_MS) {
        waited_ms = ht_clock_monotonic_ms(&setup->aws->clock) - began_ms;
        show_progress(setup, resource, waited_ms / 1000);
        *look = (struct ht_setup_look){0};
        status = resource->look(setup, look, error);
        if (status == 0 && !is_settled(look)) {
            ht_aws_command_wait(setup->aws, POLL_MS);
        }
    }
    if (setup->is_terminal && waited_ms > 0) {
        (void)fputs("\r\033[K", stderr);
    }
    return status;
}

static bool wait_until_usable(struct ht_setup *setup, const struct ht_setup_resource *resource,
                              struct ht_setup_look *look, bool is_made)
{
    struct ht_error error;
    ht_error_clear(&error);
    if (!setup->is_dry_run && look_again(setup, resource, look, &error) != 0) {
        return fail(setup, resource, &error);
    }
    if (look->is_wrong) {
        print(setup, resource, "FAILED", look->text);
        return false;
    }
    if (!is_settled(look) && !setup->is_dry_run) {
        print(setup, resource, "FAILED", "not usable after 10 minutes: run setup again later");
        return false;
    }
    *(is_made ? &setup->made_count : &setup->present_count) += 1;
    print(setup, resource, is_made ? "made" : "there", look->text);
    return true;
}
