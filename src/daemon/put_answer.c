// SPDX-License-Identifier: MIT
#include "put.h"

#include "hashtagd/json/json.h"

#include <stdio.h>

static int explain(const struct ht_put_answer *answer, bool has_memory, struct ht_error *error);
static void note(struct ht_put_chunk *chunk, const struct ht_json *row);

int ht_put_answer_read(const struct ht_put_answer *answer, struct ht_put_chunk *chunk,
                       struct ht_error *error)
{
    struct ht_error problem = {0};
    if (answer->status != 202 && answer->status != 400) {
        return HT_ENOTFOUND;
    }
    struct ht_json *root = ht_json_parse(answer->body, 0, NULL, &problem);
    const struct ht_json *rejected = ht_json_member(root, "rejected");
    int result = 0;
    if (rejected == NULL) {
        result = explain(answer, problem.code != HT_ENOMEM, error);
    }
    for (size_t i = 0; i < ht_json_count(rejected); i++) {
        note(chunk, ht_json_element(rejected, i));
    }
    ht_json_destroy(root);
    return result;
}

/* At 202 the daemon has the tweets, whatever becomes of its answer. */
static int explain(const struct ht_put_answer *answer, bool has_memory, struct ht_error *error)
{
    bool are_taken = answer->status == 202;
    if (!has_memory) {
        return ht_error_set(error, HT_ENOMEM,
                            are_taken
                                ? "The daemon at %s took the last tweets, but memory is out and "
                                  "which of them it refused cannot be read. Free some memory; put "
                                  "again, those that counting.repeat_window holds count once."
                                : "The daemon at %s refused the last tweets, but memory is out and "
                                  "why cannot be read. Free some memory and put them again.",
                            answer->url);
    }
    if (!are_taken) {
        return HT_ENOTFOUND;
    }
    return ht_error_set(error, HT_EIO,
                        "The daemon at %s took the last tweets (202), but its answer does not tell "
                        "which of them it refused; look for a proxy in between.",
                        answer->url);
}

/* Line n of the body is entry n - 1: each message is one line. */
static void note(struct ht_put_chunk *chunk, const struct ht_json *row)
{
    int64_t line = ht_json_i64(ht_json_member(row, "line"));
    struct ht_slice reason = ht_json_text(ht_json_member(row, "reason"));
    if (line < 1 || (uint64_t)line > chunk->count) {
        return;
    }
    struct ht_put_entry *entry = &chunk->entries[line - 1];
    (void)snprintf(
        entry->reason, sizeof(entry->reason), "%.*s",
        (int)(reason.length < HT_PUT_REASON_BYTES ? reason.length : HT_PUT_REASON_BYTES - 1),
        reason.data);
    if (entry->reason[0] == '\0') { /* empty would mean accepted */
        (void)snprintf(entry->reason, sizeof(entry->reason), "refused");
    }
}
