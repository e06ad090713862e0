/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/data/pairs/pairs.h"
#include "forge/data/recordings/recordings.h"
#include "forge/experiment/split.h"
#include "forge/train/recipe.h"

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void sort(uint32_t *numbers, size_t count)
{
    qsort(numbers, count, sizeof *numbers, compare_numbers);
}

/* Of all samples in their order, the labelled ones first: these are parted, and the others come between. */
static void part(uint32_t *samples, size_t labelled, double validation, uint64_t seed, struct split *out)
{
    size_t held = (size_t)(validation * (double)labelled);

    /* At least one sample trains, and whoever asks for validation gets some. */
    if (validation > 0 && !held && labelled > 1)
        held = 1;
    out->validation_count = held;
    out->train_count = labelled - held;
    shuffle(samples, labelled, seed, recipe_stream(STREAM_SPLIT, 0, 0));
    memcpy(out->samples, samples, out->train_count * sizeof *samples);
    memcpy(out->samples + out->train_count, samples + labelled, out->unlabelled_count * sizeof *samples);
    memcpy(out->samples + out->train_count + out->unlabelled_count, samples + out->train_count, held * sizeof *samples);
    sort(out->samples, out->train_count);
    sort(out->samples + out->train_count, out->unlabelled_count);
    sort(out->samples + out->train_count + out->unlabelled_count, held);
}

static uint32_t *list_samples(size_t count)
{
    uint32_t *samples = memory_alloc(count, sizeof *samples);

    for (size_t i = 0; samples && i < count; i++)
        samples[i] = (uint32_t)i;
    return samples;
}

int split_make(size_t count, double validation, uint64_t seed, struct split *out)
{
    cleanup_free uint32_t *samples = list_samples(count);

    *out = (struct split){ .samples = memory_alloc(count, sizeof *out->samples) };
    if (!samples || !out->samples) {
        split_deinit(out);
        return -ENOMEM;
    }
    part(samples, count, validation, seed, out);
    return 0;
}

/* ---- pairs of pictures, or of recordings ---- */

static size_t count_pairs(const struct dataset *data)
{
    return data->pairs ? data->pairs->count : data->recordings->count;
}

static uint32_t pair_of(const struct dataset *data, size_t sample)
{
    return data->pairs ? data->pairs->tiles[sample].pair : data->recordings->blocks[sample].pair;
}

/* Crops of one picture overlap, so all of its samples stand on one side. */
static int part_pairs(const struct dataset *data, double validation, uint64_t seed, struct split *out)
{
    struct split parted;
    cleanup_free bool *held = memory_zalloc(count_pairs(data), sizeof *held);
    int result = split_make(count_pairs(data), validation, seed, &parted);
    size_t at = 0;

    if (result || !held) {
        split_deinit(&parted);
        return -ENOMEM;
    }
    for (size_t i = 0; i < parted.validation_count; i++)
        held[split_validation(&parted)[i]] = true;
    split_deinit(&parted);
    for (size_t i = 0; i < data->count; i++)
        out->validation_count += held[pair_of(data, i)];
    out->train_count = data->count - out->validation_count;
    for (size_t i = 0, last = out->train_count; i < data->count; i++)
        out->samples[held[pair_of(data, i)] ? last++ : at++] = (uint32_t)i;
    return 0;
}

/* ---- some of the labels ---- */

/* How many of a class's samples there are, how many of them keep their label, and how many ought to. */
struct share {
    size_t samples, kept;
    double ought;
};

/* One for each class that has samples, and each of the others for the class that lacks most. */
static void share_out(struct share *shares, size_t classes, size_t count, uint64_t labelled)
{
    uint64_t given = 0;

    for (size_t c = 0; c < classes; c++) {
        shares[c].ought = (double)labelled * (double)shares[c].samples / (double)count;
        shares[c].kept = shares[c].samples > 0;
        given += shares[c].kept;
    }
    for (; given < labelled; given++) {
        struct share *next = NULL;

        for (size_t c = 0; c < classes; c++) {
            const double lacks = shares[c].ought - (double)shares[c].kept;

            if (shares[c].kept < shares[c].samples && (!next || lacks > next->ought - (double)next->kept))
                next = &shares[c];
        }
        if (!next)
            return;
        next->kept++;
    }
}

/* Puts first those of the samples that have a label and are to have it, in the order in which they stand. Returns how
 * many. */
static size_t put_first(uint32_t *samples, size_t count, const struct dataset *data, struct share *shares)
{
    size_t first = 0;

    for (size_t i = 0; i < count; i++) {
        const uint32_t sample = samples[i];

        if (!shares[data->classes[sample]].kept)
            continue;
        shares[data->classes[sample]].kept--;
        samples[i] = samples[first];
        samples[first++] = sample;
    }
    return first;
}

int split_make_labelled(const struct dataset *data, uint64_t labelled, double validation, uint64_t seed,
                        struct split *out)
{
    const size_t known = data->rest ? data->own : data->count;
    cleanup_free struct share *shares = memory_zalloc(MAX(data->label_count, (size_t)1), sizeof *shares);
    cleanup_free uint32_t *samples = list_samples(data->count);
    size_t first = known;

    *out = (struct split){ .samples = memory_alloc(data->count, sizeof *out->samples) };
    if (!samples || !out->samples || !shares) {
        split_deinit(out);
        return -ENOMEM;
    }
    if (data->pairs || data->recordings)
        return part_pairs(data, validation, seed, out);
    if (labelled) {
        for (size_t i = 0; i < known; i++)
            shares[data->classes[i]].samples++;
        share_out(shares, data->label_count, known, labelled);
        shuffle(samples, known, seed, recipe_stream(STREAM_SPLIT, 1, 0));
        first = put_first(samples, known, data, shares);
        sort(samples, first);
    }
    out->unlabelled_count = data->count - first;
    part(samples, first, validation, seed, out);
    return 0;
}

void split_deinit(struct split *split)
{
    free(split->samples);
    *split = SPLIT_NULL;
}
