/* SPDX-License-Identifier: Apache-2.0
 *
 * What train and eval have in common: a model, the description of its input, a split of the data in the model's
 * classes, threads and kernels; opened in this order, and each checked against the ones before.
 */
#ifndef FORGE_SESSION_H
#define FORGE_SESSION_H

#include "base/options.h"
#include "base/pool.h"
#include "forge/data/dataset.h"
#include "forge/labels.h"
#include "sparse/kernels/kernels.h"
#include "sparse/model.h"

struct session_options {
    const char *model, *data, *split, *processing, *media, *labels, *label_column, *text_column;
    uint64_t threads;
    bool blas, skip_bad, quiet;
    bool trains; /* what is wanted is training, not only running */
};

struct session {
    const char *verb;
    struct model *model; /* with processing type, media and labels as they will be */
    struct media *media;
    struct dataset *data;
    const struct kernels *kernels;
    struct pool *pool;
};

/* --data and what says how to read it, --processing, --media, --labels, --threads, --blas. */
void session_option_rows(struct option_table *table, struct session_options *options);

/* 0, or the exit status after one sentence on stderr; close in both cases. */
int session_open(struct session *session, const char *verb, const struct session_options *options);
void session_close(struct session *session); /* idempotent */

/* Gives the model, freshly read from the same file, the session's processing type, media and labels. -ENOMEM. */
int session_dress(const struct session *session, struct model *model);

#endif
