/* SPDX-License-Identifier: Apache-2.0
 *
 * A structure as people write it: YAML.
 *
 *     name: lenet-5
 *     processing: image.classification
 *     network: cnn
 *     input: [1, 28, 28]
 *     layers:
 *       - conv2d: {name: c1, channels: 6, kernel: 5, padding: 2}
 *       - relu
 *       - max_pool
 *       - gelu: {approximation: tanh}   # a choice is a word
 *       - linear: 120            # a scalar is the first parameter
 *       - repeat: 2              # the layers below, twice; their names become block1.a, block2.a
 *         name: block
 *         layers:
 *           - linear: {name: a, neurons: 120}
 *           - add: {from: [previous, start]}
 *
 * A layer reads the one before it unless `from` names others: a layer's name, `previous`, `input`, or, inside a repeat,
 * `start`: what the repetition began with. `kernel` sets both sides. self_attention {heads} and cross_attention {heads,
 * from: [queries, memory]} stand for four projections (q, k, v, o) around an attention; `causal: true` shows a token
 * those before it alone, `mask: NAME` leaves out the keys whose element there is 0. Several inputs and outputs are
 *
 *     inputs: {source: [32], target: {shape: [32], dtype: int32}, picture: {shape: [3, 8, 8], dtype: uint8, scale: 2}}
 *     outputs: {class: softmax1, box: {from: fc7}}
 *
 * and the first layer says which input it reads. A file holds one structure, or
 * `structures:`, a list of them. Names are as name_check() says. Strict: whatever is not understood is an error with
 * its line and column; a key that stands twice is one, a number is decimal, and what repeats make is bounded.
 */
#ifndef FORGE_CATALOG_DOCUMENTS_DOCUMENT_H
#define FORGE_CATALOG_DOCUMENTS_DOCUMENT_H

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "sparse/graph/structure.h"

/* Of a file, and of what a server takes at once. A list has no other limit: each of its structures is read, checked,
 * shown and forgotten before the next; the limits of base/yaml/tree.h hold for each. */
enum { DOCUMENT_FILE_MAX = 256 << 20, DOCUMENT_BYTES_MAX = 8 << 20 };

/* Called for each structure of a document, planned and checked; it borrows it. A non-zero return stops and is returned.
 */
typedef int document_visit(void *argument, const struct structure *structure);

/* Checks a private copy of the text; a fuzz target. Every error goes to `errors` (may be NULL) as "name:line:column:
 * …", the first also to the reason. `visit` is called as structures come, until the first error: when the document
 * turns out to be wrong, the caller undoes what it did for those before it. WISP_E_FORMAT; -ENOMEM. */
int document_parse(const char *name, const char *text, size_t length, document_visit *visit, void *argument,
                   FILE *errors, struct reason *why);

/* The same for a file, or "-". A `base` is found from the file's folder (from the current one for "-"), and is a whole
 * path then. */
int document_read(const char *path, document_visit *visit, void *argument, FILE *errors, struct reason *why);

/* The canonical text: every layer written out, nothing that is a default; document_parse() reads it back to the same
 * hash. The caller frees it. NULL: out of memory. */
char *document_print(const struct structure *structure);

/* The same, read again and found to be the same structure; what is stored or sent is nothing else. WISP_E_FORMAT. */
int document_canonical(const struct structure *structure, char **out, struct reason *why);

#endif
