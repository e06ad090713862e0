/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON from and to text. Before a parser builds anything, one pass over the text counts what it would build: a header
 * of 16 MiB of "[[[[" or of "{},{}," costs that pass, not gigabytes. Duplicate keys are refused.
 */
#ifndef SPARSE_FILE_JSON_TEXT_H
#define SPARSE_FILE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "base/json.h"

struct json_limits {
    size_t depth;      /* of arrays and objects within each other */
    size_t containers; /* arrays and objects */
    size_t values;     /* commas and colons */
};

/* An object or array. WISP_E_FORMAT, and says where; -ENOMEM. */
int json_read(const char *text, size_t length, const struct json_limits *limits, json_t **out, struct reason *why);

/* The text without spaces, freed by the caller. NULL when `value` is, or without memory. */
char *json_compact(const json_t *value);

/* A whole number within [0, most]; false when it is not one. */
bool json_whole(const json_t *value, uint64_t max, uint64_t *out);

#endif
