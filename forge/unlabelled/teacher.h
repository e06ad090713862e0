/* SPDX-License-Identifier: Apache-2.0
 *
 * A trained model whose answers are another one's targets (Hinton, Vinyals and Dean 2015): it sees the samples that its
 * pupil sees, augmented alike, but by its own description of the input, and with nothing dropped. Labels have no part
 * in it.
 */
#ifndef FORGE_UNLABELLED_TEACHER_H
#define FORGE_UNLABELLED_TEACHER_H

#include "base/pool.h"
#include "forge/train/batches.h"
#include "sparse/graph/model.h"
#include "sparse/kernels/kernels.h"

struct teacher;

/* Borrowed for the teacher's life. */
struct teacher_setup {
    const struct model *model;
    const struct media *media; /* how inputs become its tensor */
    const struct dataset *data;
    const struct model *pupil; /* what it gives, the teacher gives: shape, and names where both have them */
    const struct kernels *kernels;
    struct pool *pool;
    size_t batch; /* samples at most */
    bool keep;    /* as batches_new() */
};

/* WISP_E_FORMAT: no teacher for this pupil, or for these data, and says what differs. Else as batches_new() and
 * forward_new(). */
int teacher_new(const struct teacher_setup *setup, struct teacher **out, struct reason *why);
struct teacher *teacher_free(struct teacher *teacher); /* accepts NULL; returns NULL */

/* What it says of the samples, into `values`, laid out like the pupil's output: answers.give of batches.h. */
int teacher_answer(void *teacher, const struct batch *batch, float *values, struct reason *why);

#endif
