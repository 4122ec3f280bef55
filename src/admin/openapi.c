// SPDX-License-Identifier: MIT
#include "openapi.h"

#include "router.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/writer.h"

#include <stdio.h>

static void write_member(struct ht_json_writer *writer, const char *key, const char *value)
{
    ht_json_write_key(writer, key);
    ht_json_write_text(writer, value);
}

static const char *method_name(enum ht_http_method method)
{
    switch (method) {
    case HT_HTTP_POST:
        return "post";
    case HT_HTTP_DELETE:
        return "delete";
    case HT_HTTP_GET:
    case HT_HTTP_HEAD:
    case HT_HTTP_PUT:
    case HT_HTTP_OPTIONS:
    case HT_HTTP_PATCH:
    case HT_HTTP_OTHER:
        break;
    }
    return "get";
}

static void write_parameter_schema(const struct ht_route_parameter *parameter,
                                   struct ht_json_writer *writer)
{
    ht_json_write_key(writer, "schema");
    ht_json_write_object_begin(writer);
    switch (parameter->type) {
    case HT_PARAMETER_NUMBER:
        write_member(writer, "type", "integer");
        ht_json_write_key(writer, "minimum");
        ht_json_write_u64(writer, parameter->minimum);
        ht_json_write_key(writer, "maximum");
        ht_json_write_u64(writer, parameter->maximum);
        ht_json_write_key(writer, "default");
        ht_json_write_u64(writer, parameter->fallback);
        break;
    case HT_PARAMETER_CHOICE:
        write_member(writer, "type", "string");
        ht_json_write_key(writer, "enum");
        ht_json_write_array_begin(writer);
        for (size_t i = 0; parameter->choices[i] != NULL; i++) {
            ht_json_write_text(writer, parameter->choices[i]);
        }
        ht_json_write_array_end(writer);
        write_member(writer, "default", parameter->choices[parameter->fallback]);
        break;
    case HT_PARAMETER_TEXT:
        write_member(writer, "type", "string");
        break;
    }
    ht_json_write_object_end(writer);
}

static void write_path_parameter(const struct ht_route *route, struct ht_json_writer *writer)
{
    const char *brace = strchr(route->path, '{');
    if (brace == NULL) {
        return;
    }
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "name");
    ht_json_write_slice(writer, ht_slice_make(brace + 1, strcspn(brace + 1, "}")));
    write_member(writer, "in", "path");
    ht_json_write_key(writer, "required");
    ht_json_write_bool(writer, true);
    write_member(writer, "description",
                 "percent-encoded UTF-8, with or without a leading # (%23); folded as counted");
    ht_json_write_key(writer, "schema");
    ht_json_write_object_begin(writer);
    write_member(writer, "type", "string");
    ht_json_write_object_end(writer);
    ht_json_write_object_end(writer);
}

static void write_parameters(const struct ht_route *route, struct ht_json_writer *writer)
{
    ht_json_write_key(writer, "parameters");
    ht_json_write_array_begin(writer);
    write_path_parameter(route, writer);
    for (const struct ht_route_parameter *at = route->parameters; at != NULL && at->name != NULL;
         at++) {
        ht_json_write_object_begin(writer);
        write_member(writer, "name", at->name);
        write_member(writer, "in", "query");
        write_member(writer, "description", at->doc);
        write_parameter_schema(at, writer);
        ht_json_write_object_end(writer);
    }
    ht_json_write_array_end(writer);
}

static void write_body(struct ht_json_writer *writer)
{
    static const char body[] =
        "{\"required\":true,\"content\":{"
        "\"application/json\":{\"schema\":{\"description\":\"A tweet, a list of them, or any form "
        "that hashtagd put reads.\",\"type\":[\"object\",\"array\"]}},"
        "\"application/x-ndjson\":{\"schema\":{\"description\":\"A tweet a line.\","
        "\"type\":\"string\"}}}}";
    ht_json_write_key(writer, "requestBody");
    ht_json_write_raw(writer, HT_SLICE(body));
}

