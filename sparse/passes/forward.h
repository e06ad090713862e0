/* SPDX-License-Identifier: Apache-2.0
 *
 * The forward pass: the one that trainer and daemon share.
 *
 * A plan holds everything a pass needs, made beforehand: packed weights and activations for up to `batch` samples.
 * Running it allocates nothing, takes no lock and makes no syscall, but to wake a pool that sleeps. One thread (or one
 * thread pool) at a time; the model outlives the plan.
 */
#ifndef SPARSE_PASSES_FORWARD_H
#define SPARSE_PASSES_FORWARD_H

#include <stddef.h>

#include "base/error.h"
#include "base/pool.h"
#include "sparse/graph/model.h"
#include "sparse/kernels/kernels.h"
#include "sparse/layers/layer.h"

struct forward;

/* Those who run the same passes, each on samples of its own of one batch; some on none. */
struct forward_peers {
    unsigned count;
    /* Puts the `bytes` at `own` of each into `all`, in an order that is the same for all of them. */
    void (*gather)(void *argument, const void *own, size_t bytes, void *all);
    void (*sum)(void *argument, float *values, size_t count); /* each becomes the sum of all */
    void *argument;
};

/* A pass that runs some of the layers. */
struct forward_part {
    const bool *values; /* by value: what there is in it: inputs that it is given, outputs of the layers that it runs */
    const bool *kept;   /* by value: forward_value() has it after the run; NULL: none */
    uint32_t length;    /* positions of a sequence at most, for forward_step(); 0: of whole values */
};

struct forward_setup {
    const struct model *model;
    const struct kernels *kernels;
    enum layer_mode mode; /* LAYER_TRAIN keeps every value for the backward pass, and packs no weight: they move */
    size_t batch;         /* samples at most */
    struct pool *pool;    /* that passes run on, borrowed; NULL: the caller alone, */
    unsigned threads;     /* or a pool of so many at most that is lent later (forward_lend()); 0: none will be */
    struct choice_cache *choices;    /* to serve: of weight formats; NULL: they are measured */
    bool apart;                      /* to serve: samples go one after the other, and there is memory for one */
    bool lengths;                    /* to serve: forward_set_lengths() may follow, so any number of columns may come */
    bool sparse_input;               /* to train and to evaluate: for forward_run_sparse(), and for nothing else */
    bool input_gradient;             /* to train: backward_gradient() of the model's inputs too; not of sparse ones */
    const struct forward_part *part; /* to serve, borrowed; NULL: all layers */
    const struct forward_peers *peers; /* in LAYER_TRAIN, borrowed; NULL: the batch is this pass's alone */
    const struct forward *weights_of;  /* what a pass of the same model, kernels and mode, of as many samples at least,
                                        * which outlives this one, has made of the model's weights; NULL: this one makes
                                        * it. They may run at the same time */
};

/* Whether the model's input can come sparse: every layer that reads it takes it so. */
bool forward_takes_sparse(const struct model *model);

/* WISP_E_FORMAT: a layer's kind cannot be run so. -ENOMEM. */
int forward_new(const struct forward_setup *setup, struct forward **out, struct reason *why);
struct forward *forward_free(struct forward *forward); /* accepts NULL; returns NULL */

/* From now on passes run on this pool, of no more threads than the setup says; NULL: on the caller's alone. */
void forward_lend(struct forward *forward, struct pool *pool);

/* To train: the model has other connections, as many a layer as before, in the same arrays. What was prepared of the
 * old ones is made anew, for those passes too that run on it. -ENOMEM; WISP_E_FORMAT: the plan can only be freed. */
int forward_reconnect(struct forward *forward, struct reason *why);

/* Frees what no pass of this plan reads of its model (model_strip()). -ENOMEM, and nothing is freed. */
int forward_strip(const struct forward *forward, struct model *model);

/* Bytes that serving takes besides weights and activations, for an index of what reads the model's input (bags.h). */
uint64_t forward_index_memory(const struct model *model);

/* Serves `count` samples (1 .. batch) of a checked model. Row-major tensors of one sample stand anywhere in memory,
 * aligned as their elements need: input t of sample b at inputs[b * input_count + t], outputs likewise; of a part, the
 * inputs that it is given count. Where a sample is computed by itself layers read and write its floats in place; else
 * they are gathered into activations as the first step of the pass, and scattered as the last. Where samples take
 * longer together, as the times that were taken say or earlier passes, they go one after the other. The answer of a
 * sample is the same to the bit whatever it was batched with. */
void forward_serve(struct forward *forward, const void *const *inputs, void *const *outputs, size_t count);

/* The same in slices, between which the caller does what it likes, but no other run of this plan: as much as takes
 * about `ns`, by the times that were taken and as finely as layers can be cut; false when that was the last. On a pool
 * a slice is one turn, or one for each of some samples: between two no other thread is at work. Both arrays are read
 * till then. Of several samples one that nobody wants any more may have its outputs made NULL, all of them and for
 * good, and its inputs those of another: from then on its own memory is not touched. A pass that nobody wants is left,
 * and the next one begun. */
