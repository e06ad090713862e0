/* SPDX-License-Identifier: Apache-2.0
 *
 * An operand of a layer under test: floats that end at a page that cannot be touched, or at most 63 bytes before it,
 * with bytes around them that must not change.
 */
#ifndef TESTS_UNIT_SPARSE_LAYERS_OPERANDS_H
#define TESTS_UNIT_SPARSE_LAYERS_OPERANDS_H

#include <stddef.h>
#include <stdint.h>

struct operand {
    unsigned char *map;
    size_t map_bytes, bytes;
    void *data; /* at a cache line */
};

/* Filled with NaNs. */
struct operand operand_new(size_t bytes);
/* Fails the test when a byte around it has changed. */
void operand_free(struct operand *operand);

/* Bytes in memory of their own. */
float *copy_floats(const void *from, size_t bytes);

#endif
