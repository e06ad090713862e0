/* SPDX-License-Identifier: Apache-2.0
 *
 * Connection matrices as other programs read and write them.
 *
 *   edge list      CSV: a head line "output,input,weight" (or "output,input", without weights), then one connection a
 *                  line, numbered from 0
 *   Matrix Market  "%%MatrixMarket matrix coordinate real general" (or pattern), numbered from 1
 */
#ifndef SPARSE_EXCHANGE_H
#define SPARSE_EXCHANGE_H

#include <stdio.h>

#include "base/error.h"
#include "sparse/csr.h"

enum exchange_form { EXCHANGE_EDGES, EXCHANGE_MARKET };

/* By the file's ending: .csv, .mtx. False for any other. */
bool exchange_form_of(const char *path, enum exchange_form *out);

/* 0, or -EIO when `out` has failed. Weights with nine digits, which read back to the same bits. */
int exchange_write(const struct csr *matrix, enum exchange_form form, FILE *out);

/* Judges and reads a private copy of the text. Connections may come in any order; twins, numbers out of range and what
 * is not a number are refused with their line. An edge list says no dimensions: `rows` and `columns` do; a matrix of
 * another size is refused. *weighted (may be NULL): whether there are weights; without, values are zero.
 * WISP_E_FORMAT; -ENOMEM. */
int exchange_read(const char *name, const char *text, size_t length, enum exchange_form form, uint32_t rows,
                  uint32_t columns, struct csr *out, bool *weighted, struct reason *why);

#endif
