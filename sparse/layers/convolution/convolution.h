/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution, and its transpose, connection by connection. A window moves over a picture; its places are the
 * positions, and a connection links a channel of the picture, by a tap of the window, to a channel of the positions. So
 * there are three products, of which each kind of layer is made:
 *
 *   gather   positions = bias + what the connections bring from the picture      conv forward, deconv's input gradient
 *   spread   picture = bias + what they bring from the positions                 deconv forward, conv's input gradient
 *   dots     a connection's gradient: positions times the picture under its tap  both
 *
 * Each goes over strips: some lines and columns of the positions, with all channels of what is read in frames
 * (frame.h). There a connection's inputs are one view, so that a strip is a product with shifted views (kernels.h):
 * nothing is as large as the columns of im2col, and no time goes where there is no connection. Lanes are whatever is
 * innermost: samples of a batch, else pixels.
 *
 * An output is one chain, in the order of the weight's rows and columns, with +0 in the padding. Strips of gather and
 * spread belong to parts, as they are cut for them; a connection's gradient belongs to the part that owns its channel
 * of the picture, and is the sum over strips, whose cut depends on shape and batch alone.
 */
#ifndef SPARSE_LAYERS_CONVOLUTION_CONVOLUTION_H
#define SPARSE_LAYERS_CONVOLUTION_CONVOLUTION_H

#include "sparse/kernels/choice_cache.h"
#include "sparse/kernels/tiles.h"
#include "sparse/kernels/ways.h"
#include "sparse/layers/layer.h"
#include "sparse/layers/window.h"

struct convolution {
    const struct kernels *kernels;
    const struct csr *weight;
    const struct csr
        *regrouped;    /* its connections by phase, then row, for spread() of one that is transposed; or NULL */
    const float *bias; /* NULL: none */
    /* Of gather() without `add`, which then is no product, and of serve(): what becomes of its sums. NULL: nothing */
    const struct finish *finish;
    bool full;                   /* of tiles: by their full blocks (tiles.h), which there are */
    struct window window;        /* over the picture; its places are the positions */
    uint32_t picture, positions; /* channels */
    uint32_t groups;             /* divides both: of channels that have connections with one another */
    bool transposed; /* rows of the weight are the picture's channels, columns the positions'; one group then */
    size_t batch;    /* samples */
    unsigned part, parts;
};

enum convolution_product { CONVOLUTION_GATHER, CONVOLUTION_SPREAD, CONVOLUTION_DOTS };

/* Into how many interleaved pictures spread() writes, and by a tap into which. */
uint32_t convolution_phases(const struct window *window);
uint32_t convolution_phase(const struct window *window, uint32_t tap);

/* Bytes of scratch that a part needs for a product, with the convolution's batch or a smaller one, and with `add` or
 * without; of the weight, rows, columns and count matter. False: more than sizes can say. */
bool convolution_scratch(const struct convolution *c, enum convolution_product product, bool add, uint64_t *bytes);

/* out = bias + what the connections bring; with `add`, that is computed and rounded, and then added to out. */
void convolution_gather(const struct convolution *c, const float *picture, float *positions, bool add, void *scratch);
void convolution_spread(const struct convolution *c, const float *positions, float *picture, bool add, void *scratch);

/* Overwrites the gradients of the connections of the picture's channels that are the part's. */
void convolution_dots(const struct convolution *c, const float *picture, const float *positions, float *gradient,
                      void *scratch);

/* 1 x 1, at every element: the product that a projection is, which the weight's formats are for. */
bool convolution_is_product(const struct convolution *c);

/* How positions that follow each other in a line, and their samples, stand as lanes in the picture. With a stride of 2
 * a vector has whole positions of up to 8 samples; of more, or with a longer stride of more than one, it has lanes of
 * one position, side by side. */
struct lanes convolution_lanes(const struct convolution *c);

/* ---- by tiles, to serve (tiles.c) ---- */

/* Whether it can be, and whether gather() is reckoned to be better done so: of the weight, rows, columns and count
 * matter. */
bool convolution_can_tiles(const struct convolution *c);
bool convolution_is_tiled(const struct convolution *c);
/* As convolution_scratch(), and convolution_gather() without `add`, to the bit. */
bool convolution_tile_scratch(const struct convolution *c, uint64_t *bytes);
void convolution_tile(const struct convolution *c, const struct tiles *tiles, const float *picture, float *positions,
                      void *scratch);

/* ---- by tiles of samples, to serve batches (samples.c) ---- */

/* Whether it can be, and whether gather() is reckoned to be better done so: of the weight, rows, columns and count
 * matter. */