static void write_response(const struct ht_route_response *response, struct ht_json_writer *writer)
{
    char status[8];
    (void)snprintf(status, sizeof(status), "%d", response->status % 1000);
    ht_json_write_key(writer, status);
    ht_json_write_object_begin(writer);
    write_member(writer, "description", response->doc);
    if (response->type != NULL) {
        ht_json_write_key(writer, "content");
        ht_json_write_object_begin(writer);
        ht_json_write_key(writer, response->type);
        ht_json_write_object_begin(writer);
        ht_json_write_key(writer, "schema");
        ht_json_write_object_begin(writer);
        if (response->schema != NULL) {
            char reference[96];
            (void)snprintf(reference, sizeof(reference), "#/components/schemas/%s",
                           response->schema);
            write_member(writer, "$ref", reference);
        } else {
            write_member(writer, "type", "string");
        }
        ht_json_write_object_end(writer);
        ht_json_write_object_end(writer);
        ht_json_write_object_end(writer);
    }
    ht_json_write_object_end(writer);
}

static void write_route(const struct ht_route *route, struct ht_json_writer *writer)
{
    ht_json_write_key(writer, method_name(route->method));
    ht_json_write_object_begin(writer);
    write_member(writer, "operationId", route->name);
    write_member(writer, "summary", route->summary);
    write_parameters(route, writer);
    if (route->needs_body) {
        write_body(writer);
    }
    ht_json_write_key(writer, "responses");
    ht_json_write_object_begin(writer);
    for (const struct ht_route_response *at = route->responses; at->status != 0; at++) {
        write_response(at, writer);
    }
    if (!route->is_free) {
        static const struct ht_route_response refused[] = {
            {401, "problem", "application/problem+json", "a token is needed"},
            {403, "problem", "application/problem+json", "from another origin or host"},
        };
        write_response(&refused[0], writer);
        write_response(&refused[1], writer);
    }
    ht_json_write_object_end(writer);
    if (route->is_free) {
        ht_json_write_key(writer, "security");
        ht_json_write_raw(writer, HT_SLICE("[]"));
    }
    ht_json_write_object_end(writer);
}

/* Routes of one path stand together in the table. */
static void write_paths(struct ht_json_writer *writer)
{
    size_t count;
    const struct ht_route *routes = ht_routes(&count);
    const char *open = NULL;
    ht_json_write_key(writer, "paths");
    ht_json_write_object_begin(writer);
    for (size_t i = 0; i < count; i++) {
        if (routes[i].is_page) {
            continue;
        }
        if (open == NULL || strcmp(open, routes[i].path) != 0) {
            if (open != NULL) {
                ht_json_write_object_end(writer);
            }
            open = routes[i].path;
            ht_json_write_key(writer, open);
            ht_json_write_object_begin(writer);
        }
        write_route(&routes[i], writer);
    }
    ht_json_write_object_end(writer);
    ht_json_write_object_end(writer);
}

void ht_openapi_format(const char *version, struct ht_buffer *out)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, out);
    ht_json_write_object_begin(&writer);
    write_member(&writer, "openapi", "3.1.0");
    ht_json_write_key(&writer, "info");
    ht_json_write_object_begin(&writer);
    write_member(&writer, "title", "hashtagd");
    write_member(&writer, "description",
                 "Counts the hashtags of a stream of tweets. Times are whole seconds since 1970 "
                 "UTC, durations are seconds, sizes are bytes.");
    write_member(&writer, "version", version);
    ht_json_write_key(&writer, "license");
    ht_json_write_raw(&writer, HT_SLICE("{\"name\":\"MIT\",\"identifier\":\"MIT\"}"));
    ht_json_write_object_end(&writer);
    ht_json_write_key(&writer, "security");
    ht_json_write_raw(&writer, HT_SLICE("[{},{\"token\":[]}]"));
    write_paths(&writer);
    ht_json_write_key(&writer, "components");
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "securitySchemes");
    ht_json_write_raw(&writer, HT_SLICE("{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
    ht_json_write_key(&writer, "schemas");
    ht_json_write_object_begin(&writer);
    for (const struct ht_openapi_schema *at = ht_openapi_schemas; at->name != NULL; at++) {
        ht_json_write_key(&writer, at->name);
        ht_json_write_raw(&writer, ht_slice_text(at->json));
    }
    ht_json_write_object_end(&writer);
    ht_json_write_object_end(&writer);
    ht_json_write_object_end(&writer);
}
