// SPDX-License-Identifier: MIT
#include "hashtagd/aws/xml.h"

#include <string.h>

static int next_markup(struct ht_xml *xml);
static int begin_element(struct ht_xml *xml);
static int end_element(struct ht_xml *xml);
static bool skip_attributes(struct ht_xml *xml);
static bool skip_attribute(struct ht_xml *xml);
static int take_wanted(const struct ht_xml *xml, int event, struct ht_xml_wanted *wanted,
                       size_t count);
static struct ht_slice take_name(struct ht_xml *xml);
static struct ht_slice without_prefix(struct ht_slice tag);
static void skip_blanks(struct ht_xml *xml);
static bool skip_through(struct ht_xml *xml, const char *end);
static bool starts_with(const struct ht_xml *xml, const char *text);
static int take_text(struct ht_xml *xml);
static int append_entity(struct ht_slice entity, struct ht_buffer *out);
static int append_character(struct ht_slice digits, struct ht_buffer *out);
static bool is_character(uint32_t code);
static int append_utf8(uint32_t code, struct ht_buffer *out);
static bool is_blank(char byte);
static bool is_name_byte(char byte);

void ht_xml_init(struct ht_xml *xml, struct ht_slice text)
{
    *xml = (struct ht_xml){.text = text};
    if (ht_slice_starts_with(text, HT_SLICE("\xef\xbb\xbf"))) { /* a byte order mark */
        xml->at = 3;
    }
}

int ht_xml_next(struct ht_xml *xml)
{
    if (xml->was_end) {
        xml->was_end = false;
        xml->depth--;
    }
    if (xml->ends_itself) {
        xml->ends_itself = false;
        xml->was_end = true;
        return HT_XML_END;
    }
    while (xml->at < xml->text.length) {
        size_t begin = xml->at;
        int event = xml->text.data[begin] == '<' ? next_markup(xml) : take_text(xml);
        if (event < 0) {
            xml->at = begin;
        }
        if (event != HT_XML_DONE) { /* that is: nothing to tell of */
            return event;
        }
    }
    return xml->has_root && xml->depth == 0 ? HT_XML_DONE : HT_EPARSE;
}

/* HT_XML_DONE for what is passed over. */
static int next_markup(struct ht_xml *xml)
{
    if (starts_with(xml, "<?")) {
        return skip_through(xml, "?>") ? HT_XML_DONE : HT_EPARSE;
    }
    if (starts_with(xml, "<!--")) {
        xml->at += 4;
        return skip_through(xml, "-->") ? HT_XML_DONE : HT_EPARSE;
    }
    if (starts_with(xml, "<![CDATA[") && xml->depth > 0) {
        size_t begin = xml->at + 9;
        if (!skip_through(xml, "]]>")) {
            return HT_EPARSE;
        }
        xml->content = ht_slice_make(xml->text.data + begin, xml->at - 3 - begin);
        xml->is_literal = true;
        return HT_XML_TEXT;
    }
    return starts_with(xml, "</") ? end_element(xml) : begin_element(xml);
}

static int begin_element(struct ht_xml *xml)
{
    size_t begin = xml->at++;
    struct ht_slice tag = take_name(xml);

    if (tag.length == 0 || (xml->depth == 0 && xml->has_root)) {
        xml->at = begin;
        return HT_EPARSE;
    }
    if (xml->depth == HT_XML_DEPTH_MAX) {
        xml->at = begin;
        return HT_ETOOBIG;
    }
    if (!skip_attributes(xml)) {
        xml->at = begin;
        return HT_EPARSE;
    }
    xml->has_root = true;
    xml->tags[xml->depth] = tag;
    xml->names[xml->depth++] = without_prefix(tag);
    return HT_XML_BEGIN;
}

/* Up to and over ">" or "/>". */
static bool skip_attributes(struct ht_xml *xml)
{
    for (;;) {
        size_t before = xml->at;
        skip_blanks(xml);
        if (starts_with(xml, "/>")) {
            xml->at += 2;
            xml->ends_itself = true;
            return true;
        }
        if (starts_with(xml, ">")) {
            xml->at++;
            return true;
        }
        if (xml->at == before || !skip_attribute(xml)) {
            return false;
        }
    }
}

