/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of a text and its gist, as texts whose words are kept or not: a word is DATASET_KEPT where it stands on the
 * longest common subsequence of both, letters being small, or is one of four letters or more that the gist has
 * somewhere, and else DATASET_NO_KEYWORD. Of a text as many words count as there is room for.
 */
#ifndef FORGE_DATA_KEPT_H
#define FORGE_DATA_KEPT_H

#include "forge/data/collect.h"
#include "forge/data/rows.h"

/* The next sample, with the gist for its target. */
int kept_collect(const struct field *text, const struct field *gist, struct collect *collect, struct reason *why);

#endif
