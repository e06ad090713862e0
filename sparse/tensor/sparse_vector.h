/* SPDX-License-Identifier: Apache-2.0
 *
 * A sample by its elements that are not 0: of a text's 65,536 features a few hundred. Borrowed.
 */
#ifndef SPARSE_TENSOR_SPARSE_VECTOR_H
#define SPARSE_TENSOR_SPARSE_VECTOR_H

#include <stdint.h>

struct sparse_element {
    uint32_t index;
    float value;
};

/* Indices ascend strictly, and are below the number of elements of its shape. */
struct sparse_vector {
    const struct sparse_element *elements;
    uint32_t count;
};

#endif
