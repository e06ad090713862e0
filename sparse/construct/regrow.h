/* SPDX-License-Identifier: Apache-2.0
 *
 * Other connections in the place of some: the weakest of a matrix go, and as many come where there were none. The
 * number of connections stays, and what a matrix must be: columns that ascend strictly within a row.
 *
 * A connection is told by its number in the matrix, a place where one may be by row * columns + column. Memory follows
 * what is exchanged, and while a matrix is rewritten its connections; never rows * columns.
 */
#ifndef SPARSE_CONSTRUCT_REGROW_H
#define SPARSE_CONSTRUCT_REGROW_H

#include "sparse/tensor/csr.h"

/* Places without a connection. */
static inline uint64_t regrow_room(const struct csr *matrix)
{
    return (uint64_t)matrix->rows * matrix->columns - matrix->count;
}

/* The numbers of the `count` connections whose weights are the smallest by magnitude, ascending; of equal ones, those
 * that come first. -ENOMEM. */
int regrow_weakest(const struct csr *matrix, uint64_t count, uint64_t *numbers);

/* `count` places that have no connection, at most regrow_room(), ascending: every set of them is as likely as any
 * other, and which it is depends on (seed, stream) and the matrix alone. -ENOMEM. */
int regrow_random(const struct csr *matrix, uint64_t count, uint64_t seed, uint64_t stream, uint64_t *places);

struct regrow_change {
    const uint64_t *weakest, *places; /* `count` of each, ascending; places that have no connection */
    uint64_t count;
};

#define REGROW_NEW UINT64_MAX

/* Rewrites the starts and columns of a matrix that owns them, in place. from[k] is the number that connection k had
 * before, REGROW_NEW for one that is new; the values are not moved. -ENOMEM: nothing has changed. */
int regrow_change(struct csr *matrix, const struct regrow_change *change, uint64_t *from);

/* Moves a number of each connection along, and gives new ones a 0. `room` holds as many. */
void regrow_move(const uint64_t *from, uint64_t count, float *numbers, float *room);

#endif
