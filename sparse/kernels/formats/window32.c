/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/formats/window32.h"

enum { STEP_BYTES = sizeof(uint32_t) + PACK_LANES * sizeof(uint32_t) + WINDOW32_ROWS * sizeof(float) };

/* Rows that go together take as many steps as the longest of them at least. How many more, the columns say, and who
 * chooses looks at what it came to. */
static bool rows_are_alike(const struct csr *w)
{
    uint64_t steps = 0;

    for (uint32_t r = 0; r < w->rows;) {
        uint64_t longest = 0;

        for (const uint32_t end = r + MIN((uint32_t)WINDOW32_ROWS, w->rows - r); r < end; r++)
            longest = MAX(longest, w->starts[r + 1] - w->starts[r]);
        steps += longest;
    }
    return steps * STEP_BYTES <= MAX(w->count * FORMAT_BYTES, (uint64_t)FORMAT_SMALL);
}

static bool can(const struct csr *w, unsigned batch_class)
{
    return w->columns >= WINDOW32_COLUMNS && batch_class <= batch_class_of(8) &&
           (batch_class == 0 || w->columns <= WINDOW32_COLUMNS_MANY) && rows_are_alike(w);
}

/* Sixty-four rows on their way. */
struct march {
    const struct csr *w;
    struct packed_window32 *made;
    uint64_t next[WINDOW32_ROWS], end[WINDOW32_ROWS]; /* connections */
    uint32_t rows;
};

static void march_begin(struct march *m, uint32_t unit)
{
    const uint32_t first = unit * WINDOW32_ROWS;

    m->rows = MIN((uint32_t)WINDOW32_ROWS, m->w->rows - first);
    for (uint32_t i = 0; i < m->rows; i++) {
        m->next[i] = m->w->starts[first + i];
        m->end[i] = m->w->starts[first + i + 1];
    }
}

/* Where the next window begins; false: all rows are at their end. */
static bool march_window(const struct march *m, uint32_t *column)
{
    uint32_t least = UINT32_MAX;

    for (uint32_t i = 0; i < m->rows; i++) {
        if (m->next[i] < m->end[i])
            least = MIN(least, csr_column(m->w, m->next[i]));
    }
    *column = MIN(least, m->w->columns - WINDOW32_COLUMNS);
    return least != UINT32_MAX;
}

/* One step: what is in the window goes there, where it is to be kept. */
static void march_step(struct march *m, uint32_t column, uint64_t step, bool keep)
{
    struct packed_window32 *made = m->made;

    for (uint32_t i = 0; i < m->rows; i++) {
        const unsigned slice = i / PACK_LANES, lane = i % PACK_LANES;
        uint32_t at;

        if (m->next[i] == m->end[i])
            continue;
        at = csr_column(m->w, m->next[i]) - column;
        if (at >= WINDOW32_COLUMNS)
            continue;
        if (keep) {
            made->places[step * PACK_LANES + lane] |= (at | WINDOW32_TAKES_PART) << 8 * slice;
            made->values[(step * WINDOW32_SLICES + slice) * PACK_LANES + lane] = m->w->values[m->next[i]];
        }
        m->next[i]++;
    }
    if (keep)
        made->columns[step] = column;
}

/* Goes over all rows: once to count the steps, once to keep them. */
static uint64_t march_all(struct march *m, bool keep)
{
    uint64_t step = 0;
    uint32_t column;

    for (uint32_t unit = 0; unit < m->made->packed.units; unit++) {
        m->made->starts[unit] = step;
        for (march_begin(m, unit); march_window(m, &column); step++)
            march_step(m, column, step, keep);
    }
    m->made->starts[m->made->packed.units] = step;
    return step;
}

static int pack(const struct csr *w, struct packed **out)
{
    struct packed_window32 *made = calloc(1, sizeof *made);
    struct march march = { .w = w, .made = made };
    uint64_t steps;

    if (!made)
        return -ENOMEM;
    *out = &made->packed;
    made->packed.units = w->rows / WINDOW32_ROWS + (w->rows % WINDOW32_ROWS != 0);
    made->packed.grain = 1;
    made->starts = memory_alloc((size_t)made->packed.units + 1, sizeof *made->starts);
    if (!made->starts)
        return -ENOMEM;
    steps = march_all(&march, false);
    made->columns = memory_alloc(steps + 1, sizeof *made->columns);
    made->places = memory_zalloc(steps + 1, PACK_LANES * sizeof *made->places);
    made->values = memory_zalloc(steps + 1, WINDOW32_ROWS * sizeof *made->values);
    if (!made->columns || !made->places || !made->values)
        return -ENOMEM;
    march_all(&march, true);
    made->packed.memory = sizeof *made + (made->packed.units + 1) * sizeof *made->starts + (steps + 1) * STEP_BYTES;
    return 0;
}

static void release(struct packed *packed)
{
    struct packed_window32 *made = (struct packed_window32 *)packed;

    free(made->starts);
    free(made->columns);
    free(made->places);
    free(made->values);
    free(made);
}

const struct weight_format weight_format_window32 = {
    .name = "window32",
    .costs = { { 0.0010f, 0.052f }, { 0.0046f, 0.086f }, { 0.0095f, 0.161f } },
    .can = can,
    .pack = pack,
    .free = release
};
