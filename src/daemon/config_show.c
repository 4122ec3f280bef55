// SPDX-License-Identifier: MIT
#include "config_show.h"

#include "config_value.h"

enum { MAX_VALUE_BYTES = 256 * 1024 };

void ht_config_show_effective(struct ht_config *config, struct ht_buffer *out)
{
    size_t count;
    const struct ht_config_row *rows = ht_config_all_rows(&count);
    for (size_t i = 0; i < count && ht_config_row_source(&rows[i]) < config->source_count; i++) {
        struct ht_buffer value;
        ht_buffer_init(&value, MAX_VALUE_BYTES);
        ht_config_format_value(config, &rows[i], &value);
        const char *origin = config->origins[i] == NULL ? "default" : config->origins[i];
        (void)ht_buffer_append_format(out, "%-24s = %-24s # %s\n", rows[i].key,
                                      ht_buffer_slice(&value).data, origin);
        ht_buffer_finish(&value);
    }
}

static void append_default(const struct ht_config_row *row, bool is_markdown, struct ht_buffer *out)
{
    if (row->fallback_text != NULL) {
        for (const char *at = row->fallback_text; *at != '\0'; at++) {
            if (is_markdown || *at != '`') {
                (void)ht_buffer_append_byte(out, *at);
            }
        }
        return;
    }
    (void)ht_buffer_append_format(out, is_markdown ? "`%s`" : "%s", row->fallback);
}

static void append_without_quotes(const char *text, struct ht_buffer *out)
{
    for (; *text != '\0'; text++) {
        if (*text != '`') {
            (void)ht_buffer_append_byte(out, *text);
        }
    }
}

void ht_config_show_defaults(struct ht_buffer *out)
{
    size_t count;
    const struct ht_config_row *rows = ht_config_rows(&count);
    for (size_t i = 0; i < count; i++) {
        (void)ht_buffer_append_format(out, "%s = ", rows[i].key);
        append_default(&rows[i], false, out);
        (void)ht_buffer_append_text(out, "\n    ");
        append_without_quotes(rows[i].doc, out);
        (void)ht_buffer_append_text(out, "\n    accepted: ");
        ht_config_format_accepted(&rows[i], out);
        (void)ht_buffer_append_text(out, "\n");
    }
}

static const char page_head[] =
    "# Configuration\n"
    "\n"
    "This page is made by `hashtagd config --markdown`; a test compares it with the program.\n"
    "\n"
    "Nothing needs to be configured: by default everything runs inside the one program, and the\n"
    "source is `none`. Values come from these places, the later winning:\n"
    "\n"
    "1. the defaults below;\n"
    "2. one JSON file: `--config FILE`, else the variable `HASHTAGD_CONFIG`, else\n"
    "   `/etc/hashtagd/hashtagd.json` if it exists;\n"
    "3. environment variables: `HASHTAGD_SECTION_KEY=value`;\n"
    "4. flags: `--set section.key=value`, as often as needed.\n"
    "\n"
    "In the file every section is an object:\n"
    "\n"
    "    {\"source\": {\"type\": \"synthetic\", \"rate\": 500}, \"admin\": {\"listen\": "
    "\"127.0.0.1:9000\"}}\n"
    "\n"
    "In variables and flags a list is written as JSON (`[\"a\",\"b\"]`) or with commas (`a,b`); a\n"
    "list of rules only as JSON. Sizes are bytes and durations are seconds, as plain whole "
    "numbers.\n"
    "\n"
    "`source` may be a list of up to eight objects. In variables and flags the keys of the second\n"
    "source are `source.2.type` and `HASHTAGD_SOURCE_2_TYPE`, and so on; those of the first have "
    "no\n"
    "number. Secrets are no settings: `TWITTER_BEARER_TOKEN`, `MASTODON_ACCESS_TOKEN` and others\n"
    "come from the environment or from files ([sources.md](sources.md)).\n"
    "\n"
    "A key that is not known, a wrong type or a value out of range is refused before anything\n"
    "starts, all mistakes at once, with exit status 2. That holds for variables that begin with\n"
    "`HASHTAGD_` too, but for `HASHTAGD_CONFIG` and those that Kubernetes makes of a service's "
    "name\n"
    "(`HASHTAGD_PORT`, `HASHTAGD_PORT_...`, `HASHTAGD_SERVICE_...`), which are left alone.\n"
    "\n"
    "`hashtagd config` prints what is in effect and where each value came from.\n";

static void append_page_row(const struct ht_config_row *row, struct ht_buffer *out)
{
    char variable[64];
    (void)ht_buffer_append_format(
        out, "\n### `%s`\n\n%c%s.", row->key,
        row->doc[0] >= 'a' && row->doc[0] <= 'z' ? row->doc[0] - 32 : row->doc[0], row->doc + 1);
    (void)ht_buffer_append_text(out, "\n\n- default: ");
    append_default(row, true, out);
    (void)ht_buffer_append_text(out, "\n- accepted: ");
    ht_config_format_accepted(row, out);
    (void)ht_buffer_append_format(out, "\n- variable: `%s`\n", ht_config_variable(row, variable));
    if (row->is_secret) {
        (void)ht_buffer_append_text(out, "- secret: name and password in it are never shown\n");
    }
}

void ht_config_show_markdown(struct ht_buffer *out)
{
    (void)ht_buffer_append_text(out, page_head);
    size_t count;
    const struct ht_config_row *rows = ht_config_rows(&count);
    size_t section = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = strcspn(rows[i].key, ".");
        if (i == 0 || length != section || strncmp(rows[i].key, rows[i - 1].key, length + 1) != 0) {
            section = length;
            (void)ht_buffer_append_format(out, "\n## %.*s\n", (int)length, rows[i].key);
        }
        append_page_row(&rows[i], out);
    }
}
