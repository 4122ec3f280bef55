// SPDX-License-Identifier: MIT

/* Signatures: the string that is signed, put together once more by RFC 5849 sections 3.4.1.1 to 3.4.1.3
 * alone, from parameters that are split, decoded, encoded and sorted in another way. */

#include "fuzz.h"
#include "oauth1.h"

#define ROOM_BYTES (1u << 20)
#define PAIRS_MAX  HT_OAUTH1_PARAMETERS_MAX

/* Parameters as one text each, encoded: name, a byte that sorts before all others, value. */
struct pairs {
    char *texts[PAIRS_MAX + 1];
    size_t count;
    bool is_bad, is_full;
};

static void check(const struct ht_oauth1_request *request, const struct ht_oauth1_keys *keys,
                  const struct ht_oauth1_stamp *stamp);
static void read_form(struct pairs *pairs, struct ht_slice form);
static void add(struct pairs *pairs, const char *name, struct ht_slice value);
static void add_text(struct pairs *pairs, struct ht_slice name, struct ht_slice value);
static bool decode(struct ht_slice text, struct ht_buffer *out);
static void encode(struct ht_slice bytes, struct ht_buffer *out);
static void join(struct pairs *pairs, struct ht_buffer *out);
static int compare(const void *left, const void *right);
static struct ht_slice take_line(struct ht_slice *rest);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(ht_slice_make(data, size));
    struct ht_slice rest = ht_slice_make(copy, size);
    struct ht_oauth1_request request = {.method = HT_SLICE("POST")};
    struct ht_oauth1_keys keys = {0};
    struct ht_oauth1_stamp stamp = {.nonce = HT_SLICE("abc123"), .time_s = 1318622958};

    request.url = take_line(&rest);
    request.form = take_line(&rest);
    keys.consumer_key = take_line(&rest);
    keys.consumer_secret = take_line(&rest);
    keys.token = take_line(&rest);
    keys.token_secret = take_line(&rest);
    stamp.has_no_version = rest.length > 0;
    check(&request, &keys, &stamp);
    free(copy);
    return 0;
}

static struct ht_slice take_line(struct ht_slice *rest)
{
    const char *end = rest->length == 0 ? NULL : memchr(rest->data, '\n', rest->length);
    size_t length = end == NULL ? rest->length : (size_t)(end - rest->data);
    struct ht_slice line = ht_slice_make(rest->data, length);
    size_t taken = end == NULL ? length : length + 1;

    *rest = ht_slice_make(rest->data + taken, rest->length - taken);
    return line;
}

static void check(const struct ht_oauth1_request *request, const struct ht_oauth1_keys *keys,
                  const struct ht_oauth1_stamp *stamp)
{
    struct ht_buffer given, wanted, base, header;
    struct pairs pairs = {.count = 0};
    char signature[HT_OAUTH1_SIGNATURE_BYTES];
    const char *query =
        request->url.length == 0 ? NULL : memchr(request->url.data, '?', request->url.length);

    ht_buffer_init(&given, ROOM_BYTES);
    ht_buffer_init(&wanted, ROOM_BYTES);
    ht_buffer_init(&base, ROOM_BYTES);
    ht_buffer_init(&header, ROOM_BYTES);
    if (query != NULL) {
        size_t at = (size_t)(query - request->url.data) + 1;
        read_form(&pairs, ht_slice_make(query + 1, request->url.length - at));
    }
    read_form(&pairs, request->form);
    add(&pairs, "oauth_consumer_key", keys->consumer_key);
    add(&pairs, "oauth_nonce", stamp->nonce);
    add(&pairs, "oauth_signature_method", HT_SLICE("HMAC-SHA1"));
    add(&pairs, "oauth_timestamp", HT_SLICE("1318622958"));
    add(&pairs, "oauth_token", keys->token);
    add(&pairs, "oauth_version", stamp->has_no_version ? HT_SLICE("") : HT_SLICE("1.0"));
    int status = ht_oauth1_append_parameters(request, keys, stamp, &given);
    FUZZ_CHECK(status != 0 || (!pairs.is_bad && !pairs.is_full), "it signs what cannot be read");
    if (status == 0) {
        join(&pairs, &wanted);
        FUZZ_CHECK_SAME(ht_buffer_slice(&given), ht_buffer_slice(&wanted), "parameters");
        status = ht_oauth1_append_base_string(request, ht_buffer_slice(&given), &base);
    }
    struct ht_error error = {0};
    int whole = ht_oauth1_authorize(request, keys, stamp, &header, &error);
    if (status == 0 && whole == 0) {
        FUZZ_CHECK(ht_slice_starts_with(ht_buffer_slice(&base), HT_SLICE("POST&http")), "the base");
        FUZZ_CHECK(ht_oauth1_sign(keys, ht_buffer_slice(&base), signature) == 0, "signed");
        ht_buffer_clear(&wanted);
        ht_buffer_append_text(&wanted, "oauth_signature=\"");
        encode(ht_slice_text(signature), &wanted);
        ht_buffer_append_byte(&wanted, '"');
        FUZZ_CHECK(strstr(header.data, wanted.data) != NULL, "%s is not in %s", wanted.data,
                   header.data);
        FUZZ_CHECK(strpbrk(header.data, "\r\n") == NULL && header.length == strlen(header.data),
                   "a header with line ends");
    } else {
        FUZZ_CHECK(whole != 0 && error.text[0] != '\0', "status %d and %d", status, whole);
    }
    for (size_t i = 0; i < pairs.count; i++) {
        free(pairs.texts[i]);
    }
    ht_buffer_finish(&given);
    ht_buffer_finish(&wanted);
    ht_buffer_finish(&base);
    ht_buffer_finish(&header);
}

