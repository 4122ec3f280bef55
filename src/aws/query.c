// SPDX-License-Identifier: MIT
#include "query.h"

#include "hashtagd/net/url.h"

#include <string.h>

int ht_aws_query_append(struct ht_buffer *query, const char *name, struct ht_slice value)
{
    (void)ht_buffer_append_text(query, query->length == 0 ? "" : "&");
    (void)ht_buffer_append_text(query, name);
    (void)ht_buffer_append_byte(query, '=');
    return ht_url_encode(value, query);
}

int ht_aws_form_append(struct ht_buffer *form, const char *name, struct ht_slice value)
{
    int status = ht_aws_query_append(form, name, ht_slice_make(value.data, 0));
    while (status == 0 && value.length > 0) {
        const char *space = memchr(value.data, ' ', value.length);
        size_t length = space == NULL ? value.length : (size_t)(space - value.data);
        status = ht_url_encode(ht_slice_make(value.data, length), form);
        if (status == 0 && space != NULL) {
            status = ht_buffer_append_byte(form, '+');
            length++;
        }
        value = ht_slice_make(value.data + length, value.length - length);
    }
    return status;
}
