/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/formats/window32.h"

/* What sixty-four rows cost besides their steps, in these. */
enum { UNIT_STEPS = 4 };

static size_t step_bytes(enum value_type type)
{
    return sizeof(uint32_t) + PACK_LANES * sizeof(uint32_t) + WINDOW32_ROWS * value_type_bytes(type);
}

/* Rows that go together take as many steps as the longest of them at least. How many more, the columns say, and who
 * chooses looks at what it came to. */
static bool rows_are_alike(const struct csr *w, enum value_type type)
{
    uint64_t steps = 0;

    for (uint32_t r = 0; r < w->rows;) {
        uint64_t longest = 0;

        for (const uint32_t end = r + MIN((uint32_t)WINDOW32_ROWS, w->rows - r); r < end; r++)
            longest = MAX(longest, w->starts[r + 1] - w->starts[r]);
        steps += longest;
    }
    return steps * step_bytes(type) <= MAX(w->count * FORMAT_BYTES, (uint64_t)FORMAT_SMALL);
}

static bool can_as(const struct csr *w, unsigned batch_class, enum value_type type)
{
    return w->columns >= WINDOW32_COLUMNS && batch_class <= batch_class_of(8) &&
           (batch_class == 0 || w->columns <= WINDOW32_COLUMNS_MANY) && rows_are_alike(w, type);
}

static bool can(const struct csr *w, unsigned batch_class)
{
    return can_as(w, batch_class, VALUE_FLOAT32);
}

/* Where rows have many connections, a window of half the columns has one of nearly all of them. */
static bool can_64(const struct csr *w, unsigned batch_class)
{
    return batch_class == 0 && w->columns >= WINDOW64_COLUMNS && w->count <= (uint64_t)w->rows * w->columns / 4 &&
           rows_are_alike(w, VALUE_FLOAT32);
}

static bool can_bf16(const struct csr *w, unsigned batch_class)
{
    return w->type == VALUE_BF16 && can_as(w, batch_class, VALUE_BF16);
}

static bool can_int8(const struct csr *w, unsigned batch_class)
{
    return w->type == VALUE_INT8 && can_as(w, batch_class, VALUE_INT8);
}

/* Sixty-four rows on their way. */
struct march {
    const struct csr *w;
    struct packed_window32 *made;
    uint64_t next[WINDOW32_ROWS], end[WINDOW32_ROWS]; /* connections */
    uint32_t first, rows;
};

static void march_begin(struct march *m, uint32_t unit)
{
    const uint32_t first = unit * WINDOW32_ROWS;

    m->first = first;
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
    if (least == UINT32_MAX)
        return false;
    if (m->made->width == WINDOW64_COLUMNS)
        least -= least % WINDOW64_ALIGN;
    *column = MIN(least, m->w->columns - m->made->width);
    return true;
}

static void put_value(struct packed_window32 *made, uint64_t at, float value, uint32_t row)
{
    if (made->type == VALUE_BF16)
        ((uint16_t *)made->values)[at] = bf16_of(value);
    else if (made->type == VALUE_INT8)
        ((int8_t *)made->values)[at] = int8_of(value, made->scales[row]);
    else
        ((float *)made->values)[at] = value;
}

