/* SPDX-License-Identifier: Apache-2.0
 *
 * What a layer kind is. A new kind is one file in layers/ and one line in layers.inc: nothing else knows its name.
 * What others must know of a kind it says itself, in its traits.
 *
 * Values are feature-major (tensor.h). forward() and backward() allocate nothing, take no lock, and may be called by
 * several threads at once, each with its own `part` of `parts`: a part writes only what it owns, and what it computes
 * does not depend on `parts`. So results are the same to the bit for any number of threads.
 */
#ifndef SPARSE_LAYERS_LAYER_H
#define SPARSE_LAYERS_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sparse/kernels/weights.h"
#include "sparse/tensor/csr.h"
#include "sparse/tensor/shape.h"
#include "sparse/tensor/tensor.h"

enum {
    LAYER_NAME_MAX = 64,
    LAYER_INPUTS_MAX = 4,
    LAYER_VECTORS_MAX = 4,
    LAYER_PARAMETERS_MAX = 8,
};

struct layer_kind;

/* A dense one-dimensional tensor of a layer: a bias, a scale. data NULL when the layer has none. */
struct vector {
    float *data;
    uint64_t count;
    bool owned;
};

struct layer {
    const struct layer_kind *kind;
    char name[LAYER_NAME_MAX];
    uint32_t inputs[LAYER_INPUTS_MAX]; /* numbers of values */
    uint32_t input_count;
    double parameters[LAYER_PARAMETERS_MAX];  /* as kind->parameters names them */
    struct shape shape;                       /* of its output, from kind->shape() */
    struct csr weight;                        /* CSR_NULL when the kind has none */
    struct vector vectors[LAYER_VECTORS_MAX]; /* as kind->vectors names them */
};

/* What a layer of a structure will be, before anything is sampled: from its parameters and its inputs' shapes alone. */
struct layer_plan {
    struct shape shape; /* of its output */
    /* The dense weight: outputs x (inputs * kernel_height * kernel_width) potential connections; all 0 without one. */
    uint64_t inputs, outputs, kernel_height, kernel_width;
    uint64_t groups;    /* of channels that are mapped apart, each from `inputs` of its own; 0 stands for 1 */
    uint64_t blocks;    /* of rows, alike, each multiplied with an input of its own (weights_split()); 0 stands for 1 */
    uint64_t recurrent; /* of `inputs`, the last: its own neurons as they were a position before; 0 without */
    bool direct;        /* runs on its connections as they stand: nothing is packed for it */
    bool convolution;   /* its kernel counts in the density solve, be it 1 x 1 */
    double uses;        /* multiply-adds of one connection for one sample: output positions, tokens */
    double fixed_cost;  /* multiply-adds of one sample that no connection does: the products of attention */
    uint64_t vectors[LAYER_VECTORS_MAX]; /* lengths, as layer_kind.vectors names them */
};

enum parameter_type {
    PARAMETER_WHOLE,
    PARAMETER_REAL,
    PARAMETER_ENUM, /* from 0, numbers of the kind's words: files and people see the word */
};

struct layer_parameter {
    const char *name;
    double default_value, min, max; /* value when absent, and bounds */
    enum parameter_type type;
};

/* A dense vector that a kind has, one a layer. */
struct layer_vector {
    const char *name; /* in the model file: "bias" */
    float first;      /* what its elements begin at */
    /* Not learnt from gradients: forward() writes it in LAYER_TRAIN, each element by the part that owns it. It is saved
     * and restored like what is learnt; it has no gradient, and no optimizer touches it. */
    bool statistic;
};

/* What a pass is for. */
enum layer_mode {
    LAYER_SERVE,    /* weights stand still and are packed; activations share memory */
    LAYER_EVALUATE, /* the same answers, to the bit, from weights that move between runs */
    LAYER_TRAIN,    /* a backward pass follows */
};

/* What prepare() is told. */
struct layer_setup {
    const struct layer *layer; /* judged; of its weight perhaps only rows, columns and count: costs are forecast so */
    const struct layer_plan *plan;
    const struct shape *inputs; /* layer->input_count */
    enum layer_mode mode;       /* LAYER_TRAIN: backward() too, and LAYER_EVALUATE in the same pass */
    size_t batch;               /* samples at most */
    const bool *accumulate;     /* by input: whether backward() may be told to add to its gradient */
    bool sparse_input;          /* its input comes as vectors, to serve as samples; nobody asks for its gradient */
    uint32_t length;            /* of steps: positions that a sequence has at most; 0: of whole values */
};

