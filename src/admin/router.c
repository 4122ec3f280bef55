// SPDX-License-Identifier: MIT
#include "router.h"

#include "web.h"

#include "hashtagd/net/url.h"

#include <stdio.h>

/* Paths */

/* Whether `path` is what `pattern` describes; `rest` is the segment in the place of {...}. */
static bool matches(const char *pattern, struct ht_slice path, struct ht_slice *rest)
{
    size_t fixed = strcspn(pattern, "{");
    *rest = (struct ht_slice){"", 0};
    if (pattern[fixed] == '\0') {
        return ht_slice_equal(path, ht_slice_text(pattern));
    }
    if (!ht_slice_starts_with(path, ht_slice_make(pattern, fixed)) || path.length == fixed) {
        return false;
    }
    *rest = ht_slice_make(path.data + fixed, path.length - fixed);
    if (memchr(rest->data, '/', rest->length) != NULL) {
        return false;
    }
    /* At the top only the files that are there are paths. */
    return fixed > 1 || ht_web_find(*rest) != NULL;
}

static const char *method_name(enum ht_http_method method)
{
    switch (method) {
    case HT_HTTP_GET:
        return "GET, HEAD";
    case HT_HTTP_POST:
        return "POST";
    case HT_HTTP_DELETE:
        return "DELETE";
    case HT_HTTP_HEAD:
    case HT_HTTP_PUT:
    case HT_HTTP_OPTIONS:
    case HT_HTTP_PATCH:
    case HT_HTTP_OTHER:
        break;
    }
    return "";
}

struct ht_route_match ht_route_find(enum ht_http_method method, struct ht_slice path)
{
    struct ht_route_match match = {0};
    size_t count;
    const struct ht_route *routes = ht_routes(&count);
    enum ht_http_method wanted = method == HT_HTTP_HEAD ? HT_HTTP_GET : method;
    for (size_t i = 0; i < count; i++) {
        struct ht_slice rest;
        if (!matches(routes[i].path, path, &rest)) {
            continue;
        }
        if (routes[i].method == wanted) {
            match.route = &routes[i];
            match.rest = rest;
            return match;
        }
        size_t length = strlen(match.allow);
        (void)snprintf(match.allow + length, sizeof(match.allow) - length, "%s%s",
                       length == 0 ? "" : ", ", method_name(routes[i].method));
    }
    return match;
}

/* Queries */

static int refuse_name(const struct ht_route *route, struct ht_slice name, struct ht_error *error)
{
    char known[256] = "";
    size_t length = 0;
    for (const struct ht_route_parameter *at = route->parameters; at != NULL && at->name != NULL;
         at++) {
        length += (size_t)snprintf(known + length, sizeof(known) - length, "%s%s",
                                   length == 0 ? "" : ", ", at->name);
    }
    int shown = (int)(name.length < 60 ? name.length : 60);
    if (length == 0) {
        return ht_error_set(error, HT_EINVAL, "%s takes no parameters, found '%.*s'.", route->path,
                            shown, name.data);
    }
    return ht_error_set(error, HT_EINVAL, "%s knows no parameter '%.*s'; it knows %s.", route->path,
                        shown, name.data, known);
}

static int read_choice(const struct ht_route_parameter *parameter, struct ht_slice text,
                       struct ht_route_value *value, struct ht_error *error)
{
    char known[256] = "";
    size_t length = 0;
    for (size_t i = 0; parameter->choices[i] != NULL; i++) {
        if (ht_slice_equal(text, ht_slice_text(parameter->choices[i]))) {
            value->number = i;
            return 0;
        }
        length += (size_t)snprintf(known + length, sizeof(known) - length, "%s%s",
                                   length == 0 ? "" : ", ", parameter->choices[i]);
    }
    return ht_error_set(error, HT_EINVAL, "%s must be one of %s.", parameter->name, known);
}

static int read_value(const struct ht_route_parameter *parameter, struct ht_slice text,
                      struct ht_route_value *value, struct ht_error *error)
{
    value->is_given = true;
    switch (parameter->type) {
    case HT_PARAMETER_CHOICE:
        return read_choice(parameter, text, value, error);
    case HT_PARAMETER_TEXT:
        value->text = text;
        return 0;
    case HT_PARAMETER_NUMBER:
        break;
    }
    uint64_t number;
    if (ht_slice_to_u64(text, parameter->maximum, &number) != 0 || number < parameter->minimum) {
        return ht_error_set(error, HT_EINVAL, "%s must be a whole number from %llu to %llu.",
                            parameter->name, (unsigned long long)parameter->minimum,
                            (unsigned long long)parameter->maximum);
    }
    value->number = number;
    return 0;
}

static int find_parameter(const struct ht_route *route, struct ht_slice name, size_t *index)
{
    for (size_t i = 0; route->parameters != NULL && route->parameters[i].name != NULL; i++) {
        if (ht_slice_equal(name, ht_slice_text(route->parameters[i].name))) {
            *index = i;
            return 0;
        }
    }
    return HT_ENOTFOUND;
}

/* Decodes name and value of one pair behind each other into `texts`. */
static int read_pair(const struct ht_route *route, const struct ht_url_pair *pair,
                     struct ht_route_value *values, struct ht_buffer *texts, struct ht_error *error)
{
    size_t start = texts->length;
    int result = ht_url_decode_form(pair->name, texts);
    size_t middle = texts->length;
    if (result == 0 && pair->value.length > 0) {
        result = ht_url_decode_form(pair->value, texts);
    }
    if (result != 0) {
        return result == HT_ENOMEM
                   ? result
                   : ht_error_set(error, HT_EINVAL, "The query is not percent-encoded.");
    }
    struct ht_slice all = ht_buffer_slice(texts);
    struct ht_slice name = {all.data + start, middle - start};
    struct ht_slice text = {all.data + middle, all.length - middle};
    size_t index;
    if (find_parameter(route, name, &index) != 0) {
        return refuse_name(route, name, error);
    }
    if (values[index].is_given) {
        return ht_error_set(error, HT_EINVAL, "%s is given twice.", route->parameters[index].name);
    }
    return read_value(&route->parameters[index], text, &values[index], error);
}

int ht_route_read_query(const struct ht_route *route, struct ht_slice query,
                        struct ht_route_value values[HT_ROUTE_MAX_PARAMETERS],
                        struct ht_buffer *texts, struct ht_error *error)
{
    memset(values, 0, HT_ROUTE_MAX_PARAMETERS * sizeof(*values));
    for (size_t i = 0; route->parameters != NULL && route->parameters[i].name != NULL; i++) {
        values[i].number = route->parameters[i].fallback;
        values[i].text = HT_SLICE("");
    }
    /* Room for all of it at once: what was decoded must stay where it is. */
    if (query.length > HT_ROUTE_MAX_TEXT_BYTES) {
        return ht_error_set(error, HT_EINVAL, "The query is longer than %d bytes.",
                            HT_ROUTE_MAX_TEXT_BYTES);
    }
    int result = ht_buffer_reserve(texts, query.length + 1);
    struct ht_url_pair pair;
    while (result == 0 && ht_url_next_pair(&query, &pair)) {
        result = read_pair(route, &pair, values, texts, error);
    }
    return result;
}
