/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the document reader: from the list of layers to the graph.
 */
#ifndef FORGE_STRUCTURES_DOCUMENT_LAYERS_H
#define FORGE_STRUCTURES_DOCUMENT_LAYERS_H

#include "config/findings.h"
#include "config/tree.h"
#include "sparse/structure.h"

/* Appends the layers that `list` describes. What is wrong becomes findings. -ENOMEM. */
int document_layers(const struct node *list, struct structure *structure, struct findings *findings);

#endif
