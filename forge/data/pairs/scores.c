/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/data/pairs/scores.h"
#include "forge/data/pairs/ssim.h"

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
                               .of = memory_zalloc(pairs->count, sizeof *s->of),
                               .wholes = memory_zalloc(pairs->count, sizeof *s->wholes),
                               .weights = memory_alloc((size_t)pairs->width * pairs->scale, sizeof *s->weights) };
    media_answer_levels(media, pairs->channels, &s->levels);
    return s->of && s->wholes && s->weights ? 0 : -ENOMEM;
}

static void forget_whole(struct pair_whole *whole)
{
    free(whole->output);
    free(whole->input);
    whole->output = whole->input = NULL;
}

void pair_scores_deinit(struct pair_scores *scores)
{
    for (size_t i = 0; scores->wholes && i < scores->set->pairs->count; i++)
        forget_whole(&scores->wholes[i]);
    free(scores->wholes);
    free(scores->of);
    free(scores->weights);
    scores->weights = NULL;
    scores->wholes = NULL;
    scores->of = NULL;
}

/* ---- a picture, of its tiles ---- */

/* The pictures of a pair that are compared are as large as the target is, or, where that has a rest, what comes out. */
struct canvas {
    struct pieces across, down;
    size_t width, height;
    const float *weights; /* of the columns of the tile that is added */
};

static struct canvas canvas_of(const struct pair_scores *s, uint32_t pair)
{
    const struct pieces across = pairs_across(s->set, pair), down = pairs_down(s->set, pair);

    return (struct canvas){ across, down, across.length * across.scale, down.length * down.scale, s->weights };
}

static int begin_whole(const struct pair_scores *s, uint32_t pair)
{
    const struct canvas canvas = canvas_of(s, pair);
    struct pair_whole *whole = &s->wholes[pair];

    whole->output = memory_zalloc(canvas.width * canvas.height * s->set->pairs->channels, sizeof *whole->output);
    if (s->has_input)
        whole->input = memory_zalloc(canvas.width * canvas.height * s->set->pairs->channels, sizeof *whole->input);
    return whole->output && (whole->input || !s->has_input) ? 0 : -ENOMEM;
}

/* How much each column of a tile counts, from the first on that does. */
static void fill_weights(const struct canvas *canvas, const struct tile *tile, float *out)
{
    const struct pieces_stretch columns = pieces_stretch(&canvas->across, tile->across);

    for (size_t x = columns.begin; x < columns.end; x++)
        out[x - columns.begin] = pieces_weight(&canvas->across, tile->across, x);
}

/* One channel of a tile, whose numbers are `stride` apart, onto the picture's. */
static void add_channel(const struct canvas *canvas, const struct tile *tile, const float *values, size_t stride,
                        float *out)
{
    const struct pieces_stretch columns = pieces_stretch(&canvas->across, tile->across);
    const struct pieces_stretch rows = pieces_stretch(&canvas->down, tile->down);
    const size_t left = pieces_begin(&canvas->across, tile->across) * canvas->across.scale;
    const size_t top = pieces_begin(&canvas->down, tile->down) * canvas->down.scale;
    const size_t width = (size_t)canvas->across.size * canvas->across.scale;

    for (size_t y = rows.begin; y < rows.end; y++) {
        const float weight = pieces_weight(&canvas->down, tile->down, y);

        for (size_t x = columns.begin; x < columns.end; x++)
            out[y * canvas->width + x] +=
                weight * canvas->weights[x - columns.begin] * values[((y - top) * width + (x - left)) * stride];
    }
}

/* ---- how near it is ---- */

/* As a byte would be, but for its rounding. */
static double brightness(const float levels[256], float value)
{
    const double byte = 255 * ((double)value - (double)levels[0]) / ((double)levels[255] - (double)levels[0]);

    return byte <= 0 ? 0 : byte >= 255 ? 255 : byte;
}

/* A channel of a pair as brightness. */
struct planes {
    double *target, *output, *input;
};

static void fill_planes(const struct pair_scores *s, uint32_t pair, uint32_t channel, const struct canvas *canvas,
                        const struct planes *planes)
{
    const struct media_picture *target = pairs_target(s->set, pair);
    const struct pair_whole *whole = &s->wholes[pair];
    const float *levels = s->levels.values[channel];
    const size_t plane = canvas->width * canvas->height;

    for (size_t i = 0; i < plane; i++) {
        const size_t at = i / canvas->width * target->width + i % canvas->width;

        planes->target[i] = brightness(levels, levels[target->pixels[at * target->channels + channel]]);
        planes->output[i] = brightness(levels, whole->output[channel * plane + i]);
        if (whole->input)
            planes->input[i] = brightness(levels, whole->input[channel * plane + i]);
    }
}

