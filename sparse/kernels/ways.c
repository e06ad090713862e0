/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/size.h"
#include "sparse/kernels/kernels.h"
#include "sparse/kernels/ways.h"

static const struct {
    const char *name, *word;
    enum convolution_way sparse;
} ways[CONVOLUTION_WAYS] = {
    [WAY_SAMPLES] = { "tiles of samples", "samples", WAY_SAMPLES },
    [WAY_SAMPLES_FULL] = { "dense tiles of samples", "samples+", WAY_SAMPLES },
    [WAY_LINES] = { "tiles of lines", "lines", WAY_LINES },
    [WAY_LINES_FULL] = { "dense tiles of lines", "lines+", WAY_LINES },
    [WAY_TILES] = { "tiles", "tiles", WAY_TILES },
    [WAY_TILES_FULL] = { "dense tiles", "tiles+", WAY_TILES },
    [WAY_PRODUCT] = { "formats", "formats", WAY_PRODUCT },
    [WAY_DIRECT] = { "direct", "direct", WAY_DIRECT },
    [WAY_VIEWS] = { "views", "views", WAY_VIEWS },
};

const char *way_name(enum convolution_way way)
{
    return ways[way].name;
}

const char *way_word(enum convolution_way way)
{
    return ways[way].word;
}

bool way_find(const char *word, enum convolution_way *out)
{
    for (unsigned way = 0; way < CONVOLUTION_WAYS; way++) {
        if (!strcmp(word, ways[way].word)) {
            *out = (enum convolution_way)way;
            return true;
        }
    }
    return false;
}

enum convolution_way way_sparse(enum convolution_way way)
{
    return ways[way].sparse;
}

bool way_is_full(enum convolution_way way)
{
    return ways[way].sparse != way;
}

enum { LANES_LEAST = PACK_LANES * 3 / 4 };

/* The last two: of batches that fill vectors, and of large ones that do not. */
enum { CLASS_FULL = WAY_CLASSES - 2, CLASS_PARTLY = WAY_CLASSES - 1 };

static const unsigned char firsts[CLASS_FULL] = { 0, 2, 5, 8 };

bool way_fills_vectors(size_t batch)
{
    return batch >= (batch + PACK_LANES - 1) / PACK_LANES * LANES_LEAST;
}

unsigned way_class_of(size_t batch)
{
    unsigned way_class = CLASS_FULL - 1;

    if (way_fills_vectors(batch))
        return CLASS_FULL;
    if (batch > PACK_LANES)
        return CLASS_PARTLY;
    while (batch < firsts[way_class])
        way_class--;
    return way_class;
}

size_t way_class_batch(unsigned way_class)
{
    static const unsigned char batches[WAY_CLASSES] = { 1, 4, 7, 8, 16, 20 };

    return batches[way_class];
}

unsigned way_class_last(size_t batch)
{
    return batch > PACK_LANES ? CLASS_PARTLY : way_class_of(batch);
}
