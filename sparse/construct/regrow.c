/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/ranking.h"
#include "sparse/construct/regrow.h"

int regrow_weakest(const struct csr *matrix, uint64_t count, uint64_t *numbers)
{
    struct ranking ranking;
    int result = ranking_init(&ranking, count);

    if (result)
        return result;
    for (uint64_t k = 0; k < matrix->count; k++)
        ranking_offer(&ranking, -fabsf(matrix->values[k]), k);
    ranking_finish(&ranking);
    memcpy(numbers, ranking.places, ranking.count * sizeof *numbers);
    ranking_deinit(&ranking);
    return 0;
}

/* ---- places at random ---- */

/* The first `count` distinct draws below `bound`, ascending: as many are drawn as are missing, until none is. */
static void draw_distinct(struct rng *rng, uint64_t bound, uint64_t count, uint64_t *out)
{
    uint64_t have = 0;

    while (have < count) {
        for (uint64_t i = have; i < count; i++)
            out[i] = rng_below(rng, bound);
        places_sort(out, count);
        have = 1;
        for (uint64_t i = 1; i < count; i++) {
            if (out[i] != out[have - 1])
                out[have++] = out[i];
        }
    }
}

/* What is below `bound` and not among the `absent` numbers, ascending. */
static void list_others(uint64_t bound, const uint64_t *absent, uint64_t absent_count, uint64_t *out)
{
    for (uint64_t i = 0, a = 0; i < bound; i++) {
        if (a < absent_count && absent[a] == i)
            a++;
        else
            *out++ = i;
    }
}

/* Where more than half of them are wanted, those that are not are drawn. */
static int draw_ranks(struct rng *rng, uint64_t bound, uint64_t count, uint64_t *out)
{
    cleanup_free uint64_t *absent = NULL;

    if (count <= bound - count) {
        draw_distinct(rng, bound, count, out);
        return 0;
    }
    absent = memory_alloc(bound - count, sizeof *absent);
    if (!absent)
        return -ENOMEM;
    draw_distinct(rng, bound, bound - count, absent);
    list_others(bound, absent, bound - count, out);
    return 0;
}

/* From the numbers of places among those that have no connection, ascending, to the places. */
static void place_ranks(const struct csr *matrix, uint64_t count, uint64_t *ranks)
{
    uint64_t i = 0;

    for (uint32_t r = 0; r < matrix->rows; r++) {
        for (uint64_t k = matrix->starts[r]; k < matrix->starts[r + 1]; k++) {
            const uint64_t taken = (uint64_t)r * matrix->columns + csr_column(matrix, k);

            while (i < count && ranks[i] + k < taken)
                ranks[i++] += k;
        }
    }
    for (; i < count; i++)
        ranks[i] += matrix->count;
}

int regrow_random(const struct csr *matrix, uint64_t count, uint64_t seed, uint64_t stream, uint64_t *places)
{
    struct rng rng = rng_make(seed, stream);
    int result = draw_ranks(&rng, regrow_room(matrix), count, places);

    if (!result)
        place_ranks(matrix, count, places);
    return result;
}

/* ---- the exchange ---- */

struct merge {
    const struct regrow_change *change;
    uint64_t gone, come; /* of the change's, so far */
    uint64_t next;       /* number of the next connection of the new matrix */
    uint32_t *columns;   /* the new matrix's */
    uint64_t *from;
};

static void add(struct merge *m, uint32_t column, uint64_t from)
{
    m->columns[m->next] = column;
    m->from[m->next++] = from;
}

/* Those of a row whose first place is `row` that come before place `past`. */
static void add_new(struct merge *m, uint64_t row, uint64_t past)
{
    while (m->come < m->change->count && m->change->places[m->come] < past)
        add(m, (uint32_t)(m->change->places[m->come++] - row), REGROW_NEW);
}

/* The old matrix's connections [begin, end), of the row that begins at place `row`. */
static void merge_row(struct merge *m, const struct csr *matrix, uint64_t row, uint64_t begin, uint64_t end)
{
    for (uint64_t k = begin; k < end; k++) {
        const uint32_t column = csr_column(matrix, k);

        if (m->gone < m->change->count && m->change->weakest[m->gone] == k) {
            m->gone++;
            continue;
        }
        add_new(m, row, row + column);
        add(m, column, k);
    }
    add_new(m, row, row + matrix->columns);
}

int regrow_change(struct csr *matrix, const struct regrow_change *change, uint64_t *from)
{
    cleanup_free uint32_t *columns = memory_alloc(matrix->count, sizeof *columns);
    struct merge m = { .change = change, .columns = columns, .from = from };
    uint64_t begin = 0;

    if (!columns)
        return -ENOMEM;
    for (uint32_t r = 0; r < matrix->rows; r++) {
        const uint64_t end = matrix->starts[r + 1];

        matrix->starts[r] = m.next;
        merge_row(&m, matrix, (uint64_t)r * matrix->columns, begin, end);
        begin = end;
    }
    for (uint64_t k = 0; k < matrix->count; k++)
        csr_set_column(matrix, k, columns[k]);
    return 0;
}

void regrow_move(const uint64_t *from, uint64_t count, float *numbers, float *room)
{
    memcpy(room, numbers, count * sizeof *room);
    for (uint64_t k = 0; k < count; k++)
        numbers[k] = from[k] == REGROW_NEW ? 0 : room[from[k]];
}
