/* SPDX-License-Identifier: Apache-2.0
 *
 * Which connections exist: a uniformly random set of `count` of the rows * columns possible ones, and their first
 * weights. Time and memory follow `count`, never rows * columns.
 *
 * The set is defined, not merely produced, by (seed, layer): number the positions row-major, N = rows * columns; draw i
 * is floor(u_i * N / 2^64), with u_i the i-th 64-bit number of the random stream; the set is the first `count` distinct
 * draws. Above half density the draws name the `N - count` absent connections instead. So any implementation, on any
 * machine, with any number of threads, finds the same connections.
 */
#ifndef SPARSE_CONSTRUCT_SAMPLE_H
#define SPARSE_CONSTRUCT_SAMPLE_H

#include <stdint.h>

#include "base/error.h"
#include "sparse/tensor/csr.h"

struct pool;

/* What a random stream is for, in the high half of its number; the low half is the layer. */
enum sample_stream { SAMPLE_CONNECTIONS = 0, SAMPLE_WEIGHTS = 1, SAMPLE_REPAIR = 2 };

/* WISP_E_INVALID when count > rows * columns; -ENOMEM. Values are zero. Memory beyond the result's own stays under a
 * fifth of it. */
int sample_connections(uint32_t rows, uint32_t columns, uint64_t count, uint64_t seed, uint32_t layer, struct csr *out,
                       struct reason *why);

/* The same by a thread pool (NULL: the caller alone): the same bits for any number of members. */
int sample_connections_by(struct pool *pool, uint32_t rows, uint32_t columns, uint64_t count, uint64_t seed,
                          uint32_t layer, struct csr *out, struct reason *why);

/* Uniform in +-sqrt(3 * gain / f), variance gain / f, with f the row's own sampled fan-in; gain 2 before a rectifier
 * (He et al. 2015), 1 otherwise. Value k of the matrix depends on (seed, layer, k) and its row's fan-in only: with w
 * the upper 24 bits of the stream's k-th 32-bit number, it is (2 w + 1 - 2^24) * 2^-24 * sqrt(3 * gain / f) in floats;
 * so it is symmetric, and never zero. */
void sample_weights(struct csr *matrix, float gain, uint64_t seed, uint32_t layer);
void sample_weights_by(struct pool *pool, struct csr *matrix, float gain, uint64_t seed, uint32_t layer);

/* ---- other ways to choose ---- */

/* Every position on its own with `probability`: the count is binomial. The positions are found by geometric skips, so
 * time and memory follow the connections; the same bits everywhere, as above. */
int sample_bernoulli(uint32_t rows, uint32_t columns, double probability, uint64_t seed, uint32_t layer,
                     struct csr *out, struct reason *why);

/* Whole kernels: `area` adjacent columns are chosen together (a convolution's weights from one channel to another).
 * `count` connections are rounded to whole kernels, but to no less than one. */
int sample_kernels(uint32_t rows, uint32_t columns, uint32_t area, uint64_t count, uint64_t seed, uint32_t layer,
                   struct csr *out, struct reason *why);

/* Replaces a matrix over pairs of channels by the one in which every connection has become its `area` adjacent ones.
 * WISP_E_INVALID when its columns would be too many. Values are zero afterwards. */
int sample_spread(struct csr *matrix, uint32_t area, struct reason *why);

/* Gives every row a connection, and every input neuron (`area` adjacent columns) too: what is missing is added at
 * random places, and as many others are taken away from where there are more, so that the count stays. *moved: how
 * many. WISP_E_INVALID when there are fewer connections than rows or inputs. Values are zero afterwards. */
int sample_repair(struct csr *matrix, uint32_t area, uint64_t seed, uint32_t layer, uint64_t *moved,
                  struct reason *why);

#endif
