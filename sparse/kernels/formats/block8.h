/* SPDX-License-Identifier: Apache-2.0
 *
 * block8, for batches: columns in blocks whose inputs fit the first cache, and in a block eight rows side by side.
 *
 * The samples of a block are copied together, so that a column's place follows from its number alone, whatever the
 * batch: an entry's offset. A chain goes on from block to block by what stands in Y. Eight rows have one number of
 * steps: those of a band are sorted by what they have in the block, and what is short of the longest of eight is filled
 * with -0 at BLOCK8_NOWHERE, a column of +0 behind the others. -0 times +0 added to a sum leaves each bit of it as it
 * is: of +0, of -0, and of what is no number.
 */
#ifndef SPARSE_FORMAT_BLOCK8_H
#define SPARSE_FORMAT_BLOCK8_H

#include "sparse/kernels/formats/format.h"

enum {
    BLOCK8_ROWS = 8,
    BLOCK8_BAND = 128,        /* rows that are sorted among each other: what one thread has together */
    BLOCK8_COLUMNS = 1024,    /* of a block, at most */
    BLOCK8_NARROW = 256,      /* up to so many, thirty-two samples of each fit the cache; else sixteen */
    BLOCK8_SAMPLE_BYTES = 32, /* of eight samples of a column: what an offset counts by */
};

struct block8_group {
    uint32_t rows[BLOCK8_ROWS]; /* past the matrix: the first of them again, with nothing to add */
    uint32_t steps;
};

struct packed_block8 {
    struct packed packed;   /* a unit is a band */
    uint32_t width, blocks; /* columns of a block; the last has what is left */
    uint32_t group_count;
    struct block8_group *groups; /* [block][group] */
    uint64_t *work;              /* [band + 1]: entries of those before, in all blocks */
    uint64_t *starts;            /* [block][band], of its first entry */
    float *values;               /* [block][group][step][row] */
    uint16_t *offsets;           /* the same: BLOCK8_SAMPLE_BYTES times the column in the block; `width`: nowhere */
};

/* Rows of a group that the matrix has. */
static inline unsigned block8_lanes(const struct packed_block8 *w, uint32_t group)
{
    const uint32_t left = w->packed.rows - group * BLOCK8_ROWS;

    return left < BLOCK8_ROWS ? left : BLOCK8_ROWS;
}

/* The groups of a band end where those of the next begin. */
static inline uint32_t block8_first_group(const struct packed_block8 *w, uint32_t band)
{
    const uint64_t first = (uint64_t)band * (BLOCK8_BAND / BLOCK8_ROWS);

    return first < w->group_count ? (uint32_t)first : w->group_count;
}

#endif