/* Room that a pass keeps for a layer: bytes. Every area begins at a cache line; what is in it is undefined at first. */
struct layer_needs {
    uint64_t scratch;      /* for one call; the next layer gets the same. All parts see it */
    uint64_t scratch_part; /* the same for each part */
    uint64_t saved;        /* written by forward(), for the backward pass: the layer's own. All parts see it */
    uint64_t gathered;     /* what forward_gather() and backward_gather() write; only in LAYER_TRAIN */
};

/* Where a layer's random numbers are in this step, for base/rng.h; which of them are whose, the kind says by element
 * and sample. A sample is counted through the whole step, so that who runs a part of it finds the same. */
struct layer_random {
    uint64_t seed, stream;
    uint64_t first; /* the number, in the step, of the run's first sample */
};

struct layer_step; /* sparse/layers/step.h */

/* One call's operands. */
struct layer_run {
    const struct layer *layer;
    const struct kernels *kernels;
    const struct weights *weights;  /* NULL without */
    const struct tensor *const *in; /* layer->input_count */
    const struct tensor *out;
    const struct finish *finish; /* what it does for layers behind it, the last of which `out` is of; NULL: nothing */
    enum layer_mode mode;
    struct layer_random random;           /* in LAYER_TRAIN, the same forward and backward */
    void *scratch, *scratch_part, *saved; /* as large as prepare() asked for */
    const struct layer_step *step;        /* step.h; NULL: whole values */
    void *own;                            /* what this process gathers */
    const void *gathered;                 /* that of all who share the batch, in their order; NULL: this one is alone */
    unsigned peers;                       /* how many that is */
    unsigned part, parts;
    /* Of a kind that goes through time: which stretch of it this is, of so many that follow each other on one thread,
     * with the scratch as the one before left it. 0 stretches: all of it. */
    unsigned stretch, stretches;
};

/* Operands of the backward pass. Gradients are of the loss summed over the batch. */
struct layer_back {
    struct layer_run run;      /* as it was forward; run.out holds the output */
    const float *out_gradient; /* laid out as run.out */
    float *const *in_gradient; /* laid out as run.in; NULL where nobody needs it; no two are the same memory */
    /* By input. True: in_gradient holds what later layers sent, and the new value is added to it: computed whole and
     * rounded, then one addition an element. False: it is overwritten. */
    const bool *accumulate;
    /* One per connection, overwritten; NULL without weights. All 0 where the input comes as vectors: what they do not
     * reach can be left. */
    float *weight_gradient;
    float *const *vector_gradient; /* as layer->vectors; NULL for absent ones and statistics */
};

/* How the channels of a kind's inputs (their first dimension) get to those of its output. */
enum layer_flow {
    FLOW_CHANNELS, /* each to its own; with a weight, along its connections */
    FLOW_CONCAT,   /* one input's after the other's */
    FLOW_MIXED,    /* each to all; with a weight, each to all rows that have a connection */
};

/* What a kind does to an element when served, where whoever computes that can do it before storing it; in the order in
 * which struct finish (kernels.h) has them: as affine() says by channel, the sum of its two inputs, relu(). */
enum layer_finish { FINISH_NONE, FINISH_NORM, FINISH_ADD, FINISH_RECTIFY };

/* How several inputs become one output. */
enum layer_merge {
    MERGE_NONE,     /* there is one input, or the others do not go in */
    MERGE_ELEMENTS, /* element by element: they all have the output's width */
    MERGE_CONCAT,   /* one after the other */
    MERGE_ATTEND,   /* queries, keys and values, each made by a layer of its own; and perhaps a mask */
};

/* What the elements of its output are: what a loss is chosen by. */
enum layer_distribution {
    DISTRIBUTION_NONE,
    DISTRIBUTION_CATEGORICAL, /* probabilities of classes of which one is so */
    DISTRIBUTION_BERNOULLI,   /* probabilities of labels of which each may be so */
};

