// SPDX-License-Identifier: MIT
#include "query.h"

#include "hashtagd/net/url.h"

int ht_aws_query_append(struct ht_buffer *query, const char *name, struct ht_slice value)
{
    (void)ht_buffer_append_text(query, query->length == 0 ? "" : "&");
    (void)ht_buffer_append_text(query, name);
    (void)ht_buffer_append_byte(query, '=');
    return ht_url_encode(value, query);
}