static int compare_planes(const double *target, const double *other, const struct canvas *canvas, double *squares,
                          double *similarity)
{
    double one = 0;
    int result = 0;

    for (size_t i = 0; i < canvas->width * canvas->height; i++)
        *squares += (other[i] - target[i]) * (other[i] - target[i]);
    if (MIN(canvas->width, canvas->height) >= SSIM_SIDE_MIN)
        result = ssim(target, other, canvas->width, canvas->height, &one);
    *similarity += one;
    return result;
}

static int compare_pictures(struct pair_scores *s, uint32_t pair, const struct canvas *canvas)
{
    const size_t plane = canvas->width * canvas->height;
    cleanup_free double *numbers = memory_alloc(3 * plane, sizeof *numbers);
    const struct planes planes = { numbers, numbers + plane, numbers + 2 * plane };
    struct pair_sums *sums = &s->of[pair];
    int result = numbers ? 0 : -ENOMEM;

    for (uint32_t c = 0; c < s->set->pairs->channels && !result; c++) {
        fill_planes(s, pair, c, canvas, &planes);
        sums->numbers += plane;
        result = compare_planes(planes.target, planes.output, canvas, &sums->squares, &sums->similarity);
        if (!result && s->has_input)
            result = compare_planes(planes.target, planes.input, canvas, &sums->input_squares, &sums->input_similarity);
    }
    return result;
}

static void compare_masks(struct pair_scores *s, uint32_t pair, const struct canvas *canvas)
{
    const struct media_picture *target = pairs_target(s->set, pair);
    const size_t plane = canvas->width * canvas->height;
    struct pair_sums *sums = &s->of[pair];

    for (size_t i = 0; i < plane * target->channels; i++) {
        const size_t channel = i / plane, at = i % plane / canvas->width * target->width + i % plane % canvas->width;
        const uint8_t byte = target->pixels[at * target->channels + channel];
        const bool said = s->wholes[pair].output[i] > s->threshold, wanted = s->levels.values[channel][byte] > 0.5f;

        sums->said += said;
        sums->wanted += wanted;
        sums->both += said && wanted;
    }
}

static int compare(struct pair_scores *s, uint32_t pair, const struct canvas *canvas)
{
    if (!s->mask)
        return compare_pictures(s, pair, canvas);
    compare_masks(s, pair, canvas);
    return 0;
}

static int add_sample(struct pair_scores *s, const struct tile *tile, size_t stride, const float *input,
                      const float *output)
{
    const struct pairs *pairs = s->set->pairs;
    const struct canvas canvas = canvas_of(s, tile->pair);
    struct pair_whole *whole = &s->wholes[tile->pair];
    const size_t plane = canvas.width * canvas.height;
    const size_t of_tile = (size_t)pairs->width * pairs->scale * pairs->height * pairs->scale * stride;
    int result = whole->given ? 0 : begin_whole(s, tile->pair);

    if (result)
        return result;
    fill_weights(&canvas, tile, s->weights);
    for (uint32_t c = 0; c < pairs->channels; c++) {
        add_channel(&canvas, tile, output + c * of_tile, stride, whole->output + c * plane);
        if (s->has_input)
            add_channel(&canvas, tile, input + c * of_tile, stride, whole->input + c * plane);
    }
    if (++whole->given < canvas.across.count * canvas.down.count)
        return 0;
    result = compare(s, tile->pair, &canvas);
    forget_whole(whole);
    return result;
}

int pair_scores_add(struct pair_scores *s, const uint32_t *which, size_t count, const float *input, const float *output)
{
    int result = 0;

    for (size_t i = 0; i < count && !result; i++)
        result = add_sample(s, &s->set->pairs->tiles[which[i]], count, input + i, output + i);
    return result;
}

/* ---- figures ---- */

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

static bool has_ssim(const struct dataset *set, uint32_t pair)
{
    const struct media_picture *target = pairs_target(set, pair);

    return MIN(target->width, target->height) >= SSIM_SIDE_MIN;
}

struct pair_figures pair_scores_figures(const struct pair_scores *s)
{
    const size_t count = s->set->pairs->count;
    struct pair_figures f = { .pictures = count, .has_ssim = !s->mask };
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
        f.ssim += sums->similarity / s->set->pairs->channels / (double)count;
        f.input_ssim += sums->input_similarity / s->set->pairs->channels / (double)count;
        f.has_ssim &= has_ssim(s->set, (uint32_t)i);
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
