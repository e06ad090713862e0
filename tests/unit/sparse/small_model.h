/* SPDX-License-Identifier: Apache-2.0
 *
 * A model small enough to damage in every way: fc1 (linear, 6 to 5, 10 connections, a bias), relu1, fc2 (linear, 5 to
 * 3, 9 connections, no bias), and out (softmax); three labels, a description of media, a lineage.
 */
#ifndef TESTS_UNIT_SPARSE_SMALL_MODEL_H
#define TESTS_UNIT_SPARSE_SMALL_MODEL_H

#include "sparse/graph/model.h"

/* A new model, built with every weight owned. */
struct model *small_model(void);

/* The same layers as two branches: fc1 and relu1 make of "picture", [2, 3] of uint8, the output "marks" of int32; fc2
 * and out make of "facts", [5], the output "class". */
struct model *branched_model(void);

/* What the model is as a file; freed by the caller. */
void *model_as_file(const struct model *model, size_t *size);

/* Puts a copy of `with` in the place of a text that was allocated: a label, the media, the lineage. */
void text_replace(char **text, const char *with);

/* Of two files, byte by byte. */
void assert_same_file(const char *a, const char *b);

#endif
