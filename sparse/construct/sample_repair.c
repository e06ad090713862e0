/* SPDX-License-Identifier: Apache-2.0
 *
 * Repair: empty rows and empty inputs are paired with each other, then with random partners; each new connection goes
 * where a row or an input had none, so it cannot be there already. As many old ones go, drawn at random from those
 * whose row and input both keep another.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/sample.h"

struct edge {
    uint32_t row, column;
};

struct repair {
    const struct csr *matrix;
    uint32_t area, inputs;
    struct rng rng;
    uint32_t *row_counts, *input_counts;
    uint32_t *empty_rows, *empty_inputs;
    uint32_t empty_row_count, empty_input_count;
    struct edge *added;
    uint64_t added_count;
    uint64_t *gone; /* a bit a connection */
};

static void repair_deinit(struct repair *repair)
{
    free(repair->row_counts);
    free(repair->input_counts);
    free(repair->empty_rows);
    free(repair->empty_inputs);
    free(repair->added);
    free(repair->gone);
}

static bool is_gone(const struct repair *repair, uint64_t at)
{
    return repair->gone[at / 64] >> (at % 64) & 1;
}

static int count_ends(struct repair *repair)
{
    const struct csr *m = repair->matrix;

    repair->row_counts = memory_zalloc(m->rows, sizeof *repair->row_counts);
    repair->input_counts = memory_zalloc(repair->inputs, sizeof *repair->input_counts);
    repair->empty_rows = memory_alloc(m->rows, sizeof *repair->empty_rows);
    repair->empty_inputs = memory_alloc(repair->inputs, sizeof *repair->empty_inputs);
    repair->gone = memory_zalloc(m->count / 64 + 1, sizeof *repair->gone);
    if (!repair->row_counts || !repair->input_counts || !repair->empty_rows || !repair->empty_inputs || !repair->gone)
        return -ENOMEM;
    for (uint32_t r = 0; r < m->rows; r++) {
        repair->row_counts[r] = (uint32_t)(m->starts[r + 1] - m->starts[r]);
        if (!repair->row_counts[r])
            repair->empty_rows[repair->empty_row_count++] = r;
    }
    for (uint64_t k = 0; k < m->count; k++)
        repair->input_counts[csr_column(m, k) / repair->area]++;
    for (uint32_t i = 0; i < repair->inputs; i++) {
        if (!repair->input_counts[i])
            repair->empty_inputs[repair->empty_input_count++] = i;
    }
    return 0;
}

static int add_missing(struct repair *repair)
{
    repair->added_count = MAX(repair->empty_row_count, repair->empty_input_count);
    repair->added = memory_alloc(repair->added_count, sizeof *repair->added);
    if (!repair->added)
        return -ENOMEM;
    for (uint32_t i = 0; i < repair->added_count; i++) {
        uint32_t row = i < repair->empty_row_count ? repair->empty_rows[i]
                                                   : (uint32_t)rng_below(&repair->rng, repair->matrix->rows);
        uint32_t input =
            i < repair->empty_input_count ? repair->empty_inputs[i] : (uint32_t)rng_below(&repair->rng, repair->inputs);

        repair->added[i] = (struct edge){ row, input * repair->area + (uint32_t)rng_below(&repair->rng, repair->area) };
        repair->row_counts[row]++;
        repair->input_counts[input]++;
    }
    return 0;
}

/* The row of connection `at`, by bisection. */
static uint32_t row_of(const struct csr *m, uint64_t at)
{
    uint32_t low = 0, high = m->rows;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (m->starts[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool take_away(struct repair *repair, uint64_t at)
{
    uint32_t row = row_of(repair->matrix, at), input = csr_column(repair->matrix, at) / repair->area;

    if (is_gone(repair, at) || repair->row_counts[row] < 2 || repair->input_counts[input] < 2)
        return false;
    repair->gone[at / 64] |= 1ull << (at % 64);
    repair->row_counts[row]--;
    repair->input_counts[input]--;
    return true;
}

/* Draws at random; when those that may go become rare, whatever is found first from a random place on. */
static bool remove_surplus(struct repair *repair)
{
    uint64_t count = repair->matrix->count;

    for (uint64_t left = repair->added_count; left;) {
        uint64_t at = 0;
        bool taken = false;

        for (int tries = 0; tries < 64 && !taken; tries++)
            taken = take_away(repair, at = rng_below(&repair->rng, count));
        for (uint64_t i = 0; i < count && !taken; i++)
            taken = take_away(repair, (at + i) % count);
        if (!taken)
            return false;
        left--;
    }
    return true;
}

static int compare_edges(const void *left, const void *right)
{
    const struct edge *a = left, *b = right;

    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    return a->column < b->column ? -1 : a->column > b->column;
}

static int rebuild(struct repair *repair, struct csr *out)
{
    const struct csr *m = repair->matrix;
    uint64_t next = 0, at = 0;
    struct csr made;
    int result = csr_alloc(&made, m->rows, m->columns, m->count);

    if (result)
        return result;
    qsort(repair->added, repair->added_count, sizeof *repair->added, compare_edges);
    for (uint32_t r = 0; r < m->rows; r++) {
        for (uint64_t k = m->starts[r]; k < m->starts[r + 1]; k++) {
            if (is_gone(repair, k))
                continue;
            for (; next < repair->added_count && repair->added[next].row == r &&
                   repair->added[next].column < csr_column(m, k);
                 next++)
                csr_set_column(&made, at++, repair->added[next].column);
            csr_set_column(&made, at++, csr_column(m, k));
        }
        for (; next < repair->added_count && repair->added[next].row == r; next++)
            csr_set_column(&made, at++, repair->added[next].column);
        made.starts[r + 1] = at;
    }
    *out = made;
    return 0;
}

int sample_repair(struct csr *matrix, uint32_t area, uint64_t seed, uint32_t layer, uint64_t *moved, struct reason *why)
{
    cleanup(repair_deinit) struct repair repair = { .matrix = matrix, .area = area };
    struct csr made;
    int result;

    *moved = 0;
    if (!area || matrix->columns % area)
        return refuse(why, WISP_E_INVALID, "%u columns are not whole kernels of %u", matrix->columns, area);
    repair.inputs = matrix->columns / area;
    repair.rng = rng_make(seed, (uint64_t)SAMPLE_REPAIR << 32 | layer);
    if (matrix->count < MAX(matrix->rows, repair.inputs))
        return refuse(why, WISP_E_INVALID,
                      "%llu connections cannot reach all of %u inputs and %u outputs: ask for a higher density",
                      (unsigned long long)matrix->count, repair.inputs, matrix->rows);
    if ((result = count_ends(&repair)) || (result = add_missing(&repair)))
        return refuse_errno(why, result, "cannot repair %llu connections", (unsigned long long)matrix->count);
    if (!repair.added_count)
        return 0;
    if (!remove_surplus(&repair))
        return refuse(why, WISP_E_INVALID,
                      "no connection can be spared to reach every neuron: ask for a higher density");
    if ((result = rebuild(&repair, &made)))
        return refuse_errno(why, result, "cannot repair %llu connections", (unsigned long long)matrix->count);
    csr_deinit(matrix);
    *matrix = made;
    *moved = repair.added_count;
    return 0;
}
