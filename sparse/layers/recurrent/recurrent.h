/* SPDX-License-Identifier: Apache-2.0
 *
 * What recurrent kinds have in common: {features, frames} and perhaps a state to begin with become the state after
 * every frame, one frame after the other. Each has `gates` rows of the weight for a hidden neuron, gate by gate; a
 * row's columns are the inputs, then the hidden neurons of the frame before. A frame is one product over samples: a
 * part owns samples, [begin, begin + samples), and works on rows of only those; frames and samples stand in a value's
 * rows as ever. Back through time goes by samples too. What is left, gradients of inputs and connections, which are
 * sums and products over all frames, is the rest of the backward pass.
 */
#ifndef SPARSE_LAYERS_RECURRENT_H
#define SPARSE_LAYERS_RECURRENT_H

#include "sparse/layers/planning.h"

enum { RECURRENT_NEURONS, RECURRENT_DIRECTION };

/* Words of `direction`. */
extern const char *const recurrent_directions[];

struct recurrence {
    uint32_t inputs, hidden, frames;
    bool backward;         /* from the last frame to the first */
    size_t batch;          /* samples that values have */
    size_t begin, samples; /* the part's */
    uint32_t first, past;  /* steps of the stretch */
};

struct recurrent_form {
    uint32_t gates, state, width; /* numbers of the state, and of the output's features */
};
/* WISP_E_FORMAT. */
int recurrent_plan(const double *parameters, const struct shape *inputs, uint32_t input_count,
                   const struct recurrent_form *form, struct layer_plan *out, struct reason *why);

/* Floats of scratch for a sample, of forward() and of backward(); rows of the output's frames that it saves. */
struct recurrent_room {
    uint64_t forward, backward, saved;
};
int recurrent_prepare(const struct layer_setup *setup, const struct recurrent_room *room, struct layer_needs *needs,
                      struct reason *why);

struct recurrence recurrence_of(const struct layer_run *run);

/* Whether the state to begin with is to be taken now: the other stretches find it where the one before left it. */
static inline bool recurrence_is_first(const struct recurrence *r)
{
    return !r->first;
}

/* The part's own of a scratch that has `floats` for each sample. */
float *recurrence_scratch(const struct recurrence *r, void *scratch, uint64_t floats);

/* The frame at step 0, 1, ... */
static inline uint32_t recurrence_frame(const struct recurrence *r, uint32_t step)
{
    return r->backward ? r->frames - 1 - step : step;
}

/* Of a value whose rows have so many frames; a state has 1. */
struct frame {
    uint32_t at, frames;
};

/* The part's samples of `rows` rows at a frame: taken into, given from, and added to rows of those samples alone. */
void frame_take(const struct recurrence *r, struct frame frame, const float *from, size_t rows, float *to);
void frame_give(const struct recurrence *r, struct frame frame, const float *from, size_t rows, float *to);
void frame_add(const struct recurrence *r, struct frame frame, const float *from, size_t rows, float *sum);

/* The state to begin with: input 1 from `row` on, or zeroes. And back: sends its gradient there, if anybody needs it.
 */
void recurrence_begin(const struct recurrence *r, const struct layer_run *run, size_t row, size_t rows, float *to);
void recurrence_send(const struct recurrence *r, const struct layer_back *back, size_t row, size_t rows,
                     const float *gradient);

/* Of steps: the state, `floats` of a sequence, hidden neurons first, is kept. recurrence_begin() takes it from there
 * but for the first position, and recurrence_keep() puts it back, where the run is a step. */
int recurrent_step_plan(const struct layer_step_setup *setup, uint64_t floats, uint64_t *kept, struct reason *why);
void recurrence_keep(const struct recurrence *r, const struct layer_run *run, size_t row, size_t rows,
                     const float *from);

/* Rows [begin, end) of the weight, borrowed. */
struct csr recurrent_rows(const struct layer_run *run, uint32_t begin, uint32_t end);

/* The rest of the backward pass, given the gradient of the rows' sums, laid out as rows of frames: of inputs, of the
 * connections from them, and of biases; and of connections from hidden neurons to rows [begin, end), which saw those as
 * `seen`, laid out likewise; NULL: as they were after the frame before. */
struct recurrent_part {
    uint32_t begin, end;
    const float *seen;
};
void recurrent_join_inputs(const struct layer_back *back, const struct recurrence *r, const float *sums);
void recurrent_join_hidden(const struct layer_back *back, const struct recurrence *r, const float *sums,
                           const struct recurrent_part *part);

#endif
