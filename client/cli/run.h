/* SPDX-License-Identifier: Apache-2.0
 *
 * `wisp run`: what is sent (input.c), and how the answer is printed (answer.c).
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/screen.h"
#include "cli/session.h"

struct run {
    struct session session;
    bool json, raw, verbose, tensor;
    uint64_t top_k;
    const char *text; /* of --text; NULL: none */
    const char *target;
    wisp_model *model;
    wisp_request *request;
    struct screen screen;   /* standard output */
    size_t label_columns;   /* of the model's longest label */
    struct wisp_label *top; /* top_k of them; NULL when the model has no labels */
};

/* One sample: a file, "-", or a sentence from the command line. */
struct input {
    const char *name; /* for messages and headings */
    const char *path; /* NULL: `text` is the input */
    const char *text;
};

/* Writes one sample for the model. On failure `why` holds a sentence that names the input. */
int input_encode(const struct run *run, const struct input *input, float *sample, struct reason *why);

struct answer {
    const struct input *input;
    const float *output;
    struct wisp_receipt receipt;
    uint64_t encode_ns; /* from the file to the tensor, in this process */
};

/* Prints one answer in the form that the options ask for. WISP_E_INVALID, with libwisp's sentence, when it has no
 * labels because it is no number; -errno of running out of memory. */
int answer_print(struct run *run, const struct answer *answer);

/* --json: the line of an input that failed. */
int answer_print_failure(const struct run *run, const struct input *input, int result, const char *text);

#endif