static void put_place(struct packed_window32 *made, uint64_t step, unsigned slice, unsigned lane, uint32_t place)
{
    uint32_t *places = made->places + step * PACK_LANES + lane;

    *places = (*places & ~(0xffu << 8 * slice)) | (place | WINDOW32_TAKES_PART) << 8 * slice;
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
        if (at >= made->width)
            continue;
        if (keep) {
            put_place(made, step, slice, lane, at);
            put_value(made, (step * WINDOW32_SLICES + slice) * PACK_LANES + lane, m->w->values[m->next[i]],
                      m->first + i);
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

/* A scale for each row, and for those that a last unit is short of. */
static int copy_scales(const struct csr *w, struct packed_window32 *made)
{
    made->scales = memory_zalloc((size_t)made->packed.units * WINDOW32_ROWS, sizeof *made->scales);
    if (!made->scales)
        return -ENOMEM;
    memcpy(made->scales, w->scales, w->rows * sizeof *made->scales);
    made->packed.memory += (size_t)made->packed.units * WINDOW32_ROWS * sizeof *made->scales;
    return 0;
}

/* Of all lanes what those have that wait: who reads it has windows of sixty-four places. */
static void all_wait(struct packed_window32 *made, uint64_t steps)
{
    if (made->width != WINDOW64_COLUMNS)
        return;
    memset(made->places, WINDOW64_NOWHERE, steps * PACK_LANES * sizeof *made->places);
    for (uint64_t i = 0; i < steps * WINDOW32_ROWS; i++)
        ((float *)made->values)[i] = -0.0f;
}

static int pack_as(const struct csr *w, enum value_type type, uint32_t width, struct packed **out)
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
    made->type = type;
    made->width = width;
    made->packed.work = &made->starts;
    made->packed.unit_work = UNIT_STEPS;
    if (!made->starts || (type == VALUE_INT8 && copy_scales(w, made)))
        return -ENOMEM;
    steps = march_all(&march, false);
    made->columns = memory_alloc(steps + 1, sizeof *made->columns);
    made->places = memory_zalloc(steps + 1, PACK_LANES * sizeof *made->places);
    made->values = memory_zalloc(steps + 1, WINDOW32_ROWS * value_type_bytes(type));
    if (!made->columns || !made->places || !made->values)
        return -ENOMEM;
    all_wait(made, steps);
    march_all(&march, true);
    made->packed.memory +=
        sizeof *made + (made->packed.units + 1) * sizeof *made->starts + (steps + 1) * step_bytes(type);
    return 0;
}

static int pack(const struct csr *w, struct packed **out)
{
    return pack_as(w, VALUE_FLOAT32, WINDOW32_COLUMNS, out);
}

static int pack_64(const struct csr *w, struct packed **out)
{
    return pack_as(w, VALUE_FLOAT32, WINDOW64_COLUMNS, out);
}

static int pack_bf16(const struct csr *w, struct packed **out)
{
    return pack_as(w, VALUE_BF16, WINDOW32_COLUMNS, out);
}

static int pack_int8(const struct csr *w, struct packed **out)
{
    return pack_as(w, VALUE_INT8, WINDOW32_COLUMNS, out);
}

static void release(struct packed *packed)
{
    struct packed_window32 *made = (struct packed_window32 *)packed;

    free(made->starts);
    free(made->columns);
    free(made->places);
    free(made->values);
    free(made->scales);
    free(made);
}

const struct weight_format weight_format_window32 = {
    .name = "window32",
    .costs = { { 0.0012f, 0.051f }, { 0.0051f, 0.092f }, { 0.0090f, 0.143f }, { 0.0104f, 0.179f } },
    .can = can,
    .pack = pack,
    .free = release
};

const struct weight_format weight_format_window32_bf16 = {
    .name = "window32_bf16",
    .costs = { { 0.0013f, 0.034f }, { 0.0044f, 0.073f }, { 0.0084f, 0.108f }, { 0.0087f, 0.148f } },
    .can = can_bf16,
    .pack = pack_bf16,
    .free = release
};

const struct weight_format weight_format_window32_int8 = {
    .name = "window32_int8",
    .costs = { { 0.0016f, 0.033f }, { 0.0047f, 0.077f }, { 0.0092f, 0.113f }, { 0.0095f, 0.154f } },
    .can = can_int8,
    .pack = pack_int8,
    .free = release
};

const struct weight_format weight_format_window64 = {
    .name = "window64", .costs = { { 0.0010f, 0.057f } }, .can = can_64, .pack = pack_64, .free = release
};