static bool skip_attribute(struct ht_xml *xml)
{
    if (take_name(xml).length == 0) {
        return false;
    }
    skip_blanks(xml);
    if (!starts_with(xml, "=")) {
        return false;
    }
    xml->at++;
    skip_blanks(xml);
    if (!starts_with(xml, "\"") && !starts_with(xml, "'")) {
        return false;
    }
    const char quote[2] = {xml->text.data[xml->at++], '\0'};
    size_t begin = xml->at;
    return skip_through(xml, quote) && memchr(xml->text.data + begin, '<', xml->at - begin) == NULL;
}

static int end_element(struct ht_xml *xml)
{
    size_t begin = xml->at;

    xml->at += 2;
    struct ht_slice tag = take_name(xml);
    skip_blanks(xml);
    if (!starts_with(xml, ">") || xml->depth == 0 ||
        !ht_slice_equal(tag, xml->tags[xml->depth - 1])) {
        xml->at = begin;
        return HT_EPARSE;
    }
    xml->at++;
    xml->was_end = true;
    return HT_XML_END;
}

/* Outside of the root only blanks may stand. */
static int take_text(struct ht_xml *xml)
{
    const char *begin = xml->text.data + xml->at;
    size_t length = xml->text.length - xml->at;
    const char *markup = memchr(begin, '<', length);

    length = markup == NULL ? length : (size_t)(markup - begin);
    if (xml->depth == 0) {
        for (size_t i = 0; i < length; i++) {
            if (!is_blank(begin[i])) {
                return HT_EPARSE;
            }
        }
        xml->at += length;
        return HT_XML_DONE;
    }
    xml->at += length;
    xml->content = ht_slice_make(begin, length);
    xml->is_literal = false;
    return HT_XML_TEXT;
}

bool ht_xml_is_at(const struct ht_xml *xml, const char *path)
{
    for (unsigned i = 0; i < xml->depth; i++) {
        size_t length = strcspn(path, "/");
        bool is_any = length == 1 && path[0] == '*';
        if (!is_any && !ht_slice_equal(xml->names[i], ht_slice_make(path, length))) {
            return false;
        }
        path += length;
        if (*path == '/') {
            path++;
        } else if (i + 1 < xml->depth) {
            return false;
        }
    }
    return *path == '\0';
}

int ht_xml_append_text(const struct ht_xml *xml, struct ht_buffer *out)
{
    struct ht_slice rest = xml->content;

    while (!xml->is_literal && rest.length > 0) {
        const char *entity = memchr(rest.data, '&', rest.length);
        if (entity == NULL) {
            break;
        }
        size_t before = (size_t)(entity - rest.data);
        const char *end = memchr(entity, ';', rest.length - before);
        if (end == NULL) {
            return HT_EPARSE;
        }
        int status = ht_buffer_append(out, rest.data, before);
        if (status == 0) {
            status = append_entity(ht_slice_make(entity + 1, (size_t)(end - entity) - 1), out);
        }
        if (status != 0) {
            return status;
        }
        rest = ht_slice_make(end + 1, rest.length - (size_t)(end + 1 - rest.data));
    }
    return ht_buffer_append_slice(out, rest);
}

static int append_entity(struct ht_slice entity, struct ht_buffer *out)
{
    static const struct {
        struct ht_slice name;
        char byte;
    } named[] = {
        {{"lt", 2}, '<'},   {{"gt", 2}, '>'},    {{"amp", 3}, '&'},
        {{"quot", 4}, '"'}, {{"apos", 4}, '\''},
    };

    if (ht_slice_starts_with(entity, HT_SLICE("#"))) {
        return append_character(ht_slice_make(entity.data + 1, entity.length - 1), out);
    }
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (ht_slice_equal(entity, named[i].name)) {
            return ht_buffer_append_byte(out, named[i].byte);
        }
    }
    return HT_EPARSE;
}

