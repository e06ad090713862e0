/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp's own transcendental functions: the same bits on every machine, because they use nothing but IEEE-exact
 * operations (fma, +, *, /, integer). Tests compare them with libm in double, over the whole range: exp, log and tanh
 * are off by at most 2 ulp, sigmoid by 2.5, the normal density by 3 and its integral by 6,
 * and both in their approximation by 2^-22 of 1.
 */
#ifndef SPARSE_KERNELS_FUNCTIONS_H
#define SPARSE_KERNELS_FUNCTIONS_H

float function_exp(float x);
float function_log(float x); /* x > 0; -infinity at 0 */
float function_sigmoid(float x);
float function_tanh(float x);
/* How probable it is that a standard normal variable is less than x; and its density at x. */
float function_normal(float x, float *density);
float function_normal_by_tanh(float x, float *density); /* gelu's approximation of it by tanh */

#endif
