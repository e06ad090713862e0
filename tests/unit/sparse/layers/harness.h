/* SPDX-License-Identifier: Apache-2.0
 *
 * What every layer kind must keep, whatever it computes, checked on one layer:
 *
 *   its answers are those of a reference in double, written naively for the kind;
 *   its gradients are the finite differences of that reference: of every input, connection and learnt vector;
 *   a sample's answer is the same to the bit alone and in a batch;
 *   answers, gradients and statistics are the same to the bit for any number of parts and for every kernel table, and
 * in place where the kind says that it can; a gradient that is added to becomes what was there plus the gradient, and
 * one that nobody needs is left out; nothing outside of what it was given is read or written: each operand stands
 * before a page that cannot be touched, between bytes that must not change, and what is undefined at first is filled
 * with NaNs.
 */
#ifndef TESTS_UNIT_SPARSE_LAYERS_HARNESS_H
#define TESTS_UNIT_SPARSE_LAYERS_HARNESS_H

#include "sparse/layers/layer.h"

/* Operands in double, feature-major like the layer's. */
struct reference_run {
    const struct layer *layer; /* its weight's structure, parameters and shape */
    const struct shape *inputs;
    const double *in[LAYER_INPUTS_MAX];
    const double *weight; /* one a connection, as in layer->weight.values */
    const double *vectors[LAYER_VECTORS_MAX];
    double *out;
    size_t batch;
    enum layer_mode mode;
    struct layer_random random;
};

struct layer_case {
    const char *kind;
    double parameters[LAYER_PARAMETERS_MAX]; /* all of them; 0 stands for the default */
    struct shape inputs[LAYER_INPUTS_MAX];
    uint32_t input_count;
    double density;                   /* of its weight */
    double scale;                     /* of its inputs, which are normal; 0 stands for 1 */
    uint32_t words[LAYER_INPUTS_MAX]; /* an input of whole numbers less than this; 0: of normal ones */
    void (*reference)(const struct reference_run *run);
};

/* Of so many numbers one has its finite difference looked at. A sanitizer sees the reference run, no layer, and takes
 * five times as long for it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { DIFFERENCES_APART = 7 };
#else
enum { DIFFERENCES_APART = 1 };
#endif

/* Fails the running test, and says what of which kind is wrong. */
void check_layer(const struct layer_case *c);

#endif