/* "65" or "x41". */
static int append_character(struct ht_slice digits, struct ht_buffer *out)
{
    static const char hex_digits[] = "0123456789abcdef0123456789ABCDEF";
    bool is_hex = ht_slice_starts_with(digits, HT_SLICE("x"));
    uint32_t base = is_hex ? 16 : 10;
    uint32_t code = 0;

    if (digits.length == (is_hex ? 1u : 0u) || digits.length > 8) {
        return HT_EPARSE;
    }
    for (size_t i = is_hex ? 1 : 0; i < digits.length; i++) {
        const char *digit = memchr(hex_digits, digits.data[i], sizeof hex_digits - 1);
        uint32_t value = digit == NULL ? base : (uint32_t)(digit - hex_digits) % 16;
        if (value >= base) {
            return HT_EPARSE;
        }
        code = code * base + value;
    }
    return is_character(code) ? append_utf8(code, out) : HT_EPARSE;
}

/* XML 1.0, production [2]. */
static bool is_character(uint32_t code)
{
    if (code < 0x20) {
        return code == '\t' || code == '\n' || code == '\r';
    }
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    return !is_surrogate && code != 0xfffe && code != 0xffff && code <= 0x10ffff;
}

static int append_utf8(uint32_t code, struct ht_buffer *out)
{
    char bytes[4];
    size_t count = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = count - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    bytes[0] = (char)(first[count] | code);
    return ht_buffer_append(out, bytes, count);
}

int ht_xml_read(struct ht_slice text, struct ht_xml_wanted *wanted, size_t count,
                struct ht_error *error)
{
    struct ht_xml xml;
    int event = HT_XML_DONE;
    int status = 0;

    for (size_t i = 0; i < count; i++) {
        wanted[i].is_found = false;
    }
    ht_xml_init(&xml, text);
    while (status == 0 && (event = ht_xml_next(&xml)) > HT_XML_DONE) {
        status = take_wanted(&xml, event, wanted, count);
    }
    status = status != 0 ? status : event;
    if (status == HT_ENOMEM) {
        return ht_error_set(error, status, "Out of memory for an XML answer.");
    }
    if (status == HT_ETOOBIG) {
        return ht_error_set(error, status,
                            "The XML answer is nested too deep, or a value in it is too long, at "
                            "byte %zu of %zu.",
                            xml.at, text.length);
    }
    return status == 0 ? 0
                       : ht_error_set(error, status,
                                      "The XML answer is cut off or not well-formed at byte %zu of "
                                      "%zu.",
                                      xml.at, text.length);
}

/* Of several elements with one path the first counts. */
static int take_wanted(const struct ht_xml *xml, int event, struct ht_xml_wanted *wanted,
                       size_t count)
{
    int status = 0;

    for (size_t i = 0; i < count && event != HT_XML_BEGIN; i++) {
        if (wanted[i].is_found || !ht_xml_is_at(xml, wanted[i].path)) {
            continue;
        }
        if (event == HT_XML_END) {
            wanted[i].is_found = true;
        } else if (status == 0) {
            status = ht_xml_append_text(xml, wanted[i].text);
        }
    }
    return status;
}

static struct ht_slice take_name(struct ht_xml *xml)
{
    size_t begin = xml->at;

    while (xml->at < xml->text.length && is_name_byte(xml->text.data[xml->at])) {
        xml->at++;
    }
    return ht_slice_make(xml->text.data + begin, xml->at - begin);
}

static struct ht_slice without_prefix(struct ht_slice tag)
{
    const char *colon = memchr(tag.data, ':', tag.length);

    return colon == NULL ? tag
                         : ht_slice_make(colon + 1, tag.length - (size_t)(colon + 1 - tag.data));
}

static void skip_blanks(struct ht_xml *xml)
{
    while (xml->at < xml->text.length && is_blank(xml->text.data[xml->at])) {
        xml->at++;
    }
}

/* Goes behind the next `end`; false, and nowhere, where there is none. */
static bool skip_through(struct ht_xml *xml, const char *end)
{
    const char *found =
        memmem(xml->text.data + xml->at, xml->text.length - xml->at, end, strlen(end));

    if (found == NULL) {
        return false;
    }
    xml->at = (size_t)(found - xml->text.data) + strlen(end);
    return true;
}

static bool starts_with(const struct ht_xml *xml, const char *text)
{
    return ht_slice_starts_with(ht_slice_make(xml->text.data + xml->at, xml->text.length - xml->at),
                                ht_slice_text(text));
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Letters beyond ASCII are taken as they come. */
static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '.' ||
           byte == ':' || (unsigned char)byte >= 0x80;
}
