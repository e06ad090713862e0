/* SPDX-License-Identifier: Apache-2.0
 *
 * The ways that a convolution goes to serve, and a choice among them by class of batch. Which convolutions can go which
 * way, and how, is their layer's to know (sparse/layers/convolution/convolution.h); here they have names, for people
 * and for the file of choices (choice_cache.h).
 */
#ifndef SPARSE_WAYS_H
#define SPARSE_WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum convolution_way {
    WAY_SAMPLES, /* tiles of samples, of lines and of positions; and by full blocks, as dense ones */
    WAY_SAMPLES_FULL,
    WAY_LINES,
    WAY_LINES_FULL,
    WAY_TILES,
    WAY_TILES_FULL,
    WAY_PRODUCT, /* formats */
    WAY_DIRECT,
    WAY_VIEWS,
    CONVOLUTION_WAYS,
};

/* For people; and one word, for files. */
const char *way_name(enum convolution_way way);
const char *way_word(enum convolution_way way);
bool way_find(const char *word, enum convolution_way *out);
/* The same without full blocks; and whether it is by them. */
enum convolution_way way_sparse(enum convolution_way way);
bool way_is_full(enum convolution_way way);

/* Batches in classes, apart from those of formats: what counts is whether samples fill vectors. */
enum { WAY_CLASSES = 6 };

/* Whether three of four lanes count, where lanes are samples. */
bool way_fills_vectors(size_t batch);

unsigned way_class_of(size_t batch);
/* The batch that stands for a class when it is timed. */
size_t way_class_batch(unsigned way_class);
/* Of batches up to this one the last class. */
unsigned way_class_last(size_t batch);

/* Within a class a batch may be one for which a way cannot be, as lanes or lines do not come out: then the other is. */
struct way_choice {
    enum convolution_way first[WAY_CLASSES], other[WAY_CLASSES];
};

/* What a choice was made for: a convolution's sizes, its connections, and the last class; which number is which, the
 * layer knows. */
enum { WAY_KEY_NUMBERS = 14 };
struct way_key {
    uint64_t numbers[WAY_KEY_NUMBERS];
};

#endif
