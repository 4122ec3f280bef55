// SPDX-License-Identifier: MIT

/* URLs and addresses: what is decoded and encoded again is the same, and the parts of a target, a path
 * and a query make up the whole again. */

#include "fuzz.h"

#include "hashtagd/net/address.h"
#include "hashtagd/net/url.h"

#define ROOM_BYTES (64u * 1024u)

static void check_coding(struct ht_slice text);
static bool decodes_by_rule(struct ht_slice text, bool is_form, struct ht_buffer *out);
static void check_target(struct ht_slice text);
static void check_path(struct ht_slice path);
static void check_query(struct ht_slice query);
static void check_address(struct ht_slice bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(ht_slice_make(data, size));
    struct ht_slice text = ht_slice_make(copy, size);

    check_coding(text);
    check_target(text);
    check_path(text);
    check_query(text);
    check_address(text);
    free(copy);
    return 0;
}

static void check_coding(struct ht_slice text)
{
    struct ht_buffer decoded, wanted, encoded;

    ht_buffer_init(&decoded, ROOM_BYTES);
    ht_buffer_init(&wanted, ROOM_BYTES);
    ht_buffer_init(&encoded, ROOM_BYTES);
    for (int form = 0; form < 2; form++) {
        ht_buffer_clear(&decoded);
        ht_buffer_clear(&wanted);
        int status = form == 1 ? ht_url_decode_form(text, &decoded) : ht_url_decode(text, &decoded);
        bool is_right = decodes_by_rule(text, form == 1, &wanted);
        FUZZ_CHECK(is_right == (status == 0), "status %d, form %d", status, form);
        if (is_right) {
            FUZZ_CHECK_SAME(ht_buffer_slice(&decoded), ht_buffer_slice(&wanted), "decoded");
        }
    }
    ht_buffer_clear(&decoded);
    FUZZ_CHECK(ht_url_encode(text, &encoded) == 0, "any bytes can be encoded");
    FUZZ_CHECK(ht_url_decode(ht_buffer_slice(&encoded), &decoded) == 0, "what was encoded");
    FUZZ_CHECK_SAME(ht_buffer_slice(&decoded), text, "encoded and decoded");
    ht_buffer_finish(&decoded);
    ht_buffer_finish(&wanted);
    ht_buffer_finish(&encoded);
}

/* The rule once more, with the C library's idea of a hex digit. */
static bool decodes_by_rule(struct ht_slice text, bool is_form, struct ht_buffer *out)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";

    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        if (byte == '%') {
            const char *high = i + 2 < text.length && text.data[i + 1] != 0
                                   ? strchr(digits, text.data[i + 1])
                                   : NULL;
            const char *low =
                high != NULL && text.data[i + 2] != 0 ? strchr(digits, text.data[i + 2]) : NULL;
            if (low == NULL) {
                return false;
            }
            byte = (char)((high - digits) % 16 * 16 + (low - digits) % 16);
            i += 2;
        }
        ht_buffer_append_byte(out, byte == '+' && is_form && text.data[i] == '+' ? ' ' : byte);
    }
    return true;
}

static void check_target(struct ht_slice text)
{
    struct ht_url_target parts;
    struct ht_buffer whole;

    if (ht_url_split_target(text, &parts) != 0) {
        return;
    }
    ht_buffer_init(&whole, ROOM_BYTES);
    if (parts.authority.data != NULL) {
        size_t scheme = (size_t)(parts.authority.data - text.data);
        ht_buffer_append(&whole, text.data, scheme);
        ht_buffer_append_slice(&whole, parts.authority);
        FUZZ_CHECK(parts.authority.length > 0 && scheme >= 7, "an authority of a scheme");
    }
    bool path_is_there = parts.path.data >= text.data && parts.path.data <= text.data + text.length;
    FUZZ_CHECK(path_is_there || ht_slice_equal(parts.path, HT_SLICE("/")), "the path");
    FUZZ_CHECK(parts.path.data[0] == '/' || ht_slice_equal(text, HT_SLICE("*")),
               "the path's begin");
    if (path_is_there) {
        ht_buffer_append_slice(&whole, parts.path);
    }
    if (parts.query.data != NULL) {
        ht_buffer_append_byte(&whole, '?');
        ht_buffer_append_slice(&whole, parts.query);
    }
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole), text, "the parts of a target and the target");
    check_path(parts.path);
    check_query(parts.query);
    ht_buffer_finish(&whole);
}

static void check_path(struct ht_slice path)
{
    struct ht_slice rest = path;
    struct ht_slice segment;
    struct ht_buffer whole;

    ht_buffer_init(&whole, ROOM_BYTES);
    while (ht_url_next_segment(&rest, &segment)) {
        FUZZ_CHECK(segment.length == 0 || memchr(segment.data, '/', segment.length) == NULL,
                   "a segment has no slash");
        ht_buffer_append_byte(&whole, '/');
        ht_buffer_append_slice(&whole, segment);
    }
    ht_buffer_append_slice(&whole, rest);
    FUZZ_CHECK(rest.length == 0 || path.data[0] != '/', "all of a path is read");
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole), path, "the segments and the path");
    ht_buffer_finish(&whole);
}

/* The pairs with "&" between are the query, its empty parts left out. */
static void check_query(struct ht_slice query)
{
    struct ht_slice rest = query;
    struct ht_url_pair pair;
    struct ht_buffer whole, wanted;

    ht_buffer_init(&whole, ROOM_BYTES);
    ht_buffer_init(&wanted, ROOM_BYTES);
    while (ht_url_next_pair(&rest, &pair)) {
        FUZZ_CHECK(pair.name.length == 0 || memchr(pair.name.data, '=', pair.name.length) == NULL,
                   "a name has no equals sign");
        ht_buffer_append_slice(&whole, pair.name);
        if (pair.value.data != NULL) {
            ht_buffer_append_byte(&whole, '=');
            ht_buffer_append_slice(&whole, pair.value);
        }
        ht_buffer_append_byte(&whole, '&');
    }
    for (size_t i = 0; i < query.length; i++) {
        bool is_empty_part = query.data[i] == '&' && (i == 0 || query.data[i - 1] == '&');
        if (!is_empty_part) {
            ht_buffer_append_byte(&wanted, query.data[i]);
        }
    }
    if (wanted.length > 0 && wanted.data[wanted.length - 1] != '&') {
        ht_buffer_append_byte(&wanted, '&');
    }
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole), ht_buffer_slice(&wanted), "the pairs and the query");
    ht_buffer_finish(&whole);
    ht_buffer_finish(&wanted);
}

static void check_address(struct ht_slice bytes)
{
    char *text = fuzz_text(bytes);
    char again[HT_ADDRESS_TEXT_BYTES];
    struct ht_address address, second;
    struct ht_error error = {0};

    if (ht_address_parse(text, &address, &error) == 0) {
        ht_address_format(&address, again);
        FUZZ_CHECK(ht_address_parse(again, &second, NULL) == 0, "%s of %s", again, text);
        FUZZ_CHECK(strcmp(address.host, second.host) == 0 && address.port == second.port &&
                       address.is_v6 == second.is_v6 &&
                       ht_address_is_loopback(&address) == ht_address_is_loopback(&second),
                   "%s of %s", again, text);
    } else {
        FUZZ_CHECK(error.code == HT_EPARSE && error.text[0] != '\0', "%s", text);
    }
    free(text);
}
