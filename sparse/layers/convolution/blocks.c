/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/memory.h"
#include "sparse/layers/convolution/blocks.h"

/* Under the last block the inputs of the next tile are fetched, which stand a tile's floats behind this one's. */
static void look_ahead(const struct tile_work *work, uint32_t block, struct tile_ahead *ahead)
{
    const bool last = block + 1 == work->tiles->block_count;
    const struct tile_block *next = &work->tiles->blocks[last ? 0 : block + 1];

    *ahead = (struct tile_ahead){ .x = work->ahead + (last ? work->fill.pitch : 0),
                                  .columns = next->columns,
                                  .channel = work->fill.channel,
                                  .floats = work->fill.pitch,
                                  .count = next->column_count };
}

/* `again`: the rows that are in doubt. */
static void run_blocks(struct tile_work *work, const unsigned char *again)
{
    const struct tiles *tiles = work->tiles;
    struct tile_ahead ahead;

    work->run.panel = work->panel;
    work->run.again = again;
    work->run.ahead = work->ahead ? &ahead : NULL;
    for (uint32_t b = 0; b < tiles->block_count; b++) {
        const bool last = b + 1 == tiles->block_count;

        work->fill.block = work->run.block = &tiles->blocks[b];
        work->run.begins = b == 0;
        work->run.streams = last && work->streams;
        work->run.finish = last ? work->finish : NULL;
        work->run.full = work->full && !again;
        work->run.doubts = last && tiles->gaps && work->run.full ? work->doubts : NULL;
        if (work->ahead)
            look_ahead(work, b, &ahead);
        work->kernels->tile_fill(&work->fill, work->panel);
        work->kernels->tile_run(&work->run);
    }
}

size_t convolution_doubts(const struct csr *w)
{
    return ((size_t)w->rows + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

void convolution_blocks(struct tile_work *work)
{
    const bool gapped = work->full && work->tiles->gaps;
    const uint32_t rows = work->tiles->blocks[0].full_rows; /* of full blocks, which are all or none */

    if (gapped)
        memset(work->doubts, 0, rows);
    run_blocks(work, NULL);
    if (gapped && memchr(work->doubts, 1, rows))
        run_blocks(work, work->doubts);
}
