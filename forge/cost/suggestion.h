/* SPDX-License-Identifier: Apache-2.0
 *
 * --min-accuracy: the sparsest network of a structure that reached an accuracy here, by the history.
 */
#ifndef FORGE_COST_SUGGESTION_H
#define FORGE_COST_SUGGESTION_H

#include "forge/cost/history.h"

/* The sparsest run of these layers whose accuracy on validation samples is at least that. WISP_E_INVALID when none is,
 * and says which came nearest. */
int suggestion_find(const struct structure *structure, double accuracy, const char *database, struct store_record *out,
                    struct reason *why);

/* On stderr: what was chosen, and from which run. */
void suggestion_say(const char *verb, const struct store_record *run);

#endif
