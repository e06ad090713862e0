/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the document reader: from the list of layers to the graph.
 */
#ifndef FORGE_CATALOG_DOCUMENTS_DOCUMENT_LAYERS_H
#define FORGE_CATALOG_DOCUMENTS_DOCUMENT_LAYERS_H

#include "base/yaml/findings.h"
#include "base/yaml/tree.h"
#include "sparse/graph/structure.h"

/* What the repeats of all structures of one document have made. Layers that are written take their bytes; those that a
 * repeat makes take none, so it is they that must be bounded. */
struct document_work {
    uint64_t repeated;
};

enum { DOCUMENT_REPEATED_MAX = 100000 };

/* Appends the layers that `list` describes. What is wrong becomes findings. -ENOMEM. */
int document_layers(const struct node *list, struct structure *structure, struct document_work *work,
                    struct findings *findings);

#endif
