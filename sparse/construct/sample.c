/* SPDX-License-Identifier: Apache-2.0
 *
 * Three ways to the one set that sample.h defines.
 *
 * Dense enough (the positions' bits take no more bytes than there are connections): a bitmap of all positions; set bits
 * until enough are set, read them in order. This way serves the complement, too.
 *
 * Sparse and large: buckets, by a thread pool (sample_buckets.c).
 *
 * Sparse and small, or of more positions than buckets can number: draw as many as are missing, sort, drop those that
 * are there already; again until none is missing. As no round draws more than are missing, none can draw past the draw
 * that completes the set. The first round finds at least 15 of 16, so what later rounds add up to is small, and is
 * merged once.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/sample.h"
#include "sparse/construct/sample_buckets.h"
#include "sparse/construct/sample_draws.h"
#include "sparse/construct/sample_set.h"

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
            csr_set_column(matrix, at++, column);
        }
    }
    while (row < matrix->rows)
        matrix->starts[++row] = at;
}

/* Never draws more at a time than are missing. */
static int sample_by_bits(uint64_t seed, uint64_t stream, uint64_t positions, struct csr *matrix)
{
    bool absent = matrix->count > positions - matrix->count;
    uint64_t wanted = absent ? positions - matrix->count : matrix->count, buffer[SAMPLE_DRAWS + 2];
    cleanup_free uint64_t *bits = memory_zalloc(positions / 64 + 1, sizeof *bits);

    if (!bits)
        return -ENOMEM;
    for (uint64_t begin = 0, count; wanted; begin += count) {
        const uint64_t *draws;

        count = MIN(wanted, SAMPLE_DRAWS);
        draws = sample_draws(seed, stream, positions, begin, count, buffer);
        for (uint64_t i = 0; i < count; i++) {
            uint64_t bit = 1ull << draws[i] % 64, word = bits[draws[i] / 64];

            wanted -= !(word & bit);
            bits[draws[i] / 64] = word | bit;
        }
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

static int sample_into(struct csr *matrix, uint64_t seed, uint64_t stream, struct pool *pool)
{
    uint64_t positions = (uint64_t)matrix->rows * matrix->columns;
    bool dense = positions / 8 <= matrix->count;
    struct rng rng = rng_make(seed, stream);

    if (!dense && sample_buckets_serve(positions, matrix->count))
        return sample_by_buckets(matrix, seed, stream, pool);
    memset(matrix->starts, 0, ((size_t)matrix->rows + 1) * sizeof *matrix->starts);
    memset(matrix->values, 0, matrix->count * sizeof *matrix->values);
    if (!matrix->count)
        return 0;
    return dense ? sample_by_bits(seed, stream, positions, matrix) : sample_by_sorting(&rng, positions, matrix);
}

int sample_connections_by(struct pool *pool, uint32_t rows, uint32_t columns, uint64_t count, uint64_t seed,
                          uint32_t layer, struct csr *out, struct reason *why)
{
    struct csr matrix = CSR_NULL;
    int result;

    if (count > (uint64_t)rows * columns)
        return refuse(why, WISP_E_INVALID, "%llu connections do not fit into %u rows of %u columns",
                      (unsigned long long)count, rows, columns);
    result = csr_reserve(&matrix, rows, columns, count);
    if (!result)
        result = sample_into(&matrix, seed, stream_of(SAMPLE_CONNECTIONS, layer), pool);
    if (result) {
        csr_deinit(&matrix);
        return refuse_errno(why, result, "%llu connections", (unsigned long long)count);
    }
    *out = matrix;
    return 0;
}

int sample_connections(uint32_t rows, uint32_t columns, uint64_t count, uint64_t seed, uint32_t layer, struct csr *out,
                       struct reason *why)
{
    return sample_connections_by(NULL, rows, columns, count, seed, layer, out, why);
}

/* ---- weights ---- */

struct weighing {
    struct csr *matrix;
    float gain;
    uint64_t seed, stream;
};

/* The words of the stream's blocks, a few blocks at a time, in ascending order. */
struct words {
    uint64_t seed, stream, first, count;
    uint32_t words[4 * 64];
};

static inline uint32_t word_at(struct words *w, uint64_t at)
{
    if (at - w->first >= w->count) {
        w->first = at & ~3ull;
        w->count = ARRAY_SIZE(w->words);
        rng_blocks(w->seed, w->stream, at / 4, w->count / 4, w->words);
    }
    return w->words[at - w->first];
}

static void weigh_part(void *argument, unsigned part, unsigned parts)
{
    const struct weighing *weighing = argument;
    const struct csr *matrix = weighing->matrix;
    struct words words = { .seed = weighing->seed, .stream = weighing->stream };
    unsigned long long first, last;

    pool_share(matrix->rows, 16, part, parts, &first, &last);
    for (unsigned long long row = first; row < last; row++) {
        uint64_t begin = matrix->starts[row], end = matrix->starts[row + 1];
        float bound = end > begin ? sqrtf(3 * weighing->gain / (float)(end - begin)) : 0;

        for (uint64_t k = begin; k < end; k++) {
            int32_t odd = (int32_t)(word_at(&words, k) >> 8) * 2 + 1 - (1 << 24);

            matrix->values[k] = (float)odd * 0x1p-24f * bound;
        }
    }
}

void sample_weights_by(struct pool *pool, struct csr *matrix, float gain, uint64_t seed, uint32_t layer)
{
    struct weighing weighing = { matrix, gain, seed, stream_of(SAMPLE_WEIGHTS, layer) };

    pool_run(pool, weigh_part, &weighing);
}

void sample_weights(struct csr *matrix, float gain, uint64_t seed, uint32_t layer)
{
    sample_weights_by(NULL, matrix, gain, seed, layer);
}
