// SPDX-License-Identifier: MIT
#include "answer.h"

int ht_aws_answer_refuse(struct ht_aws_call *call, const char *why)
{
    const char *request_id = call->failure.request_id;
    return ht_error_set(
        &call->error, HT_EPARSE,
        "%s %s%s%s: the answer makes no sense (%s)%s%s%s. It is asked again.",
        ht_aws_service_name(call->service), call->operation == NULL ? "" : call->operation,
        call->resource == NULL ? "" : " on ", call->resource == NULL ? "" : call->resource, why,
        request_id[0] == '\0' ? "" : " (request ", request_id, request_id[0] == '\0' ? "" : ")");
}

int ht_aws_answer_scan(struct ht_aws_call *call, struct ht_json_reader *reader,
                       struct ht_slice answer)
{
    enum ht_json_verdict verdict = ht_json_reader_scan(reader, answer, NULL);
    if (verdict == HT_JSON_VERDICT_NO_MEMORY) {
        return ht_error_set(&call->error, HT_ENOMEM, "Out of memory for an answer of %s.",
                            ht_aws_service_name(call->service));
    }
    if (verdict != HT_JSON_VERDICT_OK) {
        return ht_aws_answer_refuse(call, ht_json_verdict_text(verdict));
    }
    return ht_json_reader_root(reader).kind == '{' ? 0 : ht_aws_answer_refuse(call, "no object");
}

struct ht_slice ht_aws_answer_text(const struct ht_json_reader *reader, struct ht_json_value value,
                                   struct ht_buffer *texts)
{
    struct ht_slice text = {"", 0};
    if (value.kind != '"' || ht_json_reader_text(reader, value, texts, &text) != 0) {
        return (struct ht_slice){"", 0};
    }
    return text;
}
