/* SPDX-License-Identifier: Apache-2.0
 *
 * Trainings, from the events that tell of them (forge/train/progress.h): as they come, or from a file of JSON lines.
 * A candidate is a run of its own, to which it comes back when it goes on in a later round, and so is each training of
 * one that labels samples itself. An epoch that is told
 * again, because a run was resumed before it, takes the place of the first one and of all that came after. Runs without
 * an epoch are not kept. What is told of an adversary is a run beside the one that it was trained with.
 */
#ifndef FORGE_TRAIN_RUNS_RUN_LOG_H
#define FORGE_TRAIN_RUNS_RUN_LOG_H

#include <jansson.h>
#include <stdbool.h>

#include "forge/draw/charts/runs.h"

struct run_log {
    struct run *runs;
    size_t count;
    char file[RUN_NAME_MAX];      /* what runs are called that come now, but for which candidate they are */
    char candidate[RUN_NAME_MAX]; /* that, and which it is */
    char name[RUN_NAME_MAX];      /* of the one at hand: that, and which round of it */
    size_t first, current;        /* of the file; the one at hand, `count` before its first epoch */
};

#define RUN_LOG_NULL ((struct run_log){ .runs = NULL })

/* What comes now is of a run of this name. */
void run_log_begin(struct run_log *log, const char *name);
/* Takes an event; those of which it knows nothing are passed over. WISP_E_FORMAT: an epoch without its figures. */
int run_log_event(struct run_log *log, const json_t *event, struct reason *why);
/* A file's events, or standard input's ("-"), as of runs that are called after the file. WISP_E_FORMAT, with file:line.
 */
int run_log_read(struct run_log *log, const char *path, struct reason *why);
void run_log_deinit(struct run_log *log); /* idempotent */

#endif
