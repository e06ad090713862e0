/* SPDX-License-Identifier: Apache-2.0
 *
 * The weights of one layer as it runs them: packed in the format that was chosen for each class of batch, one copy a
 * format.
 *
 * What layers and passes use. They know no format by name.
 */
#ifndef SPARSE_WEIGHTS_H
#define SPARSE_WEIGHTS_H

#include "sparse/kernels/kernels.h"
#include "sparse/kernels/residence.h"

struct weights;
struct choice_cache;
struct tiles;
struct tile_window;
struct way_choice;

/* What weights are chosen for. */
struct weights_use {
    size_t columns_min, columns_max; /* of products: linear 1 .. batch; a convolution: positions .. positions x batch */
    enum residence residence;
    struct choice_cache *cache; /* what was measured before; NULL: nothing was */
};

/* To serve. Takes the choice that the cache knows, or measures (choose.h) while it has patience and tells it, or
 * estimates. `w` stays where it is as long as weights_borrow_csr() says so. -ENOMEM. */
int weights_new(const struct kernels *kernels, const struct csr *w, const struct weights_use *use,
                struct weights **out);
/* To train, or whenever values change: the matrix itself, whatever the batch; nothing is timed or copied. -ENOMEM. */
int weights_borrow(const struct kernels *kernels, const struct csr *w, struct weights **out);
/* To serve what runs by tiles alone: no format, and the matrix is not read any more. -ENOMEM. */
int weights_bare(const struct kernels *kernels, struct weights **out);
/* Besides, cut for tiles of positions (tiles.h): w's columns go by channel and tap, and it is multiplied with so many
 * columns; `full`: with full blocks. -ENOMEM. */
int weights_tile(struct weights *weights, const struct csr *w, uint32_t taps, uint64_t columns, bool full);
/* Besides, for tiles of samples, and of lines. -ENOMEM. */
int weights_tile_samples(struct weights *weights, const struct csr *w, const struct tile_window *window, bool full);
int weights_tile_lines(struct weights *weights, const struct csr *w, const struct tile_window *window, bool full);
/* Takes all tiles away again. */
void weights_drop_tiles(struct weights *weights);
/* Which way it goes by class of batch, for who makes them and asks for it again. */
void weights_set_ways(struct weights *weights, const struct way_choice *choice);
/* Besides, for what writes by phases: the connections of row r in column j are row phases[j] * rows + r of another
 * matrix, in their order. -EOVERFLOW, -ENOMEM. */
int weights_regroup(struct weights *weights, const struct csr *w, const uint32_t *phases, uint32_t phase_count);
/* From so many samples on the backward pass is faster by columns: measured, bench/bench_kernels. */
#define WEIGHTS_INDEX_BATCH 64

/* Gives borrowed weights the index by columns that such a pass and products with sparse samples go by; `w` as it was
 * borrowed, of at most CSC_CONNECTIONS_MAX connections. -ENOMEM. */
int weights_index_columns(struct weights *weights, const struct csr *w);
/* Besides, the values in the index's order, for who only looks columns up: a column's stand side by side. The index has
 * no connections from then on. -ENOMEM. */
int weights_gather_values(struct weights *weights, const struct csr *w);
/* Parts its rows into `blocks` blocks, alike, each packed by itself in the formats that were chosen: for who multiplies
 * them with different X. -ENOMEM. */
int weights_split(struct weights *weights, const struct csr *w, uint32_t blocks);
struct weights *weights_free(struct weights *weights); /* accepts NULL; returns NULL */

/* Y = bias + W X: the share of `part` of `parts` in its rows. Allocates nothing, takes no lock. */
void weights_run(const struct weights *weights, const struct product *product, unsigned part, unsigned parts);

/* The same for the rows of one block of weights that were split; bias and y are those of all rows. */
void weights_run_block(const struct weights *weights, uint32_t block, const struct product *product);

/* NULL where none was made. */
const struct csc *weights_columns(const struct weights *weights);
const float *weights_column_values(const struct weights *weights);
const struct tiles *weights_tiles(const struct weights *weights);
const struct tiles *weights_sample_tiles(const struct weights *weights);
const struct tiles *weights_line_tiles(const struct weights *weights);
const struct way_choice *weights_ways(const struct weights *weights);
const struct csr *weights_regrouped(const struct weights *weights);

/* Bytes of what was packed, and of the index. */
size_t weights_memory(const struct weights *weights);
/* Whether the matrix's arrays are still read. */
bool weights_borrow_csr(const struct weights *weights);
/* What a product over so many columns runs in: the name of a format, or "tiles". */
const char *weights_format(const struct weights *weights, size_t columns);
/* The same for a class of batches (batch_class.h); NULL for one that cannot come. */
const char *weights_class_format(const struct weights *weights, unsigned batch_class);
/* Nanoseconds that a column takes in batches of a class, as its format says of itself; 0 for one that cannot come. */
double weights_estimate(const struct weights *weights, const struct csr *w, unsigned batch_class);

#endif
