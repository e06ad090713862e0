/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches in classes: within one, the same format is the fastest, or nearly. What counts is the number of columns that
 * one product runs over: samples, or positions x samples.
 */
#ifndef SPARSE_BATCH_CLASS_H
#define SPARSE_BATCH_CLASS_H

#include <stddef.h>

enum { BATCH_CLASSES = 7 };

static inline unsigned batch_class_of(size_t columns)
{
    static const unsigned char firsts[BATCH_CLASSES] = { 0, 2, 5, 8, 16, 32, 64 };
    unsigned batch_class = BATCH_CLASSES - 1;

    while (columns < firsts[batch_class])
        batch_class--;
    return batch_class;
}

/* "1", "2-4", "5-7", "8-15", "16-31", "32-63", "64-" */
const char *batch_class_name(unsigned batch_class);
/* The columns that stand for the class when it is timed. */
size_t batch_class_columns(unsigned batch_class);

#endif
