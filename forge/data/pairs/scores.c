/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/data/pairs/scores.h"

#define PSNR_MAX 100

int pair_scores_init(struct pair_scores *s, const struct dataset *set, const struct media *media)
{
    const struct pairs *pairs = set->pairs;
    uint32_t dimensions[4];

    media_shape(media, dimensions);
    *s = (struct pair_scores){ .set = set,
                               .mask = media_answer(media) == MEDIA_ANSWER_MASK,
                               .has_input = pairs->scale == 1 && pairs->channels == dimensions[0],
                               .threshold = 0.5f,
                               .of = memory_zalloc(pairs->count, sizeof *s->of) };
    media_answer_levels(media, pairs->channels, &s->levels);
    return s->of ? 0 : -ENOMEM;
}

void pair_scores_deinit(struct pair_scores *scores)
{
    free(scores->of);
    scores->of = NULL;
}

/* As a byte would be, but for its rounding. */
static double brightness(const float levels[256], float value)
{
    const double byte = 255 * ((double)value - (double)levels[0]) / ((double)levels[255] - (double)levels[0]);

    return byte <= 0 ? 0 : byte >= 255 ? 255 : byte;
}

/* An element of a batch's tensors. */
struct compared {
    float input, output, target;
};

static void add_number(struct pair_sums *sums, const struct pair_scores *s, const float levels[256],
                       const struct compared *c)
{
    const double target = brightness(levels, c->target);
    const double off = brightness(levels, c->output) - target, before = brightness(levels, c->input) - target;
    const bool said = c->output > s->threshold, wanted = c->target > 0.5f;

    sums->numbers++;
    sums->said += said;
    sums->wanted += wanted;
    sums->both += said && wanted;
    if (s->mask)
        return;
    sums->squares += off * off;
    sums->input_squares += before * before;
}

static void add_sample(struct pair_scores *s, const struct tile *tile, size_t stride, const float *input,
                       const float *output, const float *target)
{
    const struct pairs *pairs = s->set->pairs;
    const size_t scale = pairs->scale, width = pairs->width * scale, plane = width * pairs->height * scale;

    for (size_t c = 0; c < pairs->channels; c++) {
        for (size_t y = tile->down.own_begin * scale; y < tile->down.own_end * scale; y++) {
            for (size_t x = tile->across.own_begin * scale; x < tile->across.own_end * scale; x++) {
                const size_t at = (c * plane + y * width + x) * stride;

                add_number(&s->of[tile->pair], s, s->levels.values[c],
                           &(struct compared){ s->has_input ? input[at] : target[at], output[at], target[at] });
            }
        }
    }
}

void pair_scores_add(struct pair_scores *s, const uint32_t *which, size_t count, const float *input,
                     const float *output, const float *target)
{
    for (size_t i = 0; i < count; i++)
        add_sample(s, &s->set->pairs->tiles[which[i]], count, input + i, output + i, target + i);
}

static double psnr(double squares, uint64_t numbers)
{
    const double mean = squares / (double)MAX(numbers, 1);

    return mean > 0 ? MIN(10 * log10(255.0 * 255.0 / mean), (double)PSNR_MAX) : PSNR_MAX;
}

static double iou(const struct pair_sums *sums)
{
    const uint64_t together = sums->said + sums->wanted - sums->both;

    return together ? (double)sums->both / (double)together : 1;
}

static uint32_t first_sample(const struct pairs *pairs, size_t pair)
{
    uint32_t sample = 0;

    while (pairs->tiles[sample].pair != pair)
        sample++;
    return sample;
}

struct pair_figures pair_scores_figures(const struct pair_scores *s)
{
    const size_t count = s->set->pairs->count;
    struct pair_figures f = { .pictures = count };
    struct pair_sums all = { .numbers = 0 };
    size_t worst = 0;

    for (size_t i = 0; i < count; i++) {
        const struct pair_sums *sums = &s->of[i];
        const double score = s->mask ? iou(sums) : psnr(sums->squares, sums->numbers);

        if (!i || score < f.worst) {
            f.worst = score;
            worst = i;
        }
        f.psnr += psnr(sums->squares, sums->numbers) / (double)count;
        f.input_psnr += psnr(sums->input_squares, sums->numbers) / (double)count;
        f.iou_mean += iou(sums) / (double)count;
        all.both += sums->both;
        all.said += sums->said;
        all.wanted += sums->wanted;
    }
    f.iou = iou(&all);
    f.dice = all.said + all.wanted ? 2 * (double)all.both / (double)(all.said + all.wanted) : 1;
    f.worst_sample = first_sample(s->set->pairs, worst);
    return f;
}