bool convolution_can_samples(const struct convolution *c);
bool convolution_may_samples(const struct convolution *c);
bool convolution_is_samples(const struct convolution *c);
struct tile_window convolution_window(const struct convolution *c);
/* As convolution_scratch(), and convolution_gather() without `add`, to the bit; `tiles` by tiles_new_vectors(). */
bool convolution_samples_scratch(const struct convolution *c, uint64_t *bytes);
void convolution_samples(const struct convolution *c, const struct tiles *tiles, const float *picture, float *positions,
                         void *scratch);

/* ---- by tiles of lines, to serve what is no batch (lines.c) ---- */

/* As of samples; with so many samples, too. Tiles by tiles_new_vectors(). */
bool convolution_can_lines(const struct convolution *c);
bool convolution_may_lines(const struct convolution *c);
bool convolution_is_lines(const struct convolution *c);
struct tile_window convolution_lines_window(const struct convolution *c);
bool convolution_lines_scratch(const struct convolution *c, uint64_t *bytes);
void convolution_lines(const struct convolution *c, const struct tiles *tiles, const float *picture, float *positions,
                       void *scratch);

/* ---- on the picture as it stands (direct.c) ---- */

/* Whether it can be, whether that may be worth it, and whether gather() is reckoned to be better done so: of the
 * weight, rows and count matter. */
bool convolution_can_direct(const struct convolution *c);
bool convolution_may_direct(const struct convolution *c);
bool convolution_is_direct(const struct convolution *c);
/* As convolution_scratch(), and convolution_gather() without `add`, to the bit. A part owns channels of positions. */
bool convolution_direct_scratch(const struct convolution *c, uint64_t *bytes);
void convolution_direct(const struct convolution *c, const float *picture, float *positions, void *scratch);

/* ---- what the kinds have in common ---- */

/* Whether gather(), or spread(), can go a way with the batch that it has, and it may be worth to ask the clock. */
bool convolution_can(const struct convolution *c, enum convolution_way way);
/* The ways that batches of up to the convolution's may go, whatever is chosen. */
void convolution_candidates(const struct convolution *c, bool ways[CONVOLUTION_WAYS]);
/* Whether each batch of up to the convolution's can go a way of its class. */
bool convolution_can_choice(const struct convolution *c, const struct way_choice *choice);
/* What a choice is where nobody asks the clock: reckoned from shape and count. */
struct way_choice convolution_estimate(const struct convolution *c);
/* Which way a batch goes, by the choice that the weights were made for. */
enum convolution_way convolution_way_with(const struct convolution *c, const struct weights *weights);
/* Makes what some ways run on; of a product besides what *weights has, which was made. -ENOMEM. */
int convolution_cut(const struct convolution *c, const bool used[CONVOLUTION_WAYS], struct weights **weights);
/* The same for a choice, or where it is NULL what is reckoned, with c's kernels; of a product besides what *weights
 * has, which was made. -ENOMEM. */
int convolution_weights(const struct convolution *c, const struct way_choice *choice, struct weights **weights);
/* Whether there is a choice: a transposed one has one way. */
bool convolution_has_choice(const struct convolution *c);
/* The choice that the cache knows, or measures while it has patience and tells it, or estimates; no cache: that.
 * `formats` are a product's weights, else NULL (convolution/choice.c). -ENOMEM, -EOVERFLOW. */
int convolution_choose(const struct convolution *c, struct choice_cache *cache, struct weights *formats,
                       struct way_choice *out);
/* As convolution_scratch(), of what convolution_serve() may do, whatever is chosen. */
bool convolution_serve_scratch(const struct convolution *c, uint64_t *bytes);
/* What forward() is: positions = bias + what the connections bring from the picture; or transposed, the picture from
 * them. */
void convolution_serve(const struct convolution *c, const struct weights *weights, const float *in, float *out,
                       void *scratch);
/* Whether that takes such a step of a finish. */
bool convolution_finishes(const struct convolution *c, enum layer_finish step);
/* What a pass of its batch runs in, for people: a format, or a way. */
const char *convolution_kernel(const struct convolution *c, const struct weights *weights);

/* The convolution that a layer is, whose kind has one, but for the run's kernels, bias, batch and parts.
 */
struct convolution convolution_of_layer(const struct layer *layer, const struct shape *in, const struct shape *out);

/* What kind->convolution() says: window, channels, groups, and whether it is transposed. The rest is the run's. */
typedef struct convolution convolution_of(const double *parameters, const struct shape *in, const struct shape *out);

int convolution_plan(const double *parameters, const struct shape *in, const struct shape *out_shape,
                     convolution_of *of, struct layer_plan *out, struct reason *why);
/* Of every kind that has a convolution. */
int convolution_prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why);
void convolution_forward(const struct layer_run *run);
void convolution_backward(const struct layer_back *back);

#endif
