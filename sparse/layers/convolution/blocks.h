/* SPDX-License-Identifier: Apache-2.0
 *
 * One tile of a convolution by all blocks of its weight: what tiles of positions and of samples have in common.
 */
#ifndef SPARSE_LAYERS_CONVOLUTION_BLOCKS_H
#define SPARSE_LAYERS_CONVOLUTION_BLOCKS_H

#include "sparse/layers/convolution/convolution.h"

struct tile_work {
    const struct kernels *kernels;
    const struct tiles *tiles;
    struct tile_fill fill;       /* all but the block */
    struct tile_run run;         /* all but what depends on the block */
    const struct finish *finish; /* NULL: none */
    float *panel;
    unsigned char *doubts; /* a byte for each row of the weight */
    bool full;             /* by full blocks, which there are */
    bool streams;          /* what is written last is written past the caches */
    /* The first of the inputs, from which on each block's are fetched while the one before runs; NULL: filling does.
     */
    const float *ahead;
};

/* Bytes for the doubts about such a weight. */
size_t convolution_doubts(const struct csr *w);
void convolution_blocks(struct tile_work *work);

#endif
