/* SPDX-License-Identifier: Apache-2.0
 *
 * A structure for people to read.
 */
#ifndef FORGE_CATALOG_STRUCTURE_PRINT_H
#define FORGE_CATALOG_STRUCTURE_PRINT_H

#include <stdio.h>

#include "sparse/graph/structure.h"

/* The layers as a table: kind, what it reads, shape, neurons, potential connections. */
void structure_print(const struct structure *structure, FILE *to);

#endif
