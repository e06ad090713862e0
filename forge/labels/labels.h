/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels of a model's outputs: a text file, one a line, in the order of the outputs.
 */
#ifndef FORGE_LABELS_LABELS_H
#define FORGE_LABELS_LABELS_H

#include <stddef.h>

#include "base/error.h"

struct labels {
    char *text; /* what the entries point into */
    char **entries;
    size_t count;
};

#define LABELS_NULL ((struct labels){ .text = NULL })

/* A last line end is optional, "\r\n" counts as one. WISP_E_FORMAT with file:line: an empty line, a label twice. */
int labels_read(const char *path, struct labels *out, struct reason *why);
void labels_deinit(struct labels *labels); /* idempotent */

#endif
