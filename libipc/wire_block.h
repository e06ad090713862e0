/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the tensors of a request stand in its block of an arena; the same on both ends.
 *
 * They stand in the model's order. Each begins at a multiple of WIRE_ARENA_ALIGN from the block's begin and has `rows`
 * samples, one after the other without a gap. The block ends with its last tensor, so that of one tensor it has exactly
 * its bytes.
 */
#ifndef LIBIPC_WIRE_BLOCK_H
#define LIBIPC_WIRE_BLOCK_H

#include "base/insist.h"
#include "libipc/wire.h"

#define WIRE_TENSORS_MAX      8            /* inputs of a model, and outputs */
#define WIRE_TENSOR_BYTES_MAX (1ull << 30) /* of one sample; beyond it none fits an arena */

/* What one side of a model takes of a block: bytes of one sample, by tensor. */
struct wire_block {
    uint32_t count; /* 1 .. WIRE_TENSORS_MAX */
    uint64_t bytes[WIRE_TENSORS_MAX];
};

/* Where the tensor after the one that ends at `end` begins. */
static inline uint64_t wire_block_next(uint64_t end)
{
    return (end + WIRE_ARENA_ALIGN - 1) & ~(uint64_t)(WIRE_ARENA_ALIGN - 1);
}

/* Bytes of a block of 1 .. WIRE_ROWS_MAX samples. It cannot overflow: 8 x 2^30 x 2^16 are 2^49. */
static inline uint64_t wire_block_length(const struct wire_block *block, uint32_t rows)
{
    uint64_t end = block->bytes[0] * rows;

    insist(block->count > 0 && block->count <= WIRE_TENSORS_MAX && rows <= WIRE_ROWS_MAX, "%u, %u", block->count, rows);
    for (uint32_t i = 1; i < block->count; i++)
        end = wire_block_next(end) + block->bytes[i] * rows;
    return end;
}

/* Where tensor `index` of such a block begins. */
static inline uint64_t wire_block_offset(const struct wire_block *block, uint32_t rows, uint32_t index)
{
    uint64_t begin = 0;

    insist(index < block->count, "%u of %u", index, block->count);
    for (uint32_t i = 0; i < index; i++)
        begin = wire_block_next(begin + block->bytes[i] * rows);
    return begin;
}

#endif
