/* SPDX-License-Identifier: Apache-2.0
 *
 * Processing types that there are, MODALITY.TASK, and which of them a network can serve: today one that ends in a
 * softmax classifies, and what classifies can be trained.
 */
#ifndef FORGE_EXPERIMENT_TASKS_H
#define FORGE_EXPERIMENT_TASKS_H

#include <stdbool.h>

#include "base/error.h"
#include "forge/data/dataset.h"
#include "forge/train/loss.h"

/* Whether the type is one that there is: "raw", a modality alone (its default task), or with a task of it.
 * WISP_E_INVALID, and says which there are. */
int task_check(const char *processing, struct reason *why);

/* The same, and that a network which ends in a softmax (or does not) is not called what it cannot be. */
int task_fits(const char *processing, bool softmax, struct reason *why);

/* The loss that a task has whatever the last layer is; NULL: the one that suits that layer. */
const struct loss *task_loss(const char *processing);

/* The small structure of a type, or of a modality's default task, that is built when none is named; NULL: there is no
 * such type. */
const char *task_structure(const char *processing);

/* The same where the data are a table of texts and their labels, which a network that tags words does not take, and
 * where a text has several of them; NULL: there is none. */
const char *task_structure_of_labels(const char *processing, bool several);

/* What each word is tagged with, by a network that says something of each. */
enum dataset_tags task_tags(const char *processing);

#endif
