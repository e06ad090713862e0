/* SPDX-License-Identifier: Apache-2.0
 *
 * Which column of a table is the label and which the text, and whether the first row names them.
 *
 * Names that are wished for (--label-column, --text-column) must stand in the first row, which is then no sample;
 * numbers count from 1. Without a wish, two columns are a label and a text, in this order, unless the first row has
 * known names for them ("text,label", "v1,v2"): then the names decide. Of more than two columns none is left out
 * silently: somebody must say which are meant. Where no labels are wanted, one column is the text, of two the second,
 * and of any number the one that has a known name. Pairs are a source and a target (--text-column, --target-columns),
 * in this order unless both are named so; of recordings with transcripts, the file and what is said in it.
 */
#ifndef FORGE_DATA_COLUMNS_H
#define FORGE_DATA_COLUMNS_H

#include "forge/data/dataset.h"
#include "forge/data/rows.h"

enum { COLUMNS_TARGETS_MAX = 64 };

struct columns {
    size_t label, text;                                /* counted from 0 */
    size_t targets[COLUMNS_TARGETS_MAX], target_count; /* in place of a label: columns of numbers, or the other text */
    bool heading;                                      /* the first row names them */
    bool named;                                        /* by number or name, by who calls: nothing was guessed */
};

/* From the first row of the table. WISP_E_FORMAT, and says which columns there are. */
int columns_find(const struct rows *first, const struct dataset_wish *wish, struct columns *out, struct reason *why);

#endif
