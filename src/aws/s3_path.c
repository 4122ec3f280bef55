// SPDX-License-Identifier: MIT
#include "s3_path.h"

#include "hashtagd/net/url.h"

enum {
    MOST_KEY_BYTES = 1024,
};

int ht_s3_path_append(struct ht_buffer *path, struct ht_slice key)
{
    if (key.length == 0 || key.length > MOST_KEY_BYTES) {
        return HT_EINVAL;
    }
    (void)ht_buffer_append_byte(path, '/');
    while (key.length > 0) {
        const char *slash = memchr(key.data, '/', key.length);
        size_t length = slash == NULL ? key.length : (size_t)(slash - key.data);
        int status = ht_url_encode(ht_slice_make(key.data, length), path);
        if (status != 0) {
            return status;
        }
        if (slash != NULL) {
            (void)ht_buffer_append_byte(path, '/');
            length++;
        }
        key = ht_slice_make(key.data + length, key.length - length);
    }
    return ht_buffer_status(path);
}
