/* SPDX-License-Identifier: Apache-2.0
 *
 * What a halving keeps on disk (halving.h): a list of what was found, which says where it is, and a checkpoint a
 * candidate. The list is replaced after each finding, a candidate's checkpoint before it: whenever the run is killed,
 * the findings that are there are right, and the checkpoint after them is of the next.
 */
#ifndef FORGE_EXPERIMENT_HALVING_FILE_H
#define FORGE_EXPERIMENT_HALVING_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Of one candidate after one round. */
struct halving_found {
    uint64_t candidate, seed, epochs;
    bool diverged;         /* after its best epoch: it is not trained any more */
    double accuracy, loss; /* on the validation samples, of its best epoch */
};

struct halving_file {
    char *path;     /* of the list; the candidates' follow from it */
    bool temporary; /* in a folder of its own, which goes with it */
    json_t *list;
    size_t next; /* of what was found before the run was resumed */
};

/* path NULL: temporary. `resumes`: goes on from what is there; else what is there is removed. `run` says what the run
 * is of. WISP_E_INVALID: it is of another run. WISP_E_FORMAT, -errno. Is closed in any case. */
int halving_file_open(struct halving_file *file, const char *path, bool resumes, json_t *run, struct reason *why);
/* Removes what is temporary of so many candidates. */
void halving_file_close(struct halving_file *file, uint64_t candidates);

/* The checkpoint of candidate 0, 1, ...: freed with free(). NULL: out of memory. */
char *halving_file_of(const struct halving_file *file, uint64_t candidate);

/* What was found of out->candidate, whose turn it is, before the run was resumed. *there: whether it was.
 * WISP_E_FORMAT: the list has another one in its place. */
int halving_file_next(struct halving_file *file, struct halving_found *out, bool *there, struct reason *why);
int halving_file_add(struct halving_file *file, const struct halving_found *found, struct reason *why);

#endif
