/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules for names. They end up in file names, on the wire and on terminals, so they are of few characters.
 */
#ifndef SPARSE_GRAPH_NAME_H
#define SPARSE_GRAPH_NAME_H

#include <stddef.h>

#include "base/error.h"
#include "base/name.h"

enum {
    MODEL_NAME_MAX = NAME_BYTES_MAX,
};

/* The one rule for names of models, layers and structures: letters, digits, '.', '_' and '-', beginning with a letter
 * or digit. `text` stands in a field of `size` bytes; `what` begins the sentence. WISP_E_FORMAT. */
int name_check(const char *what, const char *text, size_t size, struct reason *why);

/* "modality.task" of [a-z0-9_-], or a bare modality. */
int processing_check(const char *text, struct reason *why);

#endif
