/* SPDX-License-Identifier: Apache-2.0
 *
 * The set that sample.h defines, found by a thread pool. Private to sample.c.
 */
#ifndef SPARSE_CONSTRUCT_SAMPLE_BUCKETS_H
#define SPARSE_CONSTRUCT_SAMPLE_BUCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "sparse/tensor/csr.h"

struct pool;

/* Whether a matrix of so many positions can be sampled in this way; it pays above a few thousand connections. */
bool sample_buckets_serve(uint64_t positions, uint64_t count);

/* Fills the matrix, whose arrays need not be initialised, with its `count` connections; values become zero. -ENOMEM. */
int sample_by_buckets(struct csr *matrix, uint64_t seed, uint64_t stream, struct pool *pool);

#endif