/* What the short forms are spelt out with: --layers, and attention in documents. One kind has each. */
enum layer_role {
    ROLE_NONE,
    ROLE_MAP,          /* of all elements to neurons */
    ROLE_POSITION_MAP, /* of a position's features to neurons */
    ROLE_ACTIVATION,   /* between two maps */
    ROLE_CLASSES,      /* after the last */
    ROLE_ATTENTION,
};

/* What step_plan() is told: of whole sequences, whose positions are the last dimension. */
struct layer_step_setup {
    const struct layer *layer; /* judged */
    const struct shape *inputs;
    const bool *whole; /* by input: it is there before the first step; else it comes a position a step */
};

#define LAYER_ALONG_NONE UINT32_MAX

struct elementwise; /* sparse/layers/elementwise.h */
struct convolution; /* sparse/layers/convolution/convolution.h */

struct layer_kind {
    const char *name; /* in the model file: "linear", "relu", "softmax" */
    uint32_t inputs_min, inputs_max;
    bool weighted; /* has a sparse weight tensor */
    enum layer_flow flow;
    enum layer_merge merge;
    bool own_width;  /* its features are as many as it says, whatever comes in; weighted kinds' are anyway */
    bool follows;    /* belongs to the layer before it: comes and goes with it, as activations and norms do */
    bool transposed; /* files of dense weights have its inputs before its outputs */
    enum layer_finish finish;
    /* forward() does, when served, what a rectifier behind it would: a run's finish has that and no more. What
     * convolutions do, convolution_finishes() says. */
    bool rectifies;
    enum layer_distribution distribution;
    enum layer_role role;
    float gain; /* the variance of weights whose sums it reads is this much larger, to make up; 0 stands for 1 */
    /* Its input is numbers of columns, words, instead of values: its weights have an index by columns. */
    bool indexed;
    bool train_only;   /* outside of LAYER_TRAIN its output is its one input */
    bool quantizes;    /* outside of LAYER_TRAIN its output is whole numbers, its one input's: what can be kept */
    bool in_place;     /* forward() may be given the same memory as in[0] and out */
    bool in_time;      /* forward() goes along frames, and can stop between two of them (layer_run) */
    bool by_columns;   /* weighted: its backward pass goes by columns where the weights have the index */
    bool sparse_input; /* its input, the model's own, may come as vectors, and to serve as samples (tensor.h) */
    struct layer_vector vectors[LAYER_VECTORS_MAX]; /* up to the first without a name; each optional to check() */
    struct layer_parameter parameters[LAYER_PARAMETERS_MAX]; /* up to the first with name NULL */
    /* By parameter: its default stands for the value of the parameter of this number, from 1; 0: it is a value itself.
     */
    unsigned char default_of[LAYER_PARAMETERS_MAX];
    /* By parameter: what the values of a PARAMETER_ENUM are called, 0 first, up to the first NULL. */
    const char *const *words[LAYER_PARAMETERS_MAX];

