/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches in classes: within one, the same format is the fastest, or nearly. What counts is the number of columns that
 * one product runs over: samples, or positions x samples.
 */
#ifndef SPARSE_BATCH_CLASS_H
#define SPARSE_BATCH_CLASS_H

#include <stddef.h>

enum { BATCH_CLASSES = 6 };

static inline unsigned batch_class_of(size_t columns)
{
    return columns < 2 ? 0 : columns < 8 ? 1 : columns < 16 ? 2 : columns < 32 ? 3 : columns < 64 ? 4 : 5;
}

/* "1", "2-7", "8-15", "16-31", "32-63", "64-" */
const char *batch_class_name(unsigned batch_class);
/* The columns that stand for the class when it is timed. */
size_t batch_class_columns(unsigned batch_class);

#endif
