/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes into a graph and what comes out: named tensors, several of each (docs/design/tensors.md). Models and
 * structures have the same.
 *
 * Values 0 to input_count - 1 of a graph are its inputs; value input_count + i is the output of layer i. An output is
 * one of those, by its number.
 */
#ifndef SPARSE_GRAPH_SIGNATURE_H
#define SPARSE_GRAPH_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

#include "sparse/tensor/dtype.h"
#include "sparse/tensor/shape.h"

enum {
    SIGNATURE_TENSORS_MAX = 8, /* the wire's WIRE_TENSORS_MAX */
    TENSOR_NAME_MAX = 32,      /* with the terminating zero */
};

struct model_tensor {
    char name[TENSOR_NAME_MAX]; /* as name_check() wants it */
    enum dtype dtype;
    float scale; /* of what is not float32: times this on the way in, and on the way out */
    uint32_t value;
    struct shape shape; /* of one sample; an output's is its value's */
};

struct signature {
    struct model_tensor inputs[SIGNATURE_TENSORS_MAX], outputs[SIGNATURE_TENSORS_MAX];
    uint32_t input_count;  /* 1 or more */
    uint32_t output_count; /* 0 until the graph is checked: the last layer's output, called "output" */
};

/* One float32 input of this shape, called "input"; the last layer's output. */
struct signature signature_of(struct shape input);

/* Whether one side is just one float32 tensor, which is what most models have. */
bool tensors_are_simple(const struct model_tensor *tensors, uint32_t count);

/* Whether a network can be trained with it: one float32 output, and inputs whose numbers are taken as they stand. */
bool signature_trains(const struct signature *signature);

/* Whether that tensor is what the short forms of files mean: the input called "input"; the last of `value_count`
 * values, called "output". */
bool signature_has_plain_input(const struct signature *signature);
bool signature_has_plain_output(const struct signature *signature, uint32_t value_count);

/* Names, dtypes, scales and shapes. WISP_E_FORMAT, and says which. */
int signature_check_inputs(const struct signature *signature, struct reason *why);
/* The same of outputs, each of which is the value of a layer and of no other output; their shapes are not looked at. */
int signature_check_outputs(const struct signature *signature, uint32_t value_count, struct reason *why);
/* `read` has bit i when a layer reads input i; every input must be read by one. */
int signature_check_read(const struct signature *signature, uint32_t read, struct reason *why);
/* Where no output is named, the last value is. */
void signature_complete(struct signature *signature, uint32_t value_count);

#endif