void forward_serve_begin(struct forward *forward, const void *const *inputs, void *const *outputs, size_t count);
bool forward_serve_slice(struct forward *forward, uint64_t ns);

/* Runs one sample, and `count`, and takes the time of each step: an estimate of what passes take from then on. -ENOMEM.
 */
int forward_time(struct forward *forward, const void *const *inputs, void *const *outputs, size_t count);
/* Whether samples go one after the other, as those times say, or the setup. */
bool forward_is_apart(const struct forward *forward);
/* Of a pass of so many samples, by the clock; 0: no times were taken. */
uint64_t forward_estimate(const struct forward *forward, size_t count);
/* How many threads are at it in the slices of the pass that was begun last. */
unsigned forward_threads(const struct forward *forward);

/* Runs on a feature-major activation of `count` samples, in the setup's mode; or evaluates in a pass that is made for
 * training. `input` is the first of the model's inputs; others stand where forward_input() says. The values can then
 * be read by forward_value(); all of them only in a pass for training. With peers a batch may have no sample here
 * (`input` is not read then), and no value.
 */
void forward_run(struct forward *forward, enum layer_mode mode, const float *input, size_t count);
/* The same for samples that are sparse, a vector each: what is 0 costs nothing. The answers are those of the samples in
 * full, but that a sum of 0 may have another sign. */
void forward_run_sparse(struct forward *forward, enum layer_mode mode, const struct sparse_vector *input, size_t count);
bool forward_is_sparse(const struct forward *forward);
/* Whether the model is one of sequences (lengths.h), of which forward_run() can take the first positions alone, in a
 * pass that may (one that serves by its setup's word); and
 * how many of each input it takes from now on, from 1 to all; NULL: all. Inputs stand as they do at all positions,
 * which are the first rows; other values, and their gradients, are as if the model had so many. */
bool forward_has_lengths(const struct forward *forward);
void forward_set_lengths(struct forward *forward, const uint32_t *lengths);
/* A step of `count` sequences, by layer (sparse/layers/step.h): in a pass with a part that has a length, of a model in
 * which what goes along the sequence has one position. What goes in stands where forward_input() says. */
struct layer_step;
void forward_step(struct forward *forward, const struct layer_step *steps, size_t count);
/* The same in slices, as forward_serve_begin() and forward_serve_slice() have them; and
 * the time of each layer in a step of one sequence, and of `count`. A step that nobody wants is left, and the next one
 * begun. -ENOMEM. */
void forward_step_begin(struct forward *forward, const struct layer_step *steps, size_t count);
bool forward_step_slice(struct forward *forward, uint64_t ns);
int forward_step_time(struct forward *forward, const struct layer_step *steps, size_t count);
/* Where the random numbers of the next runs in LAYER_TRAIN are, and of the backward passes after them. Layer i's stream
 * is `stream` + i, so streams of different steps are FORWARD_STREAMS apart. */
enum { FORWARD_STREAMS = 1 << 16 };
void forward_random(struct forward *forward, const struct layer_random *random);
/* A layer's, as it is lent them. */
struct layer_random forward_random_of(const struct forward *forward, uint32_t layer);
/* The plan's own memory for an input, of `batch` samples: for who makes inputs and needs no other place for them. */
float *forward_input(struct forward *forward, uint32_t input);
const float *forward_value(const struct forward *forward, size_t value);

/* Bytes that such a plan would have on `parts` threads, from the shapes alone: the weights may be missing. -ENOMEM;
 * WISP_E_FORMAT. */
struct forward_bytes {
    uint64_t activations; /* a backward pass has as many again */
    uint64_t workspace;
    uint64_t weights; /* what is made of those that train: their indices */
};
int forward_bytes(const struct forward_setup *setup, unsigned parts, struct forward_bytes *out, struct reason *why);

/* Bytes of packed weights, activations and workspace; what the model holds comes on top (model_memory()). */
size_t forward_memory(const struct forward *forward);
/* A layer's weights as this plan runs them; NULL where there are none. */
const struct weights *forward_weights(const struct forward *forward, size_t layer);
/* Whether this plan runs a layer. */
bool forward_runs(const struct forward *forward, size_t layer);
/* What a layer runs in with so many samples, for `wisp show`: "sell16", of a convolution "tiles of lines"; "". And with
 * a class of batches, which counts columns, of convolutions samples; NULL: they cannot come. */
const char *forward_kernel(const struct forward *forward, size_t layer, size_t batch);
const char *forward_class_kernel(const struct forward *forward, size_t layer, unsigned batch_class);
/* Whether a layer ends with what another behind it does, which has no call of its own (endings.h). */
bool forward_ends_with(const struct forward *forward, size_t layer, size_t other);

#endif
