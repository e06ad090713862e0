/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the document reader: keys, names and numbers, the same wherever they stand.
 */
#ifndef FORGE_CATALOG_DOCUMENTS_DOCUMENT_READ_H
#define FORGE_CATALOG_DOCUMENTS_DOCUMENT_READ_H

#include <stddef.h>

#include "base/yaml/findings.h"
#include "base/yaml/tree.h"

/* The child of that key; NULL when there is none. */
const struct node *node_child(const struct node *section, const char *key);

/* A key that stands twice says two things: a finding for each, and for a section of more keys than anything has. */
void check_keys(const struct node *section, struct findings *findings);

/* A decimal number without sign, leading zero or quotes, so that every reader of YAML sees the same number. */
bool read_real(const struct node *node, double *out);

/* A word that name_check() takes, `what` being its sentence's subject; NULL after a finding. */
const char *read_word(const struct node *node, const char *what, size_t size, struct findings *findings);

#endif
