/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/data/recordings/likeness.h"

#define DECIBELS_MAX 100

static double dot(const float *a, const float *b, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

double si_sdr(const float *estimate, const float *target, size_t count)
{
    const double power = dot(target, target, count);
    const double scale = power > 0 ? dot(estimate, target, count) / power : 0;
    double distortion = 0;

    for (size_t i = 0; i < count; i++) {
        const double off = scale * (double)target[i] - (double)estimate[i];

        distortion += off * off;
    }
    if (!(scale * scale * power > 0))
        return -DECIBELS_MAX;
    return distortion > 0 ? fmax(-DECIBELS_MAX, fmin(DECIBELS_MAX, 10 * log10(scale * scale * power / distortion)))
                          : DECIBELS_MAX;
}

int likeness_init(struct likeness *l, const struct dataset *set, const struct media *media)
{
    const struct recordings *r = set->recordings;
    size_t longest = 0;

    for (size_t i = 0; i < r->count; i++)
        longest = MAX(longest, r->pairs[i].target.count);
    *l = (struct likeness){ .set = set,
                            .media = media,
                            .masks = memory_alloc(media_elements(media), sizeof *l->masks),
                            .estimate = memory_alloc(longest, sizeof *l->estimate),
                            .of = memory_alloc(r->count, sizeof *l->of) };
    return l->masks && l->estimate && l->of ? 0 : -ENOMEM;
}

void likeness_deinit(struct likeness *l)
{
    media_masking_free(l->masking);
    free(l->masks);
    free(l->estimate);
    free(l->of);
    *l = (struct likeness){ .set = NULL };
}

static int add_block(struct likeness *l, const struct recording_block *block, struct reason *why)
{
    const struct recordings *r = l->set->recordings;
    const struct recording_pair *pair = &r->pairs[block->pair];
    struct media_finished finished;
    int result;

    if (!block->piece) {
        l->masking = media_masking_free(l->masking);
        l->done = 0;
        if (media_masking_new(l->media, pair->inputs, &l->masking))
            return refuse_errno(why, -ENOMEM, "a recording put together");
    }
    result = media_masking_take(l->masking, l->masks, &finished, why);
    if (result)
        return result;
    memcpy(l->estimate + l->done, finished.samples, finished.count * sizeof *finished.samples);
    l->done += finished.count;
    if (block->piece + 1 == media_masking_pieces(l->masking))
        l->of[block->pair] = pair->power > 0 ? si_sdr(l->estimate, pair->target.samples, l->done) : NAN;
    return 0;
}

int likeness_add(struct likeness *l, const uint32_t *which, size_t count, const float *masks, struct reason *why)
{
    const size_t elements = media_elements(l->media);
    int result = 0;

    for (size_t i = 0; i < count && !result; i++) {
        for (size_t e = 0; e < elements; e++)
            l->masks[e] = masks[e * count + i];
        result = add_block(l, &l->set->recordings->blocks[which[i]], why);
    }
    return result;
}

double likeness_best_input(const struct recording_pair *pair, uint32_t inputs)
{
    double best = -DECIBELS_MAX;

    for (uint32_t i = 0; i < inputs; i++)
        best = fmax(best, si_sdr(pair->inputs[i].samples, pair->target.samples, pair->target.count));
    return best;
}

static uint32_t first_sample(const struct recordings *r, size_t pair)
{
    uint32_t sample = 0;

    while (r->blocks[sample].pair != pair)
        sample++;
    return sample;
}

struct likeness_figures likeness_figures(const struct likeness *l)
{
    const struct recordings *r = l->set->recordings;
    struct likeness_figures f = { .recordings = 0 };

    for (size_t i = 0; i < r->count; i++) {
        const struct recording_pair *pair = &r->pairs[i];

        if (isnan(l->of[i]))
            continue;
        if (!f.recordings++ || l->of[i] < f.lowest) {
            f.lowest = l->of[i];
            f.lowest_sample = first_sample(r, i);
        }
        f.si_sdr += l->of[i];
        f.input += likeness_best_input(pair, r->inputs);
    }
    f.si_sdr /= (double)MAX(f.recordings, (size_t)1);
    f.input /= (double)MAX(f.recordings, (size_t)1);
    return f;
}
