/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes into a structure and comes out, in its document: `input`, the short form, or `inputs`; and `outputs`.
 */
#ifndef FORGE_CATALOG_DOCUMENTS_DOCUMENT_TENSORS_H
#define FORGE_CATALOG_DOCUMENTS_DOCUMENT_TENSORS_H

#include <stdio.h>

#include "forge/catalog/documents/document_read.h"
#include "sparse/graph/structure.h"

/* input: [1, 28, 28] */
void read_input(const struct node *node, struct structure *structure, struct findings *findings);
/* inputs: {source: [32], target: {shape: [32], dtype: int32, scale: 2}} */
void read_inputs(const struct node *node, struct structure *structure, struct findings *findings);
/* outputs: {class: softmax1, box: {from: fc7, dtype: uint8, scale: 255}}; after the layers. */
void read_outputs(const struct node *node, struct structure *structure, struct findings *findings);

/* The lines of both, in the short form where that says it. */
void print_signature(FILE *out, const struct structure *structure);

#endif
