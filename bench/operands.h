/* SPDX-License-Identifier: Apache-2.0
 *
 * What kernels are measured on.
 */
#ifndef BENCH_OPERANDS_H
#define BENCH_OPERANDS_H

#include <stddef.h>

/* Evenly spread over [-0.5, 0.5), the same each time; to be freed. Aborts without memory. */
float *random_floats(size_t count);

#endif
