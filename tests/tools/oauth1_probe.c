// SPDX-License-Identifier: MIT

/*
 * Signs requests with OAuth 1.0a, for a test that lets another program judge them.
 *
 *   oauth1_probe CONSUMER_KEY CONSUMER_SECRET TOKEN TOKEN_SECRET
 *
 * Each line of stdin is METHOD, URL and form body with tabs between; for each the value of the
 * Authorization header is printed, with a new nonce and the time of now. Exit status 0, or 1 with the
 * error on stderr.
 */

#include "oauth1.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HEADER_MAX_BYTES 65536

/* Takes the part before the next tab, or all that is left. */
static struct ht_slice take_part(struct ht_slice *rest)
{
    const char *tab = rest->length == 0 ? NULL : memchr(rest->data, '\t', rest->length);
    struct ht_slice part = *rest;
    if (tab != NULL) {
        part.length = (size_t)(tab - rest->data);
        *rest = ht_slice_make(tab + 1, rest->length - part.length - 1);
    } else {
        *rest = ht_slice_make(NULL, 0);
    }
    return part;
}

static int sign(struct ht_slice line, const struct ht_oauth1_keys *keys)
{
    char nonce[HT_OAUTH1_NONCE_BYTES];
    struct ht_buffer header;
    struct ht_error error = {0};

    struct ht_oauth1_request request = {.method = take_part(&line)};
    request.url = take_part(&line);
    request.form = take_part(&line);
    ht_buffer_init(&header, HEADER_MAX_BYTES);
    int status = ht_oauth1_make_nonce(nonce);
    if (status == 0) {
        struct ht_oauth1_stamp stamp = {.nonce = ht_slice_text(nonce), .time_s = time(NULL)};
        status = ht_oauth1_authorize(&request, keys, &stamp, &header, &error);
    }
    if (status == 0) {
        puts(header.data);
    } else {
        fprintf(stderr, "oauth1_probe: %s\n", error.text);
    }
    ht_oauth1_wipe(&header);
    return status;
}

int main(int argument_count, char **arguments)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    int status = 0;

    if (argument_count != 5) {
        fputs("usage: oauth1_probe CONSUMER_KEY CONSUMER_SECRET TOKEN TOKEN_SECRET\n", stderr);
        return 1;
    }
    const struct ht_oauth1_keys keys = {ht_slice_text(arguments[1]), ht_slice_text(arguments[2]),
                                        ht_slice_text(arguments[3]), ht_slice_text(arguments[4])};
    while (status == 0 && (length = getline(&line, &room, stdin)) > 0) {
        size_t without_end = (size_t)length - (line[length - 1] == '\n' ? 1 : 0);
        status = sign(ht_slice_make(line, without_end), &keys);
    }
    free(line);
    return status == 0 ? 0 : 1;
}
