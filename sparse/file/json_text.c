/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/json/json_memory.h"
#include "sparse/file/json_text.h"

/* Checks size and depth only; whether it is JSON is for the parser to say. */
static int limits_check(const char *text, size_t length, const struct json_limits *limits, struct reason *why)
{
    size_t depth = 0, containers = 0, values = 0;
    bool in_string = false;

    for (size_t i = 0; i < length; i++) {
        char c = text[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > limits->depth)
                return refuse(why, WISP_E_FORMAT, "nested deeper than %zu at byte %zu", limits->depth, i);
            if (++containers > limits->containers)
                return refuse(why, WISP_E_FORMAT, "more than %zu arrays and objects at byte %zu", limits->containers,
                              i);
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        } else if (c == ',' || c == ':') {
            if (++values > limits->values)
                return refuse(why, WISP_E_FORMAT, "more than %zu values at byte %zu", limits->values, i);
        }
    }
    return 0;
}

int json_read(const char *text, size_t length, const struct json_limits *limits, json_t **out, struct reason *why)
{
    cleanup_json json_t *json = NULL;
    json_error_t error;
    int result = limits_check(text, length, limits, why);

    if (result)
        return result;
    json = json_from_text(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!json && errno == ENOMEM)
        return refuse_errno(why, -ENOMEM, "JSON of %zu bytes", length);
    if (!json)
        return refuse(why, WISP_E_FORMAT, "not valid JSON, %s (byte %d)", error.text, error.position);
    *out = steal(&json);
    return 0;
}

char *json_compact(const json_t *value)
{
    return json_to_text(value, JSON_COMPACT);
}

bool json_whole(const json_t *value, uint64_t max, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}
