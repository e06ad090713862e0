/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/formats/block8.h"

/* What is filled up may take as much memory again as the connections, or so many entries, where it is little. */
enum { FILLED_FREE = 1 << 14 };

/* What a band costs in a block besides its entries, in these: sums are read and written. */
enum { BAND_WORK = 2 * BLOCK8_BAND };

/* Where a row has few connections in a block, its sum is read and written for little; where it has many, a block that
 * leaves room for thirty-two samples is the better one. Measured: docs/results/kernels.md. */
static uint32_t columns_of_block(const struct csr *w)
{
    const double density = (double)w->count / ((double)w->rows * w->columns);
    const uint32_t most = density >= 0.08 ? BLOCK8_NARROW : density >= 0.03 ? 512 : BLOCK8_COLUMNS;
    const uint32_t blocks = (w->columns - 1) / most + 1;

    return (w->columns - 1) / blocks + 1; /* all about as wide */
}

/* Batches only: one sample would run as eight do. Rows that are sorted come eight by eight, and only the longest of
 * each eight counts: of a band it fills no more than eight times its longest row. */
static bool can(const struct csr *w, unsigned batch_class)
{
    uint64_t longest = 0, filled, blocks;

    if (batch_class == 0 || w->count == 0)
        return false;
    for (uint32_t r = 0; r < w->rows; r++)
        longest = MAX(longest, w->starts[r + 1] - w->starts[r]);
    blocks = (w->columns - 1) / columns_of_block(w) + 1;
    filled = MIN(longest, (uint64_t)columns_of_block(w)) * blocks * BLOCK8_ROWS * ((w->rows - 1) / BLOCK8_BAND + 1);
    return filled <= MAX(w->count, (uint64_t)FILLED_FREE);
}

/* One block of one band, while it is packed. */
struct place {
    const struct csr *w;
    struct packed_block8 *made;
    uint64_t *cursors; /* of all rows: the first connection past the blocks before */
    uint32_t block, band;
    uint32_t first, rows; /* of the band */
    uint32_t order[BLOCK8_BAND], lengths[BLOCK8_BAND];
};

static void find_lengths(struct place *p)
{
    const uint64_t end = MIN((uint64_t)(p->block + 1) * p->made->width, (uint64_t)p->w->columns);

    for (uint32_t i = 0; i < p->rows; i++) {
        const uint64_t row_end = p->w->starts[p->first + i + 1];
        uint64_t k = p->cursors[p->first + i];

        while (k < row_end && csr_column(p->w, k) < end)
            k++;
        p->lengths[i] = (uint32_t)(k - p->cursors[p->first + i]);
    }
}

/* The longest first, equal ones in their own order. */
static void sort_band(struct place *p)
{
    for (uint32_t i = 0; i < p->rows; i++) {
        uint32_t at = i;

        for (; at > 0 && p->lengths[p->order[at - 1]] < p->lengths[i]; at--)
            p->order[at] = p->order[at - 1];
        p->order[at] = i;
    }
}

/* Entries of the band in this block, and the groups' steps. */
static uint64_t plan_band(struct place *p)
{
    struct block8_group *group =
        &p->made->groups[(size_t)p->block * p->made->group_count + block8_first_group(p->made, p->band)];
    uint64_t entries = 0;

    find_lengths(p);
    sort_band(p);
    for (uint32_t i = 0; i < p->rows; i += BLOCK8_ROWS, group++) {
        for (uint32_t lane = 0; lane < BLOCK8_ROWS; lane++)
            group->rows[lane] = p->first + p->order[i + lane < p->rows ? i + lane : i];
        group->steps = p->lengths[p->order[i]];
        entries += (uint64_t)group->steps * BLOCK8_ROWS;
    }
    return entries;
}

static void fill_band(struct place *p, uint64_t at)
{
    const struct packed_block8 *made = p->made;
    const uint32_t begin = p->block * made->width;

    for (uint32_t i = 0; i < (p->rows + BLOCK8_ROWS - 1) / BLOCK8_ROWS * BLOCK8_ROWS; i++) {
        const uint32_t steps =
            made->groups[(size_t)p->block * made->group_count + block8_first_group(made, p->band) + i / BLOCK8_ROWS]
                .steps;
        const uint32_t length = i < p->rows ? p->lengths[p->order[i]] : 0;
        const uint64_t from = i < p->rows ? p->cursors[p->first + p->order[i]] : 0;
        const uint64_t to = at + i % BLOCK8_ROWS;

        for (uint32_t step = 0; step < steps; step++) {
            const bool is = step < length;

            made->values[to + (uint64_t)step * BLOCK8_ROWS] = is ? p->w->values[from + step] : -0.0f;
            made->offsets[to + (uint64_t)step * BLOCK8_ROWS] =
                (uint16_t)(BLOCK8_SAMPLE_BYTES * (is ? csr_column(p->w, from + step) - begin : made->width));
        }
        if (i % BLOCK8_ROWS == BLOCK8_ROWS - 1)
            at += (uint64_t)steps * BLOCK8_ROWS;
    }
}