static void read_form(struct pairs *pairs, struct ht_slice form)
{
    size_t begin = 0;

    for (size_t at = 0; at <= form.length; at++) {
        if (at < form.length && form.data[at] != '&') {
            continue;
        }
        struct ht_slice part = ht_slice_make(form.data + begin, at - begin);
        struct ht_slice value = ht_slice_make("", 0);
        const char *equals = part.length == 0 ? NULL : memchr(part.data, '=', part.length);
        if (equals != NULL) {
            value = ht_slice_make(equals + 1, part.length - (size_t)(equals - part.data) - 1);
            part.length = (size_t)(equals - part.data);
        }
        if (at > begin) {
            struct ht_buffer name, text;
            ht_buffer_init(&name, ROOM_BYTES);
            ht_buffer_init(&text, ROOM_BYTES);
            pairs->is_bad |= !decode(part, &name) || !decode(value, &text);
            add_text(pairs, ht_buffer_slice(&name), ht_buffer_slice(&text));
            ht_buffer_finish(&name);
            ht_buffer_finish(&text);
        }
        begin = at + 1;
    }
}

/* A field of OAuth's own; those without a value are not sent. */
static void add(struct pairs *pairs, const char *name, struct ht_slice value)
{
    if (value.length > 0) {
        add_text(pairs, ht_slice_text(name), value);
    }
}

static void add_text(struct pairs *pairs, struct ht_slice name, struct ht_slice value)
{
    struct ht_buffer text;

    if (pairs->count == PAIRS_MAX) {
        pairs->is_full = true;
        return;
    }
    ht_buffer_init(&text, ROOM_BYTES);
    encode(name, &text);
    ht_buffer_append_byte(&text, '\x01');
    encode(value, &text);
    pairs->texts[pairs->count++] = ht_buffer_take(&text);
    ht_buffer_finish(&text);
}

static bool decode(struct ht_slice text, struct ht_buffer *out)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i] == '+' ? ' ' : text.data[i];
        if (byte == '%') {
            char digits[3] = {0};
            char *end = digits;
            for (size_t k = 0; k < 2 && i + 1 + k < text.length; k++) {
                digits[k] = text.data[i + 1 + k];
            }
            bool is_hex = strspn(digits, "0123456789abcdefABCDEF") == 2;
            byte = (char)strtoul(digits, &end, 16);
            if (!is_hex) {
                return false;
            }
            i += 2;
        }
        ht_buffer_append_byte(out, byte);
    }
    return true;
}

/* Section 3.6. */
static void encode(struct ht_slice bytes, struct ht_buffer *out)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (size_t i = 0; i < bytes.length; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        if (byte != 0 && strchr(plain, byte) != NULL) {
            ht_buffer_append_byte(out, (char)byte);
        } else {
            ht_buffer_append_format(out, "%%%02X", byte);
        }
    }
}

static void join(struct pairs *pairs, struct ht_buffer *out)
{
    qsort(pairs->texts, pairs->count, sizeof *pairs->texts, compare);
    for (size_t i = 0; i < pairs->count; i++) {
        char *between = strchr(pairs->texts[i], '\x01');
        *between = '=';
        ht_buffer_append_text(out, i == 0 ? "" : "&");
        ht_buffer_append_text(out, pairs->texts[i]);
    }
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}
