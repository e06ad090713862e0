/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/attention_head.h"

#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "base/size.h"

/* Floats of each, for heads of `width` features; room: keys, rounded up to whole panels. No overflow: width x keys is
 * within MODEL_ELEMENTS_MAX. */
static void measure_areas(uint64_t width, uint64_t room, uint64_t floats[AREAS])
{
    const uint64_t lanes = width * LANES, tokens = width * room, panel = room * LANES;

    memcpy(floats,
           (const uint64_t[AREAS]){ [AREA_QUERIES] = lanes,
                                    [AREA_ANSWERS] = lanes,
                                    [AREA_KEYS] = tokens,
                                    [AREA_VALUES] = tokens,
                                    [AREA_SCORES] = panel,
                                    [AREA_TOKENS] = room,
                                    [AREA_QUERY_GRADIENTS] = lanes,
                                    [AREA_KEY_GRADIENTS] = tokens,
                                    [AREA_VALUE_GRADIENTS] = tokens,
                                    [AREA_SCORE_GRADIENTS] = panel,
                                    [AREA_TURNED] = panel },
           AREAS * sizeof *floats);
}

static size_t rounded(size_t keys)
{
    return (keys + LANES - 1) / LANES * LANES;
}

int heads_prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    const uint64_t width = setup->inputs[QUERIES].dimension[0] / (uint64_t)setup->layer->parameters[HEADS];
    uint64_t floats[AREAS];

    (void)why;
    measure_areas(width, rounded(MAX(setup->inputs[KEYS].dimension[1], setup->length)), floats);
    for (unsigned a = 0; a < (setup->mode == LAYER_TRAIN ? AREAS : AREAS_FORWARD); a++)
        needs->scratch_part += floats[a] * sizeof(float);
    return 0;
}

/* ---- a head of a sample ---- */

static bool is_kept(const struct head *h, size_t token)
{
    const struct layer_run *run = h->run;

    return run->layer->input_count <= MASK || truncf(run->in[MASK]->data[token * h->batch + h->sample]) != 0;
}

static void gather_keys(const struct head *h, const float *from, float *to)
{
    const uint32_t *tokens = head_tokens(h);

    for (size_t f = 0; f < h->width; f++) {
        for (size_t j = 0; j < h->kept; j++)
            to[f * h->room + j] = from[head_place(h, h->keys, f, tokens[j])];
    }
}

struct head head_begin(const struct layer_run *run, size_t number, size_t keys)
{
    const size_t batch = run->out->batch, heads = (size_t)run->layer->parameters[HEADS];
    struct head h = { .run = run,
                      .width = tensor_features(run->out) / heads,
                      .sample = number % batch,
                      .batch = batch,
                      .queries = run->in[QUERIES]->shape.dimension[1],
                      .keys = run->in[KEYS]->shape.dimension[1],
                      .room = rounded(keys),
                      .causal = run->layer->parameters[CAUSAL] != 0 };
    float *next = run->scratch_part;
    uint64_t floats[AREAS];

    h.first = number / batch * h.width;
    h.factor = 1 / sqrtf((float)h.width);
    measure_areas(h.width, h.room, floats);
    for (unsigned a = 0; a < (run->mode == LAYER_TRAIN ? AREAS : AREAS_FORWARD); next += floats[a++])
        h.area[a] = next;
    return h;
}

struct head head_of_sample(const struct layer_run *run, size_t number)
{
    struct head h = head_begin(run, number, run->in[KEYS]->shape.dimension[1]);

    for (size_t t = 0; t < h.keys; t++) {
        if (is_kept(&h, t))
            head_tokens(&h)[h.kept++] = (uint32_t)t;
    }
    gather_keys(&h, run->in[KEYS]->data, h.area[AREA_KEYS]);
    gather_keys(&h, run->in[VALUES]->data, h.area[AREA_VALUES]);
    return h;
}

size_t heads_count(const struct layer_run *run)
{
    return (size_t)run->layer->parameters[HEADS] * run->out->batch;
}

struct block head_block(const struct head *h, size_t begin)
{
    struct block block = { begin, MIN((size_t)LANES, h->queries - begin), h->kept };

    while (h->causal && block.reach && head_tokens(h)[block.reach - 1] >= begin + block.count)
        block.reach--;
    return block;
}

void head_gather(const struct head *h, const struct block *block, const float *from, float factor, float *to)
{
    for (size_t f = 0; f < h->width; f++) {
        for (size_t i = 0; i < LANES; i++)
            to[f * LANES + i] = i < block->count ? from[head_place(h, h->queries, f, block->begin + i)] * factor : 0;
    }
}

/* ---- products ---- */

void head_along_features(const struct head *h, const struct block *block, const float *by_key, const float *x,
                         float *panel)
{
    const struct panel_product product = { .a = by_key,
                                           .x = x,
                                           .y = panel,
                                           .a_row = 1,
                                           .a_step = h->room,
                                           .x_step = LANES,
                                           .y_row = LANES,
                                           .rows = block->reach,
                                           .steps = h->width,
                                           .vectors = 1 };

    h->run->kernels->panel_product(&product);
}

void head_along_keys(const struct head *h, const struct block *block, const float *by_key, const float *panel, float *y)
{
    const struct panel_product product = { .a = by_key,
                                           .x = panel,
                                           .y = y,
                                           .a_row = h->room,
                                           .a_step = 1,
                                           .x_step = LANES,
                                           .y_row = LANES,
                                           .rows = h->width,
                                           .steps = block->reach,
                                           .vectors = 1 };

    h->run->kernels->panel_product(&product);
}

void head_along_queries(const struct head *h, const struct block *block, const float *by_query, float *panel,
                        float *sums)
{
    const size_t past = rounded(block->reach);
    float *turned = h->area[AREA_TURNED];
    struct panel_product product = { .a = by_query,
                                     .a_row = LANES,
                                     .a_step = 1,
                                     .x_step = h->room,
                                     .y_row = h->room,
                                     .rows = h->width,
                                     .steps = block->count,
                                     .vectors = 1,
                                     .add = true };

    memset(panel + block->reach * LANES, 0, (past - block->reach) * LANES * sizeof *panel);
    for (size_t key = 0; key < past; key++) {
        for (size_t i = 0; i < LANES; i++)
            turned[i * h->room + key] = panel[key * LANES + i];
    }
    for (size_t key = 0; key < past; key += LANES) {
        product.x = turned + key;
        product.y = sums + key;
        h->run->kernels->panel_product(&product);
    }
}

void head_attend(const struct head *h, const struct block *block)
{
    float *scores = h->area[AREA_SCORES];

    head_gather(h, block, h->run->in[QUERIES]->data, h->factor, h->area[AREA_QUERIES]);
    head_along_features(h, block, h->area[AREA_KEYS], h->area[AREA_QUERIES], scores);
    for (size_t j = 0; h->causal && j < block->reach; j++) {
        for (size_t i = 0; i < LANES && block->begin + i < head_tokens(h)[j]; i++)
            scores[j * LANES + i] = -INFINITY;
    }
    if (block->reach)
        h->run->kernels->panel_softmax(scores, block->reach, 1);
}
