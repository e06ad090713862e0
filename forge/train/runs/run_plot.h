/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of trainings as a file; its ending says which sort: .svg, .png, .pdf.
 */
#ifndef FORGE_TRAIN_RUNS_RUN_PLOT_H
#define FORGE_TRAIN_RUNS_RUN_PLOT_H

#include "forge/train/runs/run_log.h"

/* Whether so many runs could be drawn to a file of that name: WISP_E_INVALID. */
int run_plot_check(const char *path, size_t runs, struct reason *why);
int run_plot_write(const struct run_log *log, const char *title, const char *path, struct reason *why);

#endif