    /* Plans it. `input_count` shapes stand at `inputs`; the parameters are within their bounds. WISP_E_FORMAT, and says
     * what does not fit. */
    int (*plan)(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why);
    /* Says what room it needs. NULL: none. WISP_E_FORMAT: more than a size can say, or not in this mode. */
    int (*prepare)(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why);
    const struct elementwise *elementwise; /* what it does to a run of elements; NULL: it is none such */
    /* The convolution that it is, of its parameters, input and output; NULL: it is none. */
    struct convolution (*convolution)(const double *parameters, const struct shape *in, const struct shape *out);
    void (*forward)(const struct layer_run *run);    /* NULL: can be planned and sampled, not run */
    void (*backward)(const struct layer_back *back); /* NULL: cannot be trained through */
    /* The rest of the backward pass, of what all parts have found: runs in parts when every part of backward() is
     * through, with the same scratch and what was saved. NULL: there is no rest. */
    void (*backward_join)(const struct layer_back *back);
    /* After the pass the last of the two that there is may be called again, with a layer whose weight has other
     * connections in the same rows and columns, no more than before, and whose values say nothing: for their gradients
     * alone. What was saved is as the pass left it; what stood in scratch is gone. */
    /* For a kind in which the samples of a batch meet. Where processes share the batch, each writes into `own`, which
     * is 0, what all must know of its samples; then forward(), which is called without samples too, and backward() find
     * it gathered. NULL: every sample is by itself. */
    void (*forward_gather)(const struct layer_run *run);
    void (*backward_gather)(const struct layer_back *back);
    /* forward() of one position of sequences that are each at one of their own (step.h): what it computes is what
     * forward() of whole sequences has there, to the bit. NULL: it needs other positions. Elementwise kinds, and those
     * that are there to train alone, step by forward(). */
    void (*step)(const struct layer_run *run);
    /* Whether it steps with such inputs; and bytes that it keeps of a sequence. NULL: where all come a position a step;
     * none. WISP_E_FORMAT: it does not, and why. */
    int (*step_plan)(const struct layer_step_setup *setup, uint64_t *kept, struct reason *why);
    /* Of a layer that does not step with all of its inputs: along which of the model's inputs its positions go
     * (sparse/passes/lengths.h), given along which each of its own inputs goes, LAYER_ALONG_NONE for none; so that what
     * it gives at the first of them follows from the first positions of its inputs, where the model's inputs are 0
     * behind those. NULL: along none. */
    uint32_t (*along)(const struct layer *layer, const uint32_t *inputs);
    /* What it does to a channel when served; NULL: not such a map. */
    void (*affine)(const struct layer *layer, size_t channel, struct affine *out);
};

/* Checks a layer with its weight and vectors against its inputs' shapes, by its kind's plan, and says its output's
 * shape. A weighted kind's first parameter is its number of output neurons or channels; 0, its default, means as many
 * as the weight has rows. Vectors may be absent. WISP_E_FORMAT, and says which dimension is wrong. */
int layer_shape(const struct layer *layer, const struct shape *inputs, struct shape *out, struct reason *why);

/* Whether a value is in a parameter's bounds, and whole unless it is a real one. WISP_E_FORMAT, and says which. */
int layer_parameter_check(const struct layer_parameter *rule, double value, struct reason *why);

/* The value of a PARAMETER_ENUM's word; NULL is none. WISP_E_FORMAT, and says which words there are. */
int layer_parameter_parse(const struct layer_kind *kind, unsigned number, const char *word, double *out,
                          struct reason *why);

/* The word for the value of a PARAMETER_ENUM, which is checked; NULL: the parameter is a number. */
const char *layer_parameter_word(const struct layer_kind *kind, unsigned number, double value);

/* Whether a parameter says what leaving it out would say: it is the default, or what the default stands for. */
bool layer_parameter_is_default(const struct layer_kind *kind, const double *parameters, unsigned number);

/* How many of a layer's inputs merge, from the first on: what comes after, a mask, says which elements there are. */
static inline uint32_t layer_merged(const struct layer_kind *kind, uint32_t input_count)
{
    return kind->merge == MERGE_ATTEND ? kind->inputs_min : input_count;
}

/* The plan behind layer_shape(): also what a layer of a model costs. */
int layer_plan(const struct layer *layer, const struct shape *inputs, struct layer_plan *out, struct reason *why);

/* The positions that one product of a layer runs over: all of the output's, but for a recurrent one, which takes one
 * after the other. */
uint64_t layer_product_positions(const struct layer_plan *plan);

/* How a kind steps; NULL: it does not. */
typedef void layer_step_function(const struct layer_run *run);
layer_step_function *layer_kind_step(const struct layer_kind *kind);
/* Whether a layer steps so, and bytes that it keeps of a sequence. WISP_E_FORMAT. */
int layer_step_plan(const struct layer_step_setup *setup, uint64_t *kept, struct reason *why);

/* Whether this version runs layers of a kind, in the daemon and in `wisp eval`; and whether it trains through them. */
bool layer_kind_serves(const struct layer_kind *kind);
bool layer_kind_trains(const struct layer_kind *kind);

/* The table's rows, in order; and the row of a name, NULL when there is none. */
const struct layer_kind *layer_kind_at(size_t index); /* NULL past the end */
const struct layer_kind *layer_kind_find(const char *name);
const struct layer_kind *layer_kind_of(enum layer_role role);

#endif