/* Goes over all blocks and bands: once to count, once, with `fill`, to fill. */
static uint64_t go_over(const struct csr *w, struct packed_block8 *made, uint64_t *cursors, bool fill)
{
    struct place place = { .w = w, .made = made, .cursors = cursors };
    uint64_t at = 0;

    memcpy(cursors, w->starts, w->rows * sizeof *cursors);
    for (place.block = 0; place.block < made->blocks; place.block++) {
        for (place.band = 0; place.band < made->packed.units; place.band++) {
            uint64_t entries;

            place.first = place.band * BLOCK8_BAND;
            place.rows = MIN((uint32_t)BLOCK8_BAND, w->rows - place.first);
            entries = plan_band(&place);
            made->starts[(size_t)place.block * made->packed.units + place.band] = at;
            if (fill)
                fill_band(&place, at);
            else
                made->work[place.band + 1] += entries;
            at += entries;
            for (uint32_t i = 0; i < place.rows; i++)
                cursors[place.first + i] += place.lengths[i];
        }
    }
    return at;
}

/* Of all bands, what they have in all blocks. */
static int plan(const struct csr *w, struct packed_block8 *made, uint64_t *cursors, uint64_t *entries)
{
    made->work = memory_zalloc((size_t)made->packed.units + 1, sizeof *made->work);
    if (!made->work)
        return -ENOMEM;
    *entries = go_over(w, made, cursors, false);
    for (uint32_t band = 0; band < made->packed.units; band++)
        made->work[band + 1] += made->work[band];
    made->packed.work = &made->work;
    made->packed.unit_work = made->blocks * BAND_WORK;
    return 0;
}

static int pack(const struct csr *w, struct packed **out)
{
    struct packed_block8 *made = calloc(1, sizeof *made);
    uint64_t *cursors, entries = 0;
    size_t groups, bands;

    if (!made)
        return -ENOMEM;
    *out = &made->packed;
    made->width = columns_of_block(w);
    made->blocks = (w->columns - 1) / made->width + 1;
    made->group_count = (w->rows - 1) / BLOCK8_ROWS + 1;
    made->packed.units = (w->rows - 1) / BLOCK8_BAND + 1;
    made->packed.grain = 1;
    groups = (size_t)made->blocks * made->group_count;
    bands = (size_t)made->blocks * made->packed.units;
    made->groups = memory_zalloc(groups, sizeof *made->groups);
    made->starts = memory_alloc(bands, sizeof *made->starts);
    cursors = memory_alloc(w->rows, sizeof *cursors);
    if (made->groups && made->starts && cursors && !plan(w, made, cursors, &entries)) {
        made->values = memory_alloc(entries + 1, sizeof *made->values);
        made->offsets = memory_alloc(entries + 1, sizeof *made->offsets);
    }
    if (made->values && made->offsets)
        go_over(w, made, cursors, true);
    free(cursors);
    made->packed.memory = sizeof *made + groups * sizeof *made->groups +
                          (bands + made->packed.units + 1) * sizeof *made->starts +
                          entries * (sizeof *made->values + sizeof *made->offsets);
    return made->values && made->offsets ? 0 : -ENOMEM;
}

static void release(struct packed *packed)
{
    struct packed_block8 *made = (struct packed_block8 *)packed;

    free(made->work);
    free(made->groups);
    free(made->starts);
    free(made->values);
    free(made->offsets);
    free(made);
}

const struct weight_format weight_format_block8 = { .name = "block8",
                                                    .costs = { [1] = { 0.0008f, 0.181f },
                                                               { 0.0015f, 0.181f },
                                                               { 0.0007f, 0.184f },
                                                               { 0.0017f, 0.251f },
                                                               { 0.0044f, 0.463f },
                                                               { 0.0092f, 0.918f } },
                                                    .can = can,
                                                    .pack = pack,
                                                    .free = release };
