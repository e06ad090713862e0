/* SPDX-License-Identifier: Apache-2.0
 *
 * Two ways to the one set that sample.h defines.
 *
 * Dense enough (the positions' bits take no more bytes than there are connections): a bitmap of all positions; set bits
 * until enough are set, read them in order. This way serves the complement, too.
 *
 * Sparse: draw as many as are missing, sort, drop those that are there already; again until none is missing. As no
 * round draws more than are missing, none can draw past the draw that completes the set. The first round finds at
 * least 15 of 16, so what later rounds add up to is small, and is merged once.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/sample.h"
#include "sparse/sample_set.h"

static uint64_t stream_of(enum sample_stream stream, uint32_t layer)
{
    return (uint64_t)stream << 32 | layer;
}

static inline uint64_t draw(struct rng *rng, uint64_t positions)
{
    return (uint64_t)((unsigned __int128)rng_u64(rng) * positions >> 64);
}

/* Reads the bitmap's set bits, or with `absent` its clear ones, in order. */
static void matrix_from_bits(const uint64_t *bits, uint64_t positions, bool absent, struct csr *matrix)
{
    uint64_t at = 0, row_end = matrix->columns;
    uint32_t row = 0;

    for (uint64_t first = 0; first < positions; first += 64) {
        uint64_t word = absent ? ~bits[first / 64] : bits[first / 64];

        if (positions - first < 64)
            word &= (1ull << (positions - first)) - 1;
        for (; word; word &= word - 1) {
            uint64_t position = first + (uint64_t)__builtin_ctzll(word);
            uint32_t column;

            while (position >= row_end) {
                matrix->starts[++row] = at;
                row_end += matrix->columns;
            }
            column = (uint32_t)(position - (row_end - matrix->columns));
            if (csr_is_narrow(matrix))
                matrix->index.narrow[at++] = (uint16_t)column;
            else
                matrix->index.wide[at++] = column;
        }
    }
    while (row < matrix->rows)
        matrix->starts[++row] = at;
}

static int sample_by_bits(struct rng *rng, uint64_t positions, struct csr *matrix)
{
    bool absent = matrix->count > positions - matrix->count;
    uint64_t wanted = absent ? positions - matrix->count : matrix->count;
    cleanup_free uint64_t *bits = memory_zalloc(positions / 64 + 1, sizeof *bits);

    if (!bits)
        return -ENOMEM;
    while (wanted) {
        uint64_t position = draw(rng, positions), bit = 1ull << position % 64;

        wanted -= !(bits[position / 64] & bit);
        bits[position / 64] |= bit;
    }
    matrix_from_bits(bits, positions, absent, matrix);
    return 0;
}

static int sample_by_sorting(struct rng *rng, uint64_t positions, struct csr *matrix)
{
    struct sample_set set = sample_set_over(matrix);
    int result;

    while (set.known < set.capacity) {
        for (uint64_t at = set.known; at < set.capacity; at++) {
            uint64_t position = draw(rng, positions);

            sample_set_put(&set, at, (uint32_t)(position / matrix->columns), (uint32_t)(position % matrix->columns));
        }
        sample_set_learn(&set, set.capacity);
    }
    result = sample_set_settle(&set);
    if (!result)
        sample_set_finish(&set, matrix);
    return result;
}

int sample_connections(uint32_t rows, uint32_t columns, uint64_t count, uint64_t seed, uint32_t layer, struct csr *out,
                       struct reason *why)
{
    struct rng rng = rng_make(seed, stream_of(SAMPLE_CONNECTIONS, layer));
    uint64_t positions = (uint64_t)rows * columns;
    struct csr matrix = CSR_NULL;
    int result;

    if (count > positions)
        return refuse(why, WISP_E_INVALID, "%llu connections do not fit into %u rows of %u columns",
                      (unsigned long long)count, rows, columns);
    result = csr_alloc(&matrix, rows, columns, count);
    if (!result && count)
        result = positions / 8 <= count ? sample_by_bits(&rng, positions, &matrix)
                                        : sample_by_sorting(&rng, positions, &matrix);
    if (result) {
        csr_deinit(&matrix);
        return refuse_errno(why, result, "%llu connections", (unsigned long long)count);
    }
    *out = matrix;
    return 0;
}

void sample_weights(struct csr *matrix, float gain, uint64_t seed, uint32_t layer)
{
    uint64_t stream = stream_of(SAMPLE_WEIGHTS, layer);
    uint32_t block[4] = { 0 };

    for (uint32_t row = 0; row < matrix->rows; row++) {
        uint64_t begin = matrix->starts[row], end = matrix->starts[row + 1];
        float bound = end > begin ? sqrtf(3 * gain / (float)(end - begin)) : 0;

        for (uint64_t k = begin; k < end; k++) {
            int32_t odd;

            if (k % 4 == 0 || k == begin)
                rng_block(seed, stream, k / 4, block);
            odd = (int32_t)(block[k % 4] >> 8) * 2 + 1 - (1 << 24);
            matrix->values[k] = (float)odd * 0x1p-24f * bound;
        }
    }
}
