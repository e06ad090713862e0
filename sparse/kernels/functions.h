/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp's own transcendental functions: the same bits on every machine, because they use nothing but IEEE-exact
 * operations (fma, +, *, /, integer). Error at most 2 ulp over the whole range; tests compare with libm in double.
 */
#ifndef SPARSE_KERNELS_FUNCTIONS_H
#define SPARSE_KERNELS_FUNCTIONS_H

#include <stddef.h>

float function_exp(float x);
float function_log(float x); /* x > 0; -infinity at 0 */

/* Over element f of sample b, activation [features][batch]: for each sample of [begin, end), the softmax over features.
 * The largest is subtracted first; sums run over ascending f. */
void function_softmax(const float *in, float *out, size_t features, size_t batch, size_t begin, size_t end);

#endif
